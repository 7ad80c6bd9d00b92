"""Model files: ``model.json`` for a person and ``model.safetensors`` for the weights. Never a pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from napari_inkling.core import ModelFileError

__all__ = ["DESCRIPTION", "WEIGHTS", "load_description", "load_weights", "save_model_files"]

DESCRIPTION = "model.json"
WEIGHTS = "model.safetensors"

D = TypeVar("D", bound=BaseModel)


def save_model_files(folder: Path, description: BaseModel, weights: dict[str, torch.Tensor]) -> None:
    """Write both files into ``folder``, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    (folder / WEIGHTS).write_bytes(save(tensors))  # save_file would let no one else read it
    (folder / DESCRIPTION).write_text(description.model_dump_json(indent=2), encoding="utf-8")


def load_description(folder: Path, kind: type[D]) -> D:
    """Read ``model.json``.

    Raises
    ------
    ModelFileError
        If it is missing or damaged, or describes something else.
    """
    path = folder / DESCRIPTION
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        return kind.model_validate(content)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelFileError(
            f"{folder} is no model folder: {DESCRIPTION} cannot be read ({error})"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ModelFileError(f"{path} is not a model of this program: {where}: {first['msg']}") from error


def load_weights(folder: Path, into: torch.nn.Module) -> None:
    """Read ``model.safetensors`` into a network.

    Raises
    ------
    ModelFileError
        If it is missing, damaged, a pickle, or belongs to another network.
    """
    path = folder / WEIGHTS
    try:
        into.load_state_dict(load_file(path))
    except FileNotFoundError as error:
        pickles = [p.name for p in folder.glob("*") if p.suffix in (".pt", ".pth", ".pkl", ".ckpt")]
        hint = f"; {pickles[0]} is not opened, as a pickle can run any code" if pickles else ""
        raise ModelFileError(f"{folder} has no {WEIGHTS}{hint}") from error
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{path} is damaged or no safetensors file ({error})") from error
    except RuntimeError as error:
        raise ModelFileError(
            f"{path} does not belong to the network that {DESCRIPTION} names ({error})"
        ) from error
