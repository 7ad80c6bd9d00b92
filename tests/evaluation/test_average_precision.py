from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pytest
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, HintError, Masks
from napari_inkling.evaluation import average_precision
from tests.evaluation.label_images import random_pair, strip

#: Where AP stays at 1 up to a recall of one half: 51 of the 101 recalls 0, 0.01, … 1.
HALF = 51 / 101


def boxes(*places, scores=1.0, classes="cell"):
    return Boxes(places, scores=scores, classes=classes)


CASES = {
    # name: found, truth, (map, map50, map75)
    "the same": (boxes((0, 0, 9, 9)), boxes((0, 0, 9, 9)), (1, 1, 1)),
    "nothing found": (boxes(), boxes((0, 0, 9, 9)), (0, 0, 0)),
    "nothing there": (boxes((0, 0, 9, 9)), boxes(), (None, None, None)),
    "one of two": (boxes((0, 0, 9, 9)), boxes((0, 0, 9, 9), (20, 20, 29, 29)), (HALF, HALF, HALF)),
    # IoU 62/100 is right at 0.50, 0.55 and 0.60.
    "too small": (boxes((0, 0, 62, 1)), boxes((0, 0, 100, 1)), (0.3, 1, 0)),
    "a wrong one that is less sure": (
        boxes((0, 0, 9, 9), (20, 20, 29, 29), scores=[0.9, 0.8]), boxes((0, 0, 9, 9)), (1, 1, 1)),
    "a wrong one that is more sure": (
        boxes((0, 0, 9, 9), (20, 20, 29, 29), scores=[0.8, 0.9]), boxes((0, 0, 9, 9)), (1 / 2, 1 / 2, 1 / 2)),
    "without a score, so last": (
        boxes((0, 0, 9, 9), (20, 20, 29, 29), scores=[0.1, np.nan]), boxes((0, 0, 9, 9)), (1, 1, 1)),
    "twice the same": (boxes((0, 0, 9, 9), (0, 0, 9, 9)), boxes((0, 0, 9, 9)), (1, 1, 1)),
    "background is no cell": (
        boxes((0, 0, 9, 9), (20, 20, 29, 29), classes=["cell", BACKGROUND], scores=[0.1, 0.9]),
        boxes((0, 0, 9, 9)), (1, 1, 1)),
    # The truth's second box says that nobody labelled what is there; found[1] is surer than found[0].
    "found in an ignored box": (
        boxes((0, 0, 9, 9), (21, 21, 24, 24), scores=[0.8, 0.9]),
        boxes((0, 0, 9, 9), (20, 20, 40, 40), classes=["cell", IGNORE]), (1, 1, 1)),
    "62 % of it in an ignored box": (  # wrong from IoU 0.65 on, where precision is one half
        boxes((0, 0, 9, 9), (20, 0, 21, 100), scores=[0.8, 0.9]),
        boxes((0, 0, 9, 9), (20, 0, 30, 62), classes=["cell", IGNORE]), (0.65, 1, 1 / 2)),
    "49 % of it in an ignored box": (
        boxes((0, 0, 9, 9), (20, 0, 21, 100), scores=[0.8, 0.9]),
        boxes((0, 0, 9, 9), (20, 0, 30, 49), classes=["cell", IGNORE]), (1 / 2, 1 / 2, 1 / 2)),
    "many in one ignored box": (
        boxes((0, 0, 9, 9), (20, 20, 24, 24), (20, 20, 24, 24), (30, 30, 33, 33), scores=[0.1, 0.9, 0.8, 1]),
        boxes((0, 0, 9, 9), (20, 20, 40, 40), classes=["cell", IGNORE]), (1, 1, 1)),
    "a cell in an ignored box counts": (
        boxes((0, 0, 9, 9)), boxes((0, 0, 9, 9), (0, 0, 40, 40), classes=["cell", IGNORE]), (1, 1, 1)),
    "and is missed": (boxes(), boxes((0, 0, 9, 9), (0, 0, 40, 40), classes=["cell", IGNORE]), (0, 0, 0)),
    "all is ignored": (boxes((0, 0, 9, 9)), boxes((0, 0, 9, 9), classes=IGNORE), (None, None, None)),
    "a found box to ignore is none": (
        boxes((0, 0, 9, 9), (20, 20, 29, 29), classes=["cell", IGNORE]), boxes((0, 0, 9, 9)), (1, 1, 1)),
}  # fmt: skip


@pytest.mark.parametrize(("found", "truth", "expected"), CASES.values(), ids=CASES.keys())
def test_counted_by_hand(found, truth, expected):
    told = average_precision({"a": found}, {"a": truth})
    assert (told["map"], told["map50"], told["map75"]) == pytest.approx(expected, abs=1e-9)
    assert told["images"]["a"] == {key: told[key] for key in ("map", "map50", "map75")}


def test_classes_and_images_apart():
    truth = {
        "a": boxes((0, 0, 9, 9), (20, 20, 29, 29), classes=["RBC", "WBC"]),
        "b": boxes((0, 0, 9, 9), classes="RBC"),
    }
    # In "a" the WBC is taken for an RBC; "b" is not predicted; "elsewhere" has no truth.
    found = {"a": boxes((0, 0, 9, 9), (20, 20, 29, 29), classes="RBC"), "elsewhere": boxes((0, 0, 9, 9))}
    told = average_precision(found, truth)
    assert told["classes"]["RBC"]["map"] == pytest.approx(HALF)
    assert told["classes"]["WBC"]["map"] == 0
    assert told["map"] == pytest.approx(HALF / 2)
    assert told["images"]["a"]["map"] == pytest.approx(1 / 2)
    assert told["images"]["b"]["map"] == 0
    assert list(told["images"]) == ["a", "b"] and list(told["classes"]) == ["RBC", "WBC"]


