"""The channels of an image one by one, so that napari can show each in a colour of its own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ChannelArray", "channels_of"]


class ChannelArray:
    """One channel of an array (…, Y, X, C), read only where it is looked at."""

    def __init__(self, array: Any, channel: int) -> None:
        self._array = array
        self._channel = channel
        self.shape = tuple(array.shape[:-1])
        self.dtype = np.dtype(array.dtype)
        self.ndim = len(self.shape)
        self.size = math.prod(self.shape)

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        keys = key if isinstance(key, tuple) else (key,)
        missing = self.ndim - sum(k is not Ellipsis for k in keys)
        if not any(k is Ellipsis for k in keys):
            keys = (*keys, *[slice(None)] * missing)
        return np.asarray(self._array[(*keys, self._channel)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self[...], dtype=dtype)


def channels_of(array: Any) -> list[ChannelArray]:
    """Return the channels of an array (…, Y, X, C) one by one."""
    return [ChannelArray(array, channel) for channel in range(array.shape[-1])]
