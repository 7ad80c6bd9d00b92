"""Which format files are in, told by their names and beginnings."""

from __future__ import annotations

import pytest

from napari_inkling.core import FormatError
from napari_inkling.project.formats import format_to_write, guess_format

COCO = '{"info": {}, "images": [], "annotations": [], "categories": []}'
GEOJSON = '{"type": "FeatureCollection", "features": []}'
VOC = '<?xml version="1.0"?>\n<annotation><filename>a.png</filename></annotation>'
OME = '<?xml version="1.0"?>\n<OME></OME>'


@pytest.mark.parametrize(
    ("files", "format"),
    [
        ({"a.json": COCO}, "coco"),
        ({"a.json": GEOJSON}, "geojson"),
        ({"a.JSON": '[{"type" : "Feature", "geometry": {}}]'}, "geojson"),
        ({"a.geojson": "{}"}, "geojson"),
        ({"a.json": "{}"}, "coco"),  # what is wrong with it, its reader says
        ({"a.xml": VOC}, "voc"),
        ({"a.tsv": "y,x\n"}, "points-csv"),
        ({"a.txt": "0 0.5 0.5 0.1 0.1\n"}, "yolo"),
        ({"labels/a.txt": "12 .5 5e-1 0.1 0.1 0.9\r\n", "labels/b.txt": "", "classes.txt": "RBC"}, "yolo"),
        ({"a.txt": "0 0.1 0.1 0.1 0.1", "a.csv": "label,id,kind,source,image\n"}, "yolo"),
        ({"a.xml": VOC, "a.txt": "12 34 1\n"}, "voc"),
        ({"a.png": ""}, "masks"),
        ({"a.zarr/zarr.json": "{}"}, "ome-zarr-labels"),
        ({"deep/er/a.xml": VOC, "deep/er/a.jpg": "", "ImageSets/train.txt": "a"}, "voc"),
        ({"a.json": COCO, "settings.json": "{}", "a.ome.xml": OME}, "coco"),
        ({"a.tif": "", "a.csv": "label,id,kind,source,image\n"}, "masks"),
        ({"a.zarr/zarr.json": "{}", "b.zarr/zarr.json": "{}"}, "ome-zarr-labels"),
    ],
)
def test_files_tell_their_format(tmp_path, files, format):
    write(tmp_path, files)
    (first,) = {name.split("/")[0] for name in files} if len(files) == 1 else {""}
    assert guess_format(tmp_path / first) == format


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (
            {"a.docx": ""},
            "is in no known format, expected a file, or a folder of files, with .json",
        ),
        ({"a.json": "{}"}, "no known format"),
        ({"a.txt": "hello"}, "no known format"),
        (
            {"a.xml": VOC, "b.xml": VOC, "a.png": ""},
            "several formats, 2 as voc and 1 as masks: choose",
        ),
        ({"a.tif": "", "a.csv": "y,x\n1,2\n"}, "1 as points-csv and 1 as masks"),  # points on an image?
        ({"a.json": COCO, "b.json": GEOJSON}, "1 as coco and 1 as geojson"),
    ],
)
def test_folders_that_tell_no_format_are_refused(tmp_path, files, says):
    write(tmp_path, files)
    with pytest.raises(FormatError, match=says):
        guess_format(tmp_path)


def test_any_text_is_no_format(tmp_path):
    write(tmp_path, {"notes.txt": "hello\n"})
    with pytest.raises(FormatError, match=r"notes.txt is in no known format"):
        guess_format(tmp_path / "notes.txt")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FormatError, match=r"gone.json does not exist, expected an annotation file"):
        guess_format(tmp_path / "gone.json")


@pytest.mark.parametrize(
    ("name", "format"),
    {
        "a.json": "coco", "a.geojson": "geojson", "a.csv": "points-csv", "a.tsv": "points-csv",
        "a.xml": "voc", "a.TIF": "masks", "a.tiff": "masks", "a.png": "masks-png",
        "a.ome.zarr": "ome-zarr-labels", "a.txt": "yolo",
    }.items(),
)  # fmt: skip
def test_names_to_write(name, format):
    assert format_to_write(name) == format


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("out", r"out has no suffix that names a format, expected one of .*\.json \(coco\)"),
        ("x.docx", r"x.docx has the suffix .docx, which no format has, expected one of"),
    ],
)
def test_names_that_tell_nothing_to_write(name, says):
    with pytest.raises(FormatError, match=says):
        format_to_write(name)


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
