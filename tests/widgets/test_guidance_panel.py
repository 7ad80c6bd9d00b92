"""How many more?: advice on boxes, their sizes as a plot that is tied to the image, boxes of unusual size."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_inkling.core import Boxes, HintSet, PlaneRef, Points
from napari_inkling.widgets.panels.guidance import FOUND, POINTED
from napari_inkling.widgets.radius_circle import outline
from tests.widgets.dock_driving import click, open_dock, picture
from tests.widgets.driving import drag, press_key, settle, wait_until

pytestmark = pytest.mark.window


A, B = PlaneRef("tile"), PlaneRef("other")


def boxes(count: int, mean: float, name: str, first: float = 0.0) -> Boxes:
    """Boxes of nearly one size around the middle of the image, drawn one second after the other."""
    sizes = np.random.default_rng(0).normal(mean, mean / 30, (count, 2))
    corners = np.hstack([50 - sizes / 2, 50 + sizes / 2])
    return Boxes(corners, classes=name, sources="imported", times=first + np.arange(count))


ODD = Boxes([[10, 70, 45, 80]], classes="RBC", sources="imported", times=99)


def add(dock, ref, *rows):
    for some in rows:
        kind = "boxes" if isinstance(some, Boxes) else "points"
        dock.session.annotations.edit(HintSet(), HintSet(**{kind: some}), "mark", ref)
    settle(0.1)


@pytest.fixture
def empty(used_dock, tmp_path):
    """A dock with two images, three classes and no hint; the part is unfolded, the others are not."""
    made = used_dock
    made.session.new_project(tmp_path / "blood.inkling", ("RBC", "WBC", "Platelet"))
    made.images.add_paths([picture(tmp_path), picture(tmp_path, "other.png")])
    made.session.go_to(A)
    for panel in (made.images, made.train, made.review):
        click(panel.fold_button)
    click(made.guidance.fold_button)
    settle(0.3)
    return made


@pytest.fixture
def dock(empty):
    """26 boxes of one class and one of unusual size on the other image, two of another class, some points."""
    add(empty, A, boxes(26, 20, "RBC"), boxes(2, 30, "WBC"))
    add(empty, B, ODD, Points([[5, 5], [9, 9]], classes="Platelet", sources="imported"))
    return empty


def sentence(dock):
    return dock.guidance.next_step.text()


def place_in_plot(plot, x, y):
    """Return the pixel of a plot's viewport that shows x and y of its data."""
    at = plot.plot.getViewBox().mapViewToScene(QPointF(x, y))
    return plot.plot.mapFromScene(at)


def bring(dock, widget):
    dock.scroll.ensureWidgetVisible(widget)
    settle(0.05)


# -- what is said


def test_without_boxes_it_says_what_to_do_first(empty):
    panel = empty.guidance
    assert sentence(empty).startswith("Draw boxes around three cells of each class (Shift+B)")
    assert not panel.details.isVisible()
    assert not panel.chips.isVisible()
    assert panel.summary.text() == ""
    assert panel.density.plot is None  # nothing is drawn before there is something to show


def test_a_sentence_for_every_class(dock):
    panel = dock.guidance
    assert panel.summary.text() == "RBC: enough"
    assert sentence(dock) == "RBC: enough boxes (27), point the rest."
    assert not dock.guidance.meanwhile.isVisible()
    assert "expected" in dock.guidance.divergence.legend.text()
    assert {name: chip.text() for name, chip in panel.chips.chips.items()} == {
        "RBC": "RBC  enough",
        "WBC": "WBC  draw 1 first",
        "Platelet": "Platelet  draw 3 first",
    }
    assert panel.divergence.isVisible()
    click(panel.chips.chips["WBC"])
    assert sentence(dock).startswith("WBC: draw 1 more box first; till then the other classes")
    assert panel.borrowed.text().startswith("How much the sizes vary is taken from the other classes")
    assert panel.density.isVisible()
    assert not panel.divergence.isVisible()  # two boxes make no curve
    click(panel.chips.chips["Platelet"])
    assert sentence(dock).startswith(
        "Platelet: draw 3 boxes first; its 2 points borrow the size of all boxes"
    )
    assert panel.borrowed.text().startswith("No box of this class yet")
    assert len(panel.density.sizes) == 0
    assert dock.bridge.current_class == "RBC"  # looking at a class changes nothing


def test_it_follows_the_class_that_is_marked_next(dock):
    press_key(dock.viewer, "Ctrl+2")
    settle(0.05)
    assert dock.guidance.summary.text() == "WBC: draw 1 first"
    assert dock.guidance.chips.chips["WBC"].isChecked()


