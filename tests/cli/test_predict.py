"""`inkling predict`, with the fake model: a grid of points every 10 pixels, scores falling from 1 to 0."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_inkling.core import HintSet, Image, ImageError, Masks, Predictions, Preview, Step
from napari_inkling.project.formats import FORMATS, read_annotations
from napari_inkling.workers import PredictJob
from tests.cli.driving import Inkling, boxed_cells, make_project, write_images
from tests.fake_method import FAKE, FakeModel

SIGTERM = int(signal.SIGTERM)


class OutOfMemoryError(RuntimeError):
    """As torch names it."""


pytestmark = pytest.mark.usefixtures("model")


@pytest.mark.parametrize(
    ("out", "options"),
    [
        ("x.csv", []),
        ("x.json", []),
        ("x.txt", ["--format", "points-csv"]),
        ("x", ["--format", "coco"]),
        ("x", ["--format", "voc"]),
        ("x", ["--format", "masks"]),
        ("x", ["--format", "geojson"]),
        ("x", ["--format", "ome-zarr-labels"]),
        ("deep/er/x.csv", []),
    ],
)
def test_predict_writes_every_format(inkling: Inkling, here: Path, out: str, options: list[str]) -> None:
    write_images(here / "images", "a", "b")
    ended = inkling("predict", "model", "images", "--out", out, *options, "--method", FAKE)
    # 4 × 6 points on 40 × 60 pixels, the first half of them with 0.5 or more.
    said = f"{out}: 24 cells with a score of 0.5 or more on 2 planes\n"
    format = options[1] if options else None
    drawn = format in ("masks", "ome-zarr-labels")
    told = "inkling: 24 of the cells have no mask and are disks of the mean radius in x: " * drawn
    assert (ended.code, ended.err[: len(told) or None], ended.out) == (0, told, said)
    if format == "masks":
        labels = tifffile.imread(here / out / "a.tif")
        assert (labels.shape, labels.max()) == ((40, 60), 12)
    else:
        (here / out).rename(
            here / (target := {None: out, "points-csv": "y.csv", "coco": "y.json"}.get(format, out))
        )
        found = read_annotations(here / target, format).hints
        assert sorted(found) == ["a", "b"]
        assert found["a"].points.coordinates.tolist()[:2] == [[5, 5], [5, 15]]
        assert set(found["a"].points.sources) == {"model"}


@pytest.fixture
def masks(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Let the fake model find the outlines of its cells, or of so many: 4 × 4 pixels around each point."""
    grid, of_first = FakeModel.grid, getattr(request, "param", 99)

    def predict(self: FakeModel, image: Image) -> Predictions:
        found = grid(self, image.height, image.width)
        points = found.points
        columns = {"classes": points.classes, "scores": points.scores, "ids": points.ids, "sources": "model"}
        corners = points.coordinates.astype(int) - 2
        cells = Masks.from_crops(corners, [np.ones((4, 4), bool)] * len(points), **columns)
        return replace(found, masks=cells.take(np.arange(len(points)) < of_first))

    monkeypatch.setattr(FakeModel, "predict", predict)


@pytest.mark.usefixtures("masks")
@pytest.mark.parametrize("format", FORMATS)
def test_masks_of_the_model_are_written(inkling: Inkling, here: Path, format: str) -> None:
    write_images(here / "images", "a", "b")
    out = {"coco": "x.json", "points-csv": "x.csv"}.get(format, "x")
    ended = inkling("predict", "model", "images", "--out", out, "--format", format, "--method", FAKE)
    assert ended.out == f"{out}: 24 cells with a score of 0.5 or more on 2 planes\n"
    sizes = dict.fromkeys("ab", (40, 60)) if format == "yolo" else None  # boxes are shares of those
    hints = read_annotations(here / out, format, sizes).hints["a"]
    assert hints.masks.coordinates.tolist()[1] == [3, 13, 7, 17]
    assert hints.masks.ids.tolist() == hints.points.ids.tolist()
    assert hints.masks.scores[0] == 1
    assert set(hints.masks.sources) == {"model"}


@pytest.mark.usefixtures("masks")
@pytest.mark.parametrize("masks", [5], indirect=True)
def test_cells_without_a_mask_are_told(inkling: Inkling, here: Path) -> None:
    write_images(here / "images", "a", "b")
    ended = inkling("predict", "model", "images", "--out", "x.json", "--method", FAKE)
    assert ended.out == "x.json: 24 cells (10 with a mask) with a score of 0.5 or more on 2 planes\n"


