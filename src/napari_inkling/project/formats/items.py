"""What is exported: planes with hints or predictions, and what the file must say of their images."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from napari_inkling.core import BACKGROUND, FormatError, HintSet, PlaneRef, Predictions

__all__ = ["Annotations", "Item", "class_names", "make_items"]

#: Hints or suggestions by plane; a string is ``str(PlaneRef)``, e.g. an image's name.
Annotations = Mapping[PlaneRef, HintSet | Predictions] | Mapping[str, HintSet | Predictions]


@dataclass(frozen=True)
class Item:
    """One plane to write.

    Parameters
    ----------
    ref : PlaneRef
        Which plane.
    hints : HintSet
        Its rows, whatever their source.
    file_name : str
        The image's file as other programs know it; the image's name where there is no file.
    shape : (int, int) or None
        Height and width of the plane in pixels, if known.
    radius : float or None
        Cell radius in pixels, if known: how large a point is drawn.
    """

    ref: PlaneRef
    hints: HintSet
    file_name: str
    shape: tuple[int, int] | None = None
    radius: float | None = None


def make_items(
    annotations: Annotations,
    shapes: Mapping[str, tuple[int, int]] | None = None,
    files: Mapping[str, str] | None = None,
    radius: float | None = None,
) -> list[Item]:
    """Return items in the order of the mapping; ``shapes`` and ``files`` (paths) are by image name."""
    items = []
    for key, rows in annotations.items():
        ref = key if isinstance(key, PlaneRef) else PlaneRef.parse(key)
        path = (files or {}).get(ref.image, "")
        name = path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or ref.image
        own = rows.radius if isinstance(rows, Predictions) else None
        items.append(
            Item(
                ref,
                HintSet(*rows.kinds),
                name,
                (shapes or {}).get(ref.image),
                radius if radius is not None else own,
            )
        )
    if radius is not None and not radius > 0:
        raise FormatError(f"the radius of a point is {radius!r}, expected a positive number of pixels")
    return items


def class_names(items: Sequence[Item], order: Collection[str] = ()) -> list[str]:
    """Return ``order`` and then all other classes of the rows, sorted; background is no class."""
    found = {name for item in items for name in item.hints.classes}
    known = [c for c in order if c != BACKGROUND]
    return known + sorted(found - {BACKGROUND, *known})
