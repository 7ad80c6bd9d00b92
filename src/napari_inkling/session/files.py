"""Annotations that come from files, and go into files, of other programs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Literal

from napari_inkling.core import HintSet, PlaneRef, Predictions
from napari_inkling.project.formats import ImportResult, export_annotations, import_annotations
from napari_inkling.session.accepting import beside_hints
from napari_inkling.session.annotations import Annotations
from napari_inkling.session.cell_radius import CellRadius
from napari_inkling.session.suggestions import Suggestions
from napari_inkling.session.telling import Tell
from napari_inkling.session.workspace import Workspace

__all__ = ["Files"]


class Files:
    """Imports hints; exports hints and suggestions.

    Parameters
    ----------
    workspace : Workspace
        Which project.
    annotations : Annotations
        The hints; told of those that came.
    suggestions : Suggestions
        What is suggested.
    radius : CellRadius
        How large a format draws a point.
    tell : callable
        Tells the person what was skipped or is missing.
    """

    def __init__(
        self,
        workspace: Workspace,
        annotations: Annotations,
        suggestions: Suggestions,
        radius: CellRadius,
        tell: Tell,
    ) -> None:
        self._workspace = workspace
        self._annotations = annotations
        self._suggestions = suggestions
        self._radius = radius
        self._tell = tell

    def import_annotations(
        self, path: Path | str, format: str, images: Iterable[str] | None = None
    ) -> ImportResult:
        """Add the annotations of a file or folder as hints; what was skipped is told."""
        project = self._workspace.project
        classes, chosen = project.classes, None if images is None else list(images)
        result = import_annotations(project, path, format, chosen)
        for notice in result.notices:
            self._tell("warning", notice)
        came = [PlaneRef.parse(name) for name, hints in result.hints.items() if len(hints)]
        self._annotations.announce(came, classes)
        return result

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
        project, radius = self._workspace.project, self._radius.anywhere()
        if what == "hints":
            return export_annotations(project, path, format, images=images, radius=radius)
        chosen = [record for record in project.images if images is None or record.name in images]
        every = [plane for record in chosen for plane in record.planes()]
        predicted = set(self._suggestions.planes)
        items: dict[PlaneRef, HintSet | Predictions] = {
            ref: self._suggestions.shown(ref) if what == "suggestions" else self._both(ref)
            for ref in every
            if ref in predicted or what == "both"
        }
        if left := sum(not self._suggestions.is_searched(ref) for ref in every):
            planes = "1 plane has" if left == 1 else f"{left:,} planes have"
            self._tell("info", f"{planes} not been searched as a whole yet: predict first.")
        return export_annotations(project, path, format, items=items, images=images, radius=radius)

    def _both(self, ref: PlaneRef) -> HintSet:
        return beside_hints(self._annotations.hints_of(ref), self._suggestions.shown(ref))
