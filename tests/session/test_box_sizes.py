"""How large the boxes of each class are, and how many more are said to be needed."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import IGNORE, Boxes, HintSet, PlaneRef, Points
from napari_inkling.session import Session
from tests.session.conftest import A, B


def boxes(sizes, classes="RBC", first=0.0, **columns) -> Boxes:
    """Boxes of heights and widths (N, 2), drawn one second after the other."""
    sizes = np.asarray(sizes, dtype=float).reshape(-1, 2)
    corners = np.full((len(sizes), 2), 3.0)
    times = first + np.arange(len(sizes))
    return Boxes(
        np.hstack([corners, corners + sizes]), classes=classes, times=times, sources="imported", **columns
    )


def some(count: int, mean: float = 20, seed: int = 0):
    return np.random.default_rng(seed).normal(mean, mean / 30, (count, 2))


def test_the_class_that_nobody_uses_asks_for_nothing(session, pictures, tmp_path):
    session.new_project(tmp_path / "smear.inkling", ("cell", "RBC"))
    session.images.add(pictures[:1])
    assert [one.name for one in session.box_sizes.advice()] == ["cell", "RBC"]  # nothing is marked yet
    add(session, A, boxes(some(2)))
    assert [one.name for one in session.box_sizes.advice()] == ["RBC"]
    add(session, A, Points([(5, 5)], classes="cell"))
    assert [one.name for one in session.box_sizes.advice()] == ["cell", "RBC"]


@pytest.fixture
def blood(session: Session, pictures, tmp_path) -> Session:
    """Images "a" and "b", and three classes without any hint."""
    session.new_project(tmp_path / "blood.inkling", ("RBC", "WBC", "Platelet"))
    session.images.add(pictures[:2])
    return session


def add(session: Session, ref: PlaneRef, *rows: Boxes | Points) -> None:
    for some_rows in rows:
        kind = "boxes" if isinstance(some_rows, Boxes) else "points"
        session.annotations.edit(HintSet(), HintSet(**{kind: some_rows}), "mark", ref)


def sentences(session: Session) -> list[str]:
    return [advice.sentence for advice in session.box_sizes.advice()]


def test_no_project_and_no_hints(session: Session, blood):
    assert Session().box_sizes.advice() == []
    assert sentences(blood) == [f"{name}: draw 3 boxes first" for name in ("RBC", "WBC", "Platelet")]
    assert blood.box_sizes.prior("RBC") is None
    assert blood.box_sizes.mean_iou_box("RBC") is None
    assert len(blood.box_sizes.drawn("RBC")) == len(blood.box_sizes.unusual("RBC")) == 0
    assert blood.box_sizes.prior("nobody") is None


def test_a_sentence_for_every_class(blood: Session):
    add(blood, A, boxes(some(20)), boxes(some(2, 30), "WBC"), Points([[5, 5], [9, 9]], classes="Platelet"))
    add(blood, B, boxes(some(6, seed=1)), Points([[5, 5]], classes="background"))
    assert sentences(blood) == [
        "RBC: enough boxes (26), point the rest",
        "WBC: draw 1 more box first; till then the other classes tell how much sizes vary",
        "Platelet: draw 3 boxes first; its 2 points borrow the size of all boxes till then",
    ]
    sizes = blood.box_sizes
    assert [sizes.prior(name).borrowed for name in sizes.classes] == ["", "spread", "sizes"]
    assert sizes.mean_iou_box("RBC") == pytest.approx([20, 20], abs=1)
    assert sizes.mean_iou_box("WBC") == pytest.approx([30, 30], abs=2)


def test_in_the_order_in_which_they_were_drawn_over_the_images(blood: Session):
    add(blood, A, boxes([[1, 2], [3, 4]], first=10))
    add(blood, B, boxes([[5, 6]], first=5), boxes([[7, 8]], first=10.5))
    drawn = blood.box_sizes.drawn("RBC")
    assert drawn.sizes.tolist() == [[5, 6], [1, 2], [7, 8], [3, 4]]
    assert drawn.planes.tolist() == [B, A, B, A]
    assert drawn.centres[0].tolist() == [5.5, 6]


def test_what_does_not_count(blood: Session):
    add(blood, A, boxes([[10, 10]]), boxes([[30, 30]], IGNORE))
    add(blood, B, boxes([[20, 20]]))
    assert len(blood.box_sizes.drawn("RBC")) == 2
    assert "ignore" not in blood.box_sizes.classes
    blood.images.update("b", complete=True)
    assert blood.box_sizes.drawn("RBC").planes.tolist() == [A]
    assert len(blood.box_sizes.drawn(IGNORE)) == 0


def test_a_point_of_a_cell_with_a_box_is_no_point_without_one(blood: Session):
    add(blood, A, boxes([[10, 10]], ids=[7]), Points([[8, 8], [20, 20]], classes="RBC", ids=[7, 9]))
    assert [(one.boxes, one.points) for one in blood.box_sizes.advice()] == [(1, 1), (0, 0), (0, 0)]


def test_it_follows_every_edit(blood: Session):
    add(blood, A, boxes(some(12)))
    assert sentences(blood)[0] == "RBC: enough boxes (12), point the rest"
    blood.annotations.rename_class("RBC", "red")
    assert sentences(blood)[0] == "red: enough boxes (12), point the rest"
    blood.annotations.undo()
    assert sentences(blood)[0] == "red: draw 3 boxes first"
    blood.annotations.redo()
    blood.annotations.set_classes(["new", "red"])
    assert [text[:12] for text in sentences(blood)] == ["new: draw 3 ", "red: enough "]


def test_boxes_of_unusual_size(blood: Session):
    odd = boxes([[33, 8]], first=100)
    add(blood, A, boxes(some(20)))
    add(blood, B, odd)
    sizes = blood.box_sizes
    rows = sizes.unusual("RBC")
    assert [(sizes.drawn("RBC").planes[row], sizes.drawn("RBC").sizes[row].tolist()) for row in rows] == [
        (B, [33, 8])
    ]
    blood.annotations.edit(HintSet(boxes=odd), HintSet(), "delete", B)
    assert sizes.unusual("RBC").tolist() == []


def test_only_what_changed_is_worked_out_again(blood: Session, monkeypatch):
    add(blood, A, boxes(some(30)), boxes(some(30, 30), "WBC"))
    before = {one.name: one.curve for one in blood.box_sizes.advice()}
    box, prior = blood.box_sizes.mean_iou_box("WBC"), blood.box_sizes.prior("WBC")
    add(blood, A, boxes([[20, 21]], first=99), Points([[3, 3]], classes="WBC"))
    after = {one.name: one.curve for one in blood.box_sizes.advice()}
    assert after["RBC"] is not before["RBC"]
    assert after["WBC"] is before["WBC"]
    assert blood.box_sizes.mean_iou_box("WBC") is box
    assert blood.box_sizes.prior("WBC") is prior


def test_boxes_at_the_edge_of_the_image_do_not_tell_sizes(blood):
    height, width = blood.project.image(A.image).info.plane_shape[:2]
    cut = [(-0.5, 5, 9, 15), (5, 0, 15, 9), (height - 9, 5, height - 0.5, 15), (5, width - 9, 15, width - 1)]
    inside = [(1, 1, 9, 9)]
    add(blood, A, Boxes(cut + inside, classes="RBC"))
    assert blood.box_sizes.drawn("RBC").coordinates.tolist() == [list(inside[0])]