def test_what_the_format_cannot_hold_is_rescued(
    inkling: Inkling, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images(here / "images", "a")
    monkeypatch.setattr("napari_inkling.project.formats.masks_writing._MOST", 11)
    command = ["predict", "model", "images", "--out", "x.png", "--method", FAKE]
    said = inkling.refuses(*command)
    assert said.startswith("x.png would need 12 numbers for the cells of a, a PNG has 11: expected a TIFF; ")
    assert said.endswith("; all that was found is in x.png.rescued.json")
    assert len(read_annotations(here / "x.png.rescued.json").hints["a"]) == 12


@pytest.mark.parametrize(("threshold", "cells"), [("0", 24), ("1", 1), ("0.9", 3)])
def test_the_threshold_that_is_given_counts(inkling: Inkling, here: Path, threshold: str, cells: int) -> None:
    write_images(here / "images", "a")
    command = [
        "predict",
        "model",
        "images/a.tif",
        "--out",
        "x.csv",
        "--threshold",
        threshold,
        "--method",
        FAKE,
    ]
    assert inkling(*command, "--json").json == {
        "path": "x.csv", "format": "points-csv", "threshold": float(threshold), "cells": cells,
        "masks": 0, "images": {"a": cells}, "left_out": [],
    }  # fmt: skip


def test_projects_folders_and_images_together(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": boxed_cells(), "b": HintSet()})  # in images/
    write_images(here / "more", "a", "c")
    tifffile.imwrite(here / "stack.tif", np.zeros((2, 40, 60), np.uint8), metadata={"axes": "ZYX"})
    sources = ["p", "more", "images/a.tif", "stack.tif"]
    told = inkling("predict", "model", *sources, "--out", "x.json", "--method", FAKE, "--json").json
    assert told["images"] == dict.fromkeys(["a", "b", "a-2", "c", "stack[0]", "stack[1]"], 12)
    written = json.loads((here / "x.json").read_text())["images"]
    names = [image["file_name"] for image in written]
    assert names == ["a.tif", "b.tif", "a.tif", "c.tif", "stack.tif", "stack.tif"]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("model images --out x.csv", f"model was made by '{FAKE}', which is not an installed method"),
        ("nothing images --out x.csv", "nothing is not a model"),
        ("images images --out x.csv", "images is not a model"),
        ("model nothing gone.tif --out x.csv", "nothing is missing; gone.tif is missing"),
        ("model empty --out x.csv", "empty is a folder without images"),
        ("model images --out x", "x has no suffix that names a format, expected one of .json (coco)"),
        ("model images --out x.docx", "x.docx has the suffix .docx, which no format has"),
        ("model images --out x --format png", "there is no format 'png'"),
        ("model images --out x.tif", "x.tif is one file, but there are 2 planes"),
        ("model images --out images/a.tif/x.csv", "images/a.tif/x.csv cannot be written"),
        ("model images --out x.csv --threshold 2", "Invalid value for '--threshold'"),
    ],
)
def test_predict_refuses_before_it_begins(inkling: Inkling, here: Path, command: str, reason: str) -> None:
    write_images(here / "images", "a", "b")
    (here / "empty").mkdir()
    assert reason in inkling.refuses("predict", *command.split())
    assert not list(here.glob("x*"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "model is not a model: model.json cannot be read"),
        ("[]", "model is not a model: model.json cannot be read"),
        ("{}", "model is not a model: model.json cannot be read (KeyError('method'))"),
        ('{"method": 3}', "model.json names the method 3, expected text"),
        ('{"method": "os:system"}', "model was made by 'os:system', which is not an installed method"),
        ("\x80", "model is not a model: model.json cannot be read"),
    ],
)
def test_a_damaged_or_foreign_model_is_refused(
    inkling: Inkling, here: Path, content: str, reason: str
) -> None:
    write_images(here / "images", "a")
    (here / "model/model.json").write_text(content, encoding="latin-1")
    assert reason in inkling.refuses("predict", "model", "images", "--out", "x.csv", "--method", FAKE)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ImageError("b.tif is truncated"), "b.tif is truncated"),
        (KeyboardInterrupt(), "stopped"),
        (MemoryError(), "The prediction ran out of memory"),
        (OutOfMemoryError("CUDA out of memory"), "The prediction ran out of memory"),
        (np.exceptions.AxisError("no axis"), "The prediction stopped with an unexpected error: AxisError"),
        (SIGTERM, "stopped"),
    ],
)
def test_what_was_done_before_an_error_is_kept(
    inkling: Inkling, here: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException | int, reason: str
) -> None:
    write_images(here / "images", "a", "b")
    real = PredictJob.run

    def run(self: PredictJob) -> Iterator[object]:
        for event in real(self):
            if isinstance(event, Step) and event.step == 1:
                if isinstance(error, int):
                    signal.raise_signal(error)
                else:
                    raise error
            yield event

    monkeypatch.setattr(PredictJob, "run", run)
    said = inkling.refuses("predict", "model", "images", "--out", "x.csv", "--method", FAKE)
    assert said.startswith(reason)
    assert said.endswith("; 1 of 2 planes were done before, see x.csv")
    assert list(read_annotations(here / "x.csv").hints) == ["a"]


