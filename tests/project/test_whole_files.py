from __future__ import annotations

from pathlib import Path

import pytest

from napari_inkling.project.whole_files import safe_name, write_whole


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for text in ("old", "new"):
        write_whole(path, lambda partial, text=text: partial.write_text(text))
        assert (path.read_text(), list(tmp_path.iterdir())) == (text, [path])


def test_what_fails_half_way_leaves_the_old_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def half(partial: Path) -> None:
        partial.write_text("ne")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_whole(path, half)
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("slide 1", "slide 1"),
        ("2024.05.12 µm", "2024.05.12 µm"),
        ('a/b\\c:d*e?f"g<h>i|j', "a_b_c_d_e_f_g_h_i_j"),
        ("tab\tline\n", "tab_line_"),
        ("dots. . ", "dots"),
        ("...", ""),
    ],
)
def test_names_that_every_file_system_takes(name: str, safe: str) -> None:
    assert safe_name(name) == safe
