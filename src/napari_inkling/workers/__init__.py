"""Runs a training somewhere else and relays its events. ``_protocol.py`` says what a job and a runner are."""

from napari_inkling.workers._protocol import Job, OnDone, OnEvent, Outcome, Runner, State
from napari_inkling.workers.comparison import CompareJob
from napari_inkling.workers.jobs import PredictJob, TrainJob, model_method, save_model, tidy_up
from napari_inkling.workers.local import LocalRunner

__all__ = [
    "CompareJob",
    "Job",
    "LocalRunner",
    "OnDone",
    "OnEvent",
    "Outcome",
    "PredictJob",
    "Runner",
    "State",
    "TrainJob",
    "model_method",
    "save_model",
    "tidy_up",
]
