"""The second network, which learns from patches with the PU risk."""

from __future__ import annotations

import numpy as np
import torch

from napari_inkling.methods.pu_ranking.candidates import find
from napari_inkling.methods.pu_ranking.patches import cut_patches, train_classifier
from napari_inkling.networks.patch_network import PatchNetwork
from napari_inkling.training.pieces import finish
from tests.methods.drawing import clicks
from tests.methods.pu_ranking.test_candidates import task


def test_a_patch_is_centred_on_its_place():
    (part,) = task().fields
    places = np.array([(0.0, 0.0), (20.0, 31.0), (part.shape[0] - 1.0, part.shape[1] - 1.0)])
    patches = cut_patches(part, places)
    reach = round(2 * part.r1)
    assert patches.shape == (3, 1, 2 * reach, 2 * reach)
    for patch, (y, x) in zip(patches, places.astype(int), strict=True):
        assert patch[0, reach, reach] == part.field.pixels[0, y, x]


def test_no_place_no_patch():
    (part,) = task().fields
    assert cut_patches(part, np.empty((0, 2))).shape[0] == 0


def test_features_and_score():
    net = PatchNetwork(2, width=4).eval()
    patches = torch.randn(5, 2, 21, 20)
    assert net.features(patches).shape == (5, 16) and net(patches).shape == (5,)


def test_it_tells_cells_from_background_with_a_few_marked():
    """A third of what is unlabelled is like the marked patches: these get higher scores."""
    own = task(patch_steps=60)
    random = torch.Generator().manual_seed(0)
    bright = torch.ones(1, 8, 8) + 0.3 * torch.randn(60, 1, 8, 8, generator=random)
    dark = -torch.ones(1, 8, 8) + 0.3 * torch.randn(80, 1, 8, 8, generator=random)
    net = finish(train_classifier(own, bright[:20], torch.cat([bright[20:], dark]), prior=1 / 3))
    with torch.inference_mode():
        scores = net(torch.cat([bright[20:], dark]))
    assert (scores[:40] > 0).all() and (scores[40:] < 0).all()


def test_its_features_take_the_place_of_the_detector_s():
    found = finish(find(task(clicks(8), features="patches", patch_steps=3)))
    assert found.features.shape == (len(found.places), 64) and found.marked.shape == (8, 64)
