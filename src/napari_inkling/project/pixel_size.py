"""The edge of a pixel in µm, from what files say of it; ``None`` where that is not believable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["from_dpi", "from_imagej", "from_ome", "in_um", "square"]

#: Screens and printers write 72, 96 or 300 dpi into any file; a pixel of a micrograph is finer than this.
_COARSEST_UM = 10.0
_UM = {
    "um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "micrometre": 1.0,
    "nm": 1e-3, "nanometer": 1e-3, "nanometre": 1e-3, "mm": 1e3, "millimeter": 1e3, "millimetre": 1e3,
    "cm": 1e4, "centimeter": 1e4, "m": 1e6, "meter": 1e6, "inch": 25400.0, "in": 25400.0,
}  # fmt: skip


def in_um(value: float, unit: str) -> float | None:
    """Return a length in µm, or ``None`` for a unit that is no length (``pixel``)."""
    factor = _UM.get(unit.replace("\\u00B5", "µ").strip().lower())
    return value * factor if factor is not None and value > 0 else None


def square(x: float | None, y: float | None) -> float | None:
    """Return the edge of a pixel that is square within 1 %, else ``None``."""
    if x is None or y is None:
        return x if y is None else y
    return (x + y) / 2 if abs(x - y) <= 0.01 * max(x, y) else None


def from_ome(xml: str) -> float | None:
    """Return the pixel size that OME-XML states for its first image (µm where no unit is given)."""
    pixels = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", xml)
    if pixels is None:
        return None

    def size(axis: str) -> float | None:
        value = re.search(rf'\bPhysicalSize{axis}="([^"]+)"', pixels.group())
        unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]+)"', pixels.group())
        try:
            return in_um(float(value.group(1)), unit.group(1) if unit else "µm") if value else None
        except ValueError:
            return None

    return square(size("X"), size("Y"))


def from_imagej(metadata: Mapping[str, Any], x_per_unit: float, y_per_unit: float) -> float | None:
    """Return the pixel size of an ImageJ file from its unit and its pixels per unit."""
    unit = str(metadata.get("unit", ""))
    if x_per_unit <= 0 or y_per_unit <= 0:
        return None
    return square(in_um(1 / x_per_unit, unit), in_um(1 / y_per_unit, unit))


def from_dpi(x_per_unit: float, y_per_unit: float, unit: str) -> float | None:
    """Return the pixel size from resolution tags, unless it is too coarse to be a microscope's."""
    size = from_imagej({"unit": unit}, x_per_unit, y_per_unit)
    return size if size is not None and size <= _COARSEST_UM else None
