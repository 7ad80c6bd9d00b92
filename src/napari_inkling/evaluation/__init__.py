"""Metrics of detection and of masks, and the simulated annotator. No torch."""

from napari_inkling.evaluation.annotator import annotation_seconds, weaken, weaken_images
from napari_inkling.evaluation.average_precision import average_precision
from napari_inkling.evaluation.centres import Cells, box_centres, cell_centres
from napari_inkling.evaluation.comparison import (
    ComparedDetector,
    Comparison,
    DetectorOutcome,
    compare_detectors,
    detector_outcome,
)
from napari_inkling.evaluation.corrections import Correction, correct
from napari_inkling.evaluation.detection import DetectionScore, pool, score_detection, score_images
from napari_inkling.evaluation.difficulty import Difficulty, difficulty
from napari_inkling.evaluation.masks import score_masks
from napari_inkling.evaluation.matching import Matches, match_points
from napari_inkling.evaluation.measurements import (
    Measurements,
    measure,
    measuring,
    remeasuring,
    write_measurements,
)
from napari_inkling.evaluation.segmentation import SegmentationScore, segmentation_scores
from napari_inkling.evaluation.threshold import ThresholdCurve, best_threshold, threshold_curve

__all__ = [
    "Cells",
    "ComparedDetector",
    "Comparison",
    "Correction",
    "DetectionScore",
    "DetectorOutcome",
    "Difficulty",
    "Matches",
    "Measurements",
    "SegmentationScore",
    "ThresholdCurve",
    "annotation_seconds",
    "average_precision",
    "best_threshold",
    "box_centres",
    "cell_centres",
    "compare_detectors",
    "correct",
    "detector_outcome",
    "difficulty",
    "match_points",
    "measure",
    "measuring",
    "pool",
    "remeasuring",
    "score_detection",
    "score_images",
    "score_masks",
    "segmentation_scores",
    "threshold_curve",
    "weaken",
    "weaken_images",
    "write_measurements",
]
