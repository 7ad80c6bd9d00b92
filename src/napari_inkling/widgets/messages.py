"""The message bar: what the session has to say, in the dock, without a dialog."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QFrame, QVBoxLayout

from napari_inkling.widgets._timers import single_shot
from napari_inkling.widgets.panels._panel import button, label, restyle, row

__all__ = ["Message", "MessageBar"]

ICONS = {"info": "ℹ", "warning": "⚠", "error": "✖"}
#: An information goes by itself after so many milliseconds; warnings and errors stay until dismissed.
INFO_MS = 8000


@dataclass(frozen=True)
class Message:
    """One message. ``details`` is for a bug report; it is copied, never shown."""

    level: str
    text: str
    details: str = ""


class MessageBar(QFrame):
    """Shows the newest message; dismissing it shows the one before, if that was a warning or an error."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("message")
        self.waiting: deque[Message] = deque(maxlen=20)
        self.current: Message | None = None
        self.icon = label()
        self.text = label(wrap=True)
        self.text.setTextInteractionFlags(self.text.textInteractionFlags().TextSelectableByMouse)
        self.more = label(role="muted")
        self.copy_button = button("Copy", "Copy the message and its details", self.copy, role="flat")
        self.close_button = button("✕", "Dismiss this message", self.dismiss, role="flat")
        self._timer = single_shot(self.dismiss, INFO_MS, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 5, 4, 5)
        layout.setSpacing(2)
        line = row(self.icon, self.text, self.close_button)
        line.setStretch(1, 1)
        for widget in (self.icon, self.close_button):
            line.setAlignment(widget, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(line)
        layout.addLayout(row(self.more, None, self.copy_button))
        self.hide()

    def show_message(self, level: str, text: str, details: str = "") -> None:
        """Show a message; what was there comes back later unless it was mere information."""
        message = Message(level, text, details)
        if message == self.current:
            self._start_timer()
            return
        if message in self.waiting:
            self.waiting.remove(message)
        if self.current is not None and self.current.level != "info":
            if level == "info":  # an error is not covered by small talk
                self.waiting.appendleft(message)
                self._show_count()
                return
            self.waiting.append(self.current)
        self._put(message)

    def dismiss(self) -> None:
        """Drop the message that is shown."""
        if self.waiting:
            self._put(self.waiting.pop())
        else:
            self.current = None
            self.hide()

    def copy(self) -> None:
        """Put the message and its details on the clipboard."""
        clipboard = QApplication.clipboard()
        if self.current is not None and clipboard is not None:
            clipboard.setText("\n\n".join(filter(None, (self.current.text, self.current.details))))

    def _put(self, message: Message) -> None:
        self.current = message
        self.icon.setText(ICONS.get(message.level, "ℹ"))
        self.text.setText(re.sub(r"([/\\._])", "\\1\u200b", message.text))  # long paths may break there
        self.setProperty("level", message.level)
        self.icon.setProperty("role", message.level)
        restyle(self)
        restyle(self.icon)
        self.copy_button.setVisible(message.level == "error" or bool(message.details))
        self._show_count()
        self.show()
        self._start_timer()

    def _show_count(self) -> None:
        self.more.setText(f"and {len(self.waiting)} more" if self.waiting else "")
        self.more.setVisible(bool(self.waiting))

    def _start_timer(self) -> None:
        if self.current is not None and self.current.level == "info":
            self._timer.start()
        else:
            self._timer.stop()
