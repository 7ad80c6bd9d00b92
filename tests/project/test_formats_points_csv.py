from __future__ import annotations

import numpy as np
import pytest
from tests.project.formats_cases import objects

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, FormatError, HintSet, Points
from napari_inkling.project.formats import export_annotations, read_annotations

IMAGES = {"cells_1": (100, 200), "cells_2": (100, 200)}


def read(tmp_path, text, name="cells_1.csv", images=IMAGES):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_annotations(path, "points-csv", images)


HEADERS = {
    "plain": "y,x\n1.5,2\n30,40\n",
    "turned round": "x,y\n2,1.5\n40,30\n",
    "napari": "index,axis-0,axis-1\n0.0,1.5,2.0\n1.0,30.0,40.0\n",
    "semicolons": "y;x\n1.5;2\n30;40\n",
    "decimal commas": "y;x\n1,5;2,0\n30,0;40\n",
    "tabs": "y\tx\n1.5\t2\n30\t40\n",
    "blanks": "y x\n1.5 2\n30 40\n",
    "pipes and capitals": " Y | X \n 1.5 | 2 \n 30 | 40 \n",
    "quotes, BOM, Windows lines": '\ufeff"y","x"\r\n"1.5","2"\r\n"30","40"\r\n',
    "comment and empty lines": "# from a microscope\n\ny,x\n1.5,2\n\n,\n30,40",
    "rows and columns": "row,col\n1.5,2\n30,40\n",
    "an image column": "image,y,x\ncells_1,1.5,2\ncells_1.png,30,40\n",
    "trailing commas": "y,x\n1.5,2,\n30,40,,\n",
}


@pytest.mark.parametrize("text", HEADERS.values(), ids=HEADERS.keys())
def test_tables_of_many_makes(tmp_path, text):
    result = read(tmp_path, text)
    points = result.hints["cells_1"].points
    assert points.coordinates.tolist() == [[1.5, 2], [30, 40]]
    assert (set(points.classes), set(points.sources), set(points.scores)) == ({"cell"}, {"imported"}, {1.0})
    assert result.notices == ()


def test_all_columns(tmp_path):
    text = (
        "y,x,class,source,score,id,image,plane,round,time,seconds,attributes\n"
        '1,2,RBC,human,0.5,12,cells_2,3 4,2,1.5,0.9,"{""shape"": ""round""}"\n'
        "3,4,background,,,,cells_2,3 4,,,,\n"
    )
    points = read(tmp_path, text).hints["cells_2[3,4]"].points
    assert points.classes.tolist() == ["RBC", BACKGROUND]
    assert points.sources.tolist() == ["human", "imported"]
    assert points.scores.tolist() == [0.5, 1]
    assert points.ids[0] == 12
    assert (points.rounds.tolist(), points.times.tolist(), points.seconds.tolist()) == (
        [2, 0],
        [1.5, 0],
        [0.9, 0],
    )
    assert points.attributes["shape"].tolist() == ["round", ""]


def test_leading_axes_of_napari_are_the_plane(tmp_path):
    hints = read(tmp_path, "index,axis-0,axis-1,axis-2,axis-3\n0,3.0,12.0,5.5,6\n").hints
    assert {k: h.points.coordinates.tolist() for k, h in hints.items()} == {"cells_1[3,12]": [[5.5, 6]]}


@pytest.mark.parametrize(
    ("name", "images", "expected"),
    [
        ("cells_2.csv", IMAGES, "cells_2"),
        ("cells_2_points.csv", IMAGES, "cells_2"),
        ("anything.csv", {"only": (100, 200)}, "only"),
        ("anything.tsv", None, "anything"),
    ],
)
def test_which_image_a_table_is_for(tmp_path, name, images, expected):
    assert list(read(tmp_path, "y,x\n1,2\n", name, images).hints) == [expected]


