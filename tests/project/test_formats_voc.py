from __future__ import annotations

from pathlib import Path

import pytest

from napari_inkling.core import IGNORE, Boxes, FormatError, HintSet
from napari_inkling.project.formats import export_annotations, read_annotations
from napari_inkling.project.formats.counting import count_by_class

IMAGES = {"cells_1": (100, 200)}


def document(*objects: str, filename: str = "cells_1.jpg", size: str = "") -> str:
    return f"<annotation>\n<filename>{filename}</filename>{size}\n" + "\n".join(objects) + "\n</annotation>"


def thing(x0, y0, x1, y1, name="RBC", more=""):
    box = f"<xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
    return f"<object><name>{name}</name>{more}<bndbox>{box}</bndbox></object>"


def read(tmp_path: Path, text: str | bytes, name: str = "cells_1.xml", images=IMAGES):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_annotations(path, "voc", images)


def test_a_box_between_corners_becomes_one_between_pixel_edges(tmp_path):
    hints = read(tmp_path, document(thing(10, 20, 30, 60))).hints["cells_1"]
    assert hints.boxes.coordinates.tolist() == [[19.5, 9.5, 59.5, 29.5]]
    assert (hints.boxes.classes[0], hints.boxes.sources[0], hints.boxes.scores[0]) == ("RBC", "imported", 1)
    assert len(hints.points) == 0


def test_flags_and_attributes_are_kept(tmp_path):
    cvat = "<attributes><attribute><name>shape</name><value>round</value></attribute></attributes>"
    flags = "<truncated>1</truncated><difficult>0</difficult>"
    boxes = (
        read(tmp_path, document(thing(1, 1, 9, 9, more=flags + cvat), thing(1, 1, 8, 8)))
        .hints["cells_1"]
        .boxes
    )
    assert {k: v.tolist() for k, v in boxes.attributes.items()} == {
        "truncated": ["1", ""],
        "shape": ["round", ""],
    }


def test_only_what_is_called_ignore_is_left_to_ignore(tmp_path):
    flag = "<difficult>1</difficult>"
    boxes = read(tmp_path, document(thing(1, 1, 9, 9, "ignore", flag), thing(1, 1, 8, 8, more=flag)))
    boxes = boxes.hints["cells_1"].boxes
    assert boxes.classes.tolist() == [IGNORE, "RBC"]
    assert boxes.attributes["difficult"].tolist() == ["1", "1"]


def test_what_is_ignored_is_difficult_to_other_programs(tmp_path):
    boxes = Boxes([(0, 0, 5, 5), (0, 0, 9, 9)], classes=["RBC", IGNORE])
    text = export_annotations({"a": HintSet(boxes=boxes)}, tmp_path / "a.xml", "voc").read_text()
    assert [f"<difficult>{i}</difficult>" in part for i, part in enumerate(text.split("<object>")[1:])] == [
        True, True
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "filename"),
    [
        ("cells_1.xml", "cells_1.jpg"),
        ("cells_1.xml", "old_name.jpg"),
        ("001.xml", "cells_1"),
        ("001.xml", "C:\\data\\cells_1.tif"),
        ("CELLS_1.xml", ""),
    ],
)
def test_images_are_found_by_name_and_stem(tmp_path, name, filename):
    result = read(tmp_path, document(thing(1, 1, 9, 9), filename=filename), name)
    assert list(result.hints) == ["cells_1"]
    assert result.notices == ()


SKIPPED = {
    "no width": (thing(10, 20, 10, 60), "skipped a box without area: cells_1.xml line 3"),
    "turned round": (thing(30, 20, 10, 60), "skipped a box without area: cells_1.xml line 3"),
    "outside": (thing(300, 20, 400, 60), "skipped a box outside the image: cells_1.xml line 3"),
    "touching from outside": (thing(200, 20, 220, 60), "skipped a box outside the image"),
    "twice": (thing(1, 1, 9, 9), "left out a box that repeats another of its class: cells_1.xml line 4"),
}


@pytest.mark.parametrize(("bad", "says"), SKIPPED.values(), ids=SKIPPED.keys())
def test_useless_boxes_are_named_and_the_others_taken(tmp_path, bad, says):
    result = read(tmp_path, document(bad, thing(1, 1, 9, 9)))
    assert len(result.hints["cells_1"].boxes) == 1
    assert len(result.notices) == 1
    assert result.notices[0].startswith(says)


def test_a_box_over_the_edge_is_kept_and_named(tmp_path):
    result = read(tmp_path, document(thing(150, 20, 250, 60)))
    assert result.hints["cells_1"].boxes.coordinates.tolist() == [[19.5, 149.5, 59.5, 249.5]]
    assert result.notices == ("a box reaches beyond the image, it was kept as it is: cells_1.xml line 3",)


def test_a_box_larger_than_the_image_is_kept_and_named(tmp_path):
    result = read(tmp_path, document(thing(-10, -10, 300, 200), thing(-10, -10, 300, 200, "WBC")))
    assert result.hints["cells_1"].boxes.coordinates.tolist() == [[-10.5, -10.5, 199.5, 299.5]] * 2
    assert result.notices == (
        "2 boxes reach beyond the image, they were kept as they are: cells_1.xml line 3; cells_1.xml line 4",
    )


def test_the_whole_image_is_not_over_the_edge(tmp_path):
    assert read(tmp_path, document(thing(0, 0, 200, 100))).notices == ()


