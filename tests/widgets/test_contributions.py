"""What the manifest promises to napari, used the way napari does."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.widgets.dock_driving import picture
from tests.widgets.driving import settle

pytestmark = pytest.mark.window


@pytest.fixture
def manifest(napari):  # which is imported without the warnings of npe2
    from npe2 import PluginManifest

    return PluginManifest.from_distribution("napari-inkling")


def test_everything_that_is_named_exists(manifest):
    from npe2.manifest.utils import import_python_name

    for command in manifest.contributions.commands:
        assert callable(import_python_name(command.python_name))


@pytest.mark.parametrize("name", ["he_tile", "fluorescence", "blood_smear", "immunohistochemistry"])
def test_samples_open(viewer, name):
    layers = viewer.open_sample("napari-inkling", name)
    assert len(layers) == 1
    assert layers[0].data.shape[0] >= 200
    assert layers[0].rgb == (name != "fluorescence")


def test_every_sample_is_offered(manifest):
    from napari_inkling.project.samples import sample_names

    assert {s.key for s in manifest.contributions.sample_data} == set(sample_names())


def test_a_project_folder_opens_the_dock(viewer, tmp_path, monkeypatch):
    from napari_inkling.project import Project

    monkeypatch.setattr("napari_inkling.widgets.dock.WARM_UP_MS", 10**6)
    folder = tmp_path / "cells.inkling"
    with Project.create(folder) as project:
        project.add_images([picture(tmp_path)])
    viewer.open(folder, plugin="napari-inkling")
    settle(0.2)
    _, dock = viewer.window.add_plugin_dock_widget("napari-inkling", "Inkling")
    assert dock.session.project.folder == folder
    assert dock.session.plane.image == "tile"
    assert any(layer.name == "tile" for layer in viewer.layers)


def test_other_folders_are_left_to_others(tmp_path):
    from napari_inkling.widgets._contributions import get_project_reader

    assert get_project_reader(str(tmp_path)) is None
    assert get_project_reader([str(tmp_path / "no.inkling")]) is None


def test_points_are_written_with_their_columns(viewer, tmp_path):
    features = {"class": np.array(["RBC", "WBC"]), "score": np.array([0.5, 1.0])}
    layer = viewer.add_points([[1.5, 2.0], [3.0, 4.25]], features=features, name="found")
    written = layer.save(str(tmp_path / "points.csv"), plugin="napari-inkling")
    with Path(written[0]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["y"], r["x"], r["class"], r["score"]) for r in rows] == [
        ("1.5", "2.0", "RBC", "0.5"),
        ("3.0", "4.25", "WBC", "1.0"),
    ]


def test_points_of_a_stack_keep_their_plane(viewer, tmp_path):
    from napari_inkling.widgets._contributions import write_points

    write_points(str(tmp_path / "p.csv"), np.array([[3.0, 1, 2], [0, 5, 6]]), {"name": "embryo"})
    with (tmp_path / "p.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted((r["image"], r["plane"], float(r["y"])) for r in rows) == [
        ("embryo", "0", 5.0),
        ("embryo", "3", 1.0),
    ]


def test_the_menu_has_the_dock(viewer, monkeypatch):
    monkeypatch.setattr("napari_inkling.widgets.dock.WARM_UP_MS", 10**6)
    from napari._app_model import get_app_model

    commands = [
        item.command.id
        for menu in ("napari/layers/annotate", "napari/layers/segment")
        for item in get_app_model().menus.get_menu(menu)
        if hasattr(item, "command")
    ]
    assert sum("napari-inkling" in c for c in commands) == 2
