"""Average precision of masks or boxes at IoUs from 0.5 to 0.95 in steps of 0.05, as COCO defines it.

Computed by faster-coco-eval. Where COCO looks at the 100 best detections of an image, all of them count here:
one image may hold thousands of cells. For the same reason an image is judged group by group, which changes
nothing: instances in different groups cannot match, and the ranking is one over all images.

True rows of class "ignore" are COCO's crowds, of every class: of what a model finds there, the share that
lies inside stands for the IoU, and what matches no cell is neither right nor wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from napari_inkling.core import IGNORE, NOT_CELLS, Boxes, HintError, Masks
from napari_inkling.evaluation.groups import Outlines, groups

__all__ = ["average_precision"]

R = TypeVar("R", Boxes, Masks)
#: So many instances are compared with each other in one go: fewer take longer in Python, more in C.
_PACK = 64
Precision = npt.NDArray[np.float64]
Annotation = dict[str, Any]


def average_precision(found: Mapping[str, R], truth: Mapping[str, R]) -> dict[str, Any]:
    """Score boxes, or masks, of all images that have truth.

    Detections are ranked by their score over all images; among equal scores the order of images and rows
    decides. A detection without a score (NaN) ranks like one with a score of 0.

    Parameters
    ----------
    found, truth : mapping of str to Boxes, or of str to Masks
        By image; an image that is missing in ``found`` has all its cells missed. Only instances of the same
        class are compared. Masks may overlap each other. Background does not count.

    Returns
    -------
    dict
        ``map`` (mean over the ten IoUs and the classes), ``map50``, ``map75``; ``images``: the same by image;
        ``classes``: the same by class. ``None`` where no class, or not this one, has truth.

    Raises
    ------
    HintError
        If masks are to be compared with boxes.
    """
    found = {name: found[name].cells for name in truth if name in found}
    given = [rows for side in (found, truth) for rows in side.values() if len(rows)]
    kinds = {type(rows) for rows in given}
    if len(kinds) > 1:
        raise HintError("masks were given on one side and boxes on the other, expected the same on both")
    classes = _classes(given)
    pairs = {name: (found[name] if name in found else rows.take([]), rows) for name, rows in truth.items()}
    overlap = "segm" if kinds == {Masks} else "bbox"
    pooled = _precision(list(pairs.values()), classes, overlap)
    single = {
        name: pooled if len(pairs) == 1 else _precision([pair], _classes(pair), overlap)
        for name, pair in pairs.items()
    }
    return {
        **_summary(pooled),
        "images": {name: _summary(precision) for name, precision in single.items()},
        "classes": {name: _summary(pooled[..., [i]]) for i, name in enumerate(classes)},
    }


def _classes(every: Iterable[R]) -> list[str]:
    """Return the classes of the cells among rows."""
    return sorted({str(name) for rows in every for name in rows.classes} - {*NOT_CELLS})


def _summary(precision: Precision) -> dict[str, float | None]:
    """Return the means of precisions (IoUs, recalls, classes), in which -1 says that a class has no truth."""
    parts = {"map": precision, "map50": precision[0], "map75": precision[5]}
    return {name: float(p[p >= 0].mean()) if (p >= 0).any() else None for name, p in parts.items()}


def _precision(pairs: Sequence[tuple[R, R]], classes: Sequence[str], overlap: str) -> Precision:
    """Return the precision at each IoU, recall and class, shape (10, 101, K), of (found, truth) by image.

    ``overlap`` is COCO's word for what is compared, "segm" or "bbox".
    """
    from faster_coco_eval import COCO, COCOeval_faster

    if not any(len(truth.cells) for _, truth in pairs):
        return np.full((10, 101, len(classes)), -1.0)
    evaluation = COCOeval_faster(*(COCO(side) for side in _datasets(pairs, classes)), overlap)
    evaluation.params.maxDets = [max(1, *(len(found) for found, _ in pairs))]
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
    evaluation.evaluate()
    evaluation.accumulate()
    precision: Precision = np.asarray(evaluation.eval["precision"])[:, :, :, 0, 0]
    return precision


def _datasets(pairs: Sequence[tuple[R, R]], classes: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the truth and what was found in COCO's own description, each group as an image."""
    frames: list[tuple[int, int]] = []
    truths: list[Annotation] = []
    founds: list[Annotation] = []
    ranks = _ranks([found.scores for found, _ in pairs])
    for (found, truth), rank in zip(pairs, ranks, strict=True):
        frame = _frame(found, truth)
        group = groups(_outlines(found), _outlines(truth)).packed(_PACK)
        founds += _annotations(found, len(frames) + group.found, rank, frame, classes)
        truths += _annotations(truth, len(frames) + group.truth, truth.scores, frame, classes)
        frames += [frame] * group.total
    common = {
        "images": [{"id": i, "height": h, "width": w} for i, (h, w) in enumerate(frames)],
        "categories": [{"id": i, "name": name} for i, name in enumerate(classes, 1)],
    }
    true, mine = ([{"id": i, **own} for i, own in enumerate(side, 1)] for side in (truths, founds))
    return {**common, "annotations": true}, {**common, "annotations": mine}


def _ranks(scores: Sequence[npt.NDArray[np.float64]]) -> list[npt.NDArray[np.float64]]:
    """Return different scores in the same order: of equal ones, the earlier image and row is the higher."""
    every = np.nan_to_num(np.concatenate(scores))
    ranks = np.empty(len(every))
    ranks[np.argsort(-every, kind="stable")] = np.arange(len(every), 0, -1)
    return np.split(ranks, np.cumsum([len(own) for own in scores])[:-1])


def _frame(found: Boxes | Masks, truth: Boxes | Masks) -> tuple[int, int]:
    """Return a height and width that hold everything; what lies around a mask changes no overlap."""
    corners = np.concatenate([np.ones((1, 2)), found.coordinates[:, 2:], truth.coordinates[:, 2:]])
    height, width = np.ceil(corners.max(0)).astype(int).tolist()
    return height, width


def _outlines(rows: Boxes | Masks) -> Outlines:
    y0, x0, y1, x1 = rows.coordinates.T
    areas = rows.areas if isinstance(rows, Masks) else (y1 - y0) * (x1 - x0)
    return Outlines(rows.coordinates, areas, rows.classes == IGNORE)


def _annotations(
    rows: Boxes | Masks,
    group: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
    frame: tuple[int, int],
    classes: Sequence[str],
) -> Iterator[Annotation]:
    from napari_inkling.project.formats.run_lengths import run_lengths

    number = {name: [i] for i, name in enumerate(classes, 1)}
    number[IGNORE] = [*range(1, len(classes) + 1)]
    for i, (y0, x0, y1, x1) in enumerate(rows.coordinates.tolist()):
        name = str(rows.classes[i])
        own: Annotation = {
            "image_id": int(group[i]),
            "score": float(scores[i]),
            "iscrowd": int(name == IGNORE),
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "area": (y1 - y0) * (x1 - x0),
        }
        if isinstance(rows, Masks):
            lengths = run_lengths((int(y0), int(x0)), rows.crop(i), frame)
            own["segmentation"] = {"size": list(frame), "counts": lengths}
        for category in number.get(name, ()):  # background has none
            yield {**own, "category_id": category}
