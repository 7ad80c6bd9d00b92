"""Smaller copies of large images: those that a file keeps, and previews of files that keep none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr

from napari_inkling.project import FileArray, ImageInfo, open_array
from napari_inkling.project import preview as module
from napari_inkling.project.images import open_coarser
from napari_inkling.project.preview import previews, thinned

Pixels = np.ndarray[Any, Any]
RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 255, (96, 80), np.uint8)
STACK = RNG.integers(0, 60000, (3, 96, 80), np.uint16)
COLOUR = RNG.integers(0, 255, (96, 80, 3), np.uint8)


def write_zarr(path: Path, levels: list[Pixels], axes: str) -> None:
    group = zarr.open_group(path, mode="w", zarr_format=2)
    for number, level in enumerate(levels):
        group.create_array(str(number), data=level, chunks=(1,) * (level.ndim - 2) + (32, 32))
    kinds = {"c": "channel", "t": "time"}
    described = [{"name": a, "type": kinds.get(a, "space")} for a in axes]
    datasets = [{"path": str(number)} for number in range(len(levels))]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": described, "datasets": datasets}]


def write_tiff(path: Path, levels: list[Pixels], axes: str) -> None:
    colour = {"photometric": "rgb"} if axes.endswith("S") else {"photometric": "minisblack"}
    with tifffile.TiffWriter(path, ome=True) as tif:
        options = {"tile": (32, 32), "compression": "zlib", **colour}
        tif.write(levels[0], subifds=len(levels) - 1, metadata={"axes": axes}, **options)
        for level in levels[1:]:
            tif.write(level, subfiletype=1, metadata=None, **options)


def halved(pixels: Pixels, times: int = 2, channels: bool = False) -> list[Pixels]:
    """Return the pixels and ever smaller copies of them."""
    end = (slice(None),) if channels else ()
    return [pixels[(..., slice(None, None, 2**n), slice(None, None, 2**n), *end)] for n in range(times + 1)]


@pytest.mark.parametrize(
    ("write", "suffix", "levels", "axes"),
    [
        (write_zarr, ".zarr", halved(GREY), "yx"),
        (write_zarr, ".zarr", halved(STACK), "zyx"),
        (write_zarr, ".zarr", [np.moveaxis(p, -1, 0) for p in halved(COLOUR, channels=True)], "cyx"),
        (write_zarr, ".zarr", [GREY], "yx"),
        (write_tiff, ".ome.tif", halved(GREY), "YX"),
        (write_tiff, ".ome.tif", halved(STACK), "ZYX"),
        (write_tiff, ".ome.tif", halved(COLOUR, channels=True), "YXS"),
        (write_tiff, ".ome.tif", [GREY], "YX"),
    ],
)
def test_the_levels_of_a_file(
    tmp_path: Path, write: Any, suffix: str, levels: list[Pixels], axes: str
) -> None:
    write(path := tmp_path / f"a{suffix}", levels, axes)
    expected = [np.moveaxis(p, 0, -1) if axes == "cyx" else p for p in levels]
    found = [open_array(path)[0], *open_coarser(path)]
    assert [a.shape for a in found] == [p.shape for p in expected]
    for array, pixels in zip(found, expected, strict=True):
        np.testing.assert_array_equal(array[...], pixels)


def test_levels_without_all_planes_are_left_out(tmp_path: Path) -> None:
    write_zarr(tmp_path / "a.zarr", [STACK, STACK[::2, ::2, ::2], STACK[:, ::4, ::4]], "zyx")
    (coarse,) = open_coarser(tmp_path / "a.zarr")
    assert coarse.shape == (3, 24, 20)


def test_other_files_keep_one_level(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", GREY)
    assert open_coarser(tmp_path / "a.npy") == ()


class Counted:
    """An array whose reads are counted."""

    def __init__(self, pixels: Pixels, axes: str) -> None:
        self.most = self.total = 0
        self.pixels = pixels
        self.array = FileArray(ImageInfo(pixels.shape, str(pixels.dtype), axes), self._read)

    def _read(self, index: tuple[int, ...], rows: slice, columns: slice) -> Pixels:
        window = self.pixels[(*index, rows, columns)]
        self.most, self.total = max(self.most, window.size), self.total + window.size
        return window


@pytest.mark.parametrize(("pixels", "axes"), [(GREY, "YX"), (STACK, "ZYX"), (COLOUR, "YXC")])
@pytest.mark.parametrize("step", [2, 4, 7])
@pytest.mark.parametrize("band", [1, 200, 10**6])
def test_every_nth_pixel(monkeypatch: Any, pixels: Pixels, axes: str, step: int, band: int) -> None:
    monkeypatch.setattr(module, "_BAND", band)
    thin = thinned(Counted(pixels, axes).array, step)
    stack = (slice(None),) * axes.index("Y")
    expected = pixels[(*stack, slice(None, None, step), slice(None, None, step))]
    assert thin.shape == expected.shape
    np.testing.assert_array_equal(thin[...], expected)
    window = (*stack, slice(3, 8), slice(2, 9))
    np.testing.assert_array_equal(thin[window], expected[window])


@pytest.mark.parametrize("whole", [0, 10**6])
def test_previews_are_lazy_and_read_in_bands(monkeypatch: Any, whole: int) -> None:
    for name, value in (("LARGE_PLANE", 1000), ("_SCREEN", 10), ("_BAND", 800), ("WHOLE_PLANE", whole)):
        monkeypatch.setattr(module, name, value)
    counted = Counted(GREY, "YX")
    made = previews(counted.array)
    assert [a.shape for a in made] == [(24, 20), (6, 5)]
    assert counted.total == 0
    np.testing.assert_array_equal(made[1][...], GREY[::16, ::16])
    assert counted.most <= 800
    assert counted.total <= GREY.size
    before = counted.total
    np.testing.assert_array_equal(made[0][2:4, 3:5], GREY[::4, ::4][2:4, 3:5])
    assert (counted.total == before) == bool(whole)  # kept, or read anew where it is looked at


def test_planes_that_are_not_large_need_no_preview() -> None:
    assert previews(Counted(GREY, "YX").array) == ()
