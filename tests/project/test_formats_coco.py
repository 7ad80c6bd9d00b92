from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest
from tests.project.formats_cases import ITEMS, SHAPES, objects, odd_masks

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, FormatError, HintSet, Points, Predictions
from napari_inkling.project.formats import export_annotations, read_annotations
from napari_inkling.project.formats.run_lengths import text_of_lengths

IMAGES = {"cells_1": (100, 200), "cells_2": (100, 200)}


def content(*annotations, **more):
    return {
        "images": [{"id": 1, "file_name": "cells_1.png"}, {"id": 2, "file_name": "x/cells_2.jpg"}],
        "categories": [{"id": 5, "name": "RBC"}],
        "annotations": [{"id": i, "image_id": 1, "category_id": 5, **a} for i, a in enumerate(annotations)],
        **more,
    }


def read(tmp_path, value, images=IMAGES):
    path = tmp_path / "a.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return read_annotations(path, "coco", images)


def test_boxes_points_and_polygons(tmp_path):
    result = read(
        tmp_path,
        content(
            {"bbox": [10, 20, 20, 40], "score": 0.5, "attributes": {"shape": "round"}},
            {"keypoints": [7, 8, 2], "num_keypoints": 1, "bbox": [7, 8, 1, 1]},
            {"segmentation": [[1, 2, 5, 2, 5, 9]]},
            {"keypoints": [50, 40, 2], "bbox": [40, 30, 20, 20]},
        ),
    )
    hints = result.hints["cells_1"]
    assert hints.boxes.coordinates.tolist() == [
        [19.5, 9.5, 59.5, 29.5],
        [1.5, 0.5, 8.5, 4.5],
        [29.5, 39.5, 49.5, 59.5],
    ]
    assert hints.points.coordinates.tolist() == [[8, 7], [5, 2.5], [40, 50]]
    assert hints.points.ids.tolist()[1:] == hints.boxes.ids.tolist()[1:]  # of one cell each
    assert hints.masks.ids.tolist() == hints.boxes.ids.tolist()[1:2]
    assert hints.boxes.scores.tolist() == [0.5, 1, 1]
    assert hints.boxes.attributes["shape"].tolist() == ["round", "", ""]
    assert set(hints.boxes.sources) == {"imported"}
    assert len(result.hints["cells_2"]) == 0
    assert result.notices == ()


NOTICES = {
    "no area": (content({"bbox": [10, 20, 0, 40]}), "skipped a box without area: annotations[0]"),
    "outside": (content({"bbox": [300, 20, 5, 5]}), "skipped a box outside the image: annotations[0]"),
    "a point outside": (
        content({"keypoints": [7, 100, 2], "bbox": []}),
        "skipped a point outside the image: annotations[0]",
    ),
    "over the edge": (
        content({"bbox": [190, 20, 20, 5]}),
        "a box reaches beyond the image, it was kept as it is: annotations[0]",
    ),
    "crowd": (content({"bbox": [1, 2, 3, 4], "iscrowd": 1}), "took a crowd region as a box to ignore"),
    "nothing": (
        content({}),
        "skipped an annotation without a box, a polygon or one keypoint: annotations[0]",
    ),
    "twice the same box": (
        content(*[{"bbox": [1, 2, 3, 4]}] * 3),
        "left out 2 boxes that repeat others of their class: annotations[1]; annotations[2]",
    ),
    "a skeleton only": (content({"keypoints": [1, 2, 2, 3, 4, 2]}), "skipped an annotation without a box"),
    "a polygon without a pixel": (
        content({"segmentation": [[1.6, 1.6, 1.9, 1.6, 1.9, 1.9]]}),
        "a polygon is too small for a mask, or outside the image; its box was taken: annotations[0]",
    ),
    "the same id twice": (
        content({"bbox": [1, 2, 3, 4], "id": 7}, {"bbox": [5, 6, 7, 8], "id": 7}),
        "an annotation repeats the id of another, both were taken: annotations[1] (id 7)",
    ),
    "our id twice": (
        content(*[{"bbox": [1, 2, 3, 4], "inkling": {"id": 9}}] * 2),
        "a row repeats the id of another, it got a new one: annotations[1] (id 9)",
    ),
    "unknown source": (
        content({"bbox": [1, 2, 3, 4], "inkling": {"source": "alien"}}),
        "the source 'alien' is none of human, accepted, imported, model, it became 'imported'",
    ),
}


