"""Which method suits the hints there are, and whether they are enough. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from napari_inkling.core import ImageKind, TooFewHintsError
from napari_inkling.guidance import IMAGE_KINDS
from napari_inkling.methods import Needs
from napari_inkling.session.holding_out import FEWEST_TO_COMPARE

__all__ = ["HintCounts", "Recommendation", "check_enough", "is_enough", "recommend"]

#: From this share on most of the cells are marked. Methods were measured with a tenth and with nine tenths.
MOST = 0.6


@dataclass(frozen=True)
class HintCounts:
    """What a project holds to learn from (hints of completely annotated images are kept for validation)."""

    images: int = 0
    points: int = 0
    boxes: int = 0
    background: int = 0
    held_out: int = 0


@dataclass(frozen=True)
class Recommendation:
    """The method to take (``""`` if none is installed), why or how, and what it lacks (``""`` if nothing)."""

    method: str
    reason: str
    missing: str = ""


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "es" if noun.endswith("x") else "s")


def _asked(counts: HintCounts, needs: Needs) -> list[tuple[str, int, int]]:
    """Return noun, number there is and least number, of each kind that is needed."""
    spare = max(0, counts.boxes - needs.boxes)  # a box marks the middle of a cell too
    kinds = (("cell point", counts.points + spare, needs.points), ("box", counts.boxes, needs.boxes))
    return [kind for kind in kinds if kind[2]]


def _missing(counts: HintCounts, needs: Needs) -> str:
    """Return what lacks, in words; ``""`` if nothing."""
    return " and ".join(
        _plural(least - have, f"more {noun}") for noun, have, least in _asked(counts, needs) if have < least
    )


def is_enough(counts: HintCounts, needs: Needs) -> bool:
    """Whether a method can learn from so many hints."""
    return not _missing(counts, needs)


def recommend(
    counts: HintCounts,
    needs: Mapping[str, Needs],
    kind: ImageKind | None = None,
    share: float | None = None,
    at_work: str = "",
) -> Recommendation:
    """Return the method that makes the most of the hints, or the one that is nearest to having enough.

    Of several that make as much of them it is the one that suits images of this ``kind`` and the ``share`` of
    the cells that is marked; where nobody knows it, a few. The reason tells it. The method ``at_work`` (it
    made the newest model) stays: what it suggests and a person accepts makes the share grow. Who has drawn
    nothing but boxes so far is led on to the method that learns from them.
    """
    if not needs:
        return Recommendation("", "No method is installed.")
    ready = {name: n for name, n in needs.items() if not _missing(counts, n)}
    draws = counts.boxes > 0 and not counts.points and any(n.boxes for n in needs.values())
    if ready and (not draws or any(n.boxes for n in ready.values())):
        name = max(
            ready, key=lambda m: (*_asks_for(ready[m]), m == at_work, kind in _suited(ready[m], share))
        )
        have = ((counts.points, "cell"), (counts.boxes, "box"))
        marked = " and ".join(_plural(count, noun) for count, noun in have if count) or "No hints"
        does = f"{_spoken(name)} finds the rest{_why(name, ready, kind, share, at_work)}"
        rivals = _rivals(name, ready)
        if len(rivals) == 1 and kind is not None and counts.points >= FEWEST_TO_COMPARE:
            does += f". Compare tries it against {rivals[0]} on your clicks"
        if not ready[name].outlines and (outlining := [m for m in ready if ready[m].outlines]):
            does += f". For outlines take {outlining[0]}"
        return Recommendation(name, f"{marked} marked{_of_all(share)}: enough to train. {does}.")
    name = min(
        needs,
        key=lambda m: (
            draws and not needs[m].boxes,
            needs[m].points + 5 * needs[m].boxes,
            kind not in needs[m].suits,
        ),
    )
    return Recommendation(name, needs[name].sentence, _missing(counts, needs[name]))


def _rivals(name: str, ready: Mapping[str, Needs]) -> list[str]:
    """Return the other methods that make as much of the hints."""
    return [m for m in ready if m != name and _asks_for(ready[m]) == _asks_for(ready[name])]


def _why(
    name: str, ready: Mapping[str, Needs], kind: ImageKind | None, share: float | None, at_work: str
) -> str:
    """Return why this method and none of its rivals, as a sentence goes on; ``""`` if there is no reason."""
    if not (rivals := _rivals(name, ready)):
        return ""
    if kind is None or kind not in _suited(ready[name], share):
        return "; it made the model that you have" if name == at_work else ""
    where = IMAGE_KINDS[kind] + (" with most of the cells marked" if _is_most(share) else "")
    if ready[name].outlines and not any(ready[m].outlines for m in rivals):
        return f"; on {where} it did as well as {' and '.join(rivals)}, and outlines cells"
    return f"; on {where} it did best"


def _is_most(share: float | None) -> bool:
    return share is not None and share >= MOST


def _suited(needs: Needs, share: float | None) -> tuple[ImageKind, ...]:
    return needs.suits_most_marked if _is_most(share) else needs.suits


def _of_all(share: float | None) -> str:
    """Return what share of the cells is marked as a sentence goes on; ``""`` if nobody knows."""
    if share is None:
        return ""
    if share < 0.1:
        return ", probably fewer than a tenth of those around"
    if share < 0.85:
        return f", probably about {10 * round(10 * share)} % of those around"
    return ", probably nearly all of those around"


def _asks_for(needs: Needs) -> tuple[bool, bool]:
    return needs.boxes > 0, needs.points > 0


def _spoken(name: str) -> str:
    """Return the name of a method as a sentence begins with it: "Partial points", "PU ranking"."""
    words = name.rpartition(":")[2].replace("-", " ")
    first, _, rest = words.partition(" ")
    return f"{first.upper() if len(first) == 2 else first[:1].upper() + first[1:]} {rest}".rstrip()


def check_enough(
    counts: HintCounts, method: str, needs: Needs, others: Mapping[str, Needs] | None = None
) -> None:
    """Raise :class:`~napari_inkling.core.TooFewHintsError` unless ``method`` can learn from this.

    The error names one of ``others`` that can, if there is one.
    """
    if not counts.images:
        raise TooFewHintsError("there is no image to train on: add images first")
    if not (missing := _missing(counts, needs)):
        return
    asked = _asked(counts, needs)
    least = " and ".join(_plural(number, noun) for noun, _, number in asked)
    have = " and ".join(f"{number:,}" if number else "none" for _, number, _ in asked)
    text = (
        f"{method} needs at least {least}, and there {'is' if have == '1' else 'are'} {have}: mark {missing}"
    )
    if counts.held_out:
        text += (
            f" (the {counts.held_out:,} hints on completely annotated images are set aside for validation)"
        )
    if needs.boxes and needs.sentence:
        text += f". {needs.sentence}"
    if ready := [
        name for name, own in (others or {}).items() if name != method and not _missing(counts, own)
    ]:
        text += f"{'' if text.endswith('.') else '.'} Or take {ready[0]}: what is marked is enough for it."
    raise TooFewHintsError(text)
