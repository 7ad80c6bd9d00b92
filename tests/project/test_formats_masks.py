from __future__ import annotations

import csv

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture
from tests.project.formats_cases import objects

from napari_inkling.core import BACKGROUND, Boxes, FormatError, HintSet, PlaneRef, Points, Predictions
from napari_inkling.project.formats import export_annotations, masks

IMAGES = {"cells": (20, 30), "stack": (20, 30)}


def labels(dtype=np.uint16, high=7):
    """Three cells: a rectangle of rows 2 to 5 and columns 3 to 9, an L, and a single pixel."""
    image = np.zeros((20, 30), dtype)
    image[2:6, 3:10] = 1
    image[10:16, 12] = image[15, 12:15] = 3
    image[19, 29] = high
    return image


# Of the bounding boxes' first and last pixels: centres are their means, edges lie half a pixel further out.
CENTRES = [[3.5, 6], [12.5, 13], [19, 29]]
BOXES = [[1.5, 2.5, 5.5, 9.5], [9.5, 11.5, 15.5, 14.5], [18.5, 28.5, 19.5, 29.5]]


def save(path, image):
    if path.suffix == ".png":
        Picture.fromarray(image).save(path)
    else:
        tifffile.imwrite(path, image)
    return path


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("cells.png", labels(np.uint8)),
        ("cells.png", labels(np.uint16)),
        ("cells.tif", labels(np.uint16)),
        ("cells.tif", labels(np.uint32, high=4_000_000_000)),
        ("cells.tif", labels(np.int32)),
        ("cells.tif", labels(np.float32)),
        ("cells_mask.tif", labels()),
        ("cells_cp_masks.png", labels(np.uint8)),
        ("CELLS-labels.png", labels(np.uint8)),
        ("cells.png", np.repeat(labels(np.uint8)[..., None], 3, axis=2)),
    ],
)
def test_each_instance_is_a_point_and_a_box(tmp_path, name, image):
    result = masks.read(save(tmp_path / name, image), IMAGES, class_name="nucleus")
    hints = result.hints["cells"]
    assert hints.points.coordinates.tolist() == CENTRES
    assert hints.boxes.coordinates.tolist() == BOXES
    assert hints.points.ids.tolist() == hints.boxes.ids.tolist()
    assert set(hints.points.classes) | set(hints.boxes.classes) == {"nucleus"}
    assert set(hints.points.sources) == {"imported"}
    assert result.notices == ()


def test_a_palette_hides_labels(tmp_path):
    picture = Picture.fromarray(labels(np.uint8))
    picture = picture.convert("P")
    picture.putdata(labels(np.uint8).ravel())
    picture.putpalette([7, 90, 3] * 256)
    picture.save(tmp_path / "cells.png")
    assert masks.read(tmp_path, IMAGES).hints["cells"].points.coordinates.tolist() == CENTRES


def test_a_stack_has_a_mask_per_plane(tmp_path):
    planes = np.stack([labels(), np.zeros_like(labels()), labels()])
    tifffile.imwrite(tmp_path / "stack.tif", planes, photometric="minisblack", metadata={"axes": "ZYX"})
    hints = masks.read(tmp_path, IMAGES).hints
    assert {k: len(h.points) for k, h in hints.items()} == {"stack[0]": 3, "stack[1]": 0, "stack[2]": 3}


@pytest.mark.parametrize("subfolder", ["", "labels", "masks"])
def test_folders(tmp_path, subfolder):
    (tmp_path / subfolder).mkdir(exist_ok=True)
    save(tmp_path / subfolder / "cells.png", labels())
    save(tmp_path / subfolder / "lost.png", labels())
    save(tmp_path / subfolder / "stack.png", labels()[:10])
    result = masks.read(tmp_path, IMAGES)
    assert list(result.hints) == ["cells"]
    assert result.notices == (
        "skipped an image that is not known: lost.png",
        "skipped a mask of another size than its image: stack.png is 30 × 10, stack is 30 × 20",
    )


def test_a_mask_of_one_value_is_cut_into_its_parts(tmp_path):
    result = masks.read(save(tmp_path / "cells.png", (labels(np.uint8) > 0).astype(np.uint8) * 255), IMAGES)
    assert result.hints["cells"].points.coordinates.tolist() == CENTRES
    assert result.notices == (
        "a mask holds one value only, each connected part was taken as a cell: cells.png (255: 3 parts)",
    )


@pytest.mark.parametrize("image", [np.zeros((20, 30), np.uint16), np.ones((20, 30), np.uint16)])
def test_uniform_masks(tmp_path, image):
    result = masks.read(save(tmp_path / "cells.tif", image), IMAGES)
    assert len(result.hints["cells"].points) == image.max()


BAD = {
    "colours": (
        np.stack([labels(np.uint8), labels(np.uint8) * 2, labels(np.uint8)], axis=2),
        "is a colour image",
    ),
    "fractions": (labels(np.float32) / 2, "holds fractions, expected a label image"),
    "below zero": (labels(np.int16) - 5, "holds the label -5, expected 0 for background"),
}


