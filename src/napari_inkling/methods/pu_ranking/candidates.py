"""The unmarked places of all fields, how much they look like cells, and which are chosen."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
import torch

from napari_inkling.core import Step
from napari_inkling.methods.pu_ranking.patches import patch_features
from napari_inkling.methods.pu_ranking.task import Task
from napari_inkling.networks.small_unet import SmallUNet
from napari_inkling.supervision.class_prior import ClassPrior, estimate_class_prior
from napari_inkling.supervision.click_threshold import FEWEST_CLICKS
from napari_inkling.supervision.pseudo_labels import PseudoLabels, select_pseudo_labels
from napari_inkling.training.devices import Device
from napari_inkling.training.peaks import class_peaks, distances
from napari_inkling.training.pieces import Pieces, aside, told
from napari_inkling.training.point_fields import TrainingField

__all__ = ["Candidates", "Chosen", "choose", "fair_sample", "find"]

FloatArray = npt.NDArray[np.float64]
FloatImage = npt.NDArray[np.float32]

STAGE = "looking at the unmarked places"
#: Lower peaks are not looked at.
LOWEST_PEAK = 0.02


@dataclass(frozen=True, eq=False)
class Candidates:
    """Unmarked places, peaks first within each field: M of them, and N marked cells.

    Attributes
    ----------
    field : ndarray
        (M,) the number of the field.
    places : ndarray
        (M, 2) in working pixels from the field's corner.
    channels : ndarray
        (M,) the class that each would have as a cell.
    is_peak : ndarray
        (M,) whether there is a peak; other places are there to become background.
    features, marked : ndarray
        (M, F) of these places, (N, F) of the marked cells.
    unprompted : ndarray
        (N,) which of these were marked before anything was proposed.
    """

    field: npt.NDArray[np.int64]
    places: FloatArray
    channels: npt.NDArray[np.int64]
    is_peak: npt.NDArray[np.bool_]
    features: FloatImage
    marked: FloatImage
    unprompted: npt.NDArray[np.bool_]

    def of(self, number: int, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return those of ``chosen`` that lie in a field."""
        here: npt.NDArray[np.int64] = chosen[self.field[chosen] == number]
        return here


@dataclass(frozen=True, eq=False)
class Chosen:
    """What a round goes on with: the pseudo-labels, and the class prior they were counted by, if any.

    ``cells`` is how many there are on all fields by the middle of that prior's interval, marked or not, and
    ``at_most`` how many by its upper end.
    """

    labels: PseudoLabels
    prior: ClassPrior | None = None
    cells: int = 0
    at_most: int = 0


def find(task: Task) -> Generator[Step, None, Candidates]:
    """Look at all fields with the averaged network: peaks, some empty places, and features of each."""
    every = []
    for number in range(len(task.fields)):
        every.append((yield from _in_field(task, number)))
    columns = zip(*(vars(own).values() for own in every), strict=True)
    found = Candidates(*(np.concatenate(column) for column in columns))
    if task.settings.features == "patches":
        return (yield from patch_features(task, found))
    return found


def _in_field(task: Task, number: int) -> Generator[Step, None, Candidates]:
    part, settings, step = task.fields[number], task.settings, task.at_work(STAGE)
    yield step
    maps, levels = _look(task.learner.averaged, part, task.device)  # type: ignore[arg-type]
    yield step
    peaks = class_peaks(maps, part.r1, LOWEST_PEAK)
    free = _unknown(part, peaks.places)
    count = int(free.sum())
    empty = _empty_places(part, peaks.places, round(settings.empty_places * count), task.random)
    places = np.concatenate([peaks.places[free], empty])
    features = yield from told(_features(levels, np.concatenate([places, part.field.marked]), part.r1), step)
    return Candidates(
        field=np.full(len(places), number),
        places=places,
        channels=np.append(peaks.channels[free], np.zeros(len(empty), np.int64)),
        is_peak=np.arange(len(places)) < count,
        features=features[: len(places)],
        marked=features[len(places) :],
        unprompted=part.unprompted,
    )


def _look(net: SmallUNet, part: TrainingField, device: Device) -> tuple[FloatImage, list[FloatImage]]:
    """Return the maps of a field (K, Y, X), and its features level by level, each (·, y, x)."""
    height, width = part.shape
    padded = np.pad(part.field.pixels, ((0, 0), (0, -height % net.stride), (0, -width % net.stride)), "edge")
    images = torch.from_numpy(padded)[None].to(device.torch_device)
    net.eval()
    with torch.inference_mode(), device.autocast():
        levels = net.levels(images.contiguous(memory_format=torch.channels_last))
        maps = net.head(levels[-1]).float().sigmoid()[0, :, :height, :width]
    return maps.cpu().numpy(), [level[0].float().cpu().numpy() for level in levels]


