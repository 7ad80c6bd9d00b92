"""Measurements of drawn cells, by hand and against one call of skimage for each cell."""

from __future__ import annotations

import io

import numpy as np
import pytest
from skimage.measure import regionprops

from napari_inkling.core import Image, Masks, PlaneRef
from napari_inkling.evaluation import measurements
from napari_inkling.evaluation.measurements import measure, measuring, remeasuring, write_measurements

A = PlaneRef("a")


def image(pixels: np.ndarray, size: float | None = None) -> Image:
    return Image(A, pixels, size)


def test_two_cells_by_hand():
    pixels = np.arange(20.0).reshape(4, 5)
    labels = np.array([[1, 1, 0, 0, 0], [1, 1, 0, 0, 2], [0, 0, 0, 0, 2], [0, 0, 0, 0, 2]])
    masks = Masks.from_labels(labels, classes=["a", "b"], scores=[0.5, 1], sources=["accepted", "human"])
    found = measure(masks, image(pixels, 0.5)).columns
    assert list(found) == ["id", "class", "source", "score", "y_px", "x_px", "area_px", "area_um2",
                           "eccentricity", "mean_intensity"]  # fmt: skip
    assert found["id"].tolist() == masks.ids.tolist()
    assert (found["class"].tolist(), found["source"].tolist()) == (["a", "b"], ["accepted", "human"])
    assert (found["y_px"].tolist(), found["x_px"].tolist()) == ([0.5, 2], [0.5, 4])
    assert (found["area_px"].tolist(), found["area_um2"].tolist()) == ([4, 3], [1, 0.75])
    assert found["mean_intensity"].tolist() == [3, 14]  # (0 + 1 + 5 + 6) / 4, (9 + 14 + 19) / 3
    assert found["eccentricity"].tolist() == [0, 1]  # a square and a line


def test_without_a_pixel_size_and_with_channels():
    pixels = np.zeros((3, 3, 3), np.uint8)
    pixels[1, 1] = (10, 20, 30)
    found = measure(Masks.from_crops([(1, 1)], [np.ones((1, 1))]), image(pixels))
    assert "area_um2" not in found.columns
    assert [found.columns[f"mean_intensity_{i}"][-1] for i in (1, 2, 3)] == [10, 20, 30]


def test_channels_with_names():
    pixels = np.array([[[10, 20]]], np.uint16)
    one = Masks.from_crops([(0, 0)], [np.ones((1, 1))])
    named = measure(one, Image(A, pixels, None, ("DAPI", "Ki-67"))).columns
    assert (named["mean_intensity_DAPI"][0], named["mean_intensity_Ki-67"][0]) == (10, 20)
    assert "mean_intensity_1" not in named
    grey = measure(one, Image(A, pixels[..., 0], None, ("DAPI",))).columns
    assert grey["mean_intensity"] == [10]


def test_nothing_is_taken_over_from_an_image_with_other_channels():
    pixels, one = np.array([[[10, 20]]], np.uint16), Masks.from_crops([(0, 0)], [np.ones((1, 1))])
    before = measure(one, Image(A, pixels))
    work = remeasuring(one, Image(A, pixels * 2, None, ("a", "b")), one, before)
    with pytest.raises(StopIteration) as end:
        while True:
            next(work)
    assert end.value.value.columns["mean_intensity_b"] == [40]


def random_masks(count: int, shape: tuple[int, int], seed: int = 0) -> Masks:
    """Masks of any shape that overlap each other and the image's lower and right edge."""
    random = np.random.default_rng(seed)
    crops = [random.random((random.integers(1, 12), random.integers(1, 12))) < 0.7 for _ in range(count)]
    for crop in crops:
        crop[0, 0] = True
    return Masks.from_crops(random.integers(0, shape, (count, 2)), crops)


