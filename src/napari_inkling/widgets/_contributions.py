"""What the manifest ``napari.yaml`` names: samples, reader, writer. Thin; the work is done elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_inkling.core import CELL, HintSet, InklingError, PlaneRef, Points

__all__ = [
    "get_project_reader",
    "open_blood_smear",
    "open_fluorescence",
    "open_he_tile",
    "open_immunohistochemistry",
    "write_points",
]

Layer = tuple[Any, dict[str, Any], str]
#: napari's word for "I have read it, and there is no layer to add".
NO_LAYERS: list[tuple[None]] = [(None,)]
DOCK = ("napari-inkling", "Inkling")


def _open_sample(name: str) -> list[Layer]:
    """Return the sample's first image as a layer."""
    from napari_inkling.project import open_array
    from napari_inkling.project.samples import sample

    chosen = sample(name)
    path = chosen.images[0]
    array, info = open_array(path)
    pixels = np.asarray(array[...])
    return [(pixels, {"name": path.stem, "rgb": info.axes.endswith("C")}, "image")]


open_he_tile = partial(_open_sample, "he_tile")
open_fluorescence = partial(_open_sample, "fluorescence")
open_blood_smear = partial(_open_sample, "blood_smear")
open_immunohistochemistry = partial(_open_sample, "immunohistochemistry")


def get_project_reader(path: str | list[str]) -> Callable[[str], list[tuple[None]]] | None:
    """Return a reader for a ``NAME.inkling`` folder, ``None`` for anything else."""
    if isinstance(path, list):
        path = path[0]
    return _read_project if (Path(path) / "project.json").is_file() else None


def _read_project(path: str | list[str]) -> list[tuple[None]]:
    """Open the dock with the project; it shows the images itself."""
    import napari

    folder = Path(path[0] if isinstance(path, list) else path)
    viewer = napari.current_viewer()
    if viewer is None:
        raise InklingError(
            f"{folder.name} is an Inkling project: it opens in a napari window, and there is none"
        )
    _, dock = viewer.window.add_plugin_dock_widget(*DOCK)
    dock.open_project(folder)
    return NO_LAYERS


def write_points(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a points layer as a CSV with class, source and score, as the dock exports it."""
    from napari_inkling.project.formats import export_annotations

    rows = np.asarray(data, dtype=np.float64)
    features = meta.get("features")
    columns = {} if features is None else {str(k): np.asarray(features[k]) for k in features}
    name = str(meta.get("name", Path(path).stem))
    stacks = rows[:, :-2].round().astype(int)
    items = {}
    for place in np.unique(stacks, axis=0) if len(rows) else []:
        chosen = (stacks == place).all(1)
        points = Points(
            rows[chosen, -2:],
            classes=_column(columns, ("class", "classes", "label"), CELL, chosen),
            sources=_column(columns, ("source", "sources"), "human", chosen),
            scores=_column(columns, ("score", "scores", "confidence"), 1.0, chosen),
        )
        items[PlaneRef(name, tuple(int(i) for i in place))] = HintSet(points)
    return [str(export_annotations(items, Path(path), "points-csv"))]


def _column(columns: dict[str, Any], names: tuple[str, ...], default: Any, chosen: Any) -> Any:
    found = next((columns[n] for n in names if n in columns), None)
    return default if found is None else found[chosen]
