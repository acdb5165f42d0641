from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_steps.gate.grammar import GrammarError, Rule, parse
from mlops_steps.stats.known import BINARY, TASKS


def read(text: str, split: str = "test") -> Rule:
    return parse(text, task="binary", split=split)


@pytest.mark.parametrize(
    ("text", "metric", "operator", "against", "bound"),
    [
        ("roc_auc >= 0.95", "roc_auc", ">=", "bound", 0.95),
        ("roc_auc>=9.5e-1", "roc_auc", ">=", "bound", 0.95),
        ("  brier <= 0.2 ", "brier", "<=", "bound", 0.2),
        ("accuracy >= champion - 0.05", "accuracy", ">=", "champion", -0.05),
        ("accuracy >= champion-0", "accuracy", ">=", "champion", 0.0),
        ("brier <= champion + 0.1", "brier", "<=", "champion", 0.1),
    ],
)
def test_a_rule_is_read(text: str, metric: str, operator: str, against: str, bound: float) -> None:
    rule = read(text)
    assert (rule.metric, rule.operator, rule.against) == (metric, operator, against)
    assert rule.bound == bound
    assert rule.text == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("acuracy >= 0.9", 'unknown metric "acuracy". Did you mean "accuracy"? Known for task'),
        ("zzz >= 0.9", 'unknown metric "zzz". Known for task binary: accuracy, average_precision'),
        ("accuracy <= 0.9", "of accuracy, more is better. Write accuracy >= …"),
        ("brier >= 0.2", "of brier, less is better. Write brier <= …"),
        ("accuracy > 0.9", "of accuracy, more is better. Write accuracy >= …"),
        ("accuracy >= 95", "the bound 95 (did you mean 0.95?): accuracy lies between 0 and 1"),
        ("accuracy >= 0", "the bound 0: accuracy lies between 0 and 1"),
        ("accuracy >= 1", "the bound 1: accuracy lies between 0 and 1"),
        ("accuracy >= 1e999", "the bound 1e999: accuracy lies between 0 and 1"),
        ("accuracy >= nan", "cannot read the rule 'accuracy >= nan'. Allowed: METRIC >= BOUND"),
        ("accuracy >= -0.5", "cannot read the rule"),
        ("accuracy >= inf", "cannot read the rule"),
        ("accuracy", "cannot read the rule 'accuracy'"),
        ("", "cannot read the rule ''"),
        ("log_loss <= 0.3", "no interval is known for log_loss that keeps its promise"),
        ("precision >= champion - 0.1", "Champion rules can use: accuracy, brier, recall, roc_auc"),
        ("accuracy >= champion", "a champion rule is written accuracy >= champion - MARGIN"),
        ("accuracy >= champion + 0.05", "is written accuracy >= champion - MARGIN"),
        ("brier <= champion - 0.05", "is written brier <= champion + MARGIN"),
        ("accuracy >= champion - 5", "the margin 5: between 0 and 1"),
        ("accuracy <= champion + 0.05", "of accuracy, more is better"),
    ],
)
def test_a_mistake_is_explained(text: str, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        read(text)
    assert message in str(caught.value)


def test_the_champion_is_compared_on_test_rows_only() -> None:
    with pytest.raises(GrammarError, match="has seen the valid rows"):
        read("accuracy >= champion - 0.05", split="valid")


@pytest.mark.parametrize(
    ("task", "text", "against", "bound", "scale"),
    [
        ("multiclass", "accuracy >= 0.9", "bound", 0.9, "share"),
        ("multiclass", "balanced_accuracy >= champion - 0.03", "champion", -0.03, "share"),
        ("regression", "rmse <= 70", "bound", 70.0, "target"),
        ("regression", "mae <= 0.001", "bound", 0.001, "target"),
        ("regression", "rmse <= champion + 1", "champion", 1.0, "target"),
        ("regression", "mae <= champion + 2500", "champion", 2500.0, "target"),
    ],
)
def test_each_task_has_its_rules(
    task: str, text: str, against: str, bound: float, scale: str
) -> None:
    rule = parse(text, task=task, split="test")
    assert (rule.against, rule.bound, rule.scale) == (against, bound, scale)


@pytest.mark.parametrize(
    ("task", "text", "message"),
    [
        ("multiclass", "roc_auc >= 0.9", "Known for task multiclass: accuracy, balanced_accuracy"),
        ("multiclass", "macro_f1 >= 0.9", "no interval is known for macro_f1 that keeps its prom"),
        ("multiclass", "macro_f1 >= champion - 0.1", "Champion rules can use: accuracy, balanced_"),
        ("multiclass", "balanced_accuracy >= 90", "the bound 90 (did you mean 0.9?)"),
        ("regression", "accuracy >= 0.9", "Known for task regression: mae, r2, rmse"),
        ("regression", "r2 >= 0.4", "no interval is known for r2"),
        ("regression", "r2 >= champion - 0.1", "Champion rules can use: mae, rmse"),
        ("regression", "rmse >= 70", "of rmse, less is better. Write rmse <= …"),
        ("regression", "rmse <= 0", "the bound 0: rmse is a finite number above 0, in the unit of"),
        ("regression", "rmse <= 1e999", "the bound 1e999: rmse is a finite number above 0"),
        ("regression", "rmse <= champion + 1e999", "the margin 1e999: a finite number"),
        ("regression", "rmse <= champion", "is written rmse <= champion + MARGIN"),
        ("regression", "rmse <= champion - 1", "is written rmse <= champion + MARGIN"),
        ("binary", "rmse <= 70", "Known for task binary"),
    ],
)
def test_a_mistake_for_a_task_is_explained(task: str, text: str, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        parse(text, task=task, split="test")
    assert message in str(caught.value)


@settings(deadline=None)
@given(
    st.sampled_from(["multiclass", "regression"]),
    st.from_regex(
        r"(rmse|mae|r2|accuracy|balanced_accuracy) ?[<>]= ?(champion ?[-+])? ?[0-9.e]{0,6}",
        fullmatch=True,
    ),
)
def test_whatever_is_written_for_a_task_is_a_rule_or_a_mistake(task: str, text: str) -> None:
    try:
        rule = parse(text, task=task, split="test")
    except GrammarError:
        return
    metric = TASKS[task][rule.metric]
    assert metric.paired if rule.against == "champion" else metric.interval
    assert math.isfinite(rule.bound)
    assert metric.scale == "target" or -1 < rule.bound < 1
    assert rule.against == "champion" or rule.bound > 0


@settings(deadline=None)
@given(st.text() | st.from_regex(r"[a-z_]{1,9} ?[<>=]{1,2} ?(champion)? ?[-+]? ?[0-9.e]{0,6}"))
def test_whatever_is_written_is_a_rule_or_a_mistake(text: str) -> None:
    try:
        rule = read(text)
    except GrammarError:
        return
    assert rule.metric in BINARY
    assert rule.operator == BINARY[rule.metric].better
    assert -1 < rule.bound < 1
