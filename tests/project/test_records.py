"""Names, colours and paths that a project remembers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_inkling.core import PlaneRef, ProjectError
from napari_inkling.project import PALETTE, ClassInfo, ImageInfo, ImageRecord
from napari_inkling.project.records import make_classes, relative_path, unique_name


def test_new_classes_get_colours_of_their_own() -> None:
    first, second = make_classes(["cell", "other"])
    assert (first.name, first.color, second.name, second.color) == ("cell", PALETTE[0], "other", PALETTE[1])
    assert make_classes(["third", "other", "cell"], (first, second)) == (
        ClassInfo("third", PALETTE[2]),
        second,
        first,
    )
    many = make_classes([f"class {i}" for i in range(10)])
    assert len({c.color for c in many}) == len(PALETTE) == 7
    chosen = ClassInfo("cell", "#123456", "q")
    assert make_classes([chosen, "other"], (first,)) == (chosen, ClassInfo("other", PALETTE[0]))


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([], "one class at least"),
        (["a", "b", "a"], "class 'a' is there twice"),
        (["background"], "'background' cannot be a class"),
        ([""], "class name '' is empty"),
        ([" a"], "class name ' a' is empty or has blanks"),
    ],
)
def test_bad_classes(classes: list[str], message: str) -> None:
    with pytest.raises(ProjectError, match=message):
        make_classes(classes)


def test_bad_colour() -> None:
    with pytest.raises(ProjectError, match="class 'a' has colour 'red', expected #rrggbb"):
        ClassInfo("a", "red")


@pytest.mark.parametrize(
    ("wanted", "taken", "expected"),
    [
        ("tile", [], "tile"),
        ("tile", ["tile"], "tile-2"),
        ("Tile", ["tile", "tile-2"], "Tile-3"),
        ("a[1]", [], "a(1)"),
        ("a\nb", [], "a b"),
        ("", [], "image"),
    ],
)
def test_unique_name(wanted: str, taken: list[str], expected: str) -> None:
    name = unique_name(wanted, taken)
    assert name == expected
    assert PlaneRef.parse(str(PlaneRef(name, (3, 1)))) == PlaneRef(name, (3, 1))
    assert PlaneRef.parse(str(PlaneRef(name))) == PlaneRef(name)


def test_relative_path() -> None:
    assert relative_path(Path("/a/b/c.png"), Path("/a/p.inkling")) == "../b/c.png"
    assert relative_path(Path("/a/p.inkling/images/c.tif"), Path("/a/p.inkling")) == "images/c.tif"


def test_planes_in_order() -> None:
    stack = ImageRecord("s", "/s.tif", "1-ab", ImageInfo((2, 2, 8, 9), "uint8", "TZYX"))
    assert [p.plane for p in stack.planes()] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert ImageRecord("s", "/s.png", "1-ab", ImageInfo((8, 9), "uint8", "YX")).planes() == (PlaneRef("s"),)


def test_a_record_is_exact_in_json() -> None:
    info = ImageInfo((2, 8, 9, 3), "uint16", "ZYXC", 0.123456789, ("DAPI", "b", "c"))
    record = ImageRecord("s", "/ü/s.tif", "1-ab", info, "../s.tif", complete=True, done=True)
    assert ImageRecord.from_json(json.loads(json.dumps(record.to_json()))) == record