@pytest.mark.parametrize(("value", "says"), NOTICES.values(), ids=NOTICES.keys())
def test_notices(tmp_path, value, says):
    result = read(tmp_path, value)
    assert len(result.notices) == 1
    assert result.notices[0].startswith(says)


@pytest.mark.parametrize(
    ("crowd", "box"),
    [
        ({"bbox": [10, 20, 20, 40]}, [19.5, 9.5, 59.5, 29.5]),
        ({"segmentation": [[1, 2, 5, 2, 5, 9]]}, [1.5, 0.5, 8.5, 4.5]),
        # Rows 0 and 1 of columns 2 and 3, column by column from the top left corner.
        ({"segmentation": {"size": [100, 200], "counts": [200, 2, 98, 2, 19698]}}, [-0.5, 1.5, 1.5, 3.5]),
    ],
)
def test_a_crowd_is_a_box_to_ignore(tmp_path, crowd, box):
    hints = read(tmp_path, content({**crowd, "iscrowd": 1})).hints["cells_1"]
    assert hints.boxes.coordinates.tolist() == [box]
    assert (hints.boxes.classes.tolist(), len(hints)) == ([IGNORE], 1)


def test_unknown_images_are_named_with_what_they_held(tmp_path):
    images = [
        {"id": 1, "file_name": "cells_1.png"},
        {"id": 2, "file_name": "lost.png", "width": 9, "height": 9},
    ]
    boxes = [
        {"bbox": [1, 2, 3, 4]},
        {"bbox": [1, 2, 3, 4], "image_id": 2},
        {"bbox": [1, 2, 3, 4], "image_id": 2},
    ]
    result = read(tmp_path, content(*boxes, images=images))
    assert len(result) == 1
    assert result.notices == (
        "skipped an image that is not known: lost.png",
        "2 annotations belong to the skipped images",
    )


def test_an_image_that_fits_twice_is_named(tmp_path):
    result = read(tmp_path, content({"bbox": [1, 2, 3, 4]}), {"Cells_1": (9, 9), "CELLS_1": (9, 9)})
    assert (
        result.notices[0] == "skipped an image whose name fits several: cells_1.png (fits Cells_1, CELLS_1)"
    )


def test_folders_tell_equal_names_apart(tmp_path):
    images = [{"id": 1, "file_name": "b/tile.png"}, {"id": 2, "file_name": "a/tile.png"}]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content({"bbox": [1, 2, 3, 4]}, images=images)))
    files = {"tile": "/data/a/tile.png", "tile-2": "/data/b/tile.png"}
    hints = read_annotations(path, "coco", dict.fromkeys(files, (50, 50)), files).hints
    assert {k: len(v) for k, v in hints.items()} == {"tile-2": 1, "tile": 0}


