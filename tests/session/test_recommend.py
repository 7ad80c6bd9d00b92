"""Which method is recommended for the hints there are, and whether they are enough."""

from __future__ import annotations

import pytest

from napari_inkling.core import TooFewHintsError
from napari_inkling.methods import Needs
from napari_inkling.session import Recommendation
from napari_inkling.session.recommend import HintCounts, check_enough, recommend

POINTS = Needs(points=3, sentence="Points on some cells → finds the rest.")
BOXES = Needs(points=1, boxes=5, sentence="A few boxes, points on the rest.")


ENOUGH = "marked: enough to train."
BOTH = {"p": POINTS, "b": BOXES}


@pytest.mark.parametrize(
    ("counts", "needs", "expected"),
    [
        (HintCounts(), {}, ("", "No method is installed.")),
        (HintCounts(), {"p": POINTS}, ("p", POINTS.sentence, "3 more cell points")),
        (HintCounts(1, points=2), {"p": POINTS}, ("p", POINTS.sentence, "1 more cell point")),
        (HintCounts(1, points=1), BOTH, ("p", POINTS.sentence, "2 more cell points")),
        (HintCounts(1, boxes=2), BOTH, ("b", BOXES.sentence, "1 more cell point and 3 more boxes")),
        (HintCounts(1, boxes=2), {"p": POINTS}, ("p", POINTS.sentence, "1 more cell point")),
        (HintCounts(1, points=3), {"p": POINTS}, ("p", f"3 cells {ENOUGH} P finds the rest.")),
        (HintCounts(1, points=2345), BOTH, ("p", f"2,345 cells {ENOUGH} P finds the rest.")),
        (HintCounts(1, 9, boxes=5), BOTH, ("b", f"9 cells and 5 boxes {ENOUGH} B finds the rest.")),
        (HintCounts(1, 1, boxes=2), BOTH, ("p", f"1 cell and 2 boxes {ENOUGH} P finds the rest.")),
        (HintCounts(1, 3), {"a-b": POINTS}, ("a-b", f"3 cells {ENOUGH} A b finds the rest.")),
    ],
)
def test_recommendation(counts: HintCounts, needs: dict[str, Needs], expected: tuple[str, ...]) -> None:
    assert recommend(counts, needs) == Recommendation(*expected)


@pytest.mark.parametrize(
    ("boxes", "missing"), [(1, "2 more boxes"), (2, "1 more box"), (3, "")], ids=["one", "two", "three"]
)
def test_who_draws_boxes_is_led_to_the_method_that_learns_from_them(boxes: int, missing: str) -> None:
    needs = {"p": Needs(points=2), "b": Needs(boxes=3, sentence="Boxes.")}  # two boxes would do for points
    found = recommend(HintCounts(1, boxes=boxes), needs)
    assert (found.method, found.missing) == ("b", missing)
    assert recommend(HintCounts(1, points=2, boxes=2), needs).method == "p"


DARK = Needs(points=3, suits=("fluorescence",), sentence="For dark ground.")
GREY = Needs(points=3, suits=("transmitted",), sentence="For grey ground.")


@pytest.mark.parametrize(
    ("kind", "method", "reason"),
    [
        (
            "fluorescence",
            "d",
            f"3 cells {ENOUGH} D finds the rest; on fluorescence it did best.",
        ),
        (
            "transmitted",
            "g",
            f"3 cells {ENOUGH} G finds the rest; on phase contrast and bright field it",
        ),
        ("colour", "d", f"3 cells {ENOUGH} D finds the rest."),
        (None, "d", f"3 cells {ENOUGH} D finds the rest."),
    ],
)
def test_the_kind_of_image_decides_between_methods_for_the_same_hints(kind, method, reason) -> None:
    needs = {"d": DARK, "g": GREY}
    found = recommend(HintCounts(1, points=3), needs, kind)
    assert found.method == method and found.reason.startswith(reason)
    assert recommend(HintCounts(1), needs, kind).method == method  # before there is enough
    assert recommend(HintCounts(1, 3, boxes=9), {**needs, "b": BOXES}, kind).method == "b"  # hints come first


def test_compare_is_named_where_there_are_clicks_enough() -> None:
    needs = {"d": DARK, "g": GREY}
    assert "Compare" not in recommend(HintCounts(1, points=9), needs, "transmitted").reason
    reason = recommend(HintCounts(1, points=10), needs, "transmitted").reason
    assert reason.endswith("it did best. Compare tries it against d on your clicks.")
    three = {**needs, "e": DARK}
    assert "Compare" not in recommend(HintCounts(1, points=10), three, "transmitted").reason