def test_nothing_is_written_if_nothing_was_done(
    inkling: Inkling, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(self: PredictJob) -> Iterator[Preview]:
        raise KeyboardInterrupt
        yield

    write_images(here / "images", "a")
    monkeypatch.setattr(PredictJob, "run", run)
    assert inkling.refuses("predict", "model", "images", "--out", "x.csv", "--method", FAKE) == "stopped"
    assert not (here / "x.csv").exists()


@pytest.fixture
def grey_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fake model take images of one channel only, as one does that was trained on such."""
    real = FakeModel.predict

    def predict(self: FakeModel, image: Image) -> Predictions:
        if image.channels != 1:
            raise ImageError(f"{image.ref} has {image.channels} channels, but the model was trained on 1")
        return real(self, image)

    monkeypatch.setattr(FakeModel, "predict", predict)


@pytest.mark.usefixtures("grey_only")
def test_images_that_the_model_cannot_take_are_left_out(inkling: Inkling, here: Path) -> None:
    write_images(here / "images", "a", "c")
    tifffile.imwrite(here / "images" / "b.tif", np.zeros((40, 60, 3), np.uint8), photometric="rgb")
    command = ["predict", "model", "images", "--out", "x.csv", "--method", FAKE]
    ended = inkling(*command)
    assert (ended.code, ended.err, ended.out) == (
        0,
        "inkling: left out: b has 3 channels, but the model was trained on 1\n",
        "x.csv: 24 cells with a score of 0.5 or more on 2 planes, 1 left out\n",
    )
    assert list(read_annotations(here / "x.csv").hints) == ["a", "c"]
    told = inkling(*command, "--json").json
    assert (told["images"], told["left_out"]) == ({"a": 12, "c": 12}, ["b"])


@pytest.mark.usefixtures("grey_only")
@pytest.mark.parametrize("count", [1, 2])
def test_only_if_nothing_can_be_predicted_that_is_an_error(inkling: Inkling, here: Path, count: int) -> None:
    (here / "images").mkdir()
    for number in range(count):
        tifffile.imwrite(here / f"images/{number}.tif", np.zeros((40, 60, 3), np.uint8), photometric="rgb")
    ended = inkling("predict", "model", "images", "--out", "x.csv", "--method", FAKE)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1 if count == 1 else 3)
    reason = "0 has 3 channels, but the model was trained on 1"
    last = reason if count == 1 else "none of the 2 planes could be predicted"
    assert ended.err.splitlines()[-1] == f"inkling: {last}"
    assert not (here / "x.csv").exists()


def test_an_image_of_a_project_that_was_replaced_by_one_of_another_size(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": HintSet()})
    tifffile.imwrite(here / "images" / "a.tif", np.zeros((30, 50), np.uint8))
    said = inkling.refuses("predict", "model", "p", "--out", "x.tif", "--method", FAKE)
    assert said.endswith("a.tif has changed: its shape is (30, 50), and was (40, 60) when it was added")


def test_the_bar_names_each_image(inkling: Inkling, here: Path) -> None:
    write_images(here / "images", "first", "second")
    shown = inkling("predict", "model", "images", "--out", "x.csv", "--method", FAKE, "--progress").err
    assert "first" in shown and "second" in shown


def test_predictions_can_be_evaluated(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": boxed_cells()}, ("a",))
    assert inkling("predict", "model", "p", "--out", "x.json", "--threshold", 0, "--method", FAKE).code == 0
    told = inkling("evaluate", "x.json", "p", "--radius", 8, "--json").json
    # Cells at (10 | 30, 10 | 30 | 50); the grid at 5, 15, … has a point 7.07 px from each of them.
    assert (told["true_positives"], told["false_positives"], told["false_negatives"]) == (6, 18, 0)
    assert told["mean_distance"] == pytest.approx(50**0.5)
