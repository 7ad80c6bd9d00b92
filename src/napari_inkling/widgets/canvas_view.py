"""Where the camera looks, in pixels of the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.widgets.canvas_image import ImageLayers

__all__ = ["CanvasView", "camera_of"]

#: A suggestion that is looked at has at most so many radii around it, from the middle to the nearer edge.
_RADII_AROUND = 14.0
#: So many radii around a cell that is looked at are in view, also beside the image.
_RADII_IN_VIEW = 2.0
#: An image that is shown whole fills so much of the canvas, as in napari.
_FILLED = 0.95


def camera_of(viewer: Any) -> Any:
    """Return the viewer's camera, wherever this version of napari keeps it."""
    return viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera


class CanvasView:
    """Moves the camera, and says what it sees and whether the mouse points at something."""

    def __init__(self, viewer: Any, images: ImageLayers) -> None:
        self._viewer = viewer
        self._images = images
        self._moved = False

    @property
    def has_image(self) -> bool:
        """Whether an image is shown."""
        return self._images.primary is not None

    @property
    def image_shape(self) -> tuple[int, int]:
        """Rows and columns of the image shown, (0, 0) without one."""
        return self._images.plane_shape

    def pixel_at(self, world: Any) -> npt.NDArray[np.float64]:
        """Return the pixel (y, x) of the image at a world position."""
        return self._images.pixel_at(world)

    def fit(self) -> None:
        """Show the whole image, whatever layers of another image still reach further."""
        self._viewer.reset_view()
        if self._images.primary is not None:
            rows, columns = self.image_shape
            first, last = (self._images.world_at(at) for at in ((-0.5, -0.5), (rows - 0.5, columns - 0.5)))
            camera = camera_of(self._viewer)
            camera.center = (*camera.center[:-2], *((first + last) / 2).tolist())
            camera.zoom = _FILLED * float((np.array(self.size) / np.abs(last - first)).min())
        self._moved = False

    def look_at(self, pixel: npt.ArrayLike, radius: float) -> None:
        """Centre on a pixel (y, x), and come nearer if a cell of this radius would be hard to see.

        At the edge of the image the pixel is not in the middle, so that the image nearly fills the canvas.
        """
        if self._images.primary is None:
            return
        unit = np.hypot(*(self._images.world_at(np.add(pixel, (0, 1))) - self._images.world_at(pixel)))
        near = min(self.size) / 2 / (_RADII_AROUND * radius * max(unit, 1e-12))
        camera = camera_of(self._viewer)
        camera.zoom = max(camera.zoom, near)
        self._centre_on(pixel, _RADII_IN_VIEW * radius)

    def find(self, places: npt.NDArray[np.float64]) -> None:
        """Show the nearest of these pixels (N, 2), as :meth:`look_at` does, unless one is on screen."""
        if self._images.primary is None or not len(places):
            return
        y0, x0, y1, x1 = self.box()
        if not ((places >= (y0, x0)) & (places <= (y1, x1))).all(axis=1).any():
            away = np.hypot(*(places - ((y0 + y1) / 2, (x0 + x1) / 2)).T)
            self._centre_on(places[np.argmin(away)])

    def _centre_on(self, pixel: npt.ArrayLike, around: float = 0.0) -> None:
        """Centre on a pixel (y, x), or so near to it that image fills the canvas.

        Beside the image only as much shows as lies within ``around`` pixels of that one.
        """
        y0, x0, y1, x1 = self.box()
        half, last = np.array([y1 - y0, x1 - x0]) / 2, np.array(self.image_shape) - 0.5
        at, middle = np.asarray(pixel, dtype=np.float64), (last - 0.5) / 2
        if self._is_upright and ((at >= -0.5) & (at <= last)).all():
            room = np.maximum(half - around, 0)
            filled = np.clip(at, np.minimum(half - 0.5, middle), np.maximum(last - half, middle))
            at = np.clip(filled, at - room, at + room)
        camera, centre = camera_of(self._viewer), self._images.world_at(at)
        camera.center = (*camera.center[:-2], *centre.tolist())
        self._moved = False

    @property
    def _is_upright(self) -> bool:
        """Whether rows of the image are rows of the canvas: it may be scaled, but is not turned."""
        across = self._images.world_at((0, 1)) - self._images.world_at((0, 0))
        return bool(across[0] == 0)

    def box(self) -> tuple[float, float, float, float]:
        """Return what is on screen: y0, x0, y1, x1 in pixels, whole if no image is shown."""
        if self._images.primary is None:
            return (-np.inf, -np.inf, np.inf, np.inf)
        centre = np.asarray(camera_of(self._viewer).center[-2:])
        half = np.array(self.size) / camera_of(self._viewer).zoom / 2
        corners = [centre + half * (sy, sx) for sy in (-1, 1) for sx in (-1, 1)]
        pixels = np.array([self._images.pixel_at(self._with_stack(corner)) for corner in corners])
        return (*pixels.min(0).tolist(), *pixels.max(0).tolist())

    def pixels_across(self, screen: float) -> float:
        """Return how many pixels of the image lie under so many of the screen."""
        if self._images.primary is None:
            return screen
        scale = abs(float(self._images.primary.scale[-1])) or 1.0
        return screen / (camera_of(self._viewer).zoom * scale)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the canvas on the screen."""
        native = self._viewer.window._qt_viewer.canvas.native
        return native.height(), native.width()

    def pointed(self) -> None:
        """Note that the mouse was moved over the canvas."""
        self._moved = True

    @property
    def pointed_at(self) -> npt.NDArray[np.float64] | None:
        """The pixel under the mouse; ``None`` if it is elsewhere, or since the camera jumped under it."""
        over = self._moved and self.has_image and bool(getattr(self._viewer, "mouse_over_canvas", True))
        return self.pixel_at(self._viewer.cursor.position) if over else None

    def _with_stack(self, place: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        world = np.array(self._viewer.dims.point, dtype=np.float64)
        world[-2:] = place
        return world
