"""The settings of *stochastic-boxes* and its presets."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field as Setting

from napari_inkling.methods._protocol import MethodSettings

__all__ = ["FEWEST_BOXES", "StochasticBoxesSettings"]

#: With fewer boxes there is no size to learn.
FEWEST_BOXES = 3


class StochasticBoxesSettings(MethodSettings):
    """Settings of *stochastic-boxes*; the defaults are the preset "quick"."""

    presets: ClassVar = {
        "quick": {},
        "standard": {"steps": 1500},
        "as-published": {
            "steps": 10_000,
            "box_of_a_point": "mean IOU",
            "distance": "pixels",
            "sizes_at_points": 0.0,
            "unmarked": "background",
            "usual_counts": False,
            "network": "resnet50",
            "smallest_side": None,
            "own_range": False,
            "elongated_anchors": True,
            "optimizer": "sgd",
            "schedule": "plateau",
            "learning_rate": 1e-2,
            "averaging": 0.0,
            "batch": 2,
            "crop": 512,
            "boxed": 0.0,
            "near_marked": 0.0,
            "jitter": 0.0,
            "zoom": 0.0,
        },
    }

    fixed_fields: ClassVar = (
        "network", "width", "features", "smallest_side", "own_range", "elongated_anchors",
    )  # fmt: skip

    steps: int = Setting(600, ge=1, description="Steps of the training (about two minutes on 2 CPU cores)")
    minutes: float | None = Setting(
        None, gt=0, description="Train for so many minutes instead of a number of steps"
    )
    least_score: float = Setting(
        0.2, ge=0, le=1, description="τ_s: a prediction of at least this score may replace a point"
    )
    least_iou: float = Setting(
        0.5, ge=0, le=1, description="τ_iou: … that overlaps the stochastic box by at least this IOU"
    )
    distance: Literal["box sizes", "pixels"] = Setting(
        "box sizes",
        description="Distance of a prediction from a point: in sides of the box, or pixels (the paper)",
    )
    predictions_replace_points: bool = Setting(
        True, description="Algorithm 1; off: the stochastic box stands in for a point at every step"
    )
    box_of_a_point: Literal["image", "mean IOU", "mean"] = Setting(
        "image",
        description="Size of the box that stands in for a point: read from the image, if that tells more "
        "than the class; the stochastic box of its class (Eq. 1); or the mean of its boxes",
    )
    point_doubt: float = Setting(
        20.0,
        ge=0,
        description="α in pixels: places of points count 1 / (1 + α / √A) with the mean area A (Eq. 2)",
    )
    sizes_at_points: float = Setting(
        0.1,
        ge=0,
        le=1,
        description="Weight in the loss of the sizes of boxes that stand in for points; 0: sizes are learnt "
        "from drawn boxes alone (the paper)",
    )
    boxed: float = Setting(
        0.5, ge=0, lt=1, description="At least this share of the crops comes from images with boxes"
    )
    unmarked: Literal["unknown", "background"] = Setting(
        "unknown",
        description="What is not marked, and not beside a marked cell: unknown, once the network takes it "
        "for a cell; or background: every cell of an image with hints is marked (the paper)",
    )
    balance: float = Setting(
        0.99, ge=0, lt=1, description="β of the class-balanced loss; 0: all classes weigh alike"
    )
    usual_counts: bool = Setting(
        True,
        description="Losses are divided by the usual number of objects in a batch; off: by that of "
        "each batch (the paper)",
    )
    network: Literal["slim", "resnet50"] = Setting(
        "slim", description="slim: under 1 M parameters; resnet50: the paper's RetinaNet"
    )
    pretrained: bool = Setting(True, description="Start resnet50 from ImageNet weights, if they can be had")
    width: int = Setting(16, ge=4, le=128, description="Channels of the slim network's first stage")
    features: int = Setting(
        40, ge=8, le=256, multiple_of=8, description="Channels of the pyramid and the heads"
    )
    smallest_side: float | None = Setting(
        16.0,
        ge=4,
        le=128,
        description="Side of the smallest class's box at the working scale; empty: full scale",
    )
    elongated_anchors: bool = Setting(
        False,
        description="Anchors also twice as high as wide, and the reverse (the paper); off: squares alone",
    )
    own_range: bool = Setting(True, description="Intensities in the range of each image, near that of all")
    optimizer: Literal["adamw", "sgd"] = Setting(
        "adamw", description="adamw, or sgd with momentum .9 (the paper)"
    )
    schedule: Literal["one-cycle", "plateau"] = Setting(
        "one-cycle",
        description="Learning rate: warmed up and annealed; or a tenth of it each time that the loss has "
        "stopped falling (the paper)",
    )
    learning_rate: float = Setting(3e-3, gt=0, description="Highest learning rate")
    weight_decay: float = Setting(1e-4, ge=0, description="Decay of the weights")
    averaging: float = Setting(0.99, ge=0, lt=1, description="How much of the mean of the weights is kept")
    batch: int = Setting(4, ge=2, description="Crops in a batch")
    crop: int = Setting(192, ge=32, multiple_of=32, description="Edge of a crop, in working pixels")
    near_marked: float = Setting(0.5, ge=0, le=1, description="Share of the crops that hold something marked")
    jitter: float = Setting(0.2, ge=0, le=1, description="Random change of intensities")
    zoom: float = Setting(0.3, ge=0, le=1, description="Random change of scale: at most exp(±zoom)")
    overlap: float = Setting(
        0.5, gt=0, le=1, description="IOU from which on the weaker of two boxes is dropped"
    )
