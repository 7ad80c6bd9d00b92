"""A tile of H&E-stained tissue: glands with lumens, a collagenous stroma, lymphocytes, a capillary.

Light is absorbed by two dyes (Ruifrok & Johnston 2001): intensity = white × 10^-(h·H + e·E), with the optical
densities H of hematoxylin (nuclei, blue-violet) and E of eosin (cytoplasm, collagen, red cells; pink).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage, spatial

from synthetic.shapes import Outline, Plane, label_image, scatter, soft_mask, wobble
from synthetic.textures import add_camera_noise, fibres, grain, smooth_noise, soften_colour, unit_range

__all__ = ["Slide", "tissue_tile"]

HEMATOXYLIN = np.array([0.61, 0.72, 0.345])
EOSIN = np.array([0.13, 0.84, 0.53])


@dataclass(frozen=True)
class Slide:
    """How a slide was stained and scanned, and how much of each kind of nucleus a tile holds."""

    hematoxylin: float = 1.0
    eosin: float = 1.0
    white: tuple[float, float, float] = (0.955, 0.935, 0.95)
    vesicular: int = 175
    lymphocytes: int = 60
    fibroblasts: int = 60
    blurred: int = 16


@dataclass(frozen=True)
class Chromatin:
    """How a nucleus is painted; densities are optical densities of hematoxylin."""

    base: float
    rim: float
    clumps: float
    nucleoli: int = 0
    blur: float = 0.0
    eosin: float = 0.12


@dataclass(frozen=True)
class Tissue:
    """The lie of the land, each (Y, X): distances in px are positive inside."""

    gland: Plane
    lumen: Plane
    cleft: Plane
    along: Plane
    capillary: Plane
    lymph: Plane


def lay_out(rng: np.random.Generator, shape: tuple[int, int]) -> Tissue:
    """Return glands, lumens, clefts beside glands, how collagen runs, a capillary, a lymphoid spot."""
    yy, xx = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    ground = smooth_noise(rng, shape, 31) + 0.14 * smooth_noise(rng, shape, 9)
    gland = signed_distance(ground > np.percentile(ground, 46))
    heart = gland + 5 * smooth_noise(rng, shape, 12)
    lumen = signed_distance(heart > 37)
    gap = gland + 1.5 * smooth_noise(rng, shape, 5) + 3
    open_here = np.clip(1.2 * smooth_noise(rng, shape, 22) + 0.1, 0, 2)
    cleft = np.where(open_here > 0, 2.6 * open_here - np.abs(gap), -9.0)

    # Collagen runs around glands and else across the tile; the slope keeps it from whirling.
    slope = rng.uniform(0, np.pi)
    height = ndimage.gaussian_filter(ground, 10) + 0.024 * (yy * np.sin(slope) + xx * np.cos(slope))
    rows, columns = np.gradient(height)
    along = np.arctan2(rows, columns) + np.pi / 2 + 0.22 * smooth_noise(rng, shape, 8)

    # The lymphocytes gather where the stroma is widest, the capillary runs where it is widest elsewhere.
    border = 40
    room = np.where(
        (yy > border) & (xx > border) & (yy < shape[0] - border) & (xx < shape[1] - border), -gland, 0
    )
    y, x = np.unravel_index(int(room.argmax()), shape)
    spot = np.hypot((yy - y) / 1.0, (xx - x) / 1.3)
    lymph = np.exp(-((spot / 44) ** 2))
    y, x = np.unravel_index(int((room * (spot > 110)).argmax()), shape)
    vessel = Outline(float(y), float(x), (34, 8), float(along[y, x]), **wobble(rng, 0.12))
    capillary = np.full(shape, -9.0)
    window = vessel.window(shape)
    capillary[window] = vessel.depth(window)
    return Tissue(gland, lumen, np.where(capillary > -6, -9.0, cleft), along, capillary, lymph)


def signed_distance(inside: npt.NDArray[np.bool_]) -> Plane:
    """Return the distance to the border of a mask in px, positive inside."""
    edt = ndimage.distance_transform_edt
    return np.asarray(np.where(inside, edt(inside) - 0.5, 0.5 - edt(~inside)))


def place_nuclei(
    rng: np.random.Generator, tissue: Tissue, slide: Slide, share: float
) -> list[tuple[Outline, Chromatin]]:
    """Return the nuclei of a tile, from the bottom to the top; ``share`` scales the slide's counts."""
    gland, lumen, along = tissue.gland, tissue.lumen, tissue.along

    def vesicular(y: float, x: float) -> Outline:
        size = rng.normal(8.2, 1.1)
        stretch = rng.uniform(1.0, 1.45)
        across = along[int(y) % along.shape[0], int(x) % along.shape[1]] + np.pi / 2 + rng.normal(0, 0.5)
        radii = (size * np.sqrt(stretch), size / np.sqrt(stretch))
        return Outline(y, x, radii, across, **wobble(rng, 0.045))

    def lymphocyte(y: float, x: float) -> Outline:
        size = rng.normal(5.6, 0.5)
        return Outline(y, x, (size * 1.06, size / 1.06), rng.uniform(0, np.pi), **wobble(rng, 0.04))

    def fibroblast(y: float, x: float) -> Outline:
        angle = along[int(y) % along.shape[0], int(x) % along.shape[1]] + rng.normal(0, 0.16)
        return Outline(y, x, (rng.uniform(9, 14.5), rng.uniform(2.5, 4.0)), angle, **wobble(rng, 0.09))

    def cells(count: float) -> int:
        return max(1, round(count * share))

    # A row of nuclei along the base of each gland, then the rest of the epithelium.
    base = np.exp(-(((gland - 9) / 4.5) ** 2)) + 0.30
    epithelium = np.where((gland > 6) & (lumen < -9), base, 0.0)
    stroma = np.where((gland < -5) & (tissue.cleft < -3) & (tissue.capillary < -5), 1.0, 0.0)
    blurred = scatter(rng, epithelium + 0.1 * stroma, vesicular, cells(slide.blurred), (), 0.1)
    pale = scatter(rng, epithelium, vesicular, cells(slide.vesicular), blurred, 0.07)
    below = blurred + pale
    dark = scatter(
        rng, np.where(gland < -3, tissue.lymph, 0) * (tissue.cleft < -1), lymphocyte,
        cells(slide.lymphocytes * 0.75), below, 0.06,
    )  # fmt: skip
    dark += scatter(
        rng, stroma + 0.10 * epithelium, lymphocyte, cells(slide.lymphocytes * 0.25), below + dark, 0.04
    )
    spindles = scatter(rng, stroma, fibroblast, cells(slide.fibroblasts), below + dark, 0.05)
    lining = np.exp(-((tissue.capillary + 1.5) ** 2))
    lining = np.where(lining > 0.3, lining, 0)
    spindles += scatter(rng, lining, fibroblast, 3, below + dark + spindles, 0.05)

    return [
        *(
            (o, Chromatin(rng.uniform(0.26, 0.44), 0.25, 0.25, 1, rng.uniform(1.3, 1.9), 0.15))
            for o in blurred
        ),
        *((o, pale_chromatin(rng)) for o in pale),
        *((o, Chromatin(rng.uniform(0.68, 0.98), 0.15, 0.24, 0, 0.4)) for o in dark),
        *((o, Chromatin(rng.uniform(0.42, 0.78), 0.16, 0.14, 0, rng.uniform(0.3, 0.9))) for o in spindles),
    ]


