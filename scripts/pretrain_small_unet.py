#!/usr/bin/env python3
"""Train the weights that the small network starts from on colour images: on drawn tissue, and nothing else.

    python scripts/pretrain_small_unet.py [--tiles 48] [--steps 2500]

Every tile is drawn with another stain, thickness and mix of nuclei, and learnt from at three sizes, so that
the network meets a wide range of tissue before it meets the user's. Takes about 6 minutes on 2 cores;
seeded. The result ships as ``src/napari_inkling/networks/weights/small_unet_rgb.safetensors`` (half
precision, 1 MB).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from scipy import ndimage
from synthetic.histology import Slide, second_slide, tissue_tile
from tqdm import tqdm

from napari_inkling.core import Image, PlaneRef
from napari_inkling.networks.small_unet import SmallUNet
from napari_inkling.supervision import gaussian_mask, nearest_point
from napari_inkling.supervision.losses import weighted_mse
from napari_inkling.training.crops import Field, random_crops
from napari_inkling.training.devices import resolve_device
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.loop import Learner, Plan, train
from napari_inkling.training.working_image import WorkingImage

OUT = Path(__file__).parents[1] / "src/napari_inkling/networks/weights/small_unet_rgb.safetensors"
SIDE = 320
#: Radius of a nucleus in working pixels, and the sizes relative to it at which each tile is shown.
R1, SIZES = 5.0, (0.7, 1.0, 1.45)


def random_slide(random: np.random.Generator, number: int) -> Slide:
    """Return a staining and a mix of nuclei unlike the others."""
    slide = Slide() if number % 2 else second_slide()
    counts = {
        name: int(getattr(slide, name) * np.exp(random.normal(0, 0.6)))
        for name in ("vesicular", "lymphocytes", "fibroblasts", "blurred")
    }
    stains = {
        name: getattr(slide, name) * np.exp(random.normal(0, 0.25)) for name in ("hematoxylin", "eosin")
    }
    white = np.clip(np.array(slide.white) * (1 - np.abs(random.normal(0, 0.06, 3))), 0, 1)
    return replace(slide, **counts, **stains, white=tuple(white))


def centres_and_radii(
    labels: npt.NDArray[np.uint16],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return bounding-box centres (N, 2) and radii of equal area (N,) of the labels."""
    boxes = [box for box in ndimage.find_objects(labels) if box is not None]
    centres = np.array([[(s.start + s.stop - 1) / 2 for s in box] for box in boxes])
    areas = np.bincount(labels.ravel())[1:]
    return centres, np.sqrt(areas[areas > 0] / np.pi)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiles", type=int, default=48)
    parser.add_argument("--steps", type=int, default=2500)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    torch.manual_seed(0)
    tiles = [
        tissue_tile(1000 + number, (SIDE, SIDE), random_slide(random, number))
        for number in tqdm(range(arguments.tiles), desc="tiles")
    ]
    known = [centres_and_radii(labels) for _, labels in tiles]
    radius = float(np.median(np.concatenate([radii for _, radii in known])))
    images = [Image(PlaneRef(f"tile {number}"), pixels) for number, (pixels, _) in enumerate(tiles)]
    intensity = Intensity.of(images)
    fields, targets = [], []
    for image, (centres, _) in zip(images, known, strict=True):
        for size in SIZES:
            working = WorkingImage(image, R1 / radius * size, intensity)
            places = working.to_working(centres)
            fields.append(Field(working.read(working.whole), places))
            distance = nearest_point(places, working.shape).distance
            targets.append(gaussian_mask(distance, R1)[np.newaxis])

    device = resolve_device("auto")
    net = SmallUNet(3).to(device.torch_device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-2, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1e-2, total_steps=arguments.steps, pct_start=0.1
    )
    learner = Learner(net, device, optimizer, schedule)
    batches = random_crops(fields, targets, side=128, count=8, random=random, near_marked=0.3, jitter=0.25)
    steps = train(
        learner,
        batches,
        lambda logits, mask: {"centre": weighted_mse(logits, mask)},
        arguments.steps,
        Plan(arguments.steps),
        stage="pretraining",
        round=0,
    )
    for event in (bar := tqdm(steps, total=arguments.steps)):
        bar.set_postfix(event.losses)
    weights = {name: value.cpu().contiguous() for name, value in learner.averaged.state_dict().items()}
    OUT.parent.mkdir(exist_ok=True)
    save_file({n: w.half() if w.is_floating_point() else w for n, w in weights.items()}, OUT)


if __name__ == "__main__":
    main()
