"""The hand that drives the other tests hits what it aims at."""

from __future__ import annotations

import numpy as np
import pytest

from tests.widgets import driving

pytestmark = pytest.mark.window


@pytest.mark.parametrize("place", [(20.0, 30.0), (0.0, 0.0), (99.0, 149.0)])
def test_a_click_makes_a_point_there(viewer, place):
    viewer.add_image(np.zeros((100, 150)))
    points = viewer.add_points(np.empty((0, 2)))
    points.mode = "add"
    driving.settle(0.05)
    pressed = driving.click_at(viewer, *place)
    np.testing.assert_allclose(points.data, [pressed], atol=1e-6)
    np.testing.assert_allclose(points.data, [place], atol=0.5)


def test_a_drag_moves_a_point(viewer):
    viewer.add_image(np.zeros((100, 150)))
    points = viewer.add_points([[50.0, 50.0]], size=10)
    points.mode = "select"
    driving.settle(0.05)
    driving.drag(viewer, (50, 50), (70, 90))
    np.testing.assert_allclose(points.data, [[70, 90]], atol=1)


def test_keys_reach_napari(viewer):
    pressed = []
    for key in ("Ctrl+Z", "Ctrl+Shift+Z", "Shift+C", "G", "Ctrl+1", "PageDown"):
        viewer.bind_key(key, lambda viewer, key=key: pressed.append(key))
    for key in ("Ctrl+Z", "Ctrl+Shift+Z", "Shift+C", "G", "Ctrl+1", "PageDown"):
        driving.press_key(viewer, key)
    assert pressed == ["Ctrl+Z", "Ctrl+Shift+Z", "Shift+C", "G", "Ctrl+1", "PageDown"]
