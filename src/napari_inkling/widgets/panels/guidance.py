"""How many more?: whether each class has boxes enough, how large they are, and which are of unusual size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QWidget

from napari_inkling.guidance import BoxAdvice
from napari_inkling.widgets.panels._advice_chips import AdviceChips
from napari_inkling.widgets.panels._divergence_plot import DivergencePlot
from napari_inkling.widgets.panels._keys import key_of
from napari_inkling.widgets.panels._panel import Panel, button, column, label, put, row, shrinking
from napari_inkling.widgets.panels._size_density import SizeDensity

if TYPE_CHECKING:
    from napari_inkling.session import Session
    from napari_inkling.widgets.layers import LayerBridge
    from napari_inkling.widgets.panels._style import Palette

__all__ = ["GuidancePanel"]

#: A box that was drawn shows so many milliseconds later.
UPDATE_MS = 10
#: The list of boxes of unusual size shows so many at once.
ROWS = 4
#: A box on the image is so thick, in pixels of the screen; around a hint it is larger by so many times that.
LINE, AROUND = 2.5, 8.0
POINTED, FOUND = "pointed size", "found box"
POINT_AT = "Point at the plot: a box of that size shows on the image. Click a dot to go to that box."
MEANWHILE = "You can train before that. If a class is rare, train with the boxes that you have."
#: What a class took from the others, and what it means for the plot.
BORROWED = {
    "spread": "How much the sizes vary is taken from the other classes, till there are three boxes.",
    "sizes": "No box of this class yet: these are the sizes of all boxes.",
}


class GuidancePanel(Panel):
    """Explains the advice on one class, that which is marked next or was chosen here."""

    title = "How many more?"

    def __init__(self, session: Session, bridge: LayerBridge) -> None:
        super().__init__(session, bridge)
        self._chosen = ""
        self._explained = ""
        self._unusual_at = -1
        self.chips: AdviceChips = self.add(AdviceChips())
        self.chips.chosen.connect(self._choose)
        self._column = column(self.body.spacing())
        self.details: QWidget = self.add(QWidget())
        self.details.setLayout(self._column)
        self.meanwhile = put(self._column, label(MEANWHILE, role="muted", wrap=True))
        self.borrowed = put(self._column, label(role="muted", wrap=True))
        self.density: SizeDensity = put(self._column, SizeDensity())
        self.density.size_pointed.connect(self._show_size)
        self.density.left.connect(self._hide_size)
        self.density.box_chosen.connect(self.go_to)
        self.pointed = put(self._column, label(POINT_AT, role="muted", wrap=True))
        self.still = put(self._column, label("Do the sizes still change?", wrap=True))
        self.divergence: DivergencePlot = put(self._column, DivergencePlot())
        self._make_unusual()
        self.listen(
            self.soon(UPDATE_MS, self.refresh),
            session.project_changed,
            session.images.changed,
            session.annotations.hints_changed,
            session.annotations.classes_changed,
        )
        self.listen(self._choose, bridge.class_changed)
        self.listen(self._leave_box, session.workspace.plane_changed, session.annotations.hints_changed)
        self.folded.connect(self.refresh)
        self.refresh()

    def _make_unusual(self) -> None:
        self.unusual_count = label(role="strong")
        self.next_unusual = button(
            "Next", "Go to the next box of unusual size", self.go_on, key=key_of("next_unusual")
        )
        self.unusual_row = put(self._column, QWidget())
        self.unusual_row.setLayout(row(shrinking(self.unusual_count), None, self.next_unusual))
        self.unusual: QListWidget = put(self._column, QListWidget())
        self.unusual.setMinimumWidth(60)
        self.unusual.setToolTip("A slip of the hand, two cells in one box, or the wrong class? Click to look")
        self.unusual.itemClicked.connect(self._on_item)

    # -- what shows

    def refresh(self, *_: object) -> None:
        """Show what is advised now; the plots only while they are seen."""
        advice = {one.name: one for one in self.session.box_sizes.advice()}
        current = self._current(list(advice))
        if current != self._explained:
            self._explained, self._unusual_at = current, -1
        some = any(one.boxes for one in advice.values())
        self.summary.setText(f"{current}: {advice[current].short}" if some and current else "")
        if self.is_folded:
            self._hide_size()
            return
        project = self.session.project
        colours = {info.name: info.color for info in project.classes}
        self.chips.show_advice(list(advice.values()), colours, current)
        self.chips.setVisible(some)
        self.details.setVisible(some and bool(current))
        if some and current:
            self.say_next(f"{advice[current].sentence}.")
            self._explain(advice[current], colours[current])
        else:
            self.say_next(
                "Draw boxes around three cells of each class "
                f"({key_of('tool_box')}): their sizes tell how many more are needed."
            )

    def _current(self, names: list[str]) -> str:
        """Return the class that is explained: the one chosen here, else the one that is marked next."""
        if self._chosen in names:
            return self._chosen
        marked = self.bridge.current_class
        return marked if marked in names else next(iter(names), "")

    def _explain(self, advice: BoxAdvice, colour: str) -> None:
        sizes = self.session.box_sizes
        prior, mean_iou = sizes.prior(advice.name), sizes.mean_iou_box(advice.name)
        assert prior is not None and mean_iou is not None  # some class has a box
        self.meanwhile.setVisible(advice.state == "more")
        self.borrowed.setText(BORROWED.get(prior.borrowed, ""))
        self.borrowed.setVisible(bool(prior.borrowed))
        unusual, drawn = sizes.unusual(advice.name), sizes.drawn(advice.name)
        self.density.show_sizes(prior, drawn.sizes, unusual, mean_iou, colour)
        for widget in (self.still, self.divergence):
            widget.setVisible(advice.curve is not None)
        if advice.curve is not None:
            self.divergence.show_curve(advice.curve, foretells=advice.is_estimate)
        self._list_unusual(advice.name)

    def _list_unusual(self, name: str) -> None:
        drawn, rows = self.session.box_sizes.drawn(name), self.session.box_sizes.unusual(name).tolist()
        words = [
            f"{drawn.sizes[at, 0]:.0f} × {drawn.sizes[at, 1]:.0f} px  ·  {drawn.planes[at]}" for at in rows
        ]
        if words != [self.unusual.item(at).text() for at in range(self.unusual.count())]:
            self.unusual.clear()
            for text in words:
                self.unusual.addItem(QListWidgetItem(text))
            self.unusual.setFixedHeight(8 + min(len(rows), ROWS) * max(self.unusual.sizeHintForRow(0), 20))
        self.unusual_count.setText(f"{len(rows):,} of unusual size")
        for widget in (self.unusual_row, self.unusual):
            widget.setVisible(bool(rows))

    # -- the true size on the image

    def _show_size(self, height: float, width: float) -> None:
        y0, x0, y1, x1 = self.bridge.view_box()
        rows, columns = self.bridge.view.image_shape
        if not rows:
            return
        middle = (np.clip([y0, y1], 0, rows).mean(), np.clip([x0, x1], 0, columns).mean())
        self.bridge.guides.show_box(POINTED, middle, (height, width), self.bridge.view.pixels_across(LINE))
        size = f"{height:.0f} × {width:.0f} px (height × width)"
        self.pointed.setText(f"The white box on the image is {size}.")

    def _hide_size(self) -> None:
        self.bridge.guides.hide_boxes(POINTED)
        self.pointed.setText(POINT_AT)

    def _leave_box(self, *_: object) -> None:
        self.bridge.guides.hide_boxes(FOUND)

    # -- what it does

    def _choose(self, name: str) -> None:
        self._chosen = name
        self.refresh()

    def _on_item(self, item: QListWidgetItem) -> None:
        self._go_to_unusual(self.unusual.row(item))

    def go_on(self) -> None:
        """Go to the next box of unusual size, after the last to the first."""
        count = len(self.session.box_sizes.unusual(self._explained))
        if not count:
            self.session.message.emit("info", "No box of this class has an unusual size.")
            return
        self._go_to_unusual((self._unusual_at + 1) % count)

    def _go_to_unusual(self, at: int) -> None:
        self._unusual_at = at
        self.unusual.setCurrentRow(at)
        self.go_to(int(self.session.box_sizes.unusual(self._explained)[at]))

    def go_to(self, index: int) -> None:
        """Go to a box of the class, by its place in drawing order: to its image, with a frame around it."""
        drawn = self.session.box_sizes.drawn(self._explained)
        self.bridge.flush()
        with self.telling():
            self.session.go_to(drawn.planes[index])
            centre, size = drawn.centres[index], drawn.sizes[index]
            self.bridge.view.look_at(centre, float(size.max()) / 2)
            thickness = self.bridge.view.pixels_across(LINE)
            self.bridge.guides.show_box(FOUND, centre, size + AROUND * thickness, thickness)

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a new theme for the plots."""
        for plot in (self.density, self.divergence):
            plot.set_palette(palette)

    def release(self) -> None:
        """Disconnect, and take the plots down."""
        super().release()
        for plot in (self.density, self.divergence):
            plot.close_plot()
