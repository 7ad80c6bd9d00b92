"""The main job with boxes: mark some of each class, train, judge and correct what is suggested, come back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_inkling.project.formats import FORMATS
from napari_inkling.widgets.canvas_view import camera_of
from tests.fake_method import FAKE_BOXES
from tests.widgets.dock_driving import click, open_dock, picture, train_to_the_end
from tests.widgets.driving import click_at, drag, press_key, settle, wait_until

pytestmark = pytest.mark.window


@pytest.fixture
def dock(viewer, tmp_path):
    made = open_dock(viewer, FAKE_BOXES)
    made.session.new_project(tmp_path / "work.inkling", ["red", "white"])
    made.images.add_paths([picture(tmp_path)])
    settle(0.1)
    yield made
    made.close_down()


def mark(viewer):
    """Two boxes and a point, each of the fake's suggestions 8 by 6 pixels around (5, 5), (5, 15), …"""
    press_key(viewer, "Shift+B")
    drag(viewer, (41, 42), (49, 48))
    press_key(viewer, "Ctrl+2")
    drag(viewer, (21, 62), (29, 68))
    press_key(viewer, "Shift+C")
    click_at(viewer, 25, 35)


def test_from_boxes_to_corrected_suggestions_and_back(viewer, dock):
    mark(viewer)
    settle(0.1)
    assert [chip.text() for chip in dock.annotate.chips.chips.values()] == ["red  1", "white  2"]
    train_to_the_end(dock)
    session, review = dock.session, dock.bridge.review
    found = len(session.suggestions.shown().boxes)
    assert found == 58  # 60 of 120 above the threshold, and two have a box
    assert dock.review.counts.text().startswith("58 suggested")
    layer = next(layer for layer in viewer.layers if layer.name == "Inkling suggested boxes")
    assert len(set(layer.features["id"])) == found
    assert dock.review.looked.text() == "3 of 60 looked at"

    click(dock.review.next)
    assert review.focused is not None
    name, score = review.box.classes[0], review.box.scores[0]
    assert dock.review.score.text().startswith(f"The one in the ring: {name}, score {score:.2f}, ")
    click(dock.review.accept_button)
    assert session.annotations.hints.boxes.sources.tolist() == ["human", "human", "accepted"]
    press_key(viewer, "G")
    press_key(viewer, "Ctrl+1" if review.box.classes[0] == "white" else "Ctrl+2")
    assert session.annotations.hints.boxes.sources.tolist() == ["human", "human", "accepted", "human"]

    press_key(viewer, "Shift+S")
    settle(0.1)
    name = str(review.box.classes[0])
    click(dock.annotate.chips.chips[name])  # with select in hand it is as good as the key
    assert session.annotations.hints.boxes.classes[-1] == name
    press_key(viewer, "Ctrl+Z")
    press_key(viewer, "G")
    settle(0.1)
    _, x0, y1, x1 = edges = review.box.coordinates[0]
    camera_of(viewer).zoom = 20
    settle(0.05)
    drag(viewer, (y1, (x0 + x1) / 2), (y1 + 3, (x0 + x1) / 2))
    np.testing.assert_allclose(
        session.annotations.hints.boxes.coordinates[-1], np.add(edges, (0, 0, 3, 0)), atol=0.3
    )

    press_key(viewer, "Shift+E")
    settle(0.1)
    hints = session.annotations.hints
    assert (len(hints.boxes), len(hints.points)) == (60, 1)
    assert hints.points.ids[0] in hints.boxes.ids  # the cell that was clicked is one of the 60
    assert dock.review.counts.text().startswith("0 suggested")
    folder = session.project.folder
    dock.close_down()
    viewer.layers.clear()

    again = open_dock(viewer, FAKE_BOXES)
    again.open_project(folder)
    settle(0.1)
    assert again.session.annotations.hints.boxes.equals(hints.boxes)
    assert again.bridge.hints.boxes.layer.nshapes == 60
    press_key(viewer, "Ctrl+Z")
    assert len(again.session.annotations.hints.boxes) == 5
    wait_until(lambda: len(again.session.suggestions.shown().boxes) == 55)  # from the saved model
    again.close_down()


def test_suggested_boxes_are_exported_in_every_format(viewer, dock, tmp_path):
    mark(viewer)
    train_to_the_end(dock)
    files = dock.session.files
    for name in FORMATS:
        assert files.export(tmp_path / name, name, "suggestions").exists()
    annotations = json.loads((tmp_path / "coco").read_text())["annotations"]
    assert len(annotations) == 58
    assert {a["category_id"] for a in annotations} == {1, 2}
    files.export(tmp_path / "both.json", "coco", "both")
    both = json.loads((tmp_path / "both.json").read_text())["annotations"]
    assert len(both) == 60
    assert sum("keypoints" in a for a in both) == 1  # the cell that was clicked, with its suggested box
    objects = (tmp_path / "voc" / "tile.xml").read_text()
    assert objects.count("<object>") == 58
