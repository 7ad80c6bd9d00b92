"""What a training chose by itself, in a line, and which keys judge it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_inkling.widgets.panels._keys import key_of

if TYPE_CHECKING:
    from napari_inkling.session import Session

__all__ = ["ABOUT", "words_of_round"]

ABOUT = (
    "Places that nobody marked and the training is surest of: it goes on learning as if they were marked.\n"
    "Diamonds are pseudo-cells, squares pseudo-background; the fainter, the less sure it is of them.\n"
    f"Point at one: {key_of('accept')} makes it a mark of yours, {key_of('reject')} marks the opposite. "
    "The next round learns from that."
)


def words_of_round(session: Session) -> str:
    """Return how many pseudo-labels the newest round chose, and how to judge them; ``""`` without any."""
    labels = session.pseudo_labels
    if not labels.round:
        return ""
    cells, background = labels.counts
    where = f" in {len(labels.planes):,} images" if len(labels.planes) > 1 else ""
    plural = "" if cells == 1 else "s"
    return (
        f"Round {labels.round}: {cells:,} pseudo-cell{plural} ◇, {background:,} pseudo-background □{where} · "
        f"{key_of('accept')} accepts, {key_of('reject')} strikes the one under the mouse"
    )
