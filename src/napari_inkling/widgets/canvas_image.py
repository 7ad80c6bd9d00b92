"""The layers that show the current image: read lazily, a whole stack at once, channels apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Image, ImageError, PlaneRef
from napari_inkling.project.images import open_array
from napari_inkling.project.lazy import FileArray, ImageInfo, ReadPlane
from napari_inkling.project.preview import previews

__all__ = [
    "ChannelArray",
    "ImageLayers",
    "axes_of",
    "contrast_limits",
    "is_rgb",
    "levels_of",
    "record_of",
    "sample",
    "stack_of",
]

#: Key in a layer's metadata that names the image of the project it shows.
MARK = "inkling_image"
_CHANNEL_COLOURS = ("cyan", "magenta", "yellow", "green", "red", "blue")
#: Edge in pixels of the windows that are looked at to choose contrast limits of a large plane.
_WINDOW = 512
_SAMPLE = 250_000


class ChannelArray:
    """One channel of an array (…, Y, X, C), read only where it is looked at."""

    def __init__(self, array: Any, channel: int) -> None:
        self._array = array
        self._channel = channel
        self.shape = tuple(array.shape[:-1])
        self.dtype = np.dtype(array.dtype)
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape, dtype=np.int64))
        self.size = math.prod(self.shape)

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        keys = key if isinstance(key, tuple) else (key,)
        missing = self.ndim - sum(k is not Ellipsis for k in keys)
        if not any(k is Ellipsis for k in keys):
            keys = (*keys, *[slice(None)] * missing)
        return np.asarray(self._array[(*keys, self._channel)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self[...], dtype=dtype)


def channels_of(array: Any) -> list[ChannelArray]:
    """Return the channels of an array (…, Y, X, C) one by one."""
    return [ChannelArray(array, channel) for channel in range(array.shape[-1])]


def is_rgb(axes: str, shape: tuple[int, ...], dtype: Any) -> bool:
    """Whether the channels are red, green and blue (and alpha): three or four of 8 bits."""
    return axes.endswith("C") and shape[-1] in (3, 4) and np.dtype(dtype) == np.uint8


def is_grey(pixels: npt.NDArray[Any]) -> bool:
    """Whether red, green and blue are one: a grey image saved in colour, whose contrast one wants to set."""
    return bool((pixels[:, :3] == pixels[:, :1]).all())


def contrast_limits(values: npt.NDArray[Any]) -> tuple[float, float]:
    """Return what to show as black and as white: the percentiles 0.1 and 99.9 of the finite values."""
    values = np.asarray(values, dtype=np.float64).ravel()
    values = values[np.isfinite(values)]
    low, high = np.percentile(values, (0.1, 99.9)).tolist() if values.size else (0.0, 1.0)
    return (low, high) if high > low else (low, low + 1.0)


def sample(image: Image) -> npt.NDArray[Any]:
    """Return some 250,000 pixels that stand for a plane, shape (N, C); of a large one from nine windows."""
    if image.height * image.width <= 9 * _WINDOW**2:
        every = image.read().reshape(-1, image.channels)
        return every[:: max(1, len(every) // _SAMPLE)]
    starts = [[round(t * max(0, n - _WINDOW)) for t in (0.1, 0.5, 0.9)] for n in (image.height, image.width)]
    windows = [image.read(slice(y, y + _WINDOW), slice(x, x + _WINDOW)) for y in starts[0] for x in starts[1]]
    every = np.concatenate([window.reshape(-1, image.channels) for window in windows])
    return every[:: max(1, len(every) // _SAMPLE)]


def stack_of(project: Any, record: Any, say: Callable[[str], object]) -> FileArray:
    """Return all planes of an image as one lazy array; one that cannot be read is black, and that is said."""

    def read(index: tuple[int, ...], rows: slice, columns: slice) -> npt.NDArray[Any]:
        return np.asarray(project.open_image(PlaneRef(record.name, index)).array[rows, columns])

    return _or_black(record.info, read, say)


def levels_of(project: Any, record: Any, say: Callable[[str], object]) -> list[FileArray]:
    """Return an image as napari shows it: at full resolution, then ever coarser if it is large.

    The coarser ones are the file's own if it keeps some, else previews; what is on screen decides which of
    them is read, and where.
    """
    full = stack_of(project, record, say)
    own = [_or_black(array.info, _window_of(array), say) for array in project.coarser(record.name)]
    levels = [full, *own]
    return [*levels, *previews(levels[-1])]


def _window_of(array: FileArray) -> ReadPlane:
    return lambda index, rows, columns: array[(*index, rows, columns)]


def _or_black(info: ImageInfo, read: ReadPlane, say: Callable[[str], object]) -> FileArray:
    """Return an array by way of ``read``; where that cannot be done it is black, and that is said once."""
    told: set[str] = set()

    def read_or_say(index: tuple[int, ...], rows: slice, columns: slice) -> npt.NDArray[Any]:
        try:
            return read(index, rows, columns)
        except ImageError as error:
            if str(error) not in told:
                told.add(str(error))
                say(str(error))
            window = (rows.stop - rows.start, columns.stop - columns.start)
            return np.zeros((*window, *info.plane_shape[2:]), info.dtype)

    return FileArray(info, read_or_say)


class ImageLayers:
    """Keeps the layers of one image of the project in the viewer; a person's own layer serves as well."""

    def __init__(self, viewer: Any, say: Callable[[str], object]) -> None:
        self._viewer = viewer
        self._say = say
        self._own: dict[str, Any] = {}
        self.layers: list[Any] = []
        self.record: Any = None
        self._busy = False

    @property
    def primary(self) -> Any:
        """The layer that the others are placed on, ``None`` if no image is shown."""
        return self.layers[0] if self.layers else None

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Rows and columns of the image shown, (0, 0) without one."""
        return (0, 0) if self.record is None else tuple(self.record.info.plane_shape[:2])

    def show(self, project: Any, record: Any) -> bool:
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
        if self.record is not None and self.record.name == name:
            self.clear()

    def candidate(self) -> Any:
        """Return the image layer that is selected if it does not belong to the project yet, else ``None``."""
        layer = self._viewer.layers.selection.active
        if layer is None or type(layer).__name__ != "Image" or layer in self.layers:
            return None
        return None if MARK in layer.metadata or layer in self._own.values() else layer

    # -- planes of a stack

    def plane_on_screen(self) -> tuple[int, ...]:
        """Return where in the stack the viewer's sliders stand."""
        depth = len(self.record.info.stack_shape)
        point = np.asarray(self.primary.world_to_data(self._viewer.dims.point))[:depth]
        last = np.asarray(self.record.info.stack_shape) - 1
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
        place[: len(self.record.info.stack_shape)] = self.plane_on_screen()
        place[-2:] = pixel
        return np.asarray(self.primary.data_to_world(place))[-2:]

    # -- making layers

    def _found(self, record: Any) -> list[Any]:
        """Return layers of the viewer that show the image already."""
        layers = [layer for layer in self._viewer.layers if type(layer).__name__ == "Image"]
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

    def _make(self, project: Any, record: Any) -> list[Any]:
        info = record.info
        pixels = sample(project.open_image(record.planes()[0]))  # reads: what is damaged shows here
        levels = levels_of(project, record, self._say)
        parts: list[Any] = [levels]  # of each layer, one array for each level
        if info.axes.endswith("C"):
            parts = list(zip(*map(channels_of, levels), strict=True))
        rgb = is_rgb(info.axes, info.shape, info.dtype)
        if rgb and is_grey(pixels):
            rgb, parts = False, parts[:1]
        elif rgb:
            parts = [levels]
        kwargs: dict[str, Any] = {"metadata": {MARK: (record.name, record.path)}, **_pixel_size(info)}
        made = []
        with self._alone():
            for number, part in enumerate(parts):
                look: dict[str, Any] = {"rgb": rgb}
                if not rgb:
                    look["contrast_limits"] = contrast_limits(pixels[:, number])
                if len(parts) > 1:
                    look["colormap"] = _CHANNEL_COLOURS[number % len(_CHANNEL_COLOURS)]
                    look["blending"] = "additive" if number else "translucent_no_depth"
                name = f"{record.name} [{number}]" if len(parts) > 1 else record.name
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


