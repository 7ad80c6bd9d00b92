"""What channels are called: from every kind of file that says so, and nothing that fits badly."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image as PillowImage

from napari_inkling.project import channel_names, open_array
from napari_inkling.project.channel_names import chosen

THREE = ("DAPI", "Ki-67", "CD45")


@pytest.mark.parametrize(
    ("channels", "given", "expected"),
    [
        (3, [THREE], THREE),
        (3, [(), THREE], THREE),
        (3, [("a", "b"), THREE], THREE),  # too few names
        (3, [("a", "b", "")], ()),
        (3, [("a", "b", "A")], ()),  # cannot be told apart
        (2, [(" a  1\n", "b")], ("a 1", "b")),
        (1, [("DAPI",)], ()),  # one channel needs no name
        (3, [], ()),
    ],
)
def test_chosen(channels, given, expected):
    assert chosen(channels, *given) == expected


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ('<Pixels><Channel Name="a &amp; b"/><Channel ID="2"/></Pixels>', ("a & b", "")),
        ('<x:Pixels><x:Channel Name="a"/></x:Pixels><Pixels><Channel Name="b"/></Pixels>', ("a",)),
        ("<OME></OME>", ()),
    ],
)
def test_from_ome(xml, expected):
    assert channel_names.from_ome(xml) == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"omero": {"channels": [{"label": "a"}, {"label": "b"}]}}, ("a", "b")),
        ({"omero": {"channels": [{"color": "00FF00"}, "b"]}}, ("", "")),
        ({"omero": {"channels": "a"}}, ()),
        ({"omero": None}, ()),
        ({}, ()),
    ],
)
def test_from_omero(attributes, expected):
    assert channel_names.from_omero(attributes) == expected


PIXELS = np.random.default_rng(0).integers(0, 200, (3, 20, 30), dtype=np.uint16)


def write_ome(path):
    tifffile.imwrite(path, PIXELS, ome=True, metadata={"axes": "CYX", "Channel": {"Name": list(THREE)}})


def write_imagej(path):
    tifffile.imwrite(path, PIXELS, imagej=True, metadata={"axes": "CYX", "Labels": list(THREE)})


def write_bare(path):
    tifffile.imwrite(path, PIXELS, imagej=True, metadata={"axes": "CYX"})


def write_colours(path):
    tifffile.imwrite(path, np.moveaxis(PIXELS, 0, -1), photometric="rgb")


def write_npy(path):
    with path.open("wb") as file:
        np.save(file, np.moveaxis(PIXELS, 0, -1).astype(np.uint8))


def write_deep_npy(path):
    with path.open("wb") as file:
        np.save(file, np.moveaxis(PIXELS, 0, -1))


def write_rgba(path):
    PillowImage.new("RGBA", (30, 20)).save(path, format="PNG")


def write_grey(path):
    PillowImage.new("L", (30, 20)).save(path, format="PNG")


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (write_ome, THREE),
        (write_imagej, THREE),
        (write_bare, ()),
        (write_colours, ("R", "G", "B")),
        (write_npy, ("R", "G", "B")),  # as it is shown
        (write_deep_npy, ()),
        (write_rgba, ("R", "G", "B", "A")),
        (write_grey, ()),
    ],
)
def test_of_files(tmp_path, write, expected):
    write(tmp_path / "image.tif")
    array, info = open_array(tmp_path / "image.tif")
    assert info.channel_names == array.info.channel_names == expected


@pytest.mark.parametrize("version", [2, 3])
def test_of_ome_zarr(tmp_path, version):
    group = zarr.open_group(tmp_path / "image.zarr", mode="w", zarr_format=version)
    group.create_array("0", data=PIXELS, chunks=PIXELS.shape)
    about = {
        "multiscales": [{"axes": [{"name": "c", "type": "channel"}, {"name": "y"}, {"name": "x"}],
                         "datasets": [{"path": "0"}]}],
        "omero": {"channels": [{"label": name} for name in THREE]},
    }  # fmt: skip
    group.attrs.update(json.loads(json.dumps(about if version == 2 else {"ome": about})))
    assert open_array(tmp_path / "image.zarr")[1].channel_names == THREE
