from __future__ import annotations

import pytest
import torch

from napari_inkling.methods.partial_points import PartialPointsSettings
from napari_inkling.methods.partial_points.heads import build_network, build_part, with_outputs

SETTINGS = PartialPointsSettings(width=4)


@pytest.mark.parametrize(("heads", "outputs"), [("centres", 2), ("joint", 4), ("two-class", 3)])
def test_each_has_its_outputs(heads, outputs):
    net = build_network(SETTINGS, 3, 2, heads).eval()
    with torch.inference_mode():
        assert net(torch.zeros(1, 3, 32, 32)).shape == (1, outputs, 32, 32)


@pytest.mark.parametrize("outputs", [1, 2, 4])
def test_other_outputs_keep_the_first_ones(outputs):
    torch.manual_seed(0)
    net = build_part(SETTINGS, 3, 2).eval()
    changed = with_outputs(net, SETTINGS, 3, outputs).eval()
    images = torch.randn(1, 3, 32, 32)
    kept = min(2, outputs)
    with torch.inference_mode():
        torch.testing.assert_close(changed(images)[:, :kept], net(images)[:, :kept])
