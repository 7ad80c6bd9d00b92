"""Settings of a project that cannot be what they say: a notice, and as in a new project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from napari_inkling.project import Project
from napari_inkling.project.settings import ProjectSettings, checked_settings
from napari_inkling.project.storage import PROJECT_FILE

GOOD = {
    "plane": "a[0,1]", "threshold": 1, "radius": None, "trained_images": ["a"],
    "looked_at": {"a": [[1, 2.5]]}, "rejected": {}, "of another program": [1, {}],
}  # fmt: skip


def test_what_is_right_stays_as_it_is() -> None:
    assert checked_settings(GOOD) == (GOOD, [])
    assert checked_settings(json.loads(ProjectSettings().model_dump_json()))[1] == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("threshold", "high", "is 'high', expected a valid number"),
        ("threshold", 7, "is 7, expected less than or equal to 1"),
        ("threshold", float("nan"), "is nan, expected a finite number"),
        ("radius", "5", "is '5', expected a valid number"),
        ("radius", -1, "is -1, expected greater than 0"),
        ("plane", 3, "is 3, expected a valid string"),
        ("trained_images", "a", "is 'a', expected a valid array"),
        ("looked_at", [1], "is [1], expected an object"),
        ("looked_at", {"a": [[1, 2], [1, "x"]]}, "expected a valid number at ['a'][1][1]"),
        ("rejected", {"a": None}, "is {'a': None}, expected a valid array at ['a']"),
        ("looked_at", {"a": "x" * 100}, "is {'a': 'xxx"),
    ],
)
def test_what_is_wrong_is_told_and_left_out(name: str, value: Any, said: str) -> None:
    good, (notice,) = checked_settings({**GOOD, name: value})
    assert good == {key: kept for key, kept in GOOD.items() if key != name}
    assert notice.startswith(f"The setting {name} of the project (")
    assert said in notice
    assert len(notice) < 240


@pytest.mark.parametrize(("name", "value"), json.loads(ProjectSettings().model_dump_json()).items())
def test_what_was_never_kept_is_as_in_a_new_project(tmp_path: Path, name: str, value: Any) -> None:
    with Project.create(tmp_path / "p") as project:
        assert project.setting(name, "something else") == value
        assert project.setting("of another program", "something else") == "something else"


def test_a_project_opens_with_the_notice_and_is_mended(tmp_path: Path) -> None:
    Project.create(tmp_path / "p").close()
    file = tmp_path / "p" / PROJECT_FILE
    values = json.loads(file.read_text("utf-8"))
    values["settings"] = {"threshold": "high", "plane": "a"}
    file.write_text(json.dumps(values), "utf-8")
    with Project.open(tmp_path / "p", read_only=True) as project:
        assert "The setting threshold" in project.notices[0]
    with Project.open(tmp_path / "p") as project:
        assert (project.setting("threshold"), project.setting("plane")) == (0.5, "a")
        assert len(project.notices) == 1
    with Project.open(tmp_path / "p") as project:
        assert project.notices == []
