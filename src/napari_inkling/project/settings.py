"""The small values that are kept with a project, checked when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = ["ProjectSettings", "checked_settings"]

#: Places (y, x) in pixels, by plane.
Places = dict[str, list[tuple[float, float]]]


class ProjectSettings(BaseModel):
    """What the program keeps; what others keep beside it is left alone."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)

    plane: str = Field("", description="The plane that was on screen")
    threshold: float = Field(0.5, ge=0, le=1, description="Lowest score of suggestions that show")
    radius: float | None = Field(None, gt=0, description="The person's cell radius in pixels")
    trained_images: list[str] = Field([], description="Images that models have learnt from")
    looked_at: Places = Field({}, description="Where suggestions were looked at")
    rejected: Places = Field({}, description="Where suggestions were rejected, in projects of version 1")


def checked_settings(settings: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the settings without those that cannot be what they say, and a notice of each of these."""
    good, notices = {}, []
    for name, value in settings.items():
        try:
            ProjectSettings.model_validate_json(json.dumps({name: value}))
        except ValidationError as error:
            notices.append(_notice(name, value, error))
        else:
            good[name] = value
    return good, notices


def _notice(name: str, value: Any, error: ValidationError) -> str:
    first = error.errors()[0]
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    expected = first["msg"].removeprefix("Input should be ")
    at = "".join(f"[{part!r}]" for part in first["loc"][1:])
    beside = f" at {at}" if at else ""
    about = str(ProjectSettings.model_fields[name].description).lower()
    return (
        f"The setting {name} of the project ({about}) is {shown}, expected {expected}{beside}: "
        "it is as in a new project."
    )
