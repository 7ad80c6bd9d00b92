"""What the benchmarks share: the data, the machine in words, and where results go. Measures nothing."""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from napari_inkling.core import HintSet

__all__ = [
    "RESULTS",
    "ROOT",
    "DataSet",
    "arguments",
    "by_case",
    "commit",
    "end_phase",
    "find_data",
    "in_a_process",
    "kept_result",
    "load_data",
    "percentiles",
    "say",
    "skip",
    "spread",
    "until",
    "write_result",
]

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = ("napari-inkling", "numpy", "scipy", "scikit-image", "scikit-learn", "torch", "napari", "zarr")
_BEGAN = time.monotonic()
_LOAD_BEFORE = os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def say(text: str) -> None:
    """Tell how it goes, on stderr: stdout is for the result."""
    print(f"[{time.monotonic() - _BEGAN:7.1f} s] {text}", file=sys.stderr, flush=True)


def skip(reason: str) -> NoReturn:
    """End without a figure, and say why; a benchmark that cannot be run here is no failure."""
    print(f"skipped: {reason}", file=sys.stderr)
    print(json.dumps({"skipped": reason}))
    raise SystemExit(0)


# -- data


@dataclass(frozen=True)
class DataSet:
    """Images of one split with instance masks: file, shape, and every cell as a point and a box."""

    files: Mapping[str, Path]
    shapes: Mapping[str, tuple[int, int]]
    truth: Mapping[str, HintSet]

    def pixels(self, name: str) -> npt.NDArray[np.uint8]:
        """Return an image, (Y, X, 3)."""
        from PIL import Image as Picture

        with Picture.open(self.files[name]) as picture:
            return np.asarray(picture.convert("RGB"))

    def only(self, names: Collection[str]) -> DataSet:
        """Return these images alone."""
        return DataSet(
            {name: self.files[name] for name in names},
            {name: self.shapes[name] for name in names},
            {name: self.truth[name] for name in names},
        )


def find_data(name: str, part: str = "labels") -> Path | None:
    """Return the folder of a data set that has this subfolder.

    It is looked for in ``INKLING_DATA``, and in ``shared/data`` in the project and beside it.
    """
    given = os.environ.get("INKLING_DATA")
    places = [Path(given)] if given else [ROOT / "shared" / "data", ROOT.parent / "shared" / "data"]
    return next((place / name for place in places if (place / name / part).is_dir()), None)


def load_data(name: str, split: str, most: int | None = None) -> DataSet:
    """Return a split ("train", "val") of a data set; skips the benchmark where the data are absent."""
    from PIL import Image as Picture

    from napari_inkling.project.formats import read_annotations

    folder = find_data(name)
    if folder is None:
        skip(f"the data set {name!r} is not in ../shared/data, nor in the folder that INKLING_DATA names")
    with (folder / "index.csv").open(newline="", encoding="utf-8") as file:
        wanted = sorted(row["image"] for row in csv.DictReader(file) if row["split"] == split)[:most]
    files = {path.stem: path for path in sorted((folder / "images").iterdir()) if path.stem in wanted}
    shapes: dict[str, tuple[int, int]] = {}
    for stem, path in files.items():
        with Picture.open(path) as picture:
            shapes[stem] = (picture.height, picture.width)
    truth = read_annotations(folder / "labels", "masks", shapes).hints
    return DataSet(files, shapes, {stem: truth[stem] for stem in files})


# -- figures


def spread(values: Iterable[float | None]) -> dict[str, Any] | None:
    """Return mean and range of what was measured, ``None`` if nothing was."""
    known = [float(v) for v in values if v is not None]
    if not known:
        return None
    return {"mean": float(np.mean(known)), "min": min(known), "max": max(known), "n": len(known)}


def by_case(runs: Iterable[Mapping[str, Any]]) -> list[tuple[dict[str, Any], list[Mapping[str, Any]]]]:
    """Return runs that differ by seed alone together, and what they have in common."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for run in runs:
        about = {key: run[key] for key in ("arm", "preset", "fraction", "settings")}
        groups.setdefault(json.dumps(about), []).append(run)
    return [(json.loads(about), members) for about, members in groups.items()]


def percentiles(values: npt.ArrayLike) -> dict[str, Any]:
    """Return median, 99th percentile and maximum."""
    known = np.asarray(values, float)
    if not len(known):
        return {"p50": None, "p99": None, "max": None, "n": 0}
    p50, p99 = np.percentile(known, [50, 99])
    return {"p50": float(p50), "p99": float(p99), "max": float(known.max()), "n": len(known)}


def until(condition: Callable[[], Any], seconds: float, pause: float = 0.005) -> bool:
    """Wait until the condition holds; returns whether it does."""
    end = time.monotonic() + seconds
    while not (done := condition()) and time.monotonic() < end:
        time.sleep(pause)
    return bool(done)


# -- phases in a process each


def in_a_process(script: str, phase: str, values: Iterable[object], seconds: float) -> dict[str, Any]:
    """Run one phase of a benchmark in a process, with a home and napari settings, of its own.

    The script is called as ``--phase PHASE VALUE …`` and ends by :func:`end_phase`. Returns its figures, or
    under "error" why there are none after so many seconds.
    """
    say(f"{phase} …")
    with tempfile.TemporaryDirectory() as home:
        own = {"NAPARI_CONFIG": str(Path(home) / "napari.yaml"), "INKLING_HOME": home}
        try:
            done = subprocess.run(
                [sys.executable, script, "--phase", phase, *map(str, values)],
                env={**os.environ, **own},
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            return {"error": "the viewer did not end in time"}
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"phase"')]
    if not lines:
        return {"error": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]}
    figures: dict[str, Any] = json.loads(lines[-1])["figures"]
    return figures


def end_phase(phase: str, figures: Mapping[str, Any]) -> NoReturn:
    """Hand over the figures of a phase, and end its process."""
    print(json.dumps({"phase": phase, "figures": figures}), flush=True)
    os._exit(0)  # at once: a thread may still compute, and nobody needs Qt to be taken down in order


# -- results


def arguments(about: str | None, quick: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every benchmark has; ``quick`` says what --quick does."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"only see that it runs: {quick}")
    parser.add_argument("--out", type=Path, help="the JSON file; benchmarks/results/NAME.json by default")
    return parser


def _path(name: str, options: argparse.Namespace) -> Path:
    given: Path | None = options.out
    return given or RESULTS / (f"{name}.quick.json" if options.quick else f"{name}.json")


def kept_result(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return what an earlier run wrote, empty if there is none."""
    path = _path(name, options)
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return kept


def write_result(name: str, options: argparse.Namespace, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Write figures with date, command, machine and versions; returns all of it."""
    path = _path(name, options)
    result = {
        "benchmark": name,
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "command": " ".join(["python", f"benchmarks/{name}.py", *sys.argv[1:]]),
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        **figures,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".tmp")
    partial.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
    return result


def machine() -> dict[str, Any]:
    """Return the machine in words, and how busy it was when the benchmark began."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": _cpu(),
        "cores": usable,
        "memory_gb": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": None if _LOAD_BEFORE is None else round(_LOAD_BEFORE, 2),
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):  # Windows has no such call
        return None


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def commit() -> str:
    """Return the commit that was measured, with a + where files differ from it."""

    def git(*words: str) -> str:
        answer = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
        return answer.stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "src") else "")
    except OSError:
        return ""
