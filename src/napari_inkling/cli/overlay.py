"""A picture of hints and suggestions on an image, with what was missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image, ImageDraw

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Panel", "draw_overlay"]

#: Enlargement, so that rings around small nuclei stay apart.
ZOOM = 2
FONT = 22
MARGIN = 12
#: Told apart by shape as well as by colour, on purple and pink with any colour vision.
HINT, RIGHT, WRONG, MISSED = "#ffe119", "#00f0ff", "#ff9d00", "#ffffff"
INK, PAPER = "#202020", "#fafafa"


@dataclass(frozen=True)
class Panel:
    """One image of the picture; all places in pixels, (y, x), shape (N, 2).

    Parameters
    ----------
    pixels : (Y, X, 3) array of uint8
        The image.
    title : str
        Above it.
    hints, background, right, wrong, missed : arrays
        Clicks on nuclei; "not a cell" clicks; suggestions on a nucleus; on none; nuclei that nothing marks.
    radius : float
        Of a nucleus, in pixels: that of the rings.
    """

    pixels: npt.NDArray[np.uint8]
    title: str
    hints: FloatArray
    background: FloatArray
    right: FloatArray
    wrong: FloatArray
    missed: FloatArray
    radius: float


def draw_overlay(panels: Sequence[Panel], path: Path) -> Path:
    """Write the panels side by side, with a legend below, as a PNG."""
    from PIL import Image, ImageDraw

    pictures = [_draw_panel(panel) for panel in panels]
    width = sum(p.width for p in pictures) + MARGIN * (len(pictures) + 1)
    line = FONT + MARGIN
    height = max(p.height for p in pictures) + 2 * line + 2 * MARGIN
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    left = MARGIN
    for panel, picture in zip(panels, pictures, strict=True):
        draw.text((left, MARGIN), panel.title, INK, _font())
        sheet.paste(picture, (left, MARGIN + line))
        left += picture.width + MARGIN
    _draw_legend(draw, MARGIN, height - line)
    sheet.save(path)
    return path


def _draw_panel(panel: Panel) -> Image.Image:
    from PIL import Image, ImageDraw

    picture = Image.fromarray(panel.pixels)
    picture = picture.resize((picture.width * ZOOM, picture.height * ZOOM), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    size = panel.radius * ZOOM
    for places, mark, colour in (
        (panel.missed, _cross, MISSED),
        (panel.wrong, _ring, WRONG),
        (panel.right, _ring, RIGHT),
        (panel.background, _square, HINT),
        (panel.hints, _dot, HINT),
    ):
        for y, x in places:
            # (0, 0) is the centre of the first pixel.
            mark(draw, (x + 0.5) * ZOOM, (y + 0.5) * ZOOM, size, colour)
    return picture


def _ring(draw: ImageDraw.ImageDraw, x: float, y: float, size: float, colour: str) -> None:
    draw.ellipse((x - size, y - size, x + size, y + size), outline=INK, width=4)
    draw.ellipse((x - size + 1, y - size + 1, x + size - 1, y + size - 1), outline=colour, width=2)


def _dot(draw: ImageDraw.ImageDraw, x: float, y: float, size: float, colour: str) -> None:
    half = min(size, 7)
    draw.ellipse((x - half, y - half, x + half, y + half), fill=colour, outline=INK, width=2)


def _square(draw: ImageDraw.ImageDraw, x: float, y: float, size: float, colour: str) -> None:
    half = min(size, 7)
    draw.rectangle((x - half, y - half, x + half, y + half), fill=INK, outline=colour, width=3)


def _cross(draw: ImageDraw.ImageDraw, x: float, y: float, size: float, colour: str) -> None:
    half = min(size, 8)
    for shade, width in ((INK, 6), (colour, 2)):
        draw.line((x - half, y - half, x + half, y + half), shade, width)
        draw.line((x - half, y + half, x + half, y - half), shade, width)


def _draw_legend(draw: ImageDraw.ImageDraw, left: float, top: float) -> None:
    middle = top + FONT / 2
    for mark, colour, text in (
        (_dot, HINT, "click on a nucleus"),
        (_square, HINT, "click: not a nucleus"),
        (_ring, RIGHT, "suggestion on a nucleus"),
        (_ring, WRONG, "suggestion on none"),
        (_cross, MISSED, "missed nucleus"),
    ):
        mark(draw, left + 10, middle, 9, colour)
        draw.text((left + 28, top - 2), text, INK, _font())
        left += 28 + draw.textlength(text, _font()) + 36


def _font() -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(FONT)
