"""Samples by name, their truth, and the projects made of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_inkling.core import BACKGROUND, PlaneRef, ProjectError
from napari_inkling.project import ClassInfo
from napari_inkling.project.samples import Sample, make_sample_project, sample, sample_names


def test_names() -> None:
    assert sample_names() == ("he_tile", "fluorescence", "blood_smear", "immunohistochemistry")


@pytest.mark.parametrize("name", sample_names())
def test_a_sample_names_files_that_are_there(name: str) -> None:
    found = sample(name)
    assert found.name == name
    assert found.title
    assert found.classes
    assert all(path.is_file() for path in (*found.images, *found.truth.values(), *found.hints.values()))
    assert {path.stem for path in found.images} >= found.truth.keys() >= set(found.held_out)


def test_an_unknown_sample_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ProjectError, match=r"no sample 'brain': expected one of he_tile, fluorescence"):
        sample("brain")


@pytest.fixture
def two_cells(tmp_path: Path) -> Sample:
    labels = np.zeros((10, 12), np.uint16)
    labels[1:4, 2:8] = 1  # rows 1 … 3, columns 2 … 7
    labels[5, 0] = labels[8, 3] = labels[5:9, 1] = 2  # rows 5 … 8, columns 0 … 3
    Image.fromarray(labels).save(tmp_path / "two.png")
    classes = (ClassInfo("A", "#000000"), ClassInfo("B", "#ffffff"))
    return Sample("two", "Two", (), classes, truth={"two": tmp_path / "two.png"})


def test_truth_points_are_bounding_box_centres(two_cells: Sample) -> None:
    points = two_cells.truth_points("two")
    assert points.coordinates.tolist() == [[2.0, 4.5], [6.5, 1.5]]
    assert points.classes.tolist() == ["A", "A"]  # the first class where there is no table
    assert points.sources.tolist() == ["imported", "imported"]


def test_truth_points_take_their_classes_from_the_table(two_cells: Sample) -> None:
    two_cells.truth["two"].with_suffix(".csv").write_text("label,class\n1,B\n2,A\n")
    assert two_cells.truth_points("two").classes.tolist() == ["B", "A"]


def test_a_project_with_hints_and_held_out_truth(tmp_path: Path) -> None:
    with make_sample_project("he_tile", tmp_path / "he.inkling") as project:
        assert [image.name for image in project.images] == ["he_tile", "he_tile_2"]
        assert [image.complete for image in project.images] == [False, True]
        assert project.classes[0].name == "nucleus"
        assert project.classes[0].color == "#009e73"
        hints = project.hints(PlaneRef("he_tile"))
        assert Counter(hints.points.classes) == {"nucleus": 38, BACKGROUND: 8}
        assert set(hints.points.sources) == {"imported"}
        assert (
            len(project.hints(PlaneRef("he_tile_2")).points)
            == sample("he_tile").truth_mask("he_tile_2").max()
        )
        data = project.snapshot().load()
        assert [image.image.ref.image for image in data.train] == ["he_tile"]
        assert [image.image.ref.image for image in data.validation] == ["he_tile_2"]
    assert not project.notices


def test_a_project_of_three_classes_with_boxes(tmp_path: Path) -> None:
    with make_sample_project("blood_smear", tmp_path / "blood.inkling") as project:
        assert [c.name for c in project.classes] == ["RBC", "WBC", "Platelet"]
        hints = project.hints(PlaneRef("blood_smear"))
        assert Counter(hints.boxes.classes) == {"RBC": 10, "Platelet": 2, "WBC": 1}
        assert Counter(hints.points.classes) == {"RBC": 38, "Platelet": 9, "WBC": 2}
        # A box reaches to the outer edges of its pixels: its centre is the truth's.
        truth = sample("blood_smear").truth_points("blood_smear").coordinates
        for centre in hints.boxes.centres:
            assert np.abs(truth - centre).sum(1).min() == pytest.approx(0)


def test_the_real_sample_has_an_image_only(tmp_path: Path) -> None:
    with make_sample_project("immunohistochemistry", tmp_path / "ihc.inkling") as project:
        assert project.image("ihc").info.shape == (512, 512, 3)
        assert not project.planes_with_hints()
