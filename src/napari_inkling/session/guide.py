"""What a person has looked at, and what to look at next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from napari_inkling.core import PlaneRef, Predictions
from napari_inkling.guidance import NO_REASON, REASONS, Candidates, Pick, candidates_of, what_next
from napari_inkling.project import Project
from napari_inkling.session.accepting import nearest_is_accepted, owners
from napari_inkling.session.annotations import Annotations
from napari_inkling.session.cell_radius import CellRadius
from napari_inkling.session.suggested_cells import count_cells, near, positions, scored, veiled, with_ids
from napari_inkling.session.suggestions import Suggestions
from napari_inkling.session.telling import FIRST
from napari_inkling.session.workspace import Workspace

__all__ = ["NO_STRONG_REASON", "Guide", "Looked", "Target"]

#: The list of what to look at next is made anew after so many; by then a person has changed a lot.
AHEAD = 20
#: Why a cell is listed that nothing in particular makes doubtful.
NO_STRONG_REASON = "among the least sure that are left"
_LOOKED = "looked_at"


class Looked(NamedTuple):
    """How many of the cells that were found a person knows: marked, judged one by one, or looked at.

    ``in_bulk`` is how many more were accepted, many at once, without having been looked at.
    """

    known: int
    found: int
    in_bulk: int = 0


@dataclass(frozen=True)
class Target:
    """A suggestion to look at: where it is (y, x in pixels), its id, its doubt, its value, and why.

    ``reason`` is one of :data:`~napari_inkling.guidance.REASONS`, :data:`NO_STRONG_REASON` if none is strong.
    """

    plane: PlaneRef
    id: int
    place: tuple[float, float]
    doubt: float
    value: float
    reason: str


class Guide:
    """Says what to look at next.

    That a suggestion was looked at holds for its place: later models' suggestions there count as looked at.
    It is kept with the project when another plane comes on screen and when the project is left.

    Parameters
    ----------
    workspace : Workspace
        Which project, and which plane by default.
    annotations : Annotations
        A person's masks and boxes: what is unlike them in size and shape is doubtful.
    suggestions : Suggestions
        What there is to look at.
    radius : CellRadius
        How near to a place that was looked at is still that place.
    """

    def __init__(
        self, workspace: Workspace, annotations: Annotations, suggestions: Suggestions, radius: CellRadius
    ) -> None:
        self._workspace = workspace
        self._annotations = annotations
        self._suggestions = suggestions
        self._radius = radius
        self._looked: dict[PlaneRef, list[tuple[float, float]]] = {}
        self._ahead: list[Target] = []
        workspace.plane_changed.connect(self._keep_looked, priority=FIRST)
        suggestions.predicted.connect(self._forget_ahead)

    def look_at(self, ids: Iterable[int], ref: PlaneRef | None = None) -> None:
        """Note that a person has looked at cells of a plane, suggested or accepted ones."""
        ref, wanted = self._workspace.required(ref), np.fromiter(ids, np.int64)
        suggested = with_ids(self._suggestions.shown(ref, threshold=0.0), wanted)
        held = self._annotations.hints_of(ref).mapped(lambda rows: rows.with_ids(wanted))
        chosen = np.concatenate([positions(suggested), positions(held)])
        self.note_places(chosen, ref)

    def note_places(self, coordinates: npt.NDArray[np.float64], ref: PlaneRef) -> None:
        """Note that a person has looked at what is at these places (N, 2) of a plane, in pixels."""
        places = [(y, x) for y, x in coordinates.round(1).tolist()]
        self._looked[ref] = list(dict.fromkeys([*self._looked.get(ref, ()), *places]))

    def looked(self, ref: PlaneRef | None = None) -> Looked:
        """Return how many of the cells that the model found on a plane a person knows.

        Only those with a score of at least the threshold count.
        """
        if (ref := ref or self._workspace.plane) is None or ref not in self._suggestions.planes:
            return Looked(0, 0)
        found = self._suggestions.found(ref).above(self._suggestions.threshold)
        hints = self._annotations.hints_of(ref)
        to_ignore = found.ids[veiled(positions(found), hints)]
        found = found.mapped(lambda rows: rows.without_ids(to_ignore))
        shown = self._suggestions.shown(ref).ids
        judged = self._unseen(ref, found.mapped(lambda rows: rows.without_ids(shown)))
        accepted = nearest_is_accepted(positions(judged), hints)
        in_bulk = np.unique(judged.ids[accepted])
        count, unknown = count_cells(found), count_cells(self._not_looked_at(ref))
        return Looked(max(0, count - unknown - len(in_bulk)), count, len(in_bulk))

    def _not_looked_at(self, ref: PlaneRef) -> Predictions:
        """Return the suggested cells that nobody has looked at, or pointed at."""
        left, marked = self._unseen(ref, self._suggestions.shown(ref)), list(self._marked(ref))
        return left.mapped(lambda rows: rows.without_ids(marked)) if marked else left

    def _marked(self, ref: PlaneRef) -> set[int]:
        """Return the ids of suggested outlines and boxes of cells that a person pointed at."""
        hints, shown = self._annotations.hints_of(ref), self._suggestions.shown(ref, threshold=0.0)
        return set(owners(shown, hints)) if len(hints.points.cells) else set()

    def _unseen(self, ref: PlaneRef, cells: Predictions) -> Predictions:
        """Return those cells of a plane that nobody has looked at."""
        places = np.array(self._looked.get(ref, ()), dtype=np.float64).reshape(-1, 2)
        seen = near(positions(cells), places, self._radius.at(ref) / 2)
        ids = cells.ids
        return with_ids(cells, np.setdiff1d(ids, ids[seen]))

    def what_next(self, count: int = AHEAD) -> list[Target]:
        """Return the suggestions, of all planes, whose judging helps most; the best first.

        What was looked at, and images that are held out, are left out.
        """
        planes = self._learnable()
        return [_target(planes[pick.plane], pick) for pick in what_next(planes, count)]

    def needs(self) -> dict[PlaneRef, float]:
        """Return how much there is to gain in each plane, the sum of doubt × density; the most first."""
        needs = {ref: candidates.need for ref, candidates in self._learnable().items()}
        return dict(sorted(needs.items(), key=lambda item: -item[1]))

    def _learnable(self) -> dict[PlaneRef, Candidates]:
        """Return what is left to look at on the planes that were predicted and are not held out."""
        wanted = self._workspace.learnable_images
        planes = [ref for ref in self._suggestions.planes if ref.image in wanted]
        return {ref: self._weighed(ref, self._not_looked_at(ref)) for ref in planes}

    def _weighed(self, ref: PlaneRef, cells: Predictions) -> Candidates:
        scores = scored(self._suggestions.found(ref))[1]
        height, width = self._workspace.project.image(ref.image).info.plane_shape[:2]
        return candidates_of(
            cells,
            self._suggestions.threshold,
            self._radius.at(ref),
            self._annotations.hints_of(ref),
            scores,
            (height, width),
        )

    def order(self, ref: PlaneRef | None = None) -> npt.NDArray[np.int64]:
        """Return the ids of all that is shown on a plane: what is worth a look first, by doubt."""
        if (ref := ref or self._workspace.plane) is None:
            return np.empty(0, np.int64)
        shown = self._weighed(ref, self._suggestions.shown(ref))
        return shown.ids[shown.order]

    def doubted(self, ref: PlaneRef | None = None) -> dict[int, str]:
        """Return what is shown on a plane and worth a look: the id of each suggestion → why, in words.

        The outlines and boxes of cells that a person pointed at are not.
        """
        if (ref := ref or self._workspace.plane) is None:
            return {}
        shown = self._weighed(ref, self._suggestions.shown(ref))
        pairs, marked = zip(shown.ids.tolist(), shown.why.tolist(), strict=True), self._marked(ref)
        return {one: REASONS[why] for one, why in pairs if why != NO_REASON and one not in marked}

    def reason(self, one: int, ref: PlaneRef | None = None) -> str:
        """Return the strongest reason to look at a suggestion, in words; ``""`` if none is strong."""
        return self.doubted(ref).get(one, "")

    def next_target(self) -> Target | None:
        """Return what to look at next, and note that it was; ``None`` if nothing is left.

        The list is gone through to its end before another one is made, so that it spreads over the images.
        """
        while self._ahead:
            target = self._ahead.pop(0)
            if target.id in self._not_looked_at(target.plane).ids:
                self.look_at([target.id], target.plane)
                return target
        self._ahead = self.what_next()
        return self.next_target() if self._ahead else None

    def _forget_ahead(self) -> None:
        self._ahead = []  # a better model doubts other cells

    # -- from one time to the next -----------------------------------------------------------------

    def take_up(self, project: Project) -> None:
        """Take what was looked at in another project."""
        kept: dict[str, list[tuple[float, float]]] = project.setting(_LOOKED)
        self._looked = {PlaneRef.parse(name): [(y, x) for y, x in places] for name, places in kept.items()}
        self._ahead = []

    def keep_settings(self, project: Project) -> None:
        """Write what was looked at into the project; raises ProjectError."""
        if self._looked:
            project.set_setting(_LOOKED, self._looked_by_name())

    def _keep_looked(self) -> None:
        if self._looked:
            self._workspace.keep(_LOOKED, self._looked_by_name())

    def _looked_by_name(self) -> dict[str, list[tuple[float, float]]]:
        return {str(ref): places for ref, places in self._looked.items()}


def _target(candidates: Candidates, pick: Pick[PlaneRef]) -> Target:
    y, x = candidates.places[pick.index].tolist()
    doubt = float(candidates.doubts[pick.index])
    why = candidates.why[pick.index]
    reason = NO_STRONG_REASON if why == NO_REASON else REASONS[why]
    return Target(pick.plane, int(candidates.ids[pick.index]), (y, x), doubt, pick.value, reason)
