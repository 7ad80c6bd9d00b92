"""Our layers in the viewer: made when missing, kept in their order on top, laid over the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_inkling.widgets.canvas_connections import Connections
from napari_inkling.widgets.canvas_image import ImageLayers
from napari_inkling.widgets.canvas_placement import PLACE_EVENTS, place_like, placement

__all__ = ["LayerStack"]


class LayerStack:
    """Owns where the layers are, not what they show.

    Parameters
    ----------
    viewer : napari.Viewer
        Where they are.
    images : ImageLayers
        What they lie on.
    parts : sequence
        From below; each has a ``layer`` and makes a new one with ``make(placement)``. One that is ``needed``
        only at times has none in between.
    """

    def __init__(self, viewer: Any, images: ImageLayers, parts: Sequence[Any]) -> None:
        self._viewer, self._images, self._parts = viewer, images, parts
        self._own = Connections()
        for layer in [layer for layer in viewer.layers if "inkling" in layer.metadata]:
            viewer.layers.remove(layer)  # an earlier dock left it

    @property
    def missing(self) -> list[Any]:
        """The parts whose layer is not in the viewer, and should be."""
        layers = self._viewer.layers
        return [part for part in self._needed if part.layer is None or part.layer not in layers]

    @property
    def _needed(self) -> list[Any]:
        return [part for part in self._parts if getattr(part, "needed", True)]

    def complete(self, only: Sequence[Any] | None = None) -> None:
        """Make the layers that are missing, or ``only`` some of them, and bring all to the top in order."""
        layers = self._viewer.layers
        place = {} if self._images.primary is None else placement(self._images.primary)
        for part in self.missing:
            if only is None or part in only:
                layers.append(part.make(place))
        ours = [part.layer for part in self._needed if part.layer in layers]
        if list(layers)[-len(ours) :] != ours:
            for layer in ours:
                layers.move(layers.index(layer), len(layers))

    def clear(self, parts: Sequence[Any]) -> None:
        """Take the layers of some parts out of the viewer."""
        for part in parts:
            layer, part.layer = part.layer, None
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def follow_image(self) -> None:
        """Lay the layers over the image, and keep them there when it is moved or scaled."""
        self._own.close()
        if (image := self._images.primary) is not None:
            for name in PLACE_EVENTS:
                if name in image.events.emitters:
                    self._own.connect(image.events[name], self._place)
            self._place()

    def close(self) -> None:
        """Stop following the image."""
        self._own.close()

    def _place(self) -> None:
        for part in self._parts:
            if part.layer is not None and self._images.primary is not None:
                place_like(part.layer, self._images.primary)
