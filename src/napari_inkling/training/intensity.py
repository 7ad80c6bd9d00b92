"""Pixels to network inputs: a range per channel, learnt from the training images and kept in the model.

Stain and exposure differ from image to image, so that each may have a range of its own. That stays near those
of the training images, so that an image without cells stays empty.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from napari_inkling.core import Image, ImageError
from napari_inkling.training.pieces import Pieces, finish

__all__ = ["Intensity", "sample_pixels"]

#: How far an image's own range may lie from that of all: its mean, in deviations; its deviation, as a factor.
FARTHEST_MEAN, FARTHEST_DEVIATION = 1.5, 2.0
#: How many times smaller than that of any training image its deviation may be. Empty squares of phase
#: contrast images have a sixth to a third of it.
FAINTER = 1.4
#: Of more pixels than this, one in so many tells an image's range well enough (few patterns repeat every 5).
MANY, EVERY = 100_000, 5


class Intensity(BaseModel):
    """Mean and standard deviation of each channel over the training images, in their own grey values.

    ``own``: whether each image is seen in the range that :meth:`of_image` returns instead. ``least`` is the
    smallest deviation of the images that it was estimated from, which a training that goes on keeps; empty in
    the models of earlier versions, which did not know it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    own: bool = False
    least: tuple[float, ...] = ()

    @property
    def channels(self) -> int:
        """How many channels a model with this range takes."""
        return len(self.mean)

    @classmethod
    def of(cls, images: Iterable[Image], own: bool = False) -> Intensity:
        """Estimate from at most about a million pixels of each image; see :meth:`estimating`."""
        return finish(cls.estimating(images, own))

    @classmethod
    def estimating(cls, images: Iterable[Image], own: bool = False) -> Pieces[Intensity]:
        """Do the work of :meth:`of`, with a pause after each image.

        Raises
        ------
        ImageError
            If the images differ in their number of channels, or hold no finite pixel at all.
        """
        means, deviations = [], []
        channels: int | None = None
        for image in images:
            count = working_channels(image)
            if channels not in (None, count):
                raise ImageError(
                    f"{image.ref} has {_counted(count)}, but the others have {channels}: "
                    "images of one training need the same channels"
                )
            channels = count
            of_one = _mean_and_deviation(sample_pixels(image))
            means.append(of_one[0])
            deviations.append(of_one[1])
            yield
        mean, deviation = np.mean(means, axis=0), np.mean(deviations, axis=0)
        return cls(
            mean=tuple(mean.tolist()),
            deviation=tuple(np.where(deviation > 1e-12, deviation, 1).tolist()),
            own=own,
            least=tuple(np.min(deviations, axis=0).tolist()),
        )

    def of_image(self, image: Image) -> Intensity:
        """Return the range in which to see an image: its own where ``own``, as far as that is near this one.

        Its mean is at most :data:`FARTHEST_MEAN` of these deviations away, its deviation at most
        :data:`FARTHEST_DEVIATION` times larger or smaller, and at most :data:`FAINTER` times smaller than the
        least of a training image: fainter ones have hardly any cells, and their noise shall look like noise.
        """
        if not self.own:
            return self
        mean, deviation = (np.asarray(values) for values in (self.mean, self.deviation))
        own_mean, own_deviation = _mean_and_deviation(sample_pixels(image))
        off = FARTHEST_MEAN * deviation
        faintest = deviation / FARTHEST_DEVIATION
        if self.least:
            faintest = np.maximum(faintest, np.asarray(self.least) / FAINTER)
        return Intensity(
            mean=tuple(np.clip(own_mean, mean - off, mean + off).tolist()),
            deviation=tuple(np.clip(own_deviation, faintest, deviation * FARTHEST_DEVIATION).tolist()),
        )

    def apply(self, pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        """Return float32 pixels of mean 0 and deviation 1; alpha is dropped, NaN becomes the mean."""
        values = pixels[..., : self.channels].astype(np.float32)
        values -= np.asarray(self.mean, np.float32)
        values /= np.asarray(self.deviation, np.float32)
        if not np.issubdtype(pixels.dtype, np.integer):
            np.nan_to_num(values, copy=False, posinf=0, neginf=0)
        return values

    def fits(self, image: Image) -> bool:
        """Whether ``image`` has the channels that the model was trained on."""
        return working_channels(image) == self.channels

    def check(self, image: Image) -> None:
        """Raise :class:`ImageError` if ``image`` has other channels than the model was trained on."""
        if not self.fits(image):
            raise ImageError(
                f"{image.ref} has {_counted(working_channels(image))}, "
                f"but the model was trained on {self.channels}"
            )


def _mean_and_deviation(
    pixels: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return both for each channel of pixels (N, C), over what is not NaN; 0 where all is."""
    if len(pixels) > MANY:
        pixels = pixels[::EVERY]
    known = ~np.isnan(pixels)
    if known.all():
        return pixels.mean(axis=0), pixels.std(axis=0)
    pixels = np.where(known.any(axis=0), pixels, 0)
    return np.nanmean(pixels, axis=0), np.nanstd(pixels, axis=0)


def _counted(channels: int) -> str:
    return "1 channel" if channels == 1 else f"{channels} channels"


def working_channels(image: Image) -> int:
    """Return how many channels a network sees: all but the alpha of an 8-bit RGBA picture."""
    is_rgba = image.channels == 4 and np.dtype(image.array.dtype) == np.uint8
    return 3 if is_rgba else image.channels


def sample_pixels(image: Image, most: int = 2**20) -> npt.NDArray[np.float64]:
    """Return about ``most`` pixels (N, C), from a grid of windows; NaN where not finite."""
    side = 256
    down, across = -(-image.height // side), -(-image.width // side)
    wanted = max(1, most // side**2)
    stride = max(1, round((down * across / wanted) ** 0.5))
    parts = [
        image.read(slice(y * side, (y + 1) * side), slice(x * side, (x + 1) * side)).reshape(
            -1, image.channels
        )
        for y in range(0, down, stride)
        for x in range(0, across, stride)
    ]
    pixels = np.concatenate(parts)[:, : working_channels(image)].astype(np.float64)
    if np.issubdtype(image.array.dtype, np.integer):
        return pixels
    pixels[~np.isfinite(pixels)] = np.nan
    if np.isnan(pixels).all():
        raise ImageError(f"{image.ref} has no finite pixel value")
    return pixels
