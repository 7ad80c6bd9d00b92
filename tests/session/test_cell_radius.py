"""The radius of cells: the person's, the model's, and what an image shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from napari_inkling.core import HintSet, Image, Masks, PlaneRef
from napari_inkling.session import Session
from napari_inkling.session.cell_radius import DEFAULT_RADIUS

from .conftest import A, B, Heard, points, shown


def test_radius_of_the_person_before_that_of_the_model(reviewed: Session, heard: Heard) -> None:
    assert (reviewed.radius.at(A), reviewed.radius.at(B)) == (3.0, DEFAULT_RADIUS)
    reviewed.annotations.edit(HintSet(), points((10, 25)), "add point")
    assert len(shown(reviewed)) == 3
    heard.clear()
    reviewed.radius.chosen = 5.0
    assert shown(reviewed) == [[10, 10], [30, 10]]
    assert heard.told == [("radius_changed", 5.0), ("suggestions_changed", A)]
    assert (reviewed.radius.at(A), reviewed.radius.at(B)) == (5.0, 5.0)
    reviewed.radius.chosen = None
    assert len(shown(reviewed)) == 3


def test_radius_that_the_image_shows(session: Session, tmp_path: Path) -> None:
    y, x = np.mgrid[:120, :160]
    disks = (np.hypot(y - 40, x - 40) <= 9) | (np.hypot(y - 80, x - 100) <= 9)
    session.images.add_array("disks", (disks * 200).astype(np.uint8), "YX")
    session.go_to(PlaneRef("disks"))
    assert session.radius.estimate() == DEFAULT_RADIUS  # nothing is marked
    session.annotations.edit(HintSet(), points((40, 40), (80, 100)), "add points")
    assert session.radius.estimate() == pytest.approx(9, abs=1.5)
    session.radius.chosen = 20
    assert session.radius.estimate() == pytest.approx(9, abs=1.5)


def test_a_mask_is_no_reason_to_estimate_anew(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[list[float]]] = []

    def estimate_radius(images: list[tuple[Image, npt.NDArray[np.float64]]]) -> float:
        asked.extend(places.tolist() for _, places in images)
        return 4.0 + len(asked)

    monkeypatch.setattr("napari_inkling.session.cell_radius.estimate_radius", estimate_radius)
    session.annotations.edit(HintSet(), points((20, 20)), "add point")
    assert session.radius.estimate() == 5.0
    session.annotations.edit(HintSet(), HintSet(masks=Masks.from_crops([(3, 3)], [np.eye(5)])), "draw mask")
    assert session.radius.estimate() == 5.0
    session.annotations.edit(HintSet(), points((20, 20)), "add point", B)
    assert (session.radius.estimate(B), asked) == (6.0, [[[20, 20]], [[20, 20]]])
    session.annotations.edit(HintSet(), points((9, 9)), "add point", B)
    assert (session.radius.estimate(B), asked[2:]) == (7.0, [[[20, 20], [9, 9]]])


def test_radius_where_the_image_is_blank(session: Session) -> None:
    session.images.add_array("blank", np.zeros((50, 50), np.uint8), "YX")
    session.go_to(PlaneRef("blank"))
    session.annotations.edit(HintSet(), points((20, 20), (80, 100)), "add points")  # the second lies outside
    assert session.radius.estimate() == DEFAULT_RADIUS
