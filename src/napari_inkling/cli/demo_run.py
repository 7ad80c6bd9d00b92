"""The demo without a window: hints in; trained model, suggestions, a picture and scores out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_inkling.cli.annotations import truth_radius
from napari_inkling.cli.console import note
from napari_inkling.cli.overlay import Panel, draw_overlay
from napari_inkling.cli.predict import write_predictions
from napari_inkling.cli.prediction import DEFAULT_THRESHOLD, predict_planes
from napari_inkling.cli.sources import PlaneSource, is_project, planes_of
from napari_inkling.cli.training import Trained, run_training, session_on

if TYPE_CHECKING:
    from napari_inkling.core import HintSet, Predictions
    from napari_inkling.evaluation import DetectionScore
    from napari_inkling.project.samples import Sample

__all__ = ["SAMPLE", "Report", "run_demo", "sample_project"]

SAMPLE = "he_tile"


@dataclass(frozen=True)
class Judged:
    """One tile: what a person clicked, what was suggested beside, and how that compares with the truth."""

    name: str
    clicks: int
    score: DetectionScore
    panel: Panel


@dataclass(frozen=True)
class Report:
    """What the demo did, as values for ``scores.json`` and as lines for a person."""

    values: Mapping[str, Any]
    text: str


def sample_project(out: Path) -> Path:
    """Return the sample project in ``out``; it is made unless it is there from an earlier demo."""
    from napari_inkling.project.samples import make_sample_project

    folder = out / f"{SAMPLE}.inkling"
    if is_project(folder):
        note(f"{folder} is there already and is used as it is")
    else:
        make_sample_project(SAMPLE, folder).close()
    return folder


def run_demo(out: Path, show: bool | None = None, **training: Any) -> Report:
    """Train on the sample's hints, predict both tiles, and write everything to ``out``.

    Parameters
    ----------
    out : Path
        Folder; made if need be.
    show : bool or None
        Whether to show bars; ``None``: on a terminal, elsewhere lines.
    **training
        Arguments of :meth:`~napari_inkling.session.training.Training.start`, e.g. ``preset``.
    """
    from napari_inkling.project.samples import sample

    folder = sample_project(out)
    with session_on(folder) as session:
        trained = run_training(session, show, resume=False, **training)
        planes = [p for p in planes_of(session.project) if p.ref.image in sample(SAMPLE).truth]
        hints = {
            plane.ref: session.annotations.hints_of(plane.ref)
            for plane in planes
            if not session.project.image(plane.ref.image).complete
        }
    methods = [training["method"]] if training.get("method") else []
    found = predict_planes(
        trained.model, planes, device=training.get("device", "auto"), methods=methods, show=show
    )
    suggestions = {ref: _suggestions(found[ref], hints.get(ref)) for ref in found}
    judged = [_judge(sample(SAMPLE), plane, hints.get(plane.ref), suggestions[plane.ref]) for plane in planes]
    write_predictions(suggestions, planes, out / "suggestions.csv", "points-csv")
    write_predictions(suggestions, planes, out / "suggestions.json", "coco")
    draw_overlay([tile.panel for tile in judged], out / "overlay.png")
    values = _values(trained, judged)
    (out / "scores.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return Report(values, _text(out, folder, trained, judged))


def _suggestions(found: Predictions, hints: HintSet | None) -> Predictions:
    """Return the cells that the dock would show as new: what the model is sure of, minus those marked."""
    from dataclasses import replace

    import numpy as np

    from napari_inkling.core import HintSet
    from napari_inkling.session import DEFAULT_RADIUS, without_known

    radius = found.radius or DEFAULT_RADIUS
    left = without_known(found.above(DEFAULT_THRESHOLD), hints or HintSet(), np.empty((0, 2)), radius)
    return replace(left, masks=left.masks.with_ids(left.points.ids))  # else those of marked cells, too


def _judge(sample: Sample, plane: PlaneSource, hints: HintSet | None, suggestions: Predictions) -> Judged:
    """Compare with the nuclei that nobody clicked; ``hints`` None: the tile that training never saw."""
    import numpy as np

    from napari_inkling.core import HintSet
    from napari_inkling.evaluation import DetectionScore, cell_centres, match_points
    from napari_inkling.project import open_image
    from napari_inkling.project.formats import read_annotations

    name = plane.ref.image
    read = read_annotations(sample.truth[name], "masks").hints
    radius = truth_radius(read) or 1.0
    truth = cell_centres(read[name]).coordinates
    clicks = cell_centres(hints or HintSet()).coordinates
    unmarked = np.delete(truth, match_points(clicks, truth, radius).truth_index, axis=0)
    places = cell_centres(suggestions).coordinates
    met = match_points(places, unmarked, radius)
    right, extra = len(met), len(places) - len(met)
    title = f"{name}: {len(clicks)} clicks" if hints is not None else f"{name}: never seen in training"
    panel = Panel(
        pixels=open_image(plane.path, plane.ref).read()[..., :3],
        title=title,
        hints=clicks,
        background=(hints or HintSet()).points.background.coordinates,
        right=places[met.found_index],
        wrong=np.delete(places, met.found_index, axis=0),
        missed=np.delete(unmarked, met.truth_index, axis=0),
        radius=radius,
    )
    return Judged(
        name, len(clicks), DetectionScore(right, extra, len(unmarked) - right, met.distances), panel
    )


def _values(trained: Trained, judged: list[Judged]) -> dict[str, Any]:
    def scores(tiles: list[Judged]) -> dict[str, Any]:
        return {t.name: {**t.score.to_dict(), "radius": round(t.panel.radius, 2)} for t in tiles}

    return {
        "method": trained.method,
        "seconds": round(trained.seconds, 1),
        "device": trained.device,
        "model": str(trained.model),
        "clicks": sum(tile.clicks for tile in judged),
        "held_out": scores([tile for tile in judged if not tile.clicks]),
        "unmarked": scores([tile for tile in judged if tile.clicks]),
    }


def _text(out: Path, folder: Path, trained: Trained, judged: list[Judged]) -> str:
    clicks, beside = sum(tile.clicks for tile in judged), sum(len(tile.panel.background) for tile in judged)
    lines = [
        f"{trained.method} learnt from {clicks} clicks on nuclei and {beside} beside them "
        f"in {trained.seconds:.0f} s ({trained.device})."
    ]
    for tile in judged:
        what = "nuclei that nobody clicked" if tile.clicks else "nuclei, never seen in training"
        count = tile.score.true_positives + tile.score.false_negatives
        lines.append(
            f"{tile.name}: F1 {tile.score.f1:.2f} (precision {tile.score.precision:.2f}, "
            f"recall {tile.score.recall:.2f}) on {count} {what}."
        )
    return "\n".join([
        *lines,
        f"In {out}:",
        "  overlay.png       both tiles: dots are clicks, rings suggestions, crosses missed nuclei",
        "  suggestions.csv   one row per suggested nucleus; suggestions.json is the same as COCO",
        "  scores.json       the scores against the sample's truth",
        f"  {folder.name}/  the project with hints and model, opened by",
        f"    napari --plugin napari-inkling {folder}",
    ])  # fmt: skip