def test_it_follows_every_box(empty):
    press_key(empty.viewer, "Shift+B")
    for index in range(3):
        drag(empty.viewer, (10, 10 + 30 * index), (30, 30 + 30 * index))
        wait_until(lambda count=index + 1: len(empty.session.box_sizes.drawn("RBC")) == count)
        wait_until(lambda count=index + 1: len(empty.guidance.density.sizes) == count, 2)
    assert sentence(empty) == "RBC: 7 more, then it shows how many are enough."
    assert empty.guidance.meanwhile.isVisible()
    assert "expected" not in empty.guidance.divergence.legend.text()
    press_key(empty.viewer, "Ctrl+Z")
    wait_until(lambda: sentence(empty).startswith("RBC: draw 1 more box first"), 2)


def test_a_box_beside_thousands_shows(dock):
    add(dock, B, boxes(2000, 20, "RBC", first=200), boxes(2000, 30, "WBC", first=200))
    before = len(dock.guidance.density.sizes)
    dock.session.annotations.edit(HintSet(), HintSet(boxes=boxes(1, 21, "RBC", 3000)), "add box")
    wait_until(lambda: len(dock.guidance.density.sizes) == before + 1)


def test_folded_it_only_says_the_advice(viewer, tmp_path):
    made = open_dock(viewer)
    made.session.new_project(tmp_path / "blood.inkling", ("RBC",))
    made.images.add_paths([picture(tmp_path)])
    add(made, A, boxes(26, 20, "RBC"))
    assert made.guidance.is_folded
    assert made.guidance.summary.text() == "RBC: enough"
    assert made.guidance.density.plot is None
    made.close_down()


def test_classes_that_come_and_go(dock):
    click(dock.guidance.chips.chips["Platelet"])
    dock.session.annotations.rename_class("RBC", "red")
    dock.session.go_to(B)
    dock.session.annotations.undo()
    dock.session.annotations.set_classes(["red", "WBC"])
    settle(0.1)
    assert list(dock.guidance.chips.chips) == ["red", "WBC"]
    assert sentence(dock) == "red: enough boxes (27), point the rest."


# -- the plot and the image


def test_the_marks_are_where_the_sizes_are(dock):
    density = dock.guidance.density
    x, y = density._mean_iou.getData()
    assert (x[0], y[0]) == pytest.approx((20, 20), abs=1)
    mean = dock.session.box_sizes.prior("RBC").mean
    assert [density._mean.getData()[axis][0] for axis in (1, 0)] == pytest.approx(mean.tolist())
    assert density._rings.getData()[0].tolist() == [10]
    assert density._rings.getData()[1].tolist() == [35]
    for words in ("mean&nbsp;", "mean&#8209;IOU", "a&nbsp;box", "unusual"):
        assert words in density.legend.text()


def test_pointing_at_a_size_draws_it_on_the_image(dock):
    panel = dock.guidance
    bring(dock, panel.density)
    viewport = panel.density.plot.viewport()
    QTest.mouseMove(viewport, place_in_plot(panel.density, 15, 30))
    settle(0.05)
    outline, _ = dock.bridge.guides.boxes[POINTED]
    height, width = np.ptp(outline, axis=0)
    assert (height, width) == pytest.approx((30, 15), abs=1)
    middle = (outline.max(axis=0) + outline.min(axis=0)) / 2
    np.testing.assert_allclose(middle, (50, 60), atol=1)  # the image is all in view
    assert panel.pointed.text().startswith("The white box on the image is ")
    assert len(dock.bridge.guides.layer.data) >= len(outline)
    QTest.mouseMove(panel.header)
    QApplication.sendEvent(viewport, _leave())
    settle(0.05)
    assert POINTED not in dock.bridge.guides.boxes
    assert panel.pointed.text().startswith("Point at the plot")


def _leave():
    from qtpy.QtCore import QEvent

    return QEvent(QEvent.Type.Leave)


def looked_at(dock):
    """Return the middle (y, x) of the box that has a frame, which must be on screen."""
    middle = dock.bridge.guides.boxes[FOUND][0].mean(axis=0)
    y0, x0, y1, x1 = dock.bridge.view.box()
    assert y0 < middle[0] < y1 and x0 < middle[1] < x1
    return tuple(middle.round(1).tolist())


