"""Features of patches by a second network that learns with the PU risk, as in the paper (Eq. 1)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_inkling.core import Step
from napari_inkling.networks.patch_network import PatchNetwork
from napari_inkling.supervision.class_prior import estimate_class_prior
from napari_inkling.supervision.pu_risk import non_negative_pu_risk
from napari_inkling.training.crops import crop_of
from napari_inkling.training.pieces import aside, told

if TYPE_CHECKING:
    from napari_inkling.methods.pu_ranking.candidates import Candidates
    from napari_inkling.methods.pu_ranking.task import Task
    from napari_inkling.training.point_fields import TrainingField

__all__ = ["cut_patches", "patch_features", "train_classifier"]

FloatArray = npt.NDArray[np.float64]
FloatImage = npt.NDArray[np.float32]

STAGE = "learning from patches"
#: Patches of marked cells, and of unmarked places, in a batch.
BATCH = 64
RATE = 1e-3


def cut_patches(part: TrainingField, places: FloatArray) -> Tensor:
    """Return the patches of 4·r1 × 4·r1 working pixels around places (N, 2); (N, C, Y, X)."""
    reach = max(2, round(2 * part.r1))
    pixels = np.pad(part.field.pixels, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
    corners = np.round(places).astype(int).clip(0, np.array(part.shape) - 1)
    cut = [crop_of(pixels, (int(y), int(x)), 2 * reach) for y, x in corners]
    empty = np.empty((0, len(pixels), 2 * reach, 2 * reach), np.float32)
    return torch.from_numpy(np.stack(cut) if cut else empty)


def patch_features(task: Task, found: Candidates) -> Generator[Step, None, Candidates]:
    """Return the candidates with the features of a patch network instead of the detector's."""
    step = task.at_work(STAGE)
    parts = task.fields
    marked = torch.cat([cut_patches(part, part.field.marked) for part in parts])
    yield step
    others = torch.cat(
        [cut_patches(part, found.places[found.field == number]) for number, part in enumerate(parts)]
    )
    yield step
    if not len(others):
        return found
    prior = task.settings.prior
    if prior is None:
        peaks = found.features[found.is_peak]
        work = aside(lambda: estimate_class_prior(found.marked, peaks, task.random).estimate)
        prior = yield from told(work, step)
    prior = max(0.01, prior * float(found.is_peak.mean()))  # of all places, empty ones too
    net = yield from train_classifier(task, marked, others, prior)
    yield step
    features, of_marked = (_features(net, patches) for patches in (others, marked))
    return replace(found, features=features, marked=of_marked)


def train_classifier(
    task: Task, marked: Tensor, others: Tensor, prior: float
) -> Generator[Step, None, PatchNetwork]:
    """Return a classifier of patches (N, C, Y, X) of marked cells, and (M, C, Y, X) of unmarked places."""
    torch.manual_seed(int(task.random.integers(2**31)))
    net = PatchNetwork(marked.shape[1]).to(task.device.torch_device)
    optimizer = torch.optim.AdamW(net.parameters(), RATE)
    device = task.device.torch_device
    for _ in range(task.settings.patch_steps):
        if task.is_out_of_time:
            break
        cells, unlabelled = (_drawn(patches, task.random).to(device) for patches in (marked, others))
        net.train()
        scores = net(torch.cat([cells, unlabelled]))
        risk = non_negative_pu_risk(scores[: len(cells)], scores[len(cells) :], prior)
        optimizer.zero_grad(set_to_none=True)
        risk.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        yield task.at_work(STAGE)
    return net.eval()


def _drawn(patches: Tensor, random: np.random.Generator) -> Tensor:
    """Return random patches of a batch, together in one of eight views."""
    chosen = patches[random.integers(len(patches), size=min(BATCH, len(patches)))]
    turned = torch.rot90(chosen, int(random.integers(4)), dims=(2, 3))
    return turned.flip(3) if random.integers(2) else turned


def _features(net: PatchNetwork, patches: Tensor) -> FloatImage:
    device = next(net.parameters()).device
    with torch.inference_mode():
        rows = [net.features(some.to(device)).float().cpu() for some in torch.split(patches, 512)]
    features: FloatImage = torch.cat(rows).numpy()
    return features
