"""Judge each rule on its interval: what is not shown is not passed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from mlops_steps.config import Task
from mlops_steps.gate.grammar import Rule
from mlops_steps.gate.words import explain, figures, rows_needed
from mlops_steps.spec import Status
from mlops_steps.stats.known import SAME
from mlops_steps.stats.results import Estimate, Interval, Judged, Metrics


def judge(
    rules: Sequence[Rule],
    metrics: Metrics,
    *,
    task: Task,
    confidence: float,
    minimum_rows: int,
    first_release: bool,
) -> list[Judged]:
    """A verdict on each rule, in their order.

    A rule passes when its whole interval satisfies it. That all rules have to pass is an
    intersection-union test (R. L. Berger, Technometrics 24 (1982) 295-300): each is held to
    the full confidence and no correction is due. A rule fails when its whole interval
    violates it, and then one false alarm among many rules has to be allowed for: S. Holm,
    "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979) 65-70. Everything else is undecided.
    """
    flaw = _flaw_of_all(metrics, confidence, minimum_rows) or _flaw_of_rows(metrics, task)
    judged = [
        _undecided(rule, flaw) if flaw else _judge_one(rule, metrics, first_release=first_release)
        for rule in rules
    ]
    judged = _holm(judged, rules, metrics)
    if judged and all(each.passed_over for each in judged):
        # A gate that has looked at nothing has shown nothing.
        reason = "every rule is about the champion, so a first release would be judged by none"
        return [_undecided(rule, reason) for rule in rules]
    return judged


def _flaw_of_all(metrics: Metrics, confidence: float, minimum_rows: int) -> str:
    """Why nothing in the file can be judged, or nothing."""
    if not math.isclose(metrics.confidence, confidence):
        return (
            f"the intervals were made with confidence {metrics.confidence}, "
            f"mlops.yaml asks for {confidence}"
        )
    if metrics.rows < minimum_rows:
        return f"{metrics.rows} rows; gate.minimum_rows asks for {minimum_rows}"
    return ""


def _flaw_of_rows(metrics: Metrics, task: Task) -> str:
    """Why these rows cannot judge a model of this task, or nothing."""
    rows, flaw = metrics.rows, ""
    if metrics.task != task:
        flaw = f"the figures are of a model for {metrics.task}, mlops.yaml says {task}"
    elif task == "binary" and not 0 < (metrics.positives or 0) < rows:
        flaw = f"{metrics.positives} of {rows} rows are positive; both labels are needed"
    elif task == "multiclass" and not 1 < (metrics.classes or 0) <= rows:
        flaw = f"{metrics.classes} classes among {rows} rows; at least two are needed"
    elif task == "regression" and not 0 < (metrics.target_sd or 0.0) < math.inf:
        flaw = f"the target does not vary among {rows} rows, so nothing was to be predicted"
    return flaw


def _judge_one(rule: Rule, metrics: Metrics, *, first_release: bool) -> Judged:
    if rule.against == "champion" and metrics.champion is None:
        if not first_release:
            return _undecided(
                rule,
                "there is no champion to compare with; "
                "a first release needs the input first-release",
            )
        message = "passed over: there is no champion yet, and this is declared a first release"
        return _judged(rule, Status.PASS, message, passed_over=True)
    estimate = _estimate(rule, metrics)
    flaw = _flaw(rule, estimate)
    if flaw or estimate is None or estimate.low is None or estimate.high is None:
        return _undecided(rule, f"{rule.metric}: {flaw}")
    shown = figures(rule, estimate, metrics)
    interval = (estimate.low, estimate.high)
    status = Status.UNDECIDED
    if _satisfies(rule, interval):
        status = Status.PASS
    elif _violates(rule, interval):
        status = Status.FAIL
    rows = rows_needed(rule, estimate.value, interval, metrics.rows)
    message = f"{shown}\n{explain(rule, status, rows)}"
    return _judged(rule, status, message, estimate=estimate, metrics=metrics)


def _holm(judged: list[Judged], rules: Sequence[Rule], metrics: Metrics) -> list[Judged]:
    """Keep the failures that Holm's procedure confirms; the others become undecided."""
    tested = sum(each.value is not None for each in judged)
    # Up to which k a rule's interval at 1 - (1 - confidence) / k still violates it.
    reach = {
        index: _reach(rules[index], metrics, tested)
        for index, each in enumerate(judged)
        if each.status is Status.FAIL
    }
    result = list(judged)
    left = tested
    for index in sorted(reach, key=lambda each: -reach[each]):
        if reach[index] >= left > 0:
            left -= 1
            continue
        left = 0  # Holm stops at the first that does not hold
        wider = (
            f"the whole interval violates the rule, but with {tested} rules judged a failure "
            "needs a wider one to violate it too (Holm), and that one does not"
        )
        first = judged[index].message.split("\n")[0]
        result[index] = _replaced(judged[index], Status.UNDECIDED, f"{first}\n{wider}")
    return result