def test_who_outlines_is_named() -> None:
    needs = {"d-e": DARK.model_copy(update={"outlines": True}), "g": GREY}
    reason = recommend(HintCounts(1, points=10), needs, "transmitted").reason
    assert reason.endswith("it did best. Compare tries it against d-e on your clicks. For outlines take d-e.")
    reason = recommend(HintCounts(1, points=10), needs, "fluorescence").reason
    assert reason.endswith(
        "on fluorescence it did as well as g, and outlines cells. Compare tries it against g on your clicks."
    )
    boxes = recommend(HintCounts(1, points=9, boxes=5), needs | {"b": BOXES}).reason
    assert boxes.endswith("B finds the rest. For outlines take d-e.")


def test_with_most_cells_marked_another_one_may_suit() -> None:
    many = POINTS.model_copy(update={"suits_most_marked": ("fluorescence",)})
    needs = {"d": DARK, "m": many}
    for share, method in ((None, "d"), (0.1, "d"), (0.59, "d"), (0.6, "m"), (1.0, "m")):
        assert recommend(HintCounts(1, points=9), needs, "fluorescence", share).method == method
    reason = recommend(HintCounts(1, points=9), needs, "fluorescence", 0.9).reason
    assert reason.endswith("M finds the rest; on fluorescence with most of the cells marked it did best.")


def test_the_method_at_work_stays_until_the_hints_ask_for_another() -> None:
    needs = {"d": DARK, "g": GREY, "b": BOXES}
    found = recommend(HintCounts(1, points=9), needs, "transmitted", 0.9, at_work="d")
    assert found.method == "d"
    assert found.reason.startswith(
        "9 cells marked, probably nearly all of those around: enough to train. D finds the rest; it made the "
        "model that you have."
    )
    assert recommend(HintCounts(1, points=9), needs, "transmitted", at_work="gone").method == "g"
    assert recommend(HintCounts(1, points=9, boxes=5), needs, None, at_work="d").method == "b"


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.04, ", probably fewer than a tenth of those around"),
        (0.1, ", probably about 10 % of those around"),
        (0.66, ", probably about 70 % of those around"),
        (0.85, ", probably nearly all of those around"),
        (None, ""),
    ],
)
def test_the_share_of_marked_cells_in_words(share: float | None, words: str) -> None:
    reason = recommend(HintCounts(1, points=3), {"g": GREY}, None, share).reason
    assert reason == f"3 cells marked{words}: enough to train. G finds the rest."


def test_a_method_without_a_rival_is_not_praised() -> None:
    assert recommend(HintCounts(1, points=3), {"g": GREY}, "transmitted").reason.endswith("G finds the rest.")


AT_LEAST = "P needs at least 3 cell points, and there "


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        (HintCounts(), "there is no image to train on: add images first"),
        (HintCounts(1), AT_LEAST + "are none: mark 3 more cell points"),
        (HintCounts(1, points=1), AT_LEAST + "is 1: mark 2 more cell points"),
        (HintCounts(1, points=2, background=9), AT_LEAST + "are 2: mark 1 more cell point"),
        (
            HintCounts(1, held_out=40),
            AT_LEAST + "are none: mark 3 more cell points "
            "(the 40 hints on completely annotated images are set aside for validation)",
        ),
    ],
)
def test_too_few_hints_in_words(counts: HintCounts, says: str) -> None:
    with pytest.raises(TooFewHintsError) as caught:
        check_enough(counts, "P", POINTS)
    assert str(caught.value) == says


def test_what_else_would_do_is_said() -> None:
    needs = Needs(boxes=3, sentence="Draw boxes.")
    with pytest.raises(TooFewHintsError) as caught:
        check_enough(HintCounts(1, points=9), "B", needs, {"B": needs, "a-b": POINTS})
    assert str(caught.value) == (
        "B needs at least 3 boxes, and there are none: mark 3 more boxes. Draw boxes. "
        "Or take a-b: what is marked is enough for it."
    )
    with pytest.raises(TooFewHintsError, match=r"Draw boxes\.$"):
        check_enough(HintCounts(1, points=1), "B", needs, {"B": needs, "a-b": POINTS})


def test_enough_hints() -> None:
    check_enough(HintCounts(1, points=3), "P", POINTS)
    check_enough(HintCounts(1, points=1, boxes=2), "P", POINTS)  # a box has a middle
    says = "at least 1 cell point and 5 boxes, and there are 4 and 2: mark 3 more boxes"
    with pytest.raises(TooFewHintsError, match=says):
        check_enough(HintCounts(1, points=4, boxes=2), "B", BOXES)