def test_a_folder_has_a_table_per_image(tmp_path):
    for name in ("cells_1.csv", "cells_2_centroids.csv", "notes.csv"):
        (tmp_path / name).write_text("y,x\n1,2\n")
    result = read_annotations(tmp_path, "points-csv", IMAGES)
    assert {k: len(h) for k, h in result.hints.items()} == {"cells_1": 1, "cells_2": 1}
    assert result.notices == (
        "skipped an image that is not known: notes.csv",
        "skipped a row of a skipped image: notes.csv line 2",
    )


def test_notices(tmp_path):
    text = (
        "y,x,id,image,area,note\n"
        "1,2,7,cells_1,3,\n"
        "3,4,7,cells_1,3,\n"
        "-3,4,,cells_1,3,\n"
        "3,200,,cells_1,3,\n"
        "1,1,,lost,3,\n"
        "1,1,,lost,3,\n"
    )
    result = read(tmp_path, text)
    points = result.hints["cells_1"].points
    assert points.coordinates.tolist() == [[1, 2], [3, 4]]
    assert points.ids[0] == 7
    assert points.ids[1] != 7
    assert result.notices == (
        "ignored the columns of a table: cells_1.csv: area, note",
        "a row repeats the id of another, it got a new one: cells_1.csv line 3 (id 7)",
        "skipped 2 points outside the image: cells_1.csv line 4; cells_1.csv line 5",
        "skipped an image that is not known: lost",
        "skipped 2 rows of skipped images: cells_1.csv line 6; cells_1.csv line 7",
    )


BAD = {
    "empty": ("", r"cells_1\.csv, line 1: the header is '', expected columns 'y' and 'x'"),
    "no header": ("1,2\n3,4\n", r"line 1: the header is '1,2', expected columns 'y' and 'x'"),
    "no x": ("y,z\n1,2\n", r"the header is 'y,z', expected"),
    "no number": ("y,x\n1,2\nabc,4\n", r"line 3: y is 'abc', expected a number"),
    "empty y": ("y,x\n,4\n", r"line 2: y is '', expected a number"),
    "not finite": ("y,x\nnan,4\n", r"line 2: coordinates \[nan, 4\.0\] are not finite"),
    "short row": ("y,x,class\n1,2,a\n3\n", r"line 3: has 1 fields, expected 3 as in the header"),
    "long row": ("y,x\n1,2,3\n", r"line 2: has 3 fields, expected 2"),
    "open quote": ('y,x\n1,"2\n', r"line 2: unexpected end of data, expected a row of a table"),
    "score": ("y,x,score\n1,2,high\n", r"line 2: score is 'high', expected a number"),
    "id": ("y,x,id\n1,2,1.5\n", r"line 2: id is '1.5', expected a whole number"),
    "giant id": ("y,x,id\n1,2,99999999999999999999\n", r"line 2: the id 99999999999999999999 is too large"),
    "endless": ("y,x,seconds\n1,2,inf\n", r"line 2: score, time or seconds is not finite"),
    "plane": ("y,x,plane\n1,2,top\n", r"line 2: plane is 'top', expected whole numbers"),
    "attributes": ("y,x,attributes\n1,2,round\n", r"line 2: attributes is 'round', expected a JSON object"),
    "kind": ("y,x,kind\n1,2,blob\n", r"line 2: kind is 'blob', expected point, box, mask"),
    "no UTF-8": (b"y,x\n1,2\n\xff\xfe,3\n", r"line 3: not UTF-8 text"),
}


@pytest.mark.parametrize(("text", "says"), BAD.values(), ids=BAD.keys())
def test_malformed_tables_are_refused_with_file_and_line(tmp_path, text, says):
    with pytest.raises(FormatError, match=says):
        read(tmp_path, text)


def test_a_table_for_no_image_is_refused(tmp_path):
    with pytest.raises(
        FormatError, match=r"other.csv has no column 'image' and is named like none of the 2 images"
    ):
        read(tmp_path, "y,x\n1,2\n", "other.csv")


