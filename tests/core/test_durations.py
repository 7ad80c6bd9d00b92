from __future__ import annotations

import pytest

from napari_inkling.core.durations import clock, spent


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00 min"), (45.4, "0:45 min"), (112, "1:52 min"), (3599.4, "59:59 min"), (3720, "1:02 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert spent(seconds) == text
    assert clock(seconds) == text.removesuffix(" min")


@pytest.mark.parametrize(("seconds", "text"), [(None, ""), (-3, "0:00")])
def test_what_is_not_known_yet(seconds: float | None, text: str) -> None:
    assert clock(seconds) == text
