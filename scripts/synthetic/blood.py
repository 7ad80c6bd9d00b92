"""A stained blood smear: red cells with central pallor, white cells with lobed nuclei, platelets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from synthetic.shapes import Outline, Plane, label_image, scatter, soft_mask, wobble
from synthetic.textures import add_camera_noise, grain, smooth_noise, soften_colour

__all__ = ["CLASSES", "blood_smear"]

CLASSES = ("RBC", "WBC", "Platelet")

#: Optical densities (red, green, blue) of the smear's colours.
RED_CELL = np.array([0.062, 0.205, 0.185])
NUCLEUS = np.array([0.36, 0.66, 0.055])
CYTOPLASM = np.array([0.06, 0.15, 0.035])
GRANULES = np.array([0.10, 0.26, 0.10])
PLATELET = np.array([0.24, 0.30, 0.04])


def place_cells(rng: np.random.Generator, shape: tuple[int, int]) -> list[tuple[str, Outline]]:
    """Return (class, outline) of all cells, from the bottom to the top."""

    def white_cell(y: float, x: float) -> Outline:
        size = rng.uniform(44, 54)
        return Outline(y, x, (size * 1.05, size / 1.05), rng.uniform(0, np.pi), **wobble(rng, 0.03))

    def red_cell(y: float, x: float) -> Outline:
        size, stretch = (
            rng.normal(29, 1.6),
            np.sqrt(rng.choice([1.03, 1.08, 1.15, 1.3], p=[0.35, 0.35, 0.22, 0.08])),
        )
        return Outline(y, x, (size * stretch, size / stretch), rng.uniform(0, np.pi), **wobble(rng, 0.022))

    def platelet(y: float, x: float) -> Outline:
        size = rng.uniform(7.5, 11.5)
        return Outline(y, x, (size * 1.12, size / 1.12), rng.uniform(0, np.pi), **wobble(rng, 0.09))

    yy, xx = np.mgrid[: shape[0], : shape[1]]
    inner = np.where((np.minimum(yy, shape[0] - yy) > 50) & (np.minimum(xx, shape[1] - xx) > 50), 1.0, 0.0)
    white = scatter(rng, inner, white_cell, 3)
    crowd = np.exp(0.9 * smooth_noise(rng, shape, 70))
    red = scatter(rng, crowd, red_cell, 48, white, 0.03)
    small = scatter(rng, np.ones(shape), platelet, 11, white + red, 0.0)
    return [("RBC", o) for o in red] + [("WBC", o) for o in white] + [("Platelet", o) for o in small]


def paint_red_cell(rng: np.random.Generator, outline: Outline, density: npt.NDArray[np.float64]) -> None:
    """Add a biconcave disc: thin in the middle, thickest at two thirds of the radius, soft at the rim."""
    window = outline.window((density.shape[0], density.shape[1]), margin=6)
    depth = outline.depth(window)
    rho, _ = outline.polar(window)
    pallor = rng.uniform(0.32, 0.72)
    width = rng.uniform(0.36, 0.50)
    shift = Outline(
        outline.y + rng.normal(0, 1.5), outline.x + rng.normal(0, 1.5), outline.radii, outline.angle,
        outline.amplitudes, outline.phases,
    )  # fmt: skip
    hollow = shift.polar(window)[0]
    thickness = 1 - pallor * np.exp(-((hollow / width) ** 3)) - 0.10 * rho**2
    rim = 0.16 * np.exp(-(((depth - 1.8) / 1.8) ** 2))
    mask = soft_mask(depth, 1.0)
    density[window] += ((thickness + rim) * mask * rng.uniform(0.88, 1.14))[..., None] * RED_CELL
    # The rim refracts: a thin bright line just outside.
    density[window] -= (0.018 * np.exp(-(((depth + 2.2) / 1.3) ** 2)))[..., None]


def paint_white_cell(
    rng: np.random.Generator, outline: Outline, kind: str, density: npt.NDArray[np.float64]
) -> None:
    """Add a neutrophil, an eosinophil or a lymphocyte: cytoplasm, granules, nucleus."""
    window = outline.window((density.shape[0], density.shape[1]), margin=6)
    depth = outline.depth(window)
    size = (depth.shape[0], depth.shape[1])
    mask = soft_mask(depth + 1.2 * smooth_noise(rng, size, 4), 1.4)
    dots = np.clip(smooth_noise(rng, size, 1.2), 0, None)
    clouds = grain(rng, size, (3.0, 7.0))
    granules = {"neutrophil": 0.35, "eosinophil": 1.1, "lymphocyte": 0.05}[kind]
    tint = GRANULES * np.array([0.8, 1.25, 1.6]) if kind == "eosinophil" else GRANULES
    body = np.clip(1 + 0.16 * clouds, 0.5, 1.6)[..., None] * CYTOPLASM + (granules * dots)[..., None] * tint
    if kind == "lymphocyte":
        body = np.clip(1.2 + 0.15 * clouds, 0.5, 2)[..., None] * np.array([0.13, 0.12, 0.02])
    nucleus = nuclear_depth(rng, outline, kind, window) + 1.0 * smooth_noise(rng, size, 3)
    inside = soft_mask(nucleus, 1.1)
    chromatin = np.clip(
        0.86 + 0.10 * grain(rng, size, (2.0, 4.0)) + 0.04 * smooth_noise(rng, size, 1.0), 0.4, 1.3
    )
    chromatin += 0.10 * np.exp(-(((nucleus - 1.5) / 1.5) ** 2))
    paint = body * (1 - inside)[..., None] + (chromatin * inside)[..., None] * NUCLEUS
    density[window] = density[window] * (1 - mask)[..., None] + paint * mask[..., None]


def nuclear_depth(rng: np.random.Generator, cell: Outline, kind: str, window: tuple[slice, slice]) -> Plane:
    """Return the depth in px inside the nucleus: lobes on a bow joined by strands, or one round body."""
    r = cell.radius
    if kind == "lymphocyte":
        place = Outline(
            cell.y + 0.08 * r, cell.x - 0.06 * r, (0.80 * r, 0.74 * r), cell.angle, **wobble(rng, 0.04)
        )
        return place.depth(window)
    lobes = 2 if kind == "eosinophil" else int(rng.integers(3, 5))
    bow, start = (np.pi * 0.85 if lobes == 2 else np.pi * 1.25), rng.uniform(0, 2 * np.pi)
    turns = start + np.linspace(0, bow, lobes)
    reach = 0.45 * r
    depth = np.full([s.stop - s.start for s in window], -99.0)
    centres = []
    for turn in turns:
        y, x = cell.y + reach * np.sin(turn), cell.x + reach * np.cos(turn)
        radii = (rng.uniform(0.33, 0.40) * r, rng.uniform(0.24, 0.30) * r)
        lobe = Outline(y, x, radii, turn + np.pi / 2 + rng.normal(0, 0.3), **wobble(rng, 0.07))
        depth = np.maximum(depth, lobe.depth(window))
        centres.append((y, x))
    yy, xx = np.mgrid[window]
    for (y0, x0), (y1, x1) in pairwise(centres):
        length = np.hypot(y1 - y0, x1 - x0)
        along = np.clip(((yy - y0) * (y1 - y0) + (xx - x0) * (x1 - x0)) / length**2, 0, 1)
        away = np.hypot(yy - y0 - along * (y1 - y0), xx - x0 - along * (x1 - x0))
        depth = np.maximum(depth, 0.11 * r - away)
    return depth


def paint_platelet(rng: np.random.Generator, outline: Outline, density: npt.NDArray[np.float64]) -> None:
    """Add a platelet: a pale ragged body with purple granules in its middle."""
    window = outline.window((density.shape[0], density.shape[1]), margin=6)
    depth = outline.depth(window)
    size = (depth.shape[0], depth.shape[1])
    mask = soft_mask(depth + 0.8 * smooth_noise(rng, size, 1.8), 1.3)
    core = np.clip(depth / outline.radius, 0, 1) ** 0.7
    granules = np.clip(1 + 0.5 * smooth_noise(rng, size, 1.2), 0.2, 2)
    amount = (0.35 + 0.85 * core * granules) * mask
    density[window] += amount[..., None] * PLATELET


def blood_smear(
    seed: int, shape: tuple[int, int] = (480, 640)
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16], tuple[str, ...]]:
    """Return an RGB picture (Y, X, 3), the label image of its cells (Y, X), and each label's class."""
    rng = np.random.default_rng(seed)
    cells = place_cells(rng, shape)
    density = np.zeros((*shape, 3))
    kinds = iter(["neutrophil", "lymphocyte", "eosinophil"] * 4)
    for name, outline in cells:
        if name == "RBC":
            paint_red_cell(rng, outline, density)
        elif name == "WBC":
            paint_white_cell(rng, outline, next(kinds), density)
        else:
            paint_platelet(rng, outline, density)
    labels = label_image([outline for _, outline in cells], shape)

    plasma = 0.012 + 0.006 * smooth_noise(rng, shape, 18) + 0.002 * smooth_noise(rng, shape, 2)
    density += np.clip(plasma, 0, None)[..., None] * np.array([0.5, 1.0, 0.9])
    rgb = np.array([0.835, 0.865, 0.845]) * 10 ** (-density)
    rgb = ndimage.gaussian_filter(rgb, (1.05, 1.05, 0))
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    light = 1.03 - 0.16 * (((yy / shape[0] - 0.45) ** 2) + ((xx / shape[1] - 0.55) ** 2))
    rgb = soften_colour(rgb * light[..., None], 1.6)
    rgb = add_camera_noise(rng, rgb, 0.007, 0.004)
    return np.round(255 * np.clip(rgb, 0, 1)).astype(np.uint8), labels, tuple(name for name, _ in cells)
