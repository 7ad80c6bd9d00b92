"""The layers that hold a person's hints: points, and boxes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_inkling.core import BACKGROUND, Boxes, Points
from napari_inkling.core.box_places import boxes_at
from napari_inkling.widgets.canvas_colors import Palette, make_palette, paint, veil
from napari_inkling.widgets.canvas_edits import Seen

__all__ = ["BOXES_NAME", "POINTS_NAME", "HintBoxes", "HintLayer", "HintPoints", "corners_of"]

POINTS_NAME = "Inkling points"
BOXES_NAME = "Inkling boxes"
#: A hint stays between so many screen pixels wide, however far one zooms. (Where the lower limit bites, vispy
#: makes the rim half as wide as the limit, so that a larger one would show a rim and no colour.)
_SCREEN_SIZE = (5, 24)
#: The point of a cell with a mask is so much smaller than others, so that one sees the mask.
_ON_MASK = 0.45

#: Width of a box in screen pixels; it is drawn anew where it is off by this factor, of so few boxes.
_LINE, _OFF, _FEW = 3.0, 1.3, 200


class HintLayer:
    """A napari layer whose rows have ids; tells by :attr:`touched` that a person may have changed it.

    ``rows`` is what the layer was given last. Whether a change is a person's shows in comparing it with
    :meth:`seen`, so an update by the program never comes back as an edit.
    """

    touched = Signal()
    #: napari's events after which the layer may hold something else. ``set_data`` comes with pasting, too.
    _EVENTS = ("data", "features", "set_data")

    def __init__(self) -> None:
        self.layer: Any = None
        self.rows: Any = None
        self.palette: Palette = make_palette(())
        self.radius = 8.0
        self.current_class = ""
        #: Whether the layer may hold something else than it was given.
        self.is_touched = True

    def attach(self, layer: Any) -> None:
        """Begin to listen to a layer instead of the one so far."""
        self.detach()
        self.layer, self.is_touched = layer, True
        for name in self._EVENTS:
            getattr(layer.events, name).connect(self._on_event)

    def detach(self) -> None:
        """Stop listening; the layer stays as it is."""
        if self.layer is not None:
            for name in self._EVENTS:
                getattr(self.layer.events, name).disconnect(self._on_event)
        self.layer = None

    def _on_event(self) -> None:
        self.is_touched = True
        self.touched.emit()

    @property
    def selected_ids(self) -> npt.NDArray[np.int64]:
        """The ids of the rows that are selected in the layer."""
        if self.layer is None:
            return np.empty(0, np.int64)
        return self._column("id", np.int64)[np.fromiter(self.layer.selected_data, dtype=np.intp)]

    def select(self, one: int) -> None:
        """Select the row with this id and no other; neither it nor what is marked next changes."""
        if self.layer is not None:
            with self.layer.block_update_properties():
                self._select([one])
            self.set_default(self.current_class)  # napari has taken the row's own

    def set_default(self, name: str) -> None:
        """Make what is added next of this class."""
        self.current_class = name

    def _column(self, name: str, dtype: Any) -> npt.NDArray[Any]:
        return np.asarray(self.layer.features[name].to_numpy(), dtype=dtype)

    def _features(self) -> dict[str, Any]:
        return {"class": self.rows.classes.copy(), "id": self.rows.ids.copy()}

    def _select(self, ids: Collection[int]) -> None:
        chosen = set(np.flatnonzero(np.isin(self.rows.ids, list(ids))).tolist())
        if chosen != set(self.layer.selected_data):
            self.layer.selected_data = chosen

    def _set_default_features(self) -> None:
        self.layer.feature_defaults = {"class": self.current_class, "id": 0}


class HintPoints(HintLayer):
    """Cells as filled discs in their class's colour with a white rim; "not a cell" as grey crosses."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Points = Points()

    def make(self, placement: dict[str, Any]) -> Any:
        """Return a new, empty layer of the kind, and listen to it."""
        from napari.layers import Points as PointsLayer

        layer = PointsLayer(
            np.empty((0, 2)),
            ndim=2,
            name=POINTS_NAME,
            features={"class": np.empty(0, object), "id": np.empty(0, np.int64)},
            border_width=0.12,
            border_color="white",
            size=self.size,
            canvas_size_limits=_SCREEN_SIZE,
            metadata={"inkling": "points"},
            **placement,
        )
        self.rows = Points()
        self.attach(layer)
        return layer

    @property
    def size(self) -> float:
        """Diameter in image pixels: some half of a cell's, so that the cell shows around it."""
        return float(max(2.0, 1.2 * self.radius))

    def has(self, place: npt.NDArray[np.float64]) -> bool:
        """Whether a point is drawn at (y, x)."""
        away = np.hypot(*(self.rows.coordinates - place).T)
        return bool((away <= self.size / 2).any())

    def seen(self) -> Seen:
        """Return what the layer shows now."""
        coordinates = np.array(self.layer.data, dtype=np.float64).reshape(-1, 2)
        return Seen(coordinates, self._column("class", object), self._column("id", np.int64))

    def show(self, rows: Points, with_mask: npt.ArrayLike = ()) -> None:
        """Show these rows instead, cells ``with_mask`` (ids) smaller; those that were selected stay so."""
        chosen, layer = self.selected_ids, self.layer
        self.rows = rows
        with layer.events.blocker_all(), layer.block_update_properties():
            layer.selected_data = set()
            layer.data = rows.coordinates.copy()  # napari moves points in place
            layer.features = self._features()
            if len(rows):  # napari takes no empty array of colours
                layer.face_color = paint(rows.classes, self.palette)
                layer.border_color = np.ones((len(rows), 4), np.float32)
                layer.size = np.where(np.isin(rows.ids, with_mask), _ON_MASK, 1.0) * self.size
                layer.symbol = np.where(rows.classes == BACKGROUND, "x", "o")
                layer.border_width = 0.12
            self._select(chosen)
        self.set_default(self.current_class)
        layer.refresh()

    def set_default(self, name: str) -> None:
        """Make a click add points of this class (or :data:`~napari_inkling.core.BACKGROUND`)."""
        self.current_class, layer = name, self.layer
        with layer.block_update_properties():
            layer.current_face_color = self.palette.get(name, self.palette[BACKGROUND])
            layer.current_border_color = "white"
            layer.current_symbol = "x" if name == BACKGROUND else "o"
            layer.current_size = self.size
            layer.current_border_width = 0.12
            self._set_default_features()


