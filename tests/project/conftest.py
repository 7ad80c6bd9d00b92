"""Fixtures of the project's tests: a folder of small images, a project on it, the real data if any."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from napari_inkling.project import Project


@pytest.fixture(autouse=True)
def inkling_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Scratch projects of a test stay in the test's folder."""
    home = tmp_path / "home"
    monkeypatch.setenv("INKLING_HOME", str(home))
    return home


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with a colour picture ``cells.png`` (20 × 30) and a stack ``stack.tif`` of 4 planes."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    ramp = np.arange(20 * 30 * 3, dtype=np.uint16).reshape(20, 30, 3)
    Picture.fromarray((ramp % 251).astype(np.uint8)).save(folder / "cells.png")
    stack = np.arange(4 * 20 * 30, dtype=np.uint16).reshape(4, 20, 30)
    tifffile.imwrite(folder / "stack.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"})
    return folder


@pytest.fixture
def folder(tmp_path: Path, pictures: Path) -> Path:
    """A closed project with both images and no hints."""
    with Project.create(tmp_path / "study.inkling", ["cell", "other"]) as project:
        project.add_images([pictures])
        return project.folder


@pytest.fixture
def project(folder: Path) -> Iterator[Project]:
    """The same project, open."""
    with Project.open(folder) as project:
        yield project


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real images, or a skip."""
    given = os.environ.get("INKLING_DATA")
    found = Path(given) if given else Path(__file__).parents[3] / "shared" / "data"
    if not found.is_dir():
        pytest.skip(f"no real images: {found} is not there and INKLING_DATA is not set")
    return found
