"""The jobs: train a model, and predict with one. Plain values inside, so that they travel to any worker."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from napari_inkling.core import (
    Checkpoint,
    Event,
    Finished,
    ImageError,
    ModelFileError,
    NewestHints,
    Notice,
    Predictions,
    Preview,
    Saved,
    Step,
    TrainingImage,
    nothing_new,
)
from napari_inkling.methods import HintedModel, Model, Preset, StepwiseModel, get_method
from napari_inkling.project import Snapshot
from napari_inkling.training.pieces import told

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
    except (FileNotFoundError, NotADirectoryError) as error:
        there = f"there is no {file.name} in it" if folder.exists() else "it does not exist"
        raise ModelFileError(f"{folder} is not a model: {there}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{folder} is not a model: {file.name} cannot be read ({error!r})") from error
    if not isinstance(name, str):
        raise ModelFileError(f"{file} names the method {name!r}, expected text")
    return name


def save_model(model: Model, out: Path) -> None:
    """Write the model into the folder ``out`` in one move, so that no half-written model is ever seen.

    Raises
    ------
    ModelFileError
        If the disk is full, or the folder cannot be written to.
    """
    tidy_up(out)
    new, old = _new(out), _old(out)
    try:
        new.mkdir(parents=True)
        model.save(new)
        if out.exists():  # an empty new folder, a checkpoint, or an older model of the chosen name
            out.replace(old)
        new.replace(out)
    except OSError as error:
        raise ModelFileError(f"the model cannot be written to {out}: {error}") from error
    tidy_up(out)


def tidy_up(out: Path) -> None:
    """Remove what a process left that died while it was writing the model ``out``; finish what it had begun.

    An older model is only moved aside once the new one is complete.
    """
    new, old = _new(out), _old(out)
    if old.exists() and not out.exists():
        (new if new.exists() else old).replace(out)
    shutil.rmtree(new.parent, ignore_errors=True)


def _new(out: Path) -> Path:
    """Return where a model is written before it is moved; one deeper than where models are looked for."""
    return out.with_name(f".{out.name}.partial") / "new"


def _old(out: Path) -> Path:
    return _new(out).with_name("old")


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

    def run(self, newest_hints: NewestHints = nothing_new) -> Iterator[Event]:
        """Yield the method's events, ``Saved``, ``Finished``. Checkpoints go to ``out`` on the way.

        The method may ask for ``newest_hints`` meanwhile.
        """
        method = get_method(self.method)
        settings = dict(self.settings)
        if self.minutes is not None and "minutes" in method.Settings.model_fields:
            settings["minutes"] = self.minutes
        elif self.minutes is not None:
            yield Notice(f"{self.method} has no time limit to set: minutes={self.minutes:g} is not used")
        checked = method.Settings.preset(self.preset, **settings)
        data = replace(self.snapshot.load(), newest_hints=newest_hints)
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
        except BaseException:  # it was stopped, or failed
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

    A plane that the model cannot take (it has other channels, or cannot be read) is left out with a notice.

    ``methods`` are names like ``"module:Class"`` that the model may have been made by; a model file alone
    can only name installed methods, so that a foreign one cannot import what it likes.
    """

    model: str
    snapshot: Snapshot
    device: str = "auto"
    methods: tuple[str, ...] = field(default=())
    noun: ClassVar[str] = "prediction"

    def run(self, newest_hints: NewestHints = nothing_new) -> Iterator[Event]:
        """Yield a ``Preview`` for each plane, a ``Step`` before it and on the way, then ``Finished``.

        Raises
        ------
        ImageError
            If no plane could be predicted.
        """
        folder = Path(self.model)
        name = model_method(folder)
        if ":" in name and name not in self.methods:
            raise ModelFileError(f"{folder} was made by {name!r}, which is not an installed method")
        model = get_method(name).Model.load(folder, self.device)
        data = self.snapshot.load()
        planes = [*data.train, *data.validation]
        left_out = 0
        for number, plane in enumerate(planes):
            step = Step("predicting", 0, number, len(planes))
            yield step
            try:
                predictions = yield from _predicted(model, plane, step)
            except ImageError as error:
                if len(planes) == 1:
                    raise
                left_out += 1
                yield Notice(f"left out: {error}")
            else:
                yield Preview(plane.image.ref, predictions)
        if planes and left_out == len(planes):
            raise ImageError(f"none of the {len(planes):,} planes could be predicted")
        yield Step("predicting", 0, len(planes), len(planes))
        yield Finished()


def _predicted(model: Model, plane: TrainingImage, step: Step) -> Generator[Event, None, Predictions]:
    """Predict a plane; yields ``step`` on the way, so that it can be stopped there.

    The hints of a complete plane are there to measure on, and the model does not see them.
    """
    image = plane.image
    if isinstance(model, HintedModel) and not plane.complete:
        return (yield from told(model.predicting_beside(image, plane.hints), step))
    if isinstance(model, StepwiseModel):
        return (yield from told(model.predicting(image), step))
    return model.predict(image)
