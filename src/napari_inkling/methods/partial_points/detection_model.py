"""The model that *partial-points* leaves behind: a network whose maps tell cells, and their outlines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict
from torch import nn

from napari_inkling.core import DISAGREEMENT, HintSet, Image, Masks, Points, Predictions, new_ids
from napari_inkling.methods.partial_points.disagreement import disagreements
from napari_inkling.methods.partial_points.heads import Heads, build_network
from napari_inkling.methods.partial_points.outlining import Outliner
from napari_inkling.methods.partial_points.settings import PartialPointsSettings
from napari_inkling.networks.folding import folded
from napari_inkling.training.checkpoints import load_description, load_weights, save_model_files
from napari_inkling.training.devices import Device, resolve_device
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.peaks import (
    Peaks,
    calibrated,
    class_peaks,
    component_centroids,
    peak_margin,
    with_channels,
)
from napari_inkling.training.pieces import Pieces, finish
from napari_inkling.training.tiling import Answer, predict_tiles
from napari_inkling.training.working_image import Window, WorkingImage

__all__ = ["Description", "DetectionModel", "find_centres"]

FloatArray = npt.NDArray[np.float64]

#: Peaks lower than this share of the threshold are not even suggested.
LOWEST = 0.3


class Description(BaseModel):
    """What ``model.json`` says. Format 2 has heads for outlines; in format 1 there are none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["napari-inkling model 1", "napari-inkling model 2"] = "napari-inkling model 2"
    method: Literal["partial-points"] = "partial-points"
    classes: tuple[str, ...]
    settings: PartialPointsSettings
    intensity: Intensity
    #: Mean cell radius in pixels of the image.
    radius: float
    #: Working pixels per image pixel.
    scale: float
    #: Height of a peak from which on it counts as a cell; such a peak's score is 0.5.
    threshold: float
    trained_steps: int
    heads: Heads = "centres"
    #: By which factor verdicts on suggestions have raised the threshold.
    strictness: float = 1.0
    #: The last round whose verdicts are in that factor.
    judged_until: int = 0


def find_centres(
    probability: npt.NDArray[np.float32], r1: float, settings: PartialPointsSettings, lowest: float
) -> Peaks:
    """Return the centres in a map (K, Y, X), of all classes together; each has its highest channel's."""
    if settings.centres == "peaks":
        return class_peaks(probability, r1, lowest)
    found = component_centroids(probability.max(0), max(lowest, 1e-3), settings.smallest_area)
    return with_channels(probability, *found)


def _margin(settings: PartialPointsSettings, r1: float) -> int:
    """Return how many working pixels around a centre what is said of it depends on."""
    # A component in the published decoding may be of any length; a few cells are enough in practice.
    margin = peak_margin(r1) if settings.centres == "peaks" else round(6 * r1)
    return margin if settings.views == 1 else max(margin, ceil(r1) + 1)


def _of_views(views: npt.NDArray[np.float32], found: Peaks, r1: float) -> dict[str, FloatArray]:
    """Return the attribute :data:`DISAGREEMENT` of centres for maps (V, K, Y, X), none for one view."""
    if len(views) == 1:
        return {}
    return {DISAGREEMENT: disagreements(views, found.places, found.channels, r1).round(3)}


def _in_order(masks: Masks, ids: npt.NDArray[np.int64]) -> Masks:
    """Return masks in the order of these ids, others last: files hold what is in one order as one cell."""
    place = {one: i for i, one in enumerate(ids.tolist())}
    return masks.take(np.argsort([place.get(one, len(ids)) for one in masks.ids.tolist()], kind="stable"))


