"""Hints, undo, classes, time, models and settings of a project, across restarts."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hint_cases import CELLS, places, point

import napari_inkling.project
from napari_inkling.core import Boxes, HintError, HintSet, ImageError, PlaneRef, Points, ProjectError, new_ids
from napari_inkling.project import PALETTE, ClassInfo, Project

NOTHING = HintSet()
STACK = PlaneRef("stack", (2,))


def add(project: Project, y: float, x: float = 0, ref: PlaneRef = CELLS, name: str = "cell") -> HintSet:
    hints = point(y, x, name)
    project.edit(ref, NOTHING, hints, f"add {y}")
    return hints


def reopen(project: Project) -> Project:
    project.close()
    return Project.open(project.folder)


def test_public_names() -> None:
    assert sorted(napari_inkling.project.__all__) == sorted(
        [
            "IMAGE_SUFFIXES", "PALETTE", "ClassInfo", "Edit", "FileArray", "ImageInfo", "ImageProblem",
            "ImageRecord", "PixelCache", "Project", "Snapshot", "SnapshotImage", "fingerprint", "open_array",
            "open_image", "scratch_folders",
        ]
    )  # fmt: skip
    assert all(hasattr(napari_inkling.project, name) for name in napari_inkling.project.__all__)


def test_hints_come_back_exactly(project: Project) -> None:
    hints = HintSet(
        Points(
            [[0.1, 2.7], [1e-9, 123456.789]],
            classes=["cell", "background"],
            sources=["human", "accepted"],
            scores=[1.0, np.nan],
            rounds=[0, 3],
            times=[1700000000.123456, 0.0],
            seconds=[0.9, 0.0],
            attributes={"stage": ["early", ""], "size": [3, 0.5]},
        ),
        Boxes([[0, 1, 2.5, 3]], classes="other", sources="imported"),
    )
    project.edit(STACK, NOTHING, hints, "import")
    with reopen(project) as again:
        assert again.notices == []
        found = again.hints(STACK)
        assert found.boxes.equals(hints.boxes)
        assert np.isnan(found.points.scores[1])
        assert found.points.changed(scores=1.0).equals(hints.points.changed(scores=1.0))
        assert again.planes_with_hints() == (STACK,)
        assert len(again.hints(CELLS)) == 0


def test_edits_that_change_and_remove(project: Project) -> None:
    first, second, third = (add(project, y) for y in (1, 2, 3))
    moved = HintSet(second.points.changed(coordinates=[[2.5, 0]]))
    project.edit(CELLS, second, moved, "move")
    project.edit(CELLS, first, NOTHING, "remove")
    assert places(project.hints(CELLS)) == [(3, 0), (2.5, 0)]
    project.edit(CELLS, NOTHING, NOTHING, "nothing")
    assert project.can_undo == "remove"
    with pytest.raises(HintError, match="duplicate ids"):
        project.edit(CELLS, NOTHING, third, "again")
    assert project.can_undo == "remove"
    with reopen(project) as again:
        assert places(again.hints(CELLS)) == [(3, 0), (2.5, 0)]


def test_what_is_recorded_as_gone_is_what_was_there(project: Project) -> None:
    there = add(project, 1)
    stale = HintSet(there.points.changed(coordinates=[[9, 9]], classes="other"))
    project.edit(CELLS, stale, NOTHING, "remove")
    edit = project.undo()
    assert edit is not None
    assert edit.after.points.equals(there.points)


@pytest.mark.parametrize(
    "ref", [PlaneRef("gone"), PlaneRef("cells", (0,)), PlaneRef("stack"), PlaneRef("stack", (4,))]
)
def test_edits_of_what_is_not_there(project: Project, ref: PlaneRef) -> None:
    with pytest.raises(ImageError, match="there is no"):
        project.edit(ref, NOTHING, point(1, 1), "add")


# Undo


def walk(project: Project, moves: str) -> list[tuple[float, float]]:
    for move in moves:
        assert (project.undo() if move == "u" else project.redo()) is not None
    return places(project.hints(CELLS))


@pytest.mark.parametrize(
    ("moves", "left", "undo", "redo"),
    [
        ("", [1, 2, 3], "add 3", ""),
        ("u", [1, 2], "add 2", "add 3"),
        ("uu", [1], "add 1", "add 2"),
        ("uuu", [], "", "add 1"),
        ("uur", [1, 2], "add 2", "add 3"),
        ("uuurrr", [1, 2, 3], "add 3", ""),
        ("uurruuu", [], "", "add 1"),
    ],
)
@pytest.mark.parametrize("restart", [False, True])
def test_undo_and_redo(
    project: Project, moves: str, left: list[float], undo: str, redo: str, restart: bool
) -> None:
    for y in (1, 2, 3):
        add(project, y)
    walk(project, moves)
    with reopen(project) if restart else project as project:
        assert [y for y, _ in places(project.hints(CELLS))] == left
        assert (project.can_undo, project.can_redo) == (undo, redo)
        assert (
            [y for y, _ in walk(project, "r" * moves.count("u"))[:3]] if redo and "r" not in moves else True
        )


def test_undo_goes_on_after_a_restart_between_any_two_steps(project: Project) -> None:
    """Compare with a list of states, over a random walk with a restart at each third step."""
    random = np.random.default_rng(0)
    states: list[list[tuple[float, float]]] = [[]]
    at = 0
    for step in range(60):
        if step % 3 == 2:
            project = reopen(project)
        action = random.choice(["edit", "undo", "redo"])
        if action == "edit":
            now = project.hints(CELLS)
            gone = HintSet(now.points.take(random.random(len(now.points)) < 0.3))
            new = HintSet(Points(random.integers(0, 20, (random.integers(0, 3), 2))))
            if len(gone) + len(new):
                project.edit(CELLS, gone, new, f"edit {step}")
                del states[at + 1 :]
                states.append(sorted(places(project.hints(CELLS))))
                at += 1
        elif action == "undo":
            assert (project.undo() is not None) == (at > 0)
            at = max(0, at - 1)
        else:
            assert (project.redo() is not None) == (at < len(states) - 1)
            at = min(len(states) - 1, at + 1)
        assert sorted(places(project.hints(CELLS))) == states[at]
    project.close()


def test_undo_and_redo_return_the_change_they_made(project: Project) -> None:
    start = time.time()
    hints = add(project, 1, ref=STACK)
    undone = project.undo()
    assert undone is not None
    assert (undone.ref, undone.label, len(undone.after)) == (STACK, "add 1", 0)
    assert undone.before.points.equals(hints.points)
    assert start <= undone.time <= time.time()
    redone = project.redo()
    assert redone is not None
    assert (len(redone.before), redone.after.points.equals(hints.points)) == (0, True)
    assert project.redo() is None


def test_a_new_edit_ends_redo(project: Project) -> None:
    add(project, 1)
    project.undo()
    add(project, 2)
    assert project.can_redo == ""
    with reopen(project) as again:
        assert again.can_redo == ""
        assert places(again.hints(CELLS)) == [(2, 0)]


def test_undo_passes_over_images_that_were_removed(project: Project, pictures: Path) -> None:
    add(project, 1)
    add(project, 2, ref=STACK)
    project.remove_image("stack")
    assert project.can_undo == "add 1"
    assert project.planes_with_hints() == (CELLS,)
    project.undo()
    assert (project.can_undo, project.undo()) == ("", None)
    with reopen(project) as again:
        again.add_images([pictures / "stack.tif"])
        assert places(again.hints(STACK)) == [(2, 0)]
        assert again.can_undo == "add 2"


# A full disk


class FullDisk:
    """Stands before the journal's connection and refuses to insert until told otherwise."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.full = True

    def executemany(self, *arguments: Any) -> Any:
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        return self.connection.executemany(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


def test_an_edit_on_a_full_disk_is_told_kept_and_written_later(project: Project) -> None:
    disk = FullDisk(project._journal._connection)  # type: ignore[arg-type]
    project._journal._connection = disk  # type: ignore[assignment]
    for act in (lambda: add(project, 1), lambda: add(project, 2), project.undo):
        with pytest.raises(ProjectError, match="disk is full"):
            act()
    assert places(project.hints(CELLS)) == [(1, 0)]
    assert (project.can_undo, project.can_redo) == ("add 1", "add 2")
    with pytest.raises(ProjectError, match="disk is full"):
        project.close()
    disk.full = False
    with reopen(project) as again:
        assert places(again.hints(CELLS)) == [(1, 0)]
        assert (again.can_undo, again.can_redo) == ("add 1", "add 2")


def test_settings_on_a_full_disk_are_written_on_closing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(ProjectError, match="No space left"):
            project.set_setting("method", "partial-points")
        with pytest.raises(ProjectError, match="No space left"):
            add(project, 1, name="new")  # the edit is in the journal; the list of classes is not
    with reopen(project) as again:
        assert again.setting("method") == "partial-points"
        assert places(again.hints(CELLS)) == [(1, 0)]
        assert [c.name for c in again.classes] == ["cell", "other", "new"]
        assert again.notices == []


# Classes


def test_classes_are_set_and_kept(project: Project) -> None:
    project.set_classes(["other", ClassInfo("cell", "#112233", "q"), "third"])
    with reopen(project) as again:
        assert again.classes == (
            ClassInfo("other", PALETTE[1]),
            ClassInfo("cell", "#112233", "q"),
            ClassInfo("third", PALETTE[0]),
        )


def test_a_class_with_hints_is_not_dropped(project: Project) -> None:
    add(project, 1, name="other")
    add(project, 2, name="background")
    with pytest.raises(ProjectError, match="class 'other' has 1 point on 1 image and cannot be removed"):
        project.set_classes(["cell"])
    project.set_classes(["other"])


def test_what_is_of_a_class_is_counted(project: Project) -> None:
    add(project, 1, name="other")
    boxes = Boxes([(0, 0, 5, 5), (1, 1, 6, 6), (2, 2, 7, 7)], classes=["other", "other", "ignore"])
    for ref in (CELLS, PlaneRef("stack", (1,)), PlaneRef("stack", (2,))):
        project.edit(ref, NOTHING, HintSet(boxes=boxes.changed(ids=new_ids(3))), "draw")
    with pytest.raises(ProjectError, match="'other' has 1 point and 6 boxes on 2 images and cannot"):
        project.set_classes(["cell"])
    project.remove_image("stack")
    with pytest.raises(ProjectError, match=r"6 boxes on 2 images \(1 of them off the list\) and cannot"):
        project.set_classes(["cell"])


def test_a_class_that_is_removed_comes_back_with_its_hints(project: Project) -> None:
    hints = add(project, 1, name="other")
    project.edit(CELLS, hints, NOTHING, "delete")
    project.set_classes(["cell"])
    project.undo()
    assert [c.name for c in project.classes] == ["cell", "other"]
    with reopen(project) as again:
        assert again.notices == []
        again.redo()
        again.set_classes(["cell"])
        assert [c.name for c in again.classes] == ["cell"]


@pytest.mark.parametrize("restart", [False, True])
def test_renaming_reaches_boxes_and_leaves_what_is_ignored(project: Project, restart: bool) -> None:
    boxes = Boxes([(0, 0, 5, 5), (1, 1, 6, 6), (2, 2, 7, 7)], classes=["other", "cell", "ignore"])
    project.edit(CELLS, NOTHING, HintSet(boxes=boxes), "draw")
    moved = boxes.take([0]).changed(coordinates=[(3, 3, 9, 9)])
    project.edit(CELLS, HintSet(boxes=boxes.take([0])), HintSet(boxes=moved), "move")
    project.rename_class("other", "lymphocyte")
    with reopen(project) if restart else project as project:
        for step in (project.undo, project.undo, project.redo, project.redo):
            step()
            found = dict(zip(project.hints(CELLS).boxes.ids, project.hints(CELLS).boxes.classes, strict=True))
            names = ("lymphocyte", "cell", "ignore")
            assert found in ({}, dict(zip(boxes.ids, names, strict=True)))
        assert project.hints(CELLS).boxes.with_ids(moved.ids).coordinates.tolist() == [[3, 3, 9, 9]]
        assert [c.name for c in project.classes] == ["cell", "lymphocyte"]


def test_fifty_classes(project: Project) -> None:
    names = [f"type {i}" for i in range(50)]
    boxes = Boxes([(i, i, i + 5, i + 5) for i in range(50)], classes=names)
    project.edit(CELLS, NOTHING, HintSet(boxes=boxes), "import")
    assert [c.name for c in project.classes] == ["cell", "other", *sorted(names)]
    project.rename_class("type 49", "last")
    with reopen(project) as again:
        assert set(again.hints(CELLS).boxes.classes) == {*names[:49], "last"}
        assert len({c.name for c in again.classes}) == 52


def test_a_new_class_in_an_edit_is_added(project: Project) -> None:
    add(project, 1, name="third")
    assert [c.name for c in project.classes] == ["cell", "other", "third"]
    with pytest.raises(ProjectError, match="class name ''"):
        add(project, 2, name="")
    with reopen(project) as again:
        assert [c.name for c in again.classes] == ["cell", "other", "third"]


@pytest.mark.parametrize("restart", [False, True])
def test_renaming_reaches_hints_and_what_undo_brings_back(project: Project, restart: bool) -> None:
    hints = add(project, 1, name="other")
    add(project, 2, name="other")
    project.edit(CELLS, hints, NOTHING, "remove")
    color = project.classes[1].color
    project.rename_class("other", "lymphocyte")
    with reopen(project) if restart else project as project:
        assert project.classes[1] == ClassInfo("lymphocyte", color)
        assert project.hints(CELLS).points.classes.tolist() == ["lymphocyte"]
        project.undo()
        assert project.hints(CELLS).points.classes.tolist() == ["lymphocyte"] * 2
        project.rename_class("lymphocyte", "plasma")
        project.undo()
        project.undo()
        project.redo()
        assert project.hints(CELLS).points.classes.tolist() == ["plasma"]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(
    ("renames", "expected"),
    [
        ([], {"cell": "cell", "gone": "gone"}),
        (["cell > a"], {"cell": "a", "a": "a", "other": "other", "background": "background"}),
        (["cell > a", "a > b"], {"cell": "b", "a": "b", "b": "b"}),
        (["cell > a", "a > cell"], {"cell": "cell", "a": "cell"}),
        (["cell > a", "a > cell", "cell > c"], {"cell": "c", "a": "c"}),
        (["cell > a", "other > cell"], {"other": "cell", "cell": "cell"}),  # the name has another meaning now
        (["cell > a", "other > cell", "cell > d"], {"other": "d", "cell": "d"}),  # the last to have the name
    ],
)
def test_what_a_class_is_called_today(
    project: Project, renames: list[str], expected: dict[str, str], restart: bool
) -> None:
    for rename in renames:
        project.rename_class(*rename.split(" > "))
    with reopen(project) if restart else project as project:
        assert {name: project.class_today(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("gone", "a", "there is no class 'gone', expected one of cell, other"),
        ("cell", "other", "there is a class 'other' already"),
        ("cell", "background", "cannot be a class"),
        ("cell", "ignore", "'ignore' cannot be a class: it is the word for what nobody labelled"),
        ("ignore", "a", "there is no class 'ignore'"),
        ("cell", "", "is empty"),
    ],
)
def test_bad_renames(project: Project, old: str, new: str, message: str) -> None:
    with pytest.raises(ProjectError, match=message):
        project.rename_class(old, new)


def test_classes_of_hints_that_the_list_lost(project: Project) -> None:
    add(project, 1, name="other")
    project._content.classes = project.classes[:1]
    project._save()
    with reopen(project) as again:
        assert [c.name for c in again.classes] == ["cell", "other"]
        assert again.notices == ["Hints have classes that were not listed: other. They were added."]


# Time, models, settings


def test_seconds_are_kept(project: Project) -> None:
    project.add_seconds(1.5)
    add(project, 1)
    project.add_seconds(11)
    project.add_seconds(0.25)
    assert project.seconds_spent == 12.75
    with reopen(project) as again:
        assert again.seconds_spent == 12.75


def test_models_are_numbered_and_listed_when_they_are_there(project: Project) -> None:
    first, second = project.new_model_folder(), project.new_model_folder()
    assert first != second
    assert project.models() == []
    (second / "model.json").touch()
    (first / "model.json").touch()
    assert project.models() == [first, second]
    assert [f.name[:5] for f in (first, second)] == ["0001-", "0002-"]
    for number in (9999, 10000):
        (project.folder / "models" / f"{number}-x").mkdir()
        (project.folder / "models" / f"{number}-x" / "model.json").touch()
    assert [f.name for f in project.models()][2:] == ["9999-x", "10000-x"]
    assert project.new_model_folder().name.startswith("10001-")
    assert project.exports_folder.is_dir()


def test_settings(project: Project) -> None:
    assert project.setting("zoom", 1.0) == 1.0
    value = {"preset": "quick", "sizes": [1, 2]}
    project.set_setting("train", value)
    value["preset"] = "standard"
    assert project.setting("train")["preset"] == "quick"
    project.set_setting("train", value)
    with pytest.raises(ProjectError, match=r"setting 'zoom' is .* expected a JSON value"):
        project.set_setting("zoom", {1, 2})
    with reopen(project) as again:
        assert again.setting("train") == value


def test_a_bulk_edit_is_one_undo_step_and_outlives_a_restart(project: Project) -> None:
    many = HintSet(Points(np.random.default_rng(0).uniform(0, 20, (5000, 2))))
    project.edit(CELLS, NOTHING, many, "accept all")
    project.undo()
    assert not len(project.hints(CELLS))
    project.redo()
    with reopen(project) as again:
        assert again.hints(CELLS).points.equals(many.points)
