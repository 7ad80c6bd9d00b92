"""How many of the cells are marked, as far as the images tell; looked at in the background now and then."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_inkling.core import Image, PlaneRef
from napari_inkling.evaluation import cell_centres
from napari_inkling.session.background import Background, Listener
from napari_inkling.session.cell_radius import DEFAULT_RADIUS, CellRadius
from napari_inkling.session.desk import Dispatch
from napari_inkling.session.telling import FIRST
from napari_inkling.session.workspace import Workspace
from napari_inkling.supervision import estimate_radius

if TYPE_CHECKING:
    from napari_inkling.supervision.marked_share import MarkedShare

__all__ = ["MarkedCells"]

#: With fewer marked cells nothing is said.
FEWEST = 8
#: Planes that are looked at: those with the most marked cells.
MOST_PLANES = 3
#: With so many times the cells (or so many times fewer), or a radius so different, it is looked at anew.
STALE = 1.25
#: The same marks tell the same share.
SEED = 0

Places = Mapping[PlaneRef, npt.NDArray[np.float64]]


class MarkedCells:
    """Estimates the share of the cells that are marked, on the planes with the most marks.

    Parameters
    ----------
    workspace : Workspace
        The project with the hints.
    radius : CellRadius
        How large cells are.
    dispatch : callable or None
        Hands calls to the owner's thread.
    """

    #: The share was estimated.
    changed = Signal()

    def __init__(self, workspace: Workspace, radius: CellRadius, dispatch: Dispatch | None) -> None:
        self._workspace = workspace
        self._radius = radius
        self._background = Background(dispatch)
        self._share: MarkedShare | None = None
        #: What was looked at last: places by plane, and the radius if it was known.
        self._asked: tuple[Places, float | None] | None = None
        self._estimating = False
        workspace.pixels_changed.connect(self._forget_image, priority=FIRST)

    def share(self) -> MarkedShare | None:
        """Return the share as far as it is known.

        Estimates it anew, and tells later, once there are many more marks, or fewer, or on other planes, or
        of another radius.
        """
        places, radius = self._places(), self._radius.anywhere()
        if sum(map(len, places.values())) < FEWEST:
            return None
        if not self._estimating and self._is_stale(places, radius):
            self._estimate(places, radius)
        return self._share

    def _places(self) -> Places:
        """Return the middles of the marked cells (N, 2) on the planes that have the most."""
        if (project := self._workspace.opened) is None:
            return {}
        wanted = self._workspace.learnable_images
        found = {}
        for ref in project.planes_with_hints():
            if ref.image in wanted:
                found[ref] = cell_centres(project.hints(ref)).coordinates
        most = sorted(found, key=lambda ref: -len(found[ref]))[:MOST_PLANES]
        return {ref: found[ref] for ref in most if len(found[ref])}

    def _is_stale(self, places: Places, radius: float | None) -> bool:
        if self._asked is None:
            return True
        before, radius_before = self._asked
        counts = [sum(map(len, of.values())) for of in (before, places)]
        radii = (radius or 0.0, radius_before or 0.0)
        return set(before) != set(places) or any(
            max(pair) > 0 and max(pair) >= STALE * min(pair) for pair in (counts, radii)
        )

    def _estimate(self, places: Places, radius: float | None) -> None:
        self._asked, self._estimating = (places, radius), True
        project = self._workspace.project
        ignored = {ref: project.hints(ref).boxes.ignored.coordinates for ref in places}
        self._background.start(
            _estimated(project.open_image, places, radius, ignored),
            Listener(lambda _: None, self._take, lambda _: self._take(None)),  # who opens it is told why
        )

    def _take(self, share: MarkedShare | None) -> None:
        self._estimating, self._share = False, share
        self.changed.emit()

    def _forget_image(self, name: str) -> None:
        if self._asked is not None and any(ref.image == name for ref in self._asked[0]):
            self.forget()

    def forget(self) -> None:
        """Forget what was seen, in another project or of other pixels."""
        self._background.stop()
        self._share, self._asked, self._estimating = None, None, False

    def close(self) -> None:
        """Leave no thread behind."""
        self._background.close()


def _estimated(
    open_image: Callable[[PlaneRef], Image], places: Places, radius: float | None, ignored: Places
) -> Generator[int, None, MarkedShare | None]:
    """Read what is around the marks, and return the share of the cells that they are."""
    from napari_inkling.supervision.marked_share import (  # scikit-learn loads for a second
        describe_marked,
        marked_share,
    )

    yield 0
    images = {ref: open_image(ref) for ref in places}
    size = radius or estimate_radius([(images[ref], own) for ref, own in places.items()]) or DEFAULT_RADIUS
    parts = []
    for done, (ref, own) in enumerate(places.items(), start=1):
        parts.append(describe_marked(images[ref], own, size, ignored[ref]))
        yield done
    return marked_share(parts, np.random.default_rng(SEED), FEWEST)