BOX = {"bbox": [1, 2, 3, 4]}
BAD = {
    "no JSON": ('{"images": [\n{"id": 1,}]}', r"a\.json, line 2: not JSON"),
    "a list": ("[]", r"a\.json holds a list at its top, expected a COCO object"),
    "results only": ('[{"image_id": 1, "bbox": [1, 2, 3, 4]}]', r"holds a list"),
    "no images": ({"annotations": []}, r"has no list 'images'"),
    "image without name": (content(images=[{"id": 1}]), r"images\[0\]: 'file_name' is None"),
    "image twice": (
        content(images=[{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}]),
        r"images\[1\]: the id 1 is there twice",
    ),
    "no such image": (
        content(BOX | {"image_id": 9}),
        r"annotations\[0\]: image_id 9 is none of the images' ids",
    ),
    "no such category": (content(BOX | {"category_id": 9}), r"category_id 9 is none of the categories' ids"),
    "category as list": (content(BOX | {"category_id": [5]}), r"'category_id' is \[5\], expected"),
    "short box": (
        content({"bbox": [1, 2, 3]}),
        r"annotations\[0\]: 'bbox' is \[1, 2, 3\], expected 4 numbers",
    ),
    "text in box": (content({"bbox": [1, 2, 3, "4"]}), r"expected 4 numbers"),
    "endless box": (content({"bbox": [1, 2, 3, float("inf")]}), r"are not finite"),
    "giant number": (content({"bbox": [1, 2, 3, 10**400]}), r"expected 4 numbers"),
    "score": (content(BOX | {"score": "high"}), r"the score is 'high', expected a number"),
    "attributes": (content(BOX | {"attributes": [1]}), r"'attributes' is \[1\], expected an object"),
    "annotation": (content() | {"annotations": [3]}, r"annotations\[0\] is 3, expected an object"),
    "mask of another image": (
        content({"segmentation": {"size": [9, 8], "counts": [72]}}),
        r"annotations\[0\]: the mask is of an image of 8 × 9 pixels, cells_1 is 200 × 100",
    ),
    "mask without a size": (content({"segmentation": {"counts": [1]}}), r"the size of the mask is None"),
    "lengths": (
        content({"segmentation": {"size": [100, 200], "counts": [1, 2]}}),
        r"annotations\[0\]: the run lengths have the sum 3, expected 100 × 200",
    ),
    "counts": (
        content({"segmentation": {"size": [100, 200], "counts": {}}}),
        r"annotations\[0\]: the counts of the mask are '\{\}', expected text or whole numbers",
    ),
    "odd polygon": (content({"segmentation": [[1, 2, 3]]}), r"'segmentation' is \[1, 2, 3\], expected 2 num"),
    "endless polygon": (
        content({"segmentation": [[1, 2, 3, 4, 5, float("inf")]]}),
        r"'segmentation' holds numbers that are not finite",
    ),
    "our columns": (content(BOX | {"inkling": {"id": "x"}}), r"the columns under 'inkling' are damaged"),
    "our plane": (
        content(images=[{"id": 1, "file_name": "a", "plane": ["z"]}]),
        r"images\[0\]: the plane is \['z'\]",
    ),
}


@pytest.mark.parametrize(("value", "says"), BAD.values(), ids=BAD.keys())
def test_malformed_files_are_refused(tmp_path, value, says):
    with pytest.raises(FormatError, match=says):
        read(tmp_path, value)


#: One pixel at row 1, column 1 of an image of 3 × 4 pixels: down the columns 4 come before it and 7 after it.
LENGTHS = [4, 1, 7]
MASKS = {
    "a polygon": [[1, 1, 2, 1, 2, 1.5, 2, 2, 1, 2]],
    "a bare list of corners": [1, 1, 2, 1, 2, 1.5, 2, 2, 1, 2],
    "text": {"size": [3, 4], "counts": text_of_lengths(LENGTHS)},
    "lengths": {"size": [3, 4], "counts": LENGTHS},
    "two polygons that overlap": [[1, 1, 2, 1, 2, 2, 1, 2], [1.2, 1, 2, 1, 2, 2, 1.2, 2]],
}


