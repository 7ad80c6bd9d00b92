"""The canvas side on a real window: clicks become edits, edits become layers."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, HintSet, Points
from tests.widgets import driving
from tests.widgets.conftest import IMAGE, NoRunner

pytestmark = pytest.mark.window

#: From below.
IN_ORDER = [
    "tile",
    "Inkling suggested masks",
    "Inkling suggested boxes",
    "Inkling suggestions",
    "Inkling cell size",
    "Inkling masks",
    "Inkling boxes",
    "Inkling points",
]


def test_layers_lie_in_order_over_the_image(bridge):
    names = [layer.name for layer in bridge.viewer.layers]
    assert names == IN_ORDER
    assert bridge.tool == "cell"
    assert bridge.viewer.layers.selection.active is bridge.hints.points.layer


def test_a_click_is_one_edit(bridge):
    edits = []
    bridge.session.annotations.hints_changed.connect(edits.append)
    place = driving.click_at(bridge.viewer, 20, 30)
    points = bridge.session.annotations.hints.points
    np.testing.assert_allclose(points.coordinates, [place], atol=1e-6)
    assert points.classes.tolist() == ["cell"]
    assert points.sources.tolist() == ["human"]
    assert len(edits) == 1
    assert bridge.session.annotations.can_undo == "add point"
    assert bridge.hints.points.layer.features["id"].tolist() == points.ids.tolist()


def test_many_clicks_keep_their_own_ids(bridge):
    for y in range(10, 90, 20):
        driving.click_at(bridge.viewer, y, 40)
    points = bridge.session.annotations.hints.points
    assert len(points) == 4
    np.testing.assert_array_equal(bridge.hints.points.layer.features["id"], points.ids)
    np.testing.assert_allclose(bridge.hints.points.layer.data, points.coordinates)


def test_background_and_class_by_key(make_bridge):
    bridge = make_bridge(classes=("red", "white"))
    driving.click_at(bridge.viewer, 20, 30)
    driving.press_key(bridge.viewer, "Ctrl+2")
    driving.click_at(bridge.viewer, 40, 30)
    driving.press_key(bridge.viewer, "Shift+X")
    assert bridge.tool == "background"
    driving.click_at(bridge.viewer, 60, 30)
    driving.press_key(bridge.viewer, "Shift+C")
    driving.click_at(bridge.viewer, 80, 30)
    assert bridge.session.annotations.hints.points.classes.tolist() == ["red", "white", BACKGROUND, "white"]
    layer = bridge.hints.points.layer
    assert [str(s) for s in layer.symbol] == ["disc", "disc", "x", "disc"]
    assert not np.allclose(layer.face_color[0], layer.face_color[1])
    np.testing.assert_allclose(layer.face_color[1], layer.face_color[3])


def test_undo_and_redo_by_key(bridge):
    driving.click_at(bridge.viewer, 20, 30)
    driving.click_at(bridge.viewer, 50, 60)
    driving.press_key(bridge.viewer, "Ctrl+Z")
    assert len(bridge.session.annotations.hints.points) == len(bridge.hints.points.layer.data) == 1
    driving.press_key(bridge.viewer, "Ctrl+Z")
    assert len(bridge.session.annotations.hints.points) == len(bridge.hints.points.layer.data) == 0
    driving.press_key(bridge.viewer, "Ctrl+Shift+Z")
    driving.press_key(bridge.viewer, "Ctrl+Shift+Z")
    assert len(bridge.session.annotations.hints.points) == len(bridge.hints.points.layer.data) == 2
    assert bridge.session.annotations.can_redo == ""


def test_a_drag_is_one_edit_on_release(bridge):
    driving.click_at(bridge.viewer, 50, 50)
    driving.press_key(bridge.viewer, "Shift+S")
    was = bridge.session.annotations.hints.points
    during = []
    driving.drag(
        bridge.viewer,
        (50, 50),
        (70, 90),
        between=lambda: during.append(bridge.session.annotations.hints.points),
    )
    now = bridge.session.annotations.hints.points
    np.testing.assert_allclose(during[0].coordinates, was.coordinates)
    np.testing.assert_allclose(now.coordinates, [[70, 90]], atol=1)
    assert now.ids.tolist() == was.ids.tolist()
    assert bridge.session.annotations.can_undo == "move point"
    driving.press_key(bridge.viewer, "Ctrl+Z")
    np.testing.assert_allclose(bridge.hints.points.layer.data, was.coordinates)


def test_a_press_that_fails_does_not_hold_edits_back(bridge):
    with pytest.raises(AttributeError):
        next(bridge.mouse.on_press(bridge.viewer, event=None))
    driving.click_at(bridge.viewer, 20, 30)
    assert len(bridge.session.annotations.hints.points) == 1


def test_closing_in_the_middle_of_a_drag_keeps_it(bridge):
    driving.click_at(bridge.viewer, 50, 50)
    driving.press_key(bridge.viewer, "Shift+S")
    driving.drag(bridge.viewer, (50, 50), (70, 90), between=bridge.close)
    np.testing.assert_allclose(bridge.session.annotations.hints.points.coordinates, [[70, 90]], atol=1)
    assert bridge.session.annotations.can_undo == "move point"


def test_without_the_last_image_nothing_is_left_and_a_click_marks_nothing(bridge):
    driving.click_at(bridge.viewer, 50, 50)
    driving.suggest(bridge.session, [[20.0, 30.0]])
    assert len(bridge.suggestions.layer.data) == 1
    bridge.session.images.remove("tile")
    driving.settle(0.05)
    assert not bridge.images.layers
    assert len(bridge.suggestions.layer.data) == len(bridge.hints.points.layer.data) == 0
    driving.click_at(bridge.viewer, 30, 40)
    assert len(bridge.hints.points.layer.data) == 0
    assert bridge.session.messages == []
    assert bridge.tool == "cell"  # in hand again with the next image


def test_delete_several_at_once_is_one_edit(bridge):
    for x in (30, 60, 90):
        driving.click_at(bridge.viewer, 50, x)
    bridge.tool = "select"
    driving.drag(bridge.viewer, (20, 10), (80, 70))
    assert len(bridge.hints.points.layer.selected_data) == 2
    driving.press_key(bridge.viewer, "Delete")
    assert len(bridge.session.annotations.hints.points) == 1
    assert bridge.session.annotations.can_undo == "delete 2 points"
    bridge.session.annotations.undo()
    assert len(bridge.hints.points.layer.data) == 3


def test_select_and_choose_class_changes_it(make_bridge):
    bridge = make_bridge(classes=("red", "white"))
    driving.click_at(bridge.viewer, 50, 30)
    driving.click_at(bridge.viewer, 50, 90)
    driving.press_key(bridge.viewer, "Shift+S")
    driving.click_at(bridge.viewer, 50, 90)
    driving.press_key(bridge.viewer, "Ctrl+2")
    assert bridge.session.annotations.hints.points.classes.tolist() == ["red", "white"]
    np.testing.assert_allclose(bridge.hints.points.layer.face_color[1], bridge.hints.points.palette["white"])
    assert bridge.session.annotations.can_undo == "change class of 1 hint"


def test_a_box_is_drawn_moved_and_deleted(bridge):
    driving.press_key(bridge.viewer, "Shift+B")
    start, stop = driving.drag(bridge.viewer, (20, 30), (50, 80))
    boxes = bridge.session.annotations.hints.boxes
    np.testing.assert_allclose(boxes.coordinates, [[*start, *stop]], atol=0.5)
    assert bridge.session.annotations.can_undo == "add box"
    assert bridge.hints.boxes.layer.features["id"].tolist() == boxes.ids.tolist()
    driving.press_key(bridge.viewer, "Shift+S")
    driving.drag(bridge.viewer, (35, 55), (45, 65))
    moved = bridge.session.annotations.hints.boxes
    np.testing.assert_allclose(moved.coordinates, boxes.coordinates + 10, atol=1)
    assert moved.ids.tolist() == boxes.ids.tolist()
    driving.press_key(bridge.viewer, "Delete")
    assert len(bridge.session.annotations.hints.boxes) == 0
    driving.press_key(bridge.viewer, "Ctrl+Z")
    driving.press_key(bridge.viewer, "Ctrl+Z")
    assert bridge.hints.boxes.layer.nshapes == 1
    np.testing.assert_allclose(bridge.hints.boxes.seen().coordinates, boxes.coordinates, atol=1e-3)


def test_a_box_to_ignore_is_drawn_and_veils_what_is_suggested(make_bridge):
    bridge = make_bridge(classes=("red", "white"))
    driving.suggest(bridge.session, [[30.0, 50.0], [80.0, 50.0]])
    assert len(bridge.suggestions.layer.data) == 2
    driving.press_key(bridge.viewer, "Shift+I")
    assert bridge.tool == "ignore"
    start, stop = driving.drag(bridge.viewer, (20, 30), (50, 80))
    driving.settle(0.05)
    hints, layer = bridge.session.annotations.hints, bridge.hints.boxes.layer
    np.testing.assert_allclose(hints.boxes.coordinates, [[*start, *stop]], atol=0.5)
    assert hints.boxes.classes.tolist() == [IGNORE]
    assert not bridge.session.messages
    assert layer.face_color[0, 3] > 0, "one sees the image through grey"
    np.testing.assert_allclose(bridge.suggestions.layer.data, [[80, 50]])
    driving.press_key(bridge.viewer, "Shift+B")
    driving.drag(bridge.viewer, (60, 90), (80, 120))
    assert bridge.session.annotations.hints.boxes.classes.tolist() == [IGNORE, "red"]
    assert layer.face_color[1, 3] == 0
    driving.press_key(bridge.viewer, "Ctrl+Z")
    driving.press_key(bridge.viewer, "Ctrl+Z")
    driving.settle(0.05)
    assert len(bridge.suggestions.layer.data) == 2


def test_a_box_to_ignore_becomes_a_cell_by_the_class_key(bridge):
    bridge.tool = "ignore"
    driving.drag(bridge.viewer, (20, 30), (50, 80))
    driving.press_key(bridge.viewer, "Shift+S")
    driving.click_at(bridge.viewer, 35, 55)
    driving.press_key(bridge.viewer, "Ctrl+1")
    assert bridge.session.annotations.hints.boxes.classes.tolist() == ["cell"]
    assert bridge.hints.boxes.layer.face_color[0, 3] == 0


def test_who_chooses_a_class_draws_boxes_of_it_again(make_bridge):
    bridge = make_bridge(classes=("red", "white"))
    driving.press_key(bridge.viewer, "Shift+I")
    driving.press_key(bridge.viewer, "Ctrl+2")
    assert (bridge.tool, bridge.current_class) == ("box", "white")
    driving.drag(bridge.viewer, (20, 30), (50, 80))
    assert bridge.session.annotations.hints.boxes.classes.tolist() == ["white"]


def test_a_click_with_the_box_tool_is_refused(bridge):
    bridge.tool = "box"
    driving.click_at(bridge.viewer, 50, 50)
    assert len(bridge.session.annotations.hints) == 0
    assert bridge.hints.boxes.layer.nshapes == 0
    assert "too small" in bridge.session.messages[-1][1]


def test_a_box_is_cut_at_the_edge(bridge):
    bridge.tool = "box"
    driving.drag(bridge.viewer, (50, 50), (60, 170))
    np.testing.assert_allclose(
        bridge.session.annotations.hints.boxes.coordinates, [[50, 50, 60, 149.5]], atol=0.5
    )
    assert bridge.hints.boxes.seen().coordinates[0, 3] == 149.5


@pytest.mark.parametrize("place", [(-5.0, 50.0), (102.0, 80.0)])
def test_a_point_outside_is_refused(bridge, place):
    driving.click_at(bridge.viewer, *place)
    assert len(bridge.session.annotations.hints) == 0
    assert len(bridge.hints.points.layer.data) == 0
    level, text = bridge.session.messages[-1]
    assert level == "warning"
    assert "outside the image, which has 100 × 150 pixels" in text


def test_a_point_dragged_outside_goes_back(bridge):
    driving.click_at(bridge.viewer, 50, 140)
    was = bridge.session.annotations.hints.points.coordinates
    bridge.tool = "select"
    driving.drag(bridge.viewer, (50, 140), (50, 158))
    np.testing.assert_allclose(bridge.hints.points.layer.data, was)
    assert "outside" in bridge.session.messages[-1][1]


def test_the_same_pixel_twice_is_ignored(bridge):
    driving.click_at(bridge.viewer, 50, 50)
    driving.click_at(bridge.viewer, 50, 50)
    assert len(bridge.session.annotations.hints.points) == len(bridge.hints.points.layer.data) == 1
    assert "marked already" in bridge.session.messages[-1][1]


def test_a_read_only_project_reverts(viewer, make_session, tmp_path):
    from napari_inkling.session import Session
    from napari_inkling.widgets.layers import LayerBridge

    writer = make_session({"tile": IMAGE})
    writer.annotations.edit(HintSet(), HintSet(Points([[10.0, 10.0]])), "add point")
    reader = Session(runner=NoRunner())
    messages = []
    reader.message.connect(lambda level, text: messages.append((level, text)))
    reader.open_project(writer.project.folder)
    bridge = LayerBridge(viewer, reader)
    driving.settle(0.05)
    assert "read-only" in messages[0][1]
    driving.click_at(viewer, 50, 50)
    assert messages[-1][0] == "error"
    assert "read-only" in messages[-1][1]
    np.testing.assert_array_equal(bridge.hints.points.layer.data, [[10, 10]])
    bridge.close()
    reader.close()


def test_updates_by_the_program_are_no_edits(bridge):
    session = bridge.session
    driving.settle(0.05)
    session.annotations.edit(
        HintSet(),
        HintSet(Points([[10.0, 20.0], [30.0, 40.0]], classes=["cell", BACKGROUND]), Boxes([[5, 5, 20, 30]])),
        "import",
    )
    session.suggestions.threshold = 0.3
    session.radius.chosen = 12.0
    driving.settle(0.1)
    assert session.annotations.can_undo == "import"
    session.annotations.undo()
    driving.settle(0.1)
    assert session.annotations.can_undo == ""
    assert session.annotations.can_redo == "import"
    assert bridge.hints.boxes.layer.nshapes == len(bridge.hints.points.layer.data) == 0


def test_hints_follow_the_images_placement(bridge):
    image = bridge.images.primary
    image.scale = (0.5, 0.25)
    image.translate = (7, 3)
    image.rotate = 10
    for layer in (
        bridge.hints.points.layer,
        bridge.hints.boxes.layer,
        bridge.suggestions.layer,
        bridge.guides.layer,
    ):
        np.testing.assert_allclose(layer.scale, (0.5, 0.25))
        np.testing.assert_allclose(layer.translate, (7, 3))
        np.testing.assert_allclose(layer.data_to_world((10, 20)), image.data_to_world((10, 20)))
    bridge.viewer.reset_view()
    driving.settle(0.05)
    world = image.data_to_world((40, 60))
    driving.click_at(bridge.viewer, *world)
    np.testing.assert_allclose(bridge.session.annotations.hints.points.coordinates, [[40, 60]], atol=1)


def test_napari_modes_choose_tools(bridge):
    tools = []
    bridge.tool_changed.connect(tools.append)
    bridge.hints.points.layer.mode = "select"
    bridge.hints.points.layer.mode = "pan_zoom"
    bridge.viewer.layers.selection.active = bridge.hints.boxes.layer
    bridge.hints.boxes.layer.mode = "add_rectangle"
    bridge.viewer.layers.selection.active = bridge.images.primary
    bridge.tool = "ignore"
    bridge.hints.boxes.layer.mode = "select"
    bridge.hints.boxes.layer.mode = "add_rectangle"
    bridge.tool = "background"
    assert tools == ["select", "pan", "box", "pan", "ignore", "select", "ignore", "background"]


def test_a_removed_layer_loses_no_hint_and_comes_back(bridge):
    driving.click_at(bridge.viewer, 50, 50)
    bridge.viewer.layers.remove(bridge.hints.points.layer)
    driving.settle()
    assert len(bridge.session.annotations.hints.points) == 1
    assert "safe in the project" in bridge.session.messages[-1][1]
    bridge.tool = "cell"
    assert [layer.name for layer in bridge.viewer.layers][-1] == "Inkling points"
    assert len(bridge.hints.points.layer.data) == 1
    driving.click_at(bridge.viewer, 70, 70)
    assert len(bridge.session.annotations.hints.points) == 2


def test_paste_on_another_plane(make_bridge):
    bridge = make_bridge({"stack": np.stack([IMAGE, IMAGE[::-1]])})
    driving.click_at(bridge.viewer, 50, 50)
    bridge.tool = "select"
    driving.click_at(bridge.viewer, 50, 50)
    driving.press_key(bridge.viewer, "Ctrl+C")
    driving.press_key(bridge.viewer, "Right")
    assert bridge.session.plane.plane == (1,)
    driving.press_key(bridge.viewer, "Ctrl+V")
    driving.settle()
    assert len(bridge.session.annotations.hints.points) == 1
    bridge.session.go_to(bridge.session.project.images[0].planes()[0])
    assert len(bridge.session.annotations.hints.points) == 1


def test_close_disconnects_everything(viewer, make_session):
    from napari_inkling.widgets.layers import LayerBridge

    session = make_session({"tile": IMAGE})
    before = _connections(viewer, session)
    keys = dict(viewer.keymap)
    bridge = LayerBridge(viewer, session)
    driving.settle()
    assert _connections(viewer, session) != before
    assert viewer.keymap != keys
    driving.click_at(viewer, 50, 50)
    bridge.close()
    points = bridge.viewer.layers["Inkling points"]
    assert _connections(viewer, session) == before
    assert viewer.keymap == keys
    points.add([[20, 20]])
    driving.press_key(viewer, "Ctrl+Z")
    driving.settle(0.05)
    assert len(session.annotations.hints.points) == 1
    bridge.close()
    again = LayerBridge(viewer, session)
    assert [layer.name for layer in viewer.layers] == IN_ORDER
    assert len(again.hints.points.layer.data) == 1
    again.close()


def test_the_window_may_close_first(viewer, make_session):
    from napari_inkling.widgets.layers import LayerBridge

    bridge = LayerBridge(viewer, make_session({"tile": IMAGE}))
    driving.settle(0.05)
    bridge.hints.points.layer.add([[20, 20]])
    viewer.close()
    driving.settle()
    bridge.close()
    assert len(bridge.session.annotations.hints.points) == 1


def test_the_session_may_close_first(bridge):
    driving.click_at(bridge.viewer, 50, 50)
    bridge.session.close()
    bridge.close()


def test_nothing_holds_on_to_a_closed_bridge(viewer, make_session):
    from napari_inkling.widgets.layers import LayerBridge

    bridge = LayerBridge(viewer, make_session({"tile": IMAGE}))
    driving.click_at(viewer, 50, 50)
    bridge.close()
    bridge = weakref.ref(bridge)
    driving.settle()
    gc.collect()
    assert bridge() is None


def _connections(viewer, session):
    """Count what listens to the viewer and the session, apart from napari's own listening to its layers."""
    emitters = [
        viewer.dims.events.current_step,
        viewer.layers.selection.events.active,
        viewer.layers.events.removed,
    ]
    return (
        [len(emitter.callbacks) if hasattr(emitter, "callbacks") else len(emitter) for emitter in emitters],
        driving.listeners(session),
        len(viewer.mouse_drag_callbacks),
        len(viewer.mouse_move_callbacks),
    )
