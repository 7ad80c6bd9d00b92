"""A project as it is at one moment, in a form that travels to a worker."""

from __future__ import annotations

from dataclasses import dataclass

from napari_inkling.core import HintSet, Image, PlaneRef, TrainingData, TrainingImage
from napari_inkling.project.images import check_shape, open_array
from napari_inkling.project.lazy import FileArray, PixelCache, PlaneArray

__all__ = ["Snapshot", "SnapshotImage"]


@dataclass(frozen=True)
class SnapshotImage:
    """One plane: the file it is in and the hints it has.

    Parameters
    ----------
    ref : PlaneRef
        Which plane of which image.
    path : str
        The image's file.
    hints : HintSet
        What is marked on the plane.
    complete : bool
        Every cell of it is marked.
    shape : tuple of int or None
        That of the file when its image was added to the project: the hints were made on such pixels.
    """

    ref: PlaneRef
    path: str
    hints: HintSet
    complete: bool = False
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Snapshot:
    """Planes with their hints, the classes, and the plane that is on screen."""

    images: tuple[SnapshotImage, ...]
    classes: tuple[str, ...]
    watch: PlaneRef | None = None

    def load(self) -> TrainingData:
        """Open the images (headers only; pixels are read when asked for).

        Complete images go to ``validation``, all others to ``train``. All share one cache of decoded planes.

        Raises
        ------
        ImageError
            If an image cannot be opened, or was replaced by one of another shape; it names the file.
        """
        cache = PixelCache()
        arrays: dict[str, FileArray] = {}
        train: list[TrainingImage] = []
        validation: list[TrainingImage] = []
        for item in self.images:
            if item.path not in arrays:
                arrays[item.path], _ = open_array(item.path, cache)
            stack = arrays[item.path]
            if item.shape is not None:
                check_shape(item.path, stack.info, item.shape)
            image = Image(item.ref, PlaneArray(stack, item.ref.plane), stack.info.pixel_size_um)
            (validation if item.complete else train).append(TrainingImage(image, item.hints, item.complete))
        return TrainingData(tuple(train), tuple(validation), self.classes, self.watch)
