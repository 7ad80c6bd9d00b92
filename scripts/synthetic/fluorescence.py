"""A 16-bit widefield picture of nuclei in culture, stained with DAPI."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from synthetic.shapes import Outline, Plane, label_image, scatter, soft_mask, wobble
from synthetic.textures import grain, smooth_noise

__all__ = ["nuclei_field"]

#: Camera: grey values of the dark picture, electrons per grey value, read noise in electrons.
OFFSET, GAIN, READ = 400.0, 0.45, 5.0


def place_nuclei(rng: np.random.Generator, shape: tuple[int, int], count: int) -> list[Outline]:
    """Return nuclei, two thirds of them in colonies where they touch."""

    def nucleus(y: float, x: float) -> Outline:
        size = float(np.clip(rng.normal(10.4, 1.5), 7, 17)) * (1.35 if rng.random() < 0.05 else 1.0)
        stretch = np.sqrt(rng.uniform(1.0, 1.75))
        return Outline(y, x, (size * stretch, size / stretch), rng.uniform(0, np.pi), **wobble(rng, 0.05))

    colonies = np.exp(1.5 * smooth_noise(rng, shape, 48))
    crowded = scatter(rng, colonies**1.6, nucleus, count * 2 // 3, (), 0.05)
    return crowded + scatter(rng, np.ones(shape), nucleus, count - len(crowded), crowded, 0.02)


def paint_nucleus(
    rng: np.random.Generator, outline: Outline, textures: tuple[Plane, Plane], light: Plane
) -> None:
    """Add one nucleus: brighter where thick, spotted by chromocentres, dark nucleoli."""
    window = outline.window((light.shape[0], light.shape[1]), margin=6)
    depth = outline.depth(window)
    coarse, fine = (t[window] for t in textures)
    brightness = 0.55 * float(np.exp(rng.normal(0, 0.30))) * (9.5 / outline.radius) ** 0.8
    thickness = 0.72 + 0.28 * np.clip(depth / (0.7 * outline.radius), 0, 1)
    chromatin = 1 + 0.13 * coarse + 0.10 * fine
    for _ in range(int(rng.integers(1, 4))):
        turn, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.55) * outline.radius
        yy, xx = np.mgrid[window]
        spot = np.hypot(yy - outline.y - reach * np.sin(turn), xx - outline.x - reach * np.cos(turn))
        chromatin -= rng.uniform(0.15, 0.35) * np.exp(-((spot / rng.uniform(1.4, 2.4)) ** 2))
    light[window] = np.maximum(
        light[window], brightness * thickness * np.clip(chromatin, 0.3, 2) * soft_mask(depth, 0.7)
    )


def paint_mitosis(rng: np.random.Generator, outline: Outline, light: Plane) -> None:
    """Add a dividing nucleus: a bright, ragged plate of chromosomes."""
    window = outline.window((light.shape[0], light.shape[1]), margin=6)
    depth = outline.depth(window)
    ragged = depth + 0.8 * smooth_noise(rng, (depth.shape[0], depth.shape[1]), 1.3)
    light[window] = np.maximum(light[window], rng.uniform(1.25, 1.6) * soft_mask(ragged, 0.9))


def paint_debris(rng: np.random.Generator, count: int, labels: npt.NDArray[np.uint16], light: Plane) -> None:
    """Add fragments of dead cells and dust, away from nuclei: bright or faint, too small to be nuclei."""
    free = np.argwhere(ndimage.distance_transform_edt(labels == 0) > 7)
    for y, x in free[rng.choice(len(free), count, replace=False)]:
        for _ in range(int(rng.integers(1, 4))):
            size = rng.uniform(0.6, 2.0)
            crumb = Outline(
                y + rng.normal(0, 2),
                x + rng.normal(0, 2),
                (size * 1.3, size),
                rng.uniform(0, 3),
                **wobble(rng, 0.1),
            )
            window = crumb.window((light.shape[0], light.shape[1]))
            light[window] += rng.uniform(0.15, 1.1) * soft_mask(crumb.depth(window), 0.8)


def expose(
    rng: np.random.Generator, light: Plane, illumination: Plane, full: float
) -> npt.NDArray[np.uint16]:
    """Return what a camera reads: ``full`` electrons where light is 1, with shot and read noise."""
    electrons = rng.poisson(np.clip(light * illumination * full, 0, None)) + READ * rng.standard_normal(
        light.shape
    )
    return np.clip(np.round(OFFSET + electrons / GAIN), 0, 65535).astype(np.uint16)


def nuclei_field(
    seed: int, shape: tuple[int, int] = (512, 512), count: int = 190, full: float = 2600
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """Return a 16-bit picture (Y, X) and the label image of its nuclei (Y, X)."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    share = shape[0] * shape[1] / 512**2
    outlines = place_nuclei(rng, shape, round(count * share))
    dividing = max(1, round(0.02 * len(outlines)))
    outlines = [
        Outline(o.y, o.x, (8.5, 3.4), o.angle, o.amplitudes, o.phases) if i < dividing else o
        for i, o in enumerate(outlines)
    ]
    light = np.zeros(shape)
    textures = (grain(rng, shape, (1.6, 2.6)), smooth_noise(rng, shape, 0.9))
    for number, outline in enumerate(outlines):
        if number < dividing:
            paint_mitosis(rng, outline, light)
        else:
            paint_nucleus(rng, outline, textures, light)
    labels = label_image(outlines, shape)
    paint_debris(rng, max(3, round(16 * share)), labels, light)

    # Part of the field is a little out of focus; light from above and below the plane hangs around nuclei.
    tilt = np.clip(0.5 + 0.5 * smooth_noise(rng, shape, 120), 0, 1)
    sharp, dull = (ndimage.gaussian_filter(light, s) for s in (0.9, 1.7))
    haze = 0.55 * ndimage.gaussian_filter(light, 9) + 0.45 * ndimage.gaussian_filter(light, 32)
    seen = (1 - tilt) * sharp + tilt * dull + 0.14 * haze + 0.026
    y, x = (n * (0.5 + rng.uniform(-0.12, 0.12)) for n in shape)
    vignette = 0.62 + 0.38 * np.exp(
        -(((yy - y) / (0.62 * shape[0])) ** 2) - ((xx - x) / (0.62 * shape[1])) ** 2
    )
    return expose(rng, seen, vignette, full), labels
