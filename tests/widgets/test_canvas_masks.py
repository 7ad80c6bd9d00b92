"""Masks on the canvas: suggested, accepted, painted, split, joined, deleted, by mouse and key."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import HintSet, Masks, Points, Predictions
from napari_inkling.widgets.canvas_view import camera_of
from tests.widgets import driving

pytestmark = pytest.mark.window

#: Discs of radius 8 around these places.
PLACES = [(30, 30), (30, 60), (70, 100)]


def discs(places, **columns):
    y, x = np.mgrid[-8:9, -8:9]
    return Masks.from_crops(np.subtract(places, 8), [y**2 + x**2 <= 64] * len(places), **columns)


@pytest.fixture
def masks(bridge):
    """The canvas with three suggested cells, each with point and mask."""
    found = discs(PLACES, sources="model", scores=[0.9, 0.8, 0.4])
    points = Points(PLACES, sources="model", scores=found.scores, ids=found.ids)
    bridge.found = found
    bridge.session.suggestions.put(bridge.session.plane, Predictions(points, masks=found, radius=8.0))
    camera_of(bridge.viewer).zoom = 6
    driving.settle(0.05)
    return bridge


def held(bridge):
    return bridge.session.annotations.hints.masks


def shown(bridge):
    return bridge.hints.masks.layer.data


def test_suggested_masks_are_outlines_above_the_threshold(masks):
    layer = masks.suggested_masks.layer
    assert type(layer).__name__ == "Labels"
    assert layer.data.shape == (100, 150)
    assert (layer.data[30, 22], layer.data[30, 52]) != (0, 0)
    assert layer.data[30, 30] == layer.data[70, 92] == 0  # hollow; below the threshold
    assert layer.features["score"].tolist() == [0.9, 0.8]
    assert layer.features["class"].tolist() == ["cell", "cell"]
    assert len(masks.suggestions.layer.data) == 0  # no ring where there is an outline
    masks.session.suggestions.threshold = 0.3
    driving.settle()
    assert layer.data[70, 92] > 0
    np.testing.assert_allclose(layer.scale, masks.images.primary.scale)
    assert not layer.editable


def test_accept_with_click_key_and_undo(masks):
    driving.press_key(masks.viewer, "Shift+Z")
    driving.click_at(masks.viewer, 34, 30, modifiers=["Shift"])
    hints = masks.session.annotations.hints
    assert hints.masks.ids.tolist() == hints.points.ids.tolist()
    assert len(hints.masks) == 1
    assert shown(masks)[30, 30] > 0
    assert masks.suggested_masks.layer.data[30, 22] == 0
    driving.press_key(masks.viewer, "G")
    driving.press_key(masks.viewer, "W")
    assert len(held(masks)) == 2
    driving.press_key(masks.viewer, "Ctrl+Z")
    driving.press_key(masks.viewer, "Ctrl+Z")
    assert (len(held(masks)), shown(masks).max()) == (0, 0)
    assert masks.suggested_masks.layer.data[30, 22] > 0
    driving.press_key(masks.viewer, "Shift+E")
    assert len(held(masks)) == 2


def test_brush_draws_a_new_mask_and_more_onto_it(masks):
    driving.press_key(masks.viewer, "Shift+D")
    assert masks.tool == "brush"
    masks.hints.masks.layer.brush_size = 5
    driving.drag(masks.viewer, (70, 30), (70, 40))
    assert len(held(masks)) == 1
    first = held(masks)
    assert masks.session.annotations.can_undo == "draw mask"
    assert (first.sources[0], first.classes[0]) == ("human", "cell")
    driving.drag(masks.viewer, (70, 40), (80, 40))
    assert held(masks).ids.tolist() == first.ids.tolist()
    assert held(masks).areas[0] > first.areas[0]
    assert masks.session.annotations.can_undo == "paint mask"
    driving.press_key(masks.viewer, "Ctrl+Z")  # napari has its own undo in such layers
    assert held(masks).equals(first)
    assert (shown(masks) > 0).sum() == first.areas[0]
    driving.press_key(masks.viewer, "Ctrl+Shift+Z")
    assert held(masks).areas[0] > first.areas[0]


def test_a_brush_takes_nothing_from_another_mask(masks):
    masks.session.review.accept_above()
    before = held(masks)
    masks.tool = "brush"
    driving.drag(masks.viewer, (45, 30), (30, 30))
    assert len(held(masks)) == 3
    assert held(masks).with_ids(before.ids).areas.tolist() == before.areas.tolist()


def test_a_suggestion_under_the_brush_becomes_the_persons(masks):
    masks.tool = "brush"
    masks.hints.masks.layer.brush_size = 5
    driving.drag(masks.viewer, (30, 30), (42, 30))
    hints = masks.session.annotations.hints
    assert (len(hints.masks), hints.masks.sources[0]) == (1, "human")
    assert hints.masks.areas[0] > masks.found.areas[0]
    assert hints.points.ids.tolist() == hints.masks.ids.tolist()
    assert masks.session.suggestions.shown().masks.ids.tolist() == masks.found.ids[1:2].tolist()
    driving.press_key(masks.viewer, "Ctrl+Z")
    assert len(masks.session.annotations.hints) == 0
    assert shown(masks).max() == 0


def test_erase_part_of_one_and_all_of_it(masks):
    masks.session.review.accept_above()
    driving.press_key(masks.viewer, "Shift+R")
    masks.hints.masks.layer.brush_size = 5
    driving.drag(masks.viewer, (30, 25), (36, 25))
    assert held(masks).areas.min() < masks.found.areas[0]
    assert "erase part of mask" in masks.session.annotations.can_undo
    masks.hints.masks.layer.brush_size = 40
    driving.drag(masks.viewer, (30, 60), (31, 60))
    assert len(held(masks)) == 1
    assert masks.session.annotations.can_undo == "delete mask"
    driving.press_key(masks.viewer, "Ctrl+Z")
    assert len(held(masks)) == 2
    assert shown(masks)[30, 60] > 0


def test_split_by_a_drawn_line(masks):
    centre = camera_of(masks.viewer).center
    masks.session.review.accept_above()
    driving.press_key(masks.viewer, "Shift+F")
    driving.drag(masks.viewer, (18, 31), (42, 31))
    assert len(held(masks)) == 3
    assert camera_of(masks.viewer).center == centre  # the view stayed
    colours = {shown(masks)[30, x] % masks.hints.masks.plane.colours for x in (26, 35)}
    assert len(colours) == 2  # one sees where one ends
    driving.drag(masks.viewer, (18, 60), (42, 60))
    assert len(held(masks)) == 4
    driving.drag(masks.viewer, (60, 60), (80, 60))
    assert "the line crosses no mask" in masks.session.messages[-1][1]
    driving.press_key(masks.viewer, "Ctrl+Z")
    driving.press_key(masks.viewer, "Ctrl+Z")
    assert len(held(masks)) == 2


def test_merge_two_by_clicks(masks):
    masks.session.annotations.edit(HintSet(), HintSet(masks=discs([(70, 40), (70, 58)])), "draw")
    driving.press_key(masks.viewer, "Shift+M")
    driving.click_at(masks.viewer, 70, 40)
    assert len(held(masks)) == 2
    driving.click_at(masks.viewer, 70, 58)
    assert len(held(masks)) == 1
    assert shown(masks)[70, 49] > 0
    driving.click_at(masks.viewer, 30, 30)
    driving.click_at(masks.viewer, 70, 58)
    assert "pixels lie between" in masks.session.messages[-1][1]
    driving.press_key(masks.viewer, "Ctrl+Z")
    assert len(held(masks)) == 2


def test_delete_with_a_click(masks):
    masks.session.review.accept([masks.found.ids[0]])
    driving.press_key(masks.viewer, "Shift+K")
    driving.click_at(masks.viewer, 30, 30)
    assert len(masks.session.annotations.hints) == 0
    assert len(masks.session.suggestions.shown().masks) == 2
    driving.click_at(masks.viewer, 30, 60)
    assert len(masks.session.suggestions.shown().masks) == 1
    assert masks.session.messages[-1][1] == "Rejected. Undo takes it back."
    driving.press_key(masks.viewer, "Ctrl+Z")
    masks.review.marks_background = True
    driving.click_at(masks.viewer, 30, 60)
    assert masks.session.messages[-1][1] == "Rejected and marked “not a cell”. Undo takes it back."
    driving.press_key(masks.viewer, "Ctrl+Z")
    driving.press_key(masks.viewer, "Ctrl+Z")
    assert len(held(masks)) == 1


def test_too_small_is_refused(masks):
    masks.tool = "brush"
    masks.hints.masks.layer.brush_size = 1
    driving.click_at(masks.viewer, 70, 30)
    assert "fewer than 5 pixels" in masks.session.messages[-1][1]
    assert (len(held(masks)), shown(masks).max()) == (0, 0)


def test_masks_are_there_again_after_a_restart(masks):
    from napari_inkling.session import Session
    from napari_inkling.widgets.layers import LayerBridge
    from tests.widgets.conftest import NoRunner

    viewer = masks.viewer
    masks.session.review.accept_above()
    masks.tool = "split"
    driving.drag(viewer, (18, 31), (42, 31))
    before, folder = held(masks), masks.session.project.folder
    masks.close()
    masks.session.close()
    viewer.layers.clear()
    again = Session(runner=NoRunner())
    again.open_project(folder)
    bridge = LayerBridge(viewer, again)
    driving.settle(0.1)
    assert len(before) == 3
    assert again.annotations.hints.masks.equals(before)
    assert len(np.unique(shown(bridge))) == 4
    driving.press_key(viewer, "Ctrl+Z")
    assert len(held(bridge)) == 2
    bridge.close()
    again.close()


def test_an_image_too_large_for_masks_is_told(masks, monkeypatch):
    monkeypatch.setattr("napari_inkling.widgets.canvas_hints.MOST_PIXELS", 14_999)
    driving.press_key(masks.viewer, "Shift+D")
    assert "This image has 15,000 pixels" in masks.session.messages[-1][1]
