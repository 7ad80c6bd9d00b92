from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.training.peaks import component_centroids, distances, local_maxima, peak_margin


def blobs(*centres: tuple[float, float], shape=(60, 70), sigma=3.0) -> np.ndarray:
    rows, columns = np.indices(shape)
    heights = [np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * sigma**2)) for y, x in centres]
    return np.max([np.zeros(shape), *heights], axis=0).astype(np.float32)


@pytest.mark.parametrize(
    "centres",
    [
        [],
        [(20, 30)],
        [(20, 30), (20, 39)],  # touching
        [(0, 0), (59, 69), (30, 0)],  # at the border
    ],
)
def test_each_blob_has_a_peak(centres):
    places, heights = local_maxima(blobs(*centres), distance=3, threshold=0.3)
    assert sorted(map(tuple, places.round(1).tolist())) == sorted(
        map(tuple, np.array(centres, float).tolist())
    )
    assert ((heights > 0.5) & (heights <= 1)).all()


def test_the_threshold_is_inclusive_of_the_smoothed_height():
    probability = blobs((20, 30))
    height = local_maxima(probability, 3, 0.1)[1][0]
    assert len(local_maxima(probability, 3, float(height))[0]) == 1
    assert len(local_maxima(probability, 3, float(height) + 1e-3)[0]) == 0


def test_of_two_nearer_than_the_distance_the_higher_stays():
    probability = blobs((20, 30), sigma=2) + 0.5 * blobs((20, 38), sigma=2)
    assert len(local_maxima(probability, 4, 0.2)[0]) == 2
    np.testing.assert_allclose(local_maxima(probability, 9, 0.2)[0], [[20, 30]])


def test_a_plateau_counts_once():
    probability = np.zeros((40, 40), np.float32)
    probability[5:30, 8:33] = 1
    np.testing.assert_allclose(local_maxima(probability, 3, 0.5)[0], [[17, 20]])


@pytest.mark.parametrize("value", [0.0, 0.1, 0.3333, 0.7, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (64, 48), (201, 333)])
def test_a_constant_map_has_one_peak_at_most(value, shape):
    assert len(local_maxima(np.full(shape, value, np.float32), 3, 0.3)[0]) == int(value > 0.3)


def test_rounding_makes_no_thousand_peaks_of_a_flat_map():
    flat = 0.5 + np.random.default_rng(0).choice([0, 6e-8], (200, 200))
    assert len(local_maxima(flat.astype(np.float32), 5, 0.3)[0]) < 200 * 200 / 5**2


def test_a_margin_decides_like_the_whole():
    probability = np.random.default_rng(0).uniform(size=(80, 80)).astype(np.float32)
    distance, margin = 3, peak_margin(3)
    whole = {
        tuple(p) for p in local_maxima(probability, distance, 0.2)[0] if (p >= 30).all() and (p < 50).all()
    }
    cut = slice(30 - margin, 50 + margin)
    part, _ = local_maxima(probability[cut, cut], distance, 0.2)
    part = part + (30 - margin)
    assert {tuple(p) for p in part if (p >= 30).all() and (p < 50).all()} == whole and whole


def test_centroids_of_components():
    probability = np.zeros((20, 20), np.float32)
    probability[2:6, 3:7] = 0.6
    probability[3, 4] = 0.9
    probability[12:14, 12:14] = 0.8  # 4 pixels: too small
    places, highest = component_centroids(probability, 0.5, smallest_area=5)
    np.testing.assert_allclose(places, [[3.5, 4.5]])
    np.testing.assert_allclose(highest, [0.9], rtol=1e-6)
    assert component_centroids(probability, 0.95, 1)[0].shape == (0, 2)


@pytest.mark.parametrize(
    ("places", "others", "expected"),
    [
        ([(0, 0), (3, 4)], [(0, 0), (3, 0)], [0, 4]),
        ([(1, 1)], np.empty((0, 2)), [np.inf]),
        (np.empty((0, 2)), [(1, 1)], []),
    ],
)
def test_distances_to_the_nearest(places, others, expected):
    assert distances(np.array(places, float), np.array(others, float)).tolist() == expected
