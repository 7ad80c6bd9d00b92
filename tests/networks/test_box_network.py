from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_inkling.networks.box_network import BoxNetwork, LevelNorm
from napari_inkling.networks.folding import folded
from napari_inkling.networks.slim_pyramid import SlimPyramid
from tests.networks.test_folding import trained_looking

SIZES = [[8.0, 10.3, 13.0], [16.0, 20.0, 26.0], [33.0, 41.0, 52.0], [66.0, 83.0, 104.0]]


def slim(levels: int = 2, classes: int = 2, channels: int = 1, ratios=(1.0,)) -> BoxNetwork:
    torch.manual_seed(0)
    return BoxNetwork(SlimPyramid(channels, levels, width=4, outputs=8), classes, SIZES[:levels], ratios)


class Lamp(nn.Module):
    """A backbone whose features are 0 but at one place of one level."""

    outputs, strides, reach = 8, (4, 8), 0

    def __init__(self, level: int, row: int, column: int) -> None:
        super().__init__()
        self.place = level, row, column

    def forward(self, images):
        features = [images.new_zeros(1, 8, images.shape[2] // s, images.shape[3] // s) for s in self.strides]
        level, row, column = self.place
        features[level][0, 0, row, column] = 1
        return features


# --- anchors


def test_an_answer_for_each_anchor():
    net = slim(levels=3, classes=5, ratios=(0.5, 1.0, 2.0)).eval()
    answers = net(torch.zeros(2, 1, 48, 64))
    places = 12 * 16 + 6 * 8 + 3 * 4
    assert answers.shape == (2, places * 9, 5 + 4)
    assert net.anchors(48, 64).shape == (places * 9, 4)


@pytest.mark.parametrize("place", [(0, 0, 0), (0, 2, 5), (1, 3, 1)])
@pytest.mark.parametrize("anchor", [0, 1, 2])
def test_the_answer_of_a_place_is_that_of_its_anchor(place, anchor):
    """Light one place, listen to one anchor of it, and see which answer is the loudest."""
    net = BoxNetwork(Lamp(*place), 2, SIZES[:2])
    for head, last in (
        (net.head.classification_head, net.head.classification_head.cls_logits),
        (net.head.regression_head, net.head.regression_head.bbox_reg),
    ):
        head.conv = nn.Identity()
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    net.head.classification_head.cls_logits.weight.data[anchor * 2 + 1, 0, 1, 1] = 1  # its second class
    net.head.regression_head.bbox_reg.weight.data[anchor * 4 + 3, 0, 1, 1] = 1  # its height
    answers = net(torch.zeros(1, 1, 32, 48))[0]
    (index,) = torch.nonzero(answers[:, 1])[:, 0].tolist()
    assert torch.nonzero(answers).tolist() == [[index, 1], [index, 2 + 3]]
    level, row, column = place
    stride, half = net.strides[level], SIZES[level][anchor] / 2
    x, y = (column + 0.5) * stride, (row + 0.5) * stride
    expected = torch.tensor([x - half, y - half, x + half, y + half])
    torch.testing.assert_close(net.anchors(32, 48)[index], expected)


def test_ratios_are_height_by_width_at_the_same_area():
    anchors = BoxNetwork(Lamp(0, 0, 0), 1, [[6.0], [12.0]], ratios=(1.0, 4.0)).anchors(8, 8)
    sides = anchors[:, 2:] - anchors[:, :2]
    assert sides[:2].tolist() == [[6, 6], [3, 12]] and sides[-2:].tolist() == [[12, 12], [6, 24]]


def test_anchors_are_as_large_as_they_are_asked_to_be():
    small = BoxNetwork(Lamp(0, 0, 0), 1, [[0.7, 1.0, 1.3], [2.1, 2.4, 2.7]]).anchors(8, 8)
    sides = small[:, 2:] - small[:, :2]
    found = sorted(set(sides.round(decimals=3).flatten().tolist()))
    assert found == pytest.approx([0.7, 1, 1.3, 2.1, 2.4, 2.7])


@pytest.mark.parametrize("axis", [0, 1])
def test_the_anchors_of_a_mirror_image_are_the_mirrored_anchors(axis):
    anchors = slim(levels=3).anchors(32, 48)
    mirrored = anchors.clone()
    mirrored[:, [axis, axis + 2]] = (48, 32)[axis] - anchors[:, [axis + 2, axis]]
    assert {tuple(row) for row in anchors.round(decimals=3).tolist()} == {
        tuple(row) for row in mirrored.round(decimals=3).tolist()
    }


# --- reach, stride


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_stride(levels):
    assert slim(levels).stride == 4 * 2 ** (levels - 1)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_nothing_beyond_the_reach_matters(levels):
    """The gradient of an anchor's answer with respect to all inputs, at every alignment to the stride."""
    net = slim(levels).eval().double()
    for parameter in net.parameters():  # positive, so that no ReLU cuts a path off
        parameter.data.abs_()
    side = -(-(2 * net.reach + 20) // net.stride) * net.stride
    furthest = 0.0
    for axis, shape in ((0, (net.stride, side)), (1, (side, net.stride))):  # narrow images, lying and upright
        anchors = net.anchors(*shape)
        places = (anchors[:, axis] + anchors[:, axis + 2]) / 2
        middle = torch.nonzero((places - side / 2).abs() < net.stride)[:, 0].tolist()
        for index in {*middle[:: 3 * levels], middle[-1]}:  # the last one belongs to the coarsest level
            image = torch.rand(1, 1, *shape, dtype=torch.float64, requires_grad=True)
            net(image)[0, index].sum().backward()
            seen = image.grad[0, 0].abs().sum(axis).nonzero()[:, 0] + 0.5
            furthest = max(furthest, float((seen - places[index]).abs().max()))
    assert furthest <= net.reach
    assert furthest >= 0.9 * net.reach  # nor are tiles read with far too wide a margin


def test_each_level_is_normalised_by_its_own_statistics():
    norm = LevelNorm(channels=1, levels=2).train()
    for level, mean in enumerate((3.0, -50.0)):
        norm.level = level
        for _ in range(200):
            norm(mean + torch.randn(1, 1, 8, 8))
    norm.eval()
    for level, mean in enumerate((3.0, -50.0)):
        norm.level = level
        assert norm(torch.full((1, 1, 2, 2), mean)).abs().max() < 0.2


def test_folded_it_gives_the_same_answers():
    net = trained_looking(slim(levels=2, channels=3)).double().eval()
    images = torch.randn(2, 3, 32, 48, dtype=torch.float64)
    with torch.inference_mode():
        torch.testing.assert_close(folded(net)(images), net(images), rtol=1e-6, atol=1e-6)


# --- beginning


def test_at_first_nothing_is_a_cell():
    """RetinaNet, section 4.1: every anchor starts with a probability of a hundredth."""
    answers = slim(levels=3, channels=3).train()(torch.randn(2, 3, 64, 64))
    probability = answers[..., :2].sigmoid()
    assert probability.mean().item() == pytest.approx(0.01, rel=0.2) and probability.max() < 0.05


def test_same_seed_same_weights():
    assert all(
        torch.equal(a, b)
        for a, b in zip(slim().state_dict().values(), slim().state_dict().values(), strict=True)
    )


def test_under_a_million_parameters():
    net = BoxNetwork(SlimPyramid(3, 4, width=16, outputs=40), 3, SIZES)
    assert sum(p.numel() for p in net.parameters()) < 1e6
