"""What a command tells: results on stdout, notes and progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import Annotated, Any

import typer

__all__ = [
    "FORMAT_NAMES",
    "AsJson",
    "ShowProgress",
    "StoppedError",
    "note",
    "notes",
    "plural",
    "result",
]

#: The formats of annotations; a test keeps it complete (their registry is slow to import).
FORMAT_NAMES = "coco, geojson, masks, masks-png, ome-zarr-labels, points-csv, voc or yolo"
#: The options that many commands share.
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else.")]
ShowProgress = Annotated[
    bool | None,
    typer.Option(
        "--progress/--no-progress",
        help="Progress bar on stderr; by default a bar on a terminal, elsewhere a line now and then.",
    ),
]


class StoppedError(Exception):
    """The person pressed Ctrl-C; the message says what is left."""


def result(values: Mapping[str, Any], text: str, as_json: bool) -> None:
    """Print the outcome of a command: ``values`` as JSON, or ``text``."""
    typer.echo(json.dumps(values, indent=2, allow_nan=False) if as_json else text)


def note(text: str) -> None:
    """Tell something beside the outcome, in one line on stderr, above the bar if there is one."""
    bars = sys.modules.get("tqdm")
    with bars.tqdm.external_write_mode(sys.stderr) if bars else nullcontext():
        typer.echo(f"inkling: {' '.join(text.split())}", err=True)


def notes(texts: Iterable[str]) -> None:
    """Tell several things."""
    for text in texts:
        note(text)


def plural(count: int, noun: str, nouns: str = "") -> str:
    """Return "1 image", "1,200 images"."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"
