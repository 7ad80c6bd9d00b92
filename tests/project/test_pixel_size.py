"""Pixel sizes: believed only where a microscope can have written them."""

from __future__ import annotations

import pytest

from napari_inkling.project import pixel_size


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.5, "µm", 0.5),
        (0.5, "micron", 0.5),
        (0.5, "\\u00B5m", 0.5),
        (250.0, "nm", 0.25),
        (0.001, "mm", 1.0),
        (1.0, "pixel", None),
        (0.0, "um", None),
        (1.0, "", None),
    ],
)
def test_units(value: float, unit: str, expected: float | None) -> None:
    assert pixel_size.in_um(value, unit) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ('<OME><Image><Pixels PhysicalSizeX="0.25" PhysicalSizeY="0.25" SizeX="4"/></Image></OME>', 0.25),
        ('<Pixels PhysicalSizeX="250" PhysicalSizeXUnit="nm"/>', 0.25),
        ('<ome:Pixels PhysicalSizeX="0.25" PhysicalSizeXUnit="µm" PhysicalSizeY="0.5"/>', None),
        ('<Pixels PhysicalSizeX="broad"/>', None),
        ('<Pixels SizeX="4"/>', None),
        ("<OME/>", None),
    ],
)
def test_ome(xml: str, expected: float | None) -> None:
    assert pixel_size.from_ome(xml) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("per_unit", "unit", "expected"),
    [
        (20000.0, "cm", 0.5),
        (50800.0, "inch", 0.5),
        (72.0, "inch", None),
        (300.0, "inch", None),
        (118.0, "cm", None),
        (2.0, "", None),
        (0.0, "cm", None),
    ],
)
def test_resolution_of_screens_and_printers_is_no_pixel_size(
    per_unit: float, unit: str, expected: float | None
) -> None:
    found = pixel_size.from_dpi(per_unit, per_unit, unit)
    assert found == (None if expected is None else pytest.approx(expected))
