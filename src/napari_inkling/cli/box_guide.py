"""What ``inkling guide`` says of boxes: how large they are, and how many more to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_inkling.guidance import BoxAdvice, DivergenceCurve
    from napari_inkling.session import Session

__all__ = ["box_advice", "box_text"]


def box_advice(session: Session) -> list[dict[str, Any]]:
    """Return what is known of the boxes of every class, for JSON; sizes are height and width in pixels."""
    return [_advice(session, advice) for advice in session.box_sizes.advice()]


def _advice(session: Session, advice: BoxAdvice) -> dict[str, Any]:
    sizes = session.box_sizes
    prior, drawn = sizes.prior(advice.name), sizes.drawn(advice.name)
    unusual = sizes.unusual(advice.name)
    return {
        "class": advice.name,
        "boxes": advice.boxes,
        "points": advice.points,
        "state": advice.state,
        "more": advice.more,
        "sentence": advice.sentence,
        "mean_box": _rounded(prior.mean) if prior is not None else None,
        "mean_iou_box": _rounded(sizes.mean_iou_box(advice.name)),
        "borrowed": prior.borrowed if prior is not None else "",
        "divergence": _rounded(advice.divergence, 4),
        "curve": _curve(advice.curve),
        "unusual": [
            {
                "image": str(drawn.planes[row]),
                "y": _rounded(drawn.centres[row, 0]),
                "x": _rounded(drawn.centres[row, 1]),
                "size": _rounded(drawn.sizes[row]),
            }
            for row in unusual.tolist()
        ],
    }


def _curve(curve: DivergenceCurve | None) -> dict[str, Any] | None:
    if curve is None:
        return None
    columns = {"drawn": curve.drawn, "low": curve.low, "middle": curve.middle, "high": curve.high}
    return {"counts": curve.counts.tolist(), **{name: _rounded(rows, 4) for name, rows in columns.items()}}


def _rounded(value: npt.ArrayLike | None, digits: int = 2) -> Any:
    """Return a number, or a list of them, short enough to read; ``None`` stays."""
    import numpy as np

    return None if value is None else np.asarray(value).round(digits).tolist()


def box_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a sentence for every class, then a table of sizes, for people; ``""`` without classes."""
    if not rows:
        return ""
    sentences = [row["sentence"] for row in rows]
    wide = max(len("class"), *(len(row["class"]) for row in rows))
    head = f"{'class':{wide}}  boxes  mean h × w px  mean-IOU h × w px  divergence"
    return "\n".join([*sentences, "", head, *(_line(row, wide) for row in rows)])


def _line(row: Mapping[str, Any], wide: int) -> str:
    mean, mean_iou = (_size(row[key]) for key in ("mean_box", "mean_iou_box"))
    known = f"{row['divergence']:.3f}" if row["divergence"] is not None else "–"
    last = f"  ({row['borrowed']} of all classes)" if row["borrowed"] else ""
    return f"{row['class']:{wide}}  {row['boxes']:>5,}  {mean:>13}  {mean_iou:>17}  {known:>10}{last}"


def _size(size: Sequence[float] | None) -> str:
    return f"{size[0]:.1f} × {size[1]:.1f}" if size is not None else "–"
