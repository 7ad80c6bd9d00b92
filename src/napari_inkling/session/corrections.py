"""What a person marks while a training runs, on its way to that training."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection

from napari_inkling.core import NOT_CELLS, HintSet, PlaneRef
from napari_inkling.session.annotations import Annotations
from napari_inkling.session.desk import Desk
from napari_inkling.session.telling import LAST
from napari_inkling.session.workspace import Workspace

__all__ = ["SECONDS", "Corrections", "in_classes_of"]

#: Hints go to the worker at most so often; the newest of a plane replace those that still wait.
SECONDS = 0.5


class Corrections:
    """Sends the hints that change to the running training, between :meth:`begin` and :meth:`end`.

    Parameters
    ----------
    workspace : Workspace
        Which images are there to learn from.
    annotations : Annotations
        Whose changes are sent.
    desk : Desk
        Runs the training.
    """

    def __init__(self, workspace: Workspace, annotations: Annotations, desk: Desk) -> None:
        self._workspace = workspace
        self._annotations = annotations
        self._desk = desk
        self._lock = threading.Lock()  # the timer sends from a thread of its own
        self._classes: tuple[str, ...] | None = None
        self._runs = False
        self._waiting: dict[PlaneRef, HintSet] = {}
        self._timer: threading.Timer | None = None
        self._sent_at = -math.inf
        annotations.hints_changed.connect(self._on_hints, priority=LAST)

    def begin(self, classes: Collection[str]) -> None:
        """Hold what changes from now on for a training that knows these classes."""
        self.end()
        self._classes = tuple(classes)

    def send(self) -> None:
        """Send what is held, and what changes from now on: the training runs."""
        with self._lock:
            self._runs = self._classes is not None
            self._send_in_time()

    def end(self) -> None:
        """Send nothing any more."""
        with self._lock:
            self._classes, self._runs, self._waiting = None, False, {}
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _on_hints(self, ref: PlaneRef) -> None:
        if self._classes is None or ref.image not in self._workspace.learnable_images:
            return
        hints, today = self._annotations.hints_of(ref), self._workspace.project.class_today
        known = in_classes_of(hints, self._classes, today)
        with self._lock:
            self._waiting[ref] = known
            self._send_in_time()

    def _send_in_time(self) -> None:
        """Send now, or when it is time again; the lock is held."""
        if not self._runs or not self._waiting or self._timer is not None:
            return
        if (left := self._sent_at + SECONDS - time.monotonic()) > 0:
            self._timer = threading.Timer(left, self._on_time)
            self._timer.daemon = True
            self._timer.start()
            return
        for ref, hints in self._waiting.items():
            self._desk.tell_hints(ref, hints)
        self._waiting, self._sent_at = {}, time.monotonic()

    def _on_time(self) -> None:
        with self._lock:
            self._timer = None
            self._send_in_time()


def in_classes_of(hints: HintSet, classes: Collection[str], today: Callable[[str], str]) -> HintSet:
    """Return hints under the names that their classes had when a training began with ``classes``.

    ``today`` returns the present name of a class of then. Cells of classes that came since are left out.
    """
    then = {today(name): name for name in classes} | {name: name for name in NOT_CELLS}
    known = hints.mapped(lambda rows: rows.take([str(name) in then for name in rows.classes]))
    if all(now == name for now, name in then.items()):
        return known
    return known.mapped(lambda rows: rows.changed(classes=[then[str(name)] for name in rows.classes]))
