"""What kind of pictures the images are decides between methods for the same hints."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_inkling.core import HintSet, PlaneRef
from napari_inkling.session import Session
from napari_inkling.session.image_kinds import SIDE, ImageKinds
from tests.session.conftest import HandRunner, points

Y, X = np.indices((64, 64))
#: Bright disks on dark ground; and on grey.
DARK = np.where(np.hypot(Y % 16 - 8, X % 16 - 8) < 4, 200, 10).astype(np.uint8)
GREY = (100 + 60 * np.sin(Y / 3) * np.sin(X / 3)).astype(np.uint8)
COLOURED = np.stack([GREY, DARK, 255 - GREY], axis=-1)
CLICKS = points((8, 8), (8, 24))


def opened(pixels: np.ndarray, tmp_path: Path) -> Session:
    made = Session(HandRunner())
    made.new_project(tmp_path / "p.inkling", ["cell"])
    tifffile.imwrite(tmp_path / "seen.tif", pixels)
    made.images.add([tmp_path / "seen.tif"])
    return made


@pytest.mark.parametrize(
    ("pixels", "kind", "method"),
    [
        (COLOURED, "colour", "partial-points"),
        (DARK, "fluorescence", "pu-ranking"),
        (GREY, "transmitted", "pu-ranking"),
    ],
)
def test_the_method_that_suits_the_image_is_recommended(pixels, kind, method, tmp_path: Path) -> None:
    session = opened(pixels, tmp_path)
    assert session.image_kinds.usual() is None  # nothing is marked yet
    known: list[bool] = []
    session.image_kinds.changed.connect(lambda: known.append(True))
    session.annotations.edit(HintSet(), CLICKS, "add points")
    assert session.advice.recommend().method == method
    assert session.image_kinds.usual() == kind and known == [True]
    session.close()


def test_an_image_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session, looks = opened(GREY, tmp_path), []
    session.annotations.edit(HintSet(), CLICKS, "add points")
    open_image = type(session.project).open_image
    monkeypatch.setattr(
        type(session.project), "open_image", lambda self, ref: looks.append(ref) or open_image(self, ref)
    )
    for _ in range(3):
        session.advice.recommend()
    assert looks == [PlaneRef("seen")]
    session.workspace.pixels_changed.emit("seen")
    session.advice.recommend()
    assert looks == [PlaneRef("seen")] * 2
    session.close()


def test_the_middle_of_a_large_image_tells(tmp_path: Path) -> None:
    large = np.pad(np.tile(GREY, (8, 8)), 400)  # as wide as what is looked at, on black
    assert GREY.shape[0] * 8 == SIDE
    session = opened(large, tmp_path)
    session.annotations.edit(HintSet(), CLICKS, "add points")
    session.advice.recommend()
    assert session.image_kinds.usual() == "transmitted"
    session.close()


def test_an_image_that_cannot_be_read_has_no_kind(tmp_path: Path) -> None:
    session = opened(GREY, tmp_path)
    session.annotations.edit(HintSet(), CLICKS, "add points")
    (tmp_path / "seen.tif").unlink()
    assert session.advice.recommend().method == "partial-points"
    assert session.image_kinds.usual() is None
    session.close()


def test_a_look_that_was_not_finished_is_begun_again(tmp_path: Path) -> None:
    """Another plane came first meanwhile; once that has no hints any more, the first one's turn is again."""
    session = opened(GREY, tmp_path)
    tifffile.imwrite(tmp_path / "before.tif", DARK)
    session.images.add([tmp_path / "before.tif"])
    waiting: list[Callable[[], None]] = []
    kinds = ImageKinds(session.workspace, waiting.append)
    order = [PlaneRef("seen")]
    session.project.planes_with_hints = lambda: tuple(order)  # type: ignore[method-assign]
    assert kinds.usual() is None
    order.insert(0, PlaneRef("before"))
    assert kinds.usual() is None  # takes the place of the look at the other
    order.pop(0)
    kinds.usual()
    end = time.monotonic() + 10
    while kinds.usual() is None and time.monotonic() < end:
        while waiting:
            waiting.pop(0)()
    assert kinds.usual() == "transmitted"
    kinds.close()
    session.close()
