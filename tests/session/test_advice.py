"""Which method is recommended, and what counts as something to learn from."""

from __future__ import annotations

import pytest

from napari_inkling.core import Finished, Saved, TooFewHintsError
from napari_inkling.session import Recommendation, Session
from tests.session.conftest import HandRunner, save_model


def test_hints_of_complete_images_are_for_validation(ready: Session) -> None:
    assert ready.workspace.learnable_images == {"a", "b"}
    ready.images.update("a", complete=True)
    assert ready.workspace.learnable_images == {"b"}
    assert ready.advice.hint_counts().held_out == 2
    with pytest.raises(TooFewHintsError, match="the 2 hints on completely annotated images are set aside"):
        ready.training.start()


def test_the_method_of_the_newest_model_stays(ready: Session, runner: HandRunner) -> None:
    ready.advice.method = None
    assert ready.advice.recommend().method == "pu-ranking"
    ready.training.start(method="partial-points")
    save_model(runner.jobs[-1], "partial-points")
    runner.tell(Saved(runner.jobs[-1].out), Finished())
    runner.end()
    assert ready.advice.recommend().method == "partial-points"


def test_recommendation_of_the_installed_methods(ready: Session) -> None:
    ready.advice.method = None
    assert ready.advice.recommend() == Recommendation(
        "pu-ranking",
        "2 cells marked: enough to train. PU ranking finds the rest; on phase contrast and bright field it "
        "did best. For outlines take partial-points.",
        missing="",
    )
