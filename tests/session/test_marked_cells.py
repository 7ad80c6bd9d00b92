"""How many of the cells are marked: looked at in the background, and anew once the marks are others."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_inkling.core import Boxes, HintSet, Masks, Points
from napari_inkling.session import Session, marked_cells
from napari_inkling.session.marked_cells import FEWEST, MarkedCells
from napari_inkling.supervision.marked_share import MarkedShare
from tests.methods.drawing import CENTRES, RADIUS, tissue
from tests.session.conftest import HandRunner


@pytest.fixture
def opened(tmp_path: Path):
    """A session on an image of 16 cells, and the looks that were taken: number of marks, and radius."""
    made = Session(HandRunner())
    made.new_project(tmp_path / "p.inkling", ["cell"])
    np.save(tmp_path / "seen.npy", tissue())
    made.images.add([tmp_path / "seen.npy"])
    yield made
    made.close()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float | None]]:
    seen: list[tuple[int, float | None]] = []
    real = marked_cells._estimated

    def estimated(open_image, places, radius, ignored):
        seen.append((sum(map(len, places.values())), radius))
        return real(open_image, places, radius, ignored)

    monkeypatch.setattr(marked_cells, "_estimated", estimated)
    return seen


def mark(session: Session, count: int) -> None:
    session.annotations.edit(session.annotations.hints, HintSet(Points(CENTRES[:count])), "add points")


def test_the_dock_tells_how_many_are_marked(opened: Session) -> None:
    mark(opened, FEWEST - 1)
    assert opened.marked_cells.share() is None
    mark(opened, FEWEST)
    share = opened.marked_cells.share()
    assert share is not None
    assert share.estimate == pytest.approx(0.5, abs=0.15)
    assert "8 cells marked, probably about 50 % of those around: enough" in opened.advice.recommend().reason
    mark(opened, 16)
    assert "16 cells marked, probably nearly all of those around: enough" in opened.advice.recommend().reason


def test_it_is_looked_at_anew_once_the_marks_are_others(opened: Session, looks: list) -> None:
    for count in (8, 8, 9, 10, 11, 12, 13, 10):
        mark(opened, count)
        opened.marked_cells.share()
    assert looks == [(8, None), (10, None), (13, None), (10, None)]
    opened.radius.chosen = 6.0
    opened.marked_cells.share()
    opened.radius.chosen = 6.5
    opened.marked_cells.share()
    assert looks[4:] == [(10, 6.0)]
    opened.images.update("seen", complete=True)
    assert opened.marked_cells.share() is None  # it is measured on, not learnt from


def test_clicks_meanwhile_wait_for_the_next_look(opened: Session, looks: list) -> None:
    waiting: list[Callable[[], None]] = []
    cells = MarkedCells(opened.workspace, opened.radius, waiting.append)
    again: list[object] = []
    cells.changed.connect(lambda: again.append(cells.share()))
    mark(opened, 8)
    assert cells.share() is None
    mark(opened, 16)
    assert cells.share() is None
    assert len(looks) == 1
    end = time.monotonic() + 30
    while not again and time.monotonic() < end:
        time.sleep(0.01)
        while waiting:
            waiting.pop(0)()
    assert len(again) == 1 and [count for count, _ in looks] == [8, 16]
    cells.close()


def test_an_image_that_cannot_be_read_tells_nothing(opened: Session, tmp_path: Path) -> None:
    mark(opened, 8)
    assert opened.marked_cells.share() is not None
    (tmp_path / "seen.npy").unlink()
    opened.workspace.pixels_changed.emit("seen")
    assert opened.marked_cells.share() is None
    assert "8 cells marked: enough" in opened.advice.recommend().reason


def test_another_project_is_another_matter(opened: Session, tmp_path: Path) -> None:
    waiting: list[Callable[[], None]] = []
    cells = MarkedCells(opened.workspace, opened.radius, waiting.append)
    mark(opened, 8)
    cells._share = MarkedShare(0.5, 0.4, 0.6)
    assert cells.share() is not None
    opened.new_project(tmp_path / "q.inkling", ["cell"])
    opened.images.add([tmp_path / "seen.npy"])
    mark(opened, 8)
    cells.forget()
    assert cells.share() is None  # not known yet
    cells.close()


def test_a_cell_counts_once_however_it_is_marked(opened: Session, looks: list) -> None:
    cells = CENTRES[:8]
    boxes = Boxes(np.hstack([cells - RADIUS, cells + RADIUS]), ids=range(1, 9))
    squares = [np.ones((9, 9), bool)] * 4
    masks = Masks.from_crops((CENTRES[6:10] - 4).astype(int), squares, ids=range(7, 11))
    for hints, count in (
        (HintSet(Points(cells, ids=range(1, 9)), boxes), 8),
        (HintSet(boxes=boxes), 8),
        (HintSet(boxes=boxes, masks=masks), 10),
    ):
        opened.marked_cells.forget()
        opened.annotations.edit(opened.annotations.hints, hints, "mark")
        assert opened.marked_cells.share() is not None
        assert looks[-1][0] == count
