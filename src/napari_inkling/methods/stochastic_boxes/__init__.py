"""*stochastic-boxes*: boxes on some cells, points on the others, and one detector that learns from both.

After Malik et al.'s one-stage, weakly semi-supervised detection with stochastic boxes ("the paper" here).
"""

from napari_inkling.methods.stochastic_boxes.method import StochasticBoxes
from napari_inkling.methods.stochastic_boxes.settings import StochasticBoxesSettings

__all__ = ["StochasticBoxes", "StochasticBoxesSettings"]
