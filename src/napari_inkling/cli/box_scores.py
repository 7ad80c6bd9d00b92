"""The box half of ``inkling evaluate``: average precision where both sides have boxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_inkling.cli.annotations import Annotated
from napari_inkling.cli.console import note, plural
from napari_inkling.cli.tables import table

if TYPE_CHECKING:
    from napari_inkling.core import Boxes, HintSet

__all__ = ["box_table", "with_box_scores"]

#: What the keys begin with where masks have those without it.
BESIDE_MASKS = "box_"
_KEYS = ("map", "map50", "map75")
_COLUMNS = (("mAP", "map", ".3f"), ("AP50", "map50", ".3f"), ("AP75", "map75", ".3f"))


def with_box_scores(
    scores: Mapping[str, Any], found: Annotated, true_hints: Mapping[str, HintSet]
) -> dict[str, Any]:
    """Return the scores with the average precision of boxes, where both sides have any.

    Parameters
    ----------
    scores : mapping
        What :func:`~napari_inkling.cli.mask_scores.with_mask_scores` returned. Masks that it compared keep
        the keys ``map``, ``map50`` and ``map75``; those of boxes then begin with ``box_``.
    found : Annotated
        The predictions, under the truth's names.
    true_hints : mapping of str to HintSet
        The truth's hints, under the classes of what was found.
    """
    from napari_inkling.core import Boxes
    from napari_inkling.evaluation import average_precision

    masks_compared = "aji" in scores
    nothing_found = not any(map(len, found.hints.values()))
    if not (_has_boxes(true_hints) and (nothing_found or _has_boxes(found.hints))):
        if not masks_compared and (lacking := _side_without_boxes(found.hints, true_hints)):
            note(lacking)
        return dict(scores)
    truth = _true_boxes(true_hints)
    found_boxes = {name: found.hints[name].boxes if name in found.hints else Boxes() for name in truth}
    if apart := _classes_apart(found_boxes, truth):
        note(apart)
    told = average_precision(found_boxes, truth)
    prefix = BESIDE_MASKS if masks_compared else ""
    together = {**scores, **_named(told, prefix)}
    for part in ("images", "classes"):
        mine = {name: _named(own, prefix) for name, own in told[part].items()}
        together[part] = {name: {**own, **mine.get(name, {})} for name, own in scores[part].items()}
    return together


def _named(scores: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {prefix + key: scores[key] for key in _KEYS}


def _has_boxes(hints: Mapping[str, HintSet]) -> bool:
    return any(len(own.boxes.cells) for own in hints.values())


def _side_without_boxes(found: Mapping[str, HintSet], truth: Mapping[str, HintSet]) -> str:
    """Return why no boxes are compared although a person or a model drew some on one side, and only there.

    The boxes around masks say nothing that the note on masks did not.
    """
    if any(len(own.boxes.cells.without_ids(own.masks.ids)) for own in truth.values()):
        return "no average precision: the truth has boxes, but the predictions have none, only points"
    if any(len(own.boxes.cells.without_ids(own.masks.ids)) for own in found.values()):
        return "no average precision: the predictions have boxes, but the truth has none, only points"
    return ""


def _classes_apart(found: Mapping[str, Boxes], truth: Mapping[str, Boxes]) -> str:
    """Return why no box can match, if no class is on both sides; boxes of different classes never match."""
    mine, true = ({str(c) for own in side.values() for c in own.cells.classes} for side in (found, truth))
    if mine & true or not (mine and true):
        return ""
    return (
        f"the predictions have boxes of {', '.join(sorted(mine))}, the truth of {', '.join(sorted(true))}: "
        "no class is in both, so the average precision is 0"
    )


def _true_boxes(truth: Mapping[str, HintSet]) -> dict[str, Boxes]:
    """Return the boxes of the images that can be scored; an image without any cell is one of them."""
    from napari_inkling.evaluation import cell_centres

    cells = {name: len(cell_centres(own)) for name, own in truth.items()}
    chosen = {name: own.boxes for name, own in truth.items() if len(own.boxes.cells) or not cells[name]}
    if left_out := len(truth) - len(chosen):
        note(f"no average precision for {plural(left_out, 'image')} without boxes in the truth")
    if without := sum(cells[name] - len(boxes.cells) for name, boxes in chosen.items()):
        note(
            f"{plural(without, 'cell')} without a box in the truth: what is found there counts as wrong in "
            "the average precision"
        )
    return chosen


def box_table(scores: Mapping[str, Any]) -> str:
    """Return the average precision of boxes as a table for people; empty where only masks were compared."""
    if "map" not in scores or "aji" in scores:
        return ""
    groups: list[tuple[str, Mapping[str, Any]]] = [
        (name, own) for name, own in scores["images"].items() if "map" in own
    ]
    if len(scores["classes"]) > 1:
        groups += [(f"class {name}", own) for name, own in scores["classes"].items() if "map" in own]
    return table([*groups, ("all", scores)], _COLUMNS)
