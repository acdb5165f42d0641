"""A judged rule in words: figures, interval, rows, method, and what follows from them."""

from __future__ import annotations

import math

from mlops_steps.gate.grammar import Rule
from mlops_steps.spec import Status
from mlops_steps.stats.results import Estimate, Interval, Metrics
from mlops_steps.stats.words import change, number

#: More rows than this are not worth naming.
_MANY = 100_000_000


def figures(rule: Rule, estimate: Estimate, metrics: Metrics) -> str:
    """`candidate 0.871, champion 0.959, difference -8.8 points [-13.9, -5.3], 171 rows, …`.

    Figures in the unit of the target stand without one: only the user knows it.
    """
    rows = f"{estimate.n:,} rows"
    if estimate.n != metrics.rows:
        rows += f" of {metrics.rows:,}"
    low, high, scale = estimate.low or 0.0, estimate.high or 0.0, rule.scale
    if rule.against == "bound":
        value, span = (
            number(estimate.value, scale),
            f"[{number(low, scale)}, {number(high, scale)}]",
        )
        return f"{rule.metric} {value} {span}, {rows} ({estimate.method})"
    ours = metrics.candidate.get(rule.metric)
    theirs = metrics.champion.metrics.get(rule.metric) if metrics.champion else None
    both = ""
    if ours and theirs:
        both = f"candidate {number(ours.value, scale)}, champion {number(theirs.value, scale)}, "
    unit = "points " if scale == "share" else ""
    span = f"[{change(low, scale)}, {change(high, scale)}]"
    difference = f"difference {change(estimate.value, scale)} {unit}{span}"
    return f"{both}{difference}, {rows}, paired ({estimate.method})"


def explain(rule: Rule, status: Status, rows: int | None) -> str:
    """What the rule asks for, and on which side of it the interval lies."""
    if rule.against == "bound":
        asks = "at least" if rule.operator == ">=" else "at most"
        wanted = f"the rule asks for {asks} {_bound(rule)}"
    else:
        wanted = f"the rule allows {change(rule.bound, rule.scale)}"
    if status is Status.UNDECIDED:
        tail = f"; about {rows:,} rows would decide if the figures stay" if rows else ""
        return f"{wanted}; the interval reaches to both sides of it{tail}"
    above = (rule.operator == ">=") == (status is Status.PASS)
    return f"{wanted}; the whole interval lies {'above' if above else 'below'} it"


def _bound(rule: Rule) -> str:
    return f"{rule.bound:g}" if rule.scale == "share" else number(rule.bound, rule.scale)


def rows_needed(rule: Rule, value: float, interval: Interval, rows: int) -> int | None:
    """Roughly how many rows would put the interval on one side of the bound.

    Intervals shrink with the root of the number of rows; to two figures, rounded up.

    Returns:
        None when the figure lies on the bound, or no sensible number would do.
    """
    gap = abs(value - rule.bound)
    half = value - interval[0] if value > rule.bound else interval[1] - value
    if gap == 0 or half <= gap:
        return None
    needed = rows * (half / gap) ** 2
    if not needed < _MANY:
        return None
    unit = 10 ** max(0, math.floor(math.log10(needed)) - 1)
    return int(math.ceil(needed / unit) * unit)
