"""What passes and what waits, with a clock moved by hand."""

from __future__ import annotations

from napari_inkling.core import Event, PlaneRef, Predictions, Preview, PseudoLabels, Round, Step
from napari_inkling.workers.throttle import Throttle


def step(number: int) -> Step:
    return Step("training", 1, number, 100)


def preview(plane: str) -> Preview:
    return Preview(PlaneRef(plane), Predictions())


def sent(*timed: tuple[float, Event]) -> list[Event]:
    """Return what passes for events at these times, with what is flushed at the end."""
    now = [0.0]
    throttle = Throttle(clock=lambda: now[0])
    passed: list[Event] = []
    for now[0], event in timed:
        passed += throttle.push(event)
    return passed + throttle.flush()


def test_steps_at_most_twenty_a_second_and_the_last_one() -> None:
    times = [n * 0.01 for n in range(12)]
    told = sent(*((t, step(n)) for n, t in enumerate(times)))
    assert [event.step for event in told if isinstance(event, Step)] == [0, 5, 10, 11]


def test_a_held_preview_goes_with_whatever_comes_when_it_is_due() -> None:
    first, second, third, one, two = preview("a"), preview("a"), preview("a"), step(1), step(2)
    told = sent((0.0, first), (0.1, second), (0.2, third), (0.22, one), (0.28, two))
    assert [id(event) for event in told] == [id(first), id(one), id(third), id(two)]


def test_previews_of_different_planes_do_not_replace_each_other() -> None:
    told = sent((0.0, preview("a")), (0.0, preview("b")), (0.1, preview("a")), (0.1, preview("c")))
    assert [str(event.image) for event in told if isinstance(event, Preview)] == ["a", "b", "c", "a"]


def test_everything_else_passes_at_once_after_what_was_held() -> None:
    told = sent((0.0, step(1)), (0.01, step(2)), (0.02, Round(1)), (0.03, step(3)))
    assert told == [step(1), step(2), Round(1), step(3)]


def test_pseudo_labels_wait_as_previews_do_but_not_for_them() -> None:
    chosen = [PseudoLabels(PlaneRef(name), 1) for name in "aaba"]
    times = (0.0, 0.1, 0.12, 0.15)
    shown = preview("a")
    told = sent((0.0, shown), *zip(times, chosen, strict=True), (0.3, step(1)))
    assert list(map(id, told[:4])) == [id(event) for event in (shown, chosen[0], chosen[2], chosen[3])]
    assert told[4:] == [step(1)]
