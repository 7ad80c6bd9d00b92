"""The settings of *partial-points* and its presets."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field as Setting

from napari_inkling.methods._protocol import MethodSettings

__all__ = ["FEWEST_CELLS", "PartialPointsSettings"]

#: With fewer marked cells there is nothing to learn from.
FEWEST_CELLS = 2


class PartialPointsSettings(MethodSettings):
    """Settings of *partial-points*; the defaults are the preset "quick"."""

    presets: ClassVar = {
        "quick": {},
        "standard": {
            "steps": 1400,
            "enough": 400,
            "rounds": 5,
            "jitter": 0.2,
            "zoom": 0.2,
            "views": 4,
            "mask_steps": 450,
        },
        "as-published": {
            "network": "resnet34",
            "steps": 3840,
            "enough": None,
            "first_share": 0.25,
            "working_diameter": None,
            "own_range": False,
            "learning_rate": 1e-3,
            "weight_decay": 0.0,
            "schedule": "constant",
            "averaging": 0.0,
            "batch": 16,
            "crop": 224,
            "near_marked": 0.0,
            "views": 1,
            "warm_start": False,
            "centres": "components",
            "threshold": 0.5,
            "mask_steps": 1440,
            "mask_diameter": None,
            "mask_rate": 1e-4,
            "mask_jitter": 0.1,
            "mask_zoom": 0.0,
            "heads": "two-class",
            "labels": "cluster",
            "refine_share": 1 / 6,
            "crf": 0.005,
            "instances": "components",
        },
    }

    fixed_fields: ClassVar = (
        "network",
        "width",
        "working_diameter",
        "own_range",
        "masks",
        "mask_diameter",
        "heads",
    )

    steps: int = Setting(
        450,
        ge=1,
        description="Steps for centres over all rounds, if clicks are enough (about a minute on 2 CPU cores)",
    )
    enough: int | None = Setting(
        350,
        ge=1,
        description="With fewer marked cells than this, fewer steps are taken; empty: always all steps",
    )
    minutes: float | None = Setting(
        None, gt=0, description="Train for so many minutes instead of a number of steps"
    )
    radius: float | None = Setting(
        None, gt=0, description="Mean cell radius r1 in pixels of the image; empty: estimated at the clicks"
    )
    working_diameter: float | None = Setting(
        10.0,
        ge=4,
        le=64,
        description="Cell diameter in pixels at the scale that is worked at; empty: full scale",
    )
    own_range: bool = Setting(
        True,
        description="Intensities in the range of each image, near that of all; off: in one range for all",
    )
    mask: Literal["extended", "plain"] = Setting(
        "extended",
        description="Gaussian mask: extended (far pixels are ignored, Eq. 1) or plain (they are background)",
    )
    self_training: Literal["background", "nuclei", "none"] = Setting(
        "background", description="What a round adds: background (Eq. 3), detected nuclei (ST-nu), or nothing"
    )
    rounds: int = Setting(3, ge=0, le=20, description="Rounds of self-training after the initial one")
    first_share: float = Setting(
        0.33, gt=0, le=1, description="Share of the steps that the initial round takes"
    )
    low: float = Setting(0.1, ge=0, le=1, description="Below this probability a pixel becomes background")
    high: float = Setting(
        0.7,
        ge=0,
        le=1,
        description="Above this probability a component larger than a cell becomes background",
    )
    sigma: float = Setting(0.25, gt=0, le=1, description="Width σ of the Gaussian, in units of r1")
    foreground_weight: float = Setting(
        10.0, gt=0, description="Weight of pixels whose target is above 0 (Eq. 2)"
    )
    network: Literal["small", "resnet34"] = Setting(
        "small", description="small: U-Net of 0.5 M parameters; resnet34: the paper's ResNet-34 U-Net"
    )
    pretrained: bool = Setting(
        True,
        description="Start from weights trained on drawn tissue (small), or on ImageNet (resnet34)",
    )
    width: int = Setting(16, ge=4, le=128, description="Channels of the small network's first level")
    learning_rate: float = Setting(1e-2, gt=0, description="Highest learning rate")
    weight_decay: float = Setting(1e-4, ge=0, description="Decay of the weights, decoupled (AdamW)")
    schedule: Literal["one-cycle", "constant"] = Setting(
        "one-cycle", description="Learning rate: warmed up and annealed, or constant"
    )
    averaging: float = Setting(
        0.99, ge=0, lt=1, description="How much of the mean of the weights is kept at each step; 0: no mean"
    )
    batch: int = Setting(8, ge=1, description="Crops in a batch")
    crop: int = Setting(
        128, ge=32, multiple_of=32, description="Edge of a crop, in pixels at the working scale"
    )
    near_marked: float = Setting(0.5, ge=0, le=1, description="Share of the crops that hold a marked cell")
    jitter: float = Setting(
        0.1,
        ge=0,
        le=1,
        description="Random change of each channel's gain, and, twice as large, of its offset, in σ",
    )
    zoom: float = Setting(
        0.0, ge=0, le=1, description="Random change of scale: by a factor of at most exp(±zoom)"
    )
    views: int = Setting(2, ge=1, le=4, description="Mirror images over which a prediction is averaged")
    centres: Literal["peaks", "components"] = Setting(
        "peaks", description="Centres: peaks of the map, or centroids of components (the paper)"
    )
    smallest_area: float = Setting(
        12.0, ge=0, description="Smallest component, in pixels at the working scale"
    )
    threshold: float | None = Setting(
        None,
        gt=0,
        lt=1,
        description="Probability above which a centre is suggested; empty: estimated at the clicks",
    )
    warm_start: bool = Setting(True, description="Show a classical pixel classifier's answer first")
    masks: bool = Setting(True, description="Outline every cell, too; off: centres only")
    mask_steps: int = Setting(
        300, ge=1, description="Steps of the training for outlines, if clicks are enough"
    )
    mask_diameter: float | None = Setting(
        12.0,
        ge=4,
        le=64,
        description="Cell diameter in pixels at the scale at which outlines are worked at; empty: the same "
        "scale as for centres, as two-class heads always have it",
    )
    mask_rate: float = Setting(5e-3, gt=0, description="Highest learning rate of the training for outlines")
    mask_jitter: float = Setting(
        0.2, ge=0, le=1, description="Random change of intensities while learning outlines, as for jitter"
    )
    mask_zoom: float = Setting(
        0.2, ge=0, le=1, description="Random change of scale while learning outlines, as for zoom"
    )
    heads: Literal["joint", "two-class"] = Setting(
        "joint",
        description="joint: one network for centres, foreground and the distance from the boundary; "
        "two-class: a second network for nucleus and background (the paper)",
    )
    labels: Literal["local", "cluster", "voronoi"] = Setting(
        "local",
        description="What pixels are taken for, beside the Voronoi label: by each nucleus's own colour and "
        "size (local), by k-means (cluster, the paper), or nothing (voronoi)",
    )
    label_points: Literal["found", "given"] = Setting(
        "found", description="Points that labels are made from: given and found ones, or the given ones alone"
    )
    alpha: float = Setting(
        0.5, ge=0, le=1, description="Weight α of the Voronoi label with two-class heads (Eq. 6)"
    )
    refine_share: float = Setting(
        0.4,
        ge=0,
        lt=1,
        description="Share of the outlines' steps that refine: on the network's own sure pixels (joint), or "
        "with the CRF term and a tenth of the learning rate (two-class)",
    )
    crf: float = Setting(
        0.0, ge=0, description="Weight β of the dense-CRF pairwise term while refining; 0: without (Eq. 8)"
    )
    crf_colour: float = Setting(
        0.1, gt=0, description="Width of the CRF term's kernel in colour, where an image's range is 1"
    )
    instances: Literal["watershed", "components"] = Setting(
        "watershed",
        description="Masks: a watershed from the centres parts touching cells, or components (the paper)",
    )
