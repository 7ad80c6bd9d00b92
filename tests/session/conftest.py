from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_inkling.core import (
    Boxes,
    Finished,
    HintSet,
    Masks,
    PlaneRef,
    Points,
    Predictions,
    Preview,
    Saved,
    WorkerError,
)
from napari_inkling.session import Session
from napari_inkling.workers import LocalRunner, Outcome, TrainJob
from tests.fake_method import FAKE, FakeModel

A, B = PlaneRef("a"), PlaneRef("b")


@dataclass
class HandRunner:
    """A runner whose jobs the test itself lives: it says what they tell and how they end."""

    jobs: list[Any] = field(default_factory=list)
    cancelled: int = 0
    closed: bool = False
    warm: bool = False
    told: list[tuple[PlaneRef, HintSet]] = field(default_factory=list)
    _now: tuple[Callable[..., None], Callable[..., None]] | None = None

    @property
    def busy(self) -> bool:
        return self._now is not None

    def warm_up(self) -> None:
        self.warm = True

    def submit(self, job: Any, on_event: Any, on_done: Any) -> None:
        if self.busy:
            raise WorkerError("busy")
        self.jobs.append(job)
        self._now = (on_event, on_done)

    def cancel(self) -> None:
        self.cancelled += 1

    def tell_hints(self, ref: PlaneRef, hints: HintSet) -> None:
        if self.busy:
            self.told.append((ref, hints))

    def kill(self) -> None:
        self.cancelled += 1

    def close(self) -> None:
        self.closed = True
        self._now = None

    def tell(self, *events: Any) -> None:
        assert self._now is not None
        for event in events:
            self._now[0](event)

    def end(self, state: str = "finished", message: str = "", details: str = "") -> None:
        assert self._now is not None
        (_, done), self._now = self._now, None
        done(Outcome(state, message, details))  # type: ignore[arg-type]


@dataclass
class Heard:
    """What the signals of a session told, in order."""

    told: list[tuple[str, Any]] = field(default_factory=list)

    def listen(self, session: Session, *names: str) -> None:
        for name in names:
            signal = attrgetter(SIGNALS[name])(session)
            signal.connect(lambda *value, name=name: self.told.append((name, *value)))

    def __call__(self, name: str) -> list[Any]:
        return [entry[1] if len(entry) == 2 else entry[1:] for entry in self.told if entry[0] == name]

    @property
    def names(self) -> list[str]:
        return [entry[0] for entry in self.told]

    def clear(self) -> None:
        self.told.clear()


