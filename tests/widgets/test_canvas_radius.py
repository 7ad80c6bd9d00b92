"""The ring that shows the cell size, and dragging it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.widgets import driving

pytestmark = pytest.mark.window


FLAT = np.full((100, 150), 50, np.uint8)  # tells no radius, so that the default of 8 is used


@pytest.fixture
def bridge(make_bridge):
    return make_bridge({"flat": FLAT})


def test_the_ring_follows_the_last_click(bridge):
    assert len(bridge.guides.layer.data) == 0
    driving.click_at(bridge.viewer, 50, 50)
    np.testing.assert_allclose(bridge.guides.centre, [50, 50], atol=0.5)
    assert bridge.guides.radius == bridge.session.radius.at(bridge.session.plane) == 8.0
    driving.click_at(bridge.viewer, 20, 90)
    np.testing.assert_allclose(bridge.guides.layer.data, [[20, 90]] * 2, atol=0.5)


@pytest.mark.parametrize("tool", ["cell", "background", "pan"])
def test_dragging_the_ring_sets_the_radius(bridge, tool):
    driving.click_at(bridge.viewer, 50, 50)
    bridge.tool = tool
    heard = []
    bridge.session.radius.changed.connect(heard.append)
    driving.drag(bridge.viewer, (50, 58), (50, 65))
    assert heard == [pytest.approx(15, abs=0.5)]
    assert bridge.session.radius.chosen == heard[0]
    assert bridge.guides.radius == heard[0]
    assert len(bridge.session.annotations.hints.points) == 1
    assert bridge.suggestions.radius == heard[0]


def test_a_click_on_the_ring_marks_a_cell(bridge):
    driving.click_at(bridge.viewer, 50, 50)
    driving.click_at(bridge.viewer, 50, 58)
    assert len(bridge.session.annotations.hints.points) == 2
    assert bridge.session.radius.chosen is None


def test_other_tools_do_not_drag_it(bridge):
    driving.click_at(bridge.viewer, 50, 50)
    bridge.tool = "box"
    driving.drag(bridge.viewer, (50, 58), (60, 70))
    assert bridge.session.radius.chosen is None
    assert len(bridge.session.annotations.hints.boxes) == 1


def test_the_radius_set_elsewhere_shows(bridge):
    driving.click_at(bridge.viewer, 50, 50)
    bridge.session.radius.chosen = 20.0
    assert bridge.guides.radius == 20
    assert bridge.guides.layer.size.max() == 40
    assert bridge.hints.points.layer.size.tolist() == [24]


def test_it_scales_with_the_image(bridge):
    bridge.images.primary.scale = (0.5, 0.5)
    bridge.viewer.reset_view()
    driving.settle(0.05)
    driving.click_at(bridge.viewer, 25, 25)
    driving.drag(bridge.viewer, (25, 29), (25, 33))
    assert bridge.session.radius.chosen == pytest.approx(16, abs=0.5)


def test_the_ring_shows_what_the_image_tells(make_bridge):
    yy, xx = np.mgrid[:100, :150]
    disc = np.where((yy - 50) ** 2 + (xx - 60) ** 2 <= 14**2, 200, 20).astype(np.uint8)
    bridge = make_bridge({"disc": disc})
    driving.click_at(bridge.viewer, 50, 60)
    assert bridge.guides.radius == pytest.approx(14, abs=2)
    assert bridge.session.radius.chosen is None
    driving.suggest(bridge.session, [[20.0, 20.0]], radius=11.0)
    driving.click_at(bridge.viewer, 70, 100)
    assert bridge.guides.radius == 11
    assert bridge.hints.points.layer.size[0] == pytest.approx(1.2 * 11)
