from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.supervision import extended_gaussian_mask, nearest_point
from napari_inkling.training.peaks import local_maxima
from napari_inkling.training.pixel_classifier import PixelClassifier, pixel_features
from tests.methods.drawing import CENTRES, RADIUS, tissue


def pixels(channels: int, seed: int = 0) -> np.ndarray:
    array = tissue(channels, seed=seed).astype(np.float32).reshape(104, 104, channels)
    return ((array - array.mean()) / array.std()).transpose(2, 0, 1)


def mask(count: int) -> np.ndarray:
    return extended_gaussian_mask(nearest_point(CENTRES[:count], (104, 104)).distance, RADIUS)[np.newaxis]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_few_clicks_find_the_other_cells(channels):
    classifier = PixelClassifier.fit([pixels(channels)], [mask(4)], np.random.default_rng(0))
    assert classifier is not None
    probability = classifier.probability(pixels(channels, seed=1))
    assert probability.shape == (1, 104, 104) and probability.dtype == np.float32
    places, _ = local_maxima(probability[0], 3, 0.6)
    distance = np.hypot(*(CENTRES[:, None] - places[None]).transpose(2, 0, 1))
    assert (distance.min(1) < RADIUS / 2).all()  # each cell is found
    assert len(places) == len(CENTRES)


@pytest.mark.parametrize("known", [-1.0, 0.0, 1.0])
def test_pixels_of_one_kind_teach_nothing(known):
    target = np.full((1, 104, 104), known, np.float32)
    assert PixelClassifier.fit([pixels(1)], [target], np.random.default_rng(0)) is None


def test_ignored_pixels_do_not_count():
    image = pixels(1)
    spoilt = np.where(mask(4) == -1, 100, image).astype(np.float32)
    one, other = (
        PixelClassifier.fit([p], [np.where(mask(4) > 0.5, 1, mask(4))], np.random.default_rng(0))
        for p in (image, image.copy())
    )
    assert np.array_equal(one.probability(spoilt), other.probability(spoilt))


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 7), (3, 40, 30)])
def test_features_of_any_size(shape):
    features = pixel_features(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    assert features.shape == (3 * (3 * shape[0] + 2), *shape[1:])
    assert np.isfinite(features).all()


def test_features_of_a_constant_image_are_its_value_and_zeros():
    features = pixel_features(np.full((1, 20, 20), 2, np.float32))
    np.testing.assert_allclose(features[0], 2, rtol=1e-5)
    np.testing.assert_allclose(features[1:5], 0, atol=1e-3)  # the kernels are cut off at 4 σ


def test_classes_are_told_apart():
    image = pixels(1)
    image[:, :, 52:] *= 0.5  # the cells of the two right columns are darker
    cells = np.array([(12, 14), (36, 40), (12, 66), (36, 90)])
    each = [
        extended_gaussian_mask(nearest_point(cells[rows], (104, 104)).distance, RADIUS)
        for rows in (slice(2), slice(2, 4))
    ]
    target = np.stack([np.where(other > 0, 0, own) for own, other in (each, each[::-1])])
    classifier = PixelClassifier.fit([image], [target], np.random.default_rng(0))
    probability = classifier.probability(image)
    assert probability.shape == (2, 104, 104)
    assert (probability.min(0) == 0).all()  # one class each
    y, x = CENTRES.astype(int).T
    assert (probability.max(0)[y, x] > 0.6).all()
    assert np.array_equal(probability[:, y, x].argmax(0), (x > 52).astype(int))


def test_classes_without_background_teach_nothing():
    target = np.zeros((2, 104, 104), np.float32)
    target[0, :50] = target[1, 50:] = 1
    assert PixelClassifier.fit([pixels(1)], [target], np.random.default_rng(0)) is None


def test_a_class_that_no_field_shows_is_never_named():
    target = np.concatenate([np.where(mask(4) == -1, -1, 0), mask(4)])
    classifier = PixelClassifier.fit([pixels(1)], [target], np.random.default_rng(0))
    probability = classifier.probability(pixels(1))
    assert (probability[0] == 0).all() and probability[1].max() > 0.6
