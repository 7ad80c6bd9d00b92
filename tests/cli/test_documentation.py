"""docs/command-line.md: what it shows is what comes."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.driving import Inkling

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)


def test_commands_with_an_answer_give_that_answer(inkling: Inkling, here: Path) -> None:
    shutil.copytree(ROOT / "sample_data", here / "sample_data")
    shown = [entry.splitlines() for block in BLOCKS for entry in block.split("$ inkling ")[1:]]
    answered = [(command, answer) for command, *answer in shown if answer]
    assert len(answered) == 4
    for command, answer in answered:
        assert inkling(*shlex.split(command)).out.splitlines() == answer


@pytest.mark.parametrize("words", re.findall(r"^\| `inkling ([^`]+)`", PAGE, re.MULTILINE))
def test_the_table_names_options_that_exist(inkling: Inkling, words: str) -> None:
    shown = inkling(words.split()[0], "--help").out
    assert [option for option in re.findall(r"--[a-z-]+", words) if option not in shown] == []