@pytest.mark.parametrize("segmentation", MASKS.values(), ids=MASKS.keys())
@pytest.mark.parametrize("bbox", [{}, {"bbox": [0.5, 0.5, 2, 2]}], ids=["alone", "with a box"])
def test_masks_of_other_programs_are_whole_cells(tmp_path, segmentation, bbox):
    result = read(
        tmp_path, content({"segmentation": segmentation, "score": 0.5, **bbox}), {"cells_1": (3, 4)}
    )
    hints = result.hints["cells_1"]
    assert hints.masks.coordinates.tolist() == [[1, 1, 2, 2]]
    assert hints.masks.crop(0).tolist() == [[True]]
    assert hints.boxes.coordinates.tolist() == [[0, 0, 2, 2] if bbox else [0.5, 0.5, 1.5, 1.5]]
    assert hints.points.coordinates.tolist() == [[1, 1]]
    assert hints.points.ids.tolist() == hints.boxes.ids.tolist() == hints.masks.ids.tolist()
    assert (hints.masks.classes[0], hints.masks.scores[0], hints.masks.sources[0]) == ("RBC", 0.5, "imported")


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # pycocotools' own
def test_masks_are_run_lengths_of_the_image(tmp_path):
    coco = pytest.importorskip("pycocotools.mask")
    masks = odd_masks(0)
    items = {"a": HintSet(Points([(1, 1)]), masks=masks)}
    path = export_annotations(items, tmp_path / "a.json", "coco", shapes={"a": (50, 60)})
    annotations = [a for a in json.loads(path.read_text())["annotations"] if "segmentation" in a]
    assert len(annotations) == len(masks)
    for i, annotation in enumerate(annotations):
        decoded = coco.decode(annotation["segmentation"]).astype(bool)
        assert np.array_equal(decoded, masks.take([i]).labels((50, 60)) > 0)
        assert annotation["area"] == coco.area(annotation["segmentation"]) == masks.areas[i]
        assert annotation["bbox"] == coco.toBbox(annotation["segmentation"]).tolist()


def test_a_rectangle_is_a_box(tmp_path):
    hints = read(tmp_path, content({"segmentation": [[1, 1, 4, 1, 4, 3, 1, 3]]})).hints["cells_1"]
    assert (len(hints.points), len(hints.masks)) == (0, 0)
    assert hints.boxes.coordinates.tolist() == [[0.5, 0.5, 2.5, 3.5]]


def test_a_mask_beyond_the_image_is_cut(tmp_path):
    polygon = [-3, 0, 9, 0, 9, 1, 9, 2, -3, 2]
    result = read(tmp_path, content({"segmentation": [polygon]}), {"cells_1": (3, 4)})
    assert result.hints["cells_1"].masks.coordinates.tolist() == [[0, 0, 2, 4]]
    says = "a mask reaches beyond the image, it was cut off at its edge: annotations[0]"
    assert says in result.notices


def test_binary_files_are_refused(tmp_path):
    (tmp_path / "a.json").write_bytes(b'{\n"\xff\xfe"}')
    with pytest.raises(FormatError, match=r"line 2: not UTF-8 text"):
        read_annotations(tmp_path / "a.json", "coco", IMAGES)


def test_pycocotools_loads_what_we_write(tmp_path):
    pycoco = pytest.importorskip("pycocotools.coco")
    path = export_annotations(ITEMS, tmp_path / "a.json", "coco", shapes=SHAPES)
    with contextlib.redirect_stdout(io.StringIO()):
        loaded = pycoco.COCO(str(path))
    assert {c["name"] for c in loaded.loadCats(loaded.getCatIds())} == {
        "RBC", "WBC", "Ω", 'W"BC, <large> & co;', "ignore"
    }  # fmt: skip
    images = {i["file_name"]: i for i in loaded.loadImgs(loaded.getImgIds())}
    assert (images["blood"]["height"], images["blood"]["width"]) == (480, 640)
    found = loaded.loadAnns(loaded.getAnnIds(imgIds=[images["blood"]["id"]]))
    assert len(found) == 4 + 6  # two of the six points are background, which is no object
    assert all(min(a["bbox"][2:]) > 0 and a["area"] > 0 for a in found)
    assert sum(a["iscrowd"] for a in found) == 1
    assert sum(a.get("num_keypoints", 0) for a in found) == 4


