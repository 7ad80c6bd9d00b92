"""References to planes, as text."""

from __future__ import annotations

import pytest

from napari_inkling.core import PlaneRef


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tile", PlaneRef("tile")),
        ("tile[3]", PlaneRef("tile", (3,))),
        ("tile[3,12]", PlaneRef("tile", (3, 12))),
        ("a[1][2]", PlaneRef("a[1]", (2,))),
        ("tile[a]", PlaneRef("tile[a]")),
        ("tile[1] b", PlaneRef("tile[1] b")),
        ("tile[]", PlaneRef("tile[]")),
        ("tile[1,]", PlaneRef("tile[1,]")),
        ("tile[1", PlaneRef("tile[1")),
        ("two\nlines[1]", PlaneRef("two\nlines", (1,))),
        ("", PlaneRef("")),
    ],
)
def test_a_reference_in_words(text: str, expected: PlaneRef) -> None:
    assert PlaneRef.parse(text) == expected
    assert str(expected) == text
