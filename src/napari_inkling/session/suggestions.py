"""What the model suggests: predicted, and neither marked nor rejected yet."""

from __future__ import annotations

from dataclasses import replace

from psygnal import Signal

from napari_inkling.core import PlaneRef, Predictions
from napari_inkling.core.box_places import cut
from napari_inkling.core.mask_places import Clipping
from napari_inkling.project import Project
from napari_inkling.project.settings import ProjectSettings
from napari_inkling.session.annotations import Annotations
from napari_inkling.session.cell_radius import CellRadius
from napari_inkling.session.suggested_cells import usual_radius, with_classes, without_known
from napari_inkling.session.telling import FIRST, LAST
from napari_inkling.session.workspace import Workspace

__all__ = ["Suggestions"]


class Suggestions:
    """Holds what was predicted of each plane, and says what is left to judge.

    Suggestions are never stored: they are what the model predicted, minus what is near a hint, minus what was
    rejected. So undoing an acceptance brings the suggestion back, and nothing has to be kept in step.

    Parameters
    ----------
    workspace : Workspace
        Which project, and which plane by default.
    annotations : Annotations
        What hides suggestions.
    radius : CellRadius
        How far that reaches; told that of the model.
    """

    #: The visible suggestions of this plane changed.
    changed = Signal(PlaneRef)
    #: The model says something new of this plane; before :attr:`changed`.
    predicted = Signal(PlaneRef)

    def __init__(self, workspace: Workspace, annotations: Annotations, radius: CellRadius) -> None:
        self._workspace = workspace
        self._annotations = annotations
        self._radius = radius
        self._predictions: dict[PlaneRef, Predictions] = {}
        self._searched: set[PlaneRef] = set()  # whose predictions are a model's, of the whole plane
        self._visible: dict[PlaneRef, Predictions] = {}
        self._seen: dict[PlaneRef, Predictions] = {}  # what was visible before the hints changed
        self._clippings: dict[PlaneRef, Clipping] = {}
        self._threshold = ProjectSettings().threshold
        annotations.hints_changed.connect(self._set_aside, priority=FIRST)
        annotations.hints_changed.connect(self._on_hints, priority=LAST)
        annotations.rejected_changed.connect(self._refresh, priority=LAST)
        annotations.classes_changed.connect(self._forget_all_visible, priority=FIRST)
        radius.changed.connect(self._refresh_all, priority=LAST)
        workspace.pixels_changed.connect(self._forget_image, priority=FIRST)

    # -- what is seen ------------------------------------------------------------------------------

    def shown(self, ref: PlaneRef | None = None, threshold: float | None = None) -> Predictions:
        """Return what is left to judge on a plane, with scores of at least ``threshold``.

        Of the plane on screen, and with :attr:`threshold`, by default.
        """
        if (ref := ref or self._workspace.plane) is None or ref not in self._predictions:
            return Predictions()
        return self._whole(ref).above(self._threshold if threshold is None else threshold)

    def _whole(self, ref: PlaneRef) -> Predictions:
        if ref not in self._visible:
            self._visible[ref] = self._left(ref)
        return self._visible[ref]

    def _left(self, ref: PlaneRef) -> Predictions:
        """Return what is left to judge of what was predicted, under the classes' names of today."""
        project, predictions = self._workspace.project, self._predictions[ref]
        hints, clipping = self._annotations.hints_of(ref), self._clippings.get(ref)
        if clipping is None or clipping.masks is not predictions.masks:
            clipping = Clipping(predictions.masks, predictions.masks)
        self._clippings[ref] = clipping = clipping.after(hints.masks)
        named, free = (
            with_classes(found, project.class_today)
            for found in (predictions, Predictions(masks=clipping.left))
        )
        return without_known(named, hints, project.rejected(ref), self._radius.at(ref), free.masks)

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
        if self._workspace.plane is not None:
            self.changed.emit(self._workspace.plane)

    @property
    def planes(self) -> tuple[PlaneRef, ...]:
        """The planes that were predicted."""
        return tuple(self._predictions)

    def found(self, ref: PlaneRef) -> Predictions:
        """Return all that the model said of a plane, judged or not; nothing if it was not predicted."""
        return self._predictions.get(ref, Predictions())

    def is_judged(self, ref: PlaneRef) -> bool:
        """Return whether the whole plane was predicted, and nothing that is shown is left to judge."""
        return ref in self._searched and not any(map(len, self.shown(ref).kinds))

    def is_searched(self, ref: PlaneRef) -> bool:
        """Return whether the whole plane was predicted."""
        return ref in self._searched

    # -- what changes it ---------------------------------------------------------------------------

    def put(self, ref: PlaneRef, predictions: Predictions, whole: bool = True) -> None:
        """Hold what the model says of a plane, or of a part of it, in place of what it said before.

        Boxes are cut at the edge of the image. They tell the cell radius where the model does not.
        """
        for record in self._workspace.project.images:
            if record.name == ref.image:
                height, width = record.info.plane_shape[:2]
                predictions = replace(predictions, boxes=cut(predictions.boxes, (height, width)))
        self._predictions[ref] = predictions
        self._radius.learn(ref, predictions.radius or usual_radius(predictions.boxes))
        if whole:
            self._searched.add(ref)
        else:
            self._searched.discard(ref)
        self.predicted.emit(ref)
        self._refresh(ref)

    def _forget_image(self, name: str) -> None:
        for ref in [ref for ref in self._predictions if ref.image == name]:
            del self._predictions[ref]
            self._searched.discard(ref)
            self._refresh(ref)

    def _refresh(self, ref: PlaneRef) -> None:
        self._forget_visible(ref)
        self.changed.emit(ref)

    def _refresh_all(self) -> None:
        for ref in self.planes:
            self._refresh(ref)

    def _set_aside(self, ref: PlaneRef) -> None:
        if ref in self._visible:
            self._seen[ref] = self._visible.pop(ref)

    def _on_hints(self, ref: PlaneRef) -> None:
        """Tell of a change; if what somebody has seen is as it was, there is none."""
        seen = self._seen.pop(ref, None)
        if ref in self._predictions and (seen is None or not seen.equals(self._whole(ref))):
            self.changed.emit(ref)

    def _forget_visible(self, ref: PlaneRef) -> None:
        self._visible.pop(ref, None)
        self._seen.pop(ref, None)

    def _forget_all_visible(self) -> None:
        self._visible.clear()
        self._seen.clear()

    # -- from one time to the next -----------------------------------------------------------------

    def take_up(self, project: Project) -> None:
        """Begin with another project: with its threshold, and without any suggestion."""
        self._predictions, self._searched, self._clippings = {}, set(), {}
        self._forget_all_visible()
        self._threshold = float(project.setting("threshold"))

    def keep_settings(self, project: Project) -> None:
        """Write the threshold into the project; raises ProjectError."""
        project.set_setting("threshold", self._threshold)