def _pixel_size(info: Any) -> dict[str, Any]:
    if info.pixel_size_um is None:
        return {}
    lead = len(info.stack_shape)
    return {
        "scale": (1.0,) * lead + (info.pixel_size_um,) * 2,
        "units": ("pixel",) * lead + ("um",) * 2,
    }


def axes_of(layer: Any) -> str:
    """Return the axes of an image layer's data as one letter each, e.g. ``"ZYX"`` or ``"YXC"``."""
    if layer.ndim < 2:
        raise ImageError(f"layer {layer.name!r} has {layer.ndim} axis, expected an image")
    lead = "PTZ"[-(layer.ndim - 2) :] if layer.ndim > 2 else ""
    if len(lead) != layer.ndim - 2:
        raise ImageError(f"layer {layer.name!r} has {layer.ndim} axes, expected at most five")
    return lead + "YX" + ("C" if layer.rgb else "")


def record_of(session: Any, layer: Any) -> Any:
    """Add what a layer shows to the project, its file or else a copy of its pixels; return the image."""
    data = layer.data[0] if layer.multiscale else layer.data
    path = getattr(layer.source, "path", None)
    if path is not None and Path(path).exists():
        try:
            same = open_array(path)[1].shape == tuple(data.shape)
        except ImageError:  # napari's reader knows more kinds of files
            same = False
        if same:
            return session.add_images([Path(path)])[0]
    in_um = str(getattr(layer, "units", ("",))[-1]) == "micrometer"
    return session.add_array(layer.name, data, axes_of(layer), float(layer.scale[-1]) if in_um else None)
