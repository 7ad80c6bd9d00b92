from __future__ import annotations

import csv

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture
from tests.project.formats_cases import objects

from napari_inkling.core import BACKGROUND, Boxes, FormatError, HintSet, Masks, PlaneRef, Points, Predictions
from napari_inkling.project.formats import export_annotations, read_annotations

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
    result = read_annotations(save(tmp_path / name, image), "masks", IMAGES, class_name="nucleus")
    hints = result.hints["cells"]
    assert hints.points.coordinates.tolist() == CENTRES
    assert hints.boxes.coordinates.tolist() == BOXES
    assert hints.points.ids.tolist() == hints.boxes.ids.tolist() == hints.masks.ids.tolist()
    assert np.array_equal(hints.masks.labels((20, 30)) > 0, labels() > 0)
    assert hints.masks.areas.tolist() == [28, 8, 1]
    assert set(hints.points.classes) | set(hints.boxes.classes) == {"nucleus"}
    assert set(hints.points.sources) == {"imported"}
    assert result.notices == ()


def test_a_palette_hides_labels(tmp_path):
    picture = Picture.fromarray(labels(np.uint8))
    picture = picture.convert("P")
    picture.putdata(labels(np.uint8).ravel())
    picture.putpalette([7, 90, 3] * 256)
    picture.save(tmp_path / "cells.png")
    assert read_annotations(tmp_path, "masks", IMAGES).hints["cells"].points.coordinates.tolist() == CENTRES


def test_a_stack_has_a_mask_per_plane(tmp_path):
    planes = np.stack([labels(), np.zeros_like(labels()), labels()])
    tifffile.imwrite(tmp_path / "stack.tif", planes, photometric="minisblack", metadata={"axes": "ZYX"})
    hints = read_annotations(tmp_path, "masks", IMAGES).hints
    assert {k: len(h.points) for k, h in hints.items()} == {"stack[0]": 3, "stack[1]": 0, "stack[2]": 3}


@pytest.mark.parametrize("subfolder", ["", "labels", "masks"])
def test_folders(tmp_path, subfolder):
    (tmp_path / subfolder).mkdir(exist_ok=True)
    save(tmp_path / subfolder / "cells.png", labels())
    save(tmp_path / subfolder / "lost.png", labels())
    result = read_annotations(tmp_path, "masks", IMAGES)
    assert list(result.hints) == ["cells"]
    assert result.notices == ("skipped an image that is not known: lost.png",)


def test_labels_of_another_size_are_refused(tmp_path):
    save(tmp_path / "cells.png", labels())
    save(tmp_path / "stack.png", labels()[:10])
    with pytest.raises(
        FormatError, match=r"stack.png is 30 × 10 pixels, its image stack is 30 × 20, expected"
    ):
        read_annotations(tmp_path, "masks", IMAGES)


def test_a_mask_of_one_value_is_cut_into_its_parts(tmp_path):
    image = (labels(np.uint8) > 0).astype(np.uint8) * 255
    result = read_annotations(save(tmp_path / "cells.png", image), "masks", IMAGES)
    assert result.hints["cells"].points.coordinates.tolist() == CENTRES
    assert result.notices == (
        "a mask holds one value only, each connected part was taken as a cell: cells.png (255: 3 parts)",
    )


@pytest.mark.parametrize("image", [np.zeros((20, 30), np.uint16), np.ones((20, 30), np.uint16)])
def test_uniform_masks(tmp_path, image):
    result = read_annotations(save(tmp_path / "cells.tif", image), "masks", IMAGES)
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
        read_annotations(save(tmp_path / "cells.tif", image), "masks", IMAGES)


@pytest.mark.parametrize("name", ["cells.png", "cells.tif"])
def test_damaged_files_are_refused(tmp_path, name):
    whole = save(tmp_path / name, labels()).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=rf"{name}.*expected a label image"):
        read_annotations(tmp_path / name, "masks", IMAGES)
    (tmp_path / name).write_bytes(b"no picture at all")
    with pytest.raises(FormatError, match=rf"{name}.*expected a label image"):
        read_annotations(tmp_path / name, "masks", IMAGES)


def test_boxes_come_back_from_a_label_image(tmp_path):
    hints = read_annotations(save(tmp_path / "cells.tif", labels()), "masks", IMAGES).hints
    written = export_annotations(hints, tmp_path / "out", "masks", shapes=IMAGES)
    assert sorted(p.name for p in written.iterdir()) == ["cells.csv", "cells.tif"]
    back = read_annotations(written, "masks", IMAGES).hints["cells"]
    assert back.boxes.coordinates.tolist() == BOXES
    assert back.points.coordinates.tolist() == CENTRES


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_parts_of_one_number_are_one_cell(tmp_path):
    image = np.zeros((20, 30), np.uint16)
    image[2, 3] = image[9, 20:23] = 7
    image[15, 15] = 9
    hints = read_annotations(save(tmp_path / "cells.tif", image), "masks", IMAGES).hints["cells"]
    assert hints.masks.coordinates.tolist() == [[2, 3, 10, 23], [15, 15, 16, 16]]
    assert hints.masks.areas.tolist() == [4, 1]


