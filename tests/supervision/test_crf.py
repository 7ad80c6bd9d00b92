from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_inkling.supervision import crf
from napari_inkling.supervision.crf import crf_loss, gaussian_shifts


def brute_force(
    nucleus: np.ndarray, image: np.ndarray, position: float, colour: float, window: float = np.inf
) -> float:
    """Σ_ij y_i (1 - y_j) W_ij of Eqs. 8-10 over all pairs, as a double loop, divided by all pixels."""
    total = 0.0
    for y, colours in zip(nucleus, image, strict=True):
        places = list(np.ndindex(y.shape))
        for i in places:
            for j in places:
                if max(abs(i[0] - j[0]), abs(i[1] - j[1])) > window:
                    continue
                apart = ((i[0] - j[0]) ** 2 + (i[1] - j[1]) ** 2) / position**2
                differ = ((colours[(slice(None), *i)] - colours[(slice(None), *j)]) ** 2).sum() / colour**2
                total += y[i] * (1 - y[j]) * np.exp(-apart / 2 - differ / 2)
    return total / nucleus.size


def example(shape=(2, 3, 6, 8), seed=0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.random((shape[0], *shape[2:])), random.random(shape) * 0.4


# shape, σ of position, σ of colour
EXACT = [
    ((2, 3, 6, 8), 9.0, 0.1),
    ((1, 1, 9, 5), 3.0, 0.2),
    ((1, 5, 1, 11), 2.0, 0.5),
    ((1, 3, 8, 1), 9.0, 0.1),
    ((2, 3, 1, 1), 9.0, 0.1),
]


@pytest.mark.parametrize(("shape", "position", "colour"), EXACT)
@pytest.mark.parametrize("maps", [1, 2])
def test_every_pair_is_the_double_sum(shape, position, colour, maps):
    nucleus, image = example(shape)
    probability = np.stack([1 - nucleus, nucleus], 1) if maps == 2 else nucleus[:, None]
    loss = crf_loss(
        torch.tensor(probability, dtype=torch.float32),
        torch.tensor(image, dtype=torch.float32),
        position,
        colour,
        window=max(shape[2:]),
        shifts=None,
    )
    assert loss.item() == pytest.approx(brute_force(nucleus, image, position, colour), rel=1e-4)


@pytest.mark.parametrize("window", [0, 1, 3])
def test_a_window_leaves_out_pairs_further_apart(window):
    nucleus, image = example()
    loss = crf_loss(torch.tensor(nucleus[:, None]), torch.tensor(image), 2, 0.1, window, shifts=None)
    assert loss.item() == pytest.approx(brute_force(nucleus, image, 2, 0.1, window), rel=1e-9)


@pytest.mark.parametrize("block", [1, 13, 30, 150])
def test_blocks_change_nothing(block, monkeypatch):
    nucleus, image = (torch.tensor(part) for part in example())
    whole = nucleus[:, None].requires_grad_()
    crf_loss(whole, image).backward()
    monkeypatch.setattr(crf, "BLOCK", block)
    pieces = whole.detach().clone().requires_grad_()
    crf_loss(pieces, image).backward()
    torch.testing.assert_close(pieces.grad, whole.grad)


@pytest.mark.parametrize("shifts", [None, 20])
@pytest.mark.parametrize("maps", [1, 2])
def test_gradient(maps, shifts):
    random = torch.Generator().manual_seed(0)
    probability = torch.rand(2, maps, 4, 5, dtype=torch.float64, generator=random, requires_grad=True)
    image = 0.3 * torch.rand(2, 3, 4, 5, dtype=torch.float64, generator=random)
    assert torch.autograd.gradcheck(lambda p: crf_loss(p, image, 3, 0.2, 5, shifts), probability)


def test_gradient_is_that_of_the_double_sum():
    nucleus, image = example((1, 3, 6, 7))
    probability = torch.tensor(nucleus[:, None], requires_grad=True)
    crf_loss(probability, torch.tensor(image), 3, 0.2, window=7, shifts=None).backward()
    for place in [(0, 0, 0), (0, 3, 4), (0, 5, 6)]:
        up, down = nucleus.copy(), nucleus.copy()
        up[place] += 1e-4
        down[place] -= 1e-4
        slope = (brute_force(up, image, 3, 0.2) - brute_force(down, image, 3, 0.2)) / 2e-4
        assert probability.grad[place[0], 0, place[1], place[2]].item() == pytest.approx(slope, rel=1e-5)


def test_default_shifts_are_close_to_the_double_sum():
    # a disk with a soft rim, drawn half a radius off the one in the image; all pairs, in float64
    y, x = np.mgrid[:48, :48].astype(float)
    seen = 1 / (1 + np.exp((np.hypot(y - 24, x - 24) - 11) / 0.5))
    said = 1 / (1 + np.exp((np.hypot(y - 24, x - 19) - 11) / 2))
    image = torch.tensor(np.stack([0.9 - 0.5 * seen, 0.8 - 0.6 * seen, 0.8 - 0.3 * seen])[None])
    image = image + 0.05 * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    maps = [torch.tensor(said[None, None], requires_grad=True) for _ in range(3)]
    every, cut, drawn = (
        crf_loss(maps[0], image, window=48, shifts=None),
        crf_loss(maps[1], image, shifts=None),
        crf_loss(maps[2], image),
    )
    assert cut.item() == pytest.approx(every.item(), rel=5e-3)  # beyond 3 σ
    assert drawn.item() == pytest.approx(every.item(), rel=2e-2)
    for loss in (every, cut, drawn):
        loss.backward()
    size = maps[0].grad.norm()
    assert (maps[1].grad - maps[0].grad).norm() < 5e-3 * size
    assert (maps[2].grad - maps[0].grad).norm() < 5e-2 * size


def test_descending_moves_an_outline_to_the_edge_in_the_image():
    y, x = np.mgrid[:40, :40].astype(float)
    seen = np.hypot(y - 20, x - 20) < 10
    image = torch.tensor(np.where(seen, 0.2, 0.9)[None, None], dtype=torch.float32)
    logits = torch.tensor((8 - np.hypot(y - 20, x - 18))[None, None], dtype=torch.float32, requires_grad=True)
    before = ((logits.detach()[0, 0] > 0).numpy() != seen).sum()
    optimizer = torch.optim.Adam([logits], lr=0.5)
    for _ in range(40):
        optimizer.zero_grad()
        crf_loss(logits.sigmoid(), image, sigma_position=4).backward()
        optimizer.step()
    after = ((logits.detach()[0, 0] > 0).numpy() != seen).sum()
    assert after < before / 3


# σ, window, count → how many, at most
COUNTS = [(9.0, 27, None, 1512), (9.0, 27, 96, 96), (2.0, 6, 96, 84), (9.0, 27, 1, 1), (9.0, 0, 96, 0)]


@pytest.mark.parametrize(("sigma", "window", "count", "most"), COUNTS)
def test_shifts_lie_in_a_half_plane_of_the_window_and_weigh_as_much(sigma, window, count, most):
    shifts = gaussian_shifts(sigma, window, count)
    steps = [(dy, dx) for dy, dx, _ in shifts]
    assert len(steps) <= most and len(set(steps)) == len(steps)
    assert all(step > (0, 0) and max(map(abs, step)) <= window for step in steps)
    axis = np.exp(-(np.arange(-window, window + 1) ** 2) / (2 * sigma**2))
    weight = 2 * sum(weight for _, _, weight in shifts)
    assert weight == pytest.approx(np.outer(axis, axis).sum() - 1 if steps else 0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_computes_in_single_precision(dtype):
    probability = torch.full((1, 2, 5, 5), 0.5, dtype=dtype, requires_grad=True)
    loss = crf_loss(probability, torch.zeros(1, 3, 5, 5, dtype=dtype))
    loss.backward()
    assert loss.dtype == torch.float32 and probability.grad.dtype == dtype


def test_outlines_along_edges_cost_nothing():
    # two halves of unlike colours, and the outline between them; elsewhere y is 0 or 1
    nucleus = torch.zeros(1, 1, 8, 8)
    nucleus[..., 4:] = 1
    assert crf_loss(nucleus, nucleus * 10).item() == pytest.approx(0, abs=1e-4)
    assert crf_loss(nucleus, torch.zeros(1, 1, 8, 8)).item() > 1


BAD = {
    "three maps": (lambda: crf_loss(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)), r"expected \(B, 1"),
    "no batch": (lambda: crf_loss(torch.zeros(1, 4, 4), torch.zeros(1, 3, 4, 4)), r"expected \(B, 1"),
    "sizes": (lambda: crf_loss(torch.zeros(1, 1, 4, 4), torch.zeros(1, 3, 4, 5)), "differ in size"),
    "σ": (lambda: crf_loss(torch.zeros(1, 1, 4, 4), torch.zeros(1, 3, 4, 4), 0), "must be positive"),
}


@pytest.mark.parametrize(("call", "words"), BAD.values(), ids=BAD.keys())
def test_bad_arguments(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu():
    nucleus, image = (torch.tensor(part, dtype=torch.float32) for part in example())
    here = nucleus[:, None].clone().requires_grad_()
    there = nucleus[:, None].cuda().requires_grad_()
    crf_loss(here, image).backward()
    crf_loss(there, image.cuda()).backward()
    torch.testing.assert_close(there.grad.cpu(), here.grad, rtol=1e-4, atol=1e-6)
