"""Masks in a project: edited, undone, renamed, across restarts; and projects from before there were any."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hint_cases import CELLS, places, point
from tests.core.mask_cases import corner, drawing

from napari_inkling.core import Boxes, HintError, HintSet, Masks, PlaneRef, ProjectError, ProjectVersionError
from napari_inkling.project import Project, storage
from napari_inkling.project.journal import JOURNAL, Journal
from napari_inkling.project.rows import Row, edit_payload

NOTHING = HintSet()
STACK = PlaneRef("stack", (2,))


def reopen(project: Project) -> Project:
    project.close()
    return Project.open(project.folder)


def masks(*rows: str, **columns: Any) -> HintSet:
    """The masks that the digits draw."""
    return HintSet(masks=Masks.from_labels(drawing(*rows), **columns))


def painted(project: Project, ref: PlaneRef = CELLS, shape: tuple[int, int] = (2, 4)) -> list[str]:
    """The plane's masks as a drawing, numbered as they come from the top left."""
    numbers: dict[int, str] = {0: "."}
    image = project.hints(ref).masks.labels(shape).tolist()
    return ["".join(numbers.setdefault(n, str(len(numbers))) for n in row) for row in image]


def test_masks_come_back_exactly(project: Project) -> None:
    hints = HintSet(
        point(1, 2).points,
        Boxes([[0, 1, 2.5, 3]], classes="other"),
        corner(
            classes=["cell", "other"], sources=["human", "accepted"], scores=[1, 0.123456789], rounds=[0, 3],
            times=[1700000000.123456, 0], seconds=[0.9, 0],
            attributes={"stage": ["early", ""], "size": [3, 0.5]},
        ),
    )  # fmt: skip
    project.edit(STACK, NOTHING, hints, "import")
    with reopen(project) as again:
        assert again.notices == []
        assert all(a.equals(b) for a, b in zip(again.hints(STACK).kinds, hints.kinds, strict=True))
        assert again.planes_with_hints() == (STACK,)
        assert len(again.hints(CELLS)) == 0
        assert again.snapshot().load().train[0].hints.masks.equals(hints.masks)


# Undo

EMPTY = ["....", "...."]
#: What is done, the rows that it takes (by their place), what it draws, and what is there then.
STROKES = [
    ("accept 2 suggestions", [], ("11.2", "11.2"), ["11.2", "11.2"]),
    ("brush", [0], ("1...", "111."), ["1..2", "1112"]),  # a changed row comes last
    ("split", [0], ("...1", "...2"), ["1..2", "1113"]),
    ("merge", [1, 2], ("...1", "...1"), ["1..2", "1112"]),
    ("delete", [0], (), ["...1", "...1"]),
]


@pytest.mark.parametrize("restart", [False, True])
def test_every_edit_of_masks_is_undone_and_redone(project: Project, restart: bool) -> None:
    states = [EMPTY]
    for label, gone, rows, there in STROKES:
        before = HintSet(masks=project.hints(CELLS).masks.take(np.array(gone, dtype=int)))
        project.edit(CELLS, before, masks(*rows) if rows else NOTHING, label)
        assert painted(project) == there
        states.append(there)
    for step in reversed(range(len(STROKES))):
        project = reopen(project) if restart else project
        assert project.can_undo == STROKES[step][0]
        project.undo()
        assert painted(project) == states[step]
    assert project.can_undo == ""
    for step in range(len(STROKES)):
        project = reopen(project) if restart else project
        assert project.can_redo == STROKES[step][0]
        project.redo()
        assert painted(project) == states[step + 1]
    assert project.can_redo == ""
    project.close()


def test_undo_brings_back_every_column_of_what_was_there(project: Project) -> None:
    there = masks("12", classes=["cell", "other"], scores=[0.5, 0.25], attributes={"n": [1, 2]})
    project.edit(CELLS, NOTHING, there, "import")
    stale = HintSet(masks=there.masks.changed(classes="changed behind our back", scores=1.0))
    project.edit(CELLS, stale, NOTHING, "delete")
    edit = project.undo()
    assert edit is not None
    assert edit.after.masks.equals(there.masks)
    assert project.hints(CELLS).masks.equals(there.masks)


def test_an_edit_may_touch_all_kinds_at_once(project: Project) -> None:
    first = HintSet(point(1, 2).points, Boxes([[0, 0, 1, 1]]), masks("1").masks)
    project.edit(CELLS, NOTHING, first, "add")
    project.edit(CELLS, HintSet(first.points, masks=first.masks), masks(".1"), "outline it")
    assert [len(rows) for rows in project.hints(CELLS).kinds] == [0, 1, 1]
    project.undo()
    assert all(a.equals(b) for a, b in zip(project.hints(CELLS).kinds, first.kinds, strict=True))


# Classes


def test_classes_of_masks_are_taken_in_counted_and_kept(project: Project) -> None:
    project.edit(CELLS, NOTHING, masks("12", classes=["third", "cell"]), "import")
    assert [c.name for c in project.classes] == ["cell", "other", "third"]
    with pytest.raises(ProjectError, match="class 'third' has 1 mask on 1 image and cannot be removed"):
        project.set_classes(["cell"])
    with reopen(project) as again:
        assert [c.name for c in again.classes] == ["cell", "other", "third"]


@pytest.mark.parametrize("restart", [False, True])
def test_renaming_reaches_masks_and_what_undo_brings_back(project: Project, restart: bool) -> None:
    there = masks("12", classes=["other", "cell"])
    project.edit(CELLS, NOTHING, there, "import")
    project.edit(CELLS, HintSet(masks=there.masks.take([0])), NOTHING, "delete")
    project.edit(STACK, NOTHING, masks("1", classes="other"), "import")
    project.rename_class("other", "lymphocyte")
    project = reopen(project) if restart else project
    assert project.hints(STACK).masks.classes.tolist() == ["lymphocyte"]
    project.undo()
    project.undo()
    assert project.hints(CELLS).masks.classes.tolist() == ["cell", "lymphocyte"]
    assert painted(project, shape=(1, 2)) == ["12"]
    project.close()


