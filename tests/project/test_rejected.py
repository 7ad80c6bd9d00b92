"""Suggestions that were rejected without marking: kept in the journal, undone, brought back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hint_cases import CELLS, places, point

from napari_inkling.core import HintSet, ImageError, PlaneRef, ProjectError
from napari_inkling.project import Project
from napari_inkling.project.journal import JOURNAL
from napari_inkling.project.rows import decode

NOTHING = HintSet()
STACK = PlaneRef("stack", (2,))

Step = Callable[[Project], object]


def reject(*where: tuple[float, float]) -> Step:
    return lambda project: project.reject(CELLS, np.array(where), f"reject {len(where)}")


def restore(project: Project) -> None:
    project.restore_rejected(CELLS, "bring back")


def edit(project: Project) -> None:
    project.edit(CELLS, NOTHING, point(9, 9), "add point")


def undo(project: Project) -> object:
    return project.undo()


def redo(project: Project) -> object:
    return project.redo()


def there(project: Project) -> list[tuple[float, ...]]:
    return [tuple(place) for place in project.rejected(CELLS).tolist()]


@contextmanager
def open_or_reopened(project: Project, restart: bool) -> Iterator[Project]:
    if restart:
        project.close()
        with Project.open(project.folder) as again:
            assert again.notices == []
            yield again
    else:
        yield project


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(
    ("steps", "expected", "can_undo", "can_redo"),
    [
        ([], [], "", ""),
        ([reject((1, 2), (3.14159, 4))], [(1, 2), (3.14, 4)], "reject 2", ""),
        ([reject((1, 2)), reject((5, 6))], [(1, 2), (5, 6)], "reject 1", ""),
        ([reject((1, 2)), reject((1, 2)), undo], [(1, 2)], "reject 1", "reject 1"),
        ([reject((1, 2)), undo], [], "", "reject 1"),
        ([reject((1, 2)), undo, redo], [(1, 2)], "reject 1", ""),
        ([reject((1, 2)), undo, reject((5, 6))], [(5, 6)], "reject 1", ""),
        ([reject((1, 2)), edit, undo], [(1, 2)], "reject 1", "add point"),
        ([reject((1, 2)), edit, undo, undo], [], "", "reject 1"),
        ([edit, reject((1, 2)), undo], [], "add point", "reject 1"),
        ([reject((1, 2)), restore], [], "bring back", ""),
        ([reject((1, 2), (3, 4)), restore, undo], [(1, 2), (3, 4)], "reject 2", "bring back"),
        ([reject((1, 2)), restore, undo, redo], [], "bring back", ""),
        ([restore], [], "", ""),
        ([reject()], [], "", ""),
    ],
)
def test_steps(
    project: Project,
    steps: list[Step],
    expected: list[tuple[float, float]],
    can_undo: str,
    can_redo: str,
    restart: bool,
) -> None:
    for step in steps:
        step(project)
    with open_or_reopened(project, restart) as project:
        assert there(project) == expected
        assert (project.can_undo, project.can_redo) == (can_undo, can_redo)
        assert len(project.rejected(STACK)) == 0


def test_undo_says_on_which_plane_and_leaves_hints_alone(project: Project) -> None:
    edit(project)
    hints = project.hints(CELLS)
    project.reject(STACK, [(1, 2)], "reject 1 suggestion")
    change = project.undo()
    assert change is not None
    assert (change.ref, len(change.before), len(change.after)) == (STACK, 0, 0)
    assert change.label == "reject 1 suggestion"
    assert project.hints(CELLS) is hints


def test_it_is_one_row_and_project_json_stays(project: Project) -> None:
    before = (project.folder / "project.json").read_bytes()
    reject((1, 2), (3, 4))(project)
    with sqlite3.connect(project.folder / JOURNAL) as connection:
        rows = connection.execute("SELECT kind, plane, label, payload FROM rows").fetchall()
    connection.close()
    ((kind, plane, label, payload),) = rows
    assert (kind, plane, label) == ("reject", "cells", "reject 2")
    assert decode(payload) == {"before": {}, "after": {"rejected": [[1.0, 2.0], [3.0, 4.0]]}}
    assert (project.folder / "project.json").read_bytes() == before


def test_what_cannot_be_rejected(project: Project) -> None:
    with pytest.raises(ImageError, match="there is no image 'gone'"):
        project.reject(PlaneRef("gone"), [(1, 2)], "reject")
    with pytest.raises(ImageError, match=r"there is no plane stack\[9\]"):
        project.reject(PlaneRef("stack", (9,)), [(1, 2)], "reject")
    reject((1, 2))(project)
    with Project.open(project.folder, read_only=True) as reader:
        assert there(reader) == [(1, 2)]
        for refused in (reject((3, 4)), restore):
            with pytest.raises(ProjectError, match="read-only"):
                refused(reader)


def test_it_survives_a_damaged_journal(project: Project) -> None:
    for i in range(200):
        reject((i, i))(project)
    project.undo()
    project.close()
    path = project.folder / JOURNAL
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])
    with Project.open(project.folder) as again:
        assert there(again) == [(i, i) for i in range(199)]


# Before the journal held it


@pytest.fixture
def old(folder: Path) -> Path:
    """A project that keeps what was rejected among its settings."""
    for name in ("project.json", "project.backup.json"):
        values = json.loads((folder / name).read_text("utf-8"))
        values["settings"]["rejected"] = {"cells": [[1, 2], [3.5, 4]], "stack[2]": [[5, 6]]}
        (folder / name).write_text(json.dumps(values), "utf-8")
    return folder


def test_what_was_rejected_before_stays_so(old: Path) -> None:
    with Project.open(old) as project:
        assert there(project) == [(1, 2), (3.5, 4)]
        reject((7, 8))(project)
        assert there(project) == [(1, 2), (3.5, 4), (7, 8)]
        project.undo()
        assert there(project) == [(1, 2), (3.5, 4)]
        assert project.can_undo == ""


@pytest.mark.parametrize("restart", [False, True])
def test_what_was_rejected_before_can_be_brought_back(old: Path, restart: bool) -> None:
    with Project.open(old) as project:
        reject((7, 8))(project)
        restore(project)
        assert project.setting("rejected") == {"stack[2]": [[5, 6]]}
        with open_or_reopened(project, restart) as again:
            assert there(again) == []
            again.undo()
            assert there(again) == [(1, 2), (3.5, 4), (7, 8)]
            assert again.rejected(STACK).tolist() == [[5, 6]]
            assert places(again.hints(CELLS)) == []
