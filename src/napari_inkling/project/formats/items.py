"""What is exported: planes with hints or predictions, and what the file must say of their images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from napari_inkling.core import NOT_CELLS, FormatError, HintSet, PlaneRef, Predictions
from napari_inkling.project.formats.files import safe_stems
from napari_inkling.project.records import PALETTE

__all__ = ["Annotations", "Export", "Item", "make_items"]

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
    path : str
        The image's file, ``""`` if there is none.
    shape : (int, int) or None
        Height and width of the plane in pixels, if known.
    radius : float or None
        Cell radius in pixels, if known: how large a point is drawn.
    """

    ref: PlaneRef
    hints: HintSet
    path: str = ""
    shape: tuple[int, int] | None = None
    radius: float | None = None

    @property
    def file_name(self) -> str:
        """The image's file as other programs know it; the image's name where there is no file."""
        return self.path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or self.ref.image

    def known_shape(self) -> tuple[int, int]:
        """Return height and width; raises FormatError where they are not known."""
        if self.shape is None:
            raise FormatError(f"the size of the image {self.ref.image!r} is not known, but needed")
        return self.shape


@dataclass(frozen=True)
class Export:
    """Everything that is written at once.

    Parameters
    ----------
    items : tuple of Item
        Planes with their rows.
    known : mapping of str to str
        Colours (``#rrggbb``) of a project's classes, in their order.
    """

    items: tuple[Item, ...]
    known: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def colours(self) -> Mapping[str, str]:
        """The known classes and then all others of the rows, sorted, with colours."""
        found = {name for item in self.items for name in item.hints.classes}
        taken = {colour.lower() for colour in self.known.values()}
        free = [colour for colour in PALETTE if colour not in taken] or PALETTE
        new = sorted(found - {*NOT_CELLS, *self.known})
        return {**self.known, **{name: free[i % len(free)] for i, name in enumerate(new)}}

    def files(self, path: Path, suffixes: Sequence[str], suffix: str = "") -> dict[Path, Item]:
        """Return the file of each plane, for formats with one file per plane.

        That is ``path`` itself if it ends with one of ``suffixes``; else it is a folder, and the files in it
        end with ``suffix`` (by default the first of ``suffixes``). Raises FormatError for several planes and
        one file.
        """
        if path.suffix.lower() not in suffixes:
            stems = safe_stems([str(item.ref) for item in self.items])
            return {path / f"{stems[str(i.ref)]}{suffix or suffixes[0]}": i for i in self.items}
        if len(self.items) != 1:
            raise FormatError(
                f"{path} is one file, but there are {len(self.items)} images; expected a folder"
            )
        return {path: self.items[0]}


def make_items(
    annotations: Annotations,
    shapes: Mapping[str, tuple[int, int]] | None = None,
    files: Mapping[str, str] | None = None,
    radius: float | None = None,
) -> tuple[Item, ...]:
    """Return items in the order of the mapping; ``shapes`` and ``files`` (paths) are by image name."""
    if radius is not None and not radius > 0:
        raise FormatError(f"the radius of a point is {radius!r}, expected a positive number of pixels")
    items = []
    for key, rows in annotations.items():
        ref = key if isinstance(key, PlaneRef) else PlaneRef.parse(key)
        own = rows.radius if isinstance(rows, Predictions) else None
        path, shape = (files or {}).get(ref.image, ""), (shapes or {}).get(ref.image)
        items.append(Item(ref, HintSet(*rows.kinds), path, shape, own if radius is None else radius))
    return tuple(items)
