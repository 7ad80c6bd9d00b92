"""Which method is recommended, and what counts as something to learn from."""

from __future__ import annotations

import pytest

from napari_inkling.core import TooFewHintsError
from napari_inkling.session import Recommendation, Session


def test_hints_of_complete_images_are_for_validation(ready: Session) -> None:
    assert ready.workspace.learnable_images == {"a", "b"}
    ready.images.update("a", complete=True)
    assert ready.workspace.learnable_images == {"b"}
    assert ready.advice.hint_counts().held_out == 2
    with pytest.raises(TooFewHintsError, match="the 2 hints on completely annotated images are set aside"):
        ready.training.start()


def test_recommendation_of_the_installed_methods(ready: Session) -> None:
    ready.advice.method = None
    assert ready.advice.recommend() == Recommendation(
        "pu-ranking",
        "2 cells marked: enough to train. PU ranking finds the rest; on phase contrast and bright field it "
        "did best. Partial points also outlines them.",
        missing="",
    )