BOXES = """image,xmin,ymin,xmax,ymax,label
cells_1.jpg,10,20,30,60,rbc
cells_1.jpg,50.5,7,50.5,7,point-rbc
cells_1.jpg,60,8,64,10,Point-ep
cells_1.jpg,60,8,64.5,10,point-ep
cells_1.jpg,1,2,90,95,missedlabel
cells_2.jpg,10,20,10,60,pus
cells_2.jpg,150,20,250,60,pus
cells_2.jpg,300,20,310,60,pus
cells_1.jpg,10,20,30,60,rbc
cells_1.jpg,10,20,30,60,ep
"""


def test_a_table_of_boxes_with_points_among_them(tmp_path):
    result = read(tmp_path, BOXES, "train.csv")
    one, two = (result.hints[name] for name in IMAGES)
    # Edges count from the corner of the image, half a pixel before the first pixel's centre.
    assert [(n, *box) for n, box in zip(one.boxes.classes, one.boxes.coordinates.tolist(), strict=True)] == [
        ("rbc", 19.5, 9.5, 59.5, 29.5),
        ("point-ep", 7.5, 59.5, 9.5, 64),  # longer than 4 pixels
        (IGNORE, 1.5, 0.5, 94.5, 89.5),
        ("ep", 19.5, 9.5, 59.5, 29.5),
    ]
    assert one.points.classes.tolist() == ["rbc", "ep"]
    assert one.points.coordinates.tolist() == [[6.5, 50], [8.5, 61.5]]
    assert two.boxes.coordinates.tolist() == [[19.5, 149.5, 59.5, 249.5]]
    assert result.notices == (
        "took 2 boxes of at most 4 pixels as points, as their labels point-… say: train.csv line 3; "
        "train.csv line 4",
        "took a box labelled 'missedlabel' as one to ignore: neither a cell nor background: train.csv line 6",
        "skipped a box without area: train.csv line 7",
        "a box reaches beyond the image, it was kept as it is: train.csv line 8",
        "skipped a box outside the image: train.csv line 9",
        "left out a box that repeats another of its class: train.csv line 10",
    )


@pytest.mark.parametrize(
    "text",
    [
        "filename;left;top;right;bottom;class\ncells_1;10;20;30;60;rbc\n",
        "x-min\ty min\tX_MAX\tymax\tcategory\n10\t20\t30\t60\trbc\n",
    ],
)
def test_tables_of_boxes_of_many_makes(tmp_path, text):
    boxes = read(tmp_path, text).hints["cells_1"].boxes
    assert (boxes.coordinates.tolist(), boxes.classes.tolist()) == ([[19.5, 9.5, 59.5, 29.5]], ["rbc"])


def test_point_and_box_of_one_cell_are_one_row(tmp_path):
    hints = HintSet(
        Points([(2, 3), (9, 9), (5, 7)], classes=objects("a", BACKGROUND, "b"), ids=[1, 2, 3]),
        Boxes([(0, 0, 4, 6), (4, 6, 6, 8)], classes=objects("a", "b"), ids=[1, 3]),
    )
    path = export_annotations({"cells_1": hints}, tmp_path / "a.csv", "points-csv")
    lines = path.read_text().splitlines()
    assert lines[0].endswith("attributes,kind,y0,x0,y1,x1")
    assert [line.split(",")[12] for line in lines[1:]] == ["point+box", "point", "point+box"]
    back = read_annotations(path, "points-csv", IMAGES).hints["cells_1"]
    assert back.points.equals(hints.points)
    assert back.boxes.equals(hints.boxes)


def test_points_alone_need_no_columns_for_boxes(tmp_path):
    points = Points([(1.25, 2)], ids=[5], scores=np.array([np.nan]))
    path = export_annotations({"a": HintSet(points)}, tmp_path, "points-csv")
    assert path == tmp_path / "annotations.csv"
    assert path.read_text() == (
        "y,x,class,source,score,id,image,plane,round,time,seconds,attributes\n"
        "1.25,2.0,cell,human,nan,5,a,,0,0.0,0.0,\n"
    )


def test_tab_separated_where_the_name_says_so(tmp_path):
    path = export_annotations({"a": HintSet(Points([(1, 2)]))}, tmp_path / "a.tsv", "points-csv")
    assert path.read_text().startswith("y\tx\tclass")
    assert len(read_annotations(path, "points-csv")) == 1
