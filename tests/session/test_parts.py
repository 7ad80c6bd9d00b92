"""The small parts of a session by table: the clock, the state of a training, the recommendation."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import (
    BACKGROUND,
    Boxes,
    Event,
    Finished,
    HintSet,
    Masks,
    PlaneRef,
    Points,
    Predictions,
    Preview,
    Round,
    Saved,
    Started,
    Step,
    TooFewHintsError,
)
from napari_inkling.methods import Needs
from napari_inkling.session import Recommendation, TrainingState
from napari_inkling.session.clock import AnnotationClock, seconds_each, timed
from napari_inkling.session.recommend import HintCounts, check_enough, recommend
from napari_inkling.session.training_state import MOST_LOSSES


@pytest.mark.parametrize(
    ("ticks", "laps"),
    [
        ([0.0, 1.5, 2.0], [1.5, 0.5]),
        ([0.0, 30.0, 31.0], [10.0, 1.0]),
        ([5.0, 5.0], [0.0]),
    ],
)
def test_clock(ticks: list[float], laps: list[float]) -> None:
    now = iter(ticks)
    clock = AnnotationClock(idle=10.0, clock=lambda: next(now))
    clock.start()
    assert [clock.lap() for _ in laps] == laps


def test_clock_that_was_never_started() -> None:
    now = iter([3.0, 4.0])
    clock = AnnotationClock(clock=lambda: next(now))
    assert [clock.lap(), clock.lap()] == [0.0, 1.0]


def test_the_time_of_an_edit_is_shared_by_a_persons_new_rows_of_every_kind() -> None:
    pixel = np.ones((1, 1), bool)
    there = HintSet(masks=Masks.from_crops([[0, 0]], [pixel], ids=[1]))
    after = HintSet(
        Points([[1, 2]]),
        Boxes([[0, 0, 1, 1]], sources="accepted"),
        Masks.from_crops([[0, 0], [5, 5]], [pixel] * 2, ids=[1, 2]),
    )
    rows = timed(there, after, 6.0, round=2)
    assert [kind.seconds.tolist() for kind in rows.kinds] == [[3.0], [0.0], [0.0, 3.0]]
    assert [kind.rounds.tolist() for kind in rows.kinds] == [[2], [0], [0, 2]]
    assert [kind.times.astype(bool).tolist() for kind in rows.kinds] == [[True], [False], [False, True]]


def test_what_a_correction_took_is_added_to_its_mask() -> None:
    shapes = [np.ones((2, 2)), np.ones((3, 3))]
    there = Masks.from_crops([[0, 0], [9, 9]], [shapes[0]] * 2, ids=[1, 2], seconds=[5.0, 1.0])
    after = Masks.from_crops(
        [[0, 0], [9, 9], [20, 20]], [shapes[1], *shapes], ids=[1, 2, 3], seconds=[5.0, 1.0, 0]
    )
    after = after.with_ids([1, 3])
    rows = timed(HintSet(masks=there.with_ids([1])), HintSet(masks=after), 4.0)
    assert rows.masks.seconds.tolist() == [7.0, 2.0]  # one corrected, one new


def test_what_is_accepted_takes_its_share() -> None:
    points = Points([[1, 2], [3, 4]], sources=["accepted", "human"], times=7.0)
    rows = timed(HintSet(), HintSet(points), 4.0, source="accepted")
    assert rows.points.seconds.tolist() == [4.0, 0.0]
    assert rows.points.times.tolist() == [7.0, 7.0]


def test_the_mean_of_each_kind_of_hint() -> None:
    pixel = [np.ones((1, 1))]
    places = np.zeros((6, 2))
    classes = ["cell", "cell", BACKGROUND, "cell", "cell", "cell"]
    points = Points(places, classes, ids=[1, 2, 3, 4, 5, 6], seconds=[1, 2, 0.5, 0.25, 0, 0],
                    sources=["human", "human", "human", "accepted", "accepted", "imported"])  # fmt: skip
    accepted = Masks.from_crops([[0, 0]], pixel, ids=[4], seconds=0.25, sources="accepted")
    drawn = Masks.from_crops([[5, 5]], pixel, ids=[5], seconds=8)
    first = HintSet(points, Boxes([[0, 0, 1, 1]], seconds=7), accepted)
    found = seconds_each([first, HintSet(masks=drawn), HintSet()])
    assert found == {
        "point": (2, 1.5), "not a cell": (1, 0.5), "accepted": (1, 0.5), "box": (1, 7), "mask": (1, 8),
    }  # fmt: skip
    assert seconds_each([]) == {}


def state_after(*events: tuple[Event, float]) -> TrainingState:
    state = TrainingState(status="starting", method="m", preset="quick")
    for event, now in events:
        state = state.after(event, now)
    return state


def test_state_follows_events() -> None:
    state = state_after((Started("CPU, 2 threads"), 10.0))
    assert (state.status, state.device, state.fraction, state.seconds_left) == (
        "running", "CPU, 2 threads", 0.0, None,
    )  # fmt: skip
    first = Step("warm start", 0, 0, 100)
    state = state.after(first, 11.0)
    assert (state.stage, state.fraction, state.seconds_left) == ("warm start", 0.0, None)
    state = state.after(Step("training", 1, 20, 100, {"mse": 0.5}), 16.0)  # 20 steps in 5 s, 80 to go
    assert (state.fraction, state.seconds_left, state.round) == (0.2, 20.0, 1)
    state = state.after(Round(1, {"f1": 0.7}), 16.1)
    state = state.after(Preview(PlaneRef("a"), Predictions()), 16.2)
    state = state.after(Step("training", 2, 100, 100, {"mse": 0.25}), 31.0)
    assert (state.fraction, state.seconds_left) == (1.0, 0.0)
    assert state.losses == ((20, {"mse": 0.5}), (100, {"mse": 0.25}))
    assert state.metrics == (Round(1, {"f1": 0.7}),)
    state = state.after(Saved("/models/1"), 31.1).after(Finished(), 31.2)
    assert str(state.model) == "/models/1"
    assert state.active  # until the runner says that it is over


def test_long_loss_curves_are_thinned_out() -> None:
    state = state_after(*((Step("t", 1, n, 5000, {"l": n}), float(n)) for n in range(5000)))
    assert MOST_LOSSES / 2 <= len(state.losses) <= MOST_LOSSES
    steps = [step for step, _ in state.losses]
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, 4999)


POINTS = Needs(points=3, sentence="Points on some cells → finds the rest.")
BOXES = Needs(points=1, boxes=5, sentence="A few boxes, points on the rest.")


ENOUGH = "marked: enough to train."
BOTH = {"p": POINTS, "b": BOXES}


@pytest.mark.parametrize(
    ("counts", "needs", "expected"),
    [
        (HintCounts(), {}, ("", "No method is installed.")),
        (HintCounts(), {"p": POINTS}, ("p", POINTS.sentence, "3 more cell points")),
        (HintCounts(1, points=2), {"p": POINTS}, ("p", POINTS.sentence, "1 more cell point")),
        (HintCounts(1, points=1), BOTH, ("p", POINTS.sentence, "2 more cell points")),
        (HintCounts(1, points=3), {"p": POINTS}, ("p", f"3 cells {ENOUGH} P finds the rest.")),
        (HintCounts(1, points=2345), BOTH, ("p", f"2,345 cells {ENOUGH} P finds the rest.")),
        (HintCounts(1, 9, boxes=5), BOTH, ("b", f"9 cells and 5 boxes {ENOUGH} B finds the rest.")),
        (HintCounts(1, 1, boxes=2), BOTH, ("p", f"1 cell and 2 boxes {ENOUGH} P finds the rest.")),
        (HintCounts(1, 3), {"a-b": POINTS}, ("a-b", f"3 cells {ENOUGH} A b finds the rest.")),
    ],
)
def test_recommendation(counts: HintCounts, needs: dict[str, Needs], expected: tuple[str, ...]) -> None:
    assert recommend(counts, needs) == Recommendation(*expected)


AT_LEAST = "P needs at least 3 cell points, and there "


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        (HintCounts(), "there is no image to train on: add images first"),
        (HintCounts(1), AT_LEAST + "are none: mark 3 more cell points"),
        (HintCounts(1, points=1), AT_LEAST + "is 1: mark 2 more cell points"),
        (HintCounts(1, points=2, background=9), AT_LEAST + "are 2: mark 1 more cell point"),
        (
            HintCounts(1, held_out=40),
            AT_LEAST + "are none: mark 3 more cell points "
            "(the 40 hints on completely annotated images are set aside for validation)",
        ),
    ],
)
def test_too_few_hints_in_words(counts: HintCounts, says: str) -> None:
    with pytest.raises(TooFewHintsError) as caught:
        check_enough(counts, "P", POINTS)
    assert str(caught.value) == says


def test_enough_hints() -> None:
    check_enough(HintCounts(1, points=3), "P", POINTS)
    check_enough(HintCounts(1, points=1, boxes=2), "P", POINTS)  # a box has a middle
    says = "at least 1 cell point and 5 boxes, and there are 4 and 2: mark 3 more boxes"
    with pytest.raises(TooFewHintsError, match=says):
        check_enough(HintCounts(1, points=4, boxes=2), "B", BOXES)
