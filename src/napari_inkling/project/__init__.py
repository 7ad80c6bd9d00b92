"""The project on disk: journal, image list, lazy readers. No torch, no Qt."""

from napari_inkling.project.history import Edit
from napari_inkling.project.images import IMAGE_SUFFIXES, fingerprint, open_array, open_image
from napari_inkling.project.lazy import FileArray, ImageInfo, PixelCache
from napari_inkling.project.project import Project
from napari_inkling.project.records import PALETTE, ClassInfo, ImageProblem, ImageRecord
from napari_inkling.project.scratch import scratch_folders
from napari_inkling.project.snapshot import Snapshot, SnapshotImage

__all__ = [
    "IMAGE_SUFFIXES",
    "PALETTE",
    "ClassInfo",
    "Edit",
    "FileArray",
    "ImageInfo",
    "ImageProblem",
    "ImageRecord",
    "PixelCache",
    "Project",
    "Snapshot",
    "SnapshotImage",
    "fingerprint",
    "open_array",
    "open_image",
    "scratch_folders",
]
