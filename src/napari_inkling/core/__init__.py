"""The vocabulary: hints, images, predictions, events and errors. numpy, and scipy for label images."""

from napari_inkling.core.data import TrainingData, TrainingImage
from napari_inkling.core.errors import (
    DeviceError,
    FormatError,
    HintError,
    ImageError,
    InklingError,
    ModelFileError,
    ProjectError,
    ProjectLockedError,
    ProjectVersionError,
    SettingsError,
    TooFewHintsError,
    WorkerError,
)
from napari_inkling.core.events import (
    Checkpoint,
    Event,
    Failed,
    Finished,
    Notice,
    Preview,
    Round,
    Saved,
    Started,
    Step,
)
from napari_inkling.core.hints import BACKGROUND, CELL, KINDS, SOURCES, Boxes, HintSet, Points, new_ids
from napari_inkling.core.image import Image, LazyArray, PlaneRef
from napari_inkling.core.masks import Masks
from napari_inkling.core.predictions import DISAGREEMENT, Predictions

__all__ = [
    "BACKGROUND",
    "CELL",
    "DISAGREEMENT",
    "KINDS",
    "SOURCES",
    "Boxes",
    "Checkpoint",
    "DeviceError",
    "Event",
    "Failed",
    "Finished",
    "FormatError",
    "HintError",
    "HintSet",
    "Image",
    "ImageError",
    "InklingError",
    "LazyArray",
    "Masks",
    "ModelFileError",
    "Notice",
    "PlaneRef",
    "Points",
    "Predictions",
    "Preview",
    "ProjectError",
    "ProjectLockedError",
    "ProjectVersionError",
    "Round",
    "Saved",
    "SettingsError",
    "Started",
    "Step",
    "TooFewHintsError",
    "TrainingData",
    "TrainingImage",
    "WorkerError",
    "new_ids",
]