class HintBoxes(HintLayer):
    """Boxes as outlines in their class's colour; those around what nobody labels are veiled in grey."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Boxes = Boxes()
        self._given: Boxes | None = None
        self._pixel = 1.0

    def make(self, placement: dict[str, Any]) -> Any:
        """Return a new, empty layer of the kind, and listen to it."""
        from napari.layers import Shapes

        layer = Shapes(
            ndim=2,
            name=BOXES_NAME,
            face_color="transparent",
            edge_color="white",
            edge_width=self.width,
            opacity=1,
            features={"class": np.empty(0, object), "id": np.empty(0, np.int64)},
            metadata={"inkling": "boxes"},
            **placement,
        )
        self.rows = Boxes()
        self.attach(layer)
        return layer

    @property
    def width(self) -> float:
        """Width of the outline, in image pixels."""
        return _LINE * self._pixel

    def fit(self, pixel: float) -> None:
        """Keep outlines as wide on the screen, one of whose pixels is so many pixels of the image.

        Many shapes take long to draw anew: they stay as they are.
        """
        if not 1 / _OFF < pixel / self._pixel < _OFF:
            self._pixel = pixel
            if self.layer is not None and len(self.rows) <= _FEW:
                self.repaint()

    @property
    def is_drawing(self) -> bool:
        """Whether a shape is half drawn."""
        return bool(getattr(self.layer, "_is_creating", False))

    def has(self, place: npt.NDArray[np.float64]) -> bool:
        """Whether a box is around (y, x)."""
        y, x = place
        return len(boxes_at(self.rows, y, x, self.width / 2)) > 0

    def seen(self) -> Seen:
        """Return what the layer shows now: of any shape its bounding box."""
        shapes = self.layer.data  # slow: made anew at each access
        corners = [(*shape[:, -2:].min(0), *shape[:, -2:].max(0)) for shape in shapes]
        coordinates = np.array(corners, dtype=np.float64).reshape(-1, 4)
        return Seen(coordinates, self._column("class", object), self._column("id", np.int64))

    def show(self, rows: Boxes) -> None:
        """Show these rows instead: only what differs is drawn anew, as shapes are slow."""
        if rows is self._given and not self.is_touched:
            return
        self._show(rows)
        self._given, self.is_touched = rows, False

    def _show(self, rows: Boxes) -> None:
        chosen, layer = self.selected_ids, self.layer
        seen = self.seen()
        same = self._unchanged(seen, rows)
        fresh = rows.take(~np.isin(rows.ids, seen.ids[same]))
        self.rows = Boxes.concatenate([_in_order(rows, seen.ids[same]), fresh])
        if same.all() and not len(fresh):
            return
        with layer.events.blocker_all(), layer.block_update_properties():
            layer.selected_data = set()
            if len(stale := np.flatnonzero(~same)):
                layer.remove(stale.tolist())
            if len(fresh):
                layer.add(
                    [corners_of(box) for box in fresh.coordinates],
                    shape_type="rectangle",
                    edge_width=self.width,
                    edge_color=paint(fresh.classes, self.palette),
                    face_color=veil(fresh.classes),
                )
            layer.features = self._features()
            self._select(chosen)
        self.set_default(self.current_class)
        layer.refresh()

    def repaint(self) -> None:
        """Take colours and line width anew."""
        if len(self.rows):
            self.layer.edge_color = paint(self.rows.classes, self.palette)
            self.layer.face_color = veil(self.rows.classes)
            self.layer.edge_width = self.width
        self.set_default(self.current_class)

    def set_default(self, name: str) -> None:
        """Make a drawn box one of this class."""
        self.current_class, layer = name, self.layer
        with layer.block_update_properties():
            layer.current_edge_color = self.palette.get(name, self.palette[BACKGROUND])
            layer.current_face_color = veil(np.array([name], object))[0]
            layer.current_edge_width = self.width
            self._set_default_features()

    def _unchanged(self, seen: Seen, rows: Boxes) -> npt.NDArray[np.bool_]:
        """Return which shapes of the layer are, as they stand, among ``rows``."""
        known = {int(i): n for n, i in enumerate(rows.ids)}
        types = self.layer.shape_type
        same = np.zeros(len(seen.ids), dtype=bool)
        for n, (i, box, name) in enumerate(zip(seen.ids, seen.coordinates, seen.classes, strict=True)):
            at = known.pop(int(i), None)
            if at is not None and types[n] == "rectangle" and rows.classes[at] == name:
                same[n] = np.array_equal(rows.coordinates[at].astype(np.float32), box.astype(np.float32))
        return same


def corners_of(box: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the corners (4, 2) of a box (y0, x0, y1, x1), clockwise."""
    y0, x0, y1, x1 = np.asarray(box, dtype=np.float64)
    return np.array([[y0, x0], [y0, x1], [y1, x1], [y1, x0]])


def _in_order(rows: Boxes, ids: npt.NDArray[np.int64]) -> Boxes:
    at = {int(i): n for n, i in enumerate(rows.ids)}
    return rows.take(np.array([at[int(i)] for i in ids], dtype=np.intp))