def pale_chromatin(rng: np.random.Generator) -> Chromatin:
    """Return how an epithelial nucleus looks: mostly vesicular with a nucleolus, some hyperchromatic."""
    if rng.random() < 0.22:
        return Chromatin(rng.uniform(0.55, 0.75), 0.16, 0.22, 0, 0.4)
    nucleoli = int(rng.choice([0, 1, 1, 2]))
    return Chromatin(rng.uniform(0.2, 0.38), rng.uniform(0.3, 0.46), 0.2, nucleoli, rng.uniform(0.0, 0.8))


def paint_ground(
    rng: np.random.Generator, tissue: Tissue, nuclei: list[Outline]
) -> tuple[Plane, Plane, Plane]:
    """Return (H, E, tissue share in [0, 1]) without nuclei, each (Y, X)."""
    shape = (tissue.gland.shape[0], tissue.gland.shape[1])
    inside = soft_mask(tissue.gland, 1.2)
    fine, foam = grain(rng, shape, (0.8, 1.6)), smooth_noise(rng, shape, 2.4)
    slow = smooth_noise(rng, shape, 22)

    # Epithelium: granular, slightly basophilic cytoplasm; membranes halfway between neighbouring nuclei.
    centres = np.array([[o.y, o.x] for o in nuclei])
    pixels = np.moveaxis(np.mgrid[: shape[0], : shape[1]], 0, -1).reshape(-1, 2)
    wavy = pixels + np.stack([smooth_noise(rng, shape, 3).ravel() for _ in range(2)], -1)
    distance, _ = spatial.cKDTree(centres).query(wavy, k=2)
    between = (distance[:, 1] - distance[:, 0]).reshape(shape)
    far = distance[:, 0].reshape(shape)
    membrane = np.exp(-((between / 2.0) ** 2)) * (0.5 + 0.5 * unit_range(foam))
    vacuoles = np.clip(unit_range(foam) - 0.62, 0, 1) * np.clip((far - 7) / 8, 0, 1)
    cytoplasm_e = 0.235 + 0.045 * fine + 0.03 * slow + 0.10 * membrane - 0.55 * vacuoles
    cytoplasm_h = 0.10 + 0.030 * fine + 0.02 * slow - 0.10 * vacuoles

    # Stroma: bundles of collagen with pale gaps between them.
    strands = fibres(rng, tissue.along, 9)
    bundles = fibres(rng, tissue.along, 20, 3.0)
    collagen = 0.27 + 0.042 * strands + 0.045 * bundles + 0.022 * fine
    collagen *= np.clip(1 + 0.22 * slow, 0.5, 1.5)
    gaps = np.clip(fibres(rng, tissue.along, 14, 1.6) - 1.35 - 0.35 * slow, 0, 1.4)
    collagen_h = 0.05 + 0.012 * strands + 0.015 * bundles + 0.01 * fine

    eosin = inside * cytoplasm_e + (1 - inside) * (collagen - 0.24 * gaps)
    hematoxylin = inside * cytoplasm_h + (1 - inside) * collagen_h

    frayed = tissue.lumen + 1.4 * smooth_noise(rng, shape, 2.2) + 0.6 * fine
    brush = np.exp(-(((tissue.lumen + 2.0) / 2.2) ** 2))
    eosin += 0.10 * brush
    vessel = tissue.capillary + 0.6 * smooth_noise(rng, shape, 3)
    eosin += 0.12 * np.exp(-(((vessel + 1.2) / 1.4) ** 2))
    empty = np.maximum.reduce([
        soft_mask(frayed, 1.2),
        soft_mask(tissue.cleft + 0.5 * fine, 0.9),
        soft_mask(vessel, 0.8),
    ])  # fmt: skip
    # A secretion stands in some lumens.
    secretion = np.clip(smooth_noise(rng, shape, 14), 0, 1.2) * soft_mask(tissue.lumen - 6, 3)
    solid = np.clip(1 - empty + 0.30 * secretion, 0, 1)
    return hematoxylin, eosin, solid


