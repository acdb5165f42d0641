from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_steps.config import Task
from mlops_steps.gate.grammar import Rule, parse
from mlops_steps.gate.judge import judge
from mlops_steps.spec import Status
from mlops_steps.stats.known import SAME
from mlops_steps.stats.results import Champion, Estimate, Judged, Metrics

Pairs = list[tuple[float, float]]


def rule(text: str, task: Task = "binary") -> Rule:
    return parse(text, task=task, split="test")


def estimate(low: float, high: float, value: float | None = None, **more: Any) -> Estimate:
    middle = (low + high) / 2 if value is None else value
    fields = {"n": 171, "method": "Wilson"} | more
    return Estimate(value=middle, low=low, high=high, **fields)


def metrics(
    candidate: dict[str, Estimate], difference: dict[str, Estimate] | None = None, **more: Any
) -> Metrics:
    champion = None
    if difference is not None:
        champion = Champion(version="1.0.0", metrics=candidate)
    fields: dict[str, Any] = {"split": "test", "rows": 171, "positives": 60, "confidence": 0.95}
    return Metrics(
        candidate=candidate, champion=champion, difference=difference or {}, **(fields | more)
    )


def judged(
    texts: list[str], figures: Metrics, *, first_release: bool = False, task: Task = "binary"
) -> list[Judged]:
    return judge(
        [rule(text, task) for text in texts],
        figures,
        task=task,
        confidence=0.95,
        minimum_rows=100,
        first_release=first_release,
    )


def one(
    text: str, figures: Metrics, *, first_release: bool = False, task: Task = "binary"
) -> Judged:
    (found,) = judged([text], figures, first_release=first_release, task=task)
    return found


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [(0.95, 0.99, "pass"), (0.949, 0.99, "undecided"), (0.9, 0.95, "undecided"),
     (0.9, 0.949, "fail")],
)  # fmt: skip
def test_the_whole_interval_decides(low: float, high: float, status: str) -> None:
    found = one("roc_auc >= 0.95", metrics({"roc_auc": estimate(low, high)}))
    assert found.status == status


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [(0.02, 0.1, "pass"), (0.05, 0.12, "undecided"), (0.11, 0.2, "fail")],
)
def test_less_is_better_for_the_brier_score(low: float, high: float, status: str) -> None:
    assert one("brier <= 0.1", metrics({"brier": estimate(low, high)})).status == status


def test_a_refusal_says_figures_interval_rows_and_method() -> None:
    figures = Metrics(
        split="test", rows=171, positives=60, confidence=0.95,
        candidate={"accuracy": estimate(0.81, 0.91, 0.871)},
        champion=Champion(version="1.0.0", metrics={"accuracy": estimate(0.92, 0.98, 0.959)}),
        difference={"accuracy": estimate(-0.139, -0.053, -0.088, method="Tango")},
    )  # fmt: skip
    found = one("accuracy >= champion - 0.05", figures)
    assert found.status is Status.FAIL
    assert found.message == (
        "candidate 0.871, champion 0.959, difference -8.8 points [-13.9, -5.3], 171 rows, "
        "paired (Tango)\nthe rule allows -5.0; the whole interval lies below it"
    )
    assert (found.value, found.low, found.high, found.bound) == (-0.088, -0.139, -0.053, -0.05)
    assert (found.candidate, found.champion) == (0.871, 0.959)


def test_undecided_says_how_many_rows_would_do() -> None:
    # The lower half is 0.03 long and the bound 0.01 away: nine times the rows.
    found = one("accuracy >= 0.94", metrics({"accuracy": estimate(0.92, 0.98, 0.95)}))
    assert found.status is Status.UNDECIDED
    assert "about 1,600 rows would decide if the figures stay" in found.message
    # On the bound no number of rows would do.
    found = one("accuracy >= 0.95", metrics({"accuracy": estimate(0.92, 0.98, 0.95)}))
    assert "rows would decide" not in found.message


def test_no_champion_is_undecided_unless_it_is_a_first_release() -> None:
    texts = ["accuracy >= 0.8", "accuracy >= champion - 0.05"]
    figures = metrics({"accuracy": estimate(0.9, 0.96)})
    assert [each.status for each in judged(texts, figures)] == ["pass", "undecided"]
    found = judged(texts, figures, first_release=True)
    assert [(each.status, each.passed_over) for each in found] == [("pass", False), ("pass", True)]


def test_a_first_release_is_judged_by_something() -> None:
    figures = metrics({"accuracy": estimate(0.9, 0.96)})
    found = one("accuracy >= champion - 0.05", figures, first_release=True)
    assert (found.status, found.passed_over) == (Status.UNDECIDED, False)


def test_a_champion_is_not_passed_over() -> None:
    worse = metrics({"accuracy": estimate(0.7, 0.8)}, {"accuracy": estimate(-0.2, -0.1)})
    assert one("accuracy >= champion - 0.05", worse, first_release=True).status is Status.FAIL
    # A champion without the figure is no reason either.
    found = one("accuracy >= champion - 0.05", metrics({}, {}), first_release=True)
    assert found.status is Status.UNDECIDED


