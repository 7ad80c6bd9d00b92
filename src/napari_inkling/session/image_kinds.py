"""What kind of pictures the images with hints are; looked at in the background, once each."""

from __future__ import annotations

from collections.abc import Callable, Generator

from psygnal import Signal

from napari_inkling.core import Image, ImageKind, PlaneRef
from napari_inkling.guidance import image_kind
from napari_inkling.session.background import Background, Listener
from napari_inkling.session.desk import Dispatch
from napari_inkling.session.telling import FIRST
from napari_inkling.session.workspace import Workspace

__all__ = ["ImageKinds"]

#: Edge in pixels of the part in the middle of an image that is looked at.
SIDE = 512


class ImageKinds:
    """Tells the kind of the plane with hints that comes first.

    Parameters
    ----------
    workspace : Workspace
        Which project.
    dispatch : callable or None
        Hands calls to the owner's thread.
    """

    #: The kind of a plane that was asked for is known now.
    changed = Signal()

    def __init__(self, workspace: Workspace, dispatch: Dispatch | None) -> None:
        self._workspace = workspace
        self._background = Background(dispatch)
        self._known: dict[PlaneRef, ImageKind | None] = {}
        self._looking: PlaneRef | None = None
        workspace.pixels_changed.connect(self._forget_image, priority=FIRST)

    def usual(self) -> ImageKind | None:
        """Return the kind of the first plane with hints, ``None`` as long as it is not known."""
        if (project := self._workspace.opened) is None or not (planes := project.planes_with_hints()):
            return None
        if (ref := planes[0]) not in self._known and self._looking != ref:
            self._looking = ref
            self._background.start(
                _looked_at(project.open_image, ref),
                Listener(
                    lambda _: None,
                    lambda kind: self._take(ref, kind),
                    lambda _: self._take(ref, None),  # who opens the image is told why it cannot be read
                ),
            )
        return self._known.get(ref)

    def _take(self, ref: PlaneRef, kind: ImageKind | None) -> None:
        self._looking = None
        self._known[ref] = kind
        if kind is not None:
            self.changed.emit()

    def _forget_image(self, name: str) -> None:
        self._known = {ref: kind for ref, kind in self._known.items() if ref.image != name}
        if self._looking is not None and self._looking.image == name:  # at pixels that are no more
            self._background.stop()
            self._looking = None

    def forget(self) -> None:
        """Forget the images of another project."""
        self._background.stop()
        self._known, self._looking = {}, None

    def close(self) -> None:
        """Leave no thread behind."""
        self._background.close()


def _looked_at(
    open_image: Callable[[PlaneRef], Image], ref: PlaneRef
) -> Generator[int, None, ImageKind | None]:
    """Read the middle of an image, and return its kind."""
    image = open_image(ref)
    yield 0
    rows, columns = (_middle(length) for length in (image.height, image.width))
    return image_kind(image.read(rows, columns))


def _middle(length: int) -> slice:
    first = max(0, (length - SIDE) // 2)
    return slice(first, min(length, first + SIDE))
