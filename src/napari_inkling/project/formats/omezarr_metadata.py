"""The metadata of Zarr groups, and how the label image of an image lies in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from napari_inkling.core import FormatError, ImageError
from napari_inkling.project.formats.items import Item
from napari_inkling.project.omezarr import ZARR_METADATA

__all__ = [
    "LabelFrame",
    "attributes_of",
    "frame_of_items",
    "frame_of_store",
    "image_group",
    "is_zarr",
    "ome_of",
]

_KINDS = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
_CHUNK = 1024


def is_zarr(folder: Path) -> bool:
    """Whether a folder is a Zarr array or group."""
    return any((folder / name).is_file() for name in ZARR_METADATA)


def attributes_of(folder: Path) -> dict[str, Any]:
    """Return the attributes of a Zarr array or group; raises FormatError if it is neither, or damaged."""
    import zarr

    try:
        return dict(zarr.open(folder, mode="r").attrs)
    except Exception as error:  # zarr raises whatever it likes for damaged metadata
        raise FormatError(f"{folder} cannot be read as Zarr ({error})") from error


def ome_of(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of attributes that OME-Zarr defines: under ``ome`` since 0.5."""
    ome = attributes.get("ome", attributes)
    return ome if isinstance(ome, dict) else {}


@dataclass(frozen=True)
class LabelFrame:
    """How a label array lies.

    Parameters
    ----------
    axes : tuple of str
        Names of its axes, y and x among them.
    shape : tuple of int
        Their lengths; channels have 1.
    stack : tuple of str
        Those axes that number planes.
    scale : tuple of float
        Size of a pixel along each axis, in µm where ``calibrated``.
    calibrated : bool
        Whether the size of pixels is known.
    zarr_format : 2 or 3
        OME-Zarr 0.4 or 0.5.
    """

    axes: tuple[str, ...]
    shape: tuple[int, ...]
    stack: tuple[str, ...]
    scale: tuple[float, ...]
    calibrated: bool
    zarr_format: Literal[2, 3]

    @property
    def chunks(self) -> tuple[int, ...]:
        """One plane, in tiles."""
        return tuple(min(n, _CHUNK) if a in "yx" else 1 for a, n in zip(self.axes, self.shape, strict=True))

    def place(self, plane: Sequence[int]) -> tuple[Any, ...]:
        """Return the index of a plane (Y, X) in the array; raises FormatError if there is no such plane."""
        at: dict[str, Any] = dict(zip(self.stack, plane, strict=False)) | {"y": slice(None), "x": slice(None)}
        index = tuple(at.get(axis, 0) for axis in self.axes)
        inside = all(i < n for i, n in zip(index, self.shape, strict=True) if isinstance(i, int))
        if len(plane) != len(self.stack) or not inside:
            raise FormatError(f"there is no plane {list(plane)} in labels of shape {list(self.shape)}")
        return index

    def multiscales(self, name: str) -> list[dict[str, Any]]:
        """Return the metadata of the image in this frame, of one resolution."""
        axes = [
            {"name": a, **({"type": _KINDS[a]} if a in _KINDS else {}),
             **({"unit": "micrometer"} if a in "yx" and self.calibrated else {})}
            for a in self.axes
        ]  # fmt: skip
        scale = {"type": "scale", "scale": list(self.scale)}
        version = {"version": "0.4"} if self.zarr_format == 2 else {}
        datasets = [{"path": "0", "coordinateTransformations": [scale]}]
        return [{**version, "name": name, "axes": axes, "datasets": datasets}]


def frame_of_items(items: Sequence[Item]) -> LabelFrame:
    """Return the frame of a label image for planes of one image."""
    first = items[0]
    path = Path(first.path)
    lengths = [max(i.ref.plane[axis] for i in items) + 1 for axis in range(len(first.ref.plane))]
    names, size = "qtz"[-len(lengths) :] if lengths else "", None
    if first.path and path.exists():
        from napari_inkling.project.images import open_array

        try:
            _, info = open_array(path)
        except ImageError as error:
            raise FormatError(f"the image of the labels cannot be read: {error}") from error
        if len(info.stack_shape) == len(lengths):
            lengths, size = list(info.stack_shape), info.pixel_size_um
            names = info.axes[: len(lengths)].lower()
    scale = (1.0,) * len(lengths) + (size or 1.0,) * 2
    shape = (*lengths, *first.known_shape())
    format: Literal[2, 3] = 3 if (path / "zarr.json").is_file() and first.path else 2
    return LabelFrame((*names, "y", "x"), shape, tuple(names), scale, size is not None, format)


def image_group(store: Path) -> Path:
    """Return the folder of the image in a store: itself, or the first of a bioformats2raw layout."""
    return store if "multiscales" in ome_of(attributes_of(store)) else store / "0"


def frame_of_store(store: Path) -> LabelFrame:
    """Return the frame of a label image for the image in an OME-Zarr store, axis by axis the same."""
    import zarr

    group = zarr.open_group(image_group(store), mode="r")
    multiscale = ome_of(dict(group.attrs))["multiscales"][0]
    dataset = multiscale["datasets"][0]
    array: Any = group[dataset["path"]]
    axes = multiscale.get("axes") or list("tczyx"[-array.ndim :])
    names = tuple((a["name"] if isinstance(a, Mapping) else a)[:1].lower() for a in axes)
    units = {a.get("unit") for a in axes if isinstance(a, Mapping) and a["name"] in "yx"}
    scales = [t["scale"] for t in dataset.get("coordinateTransformations", ()) if t.get("type") == "scale"]
    return LabelFrame(
        names,
        tuple(1 if name == "c" else n for name, n in zip(names, array.shape, strict=True)),
        tuple(name for name, n in zip(names, array.shape, strict=True) if name not in "cyx" and n > 1),
        tuple(scales[0]) if scales else (1.0,) * array.ndim,
        units == {"micrometer"},
        3 if group.metadata.zarr_format == 3 else 2,
    )
