"""A snapshot: frozen, picklable, and loaded somewhere else."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest
from hint_cases import CELLS, places, point
from PIL import Image as Picture

from napari_inkling.core import HintSet, ImageError, PlaneRef
from napari_inkling.project import Project, Snapshot

NOTHING = HintSet()
PLANE_1, PLANE_2 = PlaneRef("stack", (1,)), PlaneRef("stack", (2,))


def refs(snapshot: Snapshot) -> list[PlaneRef]:
    return [item.ref for item in snapshot.images]


def test_planes_with_hints_the_watched_one_and_complete_pictures(project: Project) -> None:
    assert refs(project.snapshot()) == []
    project.edit(PLANE_2, NOTHING, point(1, 2), "add")
    assert refs(project.snapshot()) == [PLANE_2]
    assert refs(project.snapshot(PLANE_1)) == [PLANE_2, PLANE_1]
    assert refs(project.snapshot(PLANE_2)) == [PLANE_2]
    project.update_image("cells", complete=True)
    project.update_image("stack", complete=True)
    assert refs(project.snapshot()) == [PLANE_2, CELLS]


def test_only(project: Project) -> None:
    project.edit(PLANE_2, NOTHING, point(1, 2), "add")
    snapshot = project.snapshot(PLANE_2, only=[PLANE_1, CELLS, PLANE_1])
    assert (refs(snapshot), snapshot.watch) == ([PLANE_1, CELLS], None)
    assert project.snapshot(CELLS, only=[PLANE_1, CELLS]).watch == CELLS
    with pytest.raises(ImageError, match="there is no image 'gone'"):
        project.snapshot(only=[PlaneRef("gone")])


def test_it_travels_and_loads(project: Project) -> None:
    project.edit(CELLS, NOTHING, point(1, 2), "add")
    project.edit(PLANE_2, NOTHING, point(3, 4, "other"), "add")
    project.update_image("cells", complete=True)
    snapshot = project.snapshot(PLANE_1)
    project.edit(CELLS, NOTHING, point(5, 6), "later")
    project.close()

    data = pickle.loads(pickle.dumps(snapshot)).load()
    assert (data.classes, data.watch) == (("cell", "other"), PLANE_1)
    assert [(t.image.ref, places(t.hints), t.complete) for t in data.train] == [
        (PLANE_2, [(3, 4)], False),
        (PLANE_1, [], False),
    ]
    assert [(t.image.ref, places(t.hints), t.complete) for t in data.validation] == [(CELLS, [(1, 2)], True)]
    assert [t.image.read().shape for t in (*data.train, *data.validation)] == [(20, 30, 1)] * 2 + [
        (20, 30, 3)
    ]
    np.testing.assert_array_equal(data.train[0].image.read().ravel(), np.arange(600) + 1200)


def test_frozen(project: Project) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        project.snapshot().watch = CELLS  # type: ignore[misc]


def test_an_image_that_cannot_be_read_is_named(project: Project, pictures: Path) -> None:
    snapshot = project.snapshot(CELLS)
    (pictures / "cells.png").unlink()
    with pytest.raises(ImageError, match=r"cells\.png is missing"):
        snapshot.load()


@pytest.mark.parametrize("shape", [(25, 30, 3), (20, 30)])
def test_an_image_that_was_replaced_by_another_is_refused(
    project: Project, pictures: Path, shape: tuple[int, ...]
) -> None:
    project.edit(CELLS, NOTHING, point(1, 2), "add")
    snapshot = project.snapshot()
    Picture.fromarray(np.zeros(shape, np.uint8)).save(pictures / "cells.png")
    with pytest.raises(ImageError) as viewed:
        project.open_image(CELLS)
    with pytest.raises(ImageError) as trained:
        snapshot.load()
    assert str(trained.value) == str(viewed.value)
    assert f"cells.png has changed: its shape is {shape}, and was (20, 30, 3)" in str(trained.value)