def paint_red_cells(rng: np.random.Generator, tissue: Tissue, eosin: Plane) -> None:
    """Paint red cells into the capillary: eosin only, so they are no nuclei."""
    shape = (eosin.shape[0], eosin.shape[1])
    room = np.where(tissue.capillary > 2.5, 1.0, 0.0)
    if not room.any():
        return

    def red_cell(y: float, x: float) -> Outline:
        return Outline(
            y, x, (rng.uniform(4.5, 6), rng.uniform(3.6, 5)), rng.uniform(0, 3), **wobble(rng, 0.06)
        )

    for outline in scatter(rng, room, red_cell, 7, (), 0.1):
        window = outline.window(shape)
        depth = outline.depth(window)
        eosin[window] += soft_mask(depth, 0.8) * (0.50 - 0.10 * soft_mask(depth - 2.5, 1.0))


def paint_nucleus(
    rng: np.random.Generator,
    outline: Outline,
    look: Chromatin,
    textures: tuple[Plane, Plane],
    hematoxylin: Plane,
    eosin: Plane,
    solid: Plane,
) -> None:
    """Paint one nucleus over what is there, into all three planes."""
    shape = (hematoxylin.shape[0], hematoxylin.shape[1])
    window = outline.window(shape, margin=4 + 4 * look.blur)
    depth = outline.depth(window)
    coarse, fine = (t[window] for t in textures)
    mask = soft_mask(depth, 0.75)
    clumped = np.clip(coarse, -1.0, 1.6) * (0.7 + 0.3 * fine)
    density = look.base * (1 + 0.24 * fine) + look.clumps * clumped
    # The membrane with heterochromatin on it: uneven all around.
    density += look.rim * np.exp(-(((depth - 1.0) / 1.1) ** 2)) * np.clip(1 + 0.45 * coarse, 0.3, 1.7)
    for _ in range(look.nucleoli):
        turn, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.38) * outline.radius
        yy, xx = np.mgrid[window]
        spot = np.hypot(yy - outline.y - reach * np.sin(turn), xx - outline.x - reach * np.cos(turn))
        density += rng.uniform(0.35, 0.6) * np.exp(-((spot / rng.uniform(1.3, 1.9)) ** 4))
    density = np.clip(density, 0.08, 1.35)
    if look.blur:
        mask, density = (ndimage.gaussian_filter(p, look.blur, mode="nearest") for p in (mask, density))
    hematoxylin[window] = hematoxylin[window] * (1 - mask) + density * mask
    eosin[window] = eosin[window] * (1 - 0.75 * mask) + look.eosin * mask
    solid[window] = np.maximum(solid[window], mask)


