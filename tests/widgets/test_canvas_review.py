"""Suggestions on the canvas: shown apart from hints, gone through, judged by key and mouse."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, HintSet, Points
from napari_inkling.widgets.canvas_view import camera_of
from napari_inkling.widgets.suggestion_layers import opacity_of
from tests.session.conftest import outlined
from tests.widgets import driving
from tests.widgets.conftest import IMAGE

PLACES = [[20.0, 30.0], [50.0, 60.0], [80.0, 120.0], [80.0, 40.0]]
SCORES = [0.95, 0.55, 0.7, 0.3]


def test_opacity_grows_with_the_score():
    np.testing.assert_allclose(opacity_of(np.array([0.5, 0.75, 1.0, np.nan, 0.2]), 0.5),
                               [0.6, 0.8, 1.0, 0.6, 0.6])  # fmt: skip


@pytest.fixture
def review(bridge):
    bridge.ids = driving.suggest(bridge.session, PLACES, SCORES).tolist()
    return bridge


pytestmark = pytest.mark.window


def test_suggestions_are_hollow_and_apart(review):
    layer = review.suggestions.layer
    np.testing.assert_allclose(layer.data, PLACES[:3])
    assert (layer.face_color[:, 3] == 0).all()
    assert layer.size.tolist() == [12, 12, 12]
    np.testing.assert_allclose(layer.border_color[:, 3], [0.96, 0.64, 0.76], atol=1e-3)
    assert not layer.editable
    review.session.suggestions.threshold = 0.2
    driving.settle()
    assert len(layer.data) == 4
    assert len(review.session.annotations.hints) == 0
    assert review.session.annotations.can_undo == ""


def test_fewer_more_and_no_suggestions(review):
    for count in (5000, 3, 0, 40):
        places = np.random.default_rng(0).random((count, 2)) * 99
        driving.suggest(review.session, places, np.full(count, 0.8))
        assert len(review.suggestions.layer.data) == count


def test_keys_go_through_the_doubtful_first(review):
    camera_of(review.viewer).zoom = 30
    driving.press_key(review.viewer, "G")
    assert review.review.focused == review.ids[1]  # 0.55 at threshold 0.5
    np.testing.assert_allclose(camera_of(review.viewer).center[-2:], [50, 60])
    driving.press_key(review.viewer, "G")
    assert review.review.focused == review.ids[2]
    driving.press_key(review.viewer, "Shift+G")
    driving.press_key(review.viewer, "Shift+G")
    assert review.review.focused == review.ids[0]
    np.testing.assert_allclose(review.guides.layer.data[0], PLACES[0])


def test_at_the_edge_the_image_still_fills_the_canvas(review):
    camera, view = camera_of(review.viewer), review.view
    camera.zoom = 20
    view.look_at((1, 148), 3)
    y0, x0, y1, x1 = view.box()
    assert (y0, x1) == pytest.approx((-5, 154))  # two radii around it: the cell is seen whole
    assert y1 - y0 == pytest.approx(view.size[0] / 20) and x1 - x0 == pytest.approx(view.size[1] / 20)
    view.look_at((10, 140), 3)
    y0, x0, y1, x1 = view.box()
    assert (y0, x1) == pytest.approx((-0.5, 149.5))
    view.look_at((50, 75), 3)
    np.testing.assert_allclose(camera.center[-2:], [50, 75])


def test_an_image_that_is_seen_whole_stays_in_the_middle(review):
    camera_of(review.viewer).zoom = 1
    review.view.look_at((1, 148), 30)
    np.testing.assert_allclose(camera_of(review.viewer).center[-2:], [49.5, 74.5])


def test_an_image_is_fitted_whatever_lies_around_it(review):
    review.viewer.add_image(np.zeros((2000, 2000)))
    review.view.fit()
    np.testing.assert_allclose(camera_of(review.viewer).center[-2:], [49.5, 74.5])
    y0, x0, y1, x1 = review.view.box()
    assert min((y1 - y0) / 100, (x1 - x0) / 150) == pytest.approx(1 / 0.95)


def test_accept_goes_on_to_the_next(review):
    driving.press_key(review.viewer, "G")
    driving.press_key(review.viewer, "W")
    points = review.session.annotations.hints.points
    np.testing.assert_allclose(points.coordinates, [PLACES[1]])
    assert points.sources.tolist() == ["accepted"]
    assert review.review.focused == review.ids[2]
    driving.press_key(review.viewer, "Q")
    assert review.review.focused == review.ids[0]
    assert len(review.session.annotations.hints.points) == 1
    driving.press_key(review.viewer, "Shift+Q")
    assert review.session.annotations.hints.points.classes.tolist() == ["cell", BACKGROUND]
    assert review.review.focused is None
    assert len(review.suggestions.layer.data) == 0
    driving.press_key(review.viewer, "Ctrl+Z")
    assert len(review.suggestions.layer.data) == 1


def test_the_mouse_says_which_is_meant(review):
    driving.press_key(review.viewer, "G")
    driving.move_to(review.viewer, 81, 121)
    driving.wait_until(lambda: review.review.meant() == review.ids[2])
    driving.press_key(review.viewer, "W")
    np.testing.assert_allclose(review.session.annotations.hints.points.coordinates, [PLACES[2]])
    assert review.review.focused == review.ids[1]


def test_no_suggestion_meant_is_told(review):
    driving.press_key(review.viewer, "W")
    assert "No suggestion is meant" in review.session.messages[-1][1]


def test_accept_in_view_and_above(review):
    camera = camera_of(review.viewer)
    camera.center, camera.zoom = (0, 20, 30), 12
    y0, x0, y1, x1 = review.view_box()
    assert y0 < 20 < y1 < 80
    assert x0 < 30 < x1 < 120
    driving.press_key(review.viewer, "Shift+W")
    assert len(review.session.annotations.hints.points) < 3
    assert PLACES[0] in review.session.annotations.hints.points.coordinates.tolist()
    driving.press_key(review.viewer, "Shift+E")
    assert len(review.session.annotations.hints.points) == 3


def test_clicks_with_the_pan_tool(review):
    driving.press_key(review.viewer, "Shift+Z")
    focused = []
    review.focus_changed.connect(focused.append)
    driving.click_at(review.viewer, *PLACES[0])
    assert focused == [review.ids[0]]
    driving.click_at(review.viewer, *PLACES[1], modifiers=["Shift"])
    np.testing.assert_allclose(review.session.annotations.hints.points.coordinates, [PLACES[1]])
    driving.click_at(review.viewer, *PLACES[2], modifiers=["Ctrl"])
    driving.settle()
    np.testing.assert_allclose(review.suggestions.layer.data, [PLACES[0]])
    assert len(review.session.annotations.hints.points) == 1


def test_marking_a_cell_on_a_suggestion_takes_its_place(review):
    driving.click_at(review.viewer, 51, 61)
    assert review.session.annotations.hints.points.sources.tolist() == ["human"]
    np.testing.assert_allclose(review.suggestions.layer.data, [PLACES[0], PLACES[2]])


def test_the_focus_stays_when_a_preview_comes(review):
    driving.press_key(review.viewer, "G")
    centre = camera_of(review.viewer).center
    ids = driving.suggest(review.session, [[10.0, 10.0], [52.0, 61.0]], [0.9, 0.8])
    assert review.review.focused == ids[1]
    np.testing.assert_allclose(camera_of(review.viewer).center, centre)
    driving.suggest(review.session, [[10.0, 10.0]], [0.9])
    assert review.review.focused is None
    assert len(review.guides.layer.data) == 0


def test_hide_and_show(review):
    driving.press_key(review.viewer, "H")
    assert not review.suggestions.layer.visible
    driving.press_key(review.viewer, "H")
    assert review.suggestions.layer.visible


def test_large_previews_wait_but_a_person_does_not(review, monkeypatch):
    monkeypatch.setattr(type(review.session.training), "active", True)
    monkeypatch.setattr("napari_inkling.widgets.canvas_suggestions.PAUSE_SECONDS", 3600)
    rng, shown = np.random.default_rng(0), review.suggestions
    before = shown.ids.tolist()
    for _ in range(3):
        ids = driving.suggest(review.session, rng.random((2000, 2)) * 99, np.linspace(0, 1, 2000))
        assert shown.ids.tolist() == before
    review.session.suggestions.threshold = 0.6
    driving.settle()
    assert shown.ids.tolist() == ids[1200:].tolist()
    driving.suggest(review.session, rng.random((2000, 2)) * 99, 0.9)
    assert shown.ids.tolist() == ids[1200:].tolist()
    driving.click_at(review.viewer, 50, 60)
    assert set(ids[1200:]).isdisjoint(shown.ids.tolist())
    few = driving.suggest(review.session, rng.random((20, 2)) * 99, 0.9)
    assert shown.ids.tolist()
    assert set(shown.ids.tolist()) <= set(few.tolist())


def test_what_one_goes_to_counts_as_looked_at(review):
    session = review.session
    assert session.guide.looked() == (0, 3, 0)
    driving.press_key(review.viewer, "G")
    driving.press_key(review.viewer, "G")
    assert session.guide.looked() == (2, 3, 0)
    driving.press_key(review.viewer, "Shift+G")
    assert session.guide.looked() == (2, 3, 0)
    driving.press_key(review.viewer, "Shift+Z")
    driving.click_at(review.viewer, *PLACES[0])
    assert session.guide.looked() == (3, 3, 0)


def test_another_image_begins_with_its_most_doubtful(make_bridge):
    bridge = make_bridge({"a": IMAGE, "b": IMAGE})
    a, b = (record.planes()[0] for record in bridge.session.project.images)
    ids = {ref: driving.suggest(bridge.session, PLACES[:3], SCORES[:3], ref).tolist() for ref in (a, b)}
    driving.press_key(bridge.viewer, "G")
    driving.press_key(bridge.viewer, "G")
    assert bridge.review.focused == ids[a][2]
    driving.move_to(bridge.viewer, *PLACES[2])
    driving.wait_until(lambda: bridge.view.pointed_at is not None)
    bridge.session.go_to(b)
    assert bridge.view.pointed_at is None  # the image came under the mouse, which points at nothing in it
    driving.press_key(bridge.viewer, "G")
    assert bridge.review.focused == ids[b][1]


def test_next_goes_through_all_images(make_bridge):
    bridge = make_bridge({"a": IMAGE, "b": IMAGE})
    session, viewer = bridge.session, bridge.viewer
    driving.press_key(viewer, "N")
    assert session.messages[-1][1] == "There is nothing to look at yet: train first."
    a, b = (record.planes()[0] for record in session.project.images)
    in_a = driving.suggest(session, [[20.0, 30.0], [80.0, 120.0]], [0.6, 0.9], a).tolist()
    in_b = driving.suggest(session, [[50.0, 60.0]], [0.7], b).tolist()
    seen = []
    for _ in range(3):  # doubts .8, .6 and .2
        driving.press_key(viewer, "N")
        seen.append((session.plane, bridge.review.focused))
    assert seen == [(a, in_a[0]), (b, in_b[0]), (a, in_a[1])]
    np.testing.assert_allclose(bridge.guides.layer.data[0], [80, 120])
    y0, x0, y1, x1 = bridge.view.box()
    assert y0 < 80 < y1 and x0 < 120 < x1
    assert (session.guide.looked(a), session.guide.looked(b)) == ((2, 2, 0), (1, 1, 0))
    driving.press_key(viewer, "N")
    assert session.messages[-1][1].startswith("Nothing is left to look at")
    assert "2 images have not been searched" in session.messages[-1][1]


def test_after_undo_the_next_verdict_is_for_the_same_one(review):
    session, first = review.session, review.ids[1]
    camera_of(review.viewer).zoom = 30
    for key in ("W", "Q"):
        driving.press_key(review.viewer, "G")
        assert review.review.focused == first
        driving.press_key(review.viewer, key)
        assert review.review.focused == review.ids[2]
        driving.press_key(review.viewer, "Ctrl+Z")
        assert review.review.focused == first
        np.testing.assert_allclose(camera_of(review.viewer).center[-2:], PLACES[1])
        review.review.start_over()
    driving.press_key(review.viewer, "G")
    driving.press_key(review.viewer, "W")
    driving.press_key(review.viewer, "Ctrl+Z")
    driving.press_key(review.viewer, "Q")
    assert len(session.annotations.hints.points.cells) == 0
    assert first not in session.suggestions.shown().points.ids
    assert review.review.focused == review.ids[2]


def test_after_undo_of_outlined_cells_too(bridge):
    """They have a point and a mask each; and what is undone later was judged earlier."""
    bridge.session.suggestions.put(
        bridge.session.plane, outlined((20, 20), (50, 60), (80, 90), ids=(1, 2, 3))
    )
    driving.settle(0.1)
    driving.press_key(bridge.viewer, "G")
    seen = []
    for _ in range(2):
        seen.append(bridge.review.focused)
        driving.press_key(bridge.viewer, "W")
    for expected in reversed(seen):
        driving.press_key(bridge.viewer, "Ctrl+Z")
        assert bridge.review.focused == expected
    driving.press_key(bridge.viewer, "Ctrl+Shift+Z")
    assert len(bridge.session.annotations.hints.masks) == 1
    assert bridge.review.focused != seen[0]


def test_undo_of_a_click_leaves_the_focus(review):
    driving.press_key(review.viewer, "G")
    driving.press_key(review.viewer, "W")
    review.review.focus(None)
    driving.press_key(review.viewer, "Ctrl+Z")  # nobody steps, so that the focus stays away
    assert review.review.focused is None
    driving.press_key(review.viewer, "G")
    driving.press_key(review.viewer, "G")
    focused = review.review.focused
    review.session.annotations.edit(
        review.session.annotations.hints, HintSet(Points([PLACES[2]])), "add point"
    )
    driving.press_key(review.viewer, "Ctrl+Z")
    assert review.review.focused == focused


def test_undo_and_redo_show_where_they_change_something(review):
    camera = camera_of(review.viewer)
    review.review.focus(review.ids[1])
    driving.press_key(review.viewer, "W")  # accepts it
    review.review.focus(None)
    camera.zoom = 40
    for key, accepted in (("Ctrl+Z", 0), ("Ctrl+Shift+Z", 1)):
        camera.center = (0, 20, 30)
        driving.press_key(review.viewer, key)
        assert len(review.session.annotations.hints.points) == accepted
        np.testing.assert_allclose(camera.center[-2:], PLACES[1])
        assert camera.zoom == 40
    camera.center = (0, PLACES[1][0] + 1, PLACES[1][1] + 1)  # it is in view, so that nothing moves
    driving.press_key(review.viewer, "Ctrl+Z")
    np.testing.assert_allclose(camera.center[-2:], np.add(PLACES[1], 1))
