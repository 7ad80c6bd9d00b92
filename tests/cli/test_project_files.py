"""`inkling new`, `import`, `export` and `weaken`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_inkling.core import IGNORE, Boxes, HintSet, Masks, PlaneRef, Points
from napari_inkling.evaluation import weaken_images
from napari_inkling.project import Project
from napari_inkling.project.formats import FORMATS
from tests.cli.driving import CELLS, Inkling, boxed_cells, make_project, write_images

CSV = "y,x,class,image\n1,2,cell,a\n3,4,cell,a\n5,6,cell,b\n7,8,background,b\n"


def hints(folder: str, name: str) -> HintSet:
    with Project.open(folder, read_only=True) as project:
        return project.hints(PlaneRef(name))


def test_new_makes_a_project(inkling: Inkling, here: Path) -> None:
    write_images(here / "images", "b", "a")
    (c,) = write_images(here / "more", "c")
    ended = inkling("new", "p.inkling", c, "images", "--classes", "RBC, WBC")
    assert (ended.code, ended.out, ended.err) == (0, "p.inkling: 3 images, classes RBC, WBC\n", "")
    with Project.open(here / "p.inkling") as project:
        assert [r.name for r in project.images] == ["c", "a", "b"]
        assert [c.name for c in project.classes] == ["RBC", "WBC"]


def test_new_in_json(inkling: Inkling, here: Path) -> None:
    write_images(here / "images", "a")
    assert inkling("new", "p", "images", "--json").json == {
        "project": str(here / "p"), "images": ["a"], "classes": ["cell"],
    }  # fmt: skip


def test_new_makes_nothing_if_an_image_is_bad_and_names_all_bad_ones(inkling: Inkling, here: Path) -> None:
    write_images(here / "images", "a")
    (here / "images" / "b.tif").write_bytes(b"")
    said = inkling.refuses("new", "p", "images", "gone.png")
    assert "b.tif is empty: the file has 0 bytes; gone.png is missing" in said
    assert not (here / "p").exists()


def test_import_adds_hints(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": HintSet(), "b": HintSet()})
    (here / "clicks.csv").write_text(CSV)
    ended = inkling("import", "p", "clicks.csv", "--format", "points-csv")
    assert (ended.code, ended.out) == (
        0,
        "p: 3 cells (3 points), 1 mark of background on 2 images imported\n",
    )
    assert hints("p", "a").points.coordinates.tolist() == [[1, 2], [3, 4]]
    assert hints("p", "b").points.classes.tolist() == ["cell", "background"]
    assert set(hints("p", "b").points.sources) == {"imported"}


def test_import_takes_the_images_of_a_list_only(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": HintSet(), "b": HintSet()})
    (here / "clicks.csv").write_text(CSV)
    (here / "val.txt").write_text("# held out\n\n  b\nc\n")
    command = ["import", "p", "clicks.csv", "--format", "points-csv", "--split-file", "val.txt", "--json"]
    ended = inkling(*command)
    assert {k: v for k, v in ended.json.items() if k != "notices"} == {
        "format": "points-csv", "new_classes": {}, "suggestions": 0,
        "images": ["b"], "cells": 1, "points": 1, "boxes": 0, "masks": 0, "background": 1, "ignored": 0,
    }  # fmt: skip
    assert "left out an image that was not asked for: a" in ended.err
    assert "asked for an image that is not known: c" in ended.err
    assert len(hints("p", "a")) == 0


def test_import_of_other_images_is_an_error(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"c": HintSet()})
    (here / "clicks.csv").write_text(CSV)
    said = inkling.refuses("import", "p", "clicks.csv")
    assert said.startswith("nothing of clicks.csv was imported: ") and "not known: a; b" in said
    assert not len(hints("p", "c"))


@pytest.mark.parametrize("content", ["", "# nothing\n"])
def test_import_refuses_an_empty_list(inkling: Inkling, here: Path, content: str) -> None:
    make_project(here / "p", {"a": HintSet()})
    (here / "clicks.csv").write_text(CSV)
    (here / "list.txt").write_text(content)
    command = ["import", "p", "clicks.csv", "--format", "points-csv", "--split-file", "list.txt"]
    assert "the list list.txt is empty" in inkling.refuses(*command)


def test_import_can_mark_images_complete(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": HintSet(), "b": HintSet()})
    masks = np.zeros((40, 60), np.uint8)
    masks[5:9, 5:9], masks[20:24, 30:36] = 1, 2
    tifffile.imwrite(here / "a_mask.tif", masks)
    ended = inkling("import", "p", "a_mask.tif", "--format", "masks", "--complete")
    assert ended.out == "p: 2 cells (2 points, 2 boxes, 2 masks) on 1 image imported\n"
    with Project.open(here / "p") as project:
        assert [r.complete for r in project.images] == [True, False]
    assert hints("p", "a").boxes.coordinates.tolist() == [[4.5, 4.5, 8.5, 8.5], [19.5, 29.5, 23.5, 35.5]]
    assert np.array_equal(hints("p", "a").masks.labels((40, 60)), masks)


def test_import_refuses_a_project_that_another_process_writes_to(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": HintSet()})
    (here / "clicks.csv").write_text(CSV)
    with Project.open(here / "p"):
        inkling.refuses("import", "p", "clicks.csv", "--format", "points-csv")


SUGGESTED = "y,x,class,image,source\n1,2,cell,a,model\n3,4,WBC,a,model\n5,6,WBC,b,human\n7,8,cell,b,human\n"


def test_import_says_which_classes_are_new_and_what_a_model_suggested(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": HintSet(), "b": HintSet()})
    (here / "found.csv").write_text(SUGGESTED)
    ended = inkling("import", "p", "found.csv", "--json")
    assert (ended.json["new_classes"], ended.json["suggestions"]) == ({"WBC": 2}, 2)
    assert ended.err.splitlines() == [
        "inkling: the project did not have these classes, they were added: WBC (2 cells)",
        "inkling: a model suggested 2 cells of these, and nobody has checked them: they count as hints now",
    ]


def test_suggestions_never_become_truth(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": HintSet(), "b": HintSet()})
    (here / "found.csv").write_text(SUGGESTED)
    said = inkling.refuses("import", "p", "found.csv", "--complete")
    assert said.startswith("found.csv holds 2 cells that a model suggested: those are no truth to measure on")
    with Project.open(here / "p") as project:
        assert not any(record.complete for record in project.images)
    assert len(hints("p", "a")) == len(hints("p", "b")) == 0


def test_hints_of_before_among_the_truth_are_told(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": HintSet(Points(CELLS)), "b": HintSet(Points(CELLS))})
    (here / "clicks.csv").write_text("y,x,image\n1,2,a\n")
    ended = inkling("import", "p", "clicks.csv", "--complete")
    assert ended.err == "inkling: 6 cells marked before on these images count as truth, too\n"


@pytest.mark.parametrize(
    ("name", "text", "format"),
    [
        ("x.csv", "y,x,image\n1,2,a\n", "points-csv"),
        ("x.json", '{"type": "FeatureCollection", "inkling": {"image": "a"}, "features": []}', "geojson"),
        ("x.json", '{"images": [], "annotations": [], "categories": []}', "coco"),
    ],
)
def test_import_recognises_the_format(
    inkling: Inkling, here: Path, name: str, text: str, format: str
) -> None:
    make_project(here / "p", {"a": HintSet()})
    (here / name).write_text(text)
    assert inkling("import", "p", name, "--json").json["format"] == format


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("import p gone.csv", "gone.csv does not exist, expected an annotation file or a folder of them"),
        ("import p images", "images is in no known format, "),
        ("import p mixed", "mixed holds files of several formats, 1 as geojson and 1 as points-csv: choose "),
        ("export p --out x", "x has no suffix that names a format, expected one of .json (coco), "),
        ("export p --out x.docx", "x.docx has the suffix .docx, which no format has, expected one of "),
        ("export p --out x.json --format xml", "there is no format 'xml', expected one of coco, "),
    ],
)
def test_what_tells_no_format_is_refused(inkling: Inkling, here: Path, command: str, reason: str) -> None:
    make_project(here / "p", {"a": boxed_cells()})
    (here / "images" / "a.tif").unlink()
    (here / "mixed").mkdir()
    for name in ("a.csv", "a.geojson"):
        (here / "mixed" / name).touch()
    said = inkling.refuses(*command.split())
    assert said.startswith(reason)
    assert said.endswith("; or give --format") is ("gone" not in said and "'xml'" not in said)


@pytest.mark.parametrize(("out", "format"), {"x.json": "coco", "x.csv": "points-csv", "x.xml": "voc"}.items())
def test_export_takes_the_format_of_the_suffix(inkling: Inkling, here: Path, out: str, format: str) -> None:
    make_project(here / "p", {"a": boxed_cells()})
    assert inkling("export", "p", "--out", out, "--json").json["format"] == format
    make_project(here / "q", {"a": HintSet()})
    assert inkling("import", "q", out, "--json").json["boxes"] == 6


@pytest.mark.parametrize("format", FORMATS)
def test_export_writes_what_import_reads(inkling: Inkling, here: Path, format: str) -> None:
    masks = Masks.from_crops([(1, 1), (5, 50)], [np.ones((3, 4), bool)] * 2)
    marked = HintSet(*boxed_cells().kinds[:2], masks)
    make_project(here / "p", {"a": marked, "b": HintSet()})
    out = {"coco": "x.json", "points-csv": "x.csv"}.get(format, "x")
    ended = inkling("export", "p", "--format", format, "--out", out)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{out}: 8 cells (6 points, 6 boxes, 2 masks) on 1 plane, format {format}\n"
    make_project(here / "q", {"a": HintSet(), "b": HintSet()})
    told = inkling("import", "q", out, "--format", format, "--json").json
    assert (told["cells"], told["points"], told["boxes"], told["masks"]) == (8, 6, 6, 2)
    for ours, theirs in zip(marked.kinds, hints("q", "a").kinds, strict=True):
        assert theirs.equals(ours)


@pytest.mark.parametrize("command", ["import", "export", "predict"])
def test_help_names_every_format(inkling: Inkling, command: str) -> None:
    told = "".join(inkling(command, "--help").out.split())  # a line may end behind a hyphen
    assert [name for name in FORMATS if name not in told] == []


# -- weaken


def test_weaken_makes_the_project_that_the_simulated_annotator_gives(inkling: Inkling, here: Path) -> None:
    truth = {"a": boxed_cells(), "b": boxed_cells(CELLS[:4])}
    make_project(here / "p", truth)
    ended = inkling("weaken", "p", "w", "--points", 0.5, "--bg-points", 2, "--noise", "paper", "--seed", 7)
    # Half of 6 and of 4 cells, twice 2 background points, 0.9 s each: 8.1 s.
    assert (
        ended.out == "w: 5 points, 0 boxes, 4 background points on 2 images; a person would need 0:08 min\n"
    )
    shapes = {"a": (40, 60), "b": (40, 60)}
    expected = weaken_images(truth, shapes, points=0.5, background_points=2, noise="paper", seed=7)
    for name in "ab":
        assert hints("w", name).points.equals(expected[name].points)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--points 1", {"points": 12, "boxes": 0, "background_points": 0, "seconds": 10.8}),
        ("--boxes 1", {"points": 0, "boxes": 12, "background_points": 0, "seconds": 84.0}),
        ("--boxes 0.5 --points 1", {"points": 6, "boxes": 6, "background_points": 0, "seconds": 47.4}),
        ("--boxes 0.5 --per image", {"points": 0, "boxes": 6, "background_points": 0, "seconds": 42.0}),
        ("--bg-points 3", {"points": 0, "boxes": 0, "background_points": 6, "seconds": 5.4}),
    ],
)
def test_weaken_counts_hints_and_seconds(
    inkling: Inkling, here: Path, options: str, expected: dict[str, Any]
) -> None:
    make_project(here / "p", {"a": boxed_cells(), "b": boxed_cells()})
    told = inkling("weaken", "p", "w", *options.split(), "--json").json
    same = {"project": str(here / "w"), "images": 2, "ignored": 0, "validation_images": 0, "seed": 0}
    assert told == {**same, **expected}


def boxes_of_classes() -> HintSet:
    """Six boxes of three classes, as Pascal VOC gives them, and one around what nobody labelled."""
    names = [*["RBC", "WBC", "Platelet"] * 2, IGNORE]
    edges = [*np.hstack([CELLS - 4, CELLS + 4]), (20, 0, 24, 9)]
    return HintSet(boxes=Boxes(edges, classes=names, sources="imported", attributes={"n": list("1234567")}))


@pytest.mark.parametrize("noise", [(), ("--noise", "paper")])
@pytest.mark.parametrize(("per", "boxed"), [("image", [0, 0, 6, 6]), ("object", [3, 3, 3, 3])])
def test_weaken_to_boxes_and_points_of_several_classes(
    inkling: Inkling, here: Path, noise: tuple[str, ...], per: str, boxed: list[int]
) -> None:
    truth = {name: boxes_of_classes() for name in "abcd"}
    make_project(here / "p", truth)
    ended = inkling("weaken", "p", "w", "--boxes", 0.5, "--per", per, "--points", 1, *noise)
    assert ended.out == (
        "w: 12 points, 12 boxes, 0 background points, 4 boxes to ignore on 4 images; "
        "a person would need 1:35 min\n"  # 12 × 0.9 s + 12 × 7 s
    )
    weak = {name: hints("w", name) for name in truth}
    assert sorted(len(own.boxes.cells) for own in weak.values()) == boxed
    for name, own in weak.items():
        full = truth[name].boxes
        assert own.boxes.ignored.equals(full.ignored)
        for rows in filter(len, (own.points, own.boxes.cells)):
            same = full.take([full.ids.tolist().index(i) for i in rows.ids])
            assert rows.classes.tolist() == same.classes.tolist()
            assert rows.attributes["n"].tolist() == same.attributes["n"].tolist()
            places = rows.coordinates if rows is own.points else rows.centres
            away = np.hypot(*(places - same.centres).T)
            assert (away > 0).all() == (rows is own.points and bool(noise))
        assert sorted([*own.points.ids, *own.boxes.cells.ids]) == sorted(full.cells.ids)
    with Project.open(here / "w", read_only=True) as project:
        assert [c.name for c in project.classes] == ["cell", "Platelet", "RBC", "WBC"]


def test_weaken_keeps_validation_truth_images_without_hints_and_classes(inkling: Inkling, here: Path) -> None:
    cells = boxed_cells()
    make_project(here / "p", {"a": cells, "none": HintSet(), "val": cells}, complete=("val",))
    told = inkling("weaken", "p", "w", "--points", 0.5, "--json").json
    assert (told["images"], told["points"], told["validation_images"]) == (1, 3, 1)
    with Project.open(here / "p") as old, Project.open(here / "w") as new:
        assert [r.name for r in new.images] == ["a", "none", "val"]
        assert [r.complete for r in new.images] == [False, False, True]
        assert new.classes == old.classes
    assert hints("w", "val").points.equals(cells.points)
    assert len(hints("w", "none")) == 0


def test_weaken_weakens_all_if_all_are_complete_and_says_so(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": boxed_cells()}, complete=("a",))
    ended = inkling("weaken", "p", "w", "--points", 0.5)
    assert "3 points" in ended.out and "all images are marked complete" in ended.err
    with Project.open(here / "w") as new:
        assert not new.images[0].complete


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--points 1.5", "the share of points is 1.5, expected a number from 0 to 1"),
        ("--boxes 1 --per cell", "--per is 'cell', expected image or object"),
        ("--points 1 --noise loud", "--noise is 'loud', expected a number of pixels, or paper"),
        ("--points 1 --noise -1", "noise is -1.0"),
        ("--bg-points -1", "--bg-points"),
    ],
)
def test_weaken_refuses(inkling: Inkling, here: Path, options: str, reason: str) -> None:
    make_project(here / "p", {"a": boxed_cells()})
    assert reason in inkling.refuses("weaken", "p", "w", *options.split())
    assert not (here / "w").exists()


def test_weaken_says_what_points_without_boxes_cannot_tell(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": HintSet(Points(CELLS))})
    said = inkling.refuses("weaken", "p", "w", "--points", 1, "--noise", "paper")
    assert "6 of 6 have no box" in said


def test_numbers_in_json_are_plain(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": boxed_cells()})
    printed = inkling("weaken", "p", "w", "--points", 0.5, "--json").out
    assert json.loads(printed)["seconds"] == 2.7
