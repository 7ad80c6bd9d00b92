"""What a step of *stochastic-boxes* minimises: Algorithm 1, the assignment of anchors, and Eq. 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from napari_inkling.methods.stochastic_boxes.settings import StochasticBoxesSettings
from napari_inkling.networks.box_coding import decode, encode
from napari_inkling.supervision.anchor_targets import (
    BACKGROUND_ANCHOR,
    IGNORED_ANCHOR,
    assign_anchors,
    near_boxes,
)
from napari_inkling.supervision.box_losses import UsualCounts, centre_loss, class_loss, size_loss
from napari_inkling.supervision.stochastic_boxes import select_boxes
from napari_inkling.training.box_crops import BOX, EMPTY, IGNORED, POINT

__all__ = ["BoxLoss"]

#: Where not every cell is marked, what lies in a box so many times as large as that of a marked cell, about
#: the same centre, is background; around a click on what is no cell, too. (Compare Eq. 1 of the paper on
#: partial points: r2 = 2 · r1.)
AROUND = 2.0
#: Further away, what the network gives less than this probability is background, and the rest is unknown
#: (compare its Eq. 3, background propagation). At first that is everything: a cell that nobody marked is let
#: go of once the network takes it for one.
SURELY_BACKGROUND = 0.3


@dataclass(frozen=True, eq=False)
class BoxLoss:
    """The losses of a batch, called as the training loop calls them.

    Parameters
    ----------
    anchors : Tensor
        Of a crop, xyxy (N, 4).
    weights : Tensor
        Of each class, (K,).
    doubt : Tensor
        β of each class, (K,); see Eq. 2.
    settings : StochasticBoxesSettings
        τ_s, τ_iou, and what unmarked places are taken for.
    """

    anchors: Tensor
    weights: Tensor
    doubt: Tensor
    settings: StochasticBoxesSettings
    _usual: UsualCounts = field(default_factory=UsualCounts)

    def __call__(self, answers: Tensor, rows: Tensor) -> Mapping[str, Tensor]:
        """Answers (B, N, K + 4) of the network, rows (B, M, 6) of the crops → the losses by name."""
        logits, moves = answers[..., :-4], answers[..., -4:]
        matched = [self._matched(*part) for part in zip(logits.detach(), moves.detach(), rows, strict=True)]
        wanted, known = self._wanted(matched, rows, logits.shape[-1])
        of_boxes, of_points = (self._moves(matched, rows, moves, kind) for kind in (BOX, POINT))
        objects = self._count("objects", int((wanted > 0).sum()))
        boxes, points = self._count("boxes", len(of_boxes[0])), self._count("points", len(of_points[0]))
        doubt = self.doubt[of_points[2]]
        at_points = size_loss(of_points[0][:, 2:], of_points[1][:, 2:], points)
        return {
            "class": class_loss(logits, wanted, self.weights, known, objects),
            "size": size_loss(*of_boxes[:2], boxes),
            "place": centre_loss(of_points[0][:, :2], of_points[1][:, :2], doubt, points),
            "size at points": self.settings.sizes_at_points * at_points,
        }

    def _count(self, name: str, count: int) -> float:
        """Return what a sum over so many anchors is divided by."""
        return self._usual.after(name, count) if self.settings.usual_counts else max(1, count)

    def _matched(self, logits: Tensor, moves: Tensor, rows: Tensor) -> Tensor:
        """Return the row that each anchor of an image stands for, (N,); see :func:`assign_anchors`."""
        boxes, kinds = rows[:, :4], rows[:, 5]
        points, objects = kinds == POINT, (kinds == BOX) | (kinds == POINT)
        chosen = boxes.clone()
        if self.settings.predictions_replace_points and bool(points.any()):
            chosen[points] = select_boxes(
                boxes[points],
                rows[points, 4].long(),
                decode(moves, self.anchors),
                logits.sigmoid(),
                least_score=self.settings.least_score,
                least_iou=self.settings.least_iou,
                in_box_sizes=self.settings.distance == "box sizes",
            )
        matched = assign_anchors(self.anchors, chosen[objects], boxes[kinds == IGNORED])
        if self.settings.unmarked == "unknown":
            free = (matched == BACKGROUND_ANCHOR) & ~near_boxes(
                self.anchors, boxes[objects | (kinds == EMPTY)], AROUND
            )
            matched[free & (logits.sigmoid().amax(dim=1) >= SURELY_BACKGROUND)] = IGNORED_ANCHOR
        numbers = torch.nonzero(objects)[:, 0]
        return torch.where(matched >= 0, numbers[matched.clamp(min=0)], matched) if len(numbers) else matched

    def _wanted(self, matched: list[Tensor], rows: Tensor, classes: int) -> tuple[Tensor, Tensor]:
        """Return the probabilities that are wanted, (B, N, K), and which anchors count, (B, N)."""
        every = torch.stack(matched)
        of_class = rows[..., 4].long().clamp(min=0).gather(1, every.clamp(min=0))
        wanted = one_hot(of_class, classes) * (every >= 0)[..., None]
        return wanted.float(), every != IGNORED_ANCHOR

    def _moves(
        self, matched: list[Tensor], rows: Tensor, moves: Tensor, kind: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the moves of the anchors that stand for rows of a kind, those wanted, and their classes."""
        every = torch.stack(matched)
        kinds = rows[..., 5].gather(1, every.clamp(min=0))
        image, anchor = torch.nonzero((every >= 0) & (kinds == kind), as_tuple=True)
        own = rows[image, every[image, anchor]]
        return moves[image, anchor], encode(own[:, :4], self.anchors[anchor]), own[:, 4].long()