@pytest.mark.parametrize(("image", "says"), BAD.values(), ids=BAD.keys())
def test_what_is_no_label_image_is_refused(tmp_path, image, says):
    with pytest.raises(FormatError, match=f"cells.tif {says}"):
        masks.read(save(tmp_path / "cells.tif", image), IMAGES)


@pytest.mark.parametrize("name", ["cells.png", "cells.tif"])
def test_damaged_files_are_refused(tmp_path, name):
    whole = save(tmp_path / name, labels()).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=rf"{name}.*expected a label image"):
        masks.read(tmp_path / name, IMAGES)
    (tmp_path / name).write_bytes(b"no picture at all")
    with pytest.raises(FormatError, match=rf"{name}.*expected a label image"):
        masks.read(tmp_path / name, IMAGES)


def test_boxes_come_back_from_a_label_image(tmp_path):
    hints = masks.read(save(tmp_path / "cells.tif", labels()), IMAGES).hints
    written = export_annotations(hints, tmp_path / "out", "masks", shapes=IMAGES)
    assert sorted(p.name for p in written.iterdir()) == ["cells.csv", "cells.tif"]
    back = masks.read(written, IMAGES).hints["cells"]
    assert back.boxes.coordinates.tolist() == BOXES
    assert back.points.coordinates.tolist() == CENTRES


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_labels_are_told_by_the_table(tmp_path):
    hints = HintSet(
        Points([(5, 5), (1, 1), (15, 25)], classes=objects("a", BACKGROUND, "b"), ids=[70, 80, 90]),
        Boxes([(8, 8, 12, 12)], ids=[100], classes="c"),
    )
    path = export_annotations({"cells": hints}, tmp_path / "x.tif", "masks", shapes=IMAGES, radius=1)
    image, rows = tifffile.imread(path), table(tmp_path / "x.csv")
    assert image.dtype == np.uint16
    assert [(r["label"], r["id"], r["class"]) for r in rows] == [
        ("1", "70", "a"), ("", "80", BACKGROUND), ("2", "90", "b"), ("3", "100", "c")
    ]  # fmt: skip
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    assert np.array_equal(image[4:7, 4:7], cross)
    assert np.array_equal(image[14:17, 24:27], 2 * cross)
    assert (image[8:13, 8:13] == 3).all()
    assert (image > 0).sum() == 5 + 5 + 25


def test_the_nearest_point_has_the_pixel_and_small_boxes_lie_on_top(tmp_path):
    hints = HintSet(
        Points([(10, 10), (10, 14)], ids=[1, 2]),
        Boxes([(0, 0, 5, 29), (2, 2, 3, 3), (0, 20, 19, 29)], ids=[3, 4, 5]),
    )
    path = export_annotations({"cells": hints}, tmp_path / "x.tif", "masks", shapes=IMAGES, radius=3)
    image = tifffile.imread(path)
    assert image[10, 7:18].tolist() == [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]
    assert image[2:4, 2:4].tolist() == [[4, 4], [4, 4]]
    assert (image[0, 0], image[2, 25], image[10, 25]) == (3, 3, 5)


@pytest.mark.parametrize("place", [(0, 0), (19.4, 29.4), (7.5, 7.5), (-0.5, 12)])
def test_every_point_has_a_pixel(tmp_path, place):
    hints = {"cells": Predictions(Points([place]), radius=0.3)}
    path = export_annotations(hints, tmp_path / "x.tif", "masks", shapes=IMAGES)
    assert (tifffile.imread(path) == 1).sum() == 1


def test_many_cells_need_wider_pixels(tmp_path):
    y, x = np.divmod(np.arange(70_000), 300)
    hints = HintSet(Points(np.stack([y, x], axis=1)))
    path = export_annotations(
        {"big": hints}, tmp_path / "x.tif", "masks", shapes={"big": (300, 300)}, radius=0.5
    )
    image = tifffile.imread(path)
    assert image.dtype == np.uint32
    assert image.max() == 70_000


def test_planes_are_files(tmp_path):
    items = {PlaneRef("stack", (i,)): HintSet(Points([(5, 5 + i)])) for i in range(2)}
    path = export_annotations(items, tmp_path, "masks", shapes=IMAGES, radius=1)
    back = masks.read(path, IMAGES).hints
    assert {k: h.points.coordinates.tolist() for k, h in back.items()} == {
        "stack[0]": [[5, 5]],
        "stack[1]": [[5, 6]],
    }


def test_one_file_takes_one_plane(tmp_path):
    items = dict.fromkeys(IMAGES, HintSet(Points([(1, 1)])))
    with pytest.raises(FormatError, match=r"x.tif is one file, but there are 2 images; expected a folder"):
        export_annotations(items, tmp_path / "x.tif", "masks", shapes=IMAGES)
