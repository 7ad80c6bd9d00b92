"""GeoJSON: what QuPath sees, and what of QuPath's we take."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.project.formats_cases import bitmap, objects

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, FormatError, HintSet, Masks, PlaneRef, Points
from napari_inkling.project import Project
from napari_inkling.project.formats import export_annotations, read_annotations

IMAGES = {"cells_1": (100, 200)}


def feature(kind, coordinates, **properties):
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": {"objectType": "annotation", **properties},
    }


def ring(x0, y0, x1, y1):
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]


def read(tmp_path, value, name="cells_1.geojson", images=IMAGES):
    path = tmp_path / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return read_annotations(path, "geojson", images)


def collection(*features, **more):
    return {"type": "FeatureCollection", "features": list(features), **more}


def written(tmp_path, hints, **more):
    return json.loads(export_annotations({"a": hints}, tmp_path / "a.geojson", "geojson", **more).read_text())


# -- written


def test_a_mask_is_an_outline_along_its_pixels(tmp_path):
    crop = bitmap(["###.", "#.#.", "####"])
    masks = Masks.from_crops([(10, 20)], [crop], classes="RBC", sources="model", scores=0.75, ids=[5])
    content = written(tmp_path, HintSet(masks=masks))
    (found,) = content["features"]
    assert content["type"] == "FeatureCollection"
    assert found["geometry"] == {
        "type": "Polygon",
        "coordinates": [
            [[20, 10], [23, 10], [23, 12], [24, 12], [24, 13], [20, 13], [20, 10]],
            [[21, 12], [22, 12], [22, 11], [21, 11], [21, 12]],
        ],
    }
    assert found["properties"]["objectType"] == "detection"
    assert found["properties"]["classification"] == {"name": "RBC", "color": [0, 158, 115]}
    assert found["properties"]["measurements"] == {"score": 0.75}
    assert len(found["id"]) == 36


def test_parts_are_a_multipolygon(tmp_path):
    (found,) = written(tmp_path, HintSet(masks=Masks.from_crops([(0, 0)], [bitmap(["#.", ".#"])])))[
        "features"
    ]
    assert found["geometry"] == {
        "type": "MultiPolygon",
        "coordinates": [
            [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]],
            [[[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]],
        ],
    }


def test_points_and_boxes_count_from_the_corner(tmp_path):
    hints = HintSet(Points([(3, 4)], classes=BACKGROUND, sources="model"), Boxes([(0.5, 1.5, 9, 8)]))
    point, box = written(tmp_path, hints)["features"]
    assert point["geometry"] == {"type": "Point", "coordinates": [4.5, 3.5]}
    assert point["properties"]["objectType"] == "annotation"
    assert point["properties"]["classification"] == {"name": BACKGROUND, "color": [128, 128, 128]}
    assert box["geometry"] == {"type": "Polygon", "coordinates": [ring(2, 1, 8.5, 9.5)]}


def test_a_box_to_ignore_is_of_qupaths_own_class(tmp_path):
    (found,) = written(tmp_path, HintSet(boxes=Boxes([(0, 0, 4, 4)], classes=IGNORE)))["features"]
    assert found["properties"]["classification"]["name"] == "Ignore*"
    named = feature("Polygon", [ring(0, 0, 9, 9)], classification={"name": "Ignore*"})
    hints = read(tmp_path, collection(named)).hints["cells_1"]
    assert (hints.boxes.classes.tolist(), len(hints)) == ([IGNORE], 1)


def test_a_cell_is_one_object_with_the_same_id_each_time(tmp_path):
    columns = {"classes": "a", "ids": [5], "sources": "human"}
    masks = Masks.from_crops([(1, 1)], [np.ones((2, 2), bool)], **columns)
    hints = HintSet(Points([(1.25, 1.5)], **columns), Boxes([(0, 0, 3, 3)], **columns), masks)
    first, second = (written(tmp_path, hints)["features"] for _ in range(2))
    assert [f["id"] for f in first] == [f["id"] for f in second]
    assert len(first) == 1
    assert first[0]["properties"]["objectType"] == "annotation"


def test_colours_are_those_of_the_project(project, tmp_path):
    marked = HintSet(Points([(1, 2), (3, 4)], classes=objects("other", "new")))
    project.edit(PlaneRef("cells"), HintSet(), marked, "mark")
    colours = {c.name: [*bytes.fromhex(c.color[1:])] for c in project.classes}
    path = export_annotations(project, tmp_path / "x", "geojson")
    features = json.loads((path / "cells.geojson").read_text())["features"]
    assert {f["properties"]["classification"]["name"]: f["properties"]["classification"]["color"]
            for f in features} == {name: colours[name] for name in ("other", "new")}  # fmt: skip


def test_planes_are_files(tmp_path):
    items = {PlaneRef("s", (i, 2)): HintSet(Points([(5, 5 + i)])) for i in range(2)}
    path = export_annotations(items, tmp_path / "x", "geojson")
    assert sorted(p.name for p in path.iterdir()) == ["s[0,2].geojson", "s[1,2].geojson"]
    with pytest.raises(FormatError, match="is one file, but there are 2 images; expected a folder"):
        export_annotations(items, tmp_path / "x.geojson", "geojson")


# -- read


TRIANGLE = [[[0, 0], [4, 0], [0, 4], [0, 0]]]  # holds the centres (x, y) = (.5, .5) … where x + y < 4
SHAPES = {
    "a point": (feature("Point", [4.5, 3.5]), ([[3, 4]], [], 0)),
    "points": (feature("MultiPoint", [[4.5, 3.5], [1, 1]]), ([[3, 4], [0.5, 0.5]], [], 0)),
    "a rectangle": (feature("Polygon", [ring(2, 1, 8.5, 9.5)]), ([], [[0.5, 1.5, 9, 8]], 0)),
    "a triangle": (feature("Polygon", TRIANGLE), ([[1, 1]], [[-0.5, -0.5, 2.5, 2.5]], 6)),
    "a hole": (
        feature("Polygon", [ring(0, 0, 3, 3), ring(1, 1, 2, 2)]),
        ([[1, 1]], [[-0.5, -0.5, 2.5, 2.5]], 8),
    ),
    "parts": (
        feature("MultiPolygon", [[ring(0, 0, 1, 1)], [ring(2, 2, 3, 3)]]),
        ([[1, 1]], [[-0.5, -0.5, 2.5, 2.5]], 2),
    ),
    "heights": (feature("Point", [4.5, 3.5, 0]), ([[3, 4]], [], 0)),
}


@pytest.mark.parametrize(("value", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_shapes(tmp_path, value, expected):
    result = read(tmp_path, collection(value))
    hints = result.hints["cells_1"]
    points, boxes, pixels = expected
    assert hints.points.coordinates.tolist() == points
    assert hints.boxes.coordinates.tolist() == boxes
    assert hints.masks.areas.sum() == pixels
    if pixels:
        assert hints.points.ids.tolist() == hints.boxes.ids.tolist() == hints.masks.ids.tolist()
    assert result.notices == ()


CLASSES = {
    "a name": ({"classification": {"name": "Tumor", "color": [200, 0, 0]}}, "Tumor"),
    "derived names": ({"classification": {"names": ["Tumor", "Positive"]}}, "Tumor: Positive"),
    "text": ({"classification": "Tumor"}, "Tumor"),
    "null": ({"classification": None}, "cell"),
    "none": ({}, "cell"),
}


@pytest.mark.parametrize(("properties", "expected"), CLASSES.values(), ids=CLASSES.keys())
def test_classes(tmp_path, properties, expected):
    points = read(tmp_path, collection(feature("Point", [1, 1], **properties))).hints["cells_1"].points
    assert (points.classes[0], points.sources[0], points.scores[0]) == (expected, "imported", 1)


@pytest.mark.parametrize(
    "wrap", [collection, lambda f: f, lambda f: [f]], ids=["collection", "alone", "list"]
)
def test_kinds_of_files(tmp_path, wrap):
    assert len(read(tmp_path, wrap(feature("Point", [1, 1]))).hints["cells_1"]) == 1


@pytest.mark.parametrize("name", ["cells_1.geojson", "CELLS_1_annotations.geojson", "cells_1.tif.json"])
def test_images_are_found_by_the_file_name(tmp_path, name):
    assert list(read(tmp_path, collection(), name).hints) == ["cells_1"]


NOTICES = {
    "a line": (
        feature("LineString", [[0, 0], [1, 1]]),
        "skipped an object that is neither a polygon nor a point: cells_1.geojson features[0]",
    ),
    "no geometry": ({"type": "Feature", "geometry": None}, "skipped an object that is neither"),
    "outside": (feature("Point", [300, 4]), "skipped a point outside the image: cells_1.geojson features[0]"),
    "an outline outside": (
        feature("Polygon", [[[300, 4], [310, 4], [310, 9]]]),
        "skipped an outline in which no pixel's centre lies, or outside the image",
    ),
    "over the edge": (
        feature("Polygon", [[[190, 4], [210, 4], [190, 9]]]),
        "a mask reaches beyond the image, it was cut off at its edge: cells_1.geojson features[0]",
    ),
}


@pytest.mark.parametrize(("value", "says"), NOTICES.values(), ids=NOTICES.keys())
def test_notices(tmp_path, value, says):
    result = read(tmp_path, collection(value))
    assert len(result.notices) == 1
    assert result.notices[0].startswith(says)


BAD = {
    "no JSON": ("{\n]", r"cells_1.geojson, line 2: not JSON"),
    "text": ('"x"', r"has no list 'features', expected GeoJSON"),
    "COCO": ({"images": [], "annotations": []}, r"has no list 'features'"),
    "feature": (collection(3), r"features\[0\]: the feature is '3', expected an object"),
    "properties": (collection({**feature("Point", [1, 1]), "properties": 3}), r"'properties' is '3'"),
    "own": (collection(feature("Point", [1, 1], inkling=[1])), r"'inkling' is '\[1\]', expected an object"),
    "own id": (collection(feature("Point", [1, 1], inkling={"id": "x"})), r"'inkling' are damaged"),
    "own score": (collection(feature("Point", [1, 1], inkling={"score": "x"})), r"the score is 'x'"),
    "coordinates": (
        collection(feature("Point", "xy")),
        r"features\[0\]: the coordinates .* no list of pairs",
    ),
    "one number": (collection(feature("Point", [1])), r"are no list of pairs of numbers"),
    "endless": (collection(feature("Point", [1, float("inf")])), r"are no list of pairs of numbers"),
    "no rings": (
        collection(feature("Polygon", [])),
        r"the coordinates of the Polygon are not lists of rings",
    ),
    "two corners": (collection(feature("Polygon", [[[0, 0], [1, 1], [0, 0]]])), r"a ring has 2 corners"),
    "giant": (
        collection(feature("Polygon", [[[0, 0], [1e6, 0], [1e6, 1e6]]]), inkling={"image": "x"}),
        r"a polygon of 1000000 × 1000000 pixels is too large",
    ),
}


@pytest.mark.parametrize(("value", "says"), BAD.values(), ids=BAD.keys())
def test_malformed_files_are_refused(tmp_path, value, says):
    with pytest.raises(FormatError, match=says):
        read(tmp_path, value, images=None if "1000000" in says else IMAGES)


def test_an_outline_that_was_changed_has_its_box_and_point_anew(tmp_path):
    columns = {"classes": "a", "ids": [5], "sources": "human"}
    masks = Masks.from_crops([(1, 1)], [np.ones((2, 2), bool)], **columns)
    hints = HintSet(Points([(1.25, 1.5)], **columns), Boxes([(0, 0, 3, 3)], **columns), masks)
    content = written(tmp_path, hints)
    content["features"][0]["geometry"]["coordinates"] = [ring(1, 1, 5, 3)]
    content["features"][0]["properties"]["classification"]["name"] = "b"
    back = read(tmp_path, content).hints["cells_1"]
    assert back.masks.coordinates.tolist() == [[1, 1, 3, 5]]
    assert back.boxes.coordinates.tolist() == [[0.5, 0.5, 2.5, 4.5]]
    assert back.points.coordinates.tolist() == [[1.5, 2.5]]
    for rows in back.kinds:
        assert (rows.ids.tolist(), rows.classes.tolist(), rows.sources.tolist()) == ([5], ["b"], ["human"])


def test_from_project_to_project(project, pictures, tmp_path):
    masks = Masks.from_crops(
        [(3, 4)], [bitmap(["##", "#."])], classes="other", attributes={"k": objects("v")}
    )
    marked = HintSet(Points([(1, 2)], classes=objects(BACKGROUND)), Boxes([(1.25, 2.5, 9, 9)]), masks)
    for ref in (PlaneRef("cells"), PlaneRef("stack", (2,))):
        project.edit(ref, HintSet(), marked.mapped(lambda rows: rows.changed(ids=rows.ids + 1)), "mark")
    path = export_annotations(project, tmp_path / "x", "geojson")
    with Project.create(tmp_path / "other.inkling") as other:
        other.add_images([pictures])
        result = read_annotations(path, "geojson", {"cells": (20, 30), "stack": (20, 30)})
        assert result.notices == ()
        for ref in project.planes_with_hints():
            for ours, theirs in zip(project.hints(ref).kinds, result.hints[str(ref)].kinds, strict=True):
                assert ours.equals(theirs)
