"""Columns of a points layer set without napari slicing and drawing all of it for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

__all__ = ["quietly"]


@contextmanager
def quietly(layer: Any) -> Iterator[None]:
    """Hold back every event of a points layer and every refresh; afterwards it holds what it does not show.

    ``layer.refresh()`` then shows it. The colours have events of their own, on which napari's canvas copies
    all columns again.
    """
    with ExitStack() as held:
        for events in (layer.events, layer._border.events, layer._face.events):
            held.enter_context(events.blocker_all())
        held.enter_context(layer._block_refresh())
        yield