def test_pycocotools_scores_our_boxes_against_themselves(tmp_path):
    pycoco, cocoeval = pytest.importorskip("pycocotools.coco"), pytest.importorskip("pycocotools.cocoeval")
    boxes = Boxes([(10, 10, 40, 50), (50, 60, 70, 99)], scores=np.array([0.9, 0.8]))
    path = export_annotations(
        {"a": HintSet(boxes=boxes)}, tmp_path / "a.json", "coco", shapes={"a": (100, 100)}
    )
    with contextlib.redirect_stdout(io.StringIO()):
        truth = pycoco.COCO(str(path))
        found = truth.loadRes(json.loads(path.read_text())["annotations"])
        score = cocoeval.COCOeval(truth, found, "bbox")
        score.evaluate()
        score.accumulate()
        score.summarize()
    assert score.stats[0] == pytest.approx(1)


@pytest.mark.parametrize(("radius", "bbox"), [(None, [30, 20, 1, 1]), (4, [26.5, 16.5, 8, 8])])
def test_points_are_keypoints_with_a_box_of_the_radius(tmp_path, radius, bbox):
    items = {"a": Predictions(Points([(20, 30)]), radius=radius)}
    path = export_annotations(items, tmp_path / "a.json", "coco")
    (annotation,) = json.loads(path.read_text())["annotations"]
    assert annotation["keypoints"] == [30, 20, 2]
    assert annotation["bbox"] == bbox
    hints = read_annotations(path, "coco").hints["a"]
    assert (len(hints.points), len(hints.boxes)) == (1, 0)


@pytest.mark.parametrize(
    ("point", "bbox"),
    [((1, 38), [34.5, 0, 5.5, 5.5]), ((2, -3), [-6.5, -1.5, 8, 8])],
    ids=["edge", "outside"],
)
def test_the_box_of_a_point_ends_at_the_images_edge(tmp_path, point, bbox):
    items = {"a": Predictions(Points([point]), radius=4)}
    path = export_annotations(items, tmp_path / "a.json", "coco", shapes={"a": (30, 40)})
    (annotation,) = json.loads(path.read_text())["annotations"]
    assert annotation["bbox"] == bbox
    assert read_annotations(path, "coco").hints["a"].points.coordinates.tolist() == [list(point)]


def test_point_and_box_of_one_cell_are_one_annotation(tmp_path):
    columns = {"classes": objects("RBC", "WBC"), "ids": [3, 4], "sources": "imported"}
    hints = HintSet(
        Points([(10.25, 20.5), (30, 40)], **columns),
        Boxes([(5, 15, 15.5, 26), (29.5, 39.5, 30.5, 40.5)], **columns),  # the second is a mask of one pixel
    )
    path = export_annotations({"a": hints}, tmp_path / "a.json", "coco")
    annotations = json.loads(path.read_text())["annotations"]
    assert [(a["bbox"], a["keypoints"]) for a in annotations] == [
        ([15.5, 5.5, 11, 10.5], [20.5, 10.25, 2]),
        ([40, 30, 1, 1], [40, 30, 2]),
    ]
    back = read_annotations(path, "coco").hints["a"]
    assert back.points.equals(hints.points)
    assert back.boxes.equals(hints.boxes)


def test_background_is_no_category(tmp_path):
    hints = HintSet(Points([(1, 2), (3, 4)], classes=objects("RBC", BACKGROUND)))
    written = json.loads(export_annotations({"a": hints}, tmp_path / "a.json", "coco").read_text())
    assert [c["name"] for c in written["categories"]] == ["RBC"]
    assert len(written["annotations"]) == 1
    assert len(written["inkling"]["background"]) == 1


def test_a_box_that_another_program_moved_is_where_it_was_moved_to(tmp_path):
    path = export_annotations(
        {"a": HintSet(boxes=Boxes([(1, 2, 5, 6)], ids=[8]))}, tmp_path / "a.json", "coco"
    )
    moved = json.loads(path.read_text())
    moved["annotations"][0]["bbox"][0] += 1
    path.write_text(json.dumps(moved))
    boxes = read_annotations(path, "coco").hints["a"].boxes
    assert boxes.coordinates.tolist() == [[1, 3, 5, 7]]
    assert boxes.ids.tolist() == [8]
