"""Which image of the project a file means: files name images with or without folder and suffix."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from napari_inkling.core import PlaneRef

if TYPE_CHECKING:
    from napari_inkling.project.project import Project

__all__ = ["KnownImages", "shapes_of", "stem", "without_ending"]

_SUFFIXES = frozenset({
    ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".jp2", ".npy", ".npz", ".zarr",
    ".ome", ".czi", ".nd2", ".lif", ".lsm", ".oib", ".oif", ".vsi", ".svs", ".ndpi", ".mrxs", ".scn", ".dcm",
    ".h5", ".hdf5", ".ims", ".nii", ".gz", ".xml", ".json", ".geojson", ".csv", ".tsv", ".txt",
})  # fmt: skip
#: What names of annotation files have behind the image's name.
_ENDING = re.compile(
    r"[_-](cp[_-]masks?|masks?|labels?|instances?|segmentation|seg|"
    r"points|centroids|centers|centres|cells|annotations|detections)$",
    re.IGNORECASE,
)


def without_ending(name: str) -> str:
    """Return a name without an ending like ``_mask`` or ``_points``."""
    return _ENDING.sub("", name)


def stem(text: str) -> str:
    """Return the name of a file without folder and suffixes; what follows another dot belongs to the name."""
    name = PurePosixPath(_parts(text)[-1] if _parts(text) else text)
    while name.suffix.lower() in _SUFFIXES and name.stem:
        name = PurePosixPath(name.stem)
    return str(name)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(p for p in text.replace("\\", "/").split("/") if p not in ("", "."))


def shapes_of(project: Project) -> dict[str, tuple[int, int]]:
    """Return height and width in pixels of the images of a project, by name."""
    return {r.name: (r.info.plane_shape[0], r.info.plane_shape[1]) for r in project.images}


class KnownImages:
    """Finds an image by what an annotation file calls it.

    Parameters
    ----------
    shapes : mapping of str to (int, int), or None
        Height and width of the images in pixels, by name. None takes every image that a file names, under its
        stem (to compare two files without a project).
    files : mapping of str to str
        Paths of the images, by name, where they are known.
    """

    def __init__(
        self, shapes: Mapping[str, tuple[int, int]] | None, files: Mapping[str, str] | None = None
    ) -> None:
        self.shapes = shapes
        self._files = {name: _parts(path) for name, path in (files or {}).items()}

    def shape(self, name: str) -> tuple[int, int] | None:
        """Return height and width, if known."""
        return None if self.shapes is None else self.shapes.get(name)

    def chosen(self, wanted: Collection[str]) -> tuple[set[str], list[str]]:
        """Return the images that are meant by names or files, and those that mean none."""
        found = {text: self.find(text) for text in wanted}
        return {name for names in found.values() for name in names}, [
            text for text, names in found.items() if not names
        ]

    def find(self, text: str) -> list[str]:
        """Return the names of the images that fit best: none, one, or several that fit equally well.

        In this order: the name itself; the file whose path ends alike; the same stem; the same stem in other
        case.
        """
        if self.shapes is None:
            return [stem(text)]
        if text in self.shapes:
            return [text]
        parts = _parts(text)
        wanted = stem(text)
        for fits in (
            [n for n, file in self._files.items() if parts and n in self.shapes and _ends_alike(file, parts)],
            [wanted] if wanted in self.shapes else [],
            [n for n in self.shapes if wanted in (stem(n), self._file_stem(n))],
            [n for n in self.shapes if wanted.lower() in (stem(n).lower(), self._file_stem(n).lower())],
        ):
            if fits:
                return fits
        return []

    def find_file(self, file: Path) -> PlaneRef:
        """Return what an annotation file of one image, or of one plane, is named after.

        An ending like ``_mask`` does not count where nothing is found with it. A file of ours for a plane
        of a stack is called like the plane. An image that is not known, or fits several, has the file's
        name.
        """
        one_plane = re.search(r"\[\d+(,\d+)*\]$", file.stem)
        ref = PlaneRef.parse(file.stem) if one_plane else PlaneRef(file.name)
        fits = self.find(ref.image)
        if not fits and (short := without_ending(stem(ref.image))):
            fits = self.find(short)
        return PlaneRef(fits[0] if len(fits) == 1 else ref.image, ref.plane)

    def _file_stem(self, name: str) -> str:
        file = self._files.get(name)
        return stem(file[-1]) if file else name


def _ends_alike(file: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Whether the longest common end of two paths covers one of them whole."""
    shared = min(len(file), len(parts))
    return shared > 0 and file[-shared:] == parts[-shared:]
