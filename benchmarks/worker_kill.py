"""Kill a training in many ways, and stop it; measure how soon the person knows, and that nothing was lost.

    python benchmarks/worker_kill.py [--method partial-points] [--kills 20] [--stops 10] [--data FOLDER]

A session trains in a real worker process. Each time, at a random moment after the first step, the process
gets a SIGKILL (as if memory had run out), or the method raises MemoryError or another exception.
Bounds: the message within 3 s, the next training runs, every hint is as it was, also on disk; Stop to stopped
within 1 s.
Prints JSON, also to benchmarks/results/worker_kill.json; exit code 1 if a bound is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal

from common import arguments as common_arguments
from common import write_result
from PIL import Image as Picture
from pydantic import create_model

from napari_inkling.core import HintSet, Notice
from napari_inkling.evaluation import weaken
from napari_inkling.methods import Needs, get_method
from napari_inkling.project import Project
from napari_inkling.project.formats import read_annotations
from napari_inkling.project.samples import make_sample_project, sample_names
from napari_inkling.session import Session
from napari_inkling.workers import LocalRunner

ROOT = Path(__file__).resolve().parents[1]
MESSAGE_BOUND = 3.0
STOP_BOUND = 1.0
FAULT = "fault now"
#: The child finds the faulty method under this module's name, with the real one's in the environment.
REAL_METHOD = "INKLING_BENCHMARK_METHOD"
Fault = Literal["none", "memory", "exception"]


class Faulty:
    """The method that is measured, with a fault that can be asked for after so many seconds of training."""

    name: ClassVar[str] = "faulty"
    title: ClassVar[str] = "Faulty"
    needs: ClassVar[Needs] = Needs(points=2)
    real = get_method(os.environ.get(REAL_METHOD, "partial-points"))
    Settings = create_model(
        "Settings", __base__=real.Settings, fault=(Fault, "none"), fault_after=(float, 1.0)
    )

    @property
    def Model(self) -> Any:
        """The real method's."""
        return self.real.Model

    def fit(self, data: Any, settings: Any, **how: Any) -> Generator[Any, None, Any]:
        """Learn as the real method does, until the fault."""
        plain = self.real.Settings(**settings.model_dump(exclude={"fault", "fault_after"}))
        fit = self.real.fit(data, plain, **how)
        began = time.monotonic()
        while True:
            try:
                yield next(fit)
            except StopIteration as end:
                return end.value
            if settings.fault != "none" and time.monotonic() - began > settings.fault_after:
                yield Notice(FAULT)
                if settings.fault == "memory":
                    bytearray(1 << 62)
                raise RuntimeError("a fault was asked for")


def make_project(folder: Path, data: Path | None, images: int) -> Project:
    """Make a project with 10 % of the nuclei clicked, or of a sample where there is no data set."""
    if data is None:
        return make_sample_project(sample_names()[0], folder)
    files = sorted((data / "images").glob("*.png"))[:images]
    project = Project.create(folder)
    project.add_images(files)
    shapes = {file.stem: Picture.open(file).size[::-1] for file in files}
    truth = read_annotations(data / "labels", "masks", shapes).hints
    for number, record in enumerate(project.images):
        hints = weaken(truth[record.name], points=0.1, seed=number, shape=shapes[record.name])
        project.edit(record.planes()[0], HintSet(), hints, "simulated annotator")
    return project


def find_data() -> Path | None:
    places = (ROOT / "shared/data/monuseg", ROOT.parent / "shared/data/monuseg")
    return next((place for place in places if (place / "labels").is_dir()), None)


class Watch:
    """A session, and when it told what."""

    def __init__(self, folder: Path) -> None:
        self.runner = LocalRunner()
        self.session = Session(self.runner, method="worker_kill:Faulty", predict_on_visit=False)
        self.session.message.connect(self._on_message)
        self.session.open_project(folder)
        self.fault_at = self.error_at = 0.0
        self.error = ""

    def _on_message(self, level: str, text: str) -> None:
        if text == FAULT:
            self.fault_at = time.monotonic()
        if level == "error":
            self.error_at, self.error = time.monotonic(), text

    def train(self, **overrides: Any) -> float:
        """Start a training and wait for its first step; returns the seconds until then."""
        self.fault_at = self.error_at = 0.0
        began = time.monotonic()
        self.session.training.start(overrides={**ENDLESS, **overrides})
        self.until(lambda: self.session.training.state.step > 0 or not self.session.training.active)
        return time.monotonic() - began

    @staticmethod
    def until(condition: Any, seconds: float = 60.0) -> bool:
        """Wait until the condition holds; returns whether it does."""
        end = time.monotonic() + seconds
        while not (done := condition()) and time.monotonic() < end:
            time.sleep(0.002)
        return bool(done)

    def hints(self) -> dict[str, Any]:
        """Return every hint of the project in all its columns."""
        project = self.session.project
        return {str(ref): project.hints(ref).to_json() for ref in project.planes_with_hints()}


