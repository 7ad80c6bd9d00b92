"""``inkling methods``: what there is to train with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_inkling.cli.console import AsJson, note, plural, result

if TYPE_CHECKING:
    from napari_inkling.methods import Method, Needs

__all__ = ["methods"]


def methods(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Show the settings of this one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the methods and what each learns from.

    With NAME also its settings, for --set.
    """
    from napari_inkling.core import SettingsError
    from napari_inkling.methods import get_method, method_names

    if name is not None:
        method = get_method(name)
        result(describe(method), _text(method, settings=True), as_json)
        return
    found = []
    for known in method_names():
        try:
            found.append(get_method(known))
        except SettingsError as error:
            note(str(error))
    values = {"methods": [describe(method) for method in found]}
    result(values, "\n\n".join(map(_text, found)) or "No method is installed.", as_json)


def describe(method: Method) -> dict[str, Any]:
    """Return what there is to say of a method, as plain values."""
    return {
        "name": method.name,
        "title": method.title,
        "needs": {"points": method.needs.points, "boxes": method.needs.boxes},
        "sentence": method.needs.sentence,
        "presets": list(method.Settings.presets),
        "settings": {
            key: {
                "default": _plain(field.get_default(call_default_factory=True)),
                "description": field.description or "",
            }
            for key, field in method.Settings.model_fields.items()
        },
    }


def _text(method: Method, settings: bool = False) -> str:
    lines = [
        f"{method.name}: {method.title}",
        f"  {method.needs.sentence}",
        f"  needs at least {_needs(method.needs)}; presets {', '.join(method.Settings.presets)}",
    ]
    if settings:
        described = describe(method)["settings"]
        lines += ["  settings of the preset quick, for --set KEY=VALUE:"]
        quick = method.Settings.preset("quick")
        lines += [f"    {key}={getattr(quick, key)}  {described[key]['description']}" for key in described]
    return "\n".join(lines)


def _needs(needs: Needs) -> str:
    asked = [plural(needs.points, "point")] if needs.points else []
    asked += [plural(needs.boxes, "box", "boxes")] if needs.boxes else []
    return " and ".join(asked) or "nothing"


def _plain(value: Any) -> Any:
    """Return a default as JSON can hold it."""
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
