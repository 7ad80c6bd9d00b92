"""Images come, go, are marked, and are looked after."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_inkling.core import HintSet, ImageError, Masks, PlaneRef, Preview, ProjectError, Saved
from napari_inkling.project import image_list
from napari_inkling.session import Session
from napari_inkling.session.cell_radius import DEFAULT_RADIUS

from .conftest import SOME, A, B, HandRunner, Heard, points, save_model, shown, train


def test_a_bad_image_is_named_and_the_others_are_added(
    runner: HandRunner, pictures: list[Path], tmp_path: Path
) -> None:
    session = Session(runner)
    heard = Heard()
    heard.listen(session, "images_changed", "plane_changed")
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"II*\0 not a picture")
    with pytest.raises(ImageError, match=r"bad\.tif"):
        session.images.add([pictures[0], bad])
    assert [record.name for record in session.project.images] == ["a"]
    assert session.plane == A
    assert heard("plane_changed")[-1] == A
    session.close()


def test_removing_the_image_on_screen_shows_another(session: Session, heard: Heard) -> None:
    session.images.remove("a")
    assert session.plane == B
    session.images.remove("b")
    assert session.plane is None
    assert heard("plane_changed") == [B, None]
    assert heard.names.count("images_changed") == 2
    with pytest.raises(ProjectError, match="add an image first"):
        session.annotations.edit(HintSet(), points((1, 1)), "add point")


def test_marks_of_an_image(session: Session, heard: Heard) -> None:
    session.images.update("a", complete=True, reviewed=True)
    assert session.project.image("a").complete
    assert heard.names == ["images_changed"]


def test_pixels_of_a_layer(session: Session, heard: Heard) -> None:
    record = session.images.add_array("layer", np.zeros((20, 30), np.uint8), "YX")
    assert record.name == "layer"
    assert session.plane == A  # it does not push itself forward
    session.go_to(PlaneRef("layer"))
    assert heard.names == ["images_changed", "plane_changed"]


def test_a_missing_image_is_told_when_its_project_opens(
    session: Session, pictures: list[Path], tmp_path: Path
) -> None:
    session.close()
    pictures[1].unlink()
    again, heard = Session(HandRunner()), Heard()
    heard.listen(again, "message")
    again.open_project(tmp_path / "p.inkling")
    assert [level for level, _ in heard("message")] == ["warning"]
    assert "b.tif" in heard("message")[0][1]
    again.close()


class ByHand:
    """Keeps what is handed over until the test runs it."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def __call__(self, call: Callable[[], None]) -> None:
        self.calls.append(call)

    def run(self) -> None:
        while self.calls:
            self.calls.pop(0)()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Which files are fingerprinted from now on, and whether in the main thread."""
    files: list[tuple[str, bool]] = []
    real = image_list.fingerprint

    def noted(path: Path) -> str:
        files.append((Path(path).name, threading.current_thread() is threading.main_thread()))
        return real(path)

    monkeypatch.setattr(image_list, "fingerprint", noted)
    return files


def test_images_are_looked_at_once_and_beside_everything_else(
    session: Session, pictures: list[Path], tmp_path: Path, read: list[tuple[str, bool]]
) -> None:
    session.close()
    gone = pictures[1].rename(tmp_path / "elsewhere.tif")
    later, heard = ByHand(), Heard()
    again = Session(HandRunner(), later)
    heard.listen(again, "problems_changed", "message")
    again.open_project(tmp_path / "p.inkling")
    assert (dict(again.images.problems), heard.told) == ({}, [])
    until(lambda: later.calls)
    later.run()
    assert {name: problem.what for name, problem in again.images.problems.items()} == {"b": "missing"}
    assert heard.names == ["problems_changed", "message"]
    assert read == [("a.tif", False)]  # what is missing has nothing to read

    again.images.add(pictures[2:])
    assert read[1:] == [("c.tif", True)]  # to know it again: nothing else was read
    again.images.relink("b", gone)
    assert (dict(again.images.problems), heard("problems_changed")) == ({}, [(), ()])
    again.close()


def test_an_image_that_is_found_before_the_answer_comes_is_in_order(
    session: Session, pictures: list[Path], tmp_path: Path
) -> None:
    session.close()
    gone = [path.rename(tmp_path / f"gone-{path.name}") for path in pictures[:2]]
    later = ByHand()
    again = Session(HandRunner(), later)
    again.open_project(tmp_path / "p.inkling")
    until(lambda: later.calls)
    again.images.relink("b", gone[1])
    again.images.remove("a")
    later.run()
    assert dict(again.images.problems) == {}
    again.close()


def test_an_image_that_is_back_is_in_order_when_it_is_visited(
    session: Session, heard: Heard, pictures: list[Path], tmp_path: Path
) -> None:
    folder = session.project.folder
    session.new_project(tmp_path / "q.inkling")
    pictures[1].rename(tmp_path / "elsewhere.tif")
    session.open_project(folder)
    assert list(session.images.problems) == ["b"]
    heard.clear()
    session.go_to(B)
    assert heard.names == ["plane_changed"]  # known
    (tmp_path / "elsewhere.tif").rename(pictures[1])
    session.go_to(A)
    session.go_to(B)
    assert dict(session.images.problems) == {}
    assert heard.names[-1] == "problems_changed"


def test_problems_of_an_image_go_with_it(session: Session, pictures: list[Path], tmp_path: Path) -> None:
    folder = session.project.folder
    session.new_project(tmp_path / "q.inkling")
    pictures[1].unlink()
    session.open_project(folder)
    session.images.remove("b")
    assert dict(session.images.problems) == {}
    pictures[0].unlink()
    session.new_project(tmp_path / "r.inkling")
    assert dict(session.images.problems) == {}


@pytest.mark.parametrize("how", ["close", "switch"])
def test_no_answer_comes_about_a_project_that_was_left(
    session: Session, pictures: list[Path], tmp_path: Path, how: str
) -> None:
    session.close()
    pictures[1].unlink()
    later, heard = ByHand(), Heard()
    again = Session(HandRunner(), later)
    again.open_project(tmp_path / "p.inkling")
    until(lambda: later.calls)
    heard.listen(again, "problems_changed", "message")
    if how == "close":
        again.close()
    else:
        again.new_project(tmp_path / "q.inkling")
    later.run()
    assert heard.told == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("inkling-image")]
    again.close()


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    assert holds()


# An image that is linked to another file


@pytest.fixture
def known(session: Session, runner: HandRunner, tmp_path: Path) -> tuple[Session, Path]:
    """A session that knows a lot about the plane "a", trained and at rest; and another file of its shape."""
    session.annotations.edit(HintSet(), points((30, 50), (35, 50)), "add points")
    session.annotations.edit(HintSet(), HintSet(masks=Masks.from_crops([(3, 3)], [np.ones((5, 5))])), "draw")
    train(session, runner)
    session.measuring.start()
    session.radius.estimate()
    other = tmp_path / "other.tif"
    tifffile.imwrite(other, np.full((40, 60), 7, np.uint8))
    return session, other


def test_what_the_former_file_told_is_forgotten(
    known: tuple[Session, Path], runner: HandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, other = known
    assert (session.radius.at(A), session.training.trained_images) == (3.0, {"a"})
    monkeypatch.setattr("napari_inkling.session.cell_radius.estimate_radius", lambda images: 5.5)
    jobs, heard = len(runner.jobs), Heard()
    heard.listen(session, "suggestions_changed", "images_changed", "measured")
    session.images.relink("a", other)
    assert session.suggestions.planes == ()
    assert shown(session) == []
    assert not session.suggestions.is_searched(A)
    assert session.radius.at(A) == DEFAULT_RADIUS
    assert session.radius.estimate() == 5.5
    assert len(session.measuring.table) == 0
    assert session.training.trained_images == set()
    assert heard.names == ["suggestions_changed", "measured", "images_changed"]
    assert [item.path for item in runner.jobs[jobs].snapshot.images] == [str(other)]  # predicted anew
    session.measuring.start()
    assert session.measuring.table.columns["mean_intensity"].tolist() == [7]
    assert len(session.annotations.hints) == 3  # what the person did stays


def test_a_file_that_was_only_moved_tells_the_same(
    known: tuple[Session, Path], runner: HandRunner, pictures: list[Path], tmp_path: Path
) -> None:
    session, _ = known
    jobs = len(runner.jobs)
    session.images.relink("a", pictures[0].rename(tmp_path / "moved.tif"))
    assert (session.suggestions.planes, session.training.trained_images) == ((A,), {"a"})
    assert (session.radius.at(A), len(session.measuring.table), len(runner.jobs)) == (3.0, 1, jobs)


@pytest.mark.parametrize("job", ["training", "prediction"])
def test_what_a_job_says_of_the_former_file_is_not_heard(
    known: tuple[Session, Path], runner: HandRunner, job: str
) -> None:
    session, other = known
    if job == "training":
        session.training.start()
    else:
        session.prediction.start([A])
    runner.tell(Preview(A, SOME))
    session.images.relink("a", other)
    runner.tell(Preview(A, SOME), Preview(B, SOME))
    assert session.suggestions.planes == (B,)
    if job == "training":
        save_model(runner.jobs[-1])
        runner.tell(Saved(runner.jobs[-1].out))
        assert session.training.trained_images == set()
    runner.end()
    assert [item.path for item in runner.jobs[-1].snapshot.images] == [str(other)]
    assert session.prediction.active


def test_a_plane_that_the_new_file_lacks_is_left(
    session: Session, pictures: list[Path], heard: Heard
) -> None:
    session.images.add(pictures[2:])
    session.go_to(PlaneRef("c", (2,)))
    heard.clear()
    session.images.relink("c", pictures[0])
    assert heard("plane_changed") == [None, PlaneRef("c")]
    assert session.project.open_image(session.plane).height == 40