def paint_debris(
    rng: np.random.Generator, tissue: Tissue, count: int, hematoxylin: Plane, taken: npt.NDArray[np.bool_]
) -> None:
    """Paint specks of dye and crumbs of dead cells, which are no nuclei, away from nuclei."""
    free = np.argwhere(ndimage.distance_transform_edt(~taken) > 5)
    for y, x in free[rng.choice(len(free), count, replace=False)]:
        size = rng.uniform(0.7, 1.6)
        speck = Outline(float(y), float(x), (size * 1.3, size), rng.uniform(0, 3), **wobble(rng, 0.1))
        window = speck.window((hematoxylin.shape[0], hematoxylin.shape[1]))
        hematoxylin[window] += rng.uniform(0.15, 0.5) * soft_mask(speck.depth(window), 0.7)


def tissue_tile(
    seed: int, shape: tuple[int, int] = (512, 512), slide: Slide | None = None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    """Return an RGB tile (Y, X, 3) and the label image of its nuclei (Y, X)."""
    rng = np.random.default_rng(seed)
    slide = slide or Slide()
    tissue = lay_out(rng, shape)
    nuclei = place_nuclei(rng, tissue, slide, shape[0] * shape[1] / 512**2)
    outlines = [outline for outline, _ in nuclei]
    hematoxylin, eosin, solid = paint_ground(rng, tissue, outlines)
    paint_red_cells(rng, tissue, eosin_cells := np.zeros(shape))
    eosin += eosin_cells
    solid = np.maximum(solid, np.clip(eosin_cells * 3, 0, 1))
    textures = (grain(rng, shape, (1.3, 2.2)), smooth_noise(rng, shape, 0.8))
    for outline, look in nuclei:
        paint_nucleus(rng, outline, look, textures, hematoxylin, eosin, solid)
    labels = label_image(outlines, shape)
    paint_debris(rng, tissue, max(4, round(22 * shape[0] * shape[1] / 512**2)), hematoxylin, labels > 0)

    thickness = 1 + 0.10 * smooth_noise(rng, shape, 90)
    density = (
        np.clip(hematoxylin, 0, None)[..., None] * HEMATOXYLIN * slide.hematoxylin
        + np.clip(eosin, 0.0, None)[..., None] * EOSIN * slide.eosin
    ) * (solid * thickness)[..., None]
    rgb = np.array(slide.white) * 10 ** (-density)
    rgb = np.stack([ndimage.gaussian_filter(rgb[..., c], s) for c, s in enumerate((0.58, 0.52, 0.68))], -1)
    rgb *= (1 + 0.02 * smooth_noise(rng, shape, 160))[..., None]
    rgb = add_camera_noise(rng, soften_colour(rgb, 0.9), 0.009, 0.005)
    return np.round(255 * np.clip(rgb, 0, 1)).astype(np.uint8), labels


def second_slide() -> Slide:
    """Return another laboratory's staining: bluer and lighter."""
    return replace(Slide(), hematoxylin=1.08, eosin=0.85, white=(0.945, 0.94, 0.965))