def test_a_dot_leads_to_its_box(dock):
    panel = dock.guidance
    bring(dock, panel.density)
    QTest.mouseClick(
        panel.density.plot.viewport(), Qt.MouseButton.LeftButton, pos=place_in_plot(panel.density, 10, 35)
    )
    settle(0.1)
    assert dock.session.plane == B
    assert looked_at(dock) == (27.5, 75)
    outline, thickness = dock.bridge.guides.boxes[FOUND]
    assert (np.ptp(outline, axis=0) - 8 * thickness).tolist() == pytest.approx([35, 10], abs=1)
    assert dock.session.annotations.can_undo == "mark"  # nothing was edited
    press_key(dock.viewer, "PageUp")
    settle(0.05)
    assert FOUND not in dock.bridge.guides.boxes


def test_the_wheel_scrolls_the_dock_and_not_the_plot(dock):
    panel = dock.guidance
    bring(dock, panel.density)
    before = panel.density.plot.getViewBox().viewRange()
    viewport = panel.density.plot.viewport()
    at = QPointF(viewport.rect().center())
    event = QWheelEvent(
        at, viewport.mapToGlobal(at), QPoint(0, 0), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(viewport, event)
    settle(0.05)
    assert not event.isAccepted()
    assert panel.density.plot.getViewBox().viewRange() == before


# -- boxes of unusual size


def test_the_list_of_unusual_boxes_leads_to_them(dock):
    panel = dock.guidance
    assert [panel.unusual.item(at).text() for at in range(panel.unusual.count())] == ["35 × 10 px  ·  other"]
    assert panel.unusual_count.text() == "1 of unusual size"
    bring(dock, panel.unusual)
    where = panel.unusual.visualItemRect(panel.unusual.item(0)).center()
    QTest.mouseClick(panel.unusual.viewport(), Qt.MouseButton.LeftButton, pos=where)
    settle(0.1)
    assert dock.session.plane == B
    assert FOUND in dock.bridge.guides.boxes
    add(dock, A, boxes(20, 30, "WBC", first=50))
    click(panel.chips.chips["WBC"])
    assert not panel.unusual.isVisible()


def test_the_key_goes_through_them(dock):
    add(dock, A, Boxes([[2, 2, 10, 42]], classes="RBC", sources="imported", times=100))
    wait_until(lambda: dock.guidance.unusual.count() == 2)
    seen = []
    for _ in range(3):
        press_key(dock.viewer, "U")
        settle(0.05)
        seen.append(looked_at(dock))
    assert set(seen) == {(27.5, 75.0), (6.0, 22.0)}
    assert seen[0] == seen[2] != seen[1]


def test_the_key_goes_through_them_while_the_part_is_folded(dock):
    add(dock, A, Boxes([[2, 2, 10, 42]], classes="RBC", sources="imported", times=100))
    click(dock.guidance.fold_button)
    seen = set()
    for _ in range(2):
        press_key(dock.viewer, "U")
        settle(0.05)
        seen.add(looked_at(dock))
    assert seen == {(27.5, 75.0), (6.0, 22.0)}


def test_beside_a_class_that_nobody_uses(viewer, tmp_path):
    made = open_dock(viewer)
    made.session.new_project(tmp_path / "blood.inkling", ("cell", "RBC"))
    made.images.add_paths([picture(tmp_path), picture(tmp_path, "other.png")])
    made.session.go_to(A)
    add(made, A, boxes(26, 20, "RBC"))
    add(made, B, ODD)
    assert made.bridge.current_class == "cell"  # of which there is no advice
    press_key(made.viewer, "U")
    settle(0.05)
    assert made.session.plane == B
    made.guidance.go_to(0)
    assert made.session.plane == A
    made.close_down()


def test_the_key_without_any(empty):
    press_key(empty.viewer, "U")
    settle(0.05)
    assert empty.messages.current.text == "No box of this class has an unusual size."


# -- its look


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_fits_a_narrow_dock(dock, theme):
    dock.viewer.theme = theme
    dock.session.annotations.rename_class("WBC", "a very long name of a class of white blood cells")
    settle(0.2)
    assert dock.guidance.minimumSizeHint().width() <= 320
    axis = dock.guidance.density.plot.getAxis("bottom")
    assert axis.labelText == "width (px)"
    assert axis.textPen().color().name() == dock.guidance.density._palette.muted


def test_an_outline_is_that_of_a_box_and_has_at_most_a_thousand_places():
    places = outline((10, 20), (4, 8), 1.0)
    assert (places.min(axis=0).tolist(), places.max(axis=0).tolist()) == ([8, 16], [12, 24])
    on_edge = np.isin(places[:, 0], (8, 12)) | np.isin(places[:, 1], (16, 24))
    assert on_edge.all()
    assert len(places) == 2 * 9 + 2 * 5
    assert 900 < len(outline((0, 0), (900, 5000), 1e-3)) <= 1010
