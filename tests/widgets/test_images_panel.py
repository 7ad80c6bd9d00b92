"""What the list of images offers beside showing them: taking one off, and importing annotations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog

from napari_inkling.core import BACKGROUND, HintSet, PlaneRef, Points
from tests.widgets.dock_driving import choose, open_dock, picture, right_click
from tests.widgets.driving import canvas, click_at, press_key, settle, wait_until, world_position

pytestmark = pytest.mark.window


TABLE = "image,y,x,class\ntile,10,10,cell\ntile,30,40,cell\nother,50,60,nucleus\n"


@pytest.fixture
def dock(used_dock, tmp_path):
    used_dock.images.add_paths([picture(tmp_path), picture(tmp_path, "other.png")])
    settle(0.1)
    return used_dock


def answer(monkeypatch, method, *values):
    result = values if method.startswith("getOpenFileName") else values[0]
    monkeypatch.setattr(QFileDialog, method, staticmethod(lambda *args, **kwargs: result))


def names(dock):
    return [line.name for line in dock.images.model.lines]


def line_of(dock, name):
    index = dock.images.model.index(names(dock).index(name))
    return dock.images.list.viewport(), dock.images.list.visualRect(index).center()


def test_an_image_is_removed_by_its_menu_and_comes_back_with_its_hints(dock, tmp_path):
    viewer = dock.viewer
    click_at(viewer, 50, 50)
    wait_until(lambda: len(dock.session.annotations.hints.points) == 1)
    menu = right_click(*line_of(dock, "tile"))
    assert [action.text() for action in menu.actions()] == ["Re-link…", "Remove “tile” from the project"]
    choose(dock, menu, "Remove “tile” from the project")
    assert names(dock) == ["other"]
    assert dock.session.plane == PlaneRef("other")
    assert (tmp_path / "tile.png").exists()
    assert "not from the disk" in dock.messages.current.text
    assert "1 hint" in dock.messages.current.text
    assert dock.annotate.counts.text() == "Nothing marked yet"

    dock.images.add_paths([tmp_path / "tile.png"])
    dock.session.go_to(PlaneRef("tile"))
    settle(0.1)
    assert len(dock.session.annotations.hints.points) == 1
    press_key(viewer, "Ctrl+Z")
    assert len(dock.session.annotations.hints.points) == 0


def test_the_last_image_is_removed_by_the_menu_of_the_header(dock):
    viewer = dock.viewer
    for name in ("tile", "other"):
        choose(dock, dock.images.add_menu, f"Remove “{name}” from the project")
    assert names(dock) == []
    assert dock.session.plane is None
    assert dock.images.start.isVisible()
    assert not dock.train.go.isEnabled()
    assert not any(made.isEnabled() for made in dock.annotate.tools.values())
    dock.images.add_menu.aboutToShow.emit()
    texts = [action.text() for action in dock.images.add_menu.actions()]
    assert not any(text.startswith("Remove") for text in texts)
    click_at(viewer, *world_position(viewer, canvas(viewer).rect().center())[-2:])
    assert dock.messages.current.level == "info"  # no refusal: nothing was marked


def test_a_read_only_project_keeps_its_images(viewer, tmp_path):
    from napari_inkling.project import Project

    with Project.create(tmp_path / "shared.inkling") as first:
        first.add_images([picture(tmp_path)])
        dock = open_dock(viewer)
        dock.open_project(first.folder)
        settle(0.1)
        menu = dock.images.menu_for("tile")
        assert not any(action.isEnabled() for action in menu.actions())
        menu.deleteLater()
        dock.images.add_menu.aboutToShow.emit()
        inner = next(a for a in dock.images.add_menu.actions() if a.text() == "Import annotations")
        assert not inner.isEnabled()
        dock.close_down()


@pytest.mark.parametrize("chosen", ["guessed", "named"])
def test_a_file_is_imported_and_undone(dock, tmp_path, monkeypatch, chosen):
    viewer = dock.viewer
    path = tmp_path / ("cells.csv" if chosen == "guessed" else "cells.txt")
    path.write_text(TABLE)
    answer(
        monkeypatch, "getOpenFileName", str(path), "" if chosen == "guessed" else "Points (CSV) (*.csv *.tsv)"
    )
    choose(dock, dock.images.add_menu, "Import annotations", "From a file…")
    assert dock.messages.current.text == (
        "Imported 3 points on 2 images or planes. New class: nucleus (1 cell). "
        "Undo takes them back one by one."
    )
    assert list(dock.annotate.chips.chips) == ["cell", "nucleus"]
    assert dock.session.annotations.hints_of(PlaneRef("tile")).points.sources.tolist() == ["imported"] * 2
    press_key(viewer, "Ctrl+Z")
    press_key(viewer, "Ctrl+Z")
    assert dock.session.project.planes_with_hints() == ()
    press_key(viewer, "Ctrl+Shift+Z")
    assert len(dock.session.project.planes_with_hints()) == 1


def test_suggestions_become_hints_only_with_a_word(dock, tmp_path, monkeypatch):
    path = tmp_path / "found.csv"
    path.write_text("image,y,x,class,source,score\ntile,10,10,RBC,model,0.6\ntile,30,40,WBC,model,0.9\n")
    answer(monkeypatch, "getOpenFileName", str(path), "")
    choose(dock, dock.images.add_menu, "Import annotations", "From a file…")
    assert (dock.messages.current.level, dock.messages.current.text) == (
        "warning",
        "Imported 2 points. New classes: RBC (1 cell), WBC (1 cell). "
        "A model suggested 2 cells of these: they are hints now. Undo takes them back.",
    )


def test_a_folder_is_imported(dock, tmp_path, monkeypatch):
    folder = tmp_path / "voc"
    places = Points(np.array([[10.0, 20.0], [40.0, 60.0]]), classes=np.array(["cell", BACKGROUND], object))
    dock.session.annotations.edit(HintSet(), HintSet(places), "add points", PlaneRef("tile"))
    dock.session.files.export(folder, "voc")
    dock.session.annotations.undo()
    for name in range(3):  # more pictures than annotations: what most files are is no guide
        picture(folder, f"picture_{name}.png")
    answer(monkeypatch, "getExistingDirectory", str(folder))
    choose(dock, dock.images.add_menu, "Import annotations", "From a folder: Pascal VOC (XML)…")
    assert dock.session.annotations.hints_of(PlaneRef("tile")).points.classes.tolist() == ["cell", BACKGROUND]
    assert dock.messages.current.text == "Imported 2 points. Undo takes them back."
    choose(dock, dock.images.add_menu, "Import annotations", "From a folder: Pascal VOC (XML)…")
    assert "brought nothing new" in "".join(m.text for m in (dock.messages.current, *dock.messages.waiting))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("notes.txt", "hello", "no known format"),
        ("broken.json", "{", "broken.json"),
        ("a.csv", "p,q\n1,2\n", "a.csv"),
    ],
)
def test_what_cannot_be_imported_is_told(dock, tmp_path, monkeypatch, name, text, words):
    Path(tmp_path / name).write_text(text)
    answer(monkeypatch, "getOpenFileName", str(tmp_path / name), "")
    choose(dock, dock.images.add_menu, "Import annotations", "From a file…")
    assert dock.messages.current.level == "error"
    assert words in dock.messages.current.text
    assert dock.session.project.planes_with_hints() == ()


def test_nothing_chosen_is_nothing_done(dock, monkeypatch):
    answer(monkeypatch, "getOpenFileName", "", "")
    choose(dock, dock.images.add_menu, "Import annotations", "From a file…")
    assert dock.messages.current is None
