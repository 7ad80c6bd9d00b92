from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import Image, PlaneRef
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.resampling import Resampler, resample, resampled_size
from napari_inkling.training.working_image import Window, WorkingImage, windows

SIZES = [(1, 1.0), (1, 0.3), (2, 0.5), (7, 0.5), (64, 0.5), (101, 0.37), (33, 1.0), (20, 1.7), (5, 3.0)]
PLAIN = Intensity(mean=(0.0,), deviation=(1.0,))


def working(array: np.ndarray, scale: float) -> WorkingImage:
    return WorkingImage(Image(PlaneRef("drawn"), array.astype(np.float32)), scale, PLAIN)


@pytest.mark.parametrize(("size", "scale", "out"), [(10, 0.5, 5), (10, 0.01, 1), (7, 2, 14), (3, 0.4, 1)])
def test_size(size, scale, out):
    assert resampled_size(size, scale) == out


@pytest.mark.parametrize(("size", "scale"), SIZES)
def test_weights_of_an_output_sum_to_one(size, scale):
    axis = Resampler(size, scale)
    matrix = axis.matrix(0, axis.out)
    assert matrix.shape == (axis.out, size)
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-6)


def test_halving_by_hand():
    # Output i is centred between inputs 2i and 2i + 1: a triangle of half-width 2 weighs them ¾, the next ¼.
    expected = np.array([[3, 3, 1, 0, 0, 0], [0, 1, 3, 3, 1, 0], [0, 0, 0, 1, 3, 3]], float)
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(Resampler(6, 0.5).matrix(0, 3).toarray(), expected, atol=1e-6)


def test_doubling_by_hand():
    # Outputs lie at -¼, ¼, ¾, 1¼ of the input.
    np.testing.assert_allclose(
        Resampler(2, 2).matrix(0, 4).toarray(), [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]], atol=1e-6
    )


def test_scale_1_changes_nothing():
    array = np.random.default_rng(0).normal(size=(13, 9)).astype(np.float32)
    axes = Resampler(13, 1), Resampler(9, 1)
    same = resample(array[..., None], axes[0].matrix(0, 13), axes[1].matrix(0, 9))
    np.testing.assert_allclose(same[..., 0], array, atol=1e-6)
    np.testing.assert_array_equal(working(array, 1).read(Window(2, 9, 0, 5))[0], array[2:9, :5])


@pytest.mark.parametrize("scale", [0.23, 0.5, 0.77, 1.6])
@pytest.mark.parametrize("side", [7, 16])
def test_tiles_equal_the_whole(scale, side):
    image = working(np.random.default_rng(0).normal(size=(75, 61)), scale)
    whole = image.read(image.whole)
    for window in windows(image.shape, side):
        part = whole[:, window.top : window.bottom, window.left : window.right]
        np.testing.assert_allclose(image.read(window), part, atol=1e-6)


@pytest.mark.parametrize("scale", [0.3, 0.5, 2.5])
def test_constants_stay(scale):
    image = working(np.full((31, 40), 7.25), scale)
    np.testing.assert_allclose(image.read(image.whole), 7.25, rtol=1e-6)


@pytest.mark.parametrize("scale", [0.2, 0.5, 1.5])
def test_the_mean_is_kept(scale):
    rows, columns = np.indices((120, 90))
    smooth = 10 + np.sin(rows / 9) + np.cos(columns / 11)
    image = working(smooth, scale)
    assert image.read(image.whole).mean() == pytest.approx(smooth.mean(), rel=0.01)


@pytest.mark.parametrize(("size", "scale"), SIZES)
def test_coordinates_go_there_and_back(size, scale):
    axis = Resampler(size, scale)
    places = np.linspace(-0.5, size - 0.5, 7)
    np.testing.assert_allclose(axis.to_input(axis.to_output(places)), places, atol=1e-9)
    np.testing.assert_allclose(axis.to_output(np.array([-0.5, size - 0.5])), [-0.5, axis.out - 0.5])


def test_a_blob_stays_at_its_place():
    rows, columns = np.indices((80, 100))
    image = working(np.exp(-((rows - 30) ** 2 + (columns - 61) ** 2) / 50), 0.4)
    small = image.read(image.whole)[0]
    peak = np.array([np.unravel_index(small.argmax(), small.shape)], float)
    assert np.abs(image.to_image(peak) - (30, 61)).max() <= 1.25  # half a working pixel
    np.testing.assert_allclose(image.to_working(image.to_image(peak)), peak)


def test_windows_cover_all_once():
    count = np.zeros((37, 50), int)
    for window in windows(count.shape, 16):
        count[window.top : window.bottom, window.left : window.right] += 1
    assert (count == 1).all()


def test_windows_hold_points_on_their_pixels():
    places = np.array([[3.4, 3.6], [7.6, 4.0], [-0.4, 5.0], [4.0, 3.4]])
    assert Window(0, 8, 4, 6).holds(places).tolist() == [True, False, True, False]
    assert Window(0, 8, 4, 6).holds(np.empty((0, 2))).tolist() == []


def test_an_image_is_seen_in_its_own_range():
    array = np.tile(np.array([90, 130], np.float32), (65, 32))
    seen = Intensity(mean=(100.0,), deviation=(20.0,), own=True)
    working = WorkingImage(Image(PlaneRef("drawn"), array), 1.0, seen)
    np.testing.assert_allclose(working.read(Window(0, 1, 0, 4)), [[[-1, 1, -1, 1]]], rtol=1e-3)
