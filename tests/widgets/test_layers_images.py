"""Which layers show an image: grey, colour, channels, stacks, a person's own layer, damaged files."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from skimage.io import imsave

from napari_inkling.core import HintSet, ImageError, PlaneRef, Points
from napari_inkling.widgets.canvas_image import contrast_limits
from napari_inkling.widgets.channel_array import ChannelArray
from napari_inkling.widgets.layer_records import record_of
from tests.widgets import driving
from tests.widgets.conftest import IMAGE

RNG = np.random.default_rng(1)


@pytest.mark.window
def test_a_layer_too_large_to_copy_is_refused_before_it_is_read(bridge):
    data = SimpleNamespace(shape=(30_000, 30_000), dtype=np.uint8)  # nothing that could be read
    layer = SimpleNamespace(name="slide", data=data, multiscale=False, source=SimpleNamespace(path=None))
    before = bridge.session.project.images
    with pytest.raises(ImageError, match=r"'slide' holds 0\.9 GB and has no file .* at most 0\.5 GB"):
        record_of(bridge.session, layer)
    assert bridge.session.project.images == before


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.arange(1001), (1.0, 999.0)),
        (np.array([5, 5, 5]), (5.0, 6.0)),
        (np.array([np.nan, 0.0, 1.0, np.inf]), (0.001, 0.999)),
        (np.array([np.nan]), (0.0, 1.0)),
    ],
)
def test_contrast_limits(values, expected):
    np.testing.assert_allclose(contrast_limits(values), expected)


def test_a_channel_is_read_like_an_array():
    whole = RNG.random((4, 5, 6, 3))
    channel = ChannelArray(whole, 1)
    assert channel.shape == (4, 5, 6)
    np.testing.assert_array_equal(channel, whole[..., 1])
    np.testing.assert_array_equal(channel[2], whole[2, ..., 1])
    np.testing.assert_array_equal(channel[2, 1:3, ::2], whole[2, 1:3, ::2, 1])
    np.testing.assert_array_equal(channel[..., 4], whole[:, :, 4, 1])


@pytest.mark.window
@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (IMAGE, [("x", False, "gray")]),
        (IMAGE.astype(np.uint16) * 200, [("x", False, "gray")]),
        (RNG.random((60, 80)), [("x", False, "gray")]),
        (np.full((60, 80), np.nan), [("x", False, "gray")]),
        (RNG.integers(0, 255, (60, 80, 3), np.uint8), [("x", True, "")]),
        (RNG.integers(0, 255, (60, 80, 4), np.uint8), [("x", True, "")]),
        (np.repeat(IMAGE[..., None], 3, axis=2), [("x", False, "gray")]),
        (
            RNG.integers(0, 60000, (60, 80, 3), np.uint16),
            [("x [1]", False, "cyan"), ("x [2]", False, "magenta"), ("x [3]", False, "yellow")],
        ),
    ],
    ids=["uint8", "uint16", "float", "nan", "rgb", "rgba", "grey as rgb", "channels"],
)
def test_kinds_of_images(make_bridge, array, expected):
    bridge = make_bridge({"x": array})
    layers = bridge.images.layers
    assert [(la.name, la.rgb, "" if la.rgb else la.colormap.name) for la in layers] == expected
    shown = [np.asarray(layer.data) for layer in layers]
    whole = shown[0] if len(shown) == 1 else np.stack(shown, -1)
    np.testing.assert_array_equal(whole, array[..., 0] if array.ndim > whole.ndim else array)
    driving.click_at(bridge.viewer, 30, 40)
    assert len(bridge.session.annotations.hints.points) == 1


@pytest.mark.window
def test_another_image_takes_the_place(make_bridge):
    bridge = make_bridge({"a": IMAGE, "b": IMAGE[:50, :60]})
    driving.click_at(bridge.viewer, 70, 100)
    driving.press_key(bridge.viewer, "PageDown")
    assert bridge.viewer.layers[0].name == "b"
    assert len(bridge.viewer.layers) == 8
    assert len(bridge.hints.points.layer.data) == 0
    driving.click_at(bridge.viewer, 20, 20)
    driving.click_at(bridge.viewer, 50.3, 30)
    assert "50 × 60" in bridge.session.messages[-1][1]
    driving.press_key(bridge.viewer, "PageUp")
    np.testing.assert_allclose(bridge.hints.points.layer.data, [[70, 100]], atol=0.5)
    assert len(bridge.session.annotations.hints_of(PlaneRef("b")).points) == 1


@pytest.mark.window
def test_a_stack_is_annotated_plane_by_plane(make_bridge):
    stack = RNG.integers(0, 255, (3, 4, 60, 80), np.uint8)
    bridge = make_bridge({"stack": stack})
    session, viewer = bridge.session, bridge.viewer
    assert bridge.images.primary.data.shape == (3, 4, 60, 80)
    assert session.plane == PlaneRef("stack", (0, 0))
    viewer.dims.set_point((0, 1), (1, 2))
    assert session.plane == PlaneRef("stack", (1, 2))
    driving.click_at(viewer, 30, 40)
    session.go_to(PlaneRef("stack", (2, 3)))
    assert viewer.dims.current_step[:2] == (2, 3)
    assert len(bridge.hints.points.layer.data) == 0
    driving.click_at(viewer, 10, 10)
    driving.press_key(viewer, "Ctrl+Z")
    driving.press_key(viewer, "Ctrl+Z")
    assert session.plane == PlaneRef("stack", (1, 2))
    assert viewer.dims.current_step[:2] == (1, 2)
    assert session.project.planes_with_hints() == ()
    driving.press_key(viewer, "Ctrl+Shift+Z")
    assert len(bridge.hints.points.layer.data) == 1


@pytest.mark.window
def test_a_click_before_the_slider_moves_stays_in_its_plane(make_bridge):
    bridge = make_bridge({"stack": np.stack([IMAGE] * 3)})
    bridge.hints.points.layer.add([[30, 40]])  # no turn of the event loop in between
    bridge.viewer.dims.set_point(0, 1)
    assert len(bridge.session.annotations.hints_of(PlaneRef("stack", (0,))).points) == 1
    assert len(bridge.session.annotations.hints_of(PlaneRef("stack", (1,))).points) == 0


@pytest.mark.window
def test_the_persons_own_layer_shows_the_image(make_bridge):
    bridge = make_bridge({})
    viewer = bridge.viewer
    assert bridge.layer_to_add() is None
    own = viewer.add_image(IMAGE, name="mine", scale=(0.5, 0.5))
    driving.settle()
    assert bridge.layer_to_add() == "mine"
    bridge.add_current_layer()
    driving.settle()
    assert bridge.images.layers == [own]
    assert bridge.layer_to_add() is None
    assert viewer.layers[0] is own
    assert len(viewer.layers) == 8
    driving.click_at(viewer, 10, 20)
    np.testing.assert_allclose(bridge.session.annotations.hints.points.coordinates, [[20, 40]], atol=1)
    np.testing.assert_array_equal(bridge.session.project.open_image(bridge.session.plane).array, IMAGE)


@pytest.fixture
def opened(make_bridge, tmp_path):
    """A bridge over an image that napari has opened itself, its file, and napari's layer."""
    file = tmp_path / "cells.png"
    imsave(file, IMAGE, check_contrast=False)
    bridge = make_bridge({})
    (own,) = bridge.viewer.open(file, plugin="napari")
    bridge.session.images.add([file])
    return bridge, file, own


