from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import Boxes, HintSet, Image, PlaneRef, TrainingImage
from napari_inkling.methods.stochastic_boxes import StochasticBoxesSettings
from napari_inkling.methods.stochastic_boxes.sizes import (
    ClassSizes,
    anchor_sizes,
    class_sizes,
    pyramid_levels,
    still_fit,
    with_sizes_from_images,
    working_scale,
)
from napari_inkling.training.pieces import finish


def planes(*boxes: Boxes) -> list[TrainingImage]:
    image = Image(PlaneRef("drawn"), np.zeros((9, 9), np.uint8))
    return [TrainingImage(image, HintSet(boxes=own)) for own in boxes]


def of_sides(*pairs) -> Boxes:
    return Boxes([(0, 0, h, w) for h, w in pairs], classes="cell")


@pytest.mark.parametrize("box_of_a_point", ["mean", "mean IOU"])
def test_equal_boxes_are_the_stochastic_box(box_of_a_point):
    settings = StochasticBoxesSettings(box_of_a_point=box_of_a_point)
    given = planes(of_sides((20, 40), (20, 40)), Boxes(), of_sides((20, 40)))
    sizes = class_sizes(given, ("cell",), settings)
    assert sizes.stochastic[0].tolist() == pytest.approx([20, 40], abs=0.5)
    assert sizes.areas.tolist() == [800] and sizes.sides.tolist() == pytest.approx([800**0.5] * 3)


def test_areas_are_means_and_not_those_of_the_mean_box():
    sizes = class_sizes(planes(of_sides((10, 10), (20, 20), (30, 30))), ("cell",), StochasticBoxesSettings())
    assert sizes.areas.tolist() == pytest.approx([(100 + 400 + 900) / 3])


def test_a_class_without_boxes_is_as_large_as_the_others():
    sizes = class_sizes(
        planes(of_sides((10, 20), (10, 20), (10, 20))), ("bare", "cell"), StochasticBoxesSettings()
    )
    np.testing.assert_allclose(sizes.stochastic[0], sizes.stochastic[1], atol=0.1)
    assert sizes.areas.tolist() == pytest.approx([200, 200], rel=0.05)
    assert len(sizes.sides) == 3 + 1


@pytest.mark.parametrize(
    ("sides", "smallest", "scale"), [([20, 40], 10.0, 0.5), ([5, 40], 10.0, 1.0), ([20, 40], None, 1.0)]
)
def test_the_smallest_class_decides_on_the_scale(sides, smallest, scale):
    sizes = ClassSizes(np.array([[s / 2, s * 2] for s in sides]), np.array([1.0, 1.0]), np.array(sides))
    assert working_scale(sizes, smallest) == pytest.approx(scale)


@pytest.mark.parametrize(
    ("now", "fits"),
    [
        ([(20, 20), (30, 53)], True),
        ([(17, 17), (45, 45)], True),  # a little smaller and larger than before
        ([(20, 20), (160, 160)], False),  # a class that is much larger
        ([(20, 20), (40, 40), (8, 8)], False),  # one that is much smaller
        ([(20, 20)], False),
    ],
)
def test_whether_a_model_still_fits_the_boxes(now, fits):
    assert still_fit([(20, 20), (40, 40)], np.array(now, float)) == fits


@pytest.mark.parametrize(
    ("least", "most", "levels"),
    [(10, 10, 1), (10, 19, 1), (10, 21, 2), (10, 79, 3), (10, 150, 4), (1, 999, 4)],
)
def test_a_level_for_each_doubling(least, most, levels):
    assert pyramid_levels(np.repeat([least, most], 100).astype(float)) == levels


def test_anchors_double_from_level_to_level():
    sizes = np.array(anchor_sizes(np.repeat([10.0, 40.0], 50), 3))
    assert sizes.shape == (3, 3) and sizes[0, 0] == pytest.approx(10 * 2 ** (1 / 12), abs=0.01)
    np.testing.assert_allclose(sizes.ravel()[1:] / sizes.ravel()[:-1], 2 ** (1 / 3), rtol=1e-2)


def test_there_is_an_anchor_wherever_a_cell_may_be():
    assert anchor_sizes(np.ones(5), 1, least=4)[0][0] == 4


def of_ellipses(count: int = 16, seed: int = 0) -> tuple[Image, Boxes]:
    """An image of ellipses in rows of four, each of another size, and their boxes."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((60 * count // 4, 240))
    array, boxes = random.normal(100, 4, rows.shape), []
    for number in range(count):
        middle = 60 * np.array([number // 4, number % 4]) + 30
        half = random.uniform(9, 20, 2)
        array += 90 * (np.hypot((rows - middle[0]) / half[0], (columns - middle[1]) / half[1]) <= 1)
        boxes.append([*(middle - half), *(middle + half)])
    return Image(PlaneRef("ellipses"), array), Boxes(boxes, classes="cell")


def test_sizes_of_points_from_the_image():
    image, cells = of_ellipses(40)
    boxed, pointed = cells.take(np.arange(40) < 28), cells.take(np.arange(40) >= 28)
    given = [TrainingImage(image, HintSet(boxes=boxed))]
    plain = class_sizes(given, ("cell",), StochasticBoxesSettings())
    sizes = finish(with_sizes_from_images(plain, given, ("cell",), np.random.default_rng(0)))
    true = pointed.coordinates[:, 2:] - pointed.coordinates[:, :2]
    numbers = np.zeros(len(pointed), int)
    off, before = (
        np.abs(np.log(finish(s.of_points(image, pointed.centres, numbers)) / true)).mean()
        for s in (sizes, plain)
    )
    assert off < before / 2


def test_without_an_edge_the_class_tells_the_size():
    image, cells = of_ellipses()
    empty = Image(image.ref, np.random.default_rng(0).normal(100, 4, image.array.shape))
    given = [TrainingImage(empty, HintSet(boxes=cells))]
    plain = class_sizes(given, ("cell",), StochasticBoxesSettings())
    sizes = finish(with_sizes_from_images(plain, given, ("cell",), np.random.default_rng(0)))
    assert sizes.reader is None
    np.testing.assert_array_equal(
        finish(sizes.of_points(empty, cells.centres, np.zeros(len(cells), int))),
        plain.stochastic.repeat(len(cells), 0),
    )


def test_boxes_at_the_edge_do_not_teach_sizes():
    image, _ = of_ellipses()
    height, width = image.height, image.width
    cut = [
        (-0.5, 20, 20, 50),
        (30, -0.5, 60, 20),
        (height - 30, 9, height - 0.5, 40),
        (9, 200, 50, width - 0.5),
    ]
    given = [TrainingImage(image, HintSet(boxes=Boxes(cut * 5, classes="cell")))]
    plain = class_sizes(given, ("cell",), StochasticBoxesSettings())
    assert finish(with_sizes_from_images(plain, given, ("cell",), np.random.default_rng(0))).reader is None
