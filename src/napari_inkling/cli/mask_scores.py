"""The mask half of ``inkling evaluate``: what can be compared, and how hard each image is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_inkling.cli.annotations import Annotated
from napari_inkling.cli.console import note, plural
from napari_inkling.cli.tables import table

if TYPE_CHECKING:
    from napari_inkling.core import HintSet, Masks

__all__ = ["mask_table", "with_mask_scores"]

Size = tuple[int, int]
_COLUMNS = (
    ("pixel acc", "pixel_accuracy", ".3f"),
    ("pixel F1", "pixel_f1", ".3f"),
    ("Dice", "dice_obj", ".3f"),
    ("AJI", "aji", ".3f"),
    ("PQ", "pq", ".3f"),
    ("mAP", "map", ".3f"),
    ("AP50", "map50", ".3f"),
    ("AP75", "map75", ".3f"),
    ("bg-diff", "nuclei_bg_diff", ".3g"),
    ("std", "nuclei_std", ".3g"),
)


def with_mask_scores(
    scores: Mapping[str, Any], found: Annotated, truth: Annotated, true_hints: Mapping[str, HintSet]
) -> dict[str, Any]:
    """Return the scores of the cells' centres with those of the masks, where both sides have any.

    Parameters
    ----------
    scores : mapping
        What :func:`~napari_inkling.evaluation.score_images` returned.
    found, truth : Annotated
        Both sides, under the same names.
    true_hints : mapping of str to HintSet
        The truth's hints, under the classes of what was found.

    Raises
    ------
    FormatError
        If the sizes that both sides tell of an image differ.
    """
    from napari_inkling.evaluation import score_masks

    if lacking := _side_without_masks(found, truth):
        note(lacking)
    if not (_has_masks(found) and _has_masks(truth)):
        return dict(scores)
    sizes = _sizes(found, truth)
    masks = _true_masks(true_hints, sizes)
    if not masks:
        return dict(scores)
    found_masks = {name: found.hints[name].masks for name in masks if name in found.hints}
    told = score_masks(found_masks, masks, sizes)
    _add_difficulty(told, truth, masks, sizes)
    together = {**told, **scores}
    for part in ("images", "classes"):
        together[part] = {name: {**own, **told[part].get(name, {})} for name, own in scores[part].items()}
    return together


def _has_masks(side: Annotated) -> bool:
    return any(len(hints.masks) for hints in side.hints.values())


def _side_without_masks(found: Annotated, truth: Annotated) -> str:
    """Return why no masks are compared although one side has some; nothing of points against points."""
    if _has_masks(found) and not _has_masks(truth):
        return "no mask scores: the predictions have masks, but the truth has none, only points or boxes"
    if _has_masks(truth) and not _has_masks(found):
        return (
            "no mask scores: the truth has masks, but the predictions have none; "
            "is the model or the format one of points alone, or was it stopped before it learnt outlines?"
        )
    return ""


def _sizes(found: Annotated, truth: Annotated) -> dict[str, Size]:
    """Return height and width of all planes of which a side tells them."""
    from napari_inkling.core import FormatError

    for name in sorted(set(found.sizes) & set(truth.sizes)):
        mine, true = found.sizes[name], truth.sizes[name]
        if mine != true and any(len(side.hints[name].masks) for side in (found, truth) if name in side.hints):
            raise FormatError(
                f"the masks found on {name!r} are for {mine[1]} × {mine[0]} pixels, the true ones for "
                f"{true[1]} × {true[0]}: expected the same size"
            )
    return {**found.sizes, **truth.sizes}


def _true_masks(truth: Mapping[str, HintSet], sizes: Mapping[str, Size]) -> dict[str, Masks]:
    """Return the masks of the images that can be scored; an image without any cell is one of them."""
    from napari_inkling.evaluation import cell_centres

    cells = {name: len(cell_centres(hints)) for name, hints in truth.items()}
    chosen = {name: own.masks for name, own in truth.items() if len(own.masks) or not cells[name]}
    if left_out := len(truth) - len(chosen):
        note(f"no mask scores for {plural(left_out, 'image')} without masks in the truth")
    if unknown := set(chosen) - set(sizes):
        note(f"no mask scores for {plural(len(unknown), 'image')} whose size neither side tells")
    if without := sum(cells[name] - len(masks) for name, masks in chosen.items()):
        note(f"{plural(without, 'cell')} without a mask in the truth: not in the mask scores")
    return {name: masks for name, masks in chosen.items() if name in sizes}


def _add_difficulty(
    told: dict[str, Any], truth: Annotated, masks: Mapping[str, Masks], sizes: Mapping[str, Size]
) -> None:
    """Add the paper's figures of difficulty to each image whose file is there, and their means."""
    import numpy as np

    from napari_inkling.core import ImageError, PlaneRef
    from napari_inkling.evaluation import difficulty
    from napari_inkling.project.images import open_image
    from napari_inkling.training.intensity import working_channels

    for name, own in told["images"].items():
        ref = PlaneRef.parse(name)
        if truth.files is None or ref.image not in truth.files:
            continue
        try:
            image = open_image(truth.files[ref.image], ref)
            pixels = image.read()[..., : working_channels(image)]
        except ImageError as error:
            note(f"no nuclei-bg-diff and nuclei-std for {name}: {error}")
            continue
        own.update(difficulty(pixels, masks[name].labels(sizes[name])).to_dict())
    for key in ("nuclei_bg_diff", "nuclei_std"):
        values = [own[key] for own in told["images"].values() if own.get(key) is not None]
        if values:
            told["image_means"][key] = float(np.mean(values))


def mask_table(scores: Mapping[str, Any]) -> str:
    """Return the mask scores as a table for people; empty without any."""
    if "aji" not in scores:
        return ""
    groups: list[tuple[str, Mapping[str, Any]]] = [
        (n, own) for n, own in scores["images"].items() if "aji" in own
    ]
    if len(scores["classes"]) > 1:
        groups += [(f"class {name}", own) for name, own in scores["classes"].items() if "aji" in own]
    groups += [("mean of images", scores["image_means"]), ("all", scores)]
    return table(groups, _COLUMNS)
