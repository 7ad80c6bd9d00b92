"""Boxes are xyxy here; two levels of anchors over a crop of 32 × 32."""

from __future__ import annotations

import pytest
import torch

from napari_inkling.methods.stochastic_boxes import StochasticBoxesSettings
from napari_inkling.methods.stochastic_boxes.loss import BoxLoss
from napari_inkling.networks.box_coding import encode
from napari_inkling.training.box_crops import BOX, EMPTY, IGNORED, NOTHING, POINT

#: 8 × 8 side by side, and four of 16 × 16 over them.
ANCHORS = torch.tensor(
    [[x, y, x + 8.0, y + 8.0] for y in range(0, 32, 8) for x in range(0, 32, 8)]
    + [[x, y, x + 16.0, y + 16.0] for y in (0, 16) for x in (0, 16)]
)
PAPER = {"sizes_at_points": 0.0, "unmarked": "background"}


def loss_of(*, weights=(1.0, 1.0), doubt=(0.0, 0.0), **settings) -> BoxLoss:
    return BoxLoss(
        ANCHORS,
        torch.tensor(weights),
        torch.tensor(doubt),
        StochasticBoxesSettings(**{**PAPER, **settings}),
    )


def rows(*images) -> torch.Tensor:
    """Each a list of (box, class, kind)."""
    most = max(1, *map(len, images))
    found = torch.full((len(images), most, 6), float(NOTHING))
    for i, given in enumerate(images):
        for j, (box, number, kind) in enumerate(given):
            found[i, j] = torch.tensor([*box, number, kind])
    return found


def answers(count: int = 1, logit: float = -2.0) -> torch.Tensor:
    found = torch.zeros(count, len(ANCHORS), 2 + 4)
    found[..., :2] = logit
    return found.requires_grad_()


def learnt(answer: torch.Tensor, loss: torch.Tensor) -> list[list[int]]:
    """Return the (image, anchor, output) of which a loss has a gradient."""
    (gradient,) = torch.autograd.grad(loss, answer, retain_graph=True, allow_unused=True)
    return [] if gradient is None else torch.nonzero(gradient).tolist()


FIRST, SECOND = (1.0, 0.0, 8.0, 8.0), (16.0, 16.0, 32.0, 31.0)  # of anchor 0, and of the last


@pytest.mark.parametrize(("usual_counts", "share"), [(True, 1 / 1.9), (False, 1.0)])
def test_a_batch_with_fewer_objects_than_usual_counts_less(usual_counts, share):
    # two anchors stand for boxes in the first batch, one in the second: usual is then .9 · 2 + .1 · 1
    loss, few = loss_of(usual_counts=usual_counts), rows([(FIRST, 0, BOX)])
    loss(answers(), rows([(FIRST, 0, BOX), (SECOND, 1, BOX)]))
    alone = loss_of(usual_counts=False)(answers(), few)
    for name, value in loss(answers(), few).items():
        assert value.item() == pytest.approx(alone[name].item() * share)


def test_sizes_are_learnt_from_drawn_boxes_alone():
    answer = answers()
    losses = loss_of()(answer, rows([(FIRST, 0, BOX), (SECOND, 1, POINT)]))
    assert {anchor for _, anchor, _ in learnt(answer, losses["size"])} == {0}
    assert losses["size"].item() == pytest.approx(
        encode(torch.tensor([FIRST]), ANCHORS[:1]).abs().sum().item()
    )


def test_places_are_learnt_from_points_alone():
    answer = answers()
    losses = loss_of(doubt=(0.0, 3.0))(answer, rows([(FIRST, 0, BOX), (SECOND, 1, POINT)]))
    assert learnt(answer, losses["place"]) == [[0, 19, 3]]  # the middle is right along x, ½ px off along y
    assert losses["place"].item() == pytest.approx(0.5 / 16 / (1 + 3))


