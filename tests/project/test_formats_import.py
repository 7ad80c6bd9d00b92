"""Import into, and export from, a real project."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from tests.project.formats_cases import assert_same, objects

from napari_inkling.core import (
    DISAGREEMENT,
    Boxes,
    FormatError,
    HintSet,
    PlaneRef,
    Points,
    Predictions,
    ProjectError,
)
from napari_inkling.project import Project
from napari_inkling.project.formats import export_annotations, import_annotations, read_annotations

CELLS, STACK = PlaneRef("cells"), PlaneRef("stack", (2,))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text(
        "image,plane,y,x,class,source\n"
        "cells.png,,1,2,RBC,model\n"
        "cells,,3,4,,human\n"
        "stack,2,5,6,WBC,\n"
        "stack,9,5,6,WBC,\n"
        "lost,,1,1,WBC,\n"
    )
    return path


def test_rows_become_hints_with_one_undo_step_per_plane(project, table):
    result = import_annotations(project, table, "points-csv")
    cells, stack = project.hints(CELLS).points, project.hints(STACK).points
    assert cells.coordinates.tolist() == [[1, 2], [3, 4]]
    assert cells.classes.tolist() == ["RBC", "cell"]
    assert cells.sources.tolist() == ["imported", "human"]  # a suggestion is no hint until somebody says so
    assert stack.coordinates.tolist() == [[5, 6]]
    assert [c.name for c in project.classes] == ["cell", "other", "RBC", "WBC"]
    assert {k: len(h) for k, h in result.hints.items()} == {"cells": 2, "stack[2]": 1}
    assert result.notices == (
        "skipped an image that is not known: lost",
        "skipped a row of a skipped image: points.csv line 6",
        "skipped a plane that the image has not: stack[9] (1 rows)",
    )
    assert (result.new_classes, result.suggestions) == ({"RBC": 1, "WBC": 1}, 1)
    assert project.can_undo == "import points.csv"
    project.undo()
    assert len(project.hints(STACK)) == 0
    assert len(project.hints(CELLS)) == 2


def test_what_a_model_says_of_its_suggestions_is_no_attribute_of_a_cell(project, tmp_path):
    rows = {DISAGREEMENT: [0.0, 0.7], "shape": ["round", "long"]}
    found = Predictions(Points([(1, 2), (3, 4)], sources="model", attributes=rows))
    path = export_annotations({CELLS: found}, tmp_path / "found.csv", "points-csv")
    import_annotations(project, path, "points-csv")
    kept = project.hints(CELLS).points.attributes
    assert {name: values.tolist() for name, values in kept.items()} == {"shape": ["round", "long"]}


@pytest.mark.parametrize("source", ["human", "imported", ""])
def test_an_attribute_of_that_name_is_a_persons_own(project, tmp_path, source):
    path = tmp_path / "points.csv"
    path.write_text(f'image,y,x,source,attributes\ncells,1,2,{source},"{{""{DISAGREEMENT}"": 2}}"\n')
    import_annotations(project, path, "points-csv")
    assert project.hints(CELLS).points.attributes[DISAGREEMENT].tolist() == [2]


def test_importing_again_adds_nothing(project, table):
    import_annotations(project, table, "points-csv")
    again = import_annotations(project, table, "points-csv")
    assert (len(again), again.new_classes, again.suggestions) == (0, {}, 0)
    assert len(project.hints(CELLS)) == 2
    assert "left out rows that 2 images have already: cells (2); stack[2] (1)" in again.notices


def test_suggestions_are_no_truth(project, table):
    with pytest.raises(FormatError, match=r"points.csv holds 1 cell that a model suggested: those"):
        import_annotations(project, table, "points-csv", as_truth=True)
    assert (project.planes_with_hints(), [c.name for c in project.classes]) == ((), ["cell", "other"])
    import_annotations(project, table, "points-csv", ["stack"], as_truth=True)  # there are none of them
    assert project.planes_with_hints() == (STACK,)


def test_only_some_images(project, table):
    result = import_annotations(project, table, "points-csv", ["stack.tif", "nowhere"])
    assert list(result.hints) == ["stack[2]"]
    assert len(project.hints(CELLS)) == 0
    assert "asked for an image that is not known: nowhere" in result.notices
    assert "left out an image that was not asked for: cells" in result.notices


def test_masks_go_to_the_first_class_or_the_named_one(project, tmp_path):
    image = np.zeros((20, 30), np.uint8)
    image[3:6, 4:9] = 1
    tifffile.imwrite(tmp_path / "cells.tif", image)
    import_annotations(project, tmp_path / "cells.tif", "masks", class_name="other")
    hints = project.hints(CELLS)
    assert hints.points.coordinates.tolist() == [[4, 6]]
    assert hints.boxes.coordinates.tolist() == [[2.5, 3.5, 5.5, 8.5]]
    assert hints.boxes.classes.tolist() == ["other"]
    assert np.array_equal(hints.masks.labels((20, 30)), image)
    assert len(import_annotations(project, tmp_path / "cells.tif", "masks", class_name="other")) == 0


def test_masks_that_come_later_join_their_cells(project, tmp_path):
    image = np.zeros((20, 30), np.uint8)
    image[3:6, 4:9], image[9, 9] = 1, 2
    tifffile.imwrite(tmp_path / "cells.tif", image)
    boxes = Boxes([(2.5, 3.5, 5.5, 8.5)], ids=[7], sources="human")
    project.edit(CELLS, HintSet(), HintSet(boxes=boxes), "mark")
    import_annotations(project, tmp_path / "cells.tif", "masks")
    hints = project.hints(CELLS)
    assert hints.boxes.ids.tolist()[0] == hints.points.ids.tolist()[0] == hints.masks.ids.tolist()[0] == 7
    assert len({i for rows in hints.kinds for i in rows.ids.tolist()}) == 2


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("image,y,x\ncells,1,2\ncells,1,b\n", FormatError, "line 3: x is 'b'"),
        ("image,y,x,class\ncells,1,2,a\ncells,5,6,\x07\n", ProjectError, "class name"),
    ],
)
def test_a_bad_file_changes_nothing(project, tmp_path, text, error, says):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(error, match=says):
        import_annotations(project, tmp_path / "bad.csv", "points-csv")
    assert project.planes_with_hints() == ()
    assert [c.name for c in project.classes] == ["cell", "other"]


def test_points_in_one_pixel_are_told(project, tmp_path):
    name = project.images[0].name
    rows = [(3, 4), (3.2, 4.4), (3, 5), (7, 7), (7, 7)]
    text = "image,y,x\n" + "".join(f"{name},{y},{x}\n" for y, x in rows)
    (tmp_path / "twice.csv").write_text(text)
    before = len(project.hints(PlaneRef(name)).points)
    result = import_annotations(project, tmp_path / "twice.csv", "points-csv")
    assert result.notices == (f"took points at a pixel that is marked already: {name} (2)",)
    assert len(project.hints(PlaneRef(name)).points) == before + 5


def test_an_unknown_format_is_named(project, tmp_path):
    with pytest.raises(FormatError, match="no format 'vgg', expected one of coco"):
        import_annotations(project, tmp_path, "vgg")


@pytest.mark.parametrize(("name", "file"), {"coco": "a.json", "points-csv": "a.csv", "voc": "a"}.items())
def test_from_project_to_project(project, folder, pictures, tmp_path, name, file):
    marked = HintSet(
        Points([(1, 2), (3, 4)], classes=objects("cell", "other"), sources=objects("human", "accepted")),
        Boxes([(1.25, 2.5, 9, 9)], classes="other", attributes={"shape": objects("round")}),
    )
    project.edit(CELLS, HintSet(), marked, "mark")
    project.edit(STACK, HintSet(), HintSet(marked.points), "mark")
    path = export_annotations(project, tmp_path / file, name)
    with Project.create(tmp_path / "other.inkling") as other:
        other.add_images([pictures])
        assert import_annotations(other, path, name).notices == ()
        assert_same(
            {r: other.hints(r) for r in other.planes_with_hints()},
            {r: project.hints(r) for r in project.planes_with_hints()},
        )


def test_export_takes_names_sizes_and_classes_from_the_project(project, tmp_path):
    items = {CELLS: Predictions(Points([(1, 2)], classes="other", sources="model"), radius=3)}
    path = export_annotations(project, tmp_path / "a.json", "coco", items=items)
    written = json.loads(path.read_text())
    assert [c["name"] for c in written["categories"]] == ["cell", "other"]
    (image,) = written["images"]
    assert (image["file_name"], image["height"], image["width"]) == ("cells.png", 20, 30)


def test_a_complete_image_without_cells_is_exported_too(project, tmp_path):
    project.update_image("cells", complete=True)
    path = export_annotations(project, tmp_path / "a.json", "coco")
    assert {k: len(h) for k, h in read_annotations(path).hints.items()} == {"cells": 0}


def test_export_of_some_images(project, tmp_path):
    for ref in (CELLS, STACK):
        project.edit(ref, HintSet(), HintSet(Points([(1, 2)])), "mark")
    path = export_annotations(project, tmp_path / "a.csv", "points-csv", images=["stack.tif"])
    assert list(read_annotations(path).hints) == ["stack[2]"]


def test_images_that_nobody_knows_are_not_left_out_in_silence(project, tmp_path):
    project.edit(CELLS, HintSet(), HintSet(Points([(1, 2)])), "mark")
    says = r"nothing to write of 'stak', 'stack', expected names of 'cells'"
    with pytest.raises(FormatError, match=says):
        export_annotations(project, tmp_path / "a.csv", "points-csv", images=["stak", "cells", "stack"])
    assert not (tmp_path / "a.csv").exists()
