"""The pages say what is: commands parse and run, keys and settings are the real ones, links lead somewhere.

``python -m tests.test_docs`` writes the table of keys and the numbers of the table of settings anew.
"""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from napari_inkling.cli import main
from napari_inkling.cli.app import app
from napari_inkling.core import HintSet, PlaneRef, Points
from napari_inkling.methods import MethodSettings, get_method
from napari_inkling.methods.partial_points import PartialPointsSettings
from napari_inkling.methods.pu_ranking import PuRankingSettings
from napari_inkling.methods.stochastic_boxes import StochasticBoxesSettings
from napari_inkling.project import Project
from napari_inkling.widgets.keys import CLASS_KEYS, KEYS, key_of
from napari_inkling.workers import LocalRunner, TrainJob
from tests.compared_methods import ALL, HALF
from tests.fake_method import FAKE

ROOT = Path(__file__).parents[1]
README, GUIDE, METHODS = ROOT / "README.md", ROOT / "docs/guide.md", ROOT / "docs/methods.md"
ARCHITECTURE = ROOT / "docs/architecture.md"
PAGES = [README, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
ANEW = "run `python -m tests.test_docs` to write it anew"

PRESETS = ("quick", "standard", "as-published")
#: How the table of settings says that a setting is empty.
EMPTY = {
    "working_diameter": "full scale",
    "mask_diameter": "that of centres",
    "threshold": "at the clicks",
    "unmarked_weight": "by the clicks",
    "enough": "none",
    "smallest_side": "full scale",
}
#: The part of the page on methods that shows the settings of a method.
SETTINGS = {
    "settings": PartialPointsSettings,
    "settings of pu-ranking": PuRankingSettings,
    "settings of stochastic-boxes": StochasticBoxesSettings,
}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text_of(page), flags=re.DOTALL | re.MULTILINE)


def code_in(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE)


def marked_part(page: Path, name: str) -> str:
    """Return the lines between ``<!-- name: … -->`` and ``<!-- /name -->``."""
    found = re.search(rf"<!-- {name}:[^\n]*-->\n(.*?)<!-- /{name} -->", text_of(page), re.DOTALL)
    assert found, f"{name_of(page)} has no part {name!r}"
    return found[1]


# -- links


def links_of(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose_of(page))


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_images_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links_of(page):
        path, _, anchor = link.partition("#")
        if re.match(r"https?:|mailto:", link):
            continue
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    assert broken == []


# -- the command line


def commands_of(page: Path) -> list[str]:
    return [line.removeprefix("$ ") for block in code_in(page, "console") for line in block.splitlines()
            if line.startswith("$ ")]  # fmt: skip


@pytest.mark.parametrize(
    ("page", "command"),
    [
        pytest.param(page, command, id=f"{name_of(page)}: {command}")
        for page in PAGES
        for command in commands_of(page)
    ],
)
def test_shown_commands_parse(page: Path, command: str) -> None:
    program, name, *arguments = shlex.split(command)
    assert program == "inkling"
    typer.main.get_command(app).commands[name].make_context(name, arguments)  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_within_sentences_are_there(page: Path) -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = re.findall(r"`inkling ([^`\s]+)", prose_of(page))
    assert {word for word in named if not word.startswith("-") and not word.isupper()} <= known


