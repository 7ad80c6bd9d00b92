from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_inkling.supervision.gaussian_masks import IGNORE
from napari_inkling.supervision.heat_maps import heat_map
from napari_inkling.supervision.losses import weighted_mse


def brute_force(shape, cells, background, sigma, radius) -> np.ndarray:
    """Pixel by pixel: the nearest cell counts, then the nearest background."""
    result = np.full(shape, IGNORE)
    for y, x in np.ndindex(shape):
        to_cell = min((np.hypot(y - cy, x - cx) for cy, cx in cells), default=np.inf)
        to_background = min((np.hypot(y - by, x - bx) for by, bx in background), default=np.inf)
        if to_cell < radius:
            result[y, x] = np.exp(-(to_cell**2) / (2 * sigma**2))
        elif to_background < radius:
            result[y, x] = 0
    return result


PLACES = {
    "none": ([], []),
    "between pixels": ([(5.3, 7.75)], []),
    "at the border": ([(0, 0), (19, 29.4)], [(19, 0), (-0.5, 15)]),
    "off the image": ([(-2, 4), (40, 40)], [(25, 31), (-30, -30)]),
    "one beside the other": ([(8, 8), (9.5, 11)], []),
    "background overlaps a cell": ([(10, 10)], [(10, 13)]),
    "background on a cell": ([(10, 10)], [(10, 10)]),
    "only background": ([], [(3, 4)]),
    "many": (
        np.random.default_rng(0).uniform(-3, 33, (9, 2)),
        np.random.default_rng(1).uniform(-3, 33, (9, 2)),
    ),
}


@pytest.mark.parametrize(("cells", "background"), PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize(("sigma", "radius"), [(2.0, 4.0), (1.5, 5.5), (6.0, 0.4)])
def test_against_brute_force(cells, background, sigma, radius):
    found = heat_map((20, 30), cells, sigma=sigma, radius=radius, background=background)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, brute_force((20, 30), cells, background, sigma, radius), atol=1e-6)


def test_by_hand():
    # σ = 2: exp(-1/8) = .8825, exp(-4/8) = .6065; a disk of 3 is nearer than 3
    found = heat_map((1, 9), [(0, 1)], sigma=2, radius=3, background=[(0, 5)])
    np.testing.assert_allclose(found, [[0.8825, 1, 0.8825, 0.60653, 0, 0, 0, 0, IGNORE]], atol=1e-4)


@pytest.mark.parametrize(("sigma", "radius"), [(0, 3), (2, 0), (-1, 3), (np.nan, 3), (2, np.nan)])
def test_widths_are_positive(sigma, radius):
    with pytest.raises(ValueError, match="expected positive numbers of pixels"):
        heat_map((4, 4), [(1, 1)], sigma=sigma, radius=radius)


def test_places_are_finite():
    with pytest.raises(ValueError, match=r"place 1 is at \(2.0, nan\)"):
        heat_map((4, 4), [(1, 1), (2, np.nan)], sigma=2, radius=4)


def test_a_foreground_weight_of_one_is_the_masked_loss():
    """Mean squared error over the disks, as the paper masks it; nothing is learnt elsewhere."""
    target = heat_map((20, 30), [(5, 5)], sigma=2, radius=4, background=[(12, 20)])
    logits = torch.randn(1, 1, 20, 30, requires_grad=True)
    loss = weighted_mse(logits, torch.tensor(target)[None, None], foreground_weight=1)
    loss.backward()
    disks = target != IGNORE
    squared = (logits.detach().sigmoid()[0, 0].numpy() - target)[disks] ** 2
    assert loss.item() == pytest.approx(squared.mean(), rel=1e-5)
    np.testing.assert_array_equal(logits.grad[0, 0].numpy() != 0, disks)
