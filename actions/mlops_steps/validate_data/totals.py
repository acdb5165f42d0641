"""Checks of a column as a whole: its mean, quantiles, shares, distinct values and age.

Each is a few aggregates of the one pass that judges all checks, and what they come to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from mlops_steps.data.tables import identifier, literal
from mlops_steps.validate_data.cells import Cells, unreadable
from mlops_steps.validate_data.contract import (
    Bounds,
    Column,
    Counts,
    Environment,
    Fresh,
    Quantile,
    Severity,
)

#: What is wrong, in words; with the number of rows that are wrong, where it is known.
Told = str | tuple[str, int]


@dataclass(frozen=True)
class Total:
    """One thing to judge of all rows together.

    Attributes:
        kind: mean, quantile, share, distinct or fresh.
        column: The column's name.
        wants: SQL for aggregates. The first counts the rows that they are about; without any
            the check cannot be judged.
        told: From the other aggregates to what is wrong; empty if nothing is.
        undecided: Why it cannot be judged, if it cannot.
        severity: Whether it decides (error) or only says something (warn).
    """

    kind: str
    column: str
    wants: tuple[str, ...] = ()
    told: Callable[..., Told] = lambda *_: ""
    undecided: str = ""
    severity: Severity = "error"


def totals(cells: Cells, now: datetime, environment: Environment = "training") -> list[Total]:
    """The checks of whole columns that a contract asks for.

    `fresh` counts from `now`. In an `environment` that does not need it, a column may be missing.
    """
    contract, kinds = cells.contract, cells.kinds
    found: list[Total] = []
    for name, column in contract.columns.items():
        wanted = _column(name, column, cells)
        if name in kinds and cells.typed and (reason := unreadable(column.type, kinds[name])):
            found += [replace(each, wants=(), undecided=reason) for each in wanted]
        elif name in kinds:
            found += wanted
        elif environment in column.environments:
            found += [_missing(each) for each in wanted]
    for fresh in contract.fresh:
        total = _age(fresh, cells, now)
        total = replace(total, severity=fresh.severity)
        reason = unreadable("timestamp", kinds.get(fresh.column, "TIMESTAMP")) * cells.typed
        total = replace(total, wants=(), undecided=reason) if reason else total
        found.append(total if fresh.column in kinds else _missing(total))
    return found


def _missing(total: Total) -> Total:
    return replace(total, wants=(), undecided="the table has no such column")


def _column(name: str, column: Column, cells: Cells) -> list[Total]:
    value = cells.value(name)
    there = f"NOT ({cells.absent(name)})"
    finite = f"{there} AND coalesce(isfinite({value}), false)"
    found = []
    if column.mean is not None:
        wants = (f"count_if({finite})", f"avg({value}) FILTER (WHERE {finite})")
        found.append(Total("mean", name, wants, _within("mean", column.mean)))
    found += [Total("quantile", name, *_quantile(value, finite, q)) for q in column.quantiles]
    for share in column.shares:
        same = f"CAST({identifier(name)} AS VARCHAR) = {literal(share.value)}"
        wants = (f"count_if({there})", f"avg(CAST({same} AS INTEGER)) FILTER (WHERE {there})")
        found.append(Total("share", name, wants, _within(f"share of {share.value}", share)))
    if column.distinct is not None:
        wants = (f"count_if({there})", f"count(DISTINCT {value}) FILTER (WHERE {there})")
        found.append(Total("distinct", name, wants, _counted(column.distinct)))
    return [replace(each, severity=column.severity) for each in found]


def _within(what: str, wanted: Bounds) -> Callable[..., str]:
    def told(found: float) -> str:
        if wanted.min is not None and not found >= wanted.min:
            return f"{what} {found:.6g}, at least {wanted.min:g} is wanted"
        if wanted.max is not None and not found <= wanted.max:
            return f"{what} {found:.6g}, at most {wanted.max:g} is wanted"
        return ""

    return told


def _counted(wanted: Counts) -> Callable[..., str]:
    def told(found: int) -> str:
        if wanted.min is not None and found < wanted.min:
            return f"{found:,} different values, at least {wanted.min:,} are wanted"
        if wanted.max is not None and found > wanted.max:
            return f"{found:,} different values, at most {wanted.max:,} are wanted"
        return ""

    return told


def _quantile(
    value: str, finite: str, wanted: Quantile
) -> tuple[tuple[str, ...], Callable[..., str]]:
    """A bound on a quantile is one on two counts, exact and without sorting.

    With F the share of values at or below: the quantile Q, the least v with F(v) >= q, is at
    most `max` if and only if F(max) >= q, and at least `min` if and only if less than q lies
    below `min`.
    """
    counts = [f"count_if({finite})"]
    for bound, sign in ((wanted.min, "<"), (wanted.max, "<=")):
        at = "0" if bound is None else f"count_if({finite} AND {value} {sign} {bound!r})"
        counts.append(at)
    q = wanted.at

    def told(rows: int, below: int, within: int) -> str:
        if wanted.min is not None and below >= q * rows:
            return f"{below / rows:.1%} of values below {wanted.min:g}: the {q:g} quantile is, too"
        if wanted.max is not None and within < q * rows:
            above = 1 - within / rows
            return f"{above:.1%} of values above {wanted.max:g}: the {q:g} quantile is, too"
        return ""

    return (counts[0], *counts), told


def _age(fresh: Fresh, cells: Cells, now: datetime) -> Total:
    name, within = fresh.column, fresh.within
    value = f"CAST({cells.value(name)} AS TIMESTAMP)"
    at = f"TIMESTAMP {literal(now.astimezone(UTC).strftime('%Y-%m-%d %H:%M:%S.%f'))}"
    number, unit = within.split()
    oldest = f"{at} - INTERVAL {number} {unit}"
    wants = (f"count({value})", f"max({value})", f"max({value}) < {oldest}", f"max({value}) > {at}")

    def told(latest: Any, old: bool, ahead: bool) -> str:  # noqa: FBT001 - an answer of SQL
        if old:
            return f"the latest value is {latest} (UTC), older than {within}"
        return f"the latest value is {latest} (UTC), which is still to come" if ahead else ""

    return Total("fresh", name, wants, told)
