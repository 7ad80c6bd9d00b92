"""OME-Zarr labels: what other programs find there, and what of theirs we read."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import zarr
from tests.project.formats_cases import objects, odd_masks
from tests.project.test_images import ome_zarr

from napari_inkling.core import BACKGROUND, Boxes, FormatError, HintSet, Masks, PlaneRef, Points
from napari_inkling.project.formats import export_annotations, read_annotations
from napari_inkling.project.images import fingerprint, open_array

SHAPES = {"a": (50, 60), "s": (20, 30)}
SQUARE = np.ones((3, 3), bool)


def square(y, x, **columns):
    return Masks.from_crops([(y, x)], [SQUARE], **columns)


def export(source, path, **more):
    return export_annotations(source, path, "ome-zarr-labels", **{"shapes": SHAPES, **more})


def test_a_label_image_with_classes_and_colours(tmp_path):
    masks = odd_masks(0)
    hints = HintSet(Points([(1, 1)], classes=BACKGROUND), masks=masks)
    group = zarr.open_group(export({"a": hints}, tmp_path / "x.zarr"), mode="r")
    assert group.metadata.zarr_format == 2
    assert np.array_equal(group["0"][...], masks.labels((50, 60)))
    (multiscale,) = group.attrs["multiscales"]
    assert multiscale["version"] == "0.4"
    assert [axis["name"] for axis in multiscale["axes"]] == ["y", "x"]
    labels = group.attrs["image-label"]
    assert [p["label-value"] for p in labels["properties"]] == [1, 2, 3, 4, 5, 6, 7]
    assert [p["class"] for p in labels["properties"]] == masks.classes.tolist()
    colours = {c["label-value"]: tuple(c["rgba"]) for c in labels["colors"]}
    assert colours[1] == colours[4] != colours[2]


@pytest.mark.filterwarnings("ignore")  # ome-zarr's own
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_reads_the_labels_of_an_image(tmp_path, version):
    reader, location = pytest.importorskip("ome_zarr.reader"), pytest.importorskip("ome_zarr.io")
    store = tmp_path / "a.zarr"
    ome_zarr(store, np.zeros((2, 50, 60), np.uint8), "cyx", version)
    export({"a": HintSet(masks=odd_masks(0))}, store)
    nodes = list(reader.Reader(location.parse_url(store))())
    (found,) = [n for n in nodes if n.zarr.path.rstrip("/").endswith("inkling")]
    assert np.array_equal(np.asarray(found.data[0])[0], odd_masks(0).labels((50, 60)))
    assert found.metadata["properties"][2]["class"] == "WBC"
    assert found.metadata["color"][1][-1] == 1


def test_numbers_go_on_from_plane_to_plane(tmp_path):
    items = {
        PlaneRef("s", (2,)): HintSet(masks=square(1, 1)),
        PlaneRef("s", (0,)): HintSet(Points([(5, 5)]), masks=square(9, 9)),
    }
    group = zarr.open_group(export(items, tmp_path / "s.zarr", radius=0.5), mode="r")
    assert group["0"].shape == (3, 20, 30)
    assert [sorted(np.unique(plane)) for plane in group["0"][...]] == [[0, 1, 2], [0], [0, 3]]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize(
    ("axes", "shape"), [("yx", (20, 30)), ("tczyx", (1, 2, 3, 20, 30)), ("zyxc", (3, 20, 30, 2))]
)
def test_into_the_store_of_the_image_and_back(tmp_path, version, axes, shape):
    store = tmp_path / "s.zarr"
    ome_zarr(store, np.ones(shape, np.uint8), axes, version)
    before = fingerprint(store)
    plane = (2,) if "z" in axes else ()
    items = {PlaneRef("s", plane): HintSet(masks=square(9, 9))}
    assert export(items, store, files={"s": str(store)}) == store
    assert fingerprint(store) == before  # it is still the same image
    assert open_array(store)[1].plane_shape[:2] == (20, 30)
    group = zarr.open_group(store / "labels" / "inkling", mode="r")
    assert group.metadata.zarr_format == (2 if version == "0.4" else 3)
    assert group["0"].shape == tuple(1 if a == "c" else n for a, n in zip(axes, shape, strict=True))
    ome = group.attrs.get("ome", group.attrs)
    assert ome["image-label"]["source"] == {"image": "../../"}
    assert (
        ome["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"][axes.index("y")] == 0.5
    )
    for images in (SHAPES, None):
        (found,) = read_annotations(store, "ome-zarr-labels", images).hints.values()
        assert found.masks.equals(items[PlaneRef("s", plane)].masks)


def test_other_labels_of_the_image_are_kept(tmp_path):
    store = tmp_path / "s.zarr"
    ome_zarr(store, np.zeros((20, 30), np.uint8), "yx", "0.5")
    theirs = zarr.open_group(store / "labels", mode="w")
    theirs.attrs["ome"] = {"version": "0.5", "labels": ["nuclei"]}
    ome_zarr(
        store / "labels" / "nuclei", np.pad(np.full((2, 2), 7, np.uint8), ((0, 18), (0, 28))), "yx", "0.5"
    )
    for _ in range(2):  # the second time ours are replaced
        export({"s": HintSet(masks=square(9, 9, ids=[5]))}, store)
        assert zarr.open_group(store / "labels", mode="r").attrs["ome"]["labels"] == ["nuclei", "inkling"]
        masks = read_annotations(store, "ome-zarr-labels", SHAPES).hints["s"].masks
        assert masks.areas.tolist() == [4, 9]


@pytest.mark.parametrize(("suffix", "format"), [(".tif", 2), (".zarr", 3)])
def test_a_store_of_its_own_is_of_the_images_version_and_size(tmp_path, suffix, format):
    image = tmp_path / f"image{suffix}"
    if suffix == ".zarr":
        ome_zarr(image, np.zeros((3, 20, 30), np.uint8), "tyx", "0.5")
    else:
        tifffile.imwrite(image, np.zeros((3, 20, 30), np.uint8), photometric="minisblack")
    items = {PlaneRef("s", (1,)): HintSet(masks=square(9, 9))}
    path = export(items, tmp_path / "out", files={"s": str(image)})
    group = zarr.open_group(path / "s.zarr", mode="r")
    assert (group.metadata.zarr_format, group["0"].shape) == (format, (3, 20, 30))
    assert list(read_annotations(path, None, SHAPES).hints) == ["s[1]"]


def foreign(path, labels, version="0.4", axes="yx", **image_label):
    ome_zarr(path, labels, axes, version)
    group = zarr.open_group(path, mode="a")
    if version == "0.4":
        group.attrs["image-label"] = image_label
    else:
        group.attrs["ome"] = {**group.attrs["ome"], "image-label": image_label}
    return path


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_labels_of_other_programs_are_whole_cells(tmp_path, version):
    labels = np.zeros((2, 20, 30), np.uint32)
    labels[0, 2:4, 3:6], labels[0, 9:11, 9], labels[1, 0, 0] = 7, 9, 7
    properties = [{"label-value": 9, "class": "RBC"}, {"label-value": 7, "area": 6}]
    path = foreign(tmp_path / "s.zarr", labels, version, "zyx", properties=properties)
    result = read_annotations(path, "ome-zarr-labels", SHAPES, class_name="nucleus")
    hints = result.hints["s[0]"]
    assert hints.masks.areas.tolist() == [6, 2]
    assert hints.masks.classes.tolist() == hints.points.classes.tolist() == ["nucleus", "RBC"]
    assert hints.boxes.coordinates.tolist() == [[1.5, 2.5, 3.5, 5.5], [8.5, 8.5, 10.5, 9.5]]
    assert len(result.hints["s[1]"].masks) == 1
    assert result.sizes == {"s[0]": (20, 30), "s[1]": (20, 30)}


def test_a_bare_array_is_a_label_image(tmp_path):
    zarr.save(tmp_path / "s.zarr", np.eye(4, dtype=np.uint8) * np.arange(4, dtype=np.uint8))
    assert len(read_annotations(tmp_path, "ome-zarr-labels").hints["s"].masks) == 3


def not_ours(tmp_path):
    foreign(tmp_path / "x.zarr", np.zeros((50, 60), np.uint8))


def a_bare_group(tmp_path):
    zarr.open_group(tmp_path / "x.zarr", mode="w")


def another_size(tmp_path):
    ome_zarr(tmp_path / "x.zarr", np.zeros((20, 30), np.uint8), "yx", "0.4")


def a_stack(tmp_path):
    ome_zarr(tmp_path / "x.zarr", np.zeros((3, 50, 60), np.uint8), "zyx", "0.4")


def a_folder(tmp_path):
    (tmp_path / "x.zarr").mkdir()


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (not_ours, "x.zarr is there already and no labels of ours"),
        (a_folder, "x.zarr is there already and no labels of ours"),
        (a_bare_group, "x.zarr is Zarr without an image of OME-Zarr"),
        (
            another_size,
            "the image in .*x.zarr is 30 × 20 pixels, a is 60 × 50; expected the store of the image",
        ),
        (a_stack, r"there is no plane \[\] in labels of shape \[3, 50, 60\]"),
    ],
)
def test_what_is_there_already_is_not_written_over(tmp_path, prepare, says):
    prepare(tmp_path)
    before = {p: p.is_dir() or p.read_bytes() for p in tmp_path.rglob("*")}
    with pytest.raises(FormatError, match=says):
        export({"a": HintSet(masks=odd_masks(0))}, tmp_path / "x.zarr")
    assert {p: p.is_dir() or p.read_bytes() for p in tmp_path.rglob("*")} == before


def test_one_store_takes_one_image(tmp_path):
    with pytest.raises(FormatError, match=r"x.zarr is one store, but there are 2 images; expected a folder"):
        export(dict.fromkeys(SHAPES, HintSet(masks=square(1, 1))), tmp_path / "x.zarr")


def damaged_rows(path):
    zarr.open_group(path, mode="a").attrs["inkling"] = {"image": "a", "rows": [{"plane": [], "kind": "blob"}]}


def no_rows(path):
    zarr.open_group(path, mode="a").attrs["inkling"] = {"rows": [3]}


def no_multiscales(path):
    zarr.open_group(path, mode="a").attrs["multiscales"] = []


def cut_metadata(path):
    (path / ".zattrs").write_text("{")


def another_image(path):
    pixels = zarr.open_group(path, mode="a").create_array("0", shape=(9, 9), dtype=np.uint8, overwrite=True)
    pixels[...] = 1


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (damaged_rows, "'inkling' is damaged: {'plane'"),
        (no_rows, "'inkling' is damaged: 3"),
        (no_multiscales, r"cannot be read \(.*expected OME-Zarr labels"),
        (cut_metadata, "cannot be read"),
        (another_image, "x.zarr is 9 × 9 pixels, its image a is 60 × 50"),
    ],
)
def test_damaged_stores_are_refused(tmp_path, damage, says):
    path = export({"a": HintSet(masks=odd_masks(0))}, tmp_path / "x.zarr")
    damage(path)
    with pytest.raises(FormatError, match=says):
        read_annotations(path, "ome-zarr-labels", {**SHAPES, "x": (50, 60)})


def test_rows_that_are_not_drawn_come_back_too(tmp_path):
    hints = HintSet(
        Points([(70, 3.25), (1, 1)], classes=objects("a", BACKGROUND), ids=[4, 5]), Boxes(), square(1, 1)
    )
    path = export({"a": hints}, tmp_path / "x.zarr")
    back = read_annotations(path, "ome-zarr-labels").hints["a"]
    for ours, theirs in zip(hints.kinds, back.kinds, strict=True):
        assert ours.equals(theirs)