def failing(reach: Pairs) -> Estimate:
    return estimate(0.6, 0.7, holm=reach)


BELOW, ACROSS = (0.55, 0.75), (0.5, 0.85)


@pytest.mark.parametrize(
    ("reaches", "statuses"),
    [
        # The figures must hold at 3, then 2, then 1 rules, the clearest first.
        ([[BELOW, BELOW], [BELOW, ACROSS], [ACROSS, ACROSS]], ["fail", "fail", "fail"]),
        ([[ACROSS, ACROSS], [BELOW, BELOW], [BELOW, ACROSS]], ["fail", "fail", "fail"]),
        ([[BELOW, BELOW], [ACROSS, ACROSS], [ACROSS, ACROSS]], ["fail", "undecided", "undecided"]),
        ([[BELOW, ACROSS], [BELOW, ACROSS], [BELOW, ACROSS]], ["undecided"] * 3),
        # Without the wider intervals nothing can be confirmed.
        ([[], [], []], ["undecided"] * 3),
        ([[BELOW, (math.nan, math.nan)]] * 3, ["undecided"] * 3),
    ],
)
def test_a_failure_among_several_rules_needs_holm(
    reaches: list[Pairs], statuses: list[str]
) -> None:
    names = ["accuracy", "precision", "recall"]
    figures = metrics({name: failing(reach) for name, reach in zip(names, reaches, strict=True)})
    found = judged([f"{name} >= 0.8" for name in names], figures)
    assert [each.status for each in found] == statuses


def test_passing_needs_no_correction() -> None:
    names = ["accuracy", "precision", "recall"]
    figures = metrics({name: estimate(0.81, 0.9) for name in names})
    assert {each.status for each in judged([f"{name} >= 0.8" for name in names], figures)} == {
        "pass"
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"rows": 99}, {"rows": 0}, {"positives": 0}, {"positives": 171}, {"positives": 200},
        {"positives": -1}, {"positives": None}, {"task": "multiclass"}, {"task": "regression"},
        {"confidence": 0.5}, {"confidence": math.nan},
    ],
)  # fmt: skip
def test_rows_that_cannot_judge_leave_it_undecided(changed: dict[str, Any]) -> None:
    figures = msgspec.structs.replace(metrics({"accuracy": estimate(0.9, 0.99)}), **changed)
    assert one("accuracy >= 0.5", figures).status is Status.UNDECIDED


BAD = st.sampled_from([math.nan, math.inf, -math.inf, None, -2.0, 1.5, 5e300])


@settings(deadline=None)
@given(
    field=st.sampled_from(["value", "low", "high"]),
    bad=BAD,
    text=st.sampled_from(["accuracy >= 0.5", "accuracy >= champion - 0.5", "brier <= 0.5"]),
)
def test_a_figure_that_is_none_never_passes(field: str, bad: float | None, text: str) -> None:
    if field == "value" and bad is None:
        bad = math.nan
    good = estimate(0.2, 0.3) if text.startswith("brier") else estimate(0.9, 0.99)
    broken = msgspec.structs.replace(good, **{field: bad})
    figures = metrics({"accuracy": broken, "brier": broken}, {"accuracy": broken})
    assert one(text, figures).status is Status.UNDECIDED


TEXTS = ["accuracy >= 0.8", "brier <= 0.2", "accuracy >= champion - 0.1", "brier <= champion + 0.1"]
#: By the ends of its interval, what each of these rules asks for.
HOLDS: dict[str, Callable[[float, float], bool]] = {
    TEXTS[0]: lambda low, _: low >= 0.8,
    TEXTS[1]: lambda _, high: high <= 0.2,
    TEXTS[2]: lambda low, _: low >= -0.1,
    TEXTS[3]: lambda _, high: high <= 0.1,
}
ESTIMATES = st.builds(
    Estimate,
    value=st.floats(),
    low=st.floats() | st.none(),
    high=st.floats() | st.none(),
    n=st.integers(-5, 500),
    method=st.sampled_from(["", "Wilson"]),
)


@settings(deadline=None)
@given(
    strange=ESTIMATES,
    counts=st.tuples(st.integers(-5, 500), st.integers(-5, 500)),
    flags=st.tuples(st.booleans(), st.booleans()),
    text=st.sampled_from(TEXTS),
)
def test_nothing_passes_that_was_not_shown(
    strange: Estimate, counts: tuple[int, int], flags: tuple[bool, bool], text: str
) -> None:
    """Whatever the file holds: no traceback, and a pass only from a sound interval."""
    both = {"accuracy": strange, "brier": strange}
    rows, positives = counts
    champion, first_release = flags
    figures = metrics(both, both if champion else None, rows=rows, positives=positives)
    found = one(text, figures, first_release=first_release)
    assert found.message
    if found.status is Status.PASS:
        assert rows >= 100
        assert strange.low is not None
        assert strange.high is not None
        assert -1 <= strange.low < strange.high <= 1
        assert HOLDS[text](strange.low, strange.high)


