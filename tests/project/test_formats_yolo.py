"""YOLO: what other programs see, and what of theirs we take."""

from __future__ import annotations

import numpy as np
import pytest
from tests.project.formats_cases import objects

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, FormatError, HintSet, Masks, Points
from napari_inkling.project.formats import export_annotations, read_annotations
from napari_inkling.project.formats.yolo_names import class_names

#: Height and width.
IMAGES = {"cells_1": (100, 200), "cells_2": (100, 200)}
BOX = "1 0.1 0.4 0.1 0.2\n"  # x from 10 to 30, y from 30 to 50, from the image's corner


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def read(path, images=IMAGES):
    return read_annotations(path, "yolo", images)


# -- written


def test_a_line_per_box_and_the_classes_beside(tmp_path):
    hints = HintSet(
        Points([(3, 3)], classes=BACKGROUND),
        Boxes(
            [(29.5, 9.5, 49.5, 29.5), (0, 0, 9, 9), (29.5, 9.5, 49.5, 29.5)],
            classes=objects("WBC", IGNORE, "RBC"),
            sources=objects("human", "human", "model"),
            scores=[1, 1, 0.75],
        ),
        Masks.from_crops([(0, 0)], [[[1, 1], [0, 1]]], classes="RBC"),
    )
    path = export_annotations({"a": hints}, tmp_path / "out", "yolo", shapes={"a": (100, 200)})
    assert (path / "classes.txt").read_text() == "RBC\nWBC\n"
    assert (path / "a.txt").read_text().splitlines() == [
        "1 0.10000000 0.40000000 0.10000000 0.20000000",
        "0 0.10000000 0.40000000 0.10000000 0.20000000 0.75",
        "0 0.00500000 0.01000000 0.01000000 0.02000000",
    ]


def test_classes_keep_the_numbers_of_a_list_that_is_there(tmp_path):
    write(tmp_path, {"classes.txt": "WBC\nPlatelet\n"})
    boxes = Boxes([(0, 0, 9, 9)] * 2, classes=objects("RBC", "WBC"))
    export_annotations({"a": HintSet(boxes=boxes)}, tmp_path / "a.txt", "yolo", shapes={"a": (50, 50)})
    assert (tmp_path / "classes.txt").read_text() == "WBC\nPlatelet\nRBC\n"
    assert [line[0] for line in (tmp_path / "a.txt").read_text().splitlines()] == ["2", "0"]


def test_an_image_called_like_a_list_is_refused(tmp_path):
    hints = {"train": HintSet(boxes=Boxes([(0, 0, 9, 9)]))}
    with pytest.raises(FormatError, match=r"train\.txt is a list of YOLO's, expected another name"):
        export_annotations(hints, tmp_path / "x", "yolo", shapes={"train": (50, 50)})


# -- read


def test_boxes_and_polygons(tmp_path):
    text = (
        BOX + "\n0 .1 .4 .1 .2 0.25\n"
        "1 0.06 0.3 0.15 0.3 0.15 0.5 0.06 0.5\n"  # a rectangle
        "0 0 0 0.02 0 0 0.04\n"  # a triangle, six pixels
    )
    write(tmp_path, {"cells_1.txt": text, "cells_2.txt": "", "classes.txt": "RBC\nWBC\n"})
    result = read(tmp_path)
    hints = result.hints["cells_1"]
    expected = [(29.5, 9.5, 49.5, 29.5)] * 2 + [(29.5, 11.5, 49.5, 29.5), (-0.5, -0.5, 2.5, 2.5)]
    np.testing.assert_allclose(hints.boxes.coordinates, expected)
    assert hints.boxes.classes.tolist() == ["WBC", "RBC", "WBC", "RBC"]
    assert hints.boxes.scores.tolist() == [1, 0.25, 1, 1]
    assert (len(hints.masks), len(hints.points), hints.masks.classes[0]) == (1, 1, "RBC")
    assert len(result.hints["cells_2"]) == 0
    assert result.notices == ()


LAYOUTS = {
    "beside": {"cells_1.txt": BOX, "classes.txt": "RBC\nWBC"},
    "darknet": {"obj.names": "RBC\n\nWBC\n", "obj_train_data/cells_1.txt": BOX, "train.txt": "a.png\n"},
    "ultralytics": {
        "data.yaml": "path: .\nnames:\n  0: RBC\n  1: WBC  # white\nnc: 2\n",
        "labels/train/cells_1.txt": BOX, "labels/val/cells_2.txt": BOX,
    },
    "roboflow": {"data.yaml": "nc: 2\nnames: ['RBC', 'WBC']\n", "train/labels/cells_1.txt": BOX},
}  # fmt: skip


