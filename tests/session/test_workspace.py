"""Which plane is on screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_inkling.core import InklingError, PlaneRef
from napari_inkling.session import Session

from .conftest import A, B, Heard


def test_planes_in_turn(session: Session, heard: Heard, pictures: list[Path]) -> None:
    session.images.add([pictures[2]])
    first = PlaneRef("c", (0,))
    for step, expected in (
        (session.workspace.next_image, B),
        (session.workspace.next_image, first),
        (session.workspace.next_image, A),
        (session.workspace.previous_image, first),
        (lambda: session.go_to(PlaneRef("c", (2,))), PlaneRef("c", (2,))),
        (session.workspace.previous_image, B),
    ):
        step()
        assert session.plane == expected
    assert heard("plane_changed") == [B, first, A, first, PlaneRef("c", (2,)), B]
    session.go_to(B)
    assert len(heard("plane_changed")) == 6  # it was there


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        (PlaneRef("z"), "no image 'z'"),
        (PlaneRef("c", (3,)), r"'c' has no plane \[3\]: its stack has the shape \[3\]"),
        (PlaneRef("c"), r"'c' has no plane \[\]"),
    ],
)
def test_a_plane_that_is_not_there(session: Session, pictures: list[Path], ref: PlaneRef, says: str) -> None:
    session.images.add([pictures[2]])
    with pytest.raises(InklingError, match=says):
        session.go_to(ref)
    assert session.plane == A
