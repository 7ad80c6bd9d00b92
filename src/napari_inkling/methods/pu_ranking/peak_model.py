"""The model that *pu-ranking* leaves behind: a network whose maps have a peak at each cell."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import nn

from napari_inkling.core import Image, Points, Predictions, new_ids
from napari_inkling.methods.pu_ranking.settings import PuRankingSettings
from napari_inkling.networks.folding import folded
from napari_inkling.networks.small_unet import SmallUNet
from napari_inkling.training.checkpoints import load_description, load_weights, save_model_files
from napari_inkling.training.devices import Device, resolve_device
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.peaks import calibrated, class_peaks, peak_margin
from napari_inkling.training.pieces import Pieces, finish
from napari_inkling.training.tiling import predict_tiles
from napari_inkling.training.working_image import Window, WorkingImage

__all__ = ["Description", "PeakModel", "build_network"]

#: Peaks lower than this share of the threshold are not even suggested.
LOWEST = 0.3


class Description(BaseModel):
    """What ``model.json`` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["napari-inkling model 1"] = "napari-inkling model 1"
    method: Literal["pu-ranking"] = "pu-ranking"
    classes: tuple[str, ...]
    settings: PuRankingSettings
    intensity: Intensity
    #: Mean cell radius in pixels of the image.
    radius: float
    #: Working pixels per image pixel.
    scale: float
    #: Height of a peak from which on it counts as a cell; such a peak's score is 0.5.
    threshold: float
    trained_steps: int

    @property
    def r1(self) -> float:
        """Mean cell radius in working pixels."""
        return self.radius * self.scale


def build_network(about: Description) -> SmallUNet:
    """Return the network that a model's description tells of, with random weights."""
    return SmallUNet(about.intensity.channels, len(about.classes), about.settings.width)


class PeakModel:
    """Finds cell centres. Speaks :class:`~napari_inkling.methods.StepwiseModel`.

    Parameters
    ----------
    description : Description
        Everything but the weights.
    net : SmallUNet
        With the weights; it is put into evaluation mode.
    device : Device
        Where it computes.
    """

    method = "pu-ranking"

    def __init__(self, description: Description, net: SmallUNet, device: Device) -> None:
        self.description, self.device = description, device
        self.classes = description.classes
        # as it was trained, in memory too: another order of sums would round otherwise
        self.net: SmallUNet = net.to(  # type: ignore[call-overload]
            device.torch_device, memory_format=torch.channels_last
        ).eval()

    def predict(self, image: Image) -> Predictions:
        """Return suggested centres for one plane of any size; see :meth:`predicting`."""
        return finish(self.predicting(image))

    def predicting(self, image: Image, only: Iterable[Window] | None = None) -> Pieces[Predictions]:
        """Do the work of :meth:`predict` in pieces of a fraction of a second, tile by tile.

        Parameters
        ----------
        image : Image
            The plane.
        only : iterable of Window, optional
            Leave out the tiles that touch none of these windows of the working image.

        Raises
        ------
        ImageError
            If the image has other channels than the training images had.
        """
        about = self.description
        about.intensity.check(image)
        working, points = WorkingImage(image, about.scale, about.intensity), [Points()]
        tiles = predict_tiles(
            self._predictor,
            working,
            self.device,
            margin=peak_margin(about.r1),
            views=about.settings.views,
            only=None if only is None else tuple(only),
        )
        for tile, window, work in tiles:
            maps = (yield from work).mean
            found = class_peaks(maps, about.r1, LOWEST * about.threshold)
            places = found.places + np.array([window.top, window.left])
            suggested = Points(
                working.to_image(places),
                classes=np.array(self.classes, dtype=object)[found.channels],
                sources="model",
                scores=calibrated(found.heights, about.threshold),
                ids=new_ids(len(places)),
            )
            points.append(suggested.take(tile.holds(places)))
            yield
        return Predictions(Points.concatenate(points), radius=about.radius)

    @cached_property
    def _predictor(self) -> nn.Module:
        return folded(self.net)

    def save(self, folder: Path) -> None:
        """Write ``model.json`` and ``model.safetensors``."""
        save_model_files(folder, self.description, dict(self.net.state_dict()))

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        ModelFileError
            If it is damaged, foreign, or a pickle.
        DeviceError
            If the device is not there.
        """
        about = load_description(folder, Description)
        net = build_network(about)
        load_weights(folder, net)
        return cls(about, net, resolve_device(device))
