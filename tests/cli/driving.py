"""Running `inkling` in this process, and small projects to run it on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_inkling.cli import main
from napari_inkling.core import Boxes, HintSet, PlaneRef, Points
from napari_inkling.project import Project

#: Cells of the image "a": centres of 8 × 8 boxes, 20 pixels apart.
CELLS = np.array([[y, x] for y in (10, 30) for x in (10, 30, 50)], dtype=float)


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        return json.loads(self.out)


class Inkling:
    """Runs commands; what each printed comes back."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Ended:
        self._capsys.readouterr()
        code = main([str(a) for a in arguments])
        printed = self._capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    def refuses(self, *arguments: object) -> str:
        """Run what must fail, and return the one line that says why."""
        ended = self(*arguments)
        lines = ended.err.splitlines()
        assert (ended.code, ended.out, len(lines)) == (2, "", 1), ended
        assert lines[0].startswith("inkling: ")
        return lines[0].removeprefix("inkling: ")


def write_images(folder: Path, *names: str) -> list[Path]:
    """Write grey TIFFs of 40 × 60 pixels."""
    folder.mkdir(exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60), dtype=np.uint8)
    for name in names:
        tifffile.imwrite(folder / f"{name}.tif", pixels)
    return [folder / f"{name}.tif" for name in names]


def boxed_cells(places: np.ndarray[Any, Any] = CELLS, classes: str = "cell") -> HintSet:
    """Cells as imported masks give them: a point and a box of 8 × 8 pixels with the same id."""
    points = Points(places, classes=classes, sources="imported")
    boxes = Boxes(np.hstack([places - 4, places + 4]), classes=classes, sources="imported", ids=points.ids)
    return HintSet(points, boxes)


def make_project(folder: Path, hints: Mapping[str, HintSet], complete: tuple[str, ...] = ()) -> Path:
    """Make a project with an image for each name, and its hints."""
    with Project.create(folder) as project:
        project.add_images(write_images(folder.parent / "images", *hints))
        for name, rows in hints.items():
            if len(rows):
                project.edit(PlaneRef(name), HintSet(), rows, "mark")
        for name in complete:
            project.update_image(name, complete=True)
    return folder
