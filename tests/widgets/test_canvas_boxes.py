"""Suggested boxes on the canvas: how they look, and how they are judged and corrected by mouse and key."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import Boxes, HintSet, Points, Predictions
from napari_inkling.widgets.box_layers import FEW, LINE, PLAIN, lines_of, look_of
from napari_inkling.widgets.canvas_boxes import grip_of
from napari_inkling.widgets.canvas_view import camera_of
from tests.widgets import driving

LINES = FEW.lines
#: In an image of 100 × 150 pixels; the last one is below the threshold.
PLACES = [
    [10.0, 20.0, 40.0, 60.0],
    [50.0, 20.0, 70.0, 50.0],
    [50.0, 90.0, 90.0, 140.0],
    [5.0, 100.0, 15.0, 110.0],
]
SCORES = [0.95, 0.7, 0.55, 0.3]
CLASSES = ["red", "red", "white", "red"]


def suggest_boxes(session, places=PLACES, scores=SCORES, classes=CLASSES):
    """Let a model suggest boxes on the plane on screen; return their ids."""
    boxes = Boxes(places, sources="model", scores=scores, classes=classes)
    session.suggestions.put(session.plane, Predictions(boxes=boxes))
    driving.settle(0.05)
    return boxes.ids.tolist()


def test_sides_are_open():
    lines = lines_of(np.array([[0.0, 0, 100, 200]]), FEW)
    assert lines.shape == (LINES, 2, 2)
    starts, ends = lines[:, 0].tolist(), (lines[:, 0] + lines[:, 1]).tolist()
    assert starts == [[0, 0]] * 2 + [[0, 200]] * 2 + [[100, 200]] * 2 + [[100, 0]] * 2
    assert ends == [[0, 64], [32, 0], [32, 200], [0, 136], [100, 136], [68, 200], [68, 0], [100, 64]]
    assert lines_of(np.empty((0, 4)), FEW).shape == (0, 2, 2)


def test_of_many_boxes_two_corners_are_drawn():
    assert (look_of(1000), look_of(1001)) == (FEW, PLAIN)
    lines = lines_of(np.array([[0.0, 0, 100, 200], [0, 0, 10, 10]]), PLAIN)
    assert lines[:4, 0].tolist() == [[0, 0], [0, 0], [100, 200], [100, 200]]
    assert lines[:4, 1].tolist() == [[0, 90], [45, 0], [0, -90], [-45, 0]]
    assert lines.shape == (8, 2, 2)


@pytest.mark.parametrize(
    ("at", "grip"),
    [
        ((0, 50), "y0"), ((-2, 50), "y0"), ((-3, 50), None), ((20, 50), "y0 x0 y1 x1"), ((39, 99), "y1 x1"),
        ((41.5, 0), "x0 y1"), ((20, 102.1), None), ((2, 98), "y0 x1"), ((3, 97), "y0 x0 y1 x1"),
    ],
)  # fmt: skip
def test_grips(at, grip):
    taken = grip_of(np.array([0.0, 0, 40, 100]), np.array(at, float), 2.0)
    names = None if taken is None else [n for n, t in zip(("y0", "x0", "y1", "x1"), taken, strict=True) if t]
    assert names == (None if grip is None else sorted(grip.split(), key=["y0", "x0", "y1", "x1"].index))


def test_the_middle_of_a_small_box_is_no_edge():
    box = np.array([0.0, 0, 6, 6])
    assert grip_of(box, np.array([3.0, 3]), 10).all()
    assert grip_of(box, np.array([1.0, 3]), 10).tolist() == [True, False, False, False]


@pytest.fixture
def review(make_bridge):
    bridge = make_bridge(classes=("red", "white"))
    bridge.ids = suggest_boxes(bridge.session)
    return bridge


window = pytest.mark.window


def hint_boxes(bridge):
    return bridge.session.annotations.hints.boxes


@window
def test_suggested_boxes_look_unlike_a_persons(review):
    layer = review.suggested_boxes.layer
    assert len(layer.data) == 3 * LINES
    assert layer.features["id"].tolist() == np.repeat(review.ids[:3], LINES).tolist()
    assert layer.features["class"].tolist() == ["red"] * 2 * LINES + ["white"] * LINES
    np.testing.assert_allclose(layer.features["score"], np.repeat(SCORES[:3], LINES))
    assert len(np.unique(layer.edge_color[:, :3], axis=0)) == 2
    assert not layer.editable
    assert len(review.suggestions.layer.data) == 0  # no ring where there is a box
    assert review.hints.boxes.layer.nshapes == 0


@window
def test_lines_stay_as_wide_on_the_screen(review):
    camera, layer = camera_of(review.viewer), review.suggested_boxes.layer
    for zoom in (0.5, 4.0, 30.0):
        camera.zoom = zoom
        assert LINE / 1.25 < layer.edge_width * zoom < LINE * 1.25
    drawn = review.viewer.window._qt_viewer.canvas.layer_to_visual[layer].node
    assert len(drawn._meshdata.get_faces()) == 2 * 3 * LINES


@window
def test_the_threshold_and_fewer_more_and_no_boxes(review):
    layer, session = review.suggested_boxes.layer, review.session
    session.suggestions.threshold = 0.2
    driving.settle()
    assert len(layer.data) == 4 * LINES
    session.suggestions.threshold = 0.9
    driving.settle()
    assert layer.features["id"].tolist() == [review.ids[0]] * LINES
    for count in (3000, 2, 0, 40):
        low = np.random.default_rng(0).random((count, 2)) * 80
        suggest_boxes(session, np.concatenate([low, low + 9], 1), np.full(count, 0.95), ["red"] * count)
        assert len(layer.data) == len(layer.features) == len(layer.edge_color) == count * look_of(count).lines


@window
def test_accept_and_reject_by_key(review):
    camera_of(review.viewer).zoom = 30
    driving.press_key(review.viewer, "G")
    assert review.review.focused == review.ids[2]  # the most doubtful
    np.testing.assert_allclose(camera_of(review.viewer).center[-2:], [70, 115])
    driving.press_key(review.viewer, "W")
    boxes = hint_boxes(review)
    np.testing.assert_allclose(boxes.coordinates, [PLACES[2]])
    assert (boxes.classes[0], boxes.sources[0], boxes.scores[0]) == ("white", "accepted", 0.55)
    assert review.hints.boxes.layer.nshapes == 1
    assert review.review.focused == review.ids[1]
    driving.press_key(review.viewer, "Q")
    assert review.review.focused == review.ids[0]
    assert len(review.suggested_boxes.layer.data) == LINES
    for left in (2, 3):
        driving.press_key(review.viewer, "Ctrl+Z")
        driving.settle(0.05)
        assert len(review.suggested_boxes.layer.data) == left * LINES
    assert review.hints.boxes.layer.nshapes == 0
    driving.press_key(review.viewer, "Ctrl+Shift+Z")
    assert len(hint_boxes(review)) == 1


@window
def test_clicks_with_the_pan_tool(review):
    driving.press_key(review.viewer, "Shift+Z")
    driving.click_at(review.viewer, 45, 75)  # beside all boxes
    assert review.review.focused is None
    driving.click_at(review.viewer, 12, 58)  # in a corner of the first one
    assert review.review.focused == review.ids[0]
    driving.click_at(review.viewer, 60, 40, modifiers=["Shift"])
    np.testing.assert_allclose(hint_boxes(review).coordinates, [PLACES[1]])
    driving.click_at(review.viewer, 60, 100, modifiers=["Ctrl"])
    driving.settle(0.05)
    assert set(review.suggested_boxes.layer.features["id"]) == {review.ids[0]}


@window
def test_of_boxes_over_one_another_the_smallest_is_meant(review):
    ids = suggest_boxes(review.session, [[10, 10, 80, 80], [30, 30, 45, 45]], [0.9, 0.9], ["red", "white"])
    driving.press_key(review.viewer, "Shift+Z")
    driving.click_at(review.viewer, 40, 40)
    assert review.review.focused == ids[1]
    driving.click_at(review.viewer, 60, 60)
    assert review.review.focused == ids[0]


@window
def test_accept_in_view_and_above(review):
    camera = camera_of(review.viewer)
    camera.center, camera.zoom = (0, 25, 40), 15
    driving.press_key(review.viewer, "Shift+W")
    np.testing.assert_allclose(hint_boxes(review).coordinates, [PLACES[0]])
    driving.press_key(review.viewer, "Shift+E")
    assert len(hint_boxes(review)) == 3
    driving.press_key(review.viewer, "Ctrl+Z")
    assert len(hint_boxes(review)) == 1


@window
@pytest.mark.parametrize("tool", ["Shift+S", "Shift+B", "Shift+Z"])
def test_an_edge_is_dragged(review, tool):
    driving.press_key(review.viewer, tool)
    review.focus(review.ids[0])
    camera_of(review.viewer).zoom, before = 5, camera_of(review.viewer).center
    lines = []
    driving.drag(review.viewer, (25, 60), (28, 68), between=lambda: lines.append(len(review.guides.line)))
    boxes = hint_boxes(review)
    np.testing.assert_allclose(boxes.coordinates, [[10, 20, 40, 68]], atol=0.5)
    assert (boxes.sources[0], boxes.scores[0], boxes.classes[0]) == ("human", 1.0, "red")
    assert lines == [5]
    assert review.guides.line == []
    assert review.session.annotations.can_undo == "correct box"
    assert camera_of(review.viewer).center == before
    assert review.review.focused is None
    assert review.hints.boxes.layer.nshapes == 1
    driving.press_key(review.viewer, "Ctrl+Z")
    driving.settle(0.05)
    assert len(hint_boxes(review)) == 0
    assert len(review.suggested_boxes.layer.data) == 3 * LINES


@window
def test_a_corner_is_dragged_past_the_edge_of_the_image(review):
    driving.press_key(review.viewer, "Shift+S")
    review.focus(review.ids[2])
    camera_of(review.viewer).zoom = 4
    driving.drag(review.viewer, (90, 140), (110, 158))
    np.testing.assert_allclose(hint_boxes(review).coordinates, [[50, 90, 99.5, 149.5]], atol=0.01)


@window
def test_with_select_a_box_is_clicked_moved_and_then_a_persons(review):
    driving.press_key(review.viewer, "Shift+S")
    driving.click_at(review.viewer, 60, 35)
    assert review.review.focused == review.ids[1]
    camera_of(review.viewer).zoom = 5
    driving.drag(review.viewer, (60, 35), (55, 45))
    np.testing.assert_allclose(hint_boxes(review).coordinates, [[45, 30, 65, 60]], atol=0.5)
    assert review.tool == "select"
    assert review.viewer.layers.selection.active is review.hints.boxes.layer
    assert review.hints.boxes.selected_ids.tolist() == hint_boxes(review).ids.tolist()
    driving.press_key(review.viewer, "Ctrl+2")  # of what is selected
    assert hint_boxes(review).classes.tolist() == ["white"]
    driving.press_key(review.viewer, "Delete")
    assert len(hint_boxes(review)) == 0


@window
def test_a_preview_while_dragging_does_not_matter(review):
    driving.press_key(review.viewer, "Shift+S")
    review.focus(review.ids[0])
    camera_of(review.viewer).zoom = 5
    places = np.add(PLACES, 1.0)
    driving.drag(review.viewer, (25, 60), (25, 68), between=lambda: suggest_boxes(review.session, places))
    np.testing.assert_allclose(hint_boxes(review).coordinates, [[10, 20, 40, 68]], atol=0.5)
    assert len(review.suggested_boxes.layer.data) == 2 * LINES


@window
def test_other_boxes_are_not_in_the_way_of_drawing(review):
    driving.press_key(review.viewer, "Shift+B")
    review.focus(review.ids[2])
    camera_of(review.viewer).zoom, camera_of(review.viewer).center = 5, (0, 40, 70)
    driving.drag(review.viewer, (40, 60), (48, 85))  # from the corner of one that is not in focus
    np.testing.assert_allclose(hint_boxes(review).coordinates, [[40, 60, 48, 85]], atol=0.5)
    assert len(review.suggested_boxes.layer.data) == 3 * LINES


@window
@pytest.mark.parametrize(
    ("key", "name", "source"), [("Ctrl+1", "red", "human"), ("Ctrl+2", "white", "accepted")]
)
def test_the_class_key_accepts_the_one_in_focus(review, key, name, source):
    driving.press_key(review.viewer, "G")
    driving.press_key(review.viewer, key)
    boxes = hint_boxes(review)
    assert (boxes.classes[0], boxes.sources[0]) == (name, source)
    np.testing.assert_allclose(boxes.coordinates, [PLACES[2]])
    assert review.current_class == "red"  # what is marked next is as it was
    assert review.review.focused == review.ids[1]
    assert f"Accepted as {name}" in review.session.messages[-1][1]
    driving.press_key(review.viewer, "Ctrl+Z")
    assert len(hint_boxes(review)) == 0


@window
def test_the_class_key_chooses_once_something_was_marked(review):
    driving.press_key(review.viewer, "G")
    camera_of(review.viewer).zoom = 5
    driving.press_key(review.viewer, "Shift+B")
    driving.press_key(review.viewer, "Ctrl+2")  # the tool was taken to draw one
    assert review.current_class == "white"
    driving.press_key(review.viewer, "G")
    driving.drag(review.viewer, (40, 100), (46, 130))
    suggest_boxes(review.session)
    driving.press_key(review.viewer, "Ctrl+1")
    assert review.current_class == "red"
    assert hint_boxes(review).classes.tolist() == ["white"]


@window
def test_boxes_and_points_of_several_classes_in_one_image(make_bridge):
    bridge = make_bridge(classes=("red", "white", "platelet"))
    driving.press_key(bridge.viewer, "Shift+B")
    driving.drag(bridge.viewer, (10, 10), (30, 35))
    driving.press_key(bridge.viewer, "Ctrl+2")
    driving.drag(bridge.viewer, (40, 10), (80, 60))
    driving.press_key(bridge.viewer, "Shift+C")
    driving.click_at(bridge.viewer, 20, 100)
    driving.press_key(bridge.viewer, "Ctrl+3")
    driving.click_at(bridge.viewer, 60, 100)
    driving.press_key(bridge.viewer, "Shift+B")
    driving.drag(bridge.viewer, (80, 100), (92, 115))
    hints = bridge.session.annotations.hints
    assert hints.boxes.classes.tolist() == ["red", "white", "platelet"]
    assert hints.points.classes.tolist() == ["white", "platelet"]
    layer = bridge.hints.boxes.layer
    assert layer.features["class"].tolist() == ["red", "white", "platelet"]
    expected = [bridge.hints.boxes.palette[name] for name in hints.boxes.classes]
    np.testing.assert_allclose(layer.edge_color, expected)


@window
def test_a_box_around_a_clicked_cell_is_of_that_cell(make_bridge):
    bridge = make_bridge(classes=("red", "white"))
    driving.click_at(bridge.viewer, 30, 40)
    driving.press_key(bridge.viewer, "Shift+B")
    driving.drag(bridge.viewer, (20, 30), (42, 52))
    hints = bridge.session.annotations.hints
    assert hints.boxes.ids.tolist() == hints.points.ids.tolist()
    assert bridge.hints.boxes.seen().ids.tolist() == hints.boxes.ids.tolist()
    driving.press_key(bridge.viewer, "Ctrl+Z")
    assert len(bridge.session.annotations.hints.boxes) == bridge.hints.boxes.layer.nshapes == 0


@window
def test_select_takes_points_and_boxes(make_bridge):
    bridge = make_bridge(classes=("red", "white"))
    before = HintSet(Points([[20, 20]], classes="red"), Boxes([[50, 50, 80, 90]], classes="red"))
    bridge.session.annotations.edit(HintSet(), before, "add")
    driving.press_key(bridge.viewer, "Shift+S")
    driving.drag(bridge.viewer, (65, 70), (60, 65))
    np.testing.assert_allclose(hint_boxes(bridge).coordinates, [[45, 45, 75, 85]], atol=0.5)
    driving.drag(bridge.viewer, (20, 20), (25, 30))
    np.testing.assert_allclose(bridge.session.annotations.hints.points.coordinates, [[25, 30]], atol=0.5)
    driving.click_at(bridge.viewer, 60, 60)
    driving.press_key(bridge.viewer, "Ctrl+2")
    assert hint_boxes(bridge).classes.tolist() == ["white"]
    assert bridge.session.annotations.hints.points.classes.tolist() == ["red"]


@window
def test_an_accepted_box_that_is_moved_is_a_persons(review):
    driving.press_key(review.viewer, "Shift+E")
    driving.press_key(review.viewer, "Shift+S")
    driving.drag(review.viewer, (25, 40), (20, 45))
    sources = dict(zip(hint_boxes(review).coordinates[:, 0].round(), hint_boxes(review).sources, strict=True))
    assert sources == {5.0: "human", 50.0: "accepted"}


@window
def test_a_clicked_cell_gets_the_suggested_box(review):
    driving.click_at(review.viewer, 25, 40)
    driving.settle(0.05)
    assert len(review.suggested_boxes.layer.data) == 3 * LINES
    assert review.session.guide.looked()[:2] == (1, 3)
    driving.press_key(review.viewer, "Shift+E")
    hints = review.session.annotations.hints
    assert hints.points.ids[0] in hints.boxes.ids
    assert len(review.suggested_boxes.layer.data) == 0


@window
@pytest.mark.parametrize(
    ("start", "stop", "kept"),
    [
        ((50, 50), (50, 50), None),  # without a size
        ((50, 50), (50, 90), None),
        ((-9, 20), (-3, 60), None),  # outside
        ((-8, -8), (108, 158), [-0.5, -0.5, 99.5, 149.5]),  # larger than the image
        ((10, 10), (30, 40), [10, 10, 30, 40]),
    ],
)
def test_bad_boxes(bridge, start, stop, kept):
    driving.press_key(bridge.viewer, "Shift+B")
    camera_of(bridge.viewer).zoom *= 0.8
    driving.drag(bridge.viewer, start, stop)
    expected = np.reshape([] if kept is None else kept, (-1, 4))
    np.testing.assert_allclose(hint_boxes(bridge).coordinates, expected, atol=0.5)
    assert bridge.hints.boxes.layer.nshapes == len(expected)
    assert ("too small" in str(bridge.session.messages)) == (kept is None)


@window
def test_the_same_box_twice_is_told(bridge):
    driving.press_key(bridge.viewer, "Shift+B")
    for _ in range(2):
        driving.drag(bridge.viewer, (10, 10), (40, 40))
    assert len(hint_boxes(bridge)) == 1
    assert bridge.hints.boxes.layer.nshapes == 1
    assert "drawn over one that is there" in bridge.session.messages[-1][1]


@window
def test_cells_of_one_pixel(review):
    ids = suggest_boxes(review.session, [[20, 20, 21, 21], [60, 60, 60.5, 60.5]], [0.9, 0.8], ["red", "red"])
    assert len(review.suggested_boxes.layer.data) == 2 * LINES
    driving.press_key(review.viewer, "Shift+Z")
    camera_of(review.viewer).zoom = 20
    review.focus(ids[0])
    driving.press_key(review.viewer, "W")
    assert hint_boxes(review).coordinates.tolist() == [[20, 20, 21, 21]]
