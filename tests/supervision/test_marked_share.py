"""The share of marked cells, told before anything is trained: on drawn cells, and on real ones."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from tifffile import imread

from napari_inkling.core import Image, PlaneRef
from napari_inkling.supervision.marked_share import (
    MOST_PIXELS,
    SIDE,
    MarkedShare,
    describe_marked,
    marked_share,
)

RADIUS = 6.0
#: 100 cells of that radius, and 80 grains of dirt between them.
GRID = np.arange(20.0, 420.0, 40.0)
CELLS = np.array([(y, x) for y in GRID for x in GRID])
DIRT = np.array([(y + 20, x + 20) for y in GRID[:8] for x in GRID])


def drawn(bright: bool = True, channels: int = 1) -> Image:
    rows, columns = np.indices((420, 420))
    pixels = np.random.default_rng(0).normal(100, 4, (420, 420))
    for (y, x), radius, height in [*((c, RADIUS, 60) for c in CELLS), *((d, 2.0, -50) for d in DIRT)]:
        pixels += (height if bright else -height) * np.clip(
            radius + 0.5 - np.hypot(rows - y, columns - x), 0, 1
        )
    return Image(PlaneRef("drawn"), np.repeat(pixels.astype(np.uint8)[..., np.newaxis], channels, axis=2))


def told(image: Image, count: int, jitter: float = 1.0, radius: float = RADIUS) -> MarkedShare:
    random = np.random.default_rng(count)
    places = random.permutation(CELLS)[:count] + random.normal(0, jitter, (count, 2))
    share = marked_share([describe_marked(image, places, radius)], random)
    assert share is not None
    return share


@pytest.mark.parametrize("bright", [True, False])
@pytest.mark.parametrize("count", [10, 30, 60, 90])
def test_the_share_is_told(count: int, bright: bool) -> None:
    share = told(drawn(bright), count)
    assert share.estimate == pytest.approx(count / 100, rel=0.25)
    assert 0 < share.low <= share.estimate <= share.high <= 1


def test_clicks_beside_the_middle_and_a_wrong_radius() -> None:
    assert told(drawn(), 30, jitter=2.0).estimate == pytest.approx(0.3, rel=0.3)
    for radius in (4.0, 8.0):  # off by a third: by a factor of about two at most
        assert 0.14 < told(drawn(), 30, radius=radius).estimate < 0.6


def test_all_are_marked() -> None:
    assert told(drawn(channels=3), 100).estimate > 0.9
    clean = Image(PlaneRef("clean"), drawn().read()[..., 0].clip(96, 255))
    assert told(clean, 100).high > 0.9


def test_several_images_count_together() -> None:
    """All of one image are marked, a tenth of the other one."""
    random = np.random.default_rng(0)
    parts = [describe_marked(drawn(), own, RADIUS) for own in (CELLS, random.permutation(CELLS)[:10])]
    share = marked_share(parts, random)
    assert share is not None
    assert share.estimate == pytest.approx(0.55, abs=0.1)


@pytest.mark.parametrize("places", [np.empty((0, 2)), [[20.0, 20.0]]])
def test_too_few_to_tell(places: object) -> None:
    random = np.random.default_rng(0)
    assert marked_share([describe_marked(drawn(), places, RADIUS)], random) is None
    assert marked_share([], random) is None
    assert marked_share([describe_marked(drawn(), CELLS[:7], RADIUS)], random, fewest=8) is None


def test_an_image_without_anything_on_it() -> None:
    flat = Image(PlaneRef("flat"), np.full((50, 50), 7, np.uint8))
    places, random = [[10.0, 10.0], [30.0, 30.0]], np.random.default_rng(0)
    assert marked_share([describe_marked(flat, places, RADIUS)], random) == MarkedShare(1.0, 1.0, 1.0)
    nowhere = Image(PlaneRef("nan"), np.full((60, 60), np.nan))
    assert marked_share([describe_marked(nowhere, places, RADIUS)], random) == MarkedShare(1.0, 1.0, 1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_not_finite(value: float) -> None:
    pixels = drawn().read().astype(np.float32)
    pixels[200:210, 5:400] = value
    assert told(Image(PlaneRef("holes"), pixels), 60).estimate == pytest.approx(0.6, rel=0.3)


def test_of_a_large_image_the_part_around_the_marks_is_read() -> None:
    class Large:
        shape, dtype, read = (90_000, 80_000), np.dtype(np.uint8), []

        def __getitem__(self, window: tuple[slice, slice]) -> np.ndarray:
            self.read.append(window)
            return np.random.default_rng(0).integers(0, 9, [own.stop - own.start for own in window], np.uint8)

    large = Large()
    places = [[70_000.0, 79_990.0], [70_010.0, 79_900.0]]
    for radius in (3.0, 60.0):
        describe_marked(Image(PlaneRef("l"), large), places, radius)
    for side, window in zip((round(SIDE * 3.0), MOST_PIXELS), large.read, strict=True):
        assert window == (slice(70_005 - side // 2, 70_005 + side // 2), slice(80_000 - side, 80_000))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_on_phase_contrast(share: float) -> None:
    given = os.environ.get("INKLING_DATA")
    folder = (Path(given) if given else Path(__file__).parents[3] / "shared" / "data") / "psc_phase"
    if not folder.is_dir():
        pytest.skip(f"no real images: {folder} is not there and INKLING_DATA is not set")
    with (folder / "centroids.csv").open(newline="") as table:
        rows = [(float(r["y"]), float(r["x"])) for r in csv.DictReader(table) if r["image"] == "t060"]
    random = np.random.default_rng(0)
    places = random.permutation(rows)[: round(share * len(rows))]
    image = Image(PlaneRef("t060"), imread(folder / "images" / "t060.tif"))
    found = marked_share([describe_marked(image, places, 10.0)], random)
    assert found is not None
    assert 0.6 * share < found.estimate < 1.4 * share


def test_what_is_ignored_is_no_unmarked_cell() -> None:
    seen = describe_marked(drawn(), CELLS[:20], RADIUS)
    whole = describe_marked(drawn(), CELLS[:20], RADIUS, ignored=[[0, 0, 419, 419]])
    assert len(seen.blobs) > 50 and len(whole.blobs) == 0
    assert len(whole.marked) == len(seen.marked) == 20