def test_the_size_of_a_stand_in_teaches_no_size():
    wider = (15.0, 16.0, 33.0, 31.0)  # of the same anchor
    one, other = (loss_of()(answers(), rows([(FIRST, 0, BOX), (b, 1, POINT)])) for b in (SECOND, wider))
    assert one["size"].item() == other["size"].item()
    assert one["place"].item() == other["place"].item()
    assert one["size at points"] == other["size at points"] == 0


def test_the_size_of_a_stand_in_teaches_a_little_if_it_may():
    answer = answers()
    losses = loss_of(sizes_at_points=0.3)(answer, rows([(SECOND, 1, POINT)]))
    expected = encode(torch.tensor([SECOND]), ANCHORS[-1:])[0, 2:].abs().sum().item()
    assert losses["size at points"].item() == pytest.approx(0.3 * expected)
    assert losses["size"] == 0


def test_all_but_what_is_ignored_teaches_classes():
    answer = answers(2)
    upper = ((0.0, 0.0, 32.0, 16.0), 0, IGNORED)
    losses = loss_of()(answer, rows([(FIRST, 1, BOX), upper], []))
    taught = {(image, anchor) for image, anchor, _ in learnt(answer, losses["class"])}
    assert {anchor for image, anchor in taught if image == 1} == set(range(20))
    # the box's own, those of the lower half; the upper ones of 8 × 8 and of 16 × 16 are ignored
    assert {anchor for image, anchor in taught if image == 0} == {0, *range(8, 16), 18, 19}


@pytest.mark.parametrize("kind", [BOX, POINT])
def test_an_object_is_wanted_in_its_class(kind):
    answer = answers()
    loss_of()(answer, rows([(FIRST, 1, kind)]))["class"].backward()
    up = torch.nonzero(answer.grad[0, :, :2] < 0).tolist()
    assert up == [[0, 1]]  # all else is to go down


@pytest.mark.parametrize("given", [[], [(FIRST, 0, IGNORED)], [((0, 0, 32, 32), 0, IGNORED)]])
def test_a_crop_without_objects(given):
    answer = answers()
    losses = loss_of()(answer, rows(given))
    assert losses["size"] == losses["place"] == losses["size at points"] == 0
    sum(losses.values()).backward()
    assert torch.isfinite(answer.grad).all()


def test_a_prediction_stands_in_for_a_point():
    """The stochastic box is of anchor 0; a sure prediction there is larger, of the 16 × 16 around it."""
    point = ((0.0, 0.0, 11.0, 11.0), 0, POINT)
    predicted = torch.tensor([[0.0, 0.0, 13.0, 13.0]])
    for replaced, expected in ((False, 0), (True, 16)):
        answer = answers().detach()
        answer[0, 3, 0] = 3.0
        answer[0, 3, 2:] = encode(predicted, ANCHORS[3:4])
        answer.requires_grad_()
        losses = loss_of(predictions_replace_points=replaced)(answer, rows([point]))
        assert {anchor for _, anchor, _ in learnt(answer, losses["place"])} == {expected}


# --- the unmarked


def known(answer, given, **settings) -> set[int]:
    losses = loss_of(**{"unmarked": "unknown", **settings})(answer, rows(given))
    return {anchor for _, anchor, _ in learnt(answer, losses["class"])}


def test_where_cells_are_likely_only_what_lies_beside_a_marked_one_is_background():
    # twice FIRST reaches to x = 11.5 and y = 12; centres are at 4, 12, … (8 × 8), and at 8 and 24 (16 × 16)
    assert known(answers(logit=0.0), [(FIRST, 0, BOX)]) == {0, 4, 16}
    assert known(answers(logit=0.0), [((4.0, 4, 12, 12), 0, EMPTY)]) == {0, 1, 4, 5, 16}
    assert known(answers(logit=0.0), []) == set()


def test_what_the_network_sees_no_cell_in_is_background_too():
    answer = answers(logit=-3.0).detach()
    answer[0, 10, 1] = 0.0  # it may be a cell
    answer.requires_grad_()
    assert known(answer, [(FIRST, 0, BOX)]) == set(range(20)) - {10}
    assert known(answer, [(FIRST, 0, BOX)], unmarked="background") == set(range(20))