@pytest.mark.parametrize("piece", [1, 7, 100])
@pytest.mark.parametrize("channels", [1, 2])
def test_overlapping_cells_against_skimage(monkeypatch, piece, channels):
    monkeypatch.setattr(measurements, "PIECE", piece)
    shape = (60, 80)
    pixels = np.random.default_rng(1).integers(0, 4000, (*shape, channels), dtype=np.uint16)
    masks = random_masks(60, shape)
    found = measure(masks, image(pixels)).columns
    for i, (y0, x0, y1, x1) in enumerate(masks.coordinates.astype(int).tolist()):
        one = np.zeros((y1, x1), int)
        one[y0:, x0:] = masks.crop(i)
        one = one[: shape[0], : shape[1]]
        (region,) = regionprops(one, pixels[: one.shape[0], : one.shape[1]])
        assert found["area_px"][i] == region.area
        assert (found["y_px"][i], found["x_px"][i]) == pytest.approx(region.centroid)
        assert found["eccentricity"][i] == pytest.approx(region.eccentricity, abs=1e-6)
        means = [found[name][i] for name in found if name.startswith("mean_intensity")]
        assert means == pytest.approx(np.atleast_1d(region.intensity_mean).tolist())


def test_a_mask_outside_of_the_image():
    masks = Masks.from_crops([(0, 0), (50, 50)], [np.ones((2, 2)), np.ones((2, 2))])
    found = measure(masks, image(np.zeros((10, 10)))).columns
    assert found["area_px"].tolist() == [4, 0]
    assert np.isnan(found["y_px"][1]) and np.isnan(found["eccentricity"][1])


def test_reads_only_where_the_masks_are():
    class Watched:
        shape, dtype = (100_000, 100_000), np.dtype(np.uint8)

        def __init__(self):
            self.read = []

        def __getitem__(self, key):
            self.read.append(key)
            return np.zeros([part.stop - part.start for part in key], np.uint8)

    watched = Watched()
    masks = Masks.from_crops([(20, 30), (90_000, 40)], [np.ones((3, 4)), np.ones((2, 2))])
    assert list(measuring(masks.take([0]), Image(A, watched))) == [1]
    assert watched.read == [(slice(20, 23), slice(30, 34))]


def test_pieces_tell_how_far_it_is():
    masks = random_masks(250, (500, 500))
    assert list(measuring(masks, image(np.zeros((500, 500))))) == [100, 200, 250]


@pytest.mark.parametrize("pixels", [np.zeros((4, 4), bool), np.zeros((4, 4), np.float32)])
def test_nothing_and_any_pixels(pixels):
    assert len(measure(Masks(), image(pixels))) == 0
    assert measure(Masks.from_labels(np.eye(4, dtype=int)), image(pixels)).columns["area_px"].tolist() == [4]


def test_csv():
    masks = Masks.from_crops([(1, 2)], [np.ones((2, 2))], ids=[7], classes="round, dark")
    outside = Masks.from_crops([(9, 9)], [np.ones((1, 1))], ids=[9])
    file = io.StringIO()
    tables = [
        ("a", measure(masks, image(np.full((5, 5), 2), 2.0))),
        ("b", measure(outside, image(np.zeros((5, 5, 2))))),
    ]
    assert write_measurements(file, tables) == 2
    assert file.getvalue().splitlines() == [
        "image,id,class,source,score,y_px,x_px,area_px,area_um2,eccentricity,mean_intensity,"
        "mean_intensity_1,mean_intensity_2",
        'a,7,"round, dark",human,1,1.5,2.5,4,16,0,2,,',
        "b,9,cell,human,1,,,0,,,,,",
    ]


def test_csv_of_nothing():
    file = io.StringIO()
    assert write_measurements(file, []) == 0
    assert file.getvalue() == "image\n"


def test_what_is_known_is_taken_over():
    """Of 50 masks 10 go, 5 come first of all, and one is reclassed: as if all were measured anew."""
    pixels = image(np.random.default_rng(1).integers(0, 200, (60, 80), dtype=np.uint8))
    before = random_masks(50, (60, 80))
    known = measure(before, pixels)
    kept = before.take(np.arange(10, 50)[::-1])
    now = Masks.concatenate([random_masks(5, (60, 80), 3), kept])
    now = Masks.concatenate([now.take(range(44)), now.take([44]).changed(classes="other")])
    work, steps = remeasuring(now, pixels, before, known), []
    with pytest.raises(StopIteration) as end:
        while True:
            steps.append(next(work))
    assert steps == [45]  # 39 known, 6 measured
    anew = measure(now, pixels)
    for name, column in end.value.value.columns.items():
        if column.dtype.kind == "f":
            np.testing.assert_allclose(column, anew.columns[name], rtol=1e-12)
        else:
            assert column.tolist() == anew.columns[name].tolist()
    assert list(end.value.value.columns) == list(anew.columns)
