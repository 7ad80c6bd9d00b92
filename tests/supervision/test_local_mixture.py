from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.supervision import local_mixture_label, nearest_point, voronoi_cells

POINTS = np.array([(y, x) for y in range(12, 100, 24) for x in range(12, 100, 24)], float)
SHAPE = (96, 96)
R1 = 5.0


def nuclei(radii=R1, dark=(0.3, 0.2, 0.5), bright=(0.9, 0.7, 0.8), points=POINTS, noise=0.04) -> np.ndarray:
    """Disks on a ground, (Y, X, C); radii and colours for each or for all."""
    near = nearest_point(points, SHAPE)
    inside = near.distance < np.broadcast_to(radii, len(points))[near.index]
    colours = np.broadcast_to(dark, (len(points), len(bright)))[near.index]
    clean = np.where(inside[..., None], colours, np.array(bright))
    return clean + np.random.default_rng(0).normal(0, noise, clean.shape)


SIZES = np.where(np.arange(len(POINTS)) % 2, 3.5, 6.5)
COLOURS = np.array([(0.2, 0.1, 0.3), (0.65, 0.5, 0.6)])[np.arange(len(POINTS)) // 2 % 2]

# image, radius of each nucleus
IMAGES = {
    "alike": (nuclei(), R1),
    "small and large": (nuclei(SIZES), SIZES),
    "dark and pale": (nuclei(dark=COLOURS), R1),
    "bright on dark, grey": (nuclei(dark=(0.9,), bright=(0.1,))[..., 0], R1),
    "16-bit": (40000 * nuclei(dark=(0.8,), bright=(0.2,)), R1),
    "one channel of five": (nuclei(dark=(0.5, 0.5, 0.9, 0.5, 0.5), bright=(0.5, 0.5, 0.1, 0.5, 0.5)), R1),
    "no noise": (nuclei(noise=0), R1),
}


@pytest.mark.parametrize(("image", "radii"), IMAGES.values(), ids=IMAGES.keys())
def test_disks(image, radii):
    cells = voronoi_cells(POINTS, SHAPE)
    truth = cells.distance < np.broadcast_to(radii, len(POINTS))[cells.index]
    found = local_mixture_label(image, cells, R1)
    assert found.label.dtype == np.int8 and found.probability.dtype == np.float32
    known = found.label >= 0
    assert known.mean() > 0.85
    assert (found.label[known] == truth[known]).mean() > 0.99
    assert ((found.probability > 0.5) == truth).mean() > 0.96
    np.testing.assert_allclose(found.radii, np.broadcast_to(radii, len(POINTS)), atol=1.2)


def test_sizes_are_told_apart():
    radii = local_mixture_label(nuclei(SIZES), voronoi_cells(POINTS, SHAPE), R1).radii
    assert radii[SIZES > R1].min() > 1.2 * radii[SIZES < R1].max()


def test_what_looks_like_a_nucleus_without_a_point_is_ignored():
    few = np.delete(POINTS, 5, axis=0)
    label = local_mixture_label(nuclei(), voronoi_cells(few, SHAPE), R1).label
    around = np.hypot(*(np.indices(SHAPE) - POINTS[5][:, None, None])) < 3
    assert (label[around] == -1).all()


def test_clicks_on_background_are_certain():
    cells, click = voronoi_cells(np.delete(POINTS, 5, axis=0), SHAPE), POINTS[5]
    found = local_mixture_label(nuclei(), cells, R1, background=[click])
    assert found.label[tuple(click.astype(int))] == 0
    assert (found.label[cells.distance == 0] == 1).all()


def test_points_are_certain_even_where_colour_says_nothing():
    cells = voronoi_cells(POINTS, SHAPE)
    found = local_mixture_label(np.zeros(SHAPE), cells, R1)
    assert (found.label[cells.distance == 0] == 1).all()
    assert not (found.label[cells.distance > 1.5 * R1] == 1).any()


def test_unit_and_order_of_features_do_not_matter():
    cells = voronoi_cells(POINTS, SHAPE)
    first = local_mixture_label(nuclei(), cells, R1).probability
    other = local_mixture_label(nuclei()[..., ::-1] * 255 - 30, cells, R1).probability
    np.testing.assert_allclose(other, first, atol=1e-2)


def test_the_same_seed_gives_the_same_label():
    cells = voronoi_cells(POINTS, SHAPE)
    one, two = (local_mixture_label(nuclei(), cells, R1, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.probability, two.probability)
    np.testing.assert_array_equal(one.label, two.label)


def test_narrower_thresholds_know_more():
    cells = voronoi_cells(POINTS, SHAPE)
    image = nuclei(noise=0.2)
    wide = local_mixture_label(image, cells, R1, low=0.05, high=0.95).label
    narrow = local_mixture_label(image, cells, R1, low=0.45, high=0.55).label
    assert (wide >= 0).sum() < (narrow >= 0).sum()
    assert (narrow[wide >= 0] == wide[wide >= 0]).all()


def test_no_point():
    cells = voronoi_cells(np.empty((0, 2)), SHAPE)
    found = local_mixture_label(nuclei(), cells, R1, background=[(3, 4)])
    assert found.label[3, 4] == 0 and (found.label >= 0).sum() == 1
    assert (found.probability == 0.5).all() and len(found.radii) == 0


LAYOUTS = {
    "one": POINTS[5:6],
    "two in one pixel": np.array([(12, 12), (12.2, 11.9), (36, 36)]),
    "on one line": POINTS[:4],
    "outside": np.array([(12, 12), (-300, 50)]),
    "every pixel": np.argwhere(np.ones((6, 6))),
}


@pytest.mark.parametrize("points", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_odd_layouts(points):
    shape = (6, 6) if len(points) == 36 else SHAPE
    cells = voronoi_cells(points, shape)
    found = local_mixture_label(nuclei()[: shape[0], : shape[1]], cells, R1)
    assert np.isfinite(found.probability).all()
    assert (found.label[cells.distance == 0] == 1).all()
    with_pixels = np.unique(cells.index)
    assert np.isfinite(found.radii[with_pixels]).all()
    assert np.isnan(np.delete(found.radii, with_pixels)).all()


BAD = {
    "other shape": (np.zeros((4, 5)), "shape"),
    "not finite": (np.full(SHAPE, np.inf), "not finite"),
}


@pytest.mark.parametrize(("features", "words"), BAD.values(), ids=BAD.keys())
def test_bad_features(features, words):
    with pytest.raises(ValueError, match=words):
        local_mixture_label(features, voronoi_cells(POINTS, SHAPE), R1)
