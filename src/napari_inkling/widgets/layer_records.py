"""What an image layer of the viewer becomes in the project: its file, else a copy of its pixels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_inkling.core import ImageError
from napari_inkling.project.images import open_array

if TYPE_CHECKING:
    from napari_inkling.project import ImageRecord
    from napari_inkling.session import Session

__all__ = ["LARGEST_COPY", "axes_of", "record_of"]

#: Bytes that are copied while the window waits, some 5 s.
LARGEST_COPY = 500_000_000


def axes_of(layer: Any) -> str:
    """Return the axes of an image layer's data as one letter each, e.g. ``"ZYX"`` or ``"YXC"``."""
    if layer.ndim < 2:
        raise ImageError(f"layer {layer.name!r} has {layer.ndim} axis, expected an image")
    lead = "PTZ"[-(layer.ndim - 2) :] if layer.ndim > 2 else ""
    if len(lead) != layer.ndim - 2:
        raise ImageError(f"layer {layer.name!r} has {layer.ndim} axes, expected at most five")
    return lead + "YX" + ("C" if layer.rgb else "")


def record_of(session: Session, layer: Any) -> ImageRecord:
    """Add what a layer shows to the project, its file or else a copy of its pixels; return the image."""
    data = layer.data[0] if layer.multiscale else layer.data
    path = getattr(layer.source, "path", None)
    if path is not None and Path(path).exists():
        try:
            same = open_array(path)[1].shape == tuple(data.shape)
        except ImageError:  # napari's reader knows more kinds of files
            same = False
        if same:
            return session.images.add([Path(path)])[0]
    if (size := math.prod(data.shape) * np.dtype(data.dtype).itemsize) > LARGEST_COPY:
        raise ImageError(
            f"layer {layer.name!r} holds {size / 1e9:.1f} GB and has no file that can be read here, expected "
            f"at most {LARGEST_COPY / 1e9:.1f} GB to copy: save it as TIFF or OME-Zarr and add that"
        )
    in_um = str(getattr(layer, "units", ("",))[-1]) == "micrometer"
    return session.images.add_array(
        layer.name, data, axes_of(layer), float(layer.scale[-1]) if in_um else None
    )
