"""What a training is given."""

from __future__ import annotations

import pickle

import numpy as np

from napari_inkling.core import HintSet, Image, PlaneRef, Points, TrainingData, TrainingImage

A = PlaneRef("a")


def test_without_a_worker_nothing_is_new() -> None:
    data = TrainingData((TrainingImage(Image(A, np.zeros((4, 4), np.uint8))),))
    assert data.newest_hints() == {}
    assert pickle.loads(pickle.dumps(data)).newest_hints() == {}


def test_who_tells_of_news_is_no_part_of_what_the_data_are() -> None:
    hints = HintSet(Points([[1, 2]]))
    told = TrainingData((), newest_hints=lambda: {A: hints})
    assert told.newest_hints()[A] is hints
    assert told == TrainingData(())
