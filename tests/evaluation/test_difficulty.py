from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import HintError
from napari_inkling.evaluation import difficulty
from tests.evaluation.label_images import random_pair


def test_one_dark_pixel():
    image, labels = np.full((9, 9), 40, np.uint8), np.zeros((9, 9), int)
    image[4, 4], labels[4, 4] = 10, 5
    image[0, 0] = image[1, 4] = 180  # (1, 4) is 3 pixels away and in the ring, one of 28
    told = difficulty(image, labels)
    assert told.background_difference == pytest.approx((27 * 40 + 180) / 28 - 10)
    assert told.deviation == 0
    assert told.to_dict() == {"nuclei_bg_diff": pytest.approx(35), "nuclei_std": 0}


def test_nuclei_count_by_area():
    image, labels = np.zeros((20, 40)), np.zeros((20, 40), int)
    image[5, 5:8], labels[5, 5:8] = (1, 2, 3), 1  # mean 2, deviation √(2/3), area 3
    image[12, 30], labels[12, 30] = -6, 2  # area 1
    told = difficulty(image, labels)
    assert told.background_difference == pytest.approx((3 * 2 + 1 * 6) / 4)
    assert told.deviation == pytest.approx(3 * np.sqrt(2 / 3) / 4)


def by_loops(image, labels):
    """Every nucleus against every pixel."""
    pixels = image.reshape(*labels.shape, -1).astype(float)
    y, x = np.indices(labels.shape)
    total = differences = deviations = 0.0
    for label in np.unique(labels[labels > 0]):
        nucleus = labels == label
        distance = np.min([np.hypot(y - cy, x - cx) for cy, cx in np.argwhere(nucleus)], axis=0)
        ring = (distance > 0) & (distance <= 3)
        total += nucleus.sum()
        differences += nucleus.sum() * abs(pixels[nucleus].mean(0) - pixels[ring].mean(0)).mean()
        deviations += nucleus.sum() * pixels[nucleus].std(0).mean()
    return differences / total, deviations / total


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
@pytest.mark.parametrize("seed", range(12))
def test_equals_brute_force(seed, channels):
    _, labels = random_pair(seed)
    if not labels.any():
        labels[2:4, 3] = 1
    image = np.random.default_rng(seed).integers(0, 2**16, (*labels.shape, *channels), dtype=np.uint16)
    told = difficulty(image, labels)
    assert (told.background_difference, told.deviation) == pytest.approx(by_loops(image, labels))


def test_without_nuclei_or_without_background_nothing_is_defined():
    image = np.arange(12.0).reshape(3, 4)
    nothing = difficulty(image, np.zeros((3, 4), int))
    assert nothing.to_dict() == {"nuclei_bg_diff": None, "nuclei_std": None}
    everything = difficulty(image, np.ones((3, 4), int))
    assert everything.to_dict() == {"nuclei_bg_diff": None, "nuclei_std": pytest.approx(image.std())}


@pytest.mark.parametrize("shape", [(4, 3), (3, 4, 2, 2), (3,)])
def test_other_shapes_are_named(shape):
    with pytest.raises(HintError, match=r"the labels have shape \(3, 4\), the image \("):
        difficulty(np.zeros(shape), np.zeros((3, 4), int))
