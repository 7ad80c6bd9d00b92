"""What the channels of an image are called, as files say it; nothing where that fits the image badly."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["chosen", "colours", "from_imagej", "from_ome", "from_omero"]


def colours(channels: int) -> tuple[str, ...]:
    """Return the names of red, green and blue (and alpha), nothing for other numbers of channels."""
    return tuple("RGBA"[:channels]) if channels in (3, 4) else ()


def chosen(channels: int, *given: Sequence[str]) -> tuple[str, ...]:
    """Return the first of several lists that names each of ``channels``, all differently; else nothing."""
    for names in given:
        told = tuple(" ".join(name.split()) for name in names)
        if len(told) == channels > 1 and all(told) and len({name.casefold() for name in told}) == channels:
            return told
    return ()


def from_ome(xml: str) -> tuple[str, ...]:
    """Return the names that OME-XML gives the channels of its first image, empty ones too."""
    pixels = re.search(r"<(?:\w+:)?Pixels\b.*?</(?:\w+:)?Pixels>", xml, re.DOTALL)
    if pixels is None:
        return ()
    channels = re.findall(r"<(?:\w+:)?Channel\b[^>]*>", pixels.group())
    found = (re.search(r'\bName="([^"]*)"', channel) for channel in channels)
    return tuple(html.unescape(name.group(1)) if name else "" for name in found)


def from_imagej(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the labels of an ImageJ file, one for each of its slices."""
    return tuple(str(label).splitlines()[0] if label else "" for label in metadata.get("Labels") or ())


def from_omero(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the labels in the part ``omero`` of an OME-Zarr image's attributes."""
    omero = attributes.get("omero")
    channels = omero.get("channels") if isinstance(omero, Mapping) else None
    if not isinstance(channels, list):
        return ()
    return tuple(str(c.get("label", "")) if isinstance(c, Mapping) else "" for c in channels)
