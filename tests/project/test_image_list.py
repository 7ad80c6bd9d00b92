"""The images of a project: added, named, moved, changed, removed, and kept when they have no file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import tifffile
import zarr
from hint_cases import CELLS, point
from PIL import Image as Picture

from napari_inkling.core import HintSet, ImageError, PlaneRef
from napari_inkling.project import ImageRecord, Project
from napari_inkling.project.image_list import ImageList


def picture(path: Path, value: int = 7, shape: tuple[int, ...] = (20, 30)) -> Path:
    path.parent.mkdir(exist_ok=True)
    Picture.fromarray(np.full(shape, value, np.uint8)).save(path)
    return path


def test_records(project: Project, pictures: Path) -> None:
    cells, stack = project.images
    assert (cells.name, cells.path, cells.relative) == (
        "cells",
        (pictures / "cells.png").as_posix(),
        "../pictures/cells.png",
    )
    assert (cells.info.shape, cells.info.axes, cells.planes()) == ((20, 30, 3), "YXC", (CELLS,))
    assert (stack.info.stack_shape, len(stack.planes())) == ((4,), 4)
    with pytest.raises(ImageError, match=r"there is no image 'gone' in the project study\.inkling"):
        project.image("gone")


def test_adding_again_changes_nothing(
    project: Project, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.add_images([pictures / "cells.png", pictures]) == [project.images[0], *project.images]
    monkeypatch.chdir(pictures)
    assert project.add_images(["cells.png", "../pictures/stack.tif"]) == list(project.images)


@pytest.mark.parametrize("count", [10, 40])
def test_adding_many_asks_the_disk_once_for_each_that_is_there(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    paths = [picture(tmp_path / "many" / f"{n}.png", n) for n in range(count)]
    project.add_images(paths[: count // 2])
    asked: list[str] = []
    real = ImageList._path_of

    def noted(images: ImageList, record: ImageRecord) -> Path:
        asked.append(record.name)
        return real(images, record)

    monkeypatch.setattr(ImageList, "_path_of", noted)
    assert [r.name for r in project.add_images([*paths, *paths])] == [p.stem for p in paths] * 2
    assert sorted(asked) == sorted(r.name for r in project.images[: 2 + count // 2])


def test_names_are_unique(project: Project, tmp_path: Path) -> None:
    paths = [
        picture(tmp_path / "b" / "cells.png"),
        picture(tmp_path / "c" / "Cells.png"),
        picture(tmp_path / "c" / "x[1].png"),
    ]
    assert [r.name for r in project.add_images(paths)] == ["cells-2", "Cells-3", "x(1)"]


def test_bad_files_are_named_and_the_others_added(project: Project, tmp_path: Path) -> None:
    good, text = picture(tmp_path / "good.png"), tmp_path / "note.png"
    text.write_text("Dear diary")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError) as caught:
        project.add_images([text, tmp_path / "gone.tif", good, tmp_path / "empty"])
    for part in ("note.png is not an image", "gone.tif is missing", "empty is a folder without images"):
        assert part in str(caught.value)
    assert [r.name for r in project.images] == ["cells", "stack", "good"]


def test_marks(project: Project) -> None:
    project.update_image("cells", complete=True)
    assert project.update_image("cells", done=True) == project.image("cells")
    project.update_image("stack", reviewed=True)
    project.close()
    with Project.open(project.folder) as again:
        marks = [(r.complete, r.reviewed, r.done) for r in again.images]
    assert marks == [(True, False, True), (False, True, False)]


def test_marks_of_several_at_once(project: Project) -> None:
    project.update_image("cells", done=True)
    with pytest.raises(ImageError, match="gone"):
        project.update_images(["cells", "gone"], complete=True)
    assert [r.complete for r in project.images] == [False, False]
    project.update_images(["cells", "stack"], complete=True, done=None)
    assert [(r.complete, r.done) for r in project.images] == [(True, True), (True, False)]


def test_open_image(project: Project, pictures: Path) -> None:
    np.testing.assert_array_equal(
        project.open_image(CELLS).read(), np.asarray(Picture.open(pictures / "cells.png"))
    )
    plane = project.open_image(PlaneRef("stack", (3,)))
    np.testing.assert_array_equal(
        plane.read(slice(2, 5)), tifffile.imread(pictures / "stack.tif")[3, 2:5, :, None]
    )
    with pytest.raises(ImageError, match=r"stack\.tif: there is no plane \[4\]"):
        project.open_image(PlaneRef("stack", (4,)))
    with pytest.raises(ImageError, match="there is no image 'gone'"):
        project.open_image(PlaneRef("gone"))


# Moved, changed, removed


def test_problems_and_relinking(project: Project, pictures: Path, tmp_path: Path) -> None:
    assert project.problems() == []
    project.edit(CELLS, HintSet(), point(1, 2), "add")
    shutil.move(pictures / "cells.png", tmp_path / "elsewhere.png")
    (pictures / "stack.tif").write_bytes(b"II*\0")
    problems = project.problems()
    assert [(p.name, p.what) for p in problems] == [("cells", "missing"), ("stack", "unreadable")]
    assert problems[0].path == str(pictures / "cells.png")
    with pytest.raises(ImageError, match=r"cells\.png is missing"):
        project.open_image(CELLS)

    other = picture(tmp_path / "other.png")
    with pytest.raises(
        ImageError, match=r"other\.png has shape \(20, 30\), but 'cells' has hints .* \(20, 30, 3\)"
    ):
        project.relink("cells", other)
    assert project.relink("cells", tmp_path / "elsewhere.png").relative == "../elsewhere.png"
    project.relink("stack", other)  # no hints: any image will do
    assert project.problems() == []
    assert project.image("stack").info.shape == (20, 30)
    project.close()
    with Project.open(project.folder) as again:
        assert again.problems() == []
        assert len(again.hints(CELLS)) == 1


def test_a_changed_chunk_of_zarr(project: Project, tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path / "z.zarr", shape=(20, 30), chunks=(10, 30), dtype="u1", fill_value=0)
    array[:] = 1
    project.add_images([tmp_path / "z.zarr"])
    assert (project.open_image(PlaneRef("z")).read() == 1).all()
    array[10:] = 2
    project.relink("z", tmp_path / "z.zarr")
    assert (project.open_image(PlaneRef("z")).read()[10:] == 2).all()


def test_a_changed_image(project: Project, pictures: Path) -> None:
    project.open_image(CELLS).read()
    picture(pictures / "cells.png", 9, (20, 30, 3))
    (problem,) = project.problems()
    assert (problem.what, "its content has changed" in problem.message) == ("changed", True)
    assert (project.open_image(CELLS).read() == 9).all()
    project.relink("cells", pictures / "cells.png")  # a person says that this is right
    assert project.problems() == []
    picture(pictures / "cells.png", 9, (25, 30, 3))
    with pytest.raises(ImageError, match=r"has changed: its shape is \(25, 30, 3\), and was \(20, 30, 3\)"):
        project.open_image(CELLS)


def test_a_removed_image_keeps_its_name_and_comes_back_with_its_hints(
    project: Project, pictures: Path, tmp_path: Path
) -> None:
    project.edit(CELLS, HintSet(), point(1, 2), "add")
    project.update_image("cells", complete=True)
    project.remove_image("cells")
    assert ([r.name for r in project.images], project.planes_with_hints()) == (["stack"], ())
    (stranger,) = project.add_images([picture(tmp_path / "b" / "cells.png")])
    assert stranger.name == "cells-2"
    shutil.copy(pictures / "cells.png", tmp_path / "c.png")
    assert project.add_images([tmp_path / "c.png"])[0].name == "c"
    project.close()
    with Project.open(project.folder) as again:
        (back,) = again.add_images([pictures / "cells.png"])
        assert (back.name, back.complete) == ("cells", True)
        assert len(again.hints(CELLS)) == 1


# Arrays without a file


@pytest.mark.parametrize(
    ("shape", "axes", "dtype", "kept", "order"),
    [
        ((20, 30), "YX", "uint8", "YX", (0, 1)),
        ((20, 30), "YX", "float64", "YX", (0, 1)),
        ((20, 30), "YX", "int64", "YX", (0, 1)),
        ((20, 30), "XY", "uint16", "YX", (1, 0)),
        ((600, 1100, 3), "YXC", "uint8", "YXC", (0, 1, 2)),
        ((20, 30, 5), "YXC", "float32", "YXC", (0, 1, 2)),
        ((5, 20, 30), "CYX", "uint16", "YXC", (1, 2, 0)),
        ((2, 5, 3, 20, 30), "TCZYX", "uint16", "TZYXC", (0, 2, 3, 4, 1)),
        ((1, 1), "YX", "uint8", "YX", (0, 1)),
    ],
)
@pytest.mark.parametrize("kind", ["numpy", "dask"])
def test_add_array(
    project: Project,
    shape: tuple[int, ...],
    axes: str,
    dtype: str,
    kept: str,
    order: tuple[int, ...],
    kind: str,
) -> None:
    pixels = (np.arange(np.prod(shape)) % 200).reshape(shape).astype(dtype)
    record = project.add_array(
        "layer", pixels if kind == "numpy" else dask.array.from_array(pixels), axes, 20.5
    )
    assert (record.name, record.info.axes, record.info.dtype) == ("layer", kept, dtype)
    assert record.info.pixel_size_um == 20.5
    assert Path(record.path).parent == project.folder / "images"
    expected = pixels.transpose(order)
    for ref in record.planes():
        plane = expected[ref.plane]
        found = project.open_image(ref).read()
        np.testing.assert_array_equal(found, plane if plane.ndim == 3 else plane[..., None])


def test_axes_of_length_1_are_dropped(project: Project) -> None:
    record = project.add_array("layer", np.zeros((1, 4, 1, 20, 30), bool), "TZCYX")
    assert (record.info.axes, record.info.shape, record.info.dtype) == ("ZYX", (4, 20, 30), "uint8")
    assert project.add_array("line", np.zeros((1, 30)), "YX").info.shape == (1, 30)


def test_the_same_array_is_kept_once(project: Project) -> None:
    pixels = np.arange(600).reshape(20, 30)
    first = project.add_array("a/b: <c>", pixels, "YX")
    assert (first.name, Path(first.path).name) == ("a/b: <c>", "a_b_ _c_.tif")
    assert project.add_array("again", pixels, "YX") == first
    assert project.add_array("a/b: <c>", pixels + 1, "YX").name == "a/b: <c>-2"
    assert len(list((project.folder / "images").iterdir())) == 2


@pytest.mark.parametrize(
    ("pixels", "axes", "message"),
    [
        (np.zeros((4, 4)), "ZYX", "expected one letter for each axis"),
        (np.zeros((4, 4, 4)), "ZTX", "Y and X among them"),
        (np.zeros((0, 4)), "YX", "is empty"),
        (np.zeros((4, 4), complex), "YX", "complex128, expected real numbers"),
        ([["a"]], "YX", "expected real numbers"),
    ],
)
def test_arrays_that_are_no_images(project: Project, pixels: Any, axes: str, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        project.add_array("layer", pixels, axes)
    assert len(project.images) == 2
