"""``inkling evaluate``: predictions against truth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_inkling.cli.annotations import read_found, read_truth, truth_radius, with_class_of
from napari_inkling.cli.box_scores import box_table, with_box_scores
from napari_inkling.cli.console import AsJson, note, notes, result
from napari_inkling.cli.mask_scores import mask_table, with_mask_scores
from napari_inkling.cli.sides import must_be_in_order, order_notices

__all__ = ["DEFAULT_RADIUS", "evaluate", "score_table"]

#: Pixels; what Qu et al., IEEE TMI 2020, take for nuclei at 40×. Used where truth is only points.
DEFAULT_RADIUS = 11.0

_COLUMNS = ("precision", "recall", "f1", "mean_distance", "sd_distance")
_COUNTS = ("true_positives", "false_positives", "false_negatives")


def evaluate(
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS", help="Project, annotation file, or folder of them.")
    ],
    truth: Annotated[
        Path, typer.Argument(metavar="TRUTH", help="Project, folder of masks, or annotation file.")
    ],
    radius: Annotated[
        float | None,
        typer.Option(
            metavar="PX",
            help="Greatest distance of a match; by default the mean radius of the truth's boxes or masks, or "
            f"{DEFAULT_RADIUS:g} where the truth is points only.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Count right, extra and missed cells; where both sides have masks, or boxes, compare those too.

    Cells are matched one to one, as many as possible. Of a project, the images marked complete are the
    truth; if there are none, all images with hints.
    """
    from napari_inkling.core import FormatError
    from napari_inkling.evaluation import score_images

    true = read_truth(truth)
    found = read_found(predictions, true)
    must_be_in_order(predictions, found, truth, true)
    notes([*true.notices, *found.notices, *order_notices(predictions, found, truth, true)])
    if not set(found.hints) & set(true.hints):
        raise FormatError(
            f"{predictions} and {truth} have no image in common: {_some(found.hints)}, "
            f"expected {_some(true.hints)}"
        )
    missing = sorted(set(true.hints) - set(found.hints))
    if missing:
        note(f"{predictions} says nothing of {_some(missing)}: all their cells count as missed")
    chosen, source = (radius, "given") if radius is not None else _default_radius(true.hints)
    true_hints = with_class_of(true.hints, found.hints)
    scores = score_images(found.hints, true_hints, chosen)
    if scores["not_scored"]:
        note(f"there is no truth for {_some(scores['not_scored'])}: not scored")
    values = with_mask_scores(scores, found, true, true_hints)
    values = with_box_scores(values, found, true_hints)
    values |= {"radius_from": source, "not_predicted": missing}
    tables = (score_table(values), mask_table(values), box_table(values))
    result(values, "\n\n".join(filter(None, tables)), as_json)


def _default_radius(truth: Mapping[str, Any]) -> tuple[float, str]:
    if (own := truth_radius(truth)) is not None:
        return round(own, 2), "mean radius of the truth"
    return DEFAULT_RADIUS, "default, the truth tells no size"


def _some(names: Any) -> str:
    """Return names for a message, the first few of many."""
    listed = sorted(names)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return (", ".join(map(repr, listed[:3])) or "no image") + more


def score_table(scores: Mapping[str, Any]) -> str:
    """Return the scores of :func:`~napari_inkling.evaluation.score_images` as a table for people."""
    groups: list[tuple[str, Mapping[str, Any]]] = list(scores["images"].items())
    if len(scores["classes"]) > 1:
        groups += [(f"class {name}", own) for name, own in scores["classes"].items()]
    groups.append(("all", scores))
    width = max(len(name) for name, _ in groups)
    head = f"{'':{width}}  precision  recall     F1   distance ± sd  right  extra  missed"
    radius = f"radius {scores['radius']:g} px" + (
        f" ({scores['radius_from']})" if "radius_from" in scores else ""
    )
    return "\n".join([head, *(_line(name, own, width) for name, own in groups), radius])


def _line(name: str, scores: Mapping[str, Any], width: int) -> str:
    precision, recall, f1, mean, sd = (scores[key] for key in _COLUMNS)
    distance = "–" if mean is None else f"{mean:.2f} ± {sd:.2f} px"
    right, extra, missed = (scores[key] for key in _COUNTS)
    return (
        f"{name:{width}}  {precision:9.3f}  {recall:6.3f}  {f1:5.3f}  {distance:>14}"
        f"  {right:5,}  {extra:5,}  {missed:6,}"
    )
