"""`inkling predict` with a model that was trained to outline cells: every format holds the same masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_inkling.methods import Model, get_method
from napari_inkling.project.formats import read_annotations
from tests.cli.driving import Inkling
from tests.methods.drawing import CENTRES, RADIUS, clicks, data, image, tissue
from tests.methods.test_contract import fit

#: What is tested is what becomes of a model's masks. With other seeds so small a network also finds centres
#: midway between disks: that is more than two radii from any click, where the hints say nothing (Eq. 1).
LEARNT = {
    "steps": 60,
    "mask_steps": 60,
    "crop": 64,
    "width": 8,
    "enough": None,
    "radius": RADIUS,
    "threshold": 0.5,
}


@pytest.fixture(scope="module")
def outliner() -> Model:
    return fit(get_method("partial-points"), data(hints=clicks(12)), seed=1, **LEARNT)[1]


@pytest.mark.parametrize(("format", "out"), [("masks", "x"), ("coco", "x.json"), ("geojson", "x")])
def test_masks_of_a_trained_model(
    inkling: Inkling, here: Path, outliner: Model, format: str, out: str
) -> None:
    (here / "trained").mkdir()
    outliner.save(here / "trained")
    tifffile.imwrite(here / "drawn.tif", tissue())
    ended = inkling("predict", "trained", "drawn.tif", "--out", out, "--format", format, "--device", "cpu")
    found = outliner.predict(image()).above(0.5)
    assert len(found.masks) > len(CENTRES) / 2
    assert (ended.code, ended.err) == (0, "")
    assert f"{len(found.points)} cells with a score of 0.5 or more on 1 plane" in ended.out
    written = read_annotations(here / out, format).hints["drawn"].masks
    assert set(written.sources) == {"model"} and set(written.classes) == {"cell"}
    there, expected = (rows.labels((104, 104)) for rows in (written, found.masks))
    assert np.array_equal(there > 0, expected > 0)
    np.testing.assert_allclose(np.sort(written.scores), np.sort(found.masks.scores), atol=1e-6)
