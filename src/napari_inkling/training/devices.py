"""Which device to use, and in which precision."""

from __future__ import annotations

import functools
import os
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from napari_inkling.core import DeviceError

__all__ = ["Device", "resolve_device"]


@dataclass(frozen=True)
class Device:
    """A torch device and the precision in which convolutions run fastest on it."""

    torch_device: torch.device
    dtype: torch.dtype

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which networks run, forwards."""
        kind = self.torch_device.type
        return torch.autocast(kind, self.dtype, enabled=self.dtype != torch.float32)

    def __str__(self) -> str:
        precision = str(self.dtype).removeprefix("torch.")
        if self.torch_device.type == "cpu":
            return f"CPU, {torch.get_num_threads()} threads, {precision}"
        if self.torch_device.type == "cuda":
            return f"GPU {torch.cuda.get_device_name(self.torch_device)}, {precision}"
        return f"GPU (Apple), {precision}"


def resolve_device(name: str = "auto") -> Device:
    """Return the device of this name: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    Raises
    ------
    DeviceError
        If it is not there, or the name is none of these.
    """
    kind = name.partition(":")[0]
    if name not in ("auto", "cpu", "mps") and kind != "cuda":
        raise DeviceError(f"unknown device {name!r}: expected auto, cpu, cuda, cuda:N or mps")
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if kind == "auto":
        name = kind = "cuda" if has_cuda else "mps" if has_mps else "cpu"
    if kind == "cuda" and not has_cuda:
        raise DeviceError(f"device {name!r} was asked for, but torch sees no CUDA GPU here: use auto or cpu")
    if kind == "mps" and not has_mps:
        raise DeviceError("device 'mps' was asked for, but this is no Mac with a Metal GPU: use auto or cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"unknown device {name!r}: expected cuda:N with a number N") from error
    if kind == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"device {name!r} was asked for, but there are only {torch.cuda.device_count()} GPUs"
        )
    if kind == "cpu":
        torch.set_num_threads(
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        )
        return Device(device, torch.bfloat16 if _bfloat16_pays() else torch.float32)
    if kind == "cuda":
        return Device(device, torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32)
    return Device(device, torch.float32)


@functools.cache
def _bfloat16_pays() -> bool:
    """Whether convolutions are faster in bfloat16 on this CPU: it says so, or a short measurement does."""
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"):
        return True
    images = torch.rand(4, 16, 96, 96).contiguous(memory_format=torch.channels_last)
    convolution = torch.nn.Conv2d(16, 16, 3, padding=1).to(memory_format=torch.channels_last)

    def seconds(dtype: torch.dtype) -> float:
        best = float("inf")
        for _ in range(10):
            start = time.perf_counter()
            with torch.inference_mode(), torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                convolution(images)
            best = min(best, time.perf_counter() - start)
        return best

    return seconds(torch.bfloat16) < seconds(torch.float32)
