"""Annotation files: COCO, GeoJSON, label images, OME-Zarr labels, Pascal VOC, YOLO and points as CSV."""

from napari_inkling.project.formats.counting import Counts, count_cells
from napari_inkling.project.formats.exporting import export_annotations
from napari_inkling.project.formats.importing import import_annotations
from napari_inkling.project.formats.items import Annotations, Export, Item, make_items
from napari_inkling.project.formats.recognition import format_to_write, guess_format, read_annotations
from napari_inkling.project.formats.registry import FORMATS, Format, find_format
from napari_inkling.project.formats.result import ImportResult

__all__ = [
    "FORMATS",
    "Annotations",
    "Counts",
    "Export",
    "Format",
    "ImportResult",
    "Item",
    "count_cells",
    "export_annotations",
    "find_format",
    "format_to_write",
    "guess_format",
    "import_annotations",
    "make_items",
    "read_annotations",
]
