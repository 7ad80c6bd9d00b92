"""Columns of a layer of points or lines set without napari slicing and drawing all of it for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

__all__ = ["quietly"]


@contextmanager
def quietly(layer: Any) -> Iterator[None]:
    """Hold back every event of such a layer and every refresh; afterwards it holds what it does not show.

    ``layer.refresh()`` then shows it. The colours have events of their own, on which napari's canvas copies
    all columns again.
    """
    with ExitStack() as held:
        for part in ("_border", "_face", "_edge"):  # of points, and of lines
            if (colours := getattr(layer, part, None)) is not None:
                held.enter_context(colours.events.blocker_all())
        held.enter_context(layer.events.blocker_all())
        held.enter_context(layer._block_refresh())
        yield
