"""The wheel: what is in it, that it works from elsewhere, and that nothing heavy is loaded on import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent

#: What opening the dock or ``inkling --help`` must not wait for.
HEAVY = ("torch", "torchvision", "napari", "qtpy", "PyQt6", "PySide6", "skimage", "sklearn", "zarr", "dask")


def run(*command: str | Path, cwd: Path, path: Path | None = None) -> str:
    """Return what a command prints; ``path`` is put before everything that is installed."""
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    run(
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--no-index", "--target", folder, wheel, cwd=folder,
    )  # fmt: skip
    return folder


def test_the_wheel_holds_what_python_files_do_not_say(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = archive.read(
            next(n for n in names if n.endswith(".dist-info/entry_points.txt"))
        ).decode()
    sample_data = {
        "napari_inkling/_sample_data/" + p.relative_to(ROOT / "sample_data").as_posix()
        for p in (ROOT / "sample_data").rglob("*")
        if p.is_file()
    }
    assert len(sample_data) > 10
    wanted = sample_data | {"napari_inkling/napari.yaml", "napari_inkling/py.typed"}
    assert not wanted - names
    assert not {n for n in names if not n.startswith(("napari_inkling/", "napari_inkling-"))}
    assert not {n for n in names if "__pycache__" in n}
    assert "napari-inkling = napari_inkling:napari.yaml" in entry_points
    assert "inkling = napari_inkling.cli:main" in entry_points


def test_the_manifest_at_the_root_is_the_one_that_ships() -> None:
    link, target = ROOT / "napari.yaml", Path("src/napari_inkling/napari.yaml")
    if link.is_symlink():
        assert link.resolve() == ROOT / target
    else:  # a checkout without symbolic links, as on Windows: git leaves the target's name
        assert Path(link.read_text(encoding="utf-8").strip()) == target


def test_the_wheel_finds_its_sample_data(installed: Path, tmp_path: Path) -> None:
    script = """
import json
from napari_inkling.project.samples import sample, sample_folder, sample_names
names = sample_names()
files = [p for n in names for s in [sample(n)] for p in (*s.images, *s.truth.values(), *s.hints.values())]
missing = [str(p) for p in files if not p.is_file()]
print(json.dumps({"folder": str(sample_folder()), "names": names, "missing": missing}))
"""
    found = json.loads(run(sys.executable, "-c", script, cwd=tmp_path, path=installed))
    assert Path(found["folder"]) == installed / "napari_inkling/_sample_data"
    assert {"he_tile", "fluorescence", "blood_smear", "immunohistochemistry"} <= set(found["names"])
    assert not found["missing"]


def test_import_loads_nothing_heavy(installed: Path, tmp_path: Path) -> None:
    script = f"""
import json, sys
import napari_inkling
loaded = [m for m in {HEAVY!r} if m in sys.modules]
version = napari_inkling.__version__
print(json.dumps({{"file": napari_inkling.__file__, "loaded": loaded, "version": version}}))
"""
    found = json.loads(run(sys.executable, "-c", script, cwd=tmp_path, path=installed))
    assert Path(found["file"]).is_relative_to(installed)
    assert found["loaded"] == []
    assert found["version"] == distribution("napari-inkling").version


def test_every_public_name_is_there() -> None:
    import napari_inkling

    assert sorted(napari_inkling.__all__) == sorted(set(napari_inkling.__all__))
    assert "__version__" in napari_inkling.__all__
    for name in napari_inkling.__all__:
        assert getattr(napari_inkling, name) is not None


def hard_dependencies(name: str, seen: set[str]) -> Iterator[str]:
    """Give every package that ``pip install napari-inkling`` brings on this machine, extras apart."""
    if (key := name.lower().replace("_", "-")) in seen:
        return
    seen.add(key)
    try:
        requirements = [Requirement(text) for text in distribution(name).requires or []]
    except PackageNotFoundError:
        return  # replaced in this environment, e.g. the CUDA parts of torch
    yield name
    for requirement in requirements:
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from hard_dependencies(requirement.name, seen)


def test_no_hard_dependency_is_under_the_gpl() -> None:
    names = list(hard_dependencies("napari-inkling", set()))
    assert len(names) > 20
    for name in names:
        metadata = distribution(name).metadata
        first_line = (metadata.get("License") or "").strip().partition("\n")[0]
        said = [first_line, metadata.get("License-Expression") or "", *(metadata.get_all("Classifier") or [])]
        licences = " ".join(s for s in said if not s.startswith(("Programming", "Topic")))
        for word in ("AGPL", "Affero", "GPL", "General Public"):
            rest = licences.replace("LGPL", "").replace("Lesser General Public", "")
            assert word not in rest, f"{name}: {licences}"


def test_qt_and_napari_come_by_extras_only() -> None:
    names = {n.lower() for n in hard_dependencies("napari-inkling", set())}
    assert not names & {"napari", "qtpy", "pyqt6", "pyqt5", "pyside6", "pyside2", "superqt", "pyqtgraph"}