ENDLESS = {"steps": 100_000}


def kill(watch: Watch, how: str, chance: random.Random) -> dict[str, Any]:
    """End one training in the manner asked for."""
    moment = chance.uniform(0.1, 2.5)
    fault = {"fault": how, "fault_after": moment} if how != "sigkill" else {}
    first_step = watch.train(**fault)
    if how == "sigkill":
        time.sleep(moment)
        watch.fault_at = time.monotonic()
        os.kill(watch.runner.pid or -1, signal.SIGKILL)
    told = watch.until(lambda: watch.error_at and not watch.session.training.active)
    return {
        "how": how,
        "first_step_s": round(first_step, 2),
        "message_s": round(watch.error_at - watch.fault_at, 3) if told and watch.fault_at else None,
        "message": watch.error,
    }


def stop(watch: Watch, number: int, chance: random.Random) -> dict[str, Any]:
    """Stop one training: each third while it still begins, the others some time after the first step."""
    early = number % 3 == 0
    if early:
        watch.session.training.start(overrides=ENDLESS)
        time.sleep(chance.uniform(0, 0.3))
    else:
        watch.train()
        time.sleep(chance.uniform(0, 3))
    began = time.monotonic()
    watch.session.training.stop()
    told = watch.until(lambda: not watch.session.training.active)
    seconds = time.monotonic() - began
    kept = watch.session.training.state.model is not None
    return {"early": early, "stopped_s": round(seconds, 3) if told else None, "model_kept": kept}


@contextmanager
def opened(folder: Path, data: Path | None, images: int) -> Iterator[Watch]:
    make_project(folder, data, images).close()
    watch = Watch(folder)
    try:
        yield watch
    finally:
        watch.session.close()


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "kill.inkling"
        with opened(folder, arguments.data, arguments.images) as watch:
            before = watch.hints()
            manners = [("sigkill", "memory", "exception")[n % 3] for n in range(arguments.kills)]
            kills = []
            for manner in manners:
                kills.append({**kill(watch, manner, chance), "hints_intact": watch.hints() == before})
            stops = [stop(watch, n, chance) for n in range(arguments.stops)]
            watch.session.training.start(overrides={"steps": 30})
            last = watch.session.wait(240).status
        with Project.open(folder) as project:
            on_disk = {str(ref): project.hints(ref).to_json() for ref in project.planes_with_hints()}
    message_s = [entry["message_s"] for entry in kills]
    stopped_s = [entry["stopped_s"] for entry in stops]
    result = {
        "method": arguments.method,
        "data": arguments.data.name if arguments.data else "sample",
        "seed": arguments.seed,
        "hints": sum(len(kind["ids"]) for plane in before.values() for kind in plane.values()),
        "kills": len(kills),
        "stops": len(stops),
        "message_s_max": max(message_s) if None not in message_s else None,
        "message_s_median": sorted(message_s)[len(message_s) // 2] if None not in message_s else None,
        "stopped_s_max": max(stopped_s) if None not in stopped_s else None,
        "stopped_s_median": sorted(stopped_s)[len(stopped_s) // 2] if None not in stopped_s else None,
        "models_kept_at_stop": sum(entry["model_kept"] for entry in stops),
        "hints_intact": all(entry["hints_intact"] for entry in kills) and on_disk == before,
        "last_training": last,
        "each_kill": kills,
        "each_stop": stops,
    }
    result["passed"] = bool(
        result["message_s_max"] is not None
        and result["message_s_max"] <= MESSAGE_BOUND
        and result["stopped_s_max"] is not None
        and result["stopped_s_max"] <= STOP_BOUND
        and result["hints_intact"]
        and last == "finished"
    )
    return result


def main() -> int:
    parser = common_arguments(__doc__, "3 kills, 2 stops, 1 image")
    parser.add_argument("--method", default="partial-points", help="a name, module:Class, or 'fake'")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--stops", type=int, default=10)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=find_data(), help="folder with images/ and labels/")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.kills, arguments.stops, arguments.images = 3, 2, 1
    if arguments.method == "fake":
        arguments.method = "tests.fake_method:FakeMethod"
    os.environ[REAL_METHOD] = arguments.method
    result = write_result("worker_kill", arguments, measure(arguments))
    print(json.dumps(result, indent=1))
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT)]  # for the fake method of the tests; passed on to the worker
    sys.exit(main())
