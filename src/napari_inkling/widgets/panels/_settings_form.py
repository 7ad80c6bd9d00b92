"""A form made from a method's settings model: one row per field, what the preset says, what was changed."""

from __future__ import annotations

import json
import math
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from qtpy.QtCore import QLocale, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from napari_inkling.widgets.panels._panel import calm_wheel, label

__all__ = ["SettingsForm", "bounds"]

LARGEST = 2**31 - 1


def bounds(field: FieldInfo) -> tuple[float, float, bool, bool]:
    """Return least, greatest, and whether each of the two is itself left out."""
    least, greatest, above, below = -math.inf, math.inf, False, False
    for mark in field.metadata:
        if (value := getattr(mark, "ge", None)) is not None:
            least = value
        if (value := getattr(mark, "gt", None)) is not None:
            least, above = value, True
        if (value := getattr(mark, "le", None)) is not None:
            greatest = value
        if (value := getattr(mark, "lt", None)) is not None:
            greatest, below = value, True
    return least, greatest, above, below


class _Number(QDoubleSpinBox):
    """A number without the zeros at its end, written and read with a point in every language."""

    def __init__(self) -> None:
        super().__init__()
        self.setLocale(QLocale.c())

    def textFromValue(self, value: float) -> str:
        return f"{value:.6g}"


class _Field:
    """One row: a widget with a value that can be read, set and watched."""

    def __init__(self, field: FieldInfo) -> None:
        kind = field.annotation
        least, greatest, above, below = bounds(field)
        self.widget: QWidget
        if kind is bool:
            check = QCheckBox()
            self.widget, self.get, self.set = check, check.isChecked, check.setChecked
            self.changed = check.toggled
        elif get_origin(kind) is Literal:
            choice = QComboBox()
            for value in get_args(kind):
                choice.addItem(str(value), value)
            self.widget, self.get = choice, choice.currentData
            self.set = lambda value: choice.setCurrentIndex(choice.findData(value))
            self.changed = choice.currentIndexChanged
        elif kind is int:
            whole = QSpinBox()
            low, high = max(least + above, -LARGEST), min(greatest - below, LARGEST)
            whole.setRange(int(low), int(high))
            self.widget, self.get, self.set = whole, whole.value, whole.setValue
            self.changed = whole.valueChanged
        elif kind is float:
            number = _Number()
            number.setDecimals(6)
            number.setRange(max(least + 1e-6 * above, -1e9), min(greatest - 1e-6 * below, 1e9))
            number.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
            self.widget, self.get = number, number.value
            self.set = number.setValue
            self.changed = number.valueChanged
        else:  # lists, optional values: as JSON; the model itself says what is wrong
            text = QLineEdit()
            text.setPlaceholderText("automatic")
            self.widget = text
            self.get = lambda: self._parse(text.text())
            self.set = lambda value: text.setText("" if value is None else json.dumps(value))
            self.changed = text.editingFinished
        calm_wheel(self.widget)

    @staticmethod
    def _parse(text: str) -> Any:
        if not text.strip():
            return None
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text


class SettingsForm(QWidget):
    """The fields of a settings model; :meth:`overrides` holds only what differs from the preset."""

    #: A person changed a field.
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setVerticalSpacing(5)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.fields: dict[str, _Field] = {}
        self._names: dict[str, Any] = {}
        self._preset: dict[str, Any] = {}

    def set_model(self, preset: BaseModel, leave_out: tuple[str, ...] = ()) -> None:
        """Show the fields of a model with a preset's values; forgets what was changed."""
        wanted = [n for n in type(preset).model_fields if n not in leave_out]
        if wanted != list(self.fields):
            self._build(preset, wanted)
        self._preset = json.loads(preset.model_dump_json(include=set(wanted)))
        for name, field in self.fields.items():
            field.widget.blockSignals(True)
            field.set(self._preset[name])
            field.widget.blockSignals(False)
            self._mark(name)

    def overrides(self) -> dict[str, Any]:
        """Return the fields whose value is not the preset's."""
        return {n: f.get() for n, f in self.fields.items() if self._differs(n)}

    def _differs(self, name: str) -> bool:
        value, preset = self.fields[name].get(), self._preset[name]
        if isinstance(value, float) and isinstance(preset, float):
            return not math.isclose(value, preset, rel_tol=1e-9, abs_tol=5e-7)
        return bool(value != preset)

    def _build(self, preset: BaseModel, wanted: list[str]) -> None:
        while self._form.rowCount():
            self._form.removeRow(0)
        self.fields.clear()
        self._names.clear()
        for name in wanted:
            info = type(preset).model_fields[name]
            field = _Field(info)
            words = label(name.replace("_", " "))
            for widget in (words, field.widget):
                widget.setToolTip(_tooltip(info))
            field.changed.connect(lambda *_args, n=name: self._on_changed(n))
            self.fields[name], self._names[name] = field, words
            self._form.addRow(words, field.widget)

    def _on_changed(self, name: str) -> None:
        self._mark(name)
        self.changed.emit()

    def _mark(self, name: str) -> None:
        font = self._names[name].font()
        font.setBold(self._differs(name))
        self._names[name].setFont(font)


def _tooltip(info: FieldInfo) -> str:
    least, greatest, above, below = bounds(info)
    text = info.description or ""
    limits = []
    if math.isfinite(least):
        limits.append(f"{'more than' if above else 'at least'} {least:g}")
    if math.isfinite(greatest):
        limits.append(f"{'less than' if below else 'at most'} {greatest:g}")
    return f"<qt>{text}{' (' + ', '.join(limits) + ')' if limits else ''}</qt>"
