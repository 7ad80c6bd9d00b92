"""*stochastic-boxes*: boxes on some cells, points on the others, and one detector that learns from both.

Source: "Bounding box priors for cell detection with point annotations", arXiv:2211.06104 ("the paper" here).
"""

from napari_inkling.methods.stochastic_boxes.method import StochasticBoxes
from napari_inkling.methods.stochastic_boxes.settings import StochasticBoxesSettings

__all__ = ["StochasticBoxes", "StochasticBoxesSettings"]