def _unknown(part: TrainingField, places: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which places (N, 2) lie where nothing is marked, and somebody would have marked; (N,)."""
    known = np.concatenate([part.cells, part.background])
    return (distances(places, known) >= part.r1) & ~part.is_unlabelled(places)


def _empty_places(
    part: TrainingField, peaks: FloatArray, count: int, random: np.random.Generator
) -> FloatArray:
    """Return at most so many random places (N, 2) further than r1 from all peaks and marks."""
    drawn = random.uniform(0, 1, (4 * count, 2)) * np.array(part.shape) - 0.5
    far = (distances(drawn, peaks) >= part.r1) & _unknown(part, drawn)
    empty: FloatArray = drawn[far][:count]
    return empty


def _features(levels: list[FloatImage], places: FloatArray, r1: float) -> Pieces[FloatImage]:
    """Return what each level shows at places (N, 2), and its mean in a square of ±r1 around them; (N, F)."""
    columns, full = [], levels[-1].shape[-1]
    for level in levels:
        scale = level.shape[-1] / full
        reach = max(1, round(r1 * scale))
        limits = np.array(level.shape[1:])[:, np.newaxis] - 1
        middle = np.floor((places.T + 0.5) * scale).astype(int)
        total = np.zeros((len(level), len(places)), np.float32)
        for offset in product(range(-reach, reach + 1), repeat=2):
            y, x = np.clip(middle + np.reshape(offset, (2, 1)), 0, limits)
            total += level[:, y, x]
        y, x = np.clip(middle, 0, limits)
        columns += [level[:, y, x].T, total.T / (2 * reach + 1) ** 2]
        yield
    return np.concatenate(columns, axis=1)


def fair_sample(unprompted: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which marked cells are a sample of all, (N,): those that nobody proposed.

    While there are fewer than :data:`~.click_threshold.FEWEST_CLICKS` of these, all count.
    """
    return unprompted if unprompted.sum() >= FEWEST_CLICKS else np.ones(len(unprompted), bool)


def choose(task: Task, found: Candidates) -> Generator[Step, None, Chosen]:
    """Choose pseudo-cells and pseudo-background by P-classification, Eq. 2."""
    prior = None
    if task.settings.choice == "curriculum":
        prior = yield from _prior(task, found)
    alpha, beta = _shares(task, found, prior)
    work = aside(
        lambda: select_pseudo_labels(
            found.marked,
            found.features,
            task.random,
            alpha=alpha,
            beta=beta,
            p=task.settings.p,
            penalty=task.settings.penalty,
            struck_cells=~found.is_peak,
        )
    )
    labels = yield from told(work, task.at_work(STAGE))
    if prior is None:
        return Chosen(labels)
    marked, peaks = len(found.marked), int(found.is_peak.sum())
    return Chosen(labels, prior, marked + round(prior.middle * peaks), marked + round(prior.high * peaks))


def _prior(task: Task, found: Candidates) -> Generator[Step, None, ClassPrior]:
    """Return the share of cells among the unmarked peaks."""
    if (share := task.settings.prior) is not None:
        return ClassPrior(share, share, share)
    marked, peaks = found.marked[fair_sample(found.unprompted)], found.features[found.is_peak]
    work = aside(lambda: estimate_class_prior(marked, peaks, task.random))
    return (yield from told(work, task.at_work(STAGE)))


def _shares(task: Task, found: Candidates, prior: ClassPrior | None) -> tuple[float, float]:
    """Return α and β, the shares of all candidates that are to become cells and background.

    On the curriculum they are a growing part of the cells and of the background that there are at least, by
    the lower and the upper end of the prior's interval: confidence first. The marked cells vouch for as many
    others, as far as the estimate allows.
    """
    settings = task.settings
    if prior is None:
        return settings.alpha, settings.beta
    first, last = settings.first_chosen, settings.last_chosen
    part = last if settings.rounds < 2 else first + (last - first) * (task.round - 1) / (settings.rounds - 1)
    count, peaks = max(1, len(found.is_peak)), int(found.is_peak.sum())
    cells = max(prior.low * peaks, min(prior.estimate * peaks, len(found.marked)))
    alpha = part * cells / count if round(part * cells) else 0.0
    beta = part * (count - prior.high * peaks) / count
    return alpha, min(beta, 1 - alpha)  # both may be rounded up
