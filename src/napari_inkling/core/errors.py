"""One tree of errors.

A message names the value, the place it came from and what was expected, so that it can be shown to a person
as it is. The command line prints it as one line and exits with 2; the dock shows it in its message bar.
"""

from __future__ import annotations

__all__ = [
    "DeviceError",
    "FormatError",
    "HintError",
    "ImageError",
    "InklingError",
    "ModelFileError",
    "ProjectError",
    "ProjectLockedError",
    "ProjectVersionError",
    "SettingsError",
    "TooFewHintsError",
    "WorkerError",
]


class InklingError(Exception):
    """Anything that napari-inkling refuses or fails to do, in words for a person."""


class HintError(InklingError, ValueError):
    """Hints that contradict themselves: columns of unequal length, boxes without area, unknown ids."""


class TooFewHintsError(InklingError):
    """A method was asked to train on fewer hints than it needs."""


class ImageError(InklingError):
    """An image that is missing, has changed, or cannot be read or used."""


class ProjectError(InklingError):
    """A project folder that cannot be created, opened, read or written."""


class ProjectLockedError(ProjectError):
    """Another process is writing to the project; open it read-only instead."""


class ProjectVersionError(ProjectError):
    """The project was written by a newer version of the program."""


class FormatError(InklingError, ValueError):
    """An annotation file that is not what its format demands."""


class ModelFileError(InklingError):
    """A model folder that is damaged, foreign, or holds a pickle."""


class SettingsError(InklingError, ValueError):
    """An unknown setting, preset or method, or a value out of bounds."""


class DeviceError(InklingError):
    """A device that was asked for and is not there."""


class WorkerError(InklingError):
    """The process that ran a job died or could not be started."""
