from __future__ import annotations

import pickle
import stat

import pytest
import torch
from pydantic import BaseModel
from torch import nn

from napari_inkling.core import ModelFileError
from napari_inkling.training.checkpoints import (
    DESCRIPTION,
    WEIGHTS,
    load_description,
    load_weights,
    save_model_files,
)


class About(BaseModel):
    name: str
    size: int = 1


def net(width: int = 3) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width))


@pytest.fixture
def folder(tmp_path):
    model = net().to(memory_format=torch.channels_last)
    save_model_files(tmp_path / "made" / "model", About(name="drawn"), model.state_dict())
    return tmp_path / "made" / "model"


def test_round_trip(tmp_path):
    one, other = net(), net()
    save_model_files(tmp_path, About(name="drawn", size=4), one.state_dict())
    assert load_description(tmp_path, About) == About(name="drawn", size=4)
    load_weights(tmp_path, other)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values()))  # noqa: B905


def test_whoever_reads_the_description_reads_the_weights(folder):
    modes = {stat.S_IMODE((folder / name).stat().st_mode) for name in (DESCRIPTION, WEIGHTS)}
    assert len(modes) == 1


DESCRIPTIONS = {
    "missing": (None, "is no model folder: model.json cannot be read"),
    "empty": (b"", "is no model folder"),
    "cut off": (b'{"name": "dra', "is no model folder"),
    "no text": (b"\xff\xfe\x00", "is no model folder"),
    "a list": (b"[1, 2]", "is not a model of this program"),
    "foreign": (b'{"architecture": "yolo"}', "is not a model of this program: name: Field required"),
    "of another type": (b'{"name": "a", "size": "large"}', "is not a model of this program: size: "),
}


@pytest.mark.parametrize(("content", "message"), DESCRIPTIONS.values(), ids=DESCRIPTIONS.keys())
def test_descriptions_that_are_refused(folder, content, message):
    (folder / DESCRIPTION).unlink()
    if content is not None:
        (folder / DESCRIPTION).write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        load_description(folder, About)


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("the pickle ran",)


WEIGHT_FILES = {
    "empty": lambda good: b"",
    "cut off": lambda good: good[: len(good) // 2],
    "a pickle": lambda good: pickle.dumps(Bomb()),
    "text": lambda good: b"weights" * 100,
}


@pytest.mark.parametrize("spoil", WEIGHT_FILES.values(), ids=WEIGHT_FILES.keys())
def test_weights_that_are_damaged(folder, spoil):
    path = folder / WEIGHTS
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ModelFileError, match="damaged or no safetensors file"):
        load_weights(folder, net())


def test_a_pickle_is_named_and_not_opened(folder):
    (folder / WEIGHTS).unlink()
    (folder / "model.pt").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ModelFileError, match=r"model\.pt is not opened, as a pickle can run any code"):
        load_weights(folder, net())


def test_weights_that_are_missing(folder):
    (folder / WEIGHTS).unlink()
    with pytest.raises(ModelFileError, match=r"has no model\.safetensors$"):
        load_weights(folder, net())


def test_weights_of_another_network(folder):
    with pytest.raises(ModelFileError, match="does not belong to the network"):
        load_weights(folder, net(width=5))
