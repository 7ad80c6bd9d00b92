"""Only one process writes to a project. The lock is the operating system's: it goes when the process does."""

from __future__ import annotations

from pathlib import Path

import filelock

from napari_inkling.core import ProjectLockedError

__all__ = ["WriteLock"]


class WriteLock:
    """Holds the lock of a project folder until :meth:`release`.

    Raises
    ------
    ProjectLockedError
        If another process, or another window of this one, holds it.
    OSError
        If the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = filelock.FileLock(folder / ".lock", timeout=0, thread_local=False)
        #: False where the file system knows no locks; nothing then keeps a second writer away.
        self.held = True
        try:
            self._lock.acquire()
        except NotImplementedError:
            self.held = False
        except filelock.Timeout as error:
            raise ProjectLockedError(
                f"{folder} is being edited in another window or by another program; "
                "open it read-only, or close it there first"
            ) from error

    def release(self) -> None:
        """Let others write."""
        self._lock.release()