def test_what_is_ignored_is_so_for_every_class():
    truth = boxes((0, 0, 9, 9), (0, 20, 9, 29), (20, 0, 40, 40), classes=["RBC", "WBC", IGNORE])
    found = boxes(
        (0, 0, 9, 9), (0, 20, 9, 29), (20, 0, 29, 9), (30, 30, 39, 39),
        classes=["RBC", "WBC", "RBC", "WBC"], scores=[0.5, 0.5, 0.9, 0.9],
    )  # fmt: skip
    told = average_precision({"a": found}, {"a": truth})
    assert (told["map"], list(told["classes"])) == (1, ["RBC", "WBC"])


def test_all_of_many_detections_count():
    places = np.array([(y, x, y + 2, x + 2) for y in range(0, 120, 3) for x in range(0, 60, 3)], float)
    many = boxes(*places, scores=np.linspace(0, 1, len(places)))
    assert len(many) == 800
    assert average_precision({"a": many}, {"a": many})["map"] == 1
    labels = np.kron(np.arange(1, 401).reshape(20, 20), np.array([[1, 1, 0], [1, 0, 0]]))
    masks = Masks.from_labels(labels)
    assert len(masks) == 400
    assert average_precision({"a": masks}, {"a": masks})["map"] == 1


def test_masks_may_overlap():
    truth = Masks.from_crops([(0, 0), (0, 2)], [np.ones((1, 4), bool)] * 2)
    told = average_precision({"a": truth}, {"a": truth})
    assert (told["map"], told["map75"]) == (1, 1)


def test_masks_are_not_compared_with_boxes():
    masks = Masks.from_labels(strip("11.."))
    with pytest.raises(HintError, match="masks were given on one side and boxes on the other"):
        average_precision({"a": masks}, {"a": boxes((0, 0, 1, 1))})


def by_pycocotools(found, truth, shapes, kind):
    """The same by COCO's own program, with masks that it encoded itself."""
    classes = {str(c) for side in (found, truth) for rows in side.values() for c in rows.classes}
    classes = sorted(classes - {IGNORE})

    def described(side):
        annotations = []
        for image, (name, shape) in enumerate(shapes.items(), 1):
            rows = side[name]
            for i, (y0, x0, y1, x1) in enumerate(rows.coordinates.astype(int)):
                name = rows.classes[i]
                for category in classes if name == IGNORE else [name]:
                    annotations.append({
                        "id": len(annotations) + 1, "image_id": image, "iscrowd": int(name == IGNORE),
                        "category_id": classes.index(category) + 1, "score": rows.scores[i],
                        "bbox": [x0, y0, x1 - x0, y1 - y0], "area": 1.0,
                    })  # fmt: skip
                    if kind == "segm":
                        whole = np.zeros(shape, np.uint8, order="F")
                        whole[y0:y1, x0:x1] = rows.crop(i)
                        annotations[-1]["segmentation"] = coco_masks.encode(whole)
        images = [{"id": i, "height": h, "width": w} for i, (h, w) in enumerate(shapes.values(), 1)]
        categories = [{"id": i, "name": c} for i, c in enumerate(classes, 1)]
        coco = COCO()
        coco.dataset = {"images": images, "categories": categories, "annotations": annotations}
        coco.createIndex()
        return coco

    with redirect_stdout(StringIO()):
        evaluation = COCOeval(described(truth), described(found), kind)
        evaluation.params.maxDets = [10_000]
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][..., 0, 0]

    def mean(part):
        return part[part > -1].mean() if (part > -1).any() else None

    def summary(part):
        return {"map": mean(part), "map50": mean(part[0]), "map75": mean(part[5])}

    return summary(precision), {c: summary(precision[:, :, [i]]) for i, c in enumerate(classes)}


@pytest.mark.parametrize("ignored", [0.0, 0.3])
@pytest.mark.parametrize("kind", ["segm", "bbox"])
@pytest.mark.parametrize("seed", range(15))
def test_equals_pycocotools(seed, kind, ignored):
    rng = np.random.default_rng(seed)
    sides, shapes = ({}, {}), {}
    for name, number in zip("abc", rng.integers(0, 1000, 3), strict=True):
        pair = random_pair(int(number))
        shapes[name] = pair[0].shape
        for side, labels in zip(sides, pair, strict=True):
            count = len(np.unique(labels[labels > 0]))
            classes = rng.choice(["RBC", "WBC"], count, p=[0.8, 0.2]).astype(object)
            if side is sides[1]:
                classes[rng.uniform(size=count) < ignored] = IGNORE
            masks = Masks.from_labels(
                labels,
                classes=classes,
                scores=rng.integers(0, 6, count) / 5,  # with ties
            )
            edges = masks.coordinates
            side[name] = masks if kind == "segm" else Boxes(edges, masks.classes, scores=masks.scores)
    told = average_precision(*sides)
    pooled, classes = by_pycocotools(*sides, shapes, kind)
    assert {key: told[key] for key in pooled} == pytest.approx(pooled)
    assert told["classes"] == {name: pytest.approx(values) for name, values in classes.items()}
    for name, shape in shapes.items():
        own, _ = by_pycocotools(*({name: side[name]} for side in sides), {name: shape}, kind)
        assert told["images"][name] == pytest.approx(own)
