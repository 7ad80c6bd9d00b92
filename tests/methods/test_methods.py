"""Which methods are installed: what other packages add is found, also while the program runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from napari_inkling import methods
from napari_inkling.core import SettingsError
from napari_inkling.methods import GROUP, get_method, method_names
from tests.fake_method import FAKE, FakeMethod


def install(folder: Path, name: str) -> Path:
    """Put a package into a folder as pip does, but for its code; return what tells of it."""
    about = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {FAKE}\n")
    return about


def test_a_method_that_is_installed_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = method_names()
    monkeypatch.syspath_prepend(tmp_path)
    assert method_names() == before
    first = install(tmp_path, "first-one")
    assert method_names() == tuple(sorted((*before, "first-one")))
    assert isinstance(get_method("first-one"), FakeMethod)
    install(tmp_path, "second-one")
    assert set(method_names()) == {*before, "first-one", "second-one"}
    shutil.rmtree(first)
    assert set(method_names()) == {*before, "second-one"}
    with pytest.raises(SettingsError, match="unknown method 'first-one'"):
        get_method("first-one")
    monkeypatch.undo()
    assert method_names() == before


def test_packages_are_read_once_while_none_comes_or_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.syspath_prepend("a folder that is not there")
    monkeypatch.setattr(methods, "entry_points", lambda group: asked.append(group) or ())
    assert [method_names() for _ in range(3)] == [(), (), ()]
    assert asked == [GROUP]