@settings(deadline=None)
@given(st.sampled_from(["accuracy >= 0.8", "brier <= 0.2", "roc_auc >= champion - 0.1"]))
def test_a_missing_figure_never_passes(text: str) -> None:
    assert one(text, metrics({}, {})).status is Status.UNDECIDED
    assert one(text, metrics({})).status is Status.UNDECIDED


NUMBERS: dict[str, Any] = {"task": "regression", "positives": None, "target_sd": 77.0}
CLASSES: dict[str, Any] = {"task": "multiclass", "positives": None, "classes": 10}


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [(49.0, 62.0, "pass"), (49.0, 71.0, "undecided"), (70.5, 90.0, "fail")],
)
def test_an_error_is_judged_in_the_unit_of_the_target(low: float, high: float, status: str) -> None:
    found = one("rmse <= 70", metrics({"rmse": estimate(low, high)}, **NUMBERS), task="regression")
    assert (found.status, found.scale) == (status, "target")


def test_words_about_an_error_have_no_points() -> None:
    ours, theirs = estimate(49.04, 62.37, 55.123, n=133), estimate(50, 60, 54.8)
    figures = metrics(
        {"rmse": ours}, {"rmse": estimate(-1.23, 1.877, 0.323, method="Student")}, **NUMBERS
    )
    figures = msgspec.structs.replace(
        figures, rows=133, champion=Champion(version="1.0.0", metrics={"rmse": theirs})
    )
    found = judged(["rmse <= 70", "rmse <= champion + 1"], figures, task="regression")
    assert found[0].message == (
        "rmse 55.12 [49.04, 62.37], 133 rows (Wilson)\n"
        "the rule asks for at most 70; the whole interval lies below it"
    )
    assert found[1].message.split("; about")[0] == (
        "candidate 55.12, champion 54.8, difference 0.323 [-1.23, 1.88], 171 rows of 133, "
        "paired (Student)\nthe rule allows 1; the interval reaches to both sides of it"
    )


def test_the_same_predictions_are_no_worse_and_nothing_else_without_width_is() -> None:
    def status(text: str, **fields: Any) -> str:
        same = Estimate(**({"value": 0.0, "low": 0.0, "high": 0.0, "n": 133} | fields))
        both = {"rmse": same, "mae": same}
        return one(text, metrics(both, both, **NUMBERS), task="regression").status

    assert status("rmse <= champion + 1", method=SAME) == "pass"
    assert status("rmse <= champion + 0", method=SAME) == "pass"
    assert status("rmse <= champion + 1", method="Student") == "undecided"
    assert status("rmse <= champion + 1", method=SAME, n=0) == "undecided"
    assert status("rmse <= champion + 1", method=SAME, value=-9.0, low=-9.0, high=-9.0) == (
        "undecided"
    )
    # A model that makes no error is too good to be believed without knowing how sure that is.
    assert status("rmse <= 70", method=SAME) == "undecided"


@pytest.mark.parametrize(
    ("task", "text", "good", "changed"),
    [
        ("regression", "rmse <= 70", NUMBERS, {"target_sd": 0.0}),
        ("regression", "rmse <= 70", NUMBERS, {"target_sd": None}),
        ("regression", "rmse <= 70", NUMBERS, {"target_sd": math.nan}),
        ("regression", "rmse <= 70", NUMBERS, {"target_sd": math.inf}),
        ("regression", "rmse <= 70", NUMBERS, {"task": "binary", "positives": 60}),
        ("multiclass", "accuracy >= 0.5", CLASSES, {"classes": 1}),
        ("multiclass", "accuracy >= 0.5", CLASSES, {"classes": 0}),
        ("multiclass", "accuracy >= 0.5", CLASSES, {"classes": None}),
        ("multiclass", "accuracy >= 0.5", CLASSES, {"classes": 172}),
        ("multiclass", "accuracy >= 0.5", CLASSES, {"task": "binary", "positives": 60}),
    ],
)
def test_rows_that_cannot_judge_a_task_leave_it_undecided(
    task: Task, text: str, good: dict[str, Any], changed: dict[str, Any]
) -> None:
    candidate = {"rmse": estimate(40, 60), "accuracy": estimate(0.8, 0.9)}
    assert one(text, metrics(candidate, **good), task=task).status is Status.PASS
    spoilt = metrics(candidate, **(good | changed))
    assert one(text, spoilt, task=task).status is Status.UNDECIDED


@settings(deadline=None)
@given(strange=ESTIMATES, text=st.sampled_from(["rmse <= 70", "mae <= champion + 1"]))
def test_no_strange_error_passes(strange: Estimate, text: str) -> None:
    both = {"rmse": strange, "mae": strange}
    found = one(text, metrics(both, both, **NUMBERS), task="regression")
    assert found.message
    if found.status is Status.PASS:
        assert strange.low is not None
        assert strange.high is not None
        assert math.isfinite(strange.low)
        assert strange.low < strange.high <= (70 if "rmse" in text else 1)
        assert text != "rmse <= 70" or strange.low >= 0