#: Where a session tells what.
SIGNALS = {
    "project_changed": "project_changed",
    "images_changed": "images.changed",
    "problems_changed": "images.problems_changed",
    "plane_changed": "workspace.plane_changed",
    "hints_changed": "annotations.hints_changed",
    "classes_changed": "annotations.classes_changed",
    "suggestions_changed": "suggestions.changed",
    "pseudo_labels_changed": "pseudo_labels.changed",
    "radius_changed": "radius.changed",
    "training_changed": "training.changed",
    "progress": "training.progress",
    "metrics": "training.metrics",
    "message": "message",
    "history_changed": "annotations.history_changed",
    "models_changed": "prediction.models_changed",
    "measuring": "measuring.progress",
    "measured": "measuring.done",
    "comparing": "comparing.changed",
    "image_kinds_changed": "image_kinds.changed",
    "marked_cells_changed": "marked_cells.changed",
}
#: What only its parts tell each other.
INSIDE = {
    "annotations.rejected_changed",
    "review.judging",
    "pseudo_labels.judging",
    "suggestions.predicted",
    "workspace.pixels_changed",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Scratch projects go here."""
    monkeypatch.setenv("INKLING_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Images "a" and "b" of 40 × 60 pixels, and a stack "c" of three such planes."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (3, 40, 60), dtype=np.uint8)
    for name, content in (("a", pixels[0]), ("b", pixels[1])):
        tifffile.imwrite(folder / f"{name}.tif", content)
    tifffile.imwrite(folder / "c.tif", pixels, metadata={"axes": "ZYX"}, ome=False, imagej=True)
    return [folder / f"{name}.tif" for name in "abc"]


@pytest.fixture
def runner() -> HandRunner:
    return HandRunner()


@pytest.fixture
def session(runner: HandRunner, pictures: list[Path], tmp_path: Path) -> Iterator[Session]:
    """A session over a project with the images "a" and "b", "a" on screen, and a runner lived by hand."""
    made = Session(runner, method=FAKE)
    made.new_project(tmp_path / "p.inkling", ["cell", "other"])
    made.images.add(pictures[:2])
    yield made
    made.close()


@pytest.fixture
def heard(session: Session) -> Heard:
    """Everything that the session tells from now on."""
    made = Heard()
    made.listen(session, *SIGNALS)
    return made


@pytest.fixture
def real_session(pictures: list[Path], tmp_path: Path) -> Iterator[Session]:
    """The same with a real worker process."""
    made = Session(LocalRunner(ahead=()), method=FAKE)
    made.new_project(tmp_path / "p.inkling", ["cell", "other"])
    made.images.add(pictures[:2])
    yield made
    made.close()


def points(*places: tuple[float, float], **columns: Any) -> HintSet:
    return HintSet(Points(np.array(places, float).reshape(-1, 2), **columns))


def suggested(*rows: tuple[float, float, float], radius: float | None = 3.0) -> Predictions:
    """Suggestions from (y, x, score)."""
    table = np.array(rows, float).reshape(-1, 3)
    return Predictions(Points(table[:, :2], sources="model", scores=table[:, 2]), radius=radius)


ROW = suggested((10, 10, 0.9), (10, 20, 0.7), (10, 30, 0.4), (30, 10, 0.6))


@pytest.fixture
def reviewed(session: Session, runner: HandRunner, heard: Heard) -> Session:
    """A session with a person's hint at (30, 50) and ROW suggested on the plane "a"."""
    session.annotations.edit(HintSet(), points((30, 50), (35, 50)), "add points")
    session.training.start()
    runner.tell(Preview(A, ROW))
    heard.clear()
    return session


def shown(session: Session) -> list[list[float]]:
    return session.suggestions.shown().points.coordinates.tolist()


#: Three points on a line and a box with its centre at (50, 50).
LINE = Predictions(
    Points([[0, 0], [0, 10], [0, 20]], sources="model", scores=[0.9, 0.6, 0.2], classes=["a", "b", "a"]),
    Boxes([[45, 40, 55, 60]], sources="model", scores=[0.7]),
    radius=4.0,
)
NOTHING = np.empty((0, 2))


def outlined(*corners: tuple[int, int], ids: tuple[int, ...], points: bool = True) -> Predictions:
    """Squares of 5 pixels by 5, with a point in the middle of each under the same id."""
    crops = [np.ones((5, 5), bool)] * len(corners)
    masks = Masks.from_crops(corners, crops, sources="model", scores=0.8, classes="b", ids=ids)
    middles = Points(np.add(corners, 2), sources="model", scores=0.8, classes="b", ids=ids)
    return Predictions(middles if points else Points(), masks=masks, radius=4.0)


#: What a model finds: one cell.
SOME = Predictions(Points([[10, 10]], sources="model", scores=[0.9]), radius=3.0)


@pytest.fixture
def ready(session: Session, heard: Heard) -> Session:
    """A session with two hints on the plane "a", enough for the fake method."""
    session.annotations.edit(HintSet(), points((3, 4), (20, 20)), "add points")
    heard.clear()
    return session


def save_model(job: TrainJob, method: str = FAKE, **about: Any) -> None:
    folder = Path(job.out)
    FakeModel().save(folder)
    described = {"method": method, "classes": ["cell"], "rounds": 1} | about
    (folder / "model.json").write_text(json.dumps(described))


def train(session: Session, runner: HandRunner) -> Path:
    """Live a whole training that previews the plane on screen."""
    session.training.start()
    save_model(runner.jobs[-1])
    runner.tell(Preview(session.plane, SOME), Saved(runner.jobs[-1].out), Finished())
    runner.end()
    return Path(runner.jobs[-1].out)
