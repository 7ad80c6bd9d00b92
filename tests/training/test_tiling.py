from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_inkling.core import Image, PlaneRef
from napari_inkling.networks.small_unet import SmallUNet
from napari_inkling.training.devices import Device
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.pieces import finish
from napari_inkling.training.tiling import predict_tiles, probabilities, view_by_view
from napari_inkling.training.working_image import Window, WorkingImage

CPU = Device(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return SmallUNet(1, 2, width=4, depth=2).eval()


def working(shape: tuple[int, int], scale: float = 1) -> WorkingImage:
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return WorkingImage(Image(PlaneRef("drawn"), array), scale, Intensity(mean=(0,), deviation=(1,)))


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (16, 16), (33, 17), (100, 75), (64, 129)])
@pytest.mark.parametrize("views", [1, 4])
def test_tiled_equals_untiled(net, shape, views):
    image = working(shape)
    whole = probabilities(net, image.read(image.whole), CPU, views=views)
    assert whole.shape == (2, *shape) and whole.dtype == np.float32
    seen = np.zeros(shape, int)
    for tile, window, work in predict_tiles(net, image, CPU, margin=5, side=32, views=views):
        part = finish(work).mean
        expected = whole[:, window.top : window.bottom, window.left : window.right]
        np.testing.assert_allclose(part, expected, atol=1e-5)
        assert window == tile.grown(5, *shape)
        seen[tile.top : tile.bottom, tile.left : tile.right] += 1
    assert (seen == 1).all()


def test_tiled_equals_untiled_at_another_scale(net):
    image = working((131, 90), 0.6)
    whole = probabilities(net, image.read(image.whole), CPU)
    for _, window, work in predict_tiles(net, image, CPU, side=16):
        np.testing.assert_allclose(
            finish(work).mean, whole[:, window.top : window.bottom, window.left : window.right], atol=1e-5
        )


def test_views_of_a_mirrored_image_are_the_mirrored_views(net):
    pixels = np.random.default_rng(1).normal(size=(1, 32, 32)).astype(np.float32)
    once = probabilities(net, pixels, CPU, views=4)
    np.testing.assert_allclose(
        probabilities(net, pixels[:, ::-1, ::-1].copy(), CPU, views=4), once[:, ::-1, ::-1], atol=1e-6
    )


@pytest.mark.parametrize("views", [1, 2, 4])
def test_views_come_apart_and_their_mean_is_what_it_is_without(net, views):
    image = working((50, 41))
    pixels = image.read(image.whole)
    mean, apart = finish(view_by_view(net, pixels, CPU, views, apart=1))
    assert apart.shape == (views, 1, 50, 41)
    np.testing.assert_array_equal(mean, probabilities(net, pixels, CPU, views))
    np.testing.assert_allclose(apart.mean(0), mean[:1], atol=1e-6)
    assert (np.abs(np.diff(apart, axis=0)).max(axis=(1, 2, 3)) > 1e-4).all()
    for _, window, work in predict_tiles(net, image, CPU, margin=5, side=32, views=views, apart=1):
        there = apart[..., window.top : window.bottom, window.left : window.right]
        np.testing.assert_allclose(finish(work).apart, there, atol=1e-5)


def test_a_view_is_what_the_network_says_of_the_mirror_image(net):
    pixels = np.random.default_rng(1).normal(size=(1, 32, 32)).astype(np.float32)
    apart = finish(view_by_view(net, pixels, CPU, 4, apart=2)).apart
    mirrored = np.s_[:, :, :], np.s_[:, :, ::-1], np.s_[:, ::-1], np.s_[:, ::-1, ::-1]
    for view, turned in zip(apart, mirrored, strict=True):
        alone = probabilities(net, pixels[turned].copy(), CPU)
        np.testing.assert_allclose(view, alone[turned], atol=1e-6)


def test_only_the_tiles_that_are_wanted(net):
    tiles = [
        t for t, *_ in predict_tiles(net, working((96, 96)), CPU, side=32, only=[Window(30, 33, 70, 71)])
    ]
    assert tiles == [Window(0, 32, 64, 96), Window(32, 64, 64, 96)]


def test_there_is_a_pause_after_each_view_in_which_gradients_are_as_before(net):
    work = view_by_view(net, working((16, 16)).read(Window(0, 16, 0, 16)), CPU, views=4)
    pauses = 0
    for _ in work:
        pauses += 1
        assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
    assert pauses == 4


def test_a_tile_is_not_read_before_its_work_begins(net):
    image = working((64, 64))
    tiles = list(predict_tiles(net, image, CPU, side=32))
    assert len(tiles) == 4
    next(tiles[0][2])  # the pixels are read
    assert finish(tiles[0][2]).mean.shape == (2, 32, 32)
