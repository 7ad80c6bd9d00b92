"""Every kind of image file: what its header says, its pixels, and plain words for what cannot be read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image as Picture

from napari_inkling.core import ImageError, PlaneRef
from napari_inkling.project import fingerprint, open_array, open_image
from napari_inkling.project.images import find_images

Pixels = np.ndarray[Any, Any]


def ramp(*shape: int, dtype: Any = np.uint16) -> Pixels:
    return (np.arange(np.prod(shape)) % 60000).reshape(shape).astype(dtype)


def tiff(pixels: Pixels, **options: Any) -> Callable[[Path], None]:
    return lambda path: tifffile.imwrite(path, pixels, **options)


GREY = {"photometric": "minisblack"}
PLAIN, RGB, STACK, HYPER = (
    ramp(40, 50),
    ramp(40, 50, 3, dtype=np.uint8),
    ramp(4, 40, 50),
    ramp(2, 3, 2, 40, 50),
)
RGBA, FIVE = ramp(40, 50, 4, dtype=np.uint8), ramp(40, 50, 5)
#: name, how it is written, options, expected axes, expected pixels (channels last), expected pixel size
TIFFS: list[tuple[str, Pixels, dict[str, Any], str, Pixels, float | None]] = [
    ("grey", PLAIN, GREY, "YX", PLAIN, None),
    ("lzw", PLAIN, {**GREY, "compression": "lzw"}, "YX", PLAIN, None),
    ("lzw, predictor, strips", PLAIN, {**GREY, "compression": "lzw", "predictor": True, "rowsperstrip": 7},
     "YX", PLAIN, None),
    ("big endian", PLAIN, {**GREY, "byteorder": ">"}, "YX", PLAIN, None),
    ("big endian, packed", PLAIN, {**GREY, "byteorder": ">", "compression": "zlib"}, "YX", PLAIN, None),
    ("colour, lzw", RGB, {"photometric": "rgb", "compression": "lzw"}, "YXC", RGB, None),
    ("RGBA", RGBA, {"photometric": "rgb"}, "YXC", RGBA, None),
    ("colour by planes", RGB.transpose(2, 0, 1), {"photometric": "rgb", "planarconfig": "separate"},
     "YXC", RGB, None),
    ("colour by planes, packed", RGB.transpose(2, 0, 1),
     {"photometric": "rgb", "planarconfig": "separate", "compression": "zlib"}, "YXC", RGB, None),
    ("five channels, last", FIVE, {**GREY, "planarconfig": "contig"}, "YXC", FIVE, None),
    ("five channels, last, unsaid", FIVE, GREY, "YXC", FIVE, None),
    ("five channels, first", ramp(5, 40, 50), {**GREY, "metadata": {"axes": "CYX"}},
     "YXC", ramp(5, 40, 50).transpose(1, 2, 0), None),
    ("float", PLAIN.astype(np.float32), GREY, "YX", PLAIN.astype(np.float32), None),
    ("bool", PLAIN % 2 == 0, GREY, "YX", PLAIN % 2 == 0, None),
    ("1 x 1", ramp(1, 1), GREY, "YX", ramp(1, 1), None),
    ("1 pixel wide", ramp(40, 1), GREY, "YX", ramp(40, 1), None),
    ("stack", STACK, {**GREY, "metadata": {"axes": "ZYX"}}, "ZYX", STACK, None),
    ("stack, packed, tiled", STACK,
     {**GREY, "compression": "zlib", "tile": (16, 16), "metadata": {"axes": "ZYX"}},
     "ZYX", STACK, None),
    ("stack of colour", ramp(4, 40, 50, 3, dtype=np.uint8), {"photometric": "rgb", "compression": "lzw"},
     "QYXC", ramp(4, 40, 50, 3, dtype=np.uint8), None),
    ("volumetric tiles", ramp(16, 32, 48),
     {**GREY, "tile": (16, 16, 16), "volumetric": True, "compression": "zlib"},
     "ZYX", ramp(16, 32, 48), None),
    ("ImageJ", HYPER, {"imagej": True, "metadata": {"axes": "TZCYX", "unit": "um"}, "resolution": (4.0, 4.0)},
     "TZYXC", HYPER.transpose(0, 1, 3, 4, 2), 0.25),
    ("ImageJ, packed", HYPER, {"imagej": True, "metadata": {"axes": "TZCYX"}, "compression": "zlib"},
     "TZYXC", HYPER.transpose(0, 1, 3, 4, 2), None),
    ("OME", HYPER, {**GREY, "ome": True, "compression": "zlib", "tile": (16, 16),
                    "metadata": {"axes": "TZCYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}},
     "TZYXC", HYPER.transpose(0, 1, 3, 4, 2), 0.5),
    ("OME, TCZ", HYPER, {**GREY, "ome": True, "metadata": {"axes": "TCZYX"}},
     "TZYXC", HYPER.transpose(0, 2, 3, 4, 1), None),
    ("BigTIFF", PLAIN, {**GREY, "bigtiff": True}, "YX", PLAIN, None),
    ("72 dpi", PLAIN, {**GREY, "resolution": (72, 72), "resolutionunit": "inch"}, "YX", PLAIN, None),
    ("pixels per cm", PLAIN, {**GREY, "resolution": (20000, 20000), "resolutionunit": "centimeter"},
     "YX", PLAIN, 0.5),
]  # fmt: skip


@pytest.mark.parametrize(("pixels", "options", "axes", "expected", "size"), [t[1:] for t in TIFFS],
                         ids=[t[0] for t in TIFFS])  # fmt: skip
def test_tiff(
    tmp_path: Path, pixels: Pixels, options: dict[str, Any], axes: str, expected: Pixels, size: float | None
) -> None:
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, pixels, **options)
    array, info = open_array(path)
    assert (info.axes, info.shape, info.dtype) == (axes, expected.shape, str(expected.dtype))
    assert info.pixel_size_um == (None if size is None else pytest.approx(size))
    np.testing.assert_array_equal(array[...], expected)
    assert array[...].dtype == expected.dtype
    y = axes.index("Y")
    window = (*[-1] * y, slice(3, 17), slice(5, 9))
    np.testing.assert_array_equal(array[window], expected[window])
    array[window][...] = 0
    np.testing.assert_array_equal(
        array[window], expected[window]
    )  # what a caller does to it stays with the caller


def test_large_packed_planes_are_read_by_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("lazy", "tiff"):
        monkeypatch.setattr(f"napari_inkling.project.{module}.WHOLE_PLANE", 1000)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda *_: pytest.fail("the whole page was decoded"))
    for name, pixels, options, expected in [
        ("tiled", RGB, {"photometric": "rgb", "compression": "zlib", "tile": (16, 16)}, RGB),
        ("strips", PLAIN, {**GREY, "compression": "lzw", "rowsperstrip": 7}, PLAIN),
        (
            "stack",
            STACK,
            {**GREY, "compression": "lzw", "metadata": {"axes": "CYX"}},
            STACK.transpose(1, 2, 0),
        ),
    ]:
        tifffile.imwrite(tmp_path / f"{name}.tif", pixels, **options)
        array, _ = open_array(tmp_path / f"{name}.tif")
        np.testing.assert_array_equal(array[11:30, 20:37], expected[11:30, 20:37])


def test_a_file_of_more_than_4_gb_is_mapped_not_read(tmp_path: Path) -> None:
    path, shape = tmp_path / "huge.tif", (2, 50_000, 50_000)
    tifffile.imwrite(path, shape=shape, dtype=np.uint8, bigtiff=True, **GREY, metadata={"axes": "ZYX"})
    assert path.stat().st_size > 4 << 30
    if path.stat().st_blocks * 512 > 100 << 20:
        pytest.skip("this file system has no sparse files")
    with tifffile.TiffFile(path) as tif:
        offset = tif.series[0].dataoffset
    mapped = np.memmap(path, np.uint8, "r+", offset, shape)
    mapped[1, 49_999, 49_990:] = np.arange(10)
    mapped.flush()
    image = open_image(path, PlaneRef("huge", (1,)))
    assert (image.height, image.width) == (50_000, 50_000)
    np.testing.assert_array_equal(image.read(slice(49_999, None), slice(49_990, None)).ravel(), np.arange(10))


PICTURES: list[tuple[str, Pixels, str | None, str]] = [
    ("grey.png", PLAIN.astype(np.uint8), None, "YX"),
    ("deep.png", PLAIN, None, "YX"),
    ("colour.png", RGB, None, "YXC"),
    ("alpha.png", ramp(40, 50, 4, dtype=np.uint8), None, "YXC"),
    ("grey_alpha.png", ramp(40, 50, 2, dtype=np.uint8), "LA", "YXC"),
    ("colour.bmp", RGB, None, "YXC"),
    ("one.png", ramp(1, 1, dtype=np.uint8), None, "YX"),
]


@pytest.mark.parametrize(("name", "pixels", "mode", "axes"), PICTURES, ids=[p[0] for p in PICTURES])
def test_picture(tmp_path: Path, name: str, pixels: Pixels, mode: str | None, axes: str) -> None:
    Picture.fromarray(pixels, mode).save(tmp_path / name) if mode is None else Picture.frombytes(
        mode, pixels.shape[1::-1], pixels.tobytes()
    ).save(tmp_path / name)
    array, info = open_array(tmp_path / name)
    assert (info.axes, info.shape, info.dtype) == (axes, pixels.shape, str(pixels.dtype))
    np.testing.assert_array_equal(array[...], pixels)
    np.testing.assert_array_equal(array[3:9, 2:4], pixels[3:9, 2:4])


@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_colour_png_keeps_its_16_bits(tmp_path: Path, channels: int) -> None:
    pixels = ramp(20, 30, channels) * 7
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(pixels))
    array, info = open_array(tmp_path / "deep.png")
    assert info.dtype == "uint16"
    np.testing.assert_array_equal(array[...], pixels)


def test_palette_becomes_colour(tmp_path: Path) -> None:
    Picture.fromarray(RGB).quantize(16).save(tmp_path / "palette.png")
    array, info = open_array(tmp_path / "palette.png")
    assert (info.axes, info.shape) == ("YXC", (40, 50, 3))
    np.testing.assert_array_equal(
        array[...], np.asarray(Picture.open(tmp_path / "palette.png").convert("RGB"))
    )


def test_jpeg(tmp_path: Path) -> None:
    Picture.fromarray(RGB).save(tmp_path / "image.jpg", quality=95)
    array, info = open_array(tmp_path / "image.jpg")
    assert (info.axes, info.shape, info.dtype, info.pixel_size_um) == ("YXC", (40, 50, 3), "uint8", None)
    np.testing.assert_array_equal(array[...], np.asarray(Picture.open(tmp_path / "image.jpg")))


def test_the_name_does_not_tell_the_kind(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "really_a_tiff.png", PLAIN, **GREY)
    np.testing.assert_array_equal(open_array(tmp_path / "really_a_tiff.png")[0][...], PLAIN)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((40, 50), "YX"),
        ((40, 50, 3), "YXC"),
        ((40, 50, 5), "YXC"),
        ((3, 40, 50), "ZYX"),
        ((2, 3, 40, 50), "TZYX"),
        ((2, 40, 50, 4), "ZYXC"),
    ],
)
def test_npy(tmp_path: Path, shape: tuple[int, ...], axes: str) -> None:
    np.save(tmp_path / "array.npy", ramp(*shape).astype(">f4"))
    array, info = open_array(tmp_path / "array.npy")
    assert (info.axes, info.shape, info.dtype) == (axes, shape, "float32")
    np.testing.assert_array_equal(array[...], ramp(*shape).astype(np.float32))


def ome_zarr(path: Path, pixels: Pixels, axes: str, version: str, scale: float = 0.5) -> None:
    """Write what OME-NGFF 0.4 (Zarr 2) and 0.5 (Zarr 3) ask for, by hand."""
    kinds = {"t": "time", "c": "channel"}
    named = [
        {"name": a, "type": kinds.get(a, "space")} | ({"unit": "micrometer"} if a in "yx" else {})
        for a in axes
    ]
    scales = [scale if a in "yx" else 1.0 for a in axes]
    multiscales = [
        {
            "axes": named,
            "datasets": [
                {
                    "path": p,
                    "coordinateTransformations": [{"type": "scale", "scale": [s * f for s in scales]}],
                }
                for p, f in (("s0", 1), ("s1", 2))
            ],
        }
    ]
    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    group.attrs.update(
        {"multiscales": multiscales}
        if version == "0.4"
        else {"ome": {"version": version, "multiscales": multiscales}}
    )
    for level in ("s0", "s1"):
        chunks = tuple(16 if a in "yx" else 1 for a in axes)
        array = group.create_array(level, shape=pixels.shape, dtype=pixels.dtype, chunks=chunks)
        array[...] = pixels


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize(
    ("pixels", "axes", "expected_axes", "expected"),
    [
        (PLAIN, "yx", "YX", PLAIN),
        (HYPER, "tzcyx", "TZYXC", HYPER.transpose(0, 1, 3, 4, 2)),
        (HYPER, "tczyx", "TZYXC", HYPER.transpose(0, 2, 3, 4, 1)),
        (PLAIN[None, None, None], "tczyx", "YX", PLAIN),
        (STACK[None, :, None], "tczyx", "YXC", STACK.transpose(1, 2, 0)),
    ],
)
def test_ome_zarr(
    tmp_path: Path, version: str, pixels: Pixels, axes: str, expected_axes: str, expected: Pixels
) -> None:
    path = tmp_path / "image.ome.zarr"
    ome_zarr(path, pixels, axes, version)
    array, info = open_array(path)
    assert (info.axes, info.shape, info.pixel_size_um) == (expected_axes, expected.shape, 0.5)
    np.testing.assert_array_equal(array[...], expected)
    window = (*[-1] * len(info.stack_shape), slice(3, 17), slice(5, 9))
    np.testing.assert_array_equal(array[window], expected[window])


def test_zarr_array_and_bioformats2raw(tmp_path: Path) -> None:
    zarr.save(tmp_path / "plain.zarr", STACK)
    array, info = open_array(tmp_path / "plain.zarr")
    assert info.axes == "ZYX"
    np.testing.assert_array_equal(array[...], STACK)
    zarr.open_group(tmp_path / "raw.zarr", mode="w").attrs["bioformats2raw.layout"] = 3
    ome_zarr(tmp_path / "raw.zarr" / "0", PLAIN, "yx", "0.5")
    np.testing.assert_array_equal(open_array(tmp_path / "raw.zarr")[0][...], PLAIN)


def test_a_zarr_of_more_than_4_gb_is_read_by_window(tmp_path: Path) -> None:
    shape = (100_000, 100_000)
    array = zarr.create_array(tmp_path / "huge.zarr", shape=shape, dtype=np.uint8, chunks=(1000, 1000))
    array[50_000:50_002, 70_000:70_002] = [[1, 2], [3, 4]]
    window = open_array(tmp_path / "huge.zarr")[0][50_000:50_003, 70_000:70_002]
    np.testing.assert_array_equal(window, [[1, 2], [3, 4], [0, 0]])


def cut(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def half_a_jpeg(path: Path) -> None:
    Picture.fromarray(RGB).save(path, "JPEG")
    cut(path, 0.6)


def half_a_png(path: Path) -> None:
    Picture.fromarray(RGB).save(path, "PNG")
    cut(path, 0.6)


def cut_tiff(pixels: Pixels, share: float, **options: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        tifffile.imwrite(path, pixels, **options)
        cut(path, share)

    return write


def plate(path: Path) -> None:
    zarr.open_group(path, mode="w").attrs["ome"] = {"plate": {}}


def test_no_file_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("no /proc to count open files with")
    Picture.fromarray(RGB).save(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", PLAIN)
    ome_zarr(tmp_path / "a.zarr", PLAIN, "yx", "0.5")
    tifffile.imwrite(tmp_path / "mapped.tif", PLAIN, **GREY)
    tifffile.imwrite(tmp_path / "lzw.tif", PLAIN, **GREY, compression="lzw", rowsperstrip=7)
    monkeypatch.setattr("napari_inkling.project.lazy.WHOLE_PLANE", 0)
    open_array(tmp_path / "a.zarr")[0][:2]  # the first use of zarr starts its loop
    before = len(list(descriptors.iterdir()))
    arrays = [open_array(path)[0] for path in sorted(tmp_path.iterdir()) for _ in range(3)]
    assert [array[:2, :2].shape[:2] for array in arrays] == [(2, 2)] * 15
    assert len(list(descriptors.iterdir())) == before


BAD: list[tuple[str, str, Callable[[Path], Any], str]] = [
    ("missing", "gone.tif", lambda _: None, r"gone\.tif is missing"),
    ("empty file", "empty.tif", lambda p: p.write_bytes(b""), r"empty\.tif is empty: the file has 0 bytes"),
    ("text", "note.png", lambda p: p.write_text("Dear diary"), r"note\.png is not an image, .* TIFF, PNG"),
    ("text named tif", "note.tif", lambda p: p.write_text("Dear diary"), r"note\.tif is not an image"),
    ("half a PNG", "half.png", half_a_png, r"half\.png is truncated"),
    ("half a JPEG", "half.jpg", half_a_jpeg, r"half\.jpg is truncated"),
    ("half a TIFF", "half.tif", cut_tiff(PLAIN, 0.5, **GREY), r"half\.tif is truncated"),
    (
        "half an LZW TIFF",
        "half.tif",
        cut_tiff(PLAIN, 0.5, **GREY, compression="lzw"),
        r"half\.tif is truncated",
    ),
    ("half a stack", "half.tif", cut_tiff(STACK, 0.5, **GREY, compression="zlib"), r"half\.tif is truncated"),
    ("half an ImageJ", "half.tif", cut_tiff(HYPER, 0.5, imagej=True), r"half\.tif is truncated"),
    (
        "half an OME",
        "half.tif",
        cut_tiff(HYPER, 0.5, **GREY, ome=True, compression="zlib"),
        r"half\.tif is truncated",
    ),
    ("TIFF of 4 bytes", "half.tif", lambda p: p.write_bytes(b"II*\0"), r"half\.tif is truncated"),
    (
        "TIFF of 8 bytes",
        "half.tif",
        lambda p: p.write_bytes(b"II*\0\x08\0\0\0"),
        r"half\.tif has no readable page",
    ),
    (
        "complex",
        "wave.npy",
        lambda p: np.save(p, np.zeros((4, 4), complex)),
        r"complex128, expected real numbers",
    ),
    ("complex TIFF", "wave.tif", tiff(np.zeros((40, 50), np.complex64), **GREY), r"complex64, expected real"),
    ("objects", "pickle.npy", lambda p: np.save(p, np.array([[{}]], object)), r"pickle\.npy is damaged"),
    (
        "no pixels",
        "none.npy",
        lambda p: np.save(p, np.zeros((0, 4))),
        r"none\.npy is empty: its shape is \(0, 4\)",
    ),
    ("one axis", "line.npy", lambda p: np.save(p, np.zeros(4)), r"shape \(4,\) is no image"),
    ("folder", "folder", lambda p: p.mkdir(), r"is a folder without \(OME-\)Zarr"),
    ("plate", "plate.zarr", plate, r"is a plate; open one of the images in its wells"),
    ("group", "group.zarr", lambda p: zarr.open_group(p, mode="w"), r"Zarr group without an image"),
]


@pytest.mark.parametrize(("name", "write", "message"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_what_cannot_be_read(tmp_path: Path, name: str, write: Callable[[Path], Any], message: str) -> None:
    write(tmp_path / name)
    with pytest.raises(ImageError, match=message):
        open_array(tmp_path / name)


@pytest.mark.parametrize("options", [GREY, {**GREY, "compression": "lzw"}])
def test_a_file_that_goes_or_is_damaged_later(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, PLAIN, **options)
    array, _ = open_array(path)
    cut(path, 0.5)
    with pytest.raises(ImageError, match=r"image\.tif is"):
        array[0]
    path.unlink()
    with pytest.raises(ImageError, match=r"image\.tif is missing"):
        array[0]


def test_a_picture_too_large_for_memory_is_refused(tmp_path: Path) -> None:
    header = imagecodecs.png_encode(np.zeros((1, 1), np.uint8))
    path = tmp_path / "bomb.png"
    path.write_bytes(header[:16] + (60_000).to_bytes(4) * 2 + header[24:])
    with pytest.raises(ImageError, match=r"bomb\.png .*"):
        open_array(path)


def test_open_image_names_the_file_when_the_plane_is_missing(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "s.tif", STACK, **GREY, metadata={"axes": "ZYX"})
    np.testing.assert_array_equal(
        open_image(tmp_path / "s.tif", PlaneRef("s", (3,))).read()[..., 0], STACK[3]
    )
    with pytest.raises(ImageError, match=r"s\.tif: there is no plane \[4\]: the stack has \[4\] planes"):
        open_image(tmp_path / "s.tif", PlaneRef("s", (4,)))


def test_fingerprint_tells_content_not_place_or_time(tmp_path: Path) -> None:
    first, copy = tmp_path / "a.bin", tmp_path / "b.bin"
    first.write_bytes(bytes(200_000))
    shutil.copyfile(first, copy)
    assert fingerprint(first) == fingerprint(copy)
    for at in (0, 199_999):
        changed = bytearray(200_000)
        changed[at] = 1
        copy.write_bytes(changed)
        assert fingerprint(first) != fingerprint(copy)
    copy.write_bytes(bytes(200_001))
    assert fingerprint(first) != fingerprint(copy)
    with pytest.raises(ImageError, match="is missing"):
        fingerprint(tmp_path / "gone")


def test_fingerprint_of_zarr(tmp_path: Path) -> None:
    ome_zarr(tmp_path / "a.zarr", PLAIN, "yx", "0.5")
    shutil.copytree(tmp_path / "a.zarr", tmp_path / "b.zarr")
    assert fingerprint(tmp_path / "a.zarr") == fingerprint(tmp_path / "b.zarr")
    ome_zarr(tmp_path / "b.zarr", PLAIN + 1, "yx", "0.5")
    assert fingerprint(tmp_path / "a.zarr") != fingerprint(tmp_path / "b.zarr")


def test_find_images(tmp_path: Path) -> None:
    for name in ("b.png", "a.TIF", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    zarr.save(tmp_path / "c.zarr", PLAIN)
    assert [p.name for p in find_images(tmp_path)] == ["a.TIF", "b.png", "c.zarr"]
    assert find_images(tmp_path / "c.zarr") == [tmp_path / "c.zarr"]
    assert find_images(tmp_path / "notes.txt") == [tmp_path / "notes.txt"]


@pytest.mark.parametrize(
    ("pattern", "axes"),
    [
        ("monuseg/native/*.tif", "YXC"),
        ("monuseg/images/*.png", "YXC"),
        ("usiigaci_phase/images/*.tif", "YX"),
        ("psc_phase/images/*.tif", "YX"),
        ("wbcatt/images/*.jpg", "YXC"),
        ("dsb2018_fluo/images/*.png", ""),
    ],
)
def test_real_files_as_other_libraries_read_them(data: Path, pattern: str, axes: str) -> None:
    path = sorted(data.glob(pattern))[0]
    expected = tifffile.imread(path) if path.suffix == ".tif" else np.asarray(Picture.open(path))
    array, info = open_array(path)
    assert info.axes == axes or not axes
    np.testing.assert_array_equal(array[...], expected)