def test_many_masks_in_one_image(tmp_path):
    image = np.zeros((500, 1000), np.uint32)
    for y, x in np.ndindex(4, 4):
        image[y::5, x::5] = np.arange(20_000).reshape(100, 200) * 3 + 1
    path = save(tmp_path / "big.tif", image)
    masks = read_annotations(path, "masks", {"big": image.shape}).hints["big"].masks
    assert len(masks) == 20_000
    assert set(masks.areas) == {16}


def drawn_over(path, draw):
    image = tifffile.imread(path)
    draw(image)
    tifffile.imwrite(path, image)


def test_what_another_program_drew_into_our_labels_counts(tmp_path):
    masks = Masks.from_crops(
        [(0, 0), (0, 10), (0, 20)], [np.ones((3, 3), bool)] * 3, ids=[7, 8, 9], classes="a"
    )
    written = export_annotations({"cells": HintSet(masks=masks)}, tmp_path / "x", "masks", shapes=IMAGES)

    def draw(image):
        image[0, 0] = 0  # a pixel less
        image[image == 2] = 0  # a cell less
        image[10:12, 10:12] = 44  # a cell more

    drawn_over(written / "cells.tif", draw)
    result = read_annotations(written, "masks", IMAGES)
    hints = result.hints["cells"]
    assert hints.masks.areas.tolist() == [8, 9, 4]
    assert hints.masks.ids.tolist()[:2] == [7, 9]
    assert hints.masks.classes.tolist() == ["a", "a", "cell"]
    assert hints.boxes.coordinates.tolist() == [[9.5, 9.5, 11.5, 11.5]]
    assert result.notices == (
        "left out a mask of the table that has no pixel in its label image: cells.tif (label 2)",
    )


def test_a_table_of_something_else_beside_labels_is_left_alone(tmp_path):
    save(tmp_path / "cells.tif", labels())
    (tmp_path / "cells.csv").write_text("label,area,y,x\n1,28,3.5,6\n")
    assert len(read_annotations(tmp_path / "cells.tif", "masks", IMAGES).hints["cells"].masks) == 3


def test_masks_lie_over_everything(tmp_path):
    masks = Masks.from_crops([(1, 1), (2, 2)], [np.ones((3, 3), bool)] * 2, ids=[7, 8])
    hints = HintSet(Points([(2, 2), (2, 2)], ids=[1, 7]), Boxes([(0, 0, 5, 5)], ids=[3]), masks)
    path = export_annotations({"cells": hints}, tmp_path / "x.tif", "masks", shapes=IMAGES, radius=2)
    # Labels: points 1 (id 1) and 2 (id 7), box 3, mask 4 (id 8); the box is below the disk of radius 2.
    assert tifffile.imread(path)[:5, :5].tolist() == [
        [3, 3, 1, 3, 3],
        [3, 2, 2, 2, 3],
        [1, 2, 4, 4, 4],
        [3, 2, 4, 4, 4],
        [3, 3, 4, 4, 4],
    ]


@pytest.mark.parametrize(("name", "format"), [("x.png", "masks"), ("folder", "masks-png")])
def test_png(tmp_path, name, format):
    hints = HintSet(Points([(5, 5)]), Boxes([(8, 8, 12, 12)]))
    path = export_annotations({"cells": hints}, tmp_path / name, format, shapes=IMAGES)
    file = path if path.suffix else path / "cells.png"
    with Picture.open(file) as picture:
        image = np.asarray(picture)
        assert picture.mode == "I;16"
    assert (image[5, 5], image[10, 10], image.max()) == (1, 2, 2)


def test_a_png_is_too_narrow_for_many_cells(tmp_path):
    y, x = np.divmod(np.arange(2**16), 300)
    items = {"few": HintSet(Points([(1, 1)])), "big": HintSet(Points(np.stack([y, x], axis=1)))}
    shapes = dict.fromkeys(items, (300, 300))
    with pytest.raises(
        FormatError, match=r"would need 65,536 numbers for the cells of big, a PNG has 65,535: exp"
    ):
        export_annotations(items, tmp_path / "x", "masks-png", shapes=shapes)
    assert not (tmp_path / "x").exists()


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
    back = read_annotations(path, "masks", IMAGES).hints
    assert {k: h.points.coordinates.tolist() for k, h in back.items()} == {
        "stack[0]": [[5, 5]],
        "stack[1]": [[5, 6]],
    }


def test_one_file_takes_one_plane(tmp_path):
    items = dict.fromkeys(IMAGES, HintSet(Points([(1, 1)])))
    with pytest.raises(FormatError, match=r"x.tif is one file, but there are 2 images; expected a folder"):
        export_annotations(items, tmp_path / "x.tif", "masks", shapes=IMAGES)


def test_a_text_that_is_named_like_a_picture(tmp_path):
    (tmp_path / "a.png").write_text("Dear diary")
    with pytest.raises(FormatError, match=r"a\.png is not an image, .* expected a label image"):
        read_annotations(tmp_path / "a.png")
