"""The state of a training follows what the worker tells."""

from __future__ import annotations

from napari_inkling.core import Event, Finished, PlaneRef, Predictions, Preview, Round, Saved, Started, Step
from napari_inkling.session import TrainingState
from napari_inkling.session.training_state import MOST_LOSSES
from napari_inkling.workers import Outcome


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
    state = state.after(Step("training", 1, 0, 100, {"mse": 0.7}), 111.0)  # it took long to read the images
    state = state.after(Step("training", 1, 4, 100), 113.9)  # the first steps are slow
    assert (state.fraction, state.seconds_left) == (0.04, None)
    state = state.after(Step("training", 1, 20, 100, {"mse": 0.5}), 116.0)  # 20 steps in 5 s, 80 to go
    assert (state.fraction, state.seconds_left, state.round) == (0.2, 20.0, 1)
    state = state.after(Round(1, {"f1": 0.7}), 116.1)
    state = state.after(Preview(PlaneRef("a"), Predictions()), 116.2)
    state = state.after(Step("training", 2, 100, 100, {"mse": 0.25}), 131.0)
    assert (state.fraction, state.seconds_left) == (1.0, 0.0)
    assert state.losses == ((0, {"mse": 0.7}), (20, {"mse": 0.5}), (100, {"mse": 0.25}))
    assert state.metrics == (Round(1, {"f1": 0.7}),)
    state = state.after(Saved("/models/1"), 131.1).after(Finished(), 131.2)
    assert str(state.model) == "/models/1"
    assert state.active  # until the runner says that it is over


def test_long_loss_curves_are_thinned_out() -> None:
    state = state_after(*((Step("t", 1, n, 5000, {"l": n}), float(n)) for n in range(5000)))
    assert MOST_LOSSES / 2 <= len(state.losses) <= MOST_LOSSES
    steps = [step for step, _ in state.losses]
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, 4999)


def test_stopped_without_a_model_it_says_what_is_left() -> None:
    stopped = Outcome("cancelled", "")
    step, preview = Step("training", 0, 1, 100, {"mse": 0.5}), Preview(PlaneRef("a"), Predictions())
    says = "Training stopped before it had a model; "
    state = state_after((step, 1.0))
    assert state.ended(stopped).message == says + "nothing was changed."
    assert state.after(preview, 2.0).ended(stopped).message == says + "what is suggested is its first guess."


def test_what_comes_before_the_first_model_is_a_guess() -> None:
    preview = Preview(PlaneRef("a"), Predictions())
    state = state_after((Started("CPU"), 1.0), (preview, 2.0))
    assert state.guessed
    stopped = state.ended(Outcome("cancelled"))
    assert stopped.guessed
    state = state.after(Saved("/models/1"), 3.0)
    assert state.guessed, "what is on screen is still the guess"
    assert not state.after(preview, 4.0).guessed
    assert not TrainingState("starting", goes_on=True).after(preview, 1.0).guessed