# Damage


def test_masks_survive_a_damaged_journal(project: Project) -> None:
    image = np.arange(1, 1001).reshape(20, 50).repeat(3, 0).repeat(3, 1)
    many = HintSet(masks=Masks.from_labels(image))  # one edit of many pages
    project.edit(CELLS, NOTHING, many, "accept 1,000 suggestions")
    project.edit(CELLS, HintSet(masks=many.masks.take([5])), NOTHING, "delete")
    project.close()
    path = project.folder / JOURNAL
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])
    with Project.open(project.folder) as again:
        assert "was damaged: 2 rows were recovered" in again.notices[0]
        assert len(again.hints(CELLS).masks) == 999
        again.undo()
        assert again.hints(CELLS).masks.areas.tolist() == [9] * 1000


def test_a_mask_that_cannot_be_understood_is_told_and_not_dropped(project: Project) -> None:
    content = json.loads(json.dumps({"before": {}, "after": masks("11").to_json()}))
    content["after"]["masks"]["bitmaps"] = ["eAHbAAAAsQCx"]  # of a square of 2 pixels by 2
    project._journal.append(Row(1, "edit", "cells", "import", json.dumps(content).encode()))
    project.close()
    with pytest.raises(HintError, match=r"box \[0, 0, 1, 2\] has a bitmap with pixels behind"):
        Project.open(project.folder)


# Before and after there were masks

#: What version 1 wrote for one point, letter by letter.
VERSION_1 = (
    b'{"before":{},"after":{"points":{"coordinates":[[1.5,2.0]],"classes":["cell"],"sources":["human"],'
    b'"rounds":[0],"times":[0.0],"seconds":[0.9],"ids":[5],"scores":[1.0],"attributes":{}}}}'
)


@pytest.fixture
def old(folder: Path) -> Path:
    """A project as a program that knew no masks left it: version 1 of project.json and journal."""
    for name in ("project.json", "project.backup.json"):
        values = json.loads((folder / name).read_text("utf-8"))
        (folder / name).write_text(json.dumps({**values, "version": 1}), "utf-8")
    with sqlite3.connect(folder / JOURNAL) as connection:
        row = Row(1, "edit", "cells", "add point", VERSION_1, time=1e9).values()
        connection.execute("INSERT INTO rows VALUES (?,?,?,?,?,?,?,?,?)", row)
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    return folder


def version_of(journal: Path) -> int:
    connection = sqlite3.connect(journal)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(version)


def test_an_old_project_is_backed_up_and_takes_masks(old: Path) -> None:
    with Project.open(old) as project:
        (notice,) = project.notices
        (backup,) = old.glob("backup-version-1-*")
        assert notice == f"The project was of version 1; as it was it is kept in {backup.name}."
        assert places(project.hints(CELLS)) == [(1.5, 2)]
        assert project.can_undo == "add point"
        project.edit(CELLS, NOTHING, masks("12"), "import")
    assert (version_of(old / JOURNAL), version_of(backup / JOURNAL)) == (2, 1)
    with Project.open(old) as project:
        assert project.notices == []
        assert [len(rows) for rows in project.hints(CELLS).kinds] == [1, 0, 2]
        project.undo()
        project.undo()
        assert (len(project.hints(CELLS)), project.can_undo) == (0, "")
    (backup / "pictures").mkdir()  # the backup is a project of its own
    with Project.open(backup) as project:
        assert places(project.hints(CELLS)) == [(1.5, 2)]


def test_reading_an_old_project_changes_nothing(old: Path) -> None:
    before = {p.name: p.read_bytes() for p in old.iterdir() if p.is_file()}
    with Project.open(old, read_only=True) as project:
        assert places(project.hints(CELLS)) == [(1.5, 2)]
    assert {p.name: p.read_bytes() for p in old.iterdir() if p.is_file()} == before


def test_hints_without_masks_are_written_as_before() -> None:
    hints = HintSet.from_json(json.loads(VERSION_1)["after"])
    assert edit_payload(NOTHING, hints) == VERSION_1


@pytest.mark.parametrize("what", ["the project", "the journal alone"])
def test_a_program_without_masks_refuses(
    project: Project, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    project.edit(CELLS, NOTHING, masks("12"), "import")
    project.close()
    before = (project.folder / JOURNAL).read_bytes()
    monkeypatch.setattr(storage, "VERSION", 1)
    monkeypatch.setattr("napari_inkling.project.journal_file.JOURNAL_VERSION", 1)
    with pytest.raises(ProjectVersionError, match="version 2, this one reads up to 1"):
        Project.open(project.folder) if what == "the project" else Journal(project.folder)
    assert (project.folder / JOURNAL).read_bytes() == before


# Where an edit is


def test_an_undo_says_where_it_changed_something(project: Project) -> None:
    before = point(1, 2)
    moved = HintSet(
        before.points.changed(coordinates=[[5.0, 6.0]]), Boxes([[0, 1, 2.5, 3]]), masks("..1", "..1").masks
    )
    project.edit(CELLS, NOTHING, before, "add")
    project.edit(CELLS, before, moved, "move and draw")
    project.reject(CELLS, [(7, 8)], "reject")
    assert [edit.places.tolist() for _ in range(3) if (edit := project.undo())] == [
        [[7, 8]],
        [[5, 6], [1.25, 2], [1, 2.5], [1, 2]],
        [[1, 2]],
    ]
