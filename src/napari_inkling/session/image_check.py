"""Looks at images beside everything else: each file is read a little, and a slow disk holds nobody up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from napari_inkling.project import ImageProblem
from napari_inkling.session.desk import Dispatch

__all__ = ["ImageCheck"]

#: A file that takes longer than this to read, on a drive that has gone, is not waited for in the end.
PATIENCE = 1.0

Look = Callable[[str], ImageProblem | None]
OnDone = Callable[[list[ImageProblem]], None]


class ImageCheck:
    """Checks images in threads of its own.

    Parameters
    ----------
    dispatch : callable or None
        Hands the answer to the owner's thread; ``None``: there is no event loop, and everything is done at
        once.
    """

    def __init__(self, dispatch: Dispatch | None) -> None:
        self._dispatch = dispatch
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()

    def start(self, look: Look, names: Iterable[str], on_done: OnDone) -> None:
        """Look at one image after the other, then tell what is wrong with them."""
        waiting, stopped = list(names), self._stopped

        def run() -> list[ImageProblem]:
            found = (look(name) for name in waiting if not stopped.is_set())
            return [problem for problem in found if problem is not None]

        if self._dispatch is None:
            on_done(run())
            return
        hand_over = self._dispatch

        def run_beside() -> None:
            problems = run()
            hand_over(lambda: None if stopped.is_set() else on_done(problems))

        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._threads.append(threading.Thread(target=run_beside, name="inkling-image-check", daemon=True))
        self._threads[-1].start()

    def stop(self) -> None:
        """Give up what is under way: no answer comes any more."""
        self._stopped.set()
        until = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._threads, self._stopped = [], threading.Event()
