from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from napari_inkling.training.devices import Device
from napari_inkling.training.loop import Learner, Plan, train

CPU = Device(torch.device("cpu"), torch.float32)


def learner(averaging: float = 0.9, rate: float = 0.1, schedule=None) -> Learner:
    torch.manual_seed(0)
    net = nn.Conv2d(1, 1, 1)
    optimizer = torch.optim.SGD(net.parameters(), rate)
    return Learner(net, CPU, optimizer, schedule and schedule(optimizer), averaging)


def batches():
    """Endless (x, 3x - 1)."""
    generator = torch.Generator().manual_seed(0)
    while True:
        x = torch.randn(4, 1, 8, 8, generator=generator)
        yield x, 3 * x - 1


def squared(logits, targets):
    return {"fit": ((logits - targets) ** 2).mean()}


def test_a_regression_learns():
    one = learner()
    steps = list(train(one, batches(), squared, 60, Plan(60), stage="learning", round=0))
    assert one.net.weight.item() == pytest.approx(3, abs=0.01)
    assert one.net.bias.item() == pytest.approx(-1, abs=0.01)
    assert one.averaged.weight.item() == pytest.approx(3, abs=0.05)
    assert steps[-1].losses["fit"] < 1e-3 < steps[0].losses["fit"]


def test_a_plan_counts_over_rounds():
    one, plan = learner(), Plan(5)
    told = []
    for number, count in enumerate((2, 3)):
        told += train(one, batches(), squared, count, plan, stage=f"round {number}", round=number)
    assert [(s.stage, s.round, s.step, s.steps) for s in told] == [
        ("round 0", 0, 1, 5),
        ("round 0", 0, 2, 5),
        ("round 1", 1, 3, 5),
        ("round 1", 1, 4, 5),
        ("round 1", 1, 5, 5),
    ]


def test_losses_are_summed_and_told_by_name():
    def two(logits, targets):
        return {"a": (logits**2).mean(), "b": 2 * (logits - targets).abs().mean()}

    batch = next(batches())
    one = learner(rate=0.5)
    gradient = torch.autograd.grad(sum(two(one.net(batch[0]), batch[1]).values()), one.net.bias)[0].item()
    before = one.net.bias.item()
    [step] = train(one, itertools.repeat(batch), two, 1, Plan(1), stage="", round=0)
    assert set(step.losses) == {"a", "b"}
    assert one.net.bias.item() == pytest.approx(before - 0.5 * gradient, rel=1e-5)


def test_the_mean_of_weights_by_hand():
    one = learner(averaging=0.15)
    one.averaged.weight.fill_(0)
    one.net.weight.data.fill_(10)
    one.average()  # keeps 1/10
    assert one.averaged.weight.item() == pytest.approx(9)
    one.net.weight.data.fill_(20)
    one.average()  # would keep 2/11, but no more than .15
    assert one.averaged.weight.item() == pytest.approx(0.15 * 9 + 0.85 * 20)


def test_without_averaging_the_mean_is_the_last_value():
    one = learner(averaging=0)
    list(train(one, batches(), squared, 3, Plan(3), stage="", round=0))
    assert torch.equal(one.averaged.weight, one.net.weight)


def test_counters_are_copied():
    one = Learner(nn.BatchNorm2d(1), CPU, torch.optim.SGD(nn.BatchNorm2d(1).parameters(), 0.1))
    one.net(torch.randn(2, 1, 4, 4))
    one.average()
    assert one.averaged.num_batches_tracked.item() == 1


def test_the_schedule_is_followed():
    one = learner(schedule=lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5))
    list(train(one, batches(), squared, 3, Plan(3), stage="", round=0))
    assert one.optimizer.param_groups[0]["lr"] == pytest.approx(0.1 / 8)


def test_nothing_is_done_before_it_is_asked_for():
    one, plan = learner(), Plan(3)
    running = train(one, batches(), squared, 3, plan, stage="", round=0)
    assert plan.done == 0
    next(running)
    running.close()
    assert plan.done == 1


def test_slowing_down_holds_beyond_the_schedule():
    def halves(optimizer):
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)

    one = learner(rate=0.8, schedule=halves)
    list(train(one, batches(), squared, 1, Plan(3), stage="", round=0))
    one.slow_down(0.1)
    assert one.optimizer.param_groups[0]["lr"] == pytest.approx(0.04)
    list(train(one, batches(), squared, 1, Plan(3), stage="", round=0))
    assert one.optimizer.param_groups[0]["lr"] == pytest.approx(0.02)
