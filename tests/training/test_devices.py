from __future__ import annotations

import types

import pytest
import torch

from napari_inkling.core import DeviceError
from napari_inkling.training.devices import Device, resolve_device


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_without_a_gpu_it_is_the_cpu(no_gpu, name):
    device = resolve_device(name)
    assert device.torch_device == torch.device("cpu")
    assert device.dtype in (torch.float32, torch.bfloat16)
    threads = torch.get_num_threads()
    assert str(device) == f"CPU, {threads} thread{'s' * (threads != 1)}, {str(device.dtype)[6:]}"


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:3"])
def test_cuda_without_a_gpu(no_gpu, name):
    with pytest.raises(DeviceError, match=f"device '{name}' was asked for, but torch sees no CUDA GPU"):
        resolve_device(name)


def test_mps_on_no_mac(no_gpu):
    with pytest.raises(DeviceError, match="'mps' was asked for"):
        resolve_device("mps")


@pytest.mark.parametrize("name", ["gpu", "", "CUDA", "tpu:0", "auto:1", "cpu:x"])
def test_unknown_names(no_gpu, name):
    with pytest.raises(DeviceError, match=f"unknown device '{name}'"):
        resolve_device(name)


@pytest.mark.parametrize(
    ("name", "message"), [("cuda:2", "only 2 GPUs"), ("cuda:x", "unknown device 'cuda:x'")]
)
def test_gpus_are_counted(monkeypatch, name, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(DeviceError, match=message):
        resolve_device(name)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_networks_run_in_the_precision_of_the_device(dtype):
    device = Device(torch.device("cpu"), dtype)
    with device.autocast(), torch.inference_mode():
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == dtype


@pytest.mark.parametrize(
    ("capabilities", "dtype"),
    [
        ({}, torch.float32),
        ({"avx512_f": True, "avx512_bf16": False}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"architecture": "aarch64", "bf16": True}, torch.float32),
    ],
)
def test_the_cpu_says_which_precision(monkeypatch, capabilities, dtype):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert resolve_device("cpu").dtype == dtype


@pytest.mark.parametrize(("supported", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_an_older_torch_is_asked_in_its_own_way(monkeypatch, supported, dtype):
    older = types.SimpleNamespace(_is_avx512_bf16_supported=lambda: supported)
    monkeypatch.setattr(torch, "cpu", older)
    assert resolve_device("cpu").dtype == dtype


def test_choosing_a_device_leaves_the_threads_alone():
    before = torch.get_num_threads()
    try:
        for threads, words in ((1, "CPU, 1 thread, "), (3, "CPU, 3 threads, ")):
            torch.set_num_threads(threads)
            assert str(resolve_device("cpu")).startswith(words)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
