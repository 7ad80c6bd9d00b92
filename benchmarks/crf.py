"""What the dense-CRF pairwise term costs, and how far its shifts are from the double sum over all pairs.

    python benchmarks/crf.py [--crops 8] [--repeats 7]

1. CPU seconds per megapixel, forward and backward, with one thread: for one image of 1,000² pixels, and for a
   batch of 16 crops of 128², with 3 channels.
2. Crops of 96² from MoNuSeg's training tiles, with the probabilities that the local mixture gives for the
   points of all nuclei: the loss and its gradient from all pairs of pixels in float64 (every shift there is),
   against those of the window, and of few shifts that stand for it. At full scale with the paper's σ of 9 px,
   and with 4 px, as suits the scale that is worked at. The error of a gradient is the length of its
   difference from the true one, in units of the latter's length.
Bound: the default shifts take at most 0.5 s per megapixel on one core. Exit code 1 if it is broken.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

import numpy as np
import torch
from common import arguments, load_data, say, write_result
from torch import Tensor
from torch.nn.functional import cosine_similarity

from napari_inkling.evaluation import cell_centres
from napari_inkling.supervision import local_mixture_label, voronoi_cells
from napari_inkling.supervision.crf import SHIFTS, crf_loss

BOUND = 0.5
R1, SIDE = 11.0, 96
COUNTS = (32, 64, 96, 128, 192, 384)
SIGMAS = (9.0, 4.0)
SIZES = {"one image of 1000²": (1, 1000), "16 crops of 128²": (16, 128)}


def seconds_per_megapixel(count: int, side: int, shifts: int | None, repeats: int) -> float:
    """Return the median over ``repeats`` on one core, on noise: what is in an image does not matter."""
    random = torch.Generator().manual_seed(0)
    image = torch.rand(count, 3, side, side, generator=random)
    probability = torch.rand(count, 1, side, side, generator=random, requires_grad=True)
    taken = []
    for _ in range(repeats + 1):
        begin = time.process_time()
        crf_loss(probability, image, shifts=shifts).backward()
        taken.append(time.process_time() - begin)
    return statistics.median(taken[1:]) / (count * side * side / 1e6)  # the first warms up


def crops(count: int) -> tuple[Tensor, Tensor]:
    """Return probabilities (B, 1, Y, X) and colours from 0 to 1 (B, 3, Y, X) from the middles of tiles."""
    data = load_data("monuseg", "train", count)
    probabilities, images = [], []
    for name in data.files:
        pixels = data.pixels(name).astype(np.float32) / 255
        cells = voronoi_cells(cell_centres(data.truth[name]).coordinates, data.shapes[name])
        said = local_mixture_label(pixels, cells, R1).probability
        top, left = (np.array(data.shapes[name]) - SIDE) // 2
        window = slice(top, top + SIDE), slice(left, left + SIDE)
        probabilities.append(said[window][None])
        images.append(pixels[window].transpose(2, 0, 1))
    return torch.from_numpy(np.stack(probabilities)), torch.from_numpy(np.stack(images))


def loss_and_gradient(
    probability: Tensor, image: Tensor, sigma: float, window: int | None, shifts: int | None
) -> tuple[float, Tensor]:
    y = probability.clone().requires_grad_()
    loss = crf_loss(y, image, sigma_position=sigma, window=window, shifts=shifts)
    loss.backward()
    assert y.grad is not None
    return loss.item(), y.grad.double().flatten()


def errors(probability: Tensor, image: Tensor, sigma: float) -> dict[str, object]:
    """Return what each approximation makes of the loss and its gradient."""
    loss, gradient = loss_and_gradient(probability.double(), image.double(), sigma, SIDE, None)
    figures: dict[str, object] = {"loss": loss}
    for shifts in (None, *COUNTS):
        other, bent = loss_and_gradient(probability, image, sigma, None, shifts)
        figures["all of the window" if shifts is None else f"{shifts} shifts"] = {
            "loss_error": other / loss - 1,
            "gradient_error": ((bent - gradient).norm() / gradient.norm()).item(),
            "gradient_cosine": cosine_similarity(bent, gradient, dim=0).item(),
        }
    return figures


def main() -> int:
    parser = arguments(__doc__, "one crop, one repeat, and no timing of the whole window")
    parser.add_argument("--crops", type=int, default=8, help="from how many tiles")
    parser.add_argument("--repeats", type=int, default=7, help="how often each timing is repeated")
    options = parser.parse_args()
    torch.set_num_threads(1)
    repeats = 1 if options.quick else options.repeats
    cost: dict[str, dict[str, float]] = {}
    for name, (count, side) in SIZES.items():
        say(f"cost: {name}")
        cost[name] = {
            f"{shifts} shifts": seconds_per_megapixel(count, side, shifts, repeats) for shifts in COUNTS
        }
    if not options.quick:
        cost["16 crops of 128²"]["all of the window"] = seconds_per_megapixel(16, 128, None, 1)
    say("errors")
    probability, image = crops(1 if options.quick else options.crops)
    figures = {f"sigma {sigma:g}": errors(probability, image, sigma) for sigma in SIGMAS}
    slowest = max(row[f"{SHIFTS} shifts"] for row in cost.values())
    result = write_result(
        "crf",
        options,
        {
            "threads": torch.get_num_threads(),
            "default_shifts": SHIFTS,
            "seconds_per_megapixel": cost,
            "against_all_pairs": figures,
            "bound_seconds_per_megapixel": BOUND,
            "bound_held": slowest <= BOUND,
        },
    )
    print(json.dumps(result, indent=1, ensure_ascii=False))
    return int(slowest > BOUND)


if __name__ == "__main__":
    sys.exit(main())
