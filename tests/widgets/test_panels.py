"""Each part of the dock for itself: what it shows, what its buttons do, what it says when that cannot be."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from qtpy.QtCore import QLocale, QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog, QFormLayout

from napari_inkling.core import BACKGROUND, Boxes, HintSet, PlaneRef, Points, Predictions
from napari_inkling.project import ClassInfo
from napari_inkling.session import TrainingState
from napari_inkling.widgets import panels
from napari_inkling.widgets.panels._settings_form import SettingsForm
from tests.fake_method import RADIUS
from tests.widgets.dock_driving import click, dock_widget, open_dock, picture, train_to_the_end
from tests.widgets.driving import move_to, press_key, settle, suggest, wait_until

pytestmark = pytest.mark.window


@pytest.fixture
def dock(used_dock):
    return used_dock


@pytest.fixture
def with_image(dock, tmp_path):
    dock.images.add_paths([picture(tmp_path)])
    settle(0.1)
    return dock


def mark(dock, places, name="cell", image="tile"):
    dock.session.annotations.edit(
        HintSet(), HintSet(Points(np.array(places, float), name)), "add points", PlaneRef(image)
    )
    settle(0.1)


def answer(monkeypatch, method, *values):
    monkeypatch.setattr(QFileDialog, method, staticmethod(lambda *args, **kwargs: values))


# -- images


def test_without_an_image_everything_says_so(dock):
    assert dock.images.next_step.text() == "Start with an image."
    assert dock.images.next_step.property("now")
    assert dock.images.start.use_files.isVisible()
    assert not dock.train.go.isEnabled()
    assert "image" in dock.train.go.toolTip()
    assert not dock.annotate.tools["cell"].isEnabled()
    assert not dock.export.export_button.isEnabled()


def test_files_and_folders_are_added(dock, tmp_path, monkeypatch):
    (tmp_path / "many").mkdir()
    for name in ("a.png", "b.png"):
        picture(tmp_path / "many", name)
    answer(monkeypatch, "getOpenFileNames", [str(picture(tmp_path))], "")
    click(dock.images.start.use_files)
    settle(0.1)
    assert [line.name for line in dock.images.model.lines] == ["tile"]
    assert dock.session.plane == PlaneRef("tile")
    monkeypatch.setattr(
        QFileDialog, "getExistingDirectory", staticmethod(lambda *a, **k: str(tmp_path / "many"))
    )
    dock.images.add_folder()
    settle(0.1)
    assert [line.name for line in dock.images.model.lines] == ["tile", "a", "b"]
    assert dock.images.summary.text() == "1/3"
    click(dock.images.next)
    settle(0.1)
    assert dock.session.plane == PlaneRef("a")
    assert dock.images.list.currentIndex().row() == 1
    QTest.mouseClick(
        dock.images.list.viewport(),
        Qt.MouseButton.LeftButton,
        pos=dock.images.list.visualRect(dock.images.model.index(2)).center(),
    )
    assert dock.session.plane == PlaneRef("b")


def test_files_are_dropped(dock, tmp_path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(picture(tmp_path)))])
    arguments = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(QPointF(5, 5).toPoint(), *arguments)
    QApplication.sendEvent(dock.images, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(dock.images, QDropEvent(QPointF(5, 5), *arguments))
    settle(0.1)
    assert dock.session.plane == PlaneRef("tile")


def test_the_open_layer_is_offered(dock):
    dock.viewer.add_image(np.zeros((50, 60)), name="my slide")
    settle(0.1)
    assert dock.images.next_step.text() == "Start with the image that is open."
    assert dock.images.start.use_layer.isVisible()
    assert dock.images.start.use_layer.text() == "Use “my slide”"
    click(dock.images.start.use_layer)
    settle(0.1)
    assert [r.name for r in dock.session.project.images] == ["my slide"]
    assert dock.session.plane == PlaneRef("my slide")
    assert not dock.images.start.use_layer.isVisible()


def test_an_unreadable_file_is_named_and_the_others_are_added(dock, tmp_path):
    bad = tmp_path / "broken.tif"
    bad.write_bytes(b"II*\0 this is no picture")
    dock.images.add_paths([bad, picture(tmp_path)])
    settle(0.1)
    assert [line.name for line in dock.images.model.lines] == ["tile"]
    assert dock.messages.current.level == "error"
    assert "broken.tif" in dock.messages.current.text
    click(dock.messages.copy_button)
    assert "broken.tif" in QApplication.clipboard().text()
    click(dock.messages.close_button)
    assert not dock.messages.isVisible()


def test_ticks_are_kept_and_dots_follow(with_image):
    dock = with_image
    assert not dock.images.model.lines[0].marked
    mark(dock, [[10, 10]])
    assert dock.images.model.lines[0].marked
    click(dock.images.complete)
    click(dock.images.done)
    settle(0.1)
    record = dock.session.project.images[0]
    assert record.complete
    assert record.done
    assert "✓" in dock.images.model.lines[0].text
    assert "held out" in dock.images.model.lines[0].tooltip


def test_dots_follow_training_and_review(with_image):
    dock = with_image
    mark(dock, [[10, 10], [40, 40]])
    train_to_the_end(dock)
    assert dock.images.model.lines[0].trained
    assert not dock.images.model.lines[0].reviewed
    click(dock.review.accept_all)
    settle(0.1)
    assert dock.images.model.lines[0].reviewed


def test_a_lost_image_is_found_again(dock, tmp_path, monkeypatch):
    path = picture(tmp_path)
    dock.images.add_paths([path])
    folder = dock.session.project.folder
    dock.session.new_project(tmp_path / "other.inkling")
    path.rename(tmp_path / "elsewhere.png")
    dock.session.open_project(folder)
    settle(0.1)
    wait_until(dock.images.problem.isVisible)  # found out in the background
    assert "tile.png" in dock.images.problem.text()
    answer(monkeypatch, "getOpenFileName", str(tmp_path / "elsewhere.png"), "")
    click(dock.images.relink_button)
    settle(0.1)
    assert not dock.images.problem.isVisible()
    assert dock.session.images.problems == {}


def test_a_thousand_images_stay_fast(dock, tmp_path):
    from napari_inkling.widgets.panels._image_list import ImageLine

    lines = [ImageLine(f"image_{i:04}", marked=i % 3 == 0) for i in range(1000)]
    dock.images.model.set_lines(lines)
    dock.images._show_state(lines, -1, None, read_only=False)
    settle()
    dock.images.model.set_lines([*lines[:-1], ImageLine("image_0999", done=True)])
    settle()
    assert dock.images.list.height() < 300


# -- annotate


def test_classes_are_added_renamed_recoloured_and_removed(with_image):
    dock, chips = with_image, with_image.annotate.chips
    click(chips.plus)
    QTest.keyClicks(chips.editor, "WBC")
    QTest.keyClick(chips.editor, Qt.Key.Key_Return)
    settle(0.1)
    assert list(chips.chips) == ["cell", "WBC"]
    assert dock.bridge.current_class == "WBC"
    click(chips.chips["cell"])
    assert dock.bridge.current_class == "cell"
    mark(dock, [[10, 10], [30, 30]])
    assert chips.chips["cell"].text() == "cell  2"

    chips.ask_rename("cell")
    chips.editor.setText("RBC")
    QTest.keyClick(chips.editor, Qt.Key.Key_Return)
    settle(0.1)
    assert list(chips.chips) == ["RBC", "WBC"]
    assert set(dock.session.annotations.hints.points.classes) == {"RBC"}

    chips.recoloured.emit("RBC", "#0072b2")
    assert dock.session.project.classes[0].color == "#0072b2"

    chips.removed.emit("RBC")  # it marks something: refused
    settle(0.1)
    assert [c.name for c in dock.session.project.classes] == ["RBC", "WBC"]
    assert "RBC" in dock.messages.current.text
    chips.removed.emit("WBC")
    settle(0.1)
    assert list(chips.chips) == ["RBC"]


def test_the_menu_of_a_class_offers_everything(with_image):
    menu = with_image.annotate.chips.menu_for("cell")
    assert [a.text() for a in menu.actions() if a.text()] == ["Rename…", "Colour", "Remove"]
    menu.close()
    menu.deleteLater()


@pytest.mark.parametrize("tool", ["cell", "background", "box", "select"])
def test_tools_are_taken_in_hand(with_image, tool):
    dock = with_image
    click(dock.annotate.tools[tool])
    assert dock.bridge.tool == tool
    assert [name for name, made in dock.annotate.tools.items() if made.isChecked()] == [tool]


def test_chips_name_their_keys(with_image):
    dock, chips = with_image, with_image.annotate.chips
    dock.session.annotations.set_classes(["red", ClassInfo("white", "#ffffff", key="7"), "blue"])
    settle(0.1)
    assert [chips.chips[name].toolTip()[-8:] for name in ("red", "white", "blue")] == [
        "[Ctrl+1]", "[Ctrl+7]", "[Ctrl+3]",
    ]  # fmt: skip
    press_key(dock.viewer, "Ctrl+7")
    settle(0.1)
    assert chips.chips["white"].isChecked()


def test_images_that_are_held_out_are_counted_apart(with_image, tmp_path):
    dock = with_image
    mark(dock, [[10, 10], [30, 30]])
    assert dock.annotate.summary.text() == "2"
    click(dock.images.complete)
    settle(0.1)
    assert dock.annotate.summary.text() == "0 · 1 image held out"
    assert dock.annotate.counts.text().startswith("0 hints")
    assert "; 2 of them on images that are held out." in dock.annotate.counts.toolTip()
    chip = dock.annotate.chips.chips["cell"]
    assert chip.text() == "cell  0 + 2"
    assert chip.toolTip().endswith(". 2 more are on images that are held out  [Ctrl+1]")
    assert "held out: mark cells in another one" in dock.annotate.next_step.text()
    dock.images.add_paths([picture(tmp_path, "other.png")])
    mark(dock, [[10, 10], [30, 30], [50, 50]], image="other")
    dock.session.go_to(PlaneRef("other"))
    settle(0.1)
    assert dock.annotate.summary.text() == "3 · 1 image held out"
    assert chip.text() == "cell  3 + 2"
    assert dock.annotate.next_step.text().startswith("17 more make a good start")
    dock.session.images.update("tile", complete=False)
    settle(0.1)
    assert (chip.text(), "held out" in chip.toolTip()) == ("cell  5", False)


def test_undo_says_what_it_would_undo(with_image):
    dock = with_image
    assert not dock.annotate.undo.isEnabled()
    mark(dock, [[10, 10]])
    assert dock.annotate.undo.toolTip() == "Undo: add points  [Ctrl+Z]"
    click(dock.annotate.undo)
    settle(0.1)
    assert dock.annotate.redo.toolTip() == "Redo: add points  [Ctrl+Shift+Z]"
    assert len(dock.session.annotations.hints) == 0


# -- train


@pytest.mark.parametrize(
    ("points", "enabled", "says"),
    [
        (0, False, "Mark 2 more cell points to train."),
        (1, False, "Mark 1 more cell point to train."),
        (2, True, "Press Train"),
    ],
)
def test_train_says_what_is_missing(with_image, points, enabled, says):
    dock = with_image
    if points:
        mark(dock, [[10 + 20 * i, 10] for i in range(points)])
    settle(0.1)
    assert dock.train.go.isEnabled() == enabled
    assert dock.train.next_step.text().startswith(says)
    # The hints that one marks by stand there only as long as they lack.
    assert dock.train.why.text().startswith("2 cells marked: enough" if enabled else "Learns nothing")


def test_points_on_background_alone_do_not_train(with_image):
    mark(with_image, [[10, 10], [20, 20], [30, 30]], BACKGROUND)
    assert not with_image.train.go.isEnabled()


def test_a_device_that_is_not_there_is_told(with_image):
    dock = with_image
    mark(dock, [[10, 10], [40, 40]])
    dock.train.device.setCurrentIndex(dock.train.device.findData("cuda"))
    train_to_the_end(dock)
    assert "cuda" in dock.messages.current.text
    assert dock.train.progress.stage.property("role") == "warning"


def test_while_it_starts_the_seconds_are_told(dock):
    progress = dock.train.progress
    progress.show_state(TrainingState("starting", "fake", "quick"))
    assert progress.stage.text() == "starting"
    wait_until(lambda: re.fullmatch(r"starting · \d+ s", progress.stage.text()), 20)
    assert (progress.bar.minimum(), progress.bar.maximum(), progress.bar.value()) == (0, 1000, 0)
    progress.show_state(TrainingState("running", "fake", "quick", step=5, steps=10, stage="learning"))
    assert progress.stage.text() == "learning" and progress.bar.value() == 500
    progress.show_state(TrainingState())


def test_train_on_or_start_over(with_image):
    dock, train = with_image, with_image.train
    mark(dock, [[10, 10], [40, 40]])
    assert train.go.text() == "Train"
    assert not train.start_over.isVisible()
    train_to_the_end(dock)
    rounds = model_of(dock)["rounds"]
    assert train.go.text() == "Train on"
    assert train.start_over.isVisible()

    click(train.start_over)
    assert train.go.text() == "Train"
    assert "from the beginning" in train.next_step.text()
    hidden = []  # it may be over before the key has been worked off
    dock.session.training.changed.connect(lambda _: hidden.append(not train.start_over.isVisible()))
    press_key(dock.viewer, "Shift+T")
    wait_until(lambda: not dock.session.training.active)
    assert hidden[0]
    settle(0.1)
    assert model_of(dock)["rounds"] == rounds
    assert not train.start_over.isChecked()  # it was for this once
    assert train.go.text() == "Train on"
    train_to_the_end(dock)
    assert model_of(dock)["rounds"] == 2 * rounds
    assert len(dock.session.project.models()) == 3


def test_a_training_that_was_stopped_before_outlines_says_how_to_get_them(with_image, monkeypatch):
    dock, train = with_image, with_image.train
    mark(dock, [[10, 10], [40, 40]])
    train_to_the_end(dock)
    assert "outlines" not in train.next_step.text()
    told = "There are only points yet: it was stopped before outlines could be kept. Train on for them."
    monkeypatch.setattr(panels.train, "still_lacks", lambda model, method: told)
    train.refresh()
    assert train.next_step.text() == told
    assert train.go.text() == "Train on"
    click(train.start_over)
    assert "from the beginning" in train.next_step.text()


@pytest.mark.parametrize("what", ["preset", "setting", "class"])
def test_what_cannot_go_on_is_not_called_so(with_image, what):
    dock, train = with_image, with_image.train
    mark(dock, [[10, 10], [40, 40]])
    train_to_the_end(dock)
    if what == "preset":
        train.preset.setCurrentIndex(train.preset.findData("as-published"))
    elif what == "setting":
        train.advanced.fields["network"].set("large")
    else:
        mark(dock, [[60, 60]], "nucleus")
    settle(0.1)
    assert train.go.text() == "Train"
    assert not train.start_over.isVisible()
    reason = "has other classes" if what == "class" else "has another network"
    assert train.next_step.text() == f"It starts from the beginning: the last model {reason}."


def model_of(dock):
    return json.loads((dock.session.prediction.newest_model / "model.json").read_text())


def test_methods_are_not_looked_up_at_every_step(with_image, monkeypatch):
    dock, asked = with_image, []
    mark(dock, [[10, 10], [40, 40]])
    recommend = type(dock.session.advice).recommend
    monkeypatch.setattr(
        type(dock.session.advice), "recommend", lambda self: asked.append(1) or recommend(self)
    )
    steps = []
    dock.session.training.progress.connect(steps.append)
    dock.train.advanced.fields["steps"].set(150)
    train_to_the_end(dock)
    assert len(steps) > 3 * len(asked)


def test_the_settings_form_is_made_from_the_model(with_image):
    form = with_image.train.advanced
    assert "steps" in form.fields
    assert "radius" not in form.fields
    assert form.overrides() == {}
    assert "at least 1" in form.fields["steps"].widget.toolTip()
    form.fields["steps"].set(0)
    assert form.fields["steps"].get() == 1
    assert form.overrides() == {"steps": 1}
    with_image.train.preset.setCurrentIndex(1)
    assert form.fields["steps"].get() == 200
    assert form.overrides() == {}
    click(with_image.train.advanced_button)
    assert form.isVisible()


def test_the_settings_form_can_be_read(with_image):
    from napari_inkling.methods.partial_points import PartialPointsSettings

    form = with_image.train.advanced
    form.set_model(PartialPointsSettings())
    click(with_image.train.advanced_button)
    settle(0.1)
    assert form.fields["low"].widget.text() == "0.1"
    assert form.fields["foreground_weight"].widget.text() == "10"
    for row in range(form.layout().rowCount()):
        words = form.layout().itemAt(row, QFormLayout.ItemRole.LabelRole).widget()
        assert words.width() >= words.sizeHint().width(), f"{words.text()!r} is cut off"
    assert form.width() <= with_image.scroll.viewport().width()


def test_numbers_are_read_as_they_are_written_in_any_language(dock):
    from napari_inkling.methods.partial_points import PartialPointsSettings

    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.German))
    try:
        form = SettingsForm()
        form.set_model(PartialPointsSettings())
        for name in ("low", "learning_rate"):
            box = form.fields[name].widget
            box.lineEdit().setText(box.text())
            QTest.keyClick(box, Qt.Key.Key_Return)
        assert form.overrides() == {}
        form.deleteLater()
    finally:
        QLocale.setDefault(before)


def test_the_radius_is_a_persons_or_automatic(with_image):
    dock = with_image
    mark(dock, [[10, 10], [40, 40]])
    dock.train.radius.setValue(6.5)
    assert dock.session.radius.chosen == 6.5
    settle(0.1)
    dock.session.radius.chosen = 9.0  # the circle was dragged
    settle(0.1)
    assert dock.train.radius.value() == 9.0
    dock.train.radius.setValue(0)
    assert dock.session.radius.chosen is None
    assert dock.train.radius.text() == "auto"


def test_curves_are_drawn(with_image, tmp_path):
    dock = with_image
    dock.images.add_paths([picture(tmp_path, "truth.png")])
    mark(dock, [[10, 10], [40, 40]])
    mark(dock, [[10, 10], [40, 40]], image="truth")
    dock.session.images.update("truth", complete=True)
    train_to_the_end(dock)
    wait_until(lambda: dock.train.progress.curves_button.text() == "▸ Curves · F1 0.50")
    click(dock.train.progress.curves_button)
    assert "0.50" in dock.train.progress.curves.titles["F1"].text()
    steps, losses = dock.train.progress.curves._curves["loss", "loss"].getData()
    assert losses[0] == 1.0
    assert steps[-1] == 20


def test_how_long_each_kind_took(with_image):
    dock = with_image
    assert "Seconds" not in dock.annotate.counts.toolTip()
    clicked = Points([[10.0, 10], [40, 40]], seconds=[1.0, 2.0])
    accepted = Points([[70.0, 70]], seconds=0.3, sources="accepted")
    dock.session.annotations.edit(HintSet(), HintSet(Points.concatenate([clicked, accepted])), "add points")
    settle(0.1)
    told = dock.annotate.counts.toolTip()
    assert told.endswith("Seconds for each, on average: accepted 0.3 (1), point 1.5 (2)")


# -- review


def test_the_threshold_shows_and_hides(with_image):
    dock = with_image
    scores = np.array([0.1, 0.45, 0.55, 0.62, 0.9])
    points = Points([[10, 10 + 20 * i] for i in range(5)], sources="model", scores=scores)
    dock.session.suggestions.put(PlaneRef("tile"), Predictions(points, radius=3.0))
    settle(0.2)
    assert dock.review.counts.text() == "3 suggested, 1 doubtful"
    assert dock.review.accept_all.text() == "Accept 3 above 0.50"
    assert dock.review.slider.histogram.counts.sum() == 5
    dock.review.slider.slider.setValue(60)
    settle(0.2)
    assert dock.session.suggestions.threshold == 0.6
    assert dock.review.accept_all.text() == "Accept 2 above 0.60"
    assert dock.review.counts.text() == "2 suggested, 1 doubtful"
    assert dock.review.next_step.text().startswith("Go through the doubtful ones")
    dock.session.suggestions.threshold = 0.7
    settle(0.2)
    assert dock.review.counts.text() == "1 suggested, 0 doubtful"
    assert dock.review.next_step.text().endswith("accept all above, then mark what is missed.")
    dock.review.slider.number.setValue(0.95)
    settle(0.2)
    assert dock.review.counts.text() == "0 suggested, 0 doubtful"
    assert not dock.review.accept_all.isEnabled()
    assert "above the threshold" in dock.review.next_step.text()


def test_the_most_doubtful_comes_first(with_image):
    dock = with_image
    points = Points([[10, 10], [40, 40], [70, 70]], sources="model", scores=[0.9, 0.52, 0.7])
    dock.session.suggestions.put(PlaneRef("tile"), Predictions(points, radius=3.0))
    settle(0.2)
    seen = []
    for _ in range(4):
        click(dock.review.next)
        seen.append(dock.review.score.text())
    assert [text[-5:-1] for text in seen] == ["0.52", "0.70", "0.90", "0.52"]
    click(dock.review.previous)
    assert dock.review.score.text().endswith("0.90.")


def test_why_a_cell_is_shown(with_image):
    dock = with_image
    rows = {"disagreement": [0.0, 0.1, 0.9]}
    points = Points([[10, 10], [40, 40], [70, 70]], sources="model", scores=[0.95, 0.6, 0.9], attributes=rows)
    dock.session.suggestions.put(PlaneRef("tile"), Predictions(points, radius=3.0))
    settle(0.2)
    seen = []
    for key in "NNNG":
        press_key(dock.viewer, key)
        seen.append((dock.bridge.review.focused, dock.review.why.text(), dock.review.why.isVisible()))
    one, two, three = points.ids.tolist()
    assert seen == [
        (three, "Worth a look: the model disagrees with itself.", True),
        (two, "Worth a look: score near the threshold.", True),
        (one, "Worth a look: among the least sure that are left.", True),
        (three, "Worth a look: the model disagrees with itself.", True),
    ]
    press_key(dock.viewer, "Shift+G")
    assert (dock.bridge.review.focused, dock.review.why.isVisible()) == (one, False)


def test_what_is_under_the_mouse_is_told(with_image):
    dock, viewer, score = with_image, with_image.viewer, with_image.review.score
    dock.session.annotations.set_classes(["RBC", "WBC"])
    places = [[10, 10, 30, 24], [60, 60, 90, 100]]
    boxes = Boxes(places, sources="model", scores=[0.9, 0.7], classes=["RBC", "WBC"])
    dock.session.suggestions.put(PlaneRef("tile"), Predictions(boxes=boxes))
    settle(0.2)
    click(dock.review.next)
    in_ring = (
        "The one in the ring: WBC, score 0.70, 30 px high, 40 wide. A class's key accepts it as that class. "
        "If it fits badly, drag a corner with box [Shift+B]."
    )
    assert score.text() == in_ring
    assert dock.review.why.isVisible() == bool(dock.bridge.review.why)
    move_to(viewer, 20, 17)
    wait_until(lambda: score.text() == "The one under the mouse: RBC, score 0.90, 20 px high, 14 wide.")
    assert not dock.review.why.isVisible(), "that is said of the one in the ring"
    press_key(viewer, "G")  # the view moves, and nobody points at anything until the mouse moves
    assert score.text().startswith("The one in the ring: RBC, score 0.90, 20 px high, 14 wide. A class")
    press_key(viewer, "G")
    move_to(viewer, 45, 50)
    wait_until(lambda: score.text() == in_ring)
    move_to(viewer, 20, 17)
    wait_until(lambda: "under the mouse" in score.text())
    QTest.mouseMove(dock.review, dock.review.rect().center())
    wait_until(lambda: score.text() == in_ring)


def test_how_many_were_looked_at(with_image):
    dock = with_image
    points = Points([[10, 10], [40, 40], [70, 70]], sources="model", scores=[0.9, 0.52, 0.7])
    dock.session.suggestions.put(PlaneRef("tile"), Predictions(points, radius=3.0))
    settle(0.2)
    more = Points([*points.coordinates, [90, 20]], sources="model", scores=0.8)
    assert dock.review.looked.text() == "0 of 3 looked at"
    click(dock.review.next_anywhere)
    assert dock.bridge.review.focused == points.ids[1]
    assert dock.review.looked.text() == "1 of 3 looked at"
    assert (dock.review.bar.value(), dock.review.bar.maximum()) == (1, 3)
    click(dock.review.accept_button)
    settle(0.2)
    assert dock.review.looked.text() == "2 of 3 looked at"  # the next one came into view
    assert not dock.review.in_bulk.isVisible()
    click(dock.review.accept_all)
    settle(0.2)
    assert dock.review.next_step.text() == (
        "Nothing is left to judge here: 2 of 3 looked at. 1 more accepted without a look at each."
    )
    dock.session.suggestions.put(PlaneRef("tile"), Predictions(more, radius=3.0))
    settle(0.2)
    assert dock.review.looked.text() == "2 of 4 looked at"
    assert dock.review.in_bulk.isVisible()
    assert dock.review.in_bulk.text() == "1 more accepted without a look at each"


def test_what_was_rejected_is_brought_back(with_image):
    dock, review = with_image, with_image.review
    points = Points([[10, 10], [40, 40], [70, 70]], sources="model", scores=0.9)
    dock.session.suggestions.put(PlaneRef("tile"), Predictions(points, radius=3.0))
    settle(0.1)
    assert not review.restore_button.isVisible()
    click(review.as_background)
    for _ in range(3):
        press_key(dock.viewer, "G")
        press_key(dock.viewer, "Q")
    settle(0.1)
    assert len(dock.session.suggestions.shown().points) == 0
    assert dock.session.project.image("tile").reviewed
    assert review.restore_button.text() == "Bring back 3 rejected"
    click(review.restore_button)
    settle(0.1)
    assert len(dock.session.suggestions.shown().points) == 3
    assert not review.restore_button.isVisible()
    assert dock.messages.current.text == "Brought back 3 suggestions. Undo rejects them again."
    press_key(dock.viewer, "Ctrl+Z")
    assert len(dock.session.suggestions.shown().points) == 0


@pytest.mark.parametrize("keys", ["W", "Q", "Shift+Q", "Shift+E", "Shift+W"])
def test_every_key_that_judges_ticks_the_image_off(with_image, keys):
    dock = with_image
    points = Points([[40, 40]], sources="model", scores=0.9)
    dock.session.suggestions.put(PlaneRef("tile"), Predictions(points, radius=3.0))
    settle(0.1)
    press_key(dock.viewer, "G")
    press_key(dock.viewer, keys)
    settle(0.1)
    assert dock.images.model.lines[0].reviewed
    if keys in ("Shift+E", "Shift+W"):
        assert dock.messages.current.text == "Accepted 1 suggestion. Undo takes all of them back."


# -- export


@pytest.mark.parametrize(("scope", "images"), [("all", {"tile", "other"}), ("this", {"tile"})])
def test_export_writes_and_says_where(with_image, tmp_path, monkeypatch, scope, images):
    dock = with_image
    dock.images.add_paths([picture(tmp_path, "other.png")])
    mark(dock, [[10, 10]])
    mark(dock, [[20, 20]], image="other")
    dock.export.set_folded(False)
    dock.export.format.setCurrentIndex(dock.export.format.findData("points-csv"))
    dock.export.scope.setCurrentIndex(dock.export.scope.findData(scope))
    answer(monkeypatch, "getSaveFileName", str(tmp_path / "out"), "")
    click(dock.export.export_button)
    written = (tmp_path / "out.csv").read_text()
    assert {name for name in ("tile", "other") if name in written} == images
    assert dock.export.result.text() == f"Wrote {tmp_path / 'out.csv'}"
    assert dock.export.result.isVisible()
    dock.session.new_project(tmp_path / "next.inkling")
    assert not dock.export.result.isVisible()


def test_the_file_is_offered_under_what_is_in_it(with_image, monkeypatch):
    dock, offered = with_image, []
    mark(dock, [[10, 10]])
    dock.session.suggestions.put(
        PlaneRef("tile"), Predictions(Points([[40, 40]], sources="model"), radius=3.0)
    )
    settle(0.2)
    dock.export.set_folded(False)
    dock.export.format.setCurrentIndex(dock.export.format.findData("coco"))
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", staticmethod(lambda *args: offered.append(args[2]) or ("", ""))
    )
    click(dock.export.export_button)
    assert offered == [str(dock.session.project.exports_folder / "hints_and_suggestions.json")]


@pytest.mark.parametrize(
    ("format", "asks", "written"),
    [("masks", "getExistingDirectory", 2), ("ome-zarr-labels", "getSaveFileName", 1)],
)
def test_a_stack_is_exported(dock, tmp_path, monkeypatch, format, asks, written):
    np.save(tmp_path / "stack.npy", np.random.default_rng(0).integers(0, 255, (3, 60, 80), np.uint8))
    dock.images.add_paths([tmp_path / "stack.npy"])
    for plane in range(2):
        dock.session.annotations.edit(
            HintSet(), HintSet(Points([[20.0, 30.0]])), "add point", PlaneRef("stack", (plane,))
        )
    dock.export.set_folded(False)
    dock.export.format.setCurrentIndex(dock.export.format.findData(format))
    dock.export.scope.setCurrentIndex(dock.export.scope.findData("this"))
    (tmp_path / "out").mkdir()
    where = str(tmp_path / "out")
    if asks == "getSaveFileName":
        answer(monkeypatch, asks, f"{where}/cells", "")
    else:
        monkeypatch.setattr(QFileDialog, asks, staticmethod(lambda *a, **k: where))
    settle(0.1)
    click(dock.export.export_button)
    assert dock.messages.current.text.startswith(f"Exported hints to {where}")
    files = [path for path in (tmp_path / "out").iterdir() if path.suffix in (".tif", ".zarr")]
    assert len(files) == written


@pytest.mark.parametrize("what", ["hints", "suggestions", "both"])
def test_cells_are_exported_as_large_as_they_are(with_image, tmp_path, what):
    from tifffile import imread

    dock = with_image
    mark(dock, [[50, 60]])
    points = Points([[20, 20]], sources="model", scores=0.9)
    dock.session.suggestions.put(PlaneRef("tile"), Predictions(points, radius=RADIUS))
    dock.session.radius.chosen = 8.0
    dock.export.what.setCurrentIndex(dock.export.what.findData(what))
    dock.export.format.setCurrentIndex(dock.export.format.findData("masks"))
    dock.export.scope.setCurrentIndex(dock.export.scope.findData("this"))
    dock.export.write(tmp_path / "out.tif")
    labels = imread(tmp_path / "out.tif")
    disk = sum(y * y + x * x <= 64 for y in range(-8, 9) for x in range(-8, 9))
    assert np.unique(labels[labels > 0], return_counts=True)[1].tolist() == [disk] * (
        2 if what == "both" else 1
    )


def test_all_there_is_is_exported_unless_one_chooses(with_image):
    dock, export = with_image, with_image.export
    mark(dock, [[50, 60]])
    settle(0.1)
    assert export.what.currentData() == "hints"
    suggest(dock.session, [[20, 20]])
    export.refresh()
    assert export.what.currentData() == "both"
    export.what.setCurrentIndex(export.what.findData("hints"))
    export.refresh()
    assert export.what.currentData() == "hints"


@pytest.mark.parametrize(("given", "written"), [("a.b c", "a.b c.csv"), ("cells.tsv", "cells.tsv")])
def test_a_name_with_dots_gets_its_ending(with_image, tmp_path, monkeypatch, given, written):
    dock = with_image
    mark(dock, [[10, 10]])
    dock.export.set_folded(False)
    dock.export.format.setCurrentIndex(dock.export.format.findData("points-csv"))
    answer(monkeypatch, "getSaveFileName", str(tmp_path / given), "")
    press_key(dock.viewer, "Shift+O")
    assert (tmp_path / written).is_file()


def test_nothing_to_export_is_told(with_image, tmp_path):
    with_image.export.write(tmp_path / "out.csv")
    assert with_image.messages.current.level == "error"
    assert "nothing to write" in with_image.messages.current.text


def test_the_model_runs_on_images_that_it_has_not_seen(with_image, tmp_path):
    dock = with_image
    dock.images.add_paths([picture(tmp_path, "other.png")])
    mark(dock, [[10, 10], [40, 40]])
    assert not dock.export.run_button.isVisible()
    train_to_the_end(dock)
    dock.export.set_folded(False)
    settle(0.2)
    assert dock.export.run_button.text() == "Run on 1 more image"
    click(dock.export.run_button)
    wait_until(lambda: len(dock.session.suggestions.planes) == 2)
    settle(0.1)
    assert not dock.export.run_button.isVisible()
    train_to_the_end(dock)  # this model has not seen the other image
    settle(0.1)
    assert dock.export.run_button.text() == "Run on 1 more image"
    np.save(tmp_path / "stack.npy", np.zeros((3, 60, 80), np.uint8))
    dock.images.add_paths([tmp_path / "stack.npy"])
    settle(0.1)
    assert dock.export.run_button.text() == "Run on 4 more planes"


# -- project


def test_scratch_work_is_kept_under_a_name(viewer, tmp_path, monkeypatch):
    dock = open_dock(viewer)
    dock.images.add_paths([picture(tmp_path)])
    mark(dock, [[10, 10]])
    assert dock.project_bar.name.text().startswith("No project yet")
    answer(monkeypatch, "getSaveFileName", str(tmp_path / "kept"), "")
    dock.project_bar.keep()
    settle(0.1)
    assert dock.session.project.folder == tmp_path / "kept.inkling"
    assert dock.project_bar.name.text().startswith("kept")
    assert len(dock.session.annotations.hints) == 1
    assert dock.memory.recent == [tmp_path / "kept.inkling"]


@pytest.mark.parametrize(
    ("given", "made"),
    [("a", "a.inkling"), ("a.inkling", "a.inkling"), ("2024.05.12 slides", "2024.05.12 slides.inkling")],
)
def test_a_new_project_is_called_as_one_says(dock, tmp_path, monkeypatch, given, made):
    answer(monkeypatch, "getSaveFileName", str(tmp_path / given), "")
    dock.project_bar.new()
    assert dock.session.project.folder == tmp_path / made


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("missing", "does not exist"),
        ("newer", "newer napari-inkling"),
        ("damaged", "is damaged"),
        ("no project", "is not an inkling project"),
    ],
)
def test_a_project_that_cannot_be_opened_is_told(with_image, tmp_path, what, reason):
    dock, before = with_image, with_image.session.project.folder
    folder = tmp_path / "x.inkling"
    if what != "missing":
        folder.mkdir()
    if what in ("newer", "damaged"):
        values = {"format": "inkling-project", "version": 999 if what == "newer" else "x"}
        (folder / "project.json").write_text(json.dumps(values))
    dock.open_project(folder)
    assert dock.messages.current.level == "error"
    assert reason in dock.messages.current.text
    assert dock.session.project.folder == before
    mark(dock, [[10, 10]])
    assert len(dock.session.annotations.hints) == 1


# -- messages


def test_an_error_is_not_covered_by_an_information(dock):
    dock.messages.show_message("error", "The disk is full.", "details")
    dock.messages.show_message("info", "Training finished.")
    assert dock.messages.current.text == "The disk is full."
    assert dock.messages.more.text() == "and 1 more"
    click(dock.messages.copy_button)
    assert QApplication.clipboard().text() == "The disk is full.\n\ndetails"
    click(dock.messages.close_button)
    assert dock.messages.current.text == "Training finished."
    click(dock.messages.close_button)
    assert not dock.messages.isVisible()


def test_the_same_message_is_shown_once(dock):
    for _ in range(3):
        dock.session.message.emit("warning", "The image has moved.")
        dock.session.message.emit("error", "The disk is full.")
    assert len(dock.messages.waiting) == 1


def test_what_was_looked_at_is_known_when_the_dock_opens_again(viewer, tmp_path):
    folder = tmp_path / "work.inkling"
    points = Points([[10, 10], [40, 40], [70, 70]], sources="model", scores=[0.9, 0.52, 0.7])
    for said in ("0 of 3 looked at", "1 of 3 looked at"):
        dock = open_dock(viewer)
        if folder.exists():
            dock.open_project(folder)
        else:
            dock.session.new_project(folder)
            dock.images.add_paths([picture(tmp_path)])
        dock.session.suggestions.put(PlaneRef("tile"), Predictions(points, radius=3.0))
        wait_until(lambda dock=dock, said=said: dock.review.looked.text() == said)
        press_key(viewer, "G")
        dock_widget(viewer).destroyOnClose()
        settle(0.1)


def test_what_is_said_of_a_suggestion_does_not_widen_the_dock(with_image):
    score = with_image.review.score
    score.setText("The one in the ring is the outline of a cell that you marked.")
    assert score.minimumSizeHint().width() < 100


@pytest.mark.parametrize(
    ("active", "guesses", "says"),
    [
        (True, False, "Still training"),
        (True, True, "A first guess, from before the model has learnt: wait"),
        (False, True, "A first guess, from before the model has learnt: train again"),
        (False, False, "None is left above"),
    ],
)
def test_where_none_is_above_the_threshold(with_image, monkeypatch, active, guesses, says):
    review = with_image.review
    for name, value in (("active", active), ("guesses", guesses)):
        monkeypatch.setattr(type(review.session.training), name, property(lambda _, value=value: value))
    review._advise(total=5, shown=0, doubtful=0)
    assert review.next_step.text().startswith(says)
    monkeypatch.undo()


@pytest.mark.parametrize("keys", ["Shift+E", "Shift+W"])
def test_a_first_guess_is_not_accepted_as_a_whole(with_image, monkeypatch, keys):
    viewer, review, guesses = with_image.viewer, with_image.review, [True]
    monkeypatch.setattr(type(review.session.training), "guesses", property(lambda _: guesses[0]))
    suggest(with_image.session, [[20.0, 20.0]])
    review.refresh()
    assert review.accept_button.isEnabled()
    assert not review.accept_all.isEnabled() and not review.accept_view.isEnabled()
    press_key(viewer, keys)
    assert "first guess" in with_image.messages.current.text
    assert not with_image.session.annotations.hints
    guesses[0] = False
    review.refresh()
    assert review.accept_all.isEnabled() and review.accept_view.isEnabled()
    press_key(viewer, keys)
    assert len(with_image.session.annotations.hints) == 1


def test_the_titles_say_what_they_have_to_say(with_image):
    mark(with_image, [[10, 10], [30, 30]])
    suggest(with_image.session, np.random.default_rng(0).uniform(0, 90, (120, 2)))
    settle(0.3)
    for panel in (with_image.annotate, with_image.review, with_image.images):
        words = panel.summary.text()
        assert words and panel.summary.width() >= panel.summary.fontMetrics().horizontalAdvance(words), words