@pytest.mark.window
def test_a_layer_of_the_same_file_is_used(opened):
    bridge, _, own = opened
    assert bridge.images.layers == [own]


@pytest.mark.window
def test_an_own_layer_of_a_file_that_changed_is_given_back(opened):
    bridge, file, own = opened
    imsave(file, IMAGE // 2, check_contrast=False)
    bridge.session.images.relink("cells", file)
    np.testing.assert_array_equal(np.asarray(bridge.images.primary.data), IMAGE // 2)
    assert not own.visible
    bridge.viewer.layers.selection.active = own
    assert bridge.layer_to_add() == own.name  # as an image of its own, if somebody wants it


@pytest.mark.window
def test_a_missing_image_is_told_and_found_again(make_bridge, tmp_path):
    bridge = make_bridge({"a": IMAGE, "b": IMAGE[:50]})
    session = bridge.session
    session.annotations.edit(HintSet(), HintSet(Points([[10.0, 10.0]])), "add point", PlaneRef("b"))
    (tmp_path / "b.npy").rename(tmp_path / "moved.npy")
    session.workspace.next_image()
    assert session.messages[-1][0] == "error"
    assert "b.npy is missing" in session.messages[-1][1]
    assert len(bridge.hints.points.layer.data) == 1
    session.images.relink("b", tmp_path / "moved.npy")
    assert bridge.images.primary.name == "b"
    assert len(bridge.hints.points.layer.data) == 1


@pytest.mark.window
def test_another_project_replaces_everything(make_bridge, tmp_path):
    bridge = make_bridge()
    driving.click_at(bridge.viewer, 50, 50)
    bridge.session.new_project(tmp_path / "other.inkling", ("red",))
    assert bridge.images.primary is None
    assert len(bridge.hints.points.layer.data) == 0
    assert bridge.current_class == "red"
    bridge.session.images.add([tmp_path / "tile.npy"])
    driving.settle(0.05)
    driving.click_at(bridge.viewer, 20, 20)
    assert bridge.session.annotations.hints.points.classes.tolist() == ["red"]


@pytest.mark.window
def test_pixel_size_becomes_scale_and_units(make_bridge, tmp_path):
    import tifffile

    bridge = make_bridge({})
    metadata = {"axes": "YX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25}
    tifffile.imwrite(tmp_path / "um.ome.tif", IMAGE, metadata=metadata)
    bridge.session.images.add([tmp_path / "um.ome.tif"])
    driving.settle(0.05)
    for layer in (bridge.images.primary, bridge.hints.points.layer, bridge.hints.boxes.layer):
        np.testing.assert_allclose(layer.scale, (0.25, 0.25))
        assert [str(unit) for unit in layer.units] == ["micrometer", "micrometer"]
    driving.click_at(bridge.viewer, 5, 10)
    np.testing.assert_allclose(bridge.session.annotations.hints.points.coordinates, [[20, 40]], atol=1)


@pytest.mark.window
def test_a_large_image_opens_without_being_read_whole(canvas, make_bridge, tmp_path, monkeypatch):
    from napari_inkling.project import omezarr
    from tests.project.test_levels import write_zarr

    large = np.random.default_rng(0).integers(0, 255, (3000, 4000), np.uint8)
    write_zarr(tmp_path / "slide.ome.zarr", [large, large[::4, ::4], large[::16, ::16]], "yx")
    canvas.close()
    canvas.viewer.layers.clear()
    canvas.viewer.reset_view()  # or it is read first where an earlier image was looked at
    bridge = make_bridge({})
    monkeypatch.setattr("napari_inkling.project.lazy.WHOLE_PLANE", 1 << 20)  # as if it were larger
    read = []
    real = omezarr.cached

    def counted(reader, path, info, cache):
        def read_window(index, rows, columns):
            window = reader(index, rows, columns)
            read.append((info.shape, window.size))
            return window

        return real(read_window, path, info, cache)

    monkeypatch.setattr(omezarr, "cached", counted)
    bridge.session.images.add([tmp_path / "slide.ome.zarr"])
    driving.settle(0.1)
    layer = bridge.images.primary
    assert layer.multiscale
    assert [tuple(shape) for shape in layer.level_shapes] == [(3000, 4000), (750, 1000), (188, 250)]
    at_full = sum(size for shape, size in read if shape == (3000, 4000))
    assert at_full <= 9 * 512**2  # the windows that the contrast is chosen by

    clicked = driving.click_at(bridge.viewer, 1500, 2000)
    np.testing.assert_allclose(bridge.session.annotations.hints.points.coordinates, [clicked])
    bridge.view.look_at((1500, 2000), 5)
    driving.settle(0.1)
    assert layer.data_level == 0
    shown = np.asarray(layer._slice.image.raw)
    y, x = layer.corner_pixels[0]
    np.testing.assert_array_equal(shown, large[y : y + shown.shape[0], x : x + shown.shape[1]])
    assert sum(size for shape, size in read if shape == (3000, 4000)) < large.size / 2


@pytest.mark.window
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_large_image_of_one_level_gets_previews(make_bridge, monkeypatch, channels):
    monkeypatch.setattr("napari_inkling.project.preview.LARGE_PLANE", 1000)
    monkeypatch.setattr("napari_inkling.project.preview._SCREEN", 50)
    pixels = RNG.integers(0, 60000, (400, 600, *channels), np.uint16)
    bridge = make_bridge({"x": pixels})
    layers = bridge.images.layers
    assert len(layers) == (channels or (1,))[0]
    for number, layer in enumerate(layers):
        assert [tuple(s) for s in layer.level_shapes] == [(400, 600), (100, 150), (25, 38)]
        expected = pixels[..., number] if channels else pixels
        np.testing.assert_array_equal(layer.data[1][...], expected[::4, ::4])
    driving.click_at(bridge.viewer, 200, 300)
    assert len(bridge.session.annotations.hints.points) == 1
