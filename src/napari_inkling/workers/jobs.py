"""The jobs: train a model, and predict with one. Plain values inside, so that they travel to any worker."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from napari_inkling.core import (
    Checkpoint,
    Event,
    Finished,
    ModelFileError,
    Notice,
    Preview,
    Saved,
    Step,
)
from napari_inkling.methods import Model, Preset, get_method
from napari_inkling.project import Snapshot

__all__ = ["PredictJob", "TrainJob", "model_method", "save_model", "tidy_up"]

#: Checkpoints are written at most so often.
CHECKPOINT_SECONDS = 5.0


def model_method(folder: Path) -> str:
    """Return the name of the method that made the model in ``folder``.

    Raises
    ------
    ModelFileError
        If there is no readable ``model.json`` that names a method.
    """
    file = folder / "model.json"
    try:
        name = json.loads(file.read_text(encoding="utf-8"))["method"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{folder} is not a model: {file.name} cannot be read ({error!r})") from error
    if not isinstance(name, str):
        raise ModelFileError(f"{file} names the method {name!r}, expected text")
    return name


def save_model(model: Model, out: Path) -> None:
    """Write the model into the folder ``out`` in one move, so that no half-written model is ever seen."""
    tidy_up(out)
    inner = _partial(out) / "new"  # one deeper than where models are looked for
    inner.mkdir(parents=True)
    model.save(inner)
    if out.exists():  # an empty new folder, a checkpoint, or an older model under the name that was chosen
        out.replace(_partial(out) / "old")
    inner.replace(out)
    tidy_up(out)


def tidy_up(out: Path) -> None:
    """Remove what a process left that died while it was writing the model ``out``."""
    shutil.rmtree(_partial(out), ignore_errors=True)


def _partial(out: Path) -> Path:
    return out.with_name(f".{out.name}.partial")


@dataclass(frozen=True)
class TrainJob:
    """Train ``method`` on a snapshot and leave the model in the folder ``out``.

    Parameters
    ----------
    method : str
        Its name, as :func:`~napari_inkling.methods.get_method` takes it.
    settings : mapping
        Overrides of the preset's values.
    snapshot : Snapshot
        Images and hints.
    out : str
        The folder that becomes the model, first with the checkpoints; what is seen of it is always complete.
    start : str or None
        Folder of the model to continue from.
    minutes : float or None
        Time limit in minutes, for methods that have such a setting.
    """

    method: str
    settings: Mapping[str, Any]
    snapshot: Snapshot
    out: str
    preset: Preset = "quick"
    device: str = "auto"
    seed: int = 0
    start: str | None = None
    minutes: float | None = None
    noun: ClassVar[str] = "training"

    def run(self) -> Iterator[Event]:
        """Yield the method's events, ``Saved``, ``Finished``. Checkpoints go to ``out`` on the way."""
        method = get_method(self.method)
        settings = dict(self.settings)
        if self.minutes is not None and "minutes" in method.Settings.model_fields:
            settings["minutes"] = self.minutes
        elif self.minutes is not None:
            yield Notice(f"{self.method} has no time limit to set: minutes={self.minutes:g} is not used")
        checked = method.Settings.preset(self.preset, **settings)
        data = self.snapshot.load()
        start = method.Model.load(Path(self.start), self.device) if self.start else None
        fit = method.fit(data, checked, device=self.device, seed=self.seed, start=start)
        keeper = _Keeper(Path(self.out))
        try:
            while True:
                event = next(fit)
                if isinstance(event, Checkpoint):
                    keeper.take(event.model)
                else:
                    yield event
        except StopIteration as end:
            model: Model = end.value
        except GeneratorExit:
            fit.close()
            keeper.save()
            raise
        save_model(model, Path(self.out))
        yield Saved(self.out)
        yield Finished()


class _Keeper:
    """Keeps the newest checkpoint on disk, so that neither Stop nor a crash loses what was learnt."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._newest: Model | None = None
        self._saved_at = -math.inf

    def take(self, model: Model) -> None:
        """Keep a model; on disk at once, unless another was written just now."""
        self._newest = model
        if time.monotonic() - self._saved_at >= CHECKPOINT_SECONDS:
            self.save()

    def save(self) -> None:
        """Write the newest model if it is not yet."""
        if self._newest is not None:
            save_model(self._newest, self._out)
            self._newest, self._saved_at = None, time.monotonic()


@dataclass(frozen=True)
class PredictJob:
    """Predict every plane of a snapshot with the model in the folder ``model``.

    ``methods`` are names like ``"module:Class"`` that the model may have been made by; a model file alone
    can only name installed methods, so that a foreign one cannot import what it likes.
    """

    model: str
    snapshot: Snapshot
    device: str = "auto"
    methods: tuple[str, ...] = field(default=())
    noun: ClassVar[str] = "prediction"

    def run(self) -> Iterator[Event]:
        """Yield a ``Step`` and a ``Preview`` for each plane, then ``Finished``."""
        folder = Path(self.model)
        name = model_method(folder)
        if ":" in name and name not in self.methods:
            raise ModelFileError(f"{folder} was made by {name!r}, which is not an installed method")
        model = get_method(name).Model.load(folder, self.device)
        data = self.snapshot.load()
        planes = [*data.train, *data.validation]
        for number, plane in enumerate(planes):
            yield Step("predicting", 0, number, len(planes))
            yield Preview(plane.image.ref, model.predict(plane.image))
        yield Step("predicting", 0, len(planes), len(planes))
        yield Finished()
