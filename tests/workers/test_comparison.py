"""The job that compares, run here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_inkling.core import Finished, HintSet, PlaneRef, Points, Started, Step, Tried
from napari_inkling.project import Snapshot, SnapshotImage
from napari_inkling.workers import CompareJob, TrainJob
from tests.compared_methods import ALL, HALF, REFUSES
from tests.fake_method import FakeMethod

A = PlaneRef("a")


@pytest.fixture
def planes(tmp_path: Path) -> Snapshot:
    """An image of 40 × 60 pixels with two clicks."""
    np.save(tmp_path / "a.npy", np.zeros((40, 60), np.uint8))
    hints = HintSet(Points([(5, 5), (5, 15)]))
    return Snapshot((SnapshotImage(A, str(tmp_path / "a.npy"), hints),), ("cell",), A)


def compare(planes: Snapshot, folder: Path, *methods: str) -> CompareJob:
    quick = {"seconds_per_step": 0.0, "steps": 4}
    return CompareJob(
        tuple(TrainJob(name, quick, planes, str(folder / str(i))) for i, name in enumerate(methods)), planes
    )


def test_each_is_trained_and_asked_in_turn(planes: Snapshot, tmp_path: Path) -> None:
    events = list(compare(planes, tmp_path / "models", HALF, ALL).run())
    assert {type(event) for event in events} == {Started, Step, Tried, Finished}
    half, every = (event for event in events if isinstance(event, Tried))
    assert (half.method, every.method) == (HALF, ALL)
    assert [len(found[A].points) for found in (half.found, every.found)] == [24, 24]
    assert half.found[A].radius == 4.0
    turns = [event.round for event in events if isinstance(event, Step)]
    assert turns == sorted(turns) and set(turns) == {0, 1}
    assert "predicting" in {event.stage for event in events if isinstance(event, Step)}


def test_one_that_fails_does_not_keep_the_next_from_its_turn(planes: Snapshot, tmp_path: Path) -> None:
    tried = [
        event
        for event in compare(planes, tmp_path / "models", REFUSES, ALL).run()
        if isinstance(event, Tried)
    ]
    assert [(event.method, event.error, len(event.found)) for event in tried] == [
        (REFUSES, "weights were asked for that are not there", 0),
        (ALL, "", 1),
    ]


def test_it_can_be_stopped_in_the_middle_of_a_training(
    planes: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []
    whole = FakeMethod.fit

    def fit(self, *args, **kwargs):
        try:
            return (yield from whole(self, *args, **kwargs))
        except GeneratorExit:
            ended.append("stopped")
            raise

    monkeypatch.setattr(FakeMethod, "fit", fit)
    running = compare(planes, tmp_path / "models", HALF, ALL).run()
    assert isinstance(next(running), Started)
    running.close()
    assert ended == ["stopped"]


def test_what_is_marked_meanwhile_is_never_asked_for(planes: Snapshot, tmp_path: Path) -> None:
    def never() -> None:
        raise AssertionError("asked for the held-out clicks")

    assert isinstance(list(compare(planes, tmp_path / "models", ALL).run(never))[-1], Finished)
