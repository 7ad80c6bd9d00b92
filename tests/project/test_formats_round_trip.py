from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.project.formats_cases import ITEMS, SHAPES, assert_same, full_hints, objects, odd_masks

from napari_inkling.core import BACKGROUND, Boxes, FormatError, HintSet, Masks, Points, Predictions
from napari_inkling.project.formats import (
    FORMATS,
    export_annotations,
    guess_format,
    read_annotations,
)

#: What can hold any place, and what draws cells into an image of a known size.
FREE = {"coco": "all.json", "geojson": "all", "points-csv": "all.csv", "voc": "all"}
LOSSLESS = {**FREE, "masks": "all", "masks-png": "all", "ome-zarr-labels": "all", "yolo": "all"}


@pytest.mark.parametrize(("name", "file"), LOSSLESS.items())
def test_nothing_is_lost(tmp_path, name, file):
    written = export_annotations(ITEMS, tmp_path / file, name, shapes=SHAPES)
    assert guess_format(written) == name.removesuffix("-png")  # both are read alike
    # With a project's images, and taking names as they come (YOLO's boxes are shares of the image's size).
    for images in (SHAPES,) if name == "yolo" else (SHAPES, None):
        result = read_annotations(written, name, images)
        # COCO keeps background points apart from the objects, so their place among the rows is lost.
        assert_same(result.hints, ITEMS, ordered=name != "coco")
        assert result.notices == ()


@pytest.mark.parametrize(("name", "file"), LOSSLESS.items())
def test_writing_what_was_read_writes_the_same(tmp_path, name, file):
    first = export_annotations(ITEMS, tmp_path / "1" / file, name, shapes=SHAPES)
    again = read_annotations(first, name, SHAPES).hints
    second = export_annotations(again, tmp_path / "2" / file, name, shapes=SHAPES)
    for one, two in zip(files_of(first), files_of(second), strict=True):
        assert one.read_bytes() == two.read_bytes()


def files_of(path):
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


coordinate = st.floats(-1e6, 1e6, allow_nan=False)
text = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=8)


@pytest.mark.parametrize(("name", "file"), FREE.items())
@settings(max_examples=40, deadline=None)
@given(
    place=st.tuples(coordinate, coordinate),
    score=st.floats(0, 1),
    class_name=text,
    attribute=text,
    value=st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.none()),
    cell=st.integers(1, 2**53),
)
def test_any_point_survives(tmp_path_factory, name, file, place, score, class_name, attribute, value, cell):
    points = Points(
        [place],
        classes=objects(class_name),
        scores=np.array([score]),
        ids=np.array([cell]),
        attributes={attribute: objects(value)},
    )
    path = export_annotations({"x": HintSet(points)}, tmp_path_factory.mktemp("t") / file, name)
    assert_same(read_annotations(path, name).hints, {"x": HintSet(points)})


@pytest.mark.parametrize(("name", "file"), FREE.items())
@settings(max_examples=40, deadline=None)
@given(corner=st.tuples(coordinate, coordinate), size=st.tuples(st.floats(0.01, 1e4), st.floats(0.01, 1e4)))
def test_any_box_survives(tmp_path_factory, name, file, corner, size):
    box = (*corner, corner[0] + size[0], corner[1] + size[1])
    hints = {"x": HintSet(boxes=Boxes([box]))}
    path = export_annotations(hints, tmp_path_factory.mktemp("t") / file, name)
    assert_same(read_annotations(path, name).hints, hints)


@pytest.mark.parametrize(("name", "file"), LOSSLESS.items())
@settings(max_examples=15, deadline=None)
@given(
    pixels=st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=6),
    corner=st.tuples(st.integers(0, 90), st.integers(0, 110)),
)
def test_any_mask_survives(tmp_path_factory, name, file, pixels, corner):
    if any(map(any, pixels)):
        hints = {"embryo": HintSet(masks=Masks.from_crops([corner], [np.array(pixels)]))}
        path = export_annotations(hints, tmp_path_factory.mktemp("t") / file, name, shapes=SHAPES)
        assert_same(read_annotations(path, name, SHAPES if name == "yolo" else None).hints, hints)


@pytest.mark.parametrize(("name", "file"), FREE.items())
def test_masks_that_overlap_or_are_no_cells_survive(tmp_path, name, file):
    masks = odd_masks(0, classes=objects("a", "b", BACKGROUND, "a", "a", "a", "a"))
    moved = Masks.from_crops([(3, 2)] * 3, [np.ones((n, 9), bool) for n in (3, 4, 5)])
    hints = {"blood": HintSet(masks=Masks.concatenate([masks, moved]))}
    path = export_annotations(hints, tmp_path / file, name, shapes=SHAPES)
    assert_same(read_annotations(path, name).hints, hints, ordered=name != "coco")


@pytest.mark.parametrize(("name", "file"), LOSSLESS.items())
def test_predictions_export_like_hints(tmp_path, name, file):
    points = Points([(20, 30)], sources="model", scores=np.array([0.75]), ids=np.array([5]))
    masks = Masks.from_crops([(15, 25)], [np.ones((9, 8), bool)], sources="model", scores=0.75, ids=[5])
    found = {"blood": Predictions(points, radius=4, masks=masks)}
    path = export_annotations(found, tmp_path / file, name, shapes=SHAPES)
    hints = read_annotations(path, name, SHAPES).hints["blood"]
    assert hints.points.equals(points)
    assert hints.masks.equals(masks)


@pytest.mark.parametrize("name", FORMATS)
def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch, name):
    single = f"a{FORMATS[name].suffixes[0]}"
    path = export_annotations({"blood": full_hints()}, tmp_path / single, name, shapes=SHAPES)
    before = {p: p.read_bytes() for p in files_of(tmp_path)}

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(FormatError, match=f"cannot write .*{single}: No space left on device"):
        export_annotations({"blood": HintSet()}, path, name, shapes=SHAPES)
    assert {p: p.read_bytes() for p in files_of(tmp_path)} == before


@pytest.mark.parametrize("name", FORMATS)
def test_where_nothing_can_be_written_it_is_said(tmp_path, name):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FormatError, match="cannot write"):
        export_annotations({"blood": full_hints()}, tmp_path / "file" / "out", name, shapes=SHAPES)


@pytest.mark.parametrize(
    ("source", "name", "says"),
    [
        ({}, "coco", "nothing to write"),
        (
            {"x": HintSet()},
            "kitti",
            "no format 'kitti', expected one of coco, geojson, points-csv, voc",
        ),
        *(
            ({"x": full_hints()}, name, "size of the image 'x' is not known")
            for name in ("masks", "masks-png", "ome-zarr-labels", "yolo")
        ),
    ],
)
def test_exports_that_are_refused(tmp_path, source, name, says):
    with pytest.raises(FormatError, match=says):
        export_annotations(source, tmp_path / "out", name)


def test_a_radius_must_be_positive(tmp_path):
    with pytest.raises(FormatError, match=r"radius of a point is -1, expected"):
        export_annotations({"x": full_hints()}, tmp_path / "out", "coco", radius=-1)


@pytest.mark.parametrize("name", FORMATS)
def test_a_missing_path_is_named(tmp_path, name):
    with pytest.raises(FormatError, match="gone"):
        read_annotations(tmp_path / "gone", name)
