from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_inkling.training.crops import Field, random_crops


def field(height: int, width: int, marked=()) -> Field:
    pixels = np.arange(2 * height * width, dtype=np.float32).reshape(2, height, width)
    return Field(pixels, np.array(marked, float).reshape(-1, 2))


def crops(fields, *, seed=0, **more):
    targets = [f.pixels[:1] for f in fields]
    return random_crops(
        fields,
        targets,
        **{"side": 16, "count": 4, "random": np.random.default_rng(seed), "jitter": 0, **more},
    )


def test_shapes_and_targets_that_turn_with_their_pixels():
    batches = crops([field(40, 50), field(17, 90)])
    for _ in range(10):
        images, targets = next(batches)
        assert images.shape == (4, 2, 16, 16) and targets.shape == (4, 1, 16, 16)
        torch.testing.assert_close(images[:, :1], targets)


def test_all_eight_views_come():
    batches = crops([field(16, 16)])
    corners = {
        tuple(image[0, [0, 0, 1], [0, 1, 0]].tolist()) for _ in range(30) for image in next(batches)[0]
    }
    assert len(corners) == 8


@pytest.mark.parametrize(("height", "width"), [(5, 5), (1, 1), (40, 7)])
def test_beyond_a_small_field_all_is_ignored(height, width):
    small = field(height, width)
    for images, targets in (next(crops([small], seed=seed)) for seed in range(5)):
        known = targets >= 0
        assert (known.sum((1, 2, 3)) == min(16, height) * min(16, width)).all()
        assert set(targets[~known].tolist()) <= {-1.0}
        assert set(images[:, 0].unique().tolist()) <= set(small.pixels[0].ravel().tolist())


def test_the_same_seed_gives_the_same_crops():
    fields = [field(40, 50, [(3, 4)]), field(30, 30)]
    one, same, other = (next(crops(fields, seed=s, jitter=0.1)) for s in (1, 1, 2))
    assert torch.equal(one[0], same[0]) and torch.equal(one[1], same[1])
    assert not torch.equal(one[0], other[0])


def test_crops_near_marked_places_hold_one():
    place = (350.0, 77.0)
    large = field(500, 500, [place])
    number = large.pixels[0, 350, 77]
    batches = crops([large], near_marked=1.0)
    assert all((image[0] == number).any() for _ in range(25) for image in next(batches)[0])


def test_jitter_leaves_the_targets_alone():
    fields = [field(16, 16)]
    images, targets = next(crops(fields, jitter=0.5))
    plain, same = next(crops(fields))
    torch.testing.assert_close(targets, same)
    assert not torch.allclose(images, plain)


def test_zoom_changes_the_scale_of_both_alike():
    y, x = np.indices((200, 200), dtype=np.float32)
    scene = Field(np.stack([y, x]), np.empty((0, 2)))
    spans = []
    for seed in range(12):
        images, targets = next(random_crops([scene], [scene.pixels[:1]], side=16, count=2, zoom=0.5, jitter=0,
                                            random=np.random.default_rng(seed)))  # fmt: skip
        assert images.shape == (2, 2, 16, 16) and targets.shape == (2, 1, 16, 16)
        assert (images[:, :1] - targets).abs().max() < 1.5
        slopes = images[0].flatten(1).max(1).values - images[0].flatten(1).min(1).values
        spans.append(float(slopes.max()))
    assert 16 * np.exp(-0.5) - 2 < min(spans) < 13 < 19 < max(spans) < 16 * np.exp(0.5) + 1


def test_zoomed_targets_hold_no_value_between_known_and_ignored():
    small = field(10, 10)
    for seed in range(10):
        batches = random_crops([small], [np.ones((1, 10, 10), np.float32)], side=16, count=2, zoom=0.5,
                               random=np.random.default_rng(seed))  # fmt: skip
        assert set(next(batches)[1].unique().tolist()) <= {-1.0, 1.0}