@pytest.mark.parametrize("files", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_folders_of_many_makes(tmp_path, files):
    result = read(write(tmp_path, files))
    assert result.hints["cells_1"].boxes.classes.tolist() == ["WBC"]
    assert result.notices == ()
    below = next(tmp_path / name for name in files if name.endswith("cells_1.txt"))
    for path in (below, below.parent):  # the names are found above, too
        assert read(path).hints["cells_1"].boxes.classes.tolist() == ["WBC"]


@pytest.mark.parametrize(
    ("yaml", "names"),
    [
        ("names: [a, b c]\n", {0: "a", 1: "b c"}),
        ("train: x\nnames: ['a, b', \"c\"]  # two\n", {0: "a, b", 1: "c"}),
        ("names: [\n  'a',\n  b,\n]\nnc: 2\n", {0: "a", 1: "b"}),
        ("names:\n- a\n- 'it''s'\nnc: 2\n", {0: "a", 1: "it's"}),
        ("names:\n  - a\n\n  # none\n  - b\n", {0: "a", 1: "b"}),
        ('names: # by number\n  1: a\n  3: "b c"\n', {1: "a", 3: "b c"}),
        ("names: {0: a, 2: b}\n", {0: "a", 2: "b"}),
        ("nc: 3\n", {}),
        ("names:\nnc: 3\n", {}),
    ],
)
def test_names_in_yaml(tmp_path, yaml, names):
    assert class_names(write(tmp_path, {"data.yaml": yaml})) == names


def test_classes_without_names_are_called_by_their_numbers(tmp_path):
    result = read(write(tmp_path, {"cells_1.txt": BOX + "1 0.2 0.4 0.1 0.2\n7 0.2 0.4 0.1 0.2\n"}))
    assert result.hints["cells_1"].boxes.classes.tolist() == ["1", "1", "7"]
    assert result.notices == (
        "the class 1 has no name, its number was taken for 2 boxes: cells_1.txt; cells_1.txt",
        "the class 7 has no name, its number was taken: cells_1.txt",
    )


NOTICES = {
    "no area": ("1 0.1 0.4 0 0.2", "skipped a box without area: cells_1.txt line 2"),
    "negative": ("1 0.1 0.4 -0.1 0.2", "skipped a box without area: cells_1.txt line 2"),
    "outside": ("1 1.4 0.4 0.1 0.2", "skipped a box outside the image: cells_1.txt line 2"),
    "over the edge": (
        "1 0.1 0.5 0.1 1.2", "a box reaches beyond the image, it was kept as it is: cells_1.txt line 2"),
    "twice": (BOX, "left out a box that repeats another of its class: cells_1.txt line 2"),
    "no pixel": (
        "1 0.0101 0.0201 0.0102 0.0201 0.0102 0.0203",
        "skipped a polygon in which no pixel's centre lies, or outside the image: cells_1.txt line 2"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "says"), NOTICES.values(), ids=NOTICES.keys())
def test_notices(tmp_path, line, says):
    write(tmp_path, {"cells_1.txt": BOX + line, "classes.txt": "RBC\nWBC\n"})
    result = read(tmp_path)
    assert result.notices == (says,)
    assert len(result.hints["cells_1"].boxes) == 1 + ("beyond" in says)


BAD = {
    "words": "RBC 0.1 0.4 0.1 0.2",
    "too few": "1 0.1 0.4 0.1",
    "a keypoint": "1 0.1 0.4 0.1 0.2 0.5 0.5 2",
    "a class below 0": "-1 0.1 0.4 0.1 0.2",
    "not finite": "1 0.1 0.4 0.1 nan",
}


@pytest.mark.parametrize("line", BAD.values(), ids=BAD.keys())
def test_malformed_lines_are_refused_with_file_and_line(tmp_path, line):
    write(tmp_path, {"cells_1.txt": f"{BOX}{line}\n"})
    with pytest.raises(FormatError, match=r"cells_1\.txt, line 2: '.*' is no box of YOLO's, expected"):
        read(tmp_path)


def test_sizes_must_be_known(tmp_path):
    write(tmp_path, {"cells_1.txt": BOX})
    with pytest.raises(FormatError, match=r"the size of the image 'cells_1' is not known, and boxes"):
        read(tmp_path, None)


def test_a_folder_without_labels_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"holds no \.txt file with boxes"):
        read(write(tmp_path, {"classes.txt": "a\n"}))


# -- there and back


def changed(tmp_path, change):
    """Export three boxes, one with a point, and a point; change the lines, and read all again."""
    ids = [1, 2, 3]
    hints = HintSet(
        Points([(40, 20), (90, 90)], ids=[2, 9], classes=objects("WBC", "RBC")),
        Boxes([(0, 0, 9, 9), (29.3, 9.3, 49.3, 29.3), (60, 60, 70, 80)], ids=ids,
              classes=objects("RBC", "WBC", "RBC")),
    )  # fmt: skip
    path = export_annotations({"cells_1": hints}, tmp_path / "out", "yolo", shapes=IMAGES)
    file = path / "cells_1.txt"
    file.write_text("\n".join(change(file.read_text().splitlines())))
    result = read(path)
    told = [notice.partition(": ")[2] for notice in result.notices]
    return result.hints["cells_1"], told


@pytest.mark.parametrize(
    ("change", "boxes", "points", "told"),
    [
        (lambda lines: lines, [1, 2, 3], [2, 9], []),
        (lambda lines: lines[::-1], [1, 2, 3], [2, 9], []),
        (lambda lines: lines[1:], [2, 3], [2, 9],
         ["cells_1.txt (0 boxes new or changed, 1 gone or changed)"]),
        (lambda lines: [*lines, "0 0.5 0.5 0.1 0.1"], [1, 2, 3, 0], [2, 9],
         ["cells_1.txt (1 boxes new or changed, 0 gone or changed)"]),
        (lambda lines: [lines[0], "0" + lines[1][1:], lines[2]], [1, 3, 0], [9],
         ["cells_1.txt (1 boxes new or changed, 1 gone or changed)"]),
        (lambda lines: [lines[0], lines[1] + "1", lines[2]], [1, 2, 3], [2, 9], []),
        (lambda lines: [" ".join(f[:8] for f in line.split()) for line in lines], [1, 2, 3], [2, 9], []),
    ],
)  # fmt: skip
def test_what_another_program_changed_is_taken(tmp_path, change, boxes, points, told):
    hints, notices = changed(tmp_path, change)
    assert [i if i < 10 else 0 for i in hints.boxes.ids.tolist()] == boxes
    assert hints.points.ids.tolist() == points
    assert notices == told
