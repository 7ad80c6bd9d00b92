"""Which device to use, and in which precision."""

from __future__ import annotations

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
            threads = torch.get_num_threads()
            return f"CPU, {threads} thread{'s' * (threads != 1)}, {precision}"
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
        return Device(device, torch.bfloat16 if _cpu_has_bfloat16() else torch.float32)
    if kind == "cuda":
        return Device(device, torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32)
    return Device(device, torch.float32)


def _cpu_has_bfloat16() -> bool:
    """Whether this CPU says that it computes in bfloat16; a timing would not always agree with itself."""
    if not hasattr(torch.cpu, "get_capabilities"):  # an older torch
        return bool(torch.cpu._is_avx512_bf16_supported())
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