def test_the_commands_of_the_readme_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As they stand, but with a method that trains in no time."""
    monkeypatch.setenv("INKLING_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("napari_inkling.session.desk.LocalRunner", partial(LocalRunner, ahead=()))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "sample_data", tmp_path / "sample_data")
    commands = commands_of(README)
    assert len(commands) == 10
    one, two = ["--method", FAKE], ["--methods", f"{HALF},{ALL}"]
    instead = {"train": one, "predict": one, "compare": two}
    for command in commands:
        _, name, *arguments = shlex.split(command)
        assert main([name, *arguments, *instead.get(name, [])]) == 0, (command, capsys.readouterr().err)
    assert (tmp_path / "model/model.json").exists()
    assert (tmp_path / "found.csv").exists()
    assert (tmp_path / "hints.json").exists()


# -- keys


def key_lines() -> list[str]:
    """Return the table of keys as the guide has it."""
    lines = ["| key | does |", "|---|---|"]
    for group, keys in groupby(KEYS, key=lambda key: key.group):
        lines.append(f"| **{group}** | |")
        lines += [f"| `{key.keys}` | {key.description} |" for key in keys]
        if group == "Annotate":
            lines.append(f"| `{CLASS_KEYS[0]}` … `{CLASS_KEYS[-1]}` | choose a class |")
    return lines


def test_the_guide_shows_the_real_keys() -> None:
    assert marked_part(GUIDE, "keys").splitlines() == key_lines(), ANEW


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_keys_within_sentences_are_there(page: Path) -> None:
    named = set(re.findall(r"`((?:Ctrl\+|Shift\+)+\w+|[A-Z?]|Page\w+)`", prose_of(page)))
    assert named <= {*(key.keys for key in KEYS), *CLASS_KEYS}


@pytest.mark.parametrize(
    ("tool", "action"),
    [
        ("cell", "tool_cell"),
        ("not a cell", "tool_background"),
        ("box", "tool_box"),
        ("ignore", "tool_ignore"),
        ("select", "tool_select"),
    ],
)
def test_the_guide_gives_each_tool_its_key(tool: str, action: str) -> None:
    assert f"| *{tool}* | `{key_of(action)}` |" in text_of(GUIDE)


# -- settings


def value_text(name: str, value: Any) -> str:
    if value is None:
        return EMPTY[name]
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def preset_values(settings: type[MethodSettings]) -> dict[str, list[str]]:
    """Return what each preset says, for the settings in which the presets differ."""
    presets = [settings.preset(name) for name in PRESETS]
    rows = {name: [getattr(p, name) for p in presets] for name in settings.model_fields}
    return {n: [value_text(n, v) for v in values] for n, values in rows.items() if len(set(values)) > 1}


def settings_rows(part: str) -> dict[str, list[str]]:
    """Return the cells of each line of a table: a value for each preset, and why."""
    lines = [line.strip("| ").split(" | ") for line in marked_part(METHODS, part).splitlines()[2:]]
    return {name.strip("`"): values for name, *values in lines}


@pytest.mark.parametrize("part", SETTINGS)
def test_the_table_of_settings_shows_the_real_values(part: str) -> None:
    shown = {name: cells[: len(PRESETS)] for name, cells in settings_rows(part).items()}
    assert shown == preset_values(SETTINGS[part]), ANEW
    assert all(cells[len(PRESETS) :] for cells in settings_rows(part).values()), "a reason is missing"


def test_the_page_of_benchmarks_shows_what_was_run(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    tables = importlib.import_module("make_benchmark_tables")
    page = text_of(ROOT / "docs/benchmarks.md")
    assert tables.page_with_tables(page, tmp_path).count("\nNot run yet.\n") == len(tables.TABLES)
    once = {"mean": 0.5, "min": 0.5, "max": 0.5, "n": 1}
    row = {"preset": "quick", "settings": {}, "of_true_masks": None, "det_f1": None, "cpu_seconds": None}
    row |= dict.fromkeys(("aji", "pixel_f1", "dice_obj", "pq"), once)
    ours = row | dict.fromkeys(("of_true_masks", "det_f1", "det_f1_before", "cpu_seconds"), once)
    ours |= {"arm": "inkling", "fraction": 0.1}
    made = tables.masks({"summary": [row | {"arm": "otsu", "fraction": 1.0}, ours]})
    each = " | ".join(["0.500 (1 run)"] * 4)
    assert made.splitlines()[2:4] == [
        f"| **quick** | 10% | {each} | 50.0 % (1 run) | 0.500 (1 run) | 0.500 (1 run) | 0 (1 run) |",
        f"| Otsu, with the centres of quick | 100% | {each} | not run | the same | the same | not measured |",
    ]
    scores = dict.fromkeys(("nucleus_f1", "nucleus_f1_known", "background_f1", "background_f1_known"), 0.25)
    measured = {
        "labels": {"local": {"coverage": 0.5, **scores}},
        "seconds_per_megapixel": {"voronoi": 0.125, "local": 1.5},
    }
    made = tables.labels({"results": {"monuseg": measured}})
    assert "| monuseg | local | 0.500 | 0.250 | 0.250 | 0.250 | 0.250 |" in made
    assert "| monuseg | 0.12 | not run | 1.50 |" in made
    off = {"loss_error": 0.01, "gradient_error": 0.125, "gradient_cosine": 0.99}
    result = {
        "seconds_per_megapixel": {"crops": {"32 shifts": 0.25}},
        "against_all_pairs": {"sigma 9": {"loss": 3.0, "all of the window": off, "32 shifts": off}},
    }
    assert tables.crf(result).splitlines()[2:] == [
        "| 32 shifts | 0.25 | 1.0 % | 12.5 % | 0.990 |",
        "| all of the window | not run | 1.0 % | 12.5 % | 0.990 |",
    ]


@pytest.mark.parametrize("page", [README, GUIDE, METHODS], ids=name_of)
def test_settings_within_sentences_are_there(page: Path) -> None:
    named = re.findall(r"`([a-z_]+)=([\w.-]+)`", prose_of(page))
    for name, value in named:
        known = [settings for settings in SETTINGS.values() if name in settings.model_fields]
        assert known, f"{name} is no setting of any method"
        for settings in known:
            settings.preset("quick", **{name: value})


# -- the example of a method


@pytest.fixture
def bright_image(tmp_path: Path) -> Iterator[Project]:
    """A project of one image with two bright spots and a dim one; one bright spot is clicked."""
    pixels = np.zeros((64, 64), np.uint8)
    for y, x, value in ((16, 16, 200), (16, 48, 200), (48, 32, 60)):
        pixels[y - 2 : y + 3, x - 2 : x + 3] = value
    np.save(tmp_path / "spots.npy", pixels)
    with Project.create(tmp_path / "spots.inkling") as project:
        project.add_images([tmp_path / "spots.npy"])
        project.edit(PlaneRef("spots"), HintSet(), HintSet(Points([[16.0, 16.0]])), "add point")
        yield project


def test_the_example_of_a_method_works(
    bright_image: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bright_spots.py").write_text(code_in(ARCHITECTURE, "python")[0], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    entry_point = re.search(r'^bright-spots = "(.+)"$', code_in(ARCHITECTURE, "toml")[0], re.MULTILINE)
    assert entry_point
    ref = PlaneRef("spots")
    job = TrainJob(entry_point[1], {}, bright_image.snapshot(watch=ref), str(tmp_path / "model"))
    seen = [type(event).__name__ for event in job.run()]
    assert seen == ["Started", "Step", "Preview", "Saved", "Finished"]
    model = get_method(entry_point[1]).Model.load(tmp_path / "model")
    found = model.predict(bright_image.open_image(ref)).above(0.5).points
    assert found.coordinates.tolist() == [[16, 16], [16, 48]]


# -- writing anew


def write_part(page: Path, name: str, lines: list[str]) -> None:
    """Replace the lines of a marked part."""
    old = marked_part(page, name)
    text = text_of(page)
    start = text.index("-->\n", text.index(f"<!-- {name}:")) + len("-->\n")
    page.write_text(
        text[:start] + "".join(f"{line}\n" for line in lines) + text[start + len(old) :], encoding="utf-8"
    )


def write_tables() -> None:
    """Write what is generated; the reasons for settings are a person's and stay."""
    write_part(GUIDE, "keys", key_lines())
    for part, settings in SETTINGS.items():
        lines = marked_part(METHODS, part).splitlines()
        reasons = {
            line.split("|")[1].strip(" `"): line.rstrip("| ").rsplit("|", 1)[1].strip() for line in lines[2:]
        }
        rows = [
            f"| `{name}` | {' | '.join(values)} | {reasons.get(name, '')} |"
            for name, values in preset_values(settings).items()
        ]
        write_part(METHODS, part, [*lines[:2], *rows])


if __name__ == "__main__":
    write_tables()
