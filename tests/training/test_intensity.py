from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import Image, ImageError, PlaneRef
from napari_inkling.training.intensity import Intensity, sample_pixels, working_channels


def image(array: np.ndarray, name: str = "drawn") -> Image:
    return Image(PlaneRef(name), array)


def test_mean_and_deviation_by_hand():
    # 0, 2, 4, 6: mean 3, deviation √5
    found = Intensity.of([image(np.array([[0, 2], [4, 6]], np.uint8))])
    assert found.mean == (3,) and found.deviation == pytest.approx((5**0.5,))
    np.testing.assert_allclose(
        found.apply(np.array([[[3]], [[8]]], np.uint8))[:, 0, 0], [0, 5**0.5], rtol=1e-6
    )


def test_images_count_alike():
    found = Intensity.of([image(np.zeros((50, 50)), "large"), image(np.array([[8.0, 12.0]]), "small")])
    assert found.mean == (5,) and found.deviation == (1,)


SEEN = Intensity(mean=(100.0,), deviation=(20.0,), own=True)


@pytest.mark.parametrize(
    ("values", "mean", "deviation"),
    [
        ((90, 130), 110, 20),  # its own: 110 ± 20
        ((150, 170), 130, 10),  # 160 is more than 1.5 · 20 away; 10 is half of 20
        ((0, 200), 100, 40),  # 100 ± 100: more than twice as wide
        ((60, 60), 70, 10),  # an empty image stays nearly empty
    ],
)
def test_the_range_of_one_image_stays_near_that_of_all(values, mean, deviation):
    drawn = image(np.tile(np.array(values, np.uint8), (65, 32)))
    found = SEEN.of_image(drawn)
    assert (found.mean, found.deviation) == (pytest.approx((mean,)), pytest.approx((deviation,), rel=1e-3))
    plain = SEEN.model_copy(update={"own": False})
    assert plain.of_image(drawn) == plain


@pytest.mark.parametrize(
    ("deviations", "own", "seen"),
    [
        ((20, 20), 5, 20 / 1.4),  # the training images are alike: one that is much fainter has hardly a cell
        ((20, 20), 16, 16),
        ((16, 24), 5, 16 / 1.4),
        ((4, 36), 5, 10),  # they differ, but half is the limit
        ((20, 20), 60, 40),
    ],
)
def test_no_image_is_seen_as_if_it_were_much_fainter_than_the_training_images(deviations, own, seen):
    def drawn(deviation, name="drawn"):
        return image(np.tile([100.0 - deviation, 100.0 + deviation], (65, 32)), name)

    learnt = Intensity.of([drawn(deviation, str(n)) for n, deviation in enumerate(deviations)], own=True)
    assert learnt.deviation == (20,)
    assert learnt.of_image(drawn(own)).deviation == pytest.approx((seen,))


@pytest.mark.parametrize(
    ("shape", "dtype", "channels"),
    [
        ((4, 5), np.uint8, 1),
        ((4, 5, 3), np.uint8, 3),
        ((4, 5, 4), np.uint8, 3),  # RGBA
        ((4, 5, 4), np.uint16, 4),
        ((4, 5, 5), np.float32, 5),
    ],
)
def test_channels(shape, dtype, channels):
    drawn = image(np.ones(shape, dtype))
    assert working_channels(drawn) == channels
    found = Intensity.of([drawn])
    assert found.channels == channels
    assert found.apply(drawn.read()).shape == (4, 5, channels)
    found.check(drawn)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.int32, np.float16, np.float64])
def test_types_of_pixels(dtype):
    values = np.random.default_rng(0).uniform(0, 1 if dtype is bool else 100, (30, 30)).round().astype(dtype)
    applied = Intensity.of([image(values)]).apply(values[..., None])
    assert applied.dtype == np.float32
    assert applied.mean() == pytest.approx(0, abs=1e-3) and applied.std() == pytest.approx(1, rel=1e-3)


def test_what_is_not_finite_becomes_the_mean():
    array = np.array([[1.0, 3.0], [np.nan, np.inf], [-np.inf, 2.0]])
    found = Intensity.of([image(array)])
    assert found.mean == (2,)
    np.testing.assert_array_equal(found.apply(array[..., None])[:, :, 0] == 0, array != [[1, 3]] * 3)


def test_a_channel_without_a_finite_value():
    array = np.ones((4, 4, 2))
    array[..., 1] = np.nan
    found = Intensity.of([image(array)])
    assert found.mean == (1, 0) and found.deviation == (1, 1)
    assert np.isfinite(found.apply(array)).all()


def test_a_constant_image_is_zero():
    array = np.full((5, 5, 1), 40000, np.uint16)
    found = Intensity.of([image(array)])
    assert found.deviation == (1,) and not found.apply(array).any()


def test_images_of_one_training_need_the_same_channels():
    with pytest.raises(ImageError, match="second has 3 channels, but the others have 1"):
        Intensity.of([image(np.ones((4, 4)), "first"), image(np.ones((4, 4, 3)), "second")])


def test_the_model_refuses_other_channels():
    with pytest.raises(ImageError, match="drawn has 2 channels, but the model was trained on 1"):
        Intensity(mean=(0,), deviation=(1,)).check(image(np.ones((4, 4, 2))))


def test_an_image_without_a_finite_pixel_is_refused():
    with pytest.raises(ImageError, match="drawn has no finite pixel"):
        Intensity.of([image(np.full((4, 4), np.nan))])


def test_large_images_are_sampled():
    class Counting:
        shape, dtype, pixels = (4096, 4096), np.dtype(np.uint8), 0

        def __getitem__(self, key):
            part = np.zeros((len(range(*key[0].indices(4096))), len(range(*key[1].indices(4096)))), np.uint8)
            self.pixels += part.size
            return part

    array = Counting()
    assert len(sample_pixels(Image(PlaneRef("large"), array))) == array.pixels <= 2**20
