"""The settings of *pu-ranking* and its presets."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field as Setting

from napari_inkling.methods._protocol import MethodSettings

__all__ = ["FEWEST_CELLS", "PuRankingSettings"]

#: With fewer marked cells there is nothing to rank by.
FEWEST_CELLS = 2


class PuRankingSettings(MethodSettings):
    """Settings of *pu-ranking*; the defaults are the preset "quick"."""

    presets: ClassVar = {
        "quick": {},
        "standard": {"steps": 900, "rounds": 4, "jitter": 0.2, "views": 4},
        "as-published": {
            "steps": 3000,
            "first_share": 1 / 3,
            "rounds": 2,
            "mask": "disks",
            "sigma": 0.5,
            "foreground_weight": 1.0,
            "unmarked_weight": 0.0,
            "features": "patches",
            "empty_places": 0.0,
            "choice": "fixed",
            "width": 64,
            "pretrained": False,
            "working_diameter": None,
            "own_range": False,
            "learning_rate": 1e-3,
            "weight_decay": 0.0,
            "schedule": "constant",
            "averaging": 0.0,
            "batch": 4,
            "crop": 256,
            "near_marked": 0.0,
            "jitter": 0.0,
            "zoom": 0.0,
            "views": 1,
            "threshold": 0.5,
        },
    }

    fixed_fields: ClassVar = ("width", "working_diameter", "own_range")

    steps: int = Setting(300, ge=1, description="Steps over all rounds (about a minute on 2 CPU cores)")
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
    rounds: int = Setting(
        3, ge=0, le=20, description="Rounds of pseudo-labels after the initial one; 0: marked cells alone"
    )
    first_share: float = Setting(
        0.35, gt=0, le=1, description="Share of the steps that the initial round takes"
    )
    mask: Literal["extended", "disks", "plain"] = Setting(
        "extended",
        description="What is known beyond a cell: a ring of background (extended), nothing (disks, the "
        "paper), or that all is background (plain); the rest is unmarked, see unmarked_weight",
    )
    sigma: float = Setting(0.3, gt=0, le=1, description="Width σ of the Gaussian, in units of r1")
    foreground_weight: float = Setting(10.0, gt=0, description="Weight of pixels whose target is above 0")
    unmarked_weight: float | None = Setting(
        None,
        ge=0,
        le=1,
        description="Weight of what is unmarked, as background; 0: it says nothing (the paper); empty: the "
        "more, the more cells are marked",
    )
    features: Literal["detector", "patches"] = Setting(
        "detector",
        description="What places are ranked by: what the detector sees there, or the features of a second "
        "network that learns from patches with the PU risk (patches, Eq. 1)",
    )
    patch_steps: int = Setting(
        300, ge=1, description="Steps of the second network in each round, with patches"
    )
    empty_places: float = Setting(
        1.0,
        ge=0,
        description="Places without a peak that may become background, too, in units of the number of peaks",
    )
    choice: Literal["curriculum", "fixed"] = Setting(
        "curriculum",
        description="How many are chosen: a growing share of the cells and of the background that there are "
        "at least, by the class prior (curriculum), or the shares alpha and beta of all (fixed, the paper)",
    )
    prior: float | None = Setting(
        None,
        gt=0,
        lt=1,
        description="Class prior π: the share of cells among the unmarked peaks; empty: estimated each round",
    )
    first_chosen: float = Setting(
        0.4, gt=0, le=1, description="Share of the cells and of the background that the first round chooses"
    )
    last_chosen: float = Setting(0.5, gt=0, le=1, description="Share that the last round chooses")
    alpha: float = Setting(
        0.05, ge=0, le=0.5, description="Share α of the unmarked places that become pseudo-cells, if fixed"
    )
    beta: float = Setting(0.05, ge=0, le=0.5, description="Share β that become pseudo-background, if fixed")
    p: float = Setting(
        4.0, ge=1, description="Power p of P-classification: how much the top of the list counts (Eq. 2)"
    )
    penalty: float = Setting(3.0, gt=0, description="Penalty on the weights of the ranking")
    width: int = Setting(16, ge=4, le=128, description="Channels of the network's first level")
    pretrained: bool = Setting(
        True, description="Start from weights trained on drawn tissue, for images in colour"
    )
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
        0.3, ge=0, le=1, description="Random change of scale: by a factor of at most exp(±zoom)"
    )
    views: int = Setting(2, ge=1, le=4, description="Mirror images over which a prediction is averaged")
    threshold: float | None = Setting(
        None,
        gt=0,
        lt=1,
        description="Probability above which a centre is suggested; empty: estimated at the clicks",
    )