class DetectionModel:
    """Finds cell centres; works at its own scale and with its own intensities. See :class:`Model`."""

    method = "partial-points"

    def __init__(self, description: Description, net: nn.Module, device: Device) -> None:
        self.description = description
        self.classes = description.classes
        # as it was trained, in memory too: another order of sums would round otherwise
        self.net: nn.Module = net.to(  # type: ignore[call-overload]
            device.torch_device, memory_format=torch.channels_last
        ).eval()
        self.device = device

    @property
    def draws_outlines(self) -> bool:
        """Whether it tells outlines, too."""
        return self.description.heads != "centres"

    def predict(self, image: Image, only: Iterable[Window] | None = None) -> Predictions:
        """Return suggestions for a plane of any size; see :meth:`predicting`."""
        return finish(self.predicting(image, only))

    def predicting_beside(self, image: Image, hints: HintSet) -> Pieces[Predictions]:
        """Do the work of :meth:`predict` on a plane that a person marked; see :class:`HintedModel`."""
        return self.predicting(image, hints=hints)

    def predicting(
        self, image: Image, only: Iterable[Window] | None = None, hints: HintSet | None = None
    ) -> Pieces[Predictions]:
        """Do the work of :meth:`predict` in pieces of a fraction of a second.

        A point and a mask of one cell have the same id.

        Parameters
        ----------
        image : Image
            The plane.
        only : iterable of Window, optional
            Leave out what touches none of these windows of the working image.
        hints : HintSet, optional
            What a person marked on the plane. Only masks heed it: each cell that is marked has one, unless
            the person drew it; and no click on background, nor a pixel of what was drawn, lies in one.

        Raises
        ------
        ImageError
            If the image has other channels than the training images had.
        """
        about, settings = self.description, self.description.settings
        working, r1 = self._working(image), about.radius * about.scale
        margin, classes = _margin(settings, r1), len(self.classes)
        lowest = LOWEST * about.threshold if settings.centres == "peaks" else about.threshold
        outliner = None
        if self.draws_outlines:
            outliner = Outliner(working, settings, self.classes, r1, hints or HintSet())
            margin += outliner.margin
        points, masks = [Points()], [Masks()]
        for tile, window, work in self._tiles(working, margin, only):
            maps, views = yield from work
            found = find_centres(maps[:classes], r1, settings, lowest)
            yield
            places = found.places + np.array([window.top, window.left])
            suggested = self._suggested(found, working.to_image(places), views, r1)
            points.append(suggested.take(tile.holds(places)))
            if outliner is not None:
                masks.append((yield from outliner.masks(maps[classes:], tile, window, suggested)))
        centres = Points.concatenate(points)
        outlines = _in_order(Masks.concatenate(masks), centres.ids)
        return Predictions(centres, radius=about.radius, masks=outlines)

    def outlining(
        self,
        image: Image,
        centres: Points,
        only: Iterable[Window] | None = None,
        hints: HintSet | None = None,
    ) -> Pieces[Masks]:
        """Return the masks of cells that another model has found, in pieces of a fraction of a second.

        ``centres`` are in pixels of the image, and each mask has the id, class and score of its own; for the
        rest see :meth:`predicting`. It is for models that draw outlines.
        """
        about, settings = self.description, self.description.settings
        working, r1 = self._working(image), about.radius * about.scale
        outliner = Outliner(working, settings, self.classes, r1, hints or HintSet())
        places, masks = working.to_working(centres.coordinates), [Masks()]
        for tile, window, work in self._tiles(working, outliner.margin, only):
            maps, _ = yield from work
            there = centres.take(window.holds(places))
            masks.append((yield from outliner.masks(maps[len(self.classes) :], tile, window, there)))
        return _in_order(Masks.concatenate(masks), centres.ids)

    def _working(self, image: Image) -> WorkingImage:
        """Return an image as the network sees it; raises ImageError if it has other channels."""
        about = self.description
        about.intensity.check(image)
        return WorkingImage(image, about.scale, about.intensity)

    def _tiles(
        self, working: WorkingImage, margin: int, only: Iterable[Window] | None
    ) -> Iterator[tuple[Window, Window, Pieces[Answer]]]:
        """Return tiles, each with a window that is wider by a margin, and the work of predicting that."""
        views = self.description.settings.views
        return predict_tiles(
            self._predictor,
            working,
            self.device,
            margin=margin,
            views=views,
            apart=len(self.classes) if views > 1 else 0,
            only=None if only is None else tuple(only),
        )

    def _suggested(
        self, found: Peaks, coordinates: FloatArray, views: npt.NDArray[np.float32], r1: float
    ) -> Points:
        """Return centres found in maps (V, K, Y, X) of the views as suggestions, with new ids."""
        return Points(
            coordinates,
            classes=np.array(self.classes, dtype=object)[found.channels],
            sources="model",
            scores=calibrated(found.heights, self.description.threshold),
            ids=new_ids(len(coordinates)),
            attributes=_of_views(views, found, r1),
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
        net = build_network(about.settings, about.intensity.channels, len(about.classes), about.heads)
        load_weights(folder, net)
        return cls(about, net, resolve_device(device))
