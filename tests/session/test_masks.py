"""Correcting masks: what becomes of them, of the cells' points and boxes, and of suggestions."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import Boxes, HintError, HintSet, Masks, Points, Predictions
from napari_inkling.session import Session
from napari_inkling.session.mask_cells import following, mask_under

#: Rows 5 to 14 of the columns 5 to 14, and the same 10 pixels farther right, beside it.
LEFT, RIGHT = (5, 5), (5, 15)
DOWN = [(3.0, 9.0), (17.0, 9.0)]


def squares(*corners: tuple[int, int], side: int = 10, **columns: object) -> Masks:
    return Masks.from_crops(corners, [np.ones((side, side), bool)] * len(corners), **columns)


def suggest(session: Session, *corners: tuple[int, int], ids: list[int], points: bool = True) -> None:
    """Let a model suggest squares with a point in the middle of each."""
    masks = squares(*corners, sources="model", scores=0.9, ids=ids)
    middles = Points(masks.centres, sources="model", scores=0.9, ids=ids) if points else Points()
    assert session.plane is not None
    session.suggestions.put(session.plane, Predictions(middles, masks=masks, radius=4.0))


def hold(session: Session, hints: HintSet) -> HintSet:
    session.annotations.edit(HintSet(), hints, "draw")
    return session.annotations.hints


def test_what_follows_a_mask_by_hand() -> None:
    points = Points([[10, 10], [10, 6], [10, 20], [12, 12]], ids=[1, 2, 3, 4],
                    sources=["human", "accepted", "imported", "human"])  # fmt: skip
    boxes = Boxes([[4.5, 4.5, 14.5, 14.5], [0, 0, 9, 9]], ids=[2, 9], sources=["imported", "imported"])
    hints = HintSet(points, boxes, squares(LEFT, LEFT, RIGHT, LEFT, ids=[1, 2, 3, 4]))
    smaller = squares((5, 10), side=5, ids=[2])
    gone, come = following(hints, hints.masks.with_ids([2, 3, 4]), smaller)
    # 2 moves into its smaller mask, 3 goes with its mask; 4 was set by a person and lies in no mask.
    assert gone.points.ids.tolist() == [3, 2]
    assert come.points.ids.tolist() == [2]
    assert come.points.coordinates.tolist() == [[7, 12]]
    assert come.boxes.coordinates.tolist() == [[4.5, 9.5, 9.5, 14.5]]
    assert gone.masks.ids.tolist() == [2, 3, 4]


def test_which_mask_is_under_a_line() -> None:
    masks = squares(LEFT, RIGHT)
    assert mask_under(np.array([[7, 0], [7, 18.0]]), masks) == 0
    assert mask_under(np.array([[7, 13], [7, 40.0]]), masks) == 1
    assert mask_under(np.array([[0, 0], [3, 40.0]]), masks) is None
    assert mask_under(np.array([[7, 7.0]]), masks) is None


def test_what_a_correction_took_is_kept_with_the_mask(session: Session) -> None:
    now = [100.0]
    session._clock._clock = lambda: now[0]
    session._clock.start()
    now[0] += 4.0
    row = hold(session, HintSet(masks=squares(LEFT, ids=[5]))).masks
    now[0] += 2.0
    session.masks.correct(row, squares(LEFT, side=9, ids=[5], seconds=row.seconds), "erase part of mask")
    assert session.annotations.hints.masks.seconds.tolist() == [6.0]
    session.annotations.undo()
    assert session.annotations.hints.masks.seconds.tolist() == [4.0]


def test_split_and_undo(session: Session) -> None:
    before = hold(session, HintSet(Points([[10, 7]], ids=[5]), masks=squares(LEFT, ids=[5])))
    session.masks.split(DOWN)
    masks = session.annotations.hints.masks
    assert sorted(masks.areas.tolist()) == [40, 60]
    assert masks.with_ids([5]).crop(0).shape == (10, 4)
    assert masks.with_ids([5]).coordinates[0].tolist() == [5, 5, 15, 9]  # where its point lies
    assert session.annotations.can_undo == "split mask"
    session.annotations.undo()
    assert session.annotations.hints.masks.equals(before.masks)
    session.annotations.redo()
    assert session.annotations.hints.masks.equals(masks)


def test_split_of_a_suggestion_makes_two_of_the_persons(session: Session) -> None:
    suggest(session, LEFT, ids=[7])
    session.masks.split(DOWN)
    hints = session.annotations.hints
    assert (len(hints.masks), set(hints.masks.sources)) == (2, {"human"})
    assert len(hints.points) == 1
    assert hints.points.ids[0] in hints.masks.ids
    assert not any(map(len, session.suggestions.shown().kinds))
    session.annotations.undo()
    assert len(session.annotations.hints) == 0
    assert session.suggestions.shown().masks.ids.tolist() == [7]


def test_both_points_of_a_split_suggestion_own_their_halves(session: Session) -> None:
    hold(session, HintSet(Points([[10, 7], [10, 13]], ids=[1, 2], classes=["cell", "other"])))
    suggest(session, LEFT, ids=[7])
    session.masks.split(DOWN)
    masks = session.annotations.hints.masks
    assert dict(zip(masks.ids.tolist(), masks.classes.tolist(), strict=True)) == {1: "cell", 2: "other"}
    assert len(session.annotations.hints.points) == 2


def test_lines_that_split_nothing(session: Session) -> None:
    hold(session, HintSet(masks=squares(LEFT)))
    for line in ([(0, 0), (2, 30)], [(10, 3), (10, 8)], []):
        with pytest.raises(HintError, match="from one side to the other"):
            session.masks.split(line)
    assert session.annotations.can_undo == "draw"


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_merge_two_of_the_persons(session: Session, order: tuple[int, int]) -> None:
    points = Points([[10, 9], [10, 19]], ids=[1, 2])
    hold(session, HintSet(points, masks=squares(LEFT, RIGHT, ids=[1, 2], classes=["cell", "other"])))
    session.masks.merge(*order)
    hints = session.annotations.hints
    assert hints.masks.ids.tolist() == [order[0]]
    assert hints.masks.areas.tolist() == [200]
    assert hints.points.ids.tolist() == [order[0]]  # two cells are one
    session.annotations.undo()
    assert (len(session.annotations.hints.masks), len(session.annotations.hints.points)) == (2, 2)


def test_merge_with_a_suggestion_stays_the_persons_cell(session: Session) -> None:
    hold(session, HintSet(masks=squares(LEFT, ids=[1])))
    suggest(session, RIGHT, ids=[7])
    session.masks.merge(7, 1)
    assert session.annotations.hints.masks.ids.tolist() == [1]
    assert session.annotations.hints.masks.areas.tolist() == [200]
    assert not any(map(len, session.suggestions.shown().kinds))


def test_merge_of_two_suggestions(session: Session) -> None:
    suggest(session, LEFT, RIGHT, ids=[7, 8])
    session.masks.merge(7, 8)
    hints = session.annotations.hints
    assert (len(hints.masks), len(hints.points)) == (1, 1)
    assert hints.masks.ids.tolist() == hints.points.ids.tolist()
    assert not any(map(len, session.suggestions.shown().kinds))


def test_merge_needs_two_that_are_near(session: Session) -> None:
    hold(session, HintSet(masks=squares(LEFT, (5, 40), ids=[1, 2])))
    with pytest.raises(HintError, match="pixels lie between"):
        session.masks.merge(1, 2)
    for second in (1, 99):
        with pytest.raises(HintError, match="two masks are needed"):
            session.masks.merge(1, second)


def test_delete(session: Session) -> None:
    points = Points([[10, 10], [10, 20]], ids=[1, 2], sources=["human", "accepted"])
    hold(session, HintSet(points, masks=squares(LEFT, RIGHT, ids=[1, 2])))
    session.masks.delete(1)
    session.masks.delete(2)
    assert len(session.annotations.hints.masks) == 0
    assert session.annotations.hints.points.ids.tolist() == [1]  # what a person clicked stays
    session.annotations.undo()
    assert session.annotations.hints.points.ids.tolist() == [1, 2]


def test_delete_of_a_suggestion_rejects_it(session: Session) -> None:
    suggest(session, LEFT, RIGHT, ids=[7, 8])
    session.masks.delete(7)
    assert session.suggestions.shown().masks.ids.tolist() == [8]
    session.masks.delete(8, as_background=True)
    assert session.annotations.hints.points.classes.tolist() == ["background"]
    assert not any(map(len, session.suggestions.shown().kinds))


def test_mask_at_finds_the_persons_first(session: Session) -> None:
    hold(session, HintSet(masks=squares(LEFT, ids=[1])))
    suggest(session, RIGHT, ids=[7])
    assert [session.masks.at(10, x) for x in (10, 20, 40)] == [1, 7, None]


def test_a_suggestion_that_is_reshaped_takes_its_point_along(session: Session) -> None:
    suggest(session, LEFT, ids=[7])
    session.masks.correct(Masks(), squares((5, 11), side=4, ids=[7]), "erase mask", of=[7])
    hints = session.annotations.hints
    assert hints.points.ids.tolist() == hints.masks.ids.tolist()
    assert hints.points.coordinates.tolist() == hints.masks.centres.tolist()  # it lay outside
    assert (hints.masks.sources[0], hints.points.sources[0]) == ("human", "accepted")
    session.annotations.undo()
    assert len(session.annotations.hints) == 0


def test_a_drawn_mask_belongs_to_the_cell_that_was_clicked(session: Session) -> None:
    hold(session, HintSet(Points([[10, 10]], ids=[1], classes="other")))
    session.masks.correct(Masks(), squares(LEFT, RIGHT), "draw 2 masks")
    masks = session.annotations.hints.masks
    assert masks.ids[0] == 1
    assert masks.classes.tolist() == ["other", "cell"]


def test_accepting_a_mask_and_again_after_a_restart(session: Session) -> None:
    suggest(session, LEFT, RIGHT, ids=[7, 8])
    assert session.review.accept_above() == 2
    assert session.annotations.can_undo == "accept 2 suggestions"
    hints, folder = session.annotations.hints, session.project.folder
    assert hints.points.ids.tolist() == hints.masks.ids.tolist()
    session.close()
    again = Session(session._desk.runner)
    again.open_project(folder)
    assert again.annotations.hints.masks.equals(hints.masks)
    again.annotations.undo()
    assert len(again.annotations.hints) == 0
    again.close()


def test_corrected_masks_are_trained_on(session: Session) -> None:
    suggest(session, LEFT, ids=[7])
    session.masks.split(DOWN)
    (item,) = session.project.snapshot().load().train
    assert item.hints.masks.equals(session.annotations.hints.masks)
