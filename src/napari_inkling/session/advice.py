"""Which method to train, and what there is for it to learn from."""

from __future__ import annotations

from napari_inkling.core import SettingsError
from napari_inkling.methods import Needs, get_method, method_names
from napari_inkling.session.continuing import method_of
from napari_inkling.session.image_kinds import ImageKinds
from napari_inkling.session.marked_cells import MarkedCells
from napari_inkling.session.recommend import HintCounts, Recommendation, recommend
from napari_inkling.session.telling import Tell
from napari_inkling.session.workspace import Workspace

__all__ = ["Advice"]


class Advice:
    """Counts the hints, and recommends a method that suits them.

    Parameters
    ----------
    workspace : Workspace
        The project with the hints.
    kinds : ImageKinds
        What kind of images those with hints are.
    marked : MarkedCells
        How many of the cells are marked.
    method : str or None
        The session's own method, which is recommended in any case.
    tell : callable
        Tells the person of methods that cannot be loaded.
    """

    def __init__(
        self,
        workspace: Workspace,
        kinds: ImageKinds,
        marked: MarkedCells,
        method: str | None,
        tell: Tell,
    ) -> None:
        self.method = method
        self._workspace = workspace
        self._kinds = kinds
        self._marked = marked
        self._tell = tell
        self._broken_methods: set[str] = set()

    def recommend(self) -> Recommendation:
        """Return the session's own method, else the one that suits the hints there are, and why.

        Raises :class:`~napari_inkling.core.SettingsError` if the session's own cannot be loaded.
        """
        needs = {self.method: get_method(self.method).needs} if self.method else self.needs()
        share = self._marked.share()
        return recommend(
            self.hint_counts(),
            needs,
            self._kinds.usual(),
            None if share is None else share.estimate,
            "" if (model := self._workspace.newest_model) is None else method_of(model),
        )

    def needs(self) -> dict[str, Needs]:
        """Return what the installed methods need; one that cannot be loaded is told once and left out."""
        needs: dict[str, Needs] = {}
        for name in method_names():
            try:
                needs[name] = get_method(name).needs
            except SettingsError as error:
                if name not in self._broken_methods:
                    self._broken_methods.add(name)
                    self._tell("warning", str(error))
        return needs

    def hint_counts(self) -> HintCounts:
        """Return how many images and hints there are to learn from."""
        if (project := self._workspace.opened) is None:
            return HintCounts()
        wanted = self._workspace.learnable_images
        hints = {ref: project.hints(ref) for ref in project.planes_with_hints()}
        learnt = [rows for ref, rows in hints.items() if ref.image in wanted]
        return HintCounts(
            images=len(project.images),
            points=sum(len(rows.points.cells) for rows in learnt),
            boxes=sum(len(rows.boxes.cells) for rows in learnt),
            background=sum(len(rows.points.background) for rows in learnt),
            held_out=sum(len(rows) for ref, rows in hints.items() if ref.image not in wanted),
        )