def _reach(rule: Rule, metrics: Metrics, tested: int) -> int:
    estimate = _estimate(rule, metrics)
    wider = estimate.holm if estimate else []
    reached = 1
    for k, (low, high) in enumerate(wider[: tested - 1], start=2):
        if not (math.isfinite(low) and math.isfinite(high) and _violates(rule, (low, high))):
            break
        reached = k
    return reached


def _estimate(rule: Rule, metrics: Metrics) -> Estimate | None:
    if rule.against == "champion":
        return metrics.difference.get(rule.metric)
    return metrics.candidate.get(rule.metric)


def _flaw(rule: Rule, estimate: Estimate | None) -> str:
    """Why an estimate cannot be judged, or nothing. Every comparison is false for NaN."""
    if estimate is None:
        return "not among the figures that evaluate wrote"
    value, low, high = estimate.value, estimate.low, estimate.high
    floor, top, allowed = _range(rule)
    flaw = ""
    if not (floor <= value <= top and math.isfinite(value)):
        flaw = f"the value is {value}, which is not {allowed}"
    elif low is None or high is None or not estimate.method:
        flaw = "has no interval"
        if rule.scale == "target":
            flaw += ": the errors hardly vary, or the two models hardly differ"
    elif not floor <= low <= value <= high <= top or math.isinf(high - low):
        flaw = f"[{low}, {high}] is no interval around {value}"
    elif not low < high and not _same(rule, estimate):
        flaw = "the interval has no width, so nothing was learnt about how sure the figure is"
    elif estimate.n < 1:
        flaw = "rests on no rows"
    return flaw


def _range(rule: Rule) -> tuple[float, float, str]:
    """The least and the most that a figure can be, and that in words."""
    if rule.scale == "target":
        if rule.against == "champion":
            return -math.inf, math.inf, "a finite number"
        return 0.0, math.inf, "a finite number of 0 or more"
    floor = -1.0 if rule.against == "champion" else 0.0
    return floor, 1.0, f"between {floor:g} and 1"


def _same(rule: Rule, estimate: Estimate) -> bool:
    """Both models said the same of every row: then their errors' difference is known, it is 0."""
    return (
        rule.scale == "target"
        and rule.against == "champion"
        and estimate.method == SAME
        and estimate.value == 0
    )


def _satisfies(rule: Rule, interval: Interval) -> bool:
    low, high = interval
    return low >= rule.bound if rule.operator == ">=" else high <= rule.bound


def _violates(rule: Rule, interval: Interval) -> bool:
    low, high = interval
    return high < rule.bound if rule.operator == ">=" else low > rule.bound


def _undecided(rule: Rule, reason: str) -> Judged:
    return _judged(rule, Status.UNDECIDED, reason)


def _judged(
    rule: Rule,
    status: Status,
    message: str,
    *,
    passed_over: bool = False,
    estimate: Estimate | None = None,
    metrics: Metrics | None = None,
) -> Judged:
    ours = metrics.candidate.get(rule.metric) if metrics else None
    theirs = metrics.champion.metrics.get(rule.metric) if metrics and metrics.champion else None
    return Judged(
        rule=rule.text,
        status=status,
        metric=rule.metric,
        against=rule.against,
        operator=rule.operator,
        bound=rule.bound,
        scale=rule.scale,
        value=estimate.value if estimate else None,
        low=estimate.low if estimate else None,
        high=estimate.high if estimate else None,
        n=estimate.n if estimate else None,
        method=estimate.method if estimate else "",
        candidate=_finite(ours),
        champion=_finite(theirs),
        passed_over=passed_over,
        message=message,
    )


def _finite(estimate: Estimate | None) -> float | None:
    return estimate.value if estimate and math.isfinite(estimate.value) else None


def _replaced(judged: Judged, status: Status, message: str) -> Judged:
    return msgspec.structs.replace(judged, status=status, message=message)
