"""Which class is marked next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from napari_inkling.core import SettingsError
from napari_inkling.widgets.canvas_hints import HintEditor
from napari_inkling.widgets.canvas_tools import Toolbox

if TYPE_CHECKING:
    from napari_inkling.session import Session

__all__ = ["ClassInHand"]


class ClassInHand:
    """The class that is marked next, one of the project's.

    Parameters
    ----------
    session : Session
        Whose project has classes.
    hints : HintEditor
        Reclasses what is selected.
    tools : Toolbox
        Marks with the class.
    """

    #: Another class is marked next (str).
    changed = Signal(str)

    def __init__(self, session: Session, hints: HintEditor, tools: Toolbox) -> None:
        self._session, self._hints, self._tools = session, hints, tools
        self._name = ""

    @property
    def name(self) -> str:
        """The class; the project's first one until one is chosen."""
        return self._name if self._name in self._names else self._names[0]

    def choose(self, name: str) -> None:
        """Mark this class next; with "select" in hand, what is selected is of it. Raises SettingsError.

        Who chooses a class means to ignore nothing more: with "ignore" in hand the tool is "box" then.
        """
        if name not in self._names:
            raise SettingsError(f"there is no class {name!r}, expected one of {', '.join(self._names)}")
        if self._tools.tool == "select":
            self._hints.reclass_selected(name)
        elif self._tools.tool == "ignore":
            self._tools.choose("box")
        changed, self._name = name != self._name, name
        self._tools.set_default_class()
        if changed:
            self.changed.emit(name)

    def forget(self) -> None:
        """Begin with the first class again: another project is open."""
        self._name = ""

    @property
    def _names(self) -> list[str]:
        return [c.name for c in self._session.project.classes]
