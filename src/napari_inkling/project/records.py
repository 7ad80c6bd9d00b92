"""What a project remembers of its classes and images, and how that is written as JSON."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from itertools import count, product
from pathlib import Path
from typing import Any, Literal

from napari_inkling.core import BACKGROUND, IGNORE, PlaneRef, ProjectError
from napari_inkling.project.lazy import ImageInfo

__all__ = [
    "PALETTE",
    "ClassInfo",
    "ImageProblem",
    "ImageRecord",
    "make_classes",
    "relative_path",
    "unique_name",
]

#: Okabe and Ito's colours, told apart with any colour vision; black is left out, it is lost on dark images.
PALETTE = ("#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#f0e442", "#d55e00", "#0072b2")


@dataclass(frozen=True)
class ClassInfo:
    """A class of cells: its name, its colour ``#rrggbb``, and the key that selects it (``""``: none)."""

    name: str
    color: str
    key: str = ""

    def __post_init__(self) -> None:
        if not self.name or self.name != self.name.strip() or not self.name.isprintable():
            raise ProjectError(f"class name {self.name!r} is empty or has blanks at its ends")
        if self.name == BACKGROUND:
            raise ProjectError(f"{BACKGROUND!r} cannot be a class: it is the word for 'not a cell'")
        if self.name == IGNORE:
            raise ProjectError(f"{IGNORE!r} cannot be a class: it is the word for what nobody labelled")
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", self.color):
            raise ProjectError(f"class {self.name!r} has colour {self.color!r}, expected #rrggbb")


@dataclass(frozen=True)
class ImageRecord:
    """An image of the project, by path and fingerprint; the pixels stay where they are.

    Parameters
    ----------
    name : str
        Unique in the project, from the file's stem.
    path : str
        Absolute, with forward slashes.
    fingerprint : str
        See :func:`napari_inkling.project.fingerprint`.
    info : ImageInfo
        Shape, axes, dtype and pixel size.
    relative : str
        The same path seen from the project's folder, so that both can move together; ``""`` on another drive.
    complete : bool
        Every cell is marked; the image is held out as validation truth.
    reviewed, done : bool
        Marks that a person sets.
    """

    name: str
    path: str
    fingerprint: str
    info: ImageInfo
    relative: str = ""
    complete: bool = False
    reviewed: bool = False
    done: bool = False

    def planes(self) -> tuple[PlaneRef, ...]:
        """Return all planes of the image, in order; one for an image without a stack."""
        return tuple(PlaneRef(self.name, index) for index in product(*map(range, self.info.stack_shape)))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ImageRecord:
        """Return what :meth:`to_json` wrote."""
        info = values["info"]
        size = None if info.get("pixel_size_um") is None else float(info["pixel_size_um"])
        names = tuple(map(str, info.get("channel_names", ())))
        shape = tuple(int(n) for n in info["shape"])
        return cls(
            name=str(values["name"]),
            path=str(values["path"]),
            fingerprint=str(values["fingerprint"]),
            info=ImageInfo(shape, str(info["dtype"]), str(info["axes"]), size, names),
            relative=str(values.get("relative", "")),
            **{flag: bool(values.get(flag, False)) for flag in ("complete", "reviewed", "done")},
        )


@dataclass(frozen=True)
class ImageProblem:
    """An image that is not as it was when it was added."""

    name: str
    path: str
    what: Literal["missing", "changed", "unreadable"]
    message: str


def make_classes(
    classes: Collection[str | ClassInfo], known: Collection[ClassInfo] = ()
) -> tuple[ClassInfo, ...]:
    """Return classes with colours: a name that is known keeps its own, a new one gets the next that is free.

    Raises
    ------
    ProjectError
        If there is no class, or one twice.
    """
    names = [c if isinstance(c, str) else c.name for c in classes]
    if not names:
        raise ProjectError("a project needs one class at least, e.g. 'cell'")
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise ProjectError(f"class {twice[0]!r} is there twice")
    kept = {c.name: c for c in known} | {c.name: c for c in classes if isinstance(c, ClassInfo)}
    taken = {kept[n].color.lower() for n in names if n in kept}
    free_colors = iter([c for c in PALETTE if c not in taken])
    return tuple(
        kept.get(name) or ClassInfo(name, next(free_colors, PALETTE[i % len(PALETTE)]))
        for i, name in enumerate(names)
    )


def unique_name(wanted: str, taken: Collection[str]) -> str:
    """Return a name that is free, whatever the case of its letters, and that :class:`PlaneRef` can carry."""
    base = re.sub(r"[\x00-\x1f]", " ", wanted).replace("[", "(").replace("]", ")").strip() or "image"
    lower = {name.lower() for name in taken}
    return next(name for n in count(1) if (name := base if n == 1 else f"{base}-{n}").lower() not in lower)


def relative_path(path: Path, folder: Path) -> str:
    """Return ``path`` seen from ``folder`` with forward slashes, or ``""`` if it is on another drive."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return ""
