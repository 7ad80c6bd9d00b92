"""Lay a 2-D layer exactly over the plane that an image layer shows."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["PLACE_EVENTS", "place_like", "placement"]

#: Events of a layer after which what lies on it must be placed anew.
PLACE_EVENTS = ("scale", "translate", "rotate", "shear", "affine", "units")


def placement(image: Any) -> dict[str, Any]:
    """Return scale, translate, rotate, shear, affine and units of an image layer's last two axes.

    The keys are arguments of ``add_points`` and ``add_shapes``. Of a stack only the plane's part counts.
    """
    shear = np.asarray(image.shear)
    return {
        "scale": np.asarray(image.scale)[-2:],
        "translate": np.asarray(image.translate)[-2:],
        "rotate": np.asarray(image.rotate)[-2:, -2:],
        "shear": shear[-2:, -2:] if shear.ndim == 2 else shear[-1:],
        "affine": np.asarray(image.affine.affine_matrix)[-3:, -3:],
        **({"units": tuple(image.units)[-2:]} if hasattr(image, "units") else {}),
    }


def place_like(layer: Any, image: Any) -> None:
    """Give a 2-D layer the placement of an image layer."""
    for name, value in placement(image).items():
        now = getattr(layer, name)
        now = now.affine_matrix if name == "affine" else now
        if name == "units":
            if tuple(now) != value:
                layer.units = value
        elif not np.array_equal(now, value):
            setattr(layer, name, value)
