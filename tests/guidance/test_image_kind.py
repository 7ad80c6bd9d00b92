"""What kind of picture an image is."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.guidance import image_kind

RANDOM = np.random.default_rng(0)
Y, X = np.indices((120, 120))
DISKS = np.hypot(Y % 30 - 15, X % 30 - 15) < 7
NOISE = RANDOM.normal(0, 3, (120, 120))
FLUORESCENCE = np.where(DISKS, 180, 20) + NOISE
#: Grey ground, with a bright rim and a dark middle to each cell.
FROM_MIDDLE = np.hypot(Y % 30 - 15, X % 30 - 15)
PHASE = np.select([FROM_MIDDLE < 5, FROM_MIDDLE < 7], [50.0, 200.0], 110.0) + NOISE
STAINED = np.dstack([np.where(DISKS, 120, 230) + NOISE, np.where(DISKS, 60, 190) + NOISE, 200 + NOISE])
ALPHA = np.full((120, 120, 1), 255.0)


@pytest.mark.parametrize(
    ("pixels", "kind"),
    [
        (FLUORESCENCE, "fluorescence"),
        (PHASE, "transmitted"),
        (STAINED, "colour"),
        (np.dstack([FLUORESCENCE] * 3), "fluorescence"),  # grey, saved as RGB
        (np.dstack([PHASE] * 3 + [ALPHA]), "transmitted"),
        (np.dstack([STAINED, ALPHA]), "colour"),
        (np.dstack([PHASE] * 2), "fluorescence"),
        (np.dstack([PHASE] * 5), "fluorescence"),
        (PHASE[..., None], "transmitted"),
        ((FLUORESCENCE * 250).astype(np.uint16), "fluorescence"),
        ((PHASE / 255).astype(np.float32), "transmitted"),
        (np.where(Y > 3, PHASE, np.nan), "transmitted"),
        (np.full((9, 9), 7), None),
        (np.full((9, 9), np.nan), None),
        (np.empty((0, 4)), None),
    ],
)
def test_kinds(pixels, kind):
    assert image_kind(pixels) == kind
