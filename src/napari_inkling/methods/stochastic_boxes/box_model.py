"""The model that *stochastic-boxes* leaves behind: a network that tells boxes, and their classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torchvision.ops import batched_nms, nms

from napari_inkling.core import Boxes, Image, Predictions, new_ids
from napari_inkling.methods.stochastic_boxes.settings import StochasticBoxesSettings
from napari_inkling.networks.box_coding import decode
from napari_inkling.networks.box_network import BoxNetwork
from napari_inkling.networks.folding import folded
from napari_inkling.networks.slim_pyramid import SlimPyramid
from napari_inkling.training.checkpoints import load_description, load_weights, save_model_files
from napari_inkling.training.devices import Device, resolve_device
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.pieces import Pieces, aside, finish
from napari_inkling.training.working_image import Window, WorkingImage, windows

__all__ = ["BoxModel", "Description", "build_network"]

#: Boxes with a lower probability than this are not even looked at.
LOWEST = 0.03
#: A box is suggested from this share of the threshold on.
SUGGESTED = 0.2
#: Boxes of different classes with a greater IOU than this are one cell, of the likelier class.
ONE_CELL = 0.7
#: Height by width of the anchors, if these are not all squares.
ELONGATED = (0.5, 1.0, 2.0)
#: Edge of a tile, in working pixels.
TILE = 768


class Description(BaseModel):
    """What ``model.json`` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["napari-inkling model 1"] = "napari-inkling model 1"
    method: Literal["stochastic-boxes"] = "stochastic-boxes"
    classes: tuple[str, ...]
    settings: StochasticBoxesSettings
    intensity: Intensity
    #: Working pixels per image pixel.
    scale: float
    #: Sides of the anchors in working pixels, level by level; elongated ones have the area of the square.
    anchors: tuple[tuple[float, ...], ...]
    #: Height and width in pixels of the box that stands in for a point of each class.
    boxes: tuple[tuple[float, float], ...]
    #: Probability from which on a box counts as a cell; its score is 0.5.
    threshold: float
    trained_steps: int


def build_network(about: Description, notify: Callable[[str], None] | None = None) -> BoxNetwork:
    """Return the network that a model's description tells of.

    Its weights are random, unless ``notify`` is given and there are pretrained ones: it is told if they
    cannot be had.
    """
    settings, channels = about.settings, about.intensity.channels
    backbone: nn.Module
    if settings.network == "resnet50":
        from napari_inkling.networks.resnet50_pyramid import ResNet50Pyramid

        wanted = settings.pretrained and notify is not None
        backbone = ResNet50Pyramid(channels, wanted, notify or (lambda text: None))
    else:
        backbone = SlimPyramid(channels, len(about.anchors), width=settings.width, outputs=settings.features)
    ratios = ELONGATED if settings.elongated_anchors else (1.0,)
    slim = settings.network == "slim"
    return BoxNetwork(backbone, len(about.classes), about.anchors, ratios, normalised=slim)


class BoxModel:
    """Finds boxes with their classes. Speaks :class:`~napari_inkling.methods.StepwiseModel`.

    Parameters
    ----------
    description : Description
        Everything but the weights.
    net : BoxNetwork
        With the weights; it is put into evaluation mode.
    device : Device
        Where it computes.
    """

    method = "stochastic-boxes"

    def __init__(self, description: Description, net: BoxNetwork, device: Device) -> None:
        self.description, self.device = description, device
        # as it was trained, in memory too: another order of sums would round otherwise
        self.net: BoxNetwork = net.to(  # type: ignore[call-overload]
            device.torch_device, memory_format=torch.channels_last
        ).eval()

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that it tells apart."""
        return self.description.classes

    def predict(self, image: Image) -> Predictions:
        """Return suggested boxes for one plane of any size; see :meth:`predicting`."""
        return finish(self.predicting(image))

    def predicting(self, image: Image, only: Sequence[Window] | None = None) -> Pieces[Predictions]:
        """Do the work of :meth:`predict` in pieces of a fraction of a second, tile by tile.

        Parameters
        ----------
        image : Image
            The plane.
        only : sequence of Window, optional
            Leave out the tiles that touch none of these windows of the working image.

        Raises
        ------
        ImageError
            If the image has other channels than the training images had.
        """
        about = self.description
        about.intensity.check(image)
        working = WorkingImage(image, about.scale, about.intensity)
        found = [torch.empty(0, 6)]
        for tile in windows(working.shape, TILE):
            if only is not None and not any(tile.touches(window) for window in only):
                continue
            found.append(self._look(working, tile))
            yield
        every = torch.cat(found)
        return Predictions(boxes=(yield from aside(lambda: self._suggested(every, working))))

    def _look(self, working: WorkingImage, tile: Window) -> Tensor:
        """Return what is found around the anchors of a tile: xyxy, probability, class; (N, 6)."""
        stride = self.net.stride
        halo = -(-self.net.reach // stride) * stride
        read = tile.grown(halo, *working.shape)
        pixels = working.read(read)
        _, height, width = pixels.shape
        padded = np.pad(pixels, ((0, 0), (0, -height % stride), (0, -width % stride)), mode="edge")
        images = torch.from_numpy(padded)[None].to(self.device.torch_device)
        with torch.inference_mode(), self.device.autocast():
            answer = self._predictor(images.contiguous(memory_format=torch.channels_last))[0].float()
        anchors = self.net.anchors(*padded.shape[1:]) + torch.tensor(
            [read.left, read.top] * 2, device=answer.device
        )
        x, y = ((anchors[:, :2] + anchors[:, 2:]) / 2).T
        mine = (y >= tile.top) & (y < tile.bottom) & (x >= tile.left) & (x < tile.right)
        probability = torch.where(mine[:, None], answer[:, :-4].sigmoid(), 0)
        place, number = torch.nonzero(probability > LOWEST, as_tuple=True)
        boxes = decode(answer[place, -4:], anchors[place])
        return torch.cat([boxes, probability[place, number, None], number[:, None]], dim=1).cpu()

    def _suggested(self, found: Tensor, working: WorkingImage) -> Boxes:
        """Return the strongest boxes that do not overlap, within the image and in its pixels."""
        about = self.description
        boxes, scores, numbers = found[:, :4], found[:, 4], found[:, 5].long()
        height, width = working.shape
        limits = torch.tensor([width, height, width, height])
        boxes = torch.minimum(boxes.clamp(min=0), limits)
        wide = ((boxes[:, 2:] - boxes[:, :2]) > 0.5).all(dim=1) & (scores > SUGGESTED * about.threshold)
        boxes, scores, numbers = boxes[wide], scores[wide], numbers[wide]
        kept = batched_nms(boxes, scores, numbers, about.settings.overlap)
        kept = kept[nms(boxes[kept], scores[kept], ONE_CELL)]
        corners = boxes[kept][:, [1, 0, 3, 2]].numpy().astype(np.float64)
        steps = np.tile([working.rows.step, working.columns.step], 2)
        edges = np.tile([working.image.height, working.image.width], 2)
        return Boxes(
            np.minimum(corners * steps, edges) - 0.5,  # rounding could lead a little beyond the edge
            classes=np.array(self.classes, dtype=object)[numbers[kept].numpy()],
            sources="model",
            scores=np.interp(scores[kept].numpy(), [0, about.threshold, 1], [0, 0.5, 1]),
            ids=new_ids(len(kept)),
        )

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
