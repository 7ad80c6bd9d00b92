"""The review side of a session: what the model suggests, and what a person makes of it."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_inkling.core import HintSet, PlaneRef, Predictions, ProjectError
from napari_inkling.project import Project
from napari_inkling.project.formats import export_annotations
from napari_inkling.session.clock import timed
from napari_inkling.session.desk import Dispatch
from napari_inkling.session.project_session import ProjectSession
from napari_inkling.session.suggested_cells import (
    accepted,
    background_at,
    count_cells,
    positions,
    with_classes,
    with_ids,
    within,
    without_known,
)
from napari_inkling.supervision import estimate_radius

__all__ = ["DEFAULT_RADIUS", "ReviewSession"]

#: Cell radius in pixels while neither the person, nor the model, nor the hints tell one.
DEFAULT_RADIUS = 8.0
#: From so many cells the radius is estimated in the viewer; a method looks at more of them.
LATEST_CELLS = 10


class ReviewSession(ProjectSession):
    """Suggestions: hidden, accepted, rejected; see :class:`~napari_inkling.session.Session`.

    Suggestions are never stored: they are what the model predicted, minus what is near a hint, minus what was
    rejected. So undoing an acceptance brings the suggestion back, and nothing has to be kept in step.
    """

    def __init__(self, dispatch: Dispatch | None = None) -> None:
        super().__init__(dispatch)
        self._predictions: dict[PlaneRef, Predictions] = {}
        self._searched: set[PlaneRef] = set()  # whose predictions are of the whole plane
        self._visible: dict[PlaneRef, Predictions] = {}
        self._threshold = 0.5
        self._radius: float | None = None
        self._estimate: tuple[HintSet, float | None] | None = None

    # -- what is seen ------------------------------------------------------------------------------

    def suggestions(self, ref: PlaneRef | None = None, threshold: float | None = None) -> Predictions:
        """Return what is left to judge on a plane, with scores of at least ``threshold`` (the session's)."""
        if (ref := ref or self._plane) is None or ref not in self._predictions:
            return Predictions()
        if ref not in self._visible:
            predictions = with_classes(self._predictions[ref], self.project.class_today)
            self._visible[ref] = without_known(
                predictions, self.hints_of(ref), self.project.rejected(ref), self.radius_at(ref)
            )
        return self._visible[ref].above(self._threshold if threshold is None else threshold)

    @property
    def suggested_planes(self) -> tuple[PlaneRef, ...]:
        """The planes that were predicted."""
        return tuple(self._predictions)

    @property
    def threshold(self) -> float:
        """Suggestions with a lower score are not shown; in [0, 1]."""
        return self._threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        value = min(1.0, max(0.0, float(value)))
        if value == self._threshold:
            return
        self._threshold = value
        if self._plane is not None:
            self.suggestions_changed.emit(self._plane)

    def rename_class(self, old: str, new: str) -> None:
        """Rename a class; its hints and suggestions follow, also those of models that know the old name."""
        self._visible.clear()
        super().rename_class(old, new)

    def _set_predictions(self, ref: PlaneRef, predictions: Predictions, whole: bool = True) -> None:
        self._predictions[ref] = predictions
        if whole:
            self._searched.add(ref)
        else:
            self._searched.discard(ref)
        self._refresh(ref)

    def _refresh(self, *refs: PlaneRef) -> None:
        for ref in refs:
            self._visible.pop(ref, None)
            self.suggestions_changed.emit(ref)

    def _hints_changed(self, ref: PlaneRef) -> None:
        self._visible.pop(ref, None)
        super()._hints_changed(ref)
        if ref in self._predictions:
            self.suggestions_changed.emit(ref)

    # -- cell radius -------------------------------------------------------------------------------

    @property
    def radius(self) -> float | None:
        """The cell radius in pixels that the person set; ``None`` leaves it to the method."""
        return self._radius

    @radius.setter
    def radius(self, value: float | None) -> None:
        self._radius = None if value is None else max(0.5, float(value))
        self._keep("radius", self._radius)
        self.radius_changed.emit(self._radius)
        self._refresh(*self._predictions)

    def radius_at(self, ref: PlaneRef) -> float:
        """Return the radius in force on a plane: the person's, else the model's, else a default."""
        if self._radius is not None:
            return self._radius
        predictions = self._predictions.get(ref)
        return predictions.radius if predictions and predictions.radius else DEFAULT_RADIUS

    def estimate_radius(self, ref: PlaneRef | None = None) -> float:
        """Return the cell radius in pixels that a plane shows at the cells marked last.

        Where the pixels do not tell, it is that of :meth:`radius_at`. Raises ImageError if there are none.
        """
        ref = self._required(ref)
        hints = self.hints_of(ref)
        if self._estimate is None or self._estimate[0] is not hints:
            marked = np.concatenate([hints.points.cells.coordinates, hints.boxes.centres])[-LATEST_CELLS:]
            found = estimate_radius([(self.project.open_image(ref), marked)]) if len(marked) else None
            self._estimate = (hints, found)
        return self._estimate[1] or self.radius_at(ref)

    # -- judging -----------------------------------------------------------------------------------

    def accept(self, ids: Iterable[int], ref: PlaneRef | None = None) -> int:
        """Make hints of the visible suggestions with these ids; returns how many, one undo takes all back."""
        ref = self._required(ref)
        return self._accept(ref, with_ids(self.suggestions(ref), np.fromiter(ids, np.int64)))

    def accept_above(self, ref: PlaneRef | None = None) -> int:
        """Accept everything that is shown, that is, above the threshold."""
        ref = self._required(ref)
        return self._accept(ref, self.suggestions(ref))

    def accept_in(self, y0: float, x0: float, y1: float, x1: float, ref: PlaneRef | None = None) -> int:
        """Accept what is shown within a rectangle of the plane on screen, in pixels."""
        ref = self._required(ref)
        return self._accept(ref, within(self.suggestions(ref), y0, x0, y1, x1))

    def _accept(self, ref: PlaneRef, chosen: Predictions) -> int:
        if not (count := count_cells(chosen)):
            return 0
        seconds = self._clock.lap()
        hints = accepted(chosen, time.time(), self._training_round(), self.hints_of(ref))
        hints = timed(HintSet(), hints, seconds, source="accepted")
        label = f"accept {count:,} suggestion{'s' * (count > 1)}"
        if not self._write(ref, HintSet(), hints, label, seconds):
            return 0
        self._mark_reviewed(ref.image)
        return count

    def reject(self, ids: Iterable[int], as_background: bool = False, ref: PlaneRef | None = None) -> int:
        """Hide suggestions for good, in later previews too; returns how many, one undo takes all back.

        With ``as_background`` each becomes a background point ("not a cell") that training learns from;
        without, :meth:`restore_rejected` brings them back, too.
        """
        ref = self._required(ref)
        chosen = with_ids(self.suggestions(ref, threshold=0.0), np.fromiter(ids, np.int64))
        if not (count := count_cells(chosen)):
            return 0
        seconds, label = self._clock.lap(), f"reject {count:,} suggestion{'s' * (count > 1)}"
        if as_background:
            held = self._write(
                ref,
                HintSet(),
                timed(HintSet(), background_at(chosen), seconds, self._training_round()),
                label,
                seconds,
            )
        else:
            held = self._put(lambda: self.project.reject(ref, positions(chosen), label), seconds)
            self._refresh(ref)
            self.history_changed.emit()
        if not held:
            return 0
        self._mark_reviewed(ref.image)
        return count

    def rejected_count(self, ref: PlaneRef | None = None) -> int:
        """Return how many suggestions of a plane :meth:`restore_rejected` would show again."""
        ref = ref or self._plane
        return 0 if ref is None else len(self.project.rejected(ref))

    def restore_rejected(self, ref: PlaneRef | None = None) -> int:
        """Show again what was rejected on a plane without becoming background; returns how many.

        One undo takes it back.
        """
        ref = self._required(ref)
        if not (count := self.rejected_count(ref)):
            return 0
        label = f"bring back {count:,} suggestion{'s' * (count > 1)}"
        held = self._put(lambda: self.project.restore_rejected(ref, label), self._clock.lap())
        self._refresh(ref)
        self.history_changed.emit()
        return count if held else 0

    def _mark_reviewed(self, image: str) -> None:
        """Mark an image as reviewed once nothing that is shown is left to judge on any of its planes."""
        record = self.project.image(image)
        if record.reviewed or any(map(self._has_to_be_judged, record.planes())):
            return
        try:
            self.update_image(image, reviewed=True)
        except ProjectError as error:
            self.message.emit("error", str(error))

    def _has_to_be_judged(self, ref: PlaneRef) -> bool:
        return ref not in self._searched or any(map(len, self.suggestions(ref).kinds))

    def _keep(self, key: str, value: Any) -> None:
        """Keep a value with the project; if the disk refuses, say so (it holds until the session ends)."""
        try:
            self.project.set_setting(key, value)
        except ProjectError as error:
            self.message.emit("error", str(error))

    # -- project -----------------------------------------------------------------------------------

    def _take_up(self, project: Project) -> None:
        super()._take_up(project)
        self._predictions, self._searched, self._visible = {}, set(), {}
        self._threshold = float(project.setting("threshold", 0.5))
        self._radius = project.setting("radius", None)

    def _keep_settings(self, project: Project) -> None:
        super()._keep_settings(project)
        project.set_setting("threshold", self._threshold)

    def export(
        self,
        path: Path | str,
        format: str,
        what: Literal["hints", "suggestions", "both"] = "hints",
        images: Collection[str] | None = None,
    ) -> Path:
        """Write hints, visible suggestions, or both to a file or folder; returns it.

        Where a format draws a point, it gets the cell radius of the person, else that of the model.

        Parameters
        ----------
        path : Path
            File, or folder for formats that write one file for each plane.
        format : str
            A name of :data:`~napari_inkling.project.formats.FORMATS`.
        what : str
            "hints", "suggestions" (above the threshold) or "both".
        images : collection of str or None
            Names of the images to write; all by default.

        Raises
        ------
        FormatError
            If the format or an image is unknown, there is nothing to write, or it cannot be written.
        """
        radius = self._radius or next((p.radius for p in self._predictions.values() if p.radius), None)
        if what == "hints":
            return export_annotations(self.project, path, format, images=images, radius=radius)
        chosen = [record for record in self.project.images if images is None or record.name in images]
        every = [plane for record in chosen for plane in record.planes()]
        items: dict[PlaneRef, HintSet | Predictions] = {
            ref: self.suggestions(ref) if what == "suggestions" else self._both(ref)
            for ref in every
            if ref in self._predictions or what == "both"
        }
        if left := sum(ref not in self._searched for ref in every):
            planes = "1 plane has" if left == 1 else f"{left:,} planes have"
            self.message.emit("info", f"{planes} not been searched as a whole yet: predict first.")
        return export_annotations(self.project, path, format, items=items, images=images, radius=radius)

    def _both(self, ref: PlaneRef) -> HintSet:
        hints, shown = self.hints_of(ref), self.suggestions(ref)
        return hints.joined(HintSet(*shown.kinds))
