"""The layers that show the current image: of a stack all planes, of several channels one layer each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from napari_inkling.widgets.channel_array import channels_of
from napari_inkling.widgets.image_levels import levels_of, sample

if TYPE_CHECKING:
    from napari_inkling.project import ImageRecord, Project
    from napari_inkling.project.lazy import ImageInfo

__all__ = ["ImageLayers", "contrast_limits", "is_grey"]

#: Key in a layer's metadata that names the image of the project it shows.
MARK = "inkling_image"
_CHANNEL_COLOURS = ("cyan", "magenta", "yellow", "green", "red", "blue")


def is_grey(pixels: npt.NDArray[Any]) -> bool:
    """Whether red, green and blue are one: a grey image saved in colour, whose contrast one wants to set."""
    return bool((pixels[:, :3] == pixels[:, :1]).all())


def contrast_limits(values: npt.NDArray[Any]) -> tuple[float, float]:
    """Return what to show as black and as white: the percentiles 0.1 and 99.9 of the finite values."""
    values = np.asarray(values, dtype=np.float64).ravel()
    values = values[np.isfinite(values)]
    low, high = np.percentile(values, (0.1, 99.9)).tolist() if values.size else (0.0, 1.0)
    return (low, high) if high > low else (low, low + 1.0)


class ImageLayers:
    """Keeps the layers of one image of the project in the viewer; a person's own layer serves as well."""

    def __init__(self, viewer: Any, say: Callable[[str], object]) -> None:
        self._viewer = viewer
        self._say = say
        self._own: dict[str, Any] = {}
        self._former: WeakSet[Any] = WeakSet()  # a person's own that show what is in no file any more
        self.layers: list[Any] = []
        self.record: ImageRecord | None = None
        self._busy = False

    @property
    def primary(self) -> Any:
        """The layer that the others are placed on, ``None`` if no image is shown."""
        return self.layers[0] if self.layers else None

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Rows and columns of the image shown, (0, 0) without one."""
        if self.record is None:
            return (0, 0)
        height, width = self.record.info.plane_shape[:2]
        return height, width

    @property
    def _stack_shape(self) -> tuple[int, ...]:
        return () if self.record is None else self.record.info.stack_shape

    def show(self, project: Project, record: ImageRecord | None) -> bool:
        """Show an image, or none; returns whether other layers show now. Raises ImageError if unreadable."""
        gone = [layer for layer in self.layers if layer not in self._viewer.layers]
        if record == self.record and not gone and self.layers:
            return False
        self.clear()
        self.record = record
        if record is None:
            return True
        found = self._found(record)
        self.layers = found or self._make(project, record)
        for layer in self.layers:
            layer.visible = True
        return True

    def clear(self) -> None:
        """Remove the layers made here; hide a person's own."""
        with self._alone():
            for layer in self.layers:
                if layer not in self._viewer.layers:
                    continue
                if layer.metadata.get(MARK) is not None and layer not in self._own.values():
                    self._viewer.layers.remove(layer)
                else:
                    layer.visible = False
        self.layers, self.record = [], None

    def use(self, name: str, layer: Any) -> None:
        """Show the image of this name by a person's own layer from now on."""
        self._own[name] = layer
        self._former.discard(layer)
        if self.record is not None and self.record.name == name:
            self.clear()

    def keep_only(self, names: Collection[str]) -> None:
        """Give back the layers of a person whose images are not of the project any more."""
        self._own = {name: layer for name, layer in self._own.items() if name in names}

    def forget(self, name: str) -> None:
        """Give back the layer of a person that shows what an image was before its file changed."""
        if (layer := self._own.pop(name, None)) is not None:
            self._former.add(layer)

    def candidate(self) -> Any:
        """Return the image layer that is selected if it does not belong to the project yet, else ``None``."""
        layer = self._viewer.layers.selection.active
        if layer is None or type(layer).__name__ != "Image" or layer in self.layers:
            return None
        return None if MARK in layer.metadata or layer in self._own.values() else layer

    # -- planes of a stack

    def plane_on_screen(self) -> tuple[int, ...]:
        """Return where in the stack the viewer's sliders stand."""
        stack = self._stack_shape
        point = np.asarray(self.primary.world_to_data(self._viewer.dims.point))[: len(stack)]
        last = np.asarray(stack) - 1
        return tuple(int(i) for i in np.clip(np.floor(point + 0.5), 0, last))

    def turn_to(self, plane: tuple[int, ...]) -> None:
        """Move the viewer's sliders to a plane of the stack."""
        if self.primary is None or not plane or plane == self.plane_on_screen():
            return
        place = np.zeros(self.primary.ndim)
        place[: len(plane)] = plane
        world = self.primary.data_to_world(place)
        dims = self._viewer.dims
        axes = range(dims.ndim - len(world), dims.ndim)
        for axis, value in list(zip(axes, world, strict=True))[: len(plane)]:
            dims.set_point(axis, value)

    def pixel_at(self, world: Any) -> npt.NDArray[np.float64]:
        """Return the pixel (y, x) at a world position."""
        return np.asarray(self.primary.world_to_data(world), dtype=np.float64)[-2:]

    def world_at(self, pixel: Any) -> npt.NDArray[np.float64]:
        """Return the world position (y, x) of a pixel of the plane on screen."""
        place = np.zeros(self.primary.ndim)
        place[: len(self._stack_shape)] = self.plane_on_screen()
        place[-2:] = pixel
        return np.asarray(self.primary.data_to_world(place))[-2:]

    # -- making layers

    def _found(self, record: ImageRecord) -> list[Any]:
        """Return layers of the viewer that show the image already."""
        layers = [layer for layer in self._viewer.layers if type(layer).__name__ == "Image"]
        layers = [layer for layer in layers if layer not in self._former]
        if (own := self._own.get(record.name)) in layers:
            return [own]
        if marked := [layer for layer in layers if layer.metadata.get(MARK) == (record.name, record.path)]:
            return marked
        lead = len(record.info.stack_shape) + 2
        for layer in layers:
            path = getattr(layer.source, "path", None)
            same = path is not None and Path(path).resolve() == Path(record.path).resolve()
            if same and tuple(layer.level_shapes[0] if layer.multiscale else layer.data.shape)[
                :lead
            ] == tuple(record.info.shape[:lead]):
                self._own[record.name] = layer
                return [layer]
        return []

    def _make(self, project: Project, record: ImageRecord) -> list[Any]:
        info = record.info
        image = project.open_image(record.planes()[0])
        pixels = sample(image)  # reads: what is damaged shows here
        names = image.channel_names or range(1, image.channels + 1)
        levels = levels_of(project, record, self._say)
        parts: list[Any] = [levels]  # of each layer, one array for each level
        if info.axes.endswith("C"):
            parts = list(zip(*map(channels_of, levels), strict=True))
        rgb = info.is_rgb
        if rgb and is_grey(pixels):
            rgb, parts = False, parts[:1]
        elif rgb:
            parts = [levels]
        kwargs: dict[str, Any] = {"metadata": {MARK: (record.name, record.path)}, **_pixel_size(info)}
        made = []
        with self._alone():
            for number, (part, channel) in enumerate(zip(parts, names, strict=False)):
                look: dict[str, Any] = {"rgb": rgb}
                if not rgb:
                    look["contrast_limits"] = contrast_limits(pixels[:, number])
                if len(parts) > 1:
                    look["colormap"] = _CHANNEL_COLOURS[number % len(_CHANNEL_COLOURS)]
                    look["blending"] = "additive" if number else "translucent_no_depth"
                name = f"{record.name} [{channel}]" if len(parts) > 1 else record.name
                data = list(part) if len(part) > 1 else part[0]
                multiscale = len(part) > 1
                made.append(self._viewer.add_image(data, name=name, multiscale=multiscale, **kwargs, **look))
        return made

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Say that layers come and go by our own hand meanwhile."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before

    @property
    def busy(self) -> bool:
        """Whether layers come and go by our own hand just now."""
        return self._busy


def _pixel_size(info: ImageInfo) -> dict[str, Any]:
    if info.pixel_size_um is None:
        return {}
    lead = len(info.stack_shape)
    return {
        "scale": (1.0,) * lead + (info.pixel_size_um,) * 2,
        "units": ("pixel",) * lead + ("um",) * 2,
    }
