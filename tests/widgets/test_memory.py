"""What the dock remembers, and what becomes of a file of it that was damaged."""

from __future__ import annotations

import json

import pytest

from napari_inkling.project import Project
from napari_inkling.widgets.panels._memory import Memory
from tests.widgets.dock_driving import click, open_dock

#: What no dock wrote, by what is wrong with it.
DAMAGED = {
    "empty": b"",
    "no JSON": b'{"recent": [',
    "not text": b"\xff\xfe\x00",
    "too deep": b"[" * 100_000,
    "a list": b"[1, 2]",
    "a number": b"7",
    "nulls": b'{"recent": null, "last": null, "closed_by": null, "folded": null}',
    "other types": b'{"recent": "here", "last": 3, "closed_by": "me", "folded": ["Train"]}',
    "odd parts": b'{"recent": [1, {}], "last": ["a"], "closed_by": 1.5, "folded": {"Train": "no"}}',
    "odd paths": b'{"recent": ["\\u0000", "' + b"x" * 5000 + b'"], "last": "\\u0000"}',
}


@pytest.fixture
def memory(tmp_path):
    return Memory(tmp_path / "deep" / "dock.json")


def holding(memory, content):
    memory.path.parent.mkdir(exist_ok=True)
    memory.path.write_bytes(content)
    return memory


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_as_good_as_none(memory, content):
    holding(memory, content)
    assert (memory.recent, memory.last, memory.closed_here, memory.folded) == ([], None, False, {})
    memory.fold("Train", True)
    assert memory.folded == {"Train": True}


def test_what_makes_sense_beside_it_holds(memory, tmp_path):
    Project.create(tmp_path / "p.inkling").close()
    content = {"recent": 7, "last": str(tmp_path / "p.inkling"), "folded": {"Train": True}, "newer": [1]}
    holding(memory, json.dumps(content).encode())
    assert (memory.recent, memory.last, memory.folded) == ([], tmp_path / "p.inkling", {"Train": True})
    memory.fold("Review", False)
    assert json.loads(memory.path.read_text()) == {
        "last": str(tmp_path / "p.inkling"),
        "folded": {"Train": True, "Review": False},
        "newer": [1],
    }


def test_projects_that_are_gone_are_left_out(memory, tmp_path):
    folders = [tmp_path / f"{name}.inkling" for name in "ab"]
    for folder in folders:
        Project.create(folder).close()
        memory.opened(folder, scratch=False)
    assert memory.recent == folders[::-1]
    (folders[1] / "project.json").unlink()
    assert (memory.recent, memory.last) == (folders[:1], None)
    memory.closed(folders[0])
    assert (memory.last, memory.closed_here) == (folders[0], True)


@pytest.mark.window
@pytest.mark.parametrize("name", ["no JSON", "odd parts", "odd paths"])
def test_the_dock_opens_in_any_case(viewer, name):
    holding(Memory(), DAMAGED[name])
    dock = open_dock(viewer)
    assert not dock.review.is_folded
    click(dock.review.fold_button)
    assert Memory().folded == {"Review": True}
    assert dock.session.project.is_scratch