def test_many_are_counted_and_some_named(tmp_path):
    result = read(tmp_path, document(*[thing(5, 5, 5, 5)] * 8))
    assert result.notices[0].startswith("skipped 8 boxes without area: cells_1.xml line 3; ")
    assert result.notices[0].endswith("line 7 and 3 more")


def test_unknown_images_and_other_sizes_are_named(tmp_path):
    (tmp_path / "other.xml").write_text(document(thing(1, 1, 9, 9), filename="other.png"))
    size = "<size><width>400</width><height>200</height><depth>3</depth></size>"
    (tmp_path / "cells_1.xml").write_text(document(thing(1, 1, 9, 9), size=size))
    result = read_annotations(tmp_path, "voc", IMAGES)
    assert list(result.hints) == ["cells_1"]
    assert result.notices == (
        "the annotations of an image were made at another size, check their places: "
        "cells_1.xml says 400 × 200, cells_1 has 200 × 100",
        "skipped an image that is not known: other",
    )


def test_a_file_without_objects_is_an_empty_image(tmp_path):
    assert len(read(tmp_path, document()).hints["cells_1"]) == 0


BOMB = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]>\n' + document(thing(1, 1, 9, 9, name="&c;"))
BAD = {
    "cut off": (document(thing(1, 1, 9, 9))[:-20], r"cells_1.xml, line 3: not XML .*expected <annotation>"),
    "empty": ("", r"cells_1.xml, line 1: not XML"),
    "no XML": ("y,x\n1,2", r"line 1: not XML"),
    "another root": ("<html></html>", r"line 1: starts with <html>, expected <annotation>"),
    "no box": (document("<object><name>RBC</name></object>"), r"line 3: <object> has no <bndbox>"),
    "no side": (
        document("<object>\n<bndbox><xmin>1</xmin></bndbox></object>"),
        r"line 4: <bndbox> has no <ymin>",
    ),
    "no number": (document(thing(1, "abc", 9, 9)), r"line 3: <ymin> is 'abc', expected a number"),
    "not finite": (document(thing(1, "inf", 9, 9)), r"<ymin> is 'inf', expected a number"),
    "entity bomb": (BOMB, r"line 1: has a document type \(<!DOCTYPE …>\), which is refused"),
    "external entity": (
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">' + document(),
        r"has a document type",
    ),
    "not UTF-8": (b'<?xml version="1.0" encoding="utf-8"?><annotation>\xff</annotation>', r"line 1: not XML"),
    "unknown encoding": (b'<?xml version="1.0" encoding="nope"?><annotation/>', r"line 1: not XML"),
    "own columns damaged": (
        document(thing(1, 1, 9, 9, more="<inkling>{</inkling>")),
        r"line 3: <inkling> holds no JSON",
    ),
    "own columns wrong": (
        document(thing(1, 1, 9, 9, more='<inkling>{"round": "x"}</inkling>')),
        r"line 3: the columns under 'inkling' are damaged",
    ),
}


@pytest.mark.parametrize(("text", "says"), BAD.values(), ids=BAD.keys())
def test_malformed_files_are_refused_with_file_and_line(tmp_path, text, says):
    with pytest.raises(FormatError, match=says):
        read(tmp_path, text)


def test_a_folder_without_xml_is_named(tmp_path):
    with pytest.raises(FormatError, match=r"holds no \.xml file, expected Pascal VOC files"):
        read_annotations(tmp_path, "voc", IMAGES)


def test_other_programs_find_whole_pixels(tmp_path):
    boxes = Boxes([(1.7, 2.2, 9.6, 8.1), (3.1, 3.1, 3.2, 3.2)])
    path = export_annotations({"cells_1": HintSet(boxes=boxes)}, tmp_path / "a.xml", "voc", shapes=IMAGES)
    text = path.read_text()
    assert text.count("<xmin>3</xmin>") == 1
    assert "<xmin>4</xmin>\n      <ymin>4</ymin>\n      <xmax>5</xmax>\n      <ymax>5</ymax>" in text
    assert "<width>200</width>" in text
    assert "<filename>cells_1</filename>" in text


def test_a_box_that_another_program_moved_is_where_it_was_moved_to(tmp_path):
    hints = HintSet(boxes=Boxes([(1.7, 2.2, 9.6, 8.1)], ids=[77], sources="accepted"))
    path = export_annotations({"cells_1": hints}, tmp_path / "a.xml", "voc")
    path.write_text(path.read_text().replace("<xmin>3</xmin>", "<xmin>2</xmin>"))
    boxes = read_annotations(path, "voc", IMAGES).hints["cells_1"].boxes
    assert boxes.coordinates.tolist() == [[1.5, 1.5, 9.5, 8.5]]
    assert (boxes.ids[0], boxes.sources[0]) == (77, "accepted")


def test_bccd_with_its_two_boxes_of_no_size(data):
    folder = data / "bccd"
    if not folder.is_dir():
        pytest.skip(f"no blood smears: {folder} is not there")
    images = {p.stem: (480, 640) for p in (folder / "JPEGImages").iterdir()}
    result = read_annotations(folder, "voc", images)
    assert len(result.hints) == 292
    assert len(result) == 3943 - 2
    assert sorted(count_by_class(result.hints.values())) == ["Platelets", "RBC", "WBC"]
    assert len(result.notices) == 1
    assert result.notices[0].startswith("skipped 2 boxes without area: BloodImage_00338.xml line ")
    assert "BloodImage_00343.xml" in result.notices[0]
