"""Run the checks: one pass for all of them, one for what may repeat, one for what to show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from mlops_steps.data.tables import identifier
from mlops_steps.validate_data.checks import Check
from mlops_steps.validate_data.contract import Severity
from mlops_steps.validate_data.totals import Total
from mlops_steps.validate_data.view import CELL, View

#: How many of the failing rows that a result names its message does.
NAMED_ROWS = 5
_THERE = re.compile(r'("(?:[^"]|"")*") IS NOT NULL')

Verdict = Literal["pass", "fail", "undecided"]


class Result(msgspec.Struct, kw_only=True, frozen=True):
    """One check as judged; a row of `checks.json`.

    Attributes:
        check: Its kind: type, nulls, range, set, regex, length, unique, mean, quantile, share,
            distinct, fresh, rule, group, reference, rows, change, columns, copies, key,
            twice, split, target, file, listed, leak, size, whole, once, personal or personal-name.
        column: The column's name, empty for a check of the whole table.
        n: Rows looked at; for a rule of groups, groups.
        n_failed: Rows that break it; for a check of the whole table 1 or 0.
        message: In words; empty if it passed with nothing to say.
        rows: The first failing rows, counted from 1 below the header.
        cells: What those rows hold, redacted unless the contract says otherwise.
        severity: A `warn` is told, and decides nothing.
        idle: It passed, and could not have failed on these rows: see `could_not_fail`.
    """

    check: str
    column: str = ""
    status: Verdict
    n: int
    n_failed: int = 0
    message: str = ""
    rows: list[int] = []
    cells: list[str] = []
    severity: Severity = "error"
    idle: bool = False

    @property
    def share(self) -> float:
        """Failed rows among those looked at."""
        return self.n_failed / self.n if self.n else 0.0


def judged(
    kind: str,
    column: str,
    *,
    n: int,
    n_failed: int,
    undecided: str,
    message: str,
    severity: Severity = "error",
    tolerate: float = 0,
    idle: str = "",
    **more: Any,
) -> Result:
    """A result: undecided with its reason; else failed if more than the tolerated share is.

    `idle` says why it could not have failed, if it could not.
    """
    status: Verdict = "pass"
    if undecided:
        status, message, n, n_failed, more, idle = "undecided", undecided, 0, 0, {}, ""
    elif not n_failed:
        message, more = f"could not have failed: {idle}" if idle else "", {}
    elif n_failed / n > tolerate:
        status = "fail"
    else:
        message += f"; {tolerate:.3%} is tolerated"
    return Result(
        check=kind, column=column, status=status, n=n, n_failed=n_failed, message=message,
        severity=severity, idle=bool(idle), **more,
    )  # fmt: skip


def judge(
    view: View, checks: list[Check], totals: Sequence[Total] = (), *, samples: str = "none"
) -> tuple[int, list[Result]]:
    """Judge checks of rows, and of all rows together.

    Args:
        view: The rows.
        checks: Conditions on a row.
        totals: Conditions on aggregates.
        samples: How cells are shown: redacted, shown or none.

    Returns:
        The number of rows looked at, and one result a check, in order. Without rows nothing
        can be judged: every check is undecided.
    """
    asked = [check for check in checks if not check.undecided]
    # What a column's own type rules out is asked of no row.
    by_row = [check for check in asked if not check.distinct and check.violation != "false"]
    proven = view.proven(by_row)
    # A condition that is NULL is a defect of ours: the row counts as failed.
    broken_by = {
        check: f"count_if(({_tried(check, check.violation)}) IS DISTINCT FROM false)"
        for check in by_row
        if check not in proven
    }
    apart = view.apart([check for check in asked if check.distinct])
    looks = {each.looks: _count(_tried(each, each.looks)) for each in asked if each.looks}
    wants = [want for total in totals for want in total.wants]
    told = [each for each in apart.values() if each]
    found = view.answers("count(*)", *broken_by.values(), *looks.values(), *wants, *told)
    rows = int(found["count(*)"])
    failed = {check: int(found[sql] or 0) for check, sql in broken_by.items()}
    kept: dict[str, str] = {}
    repeats: dict[str, int] = {}
    for check, sql in apart.items() if rows else ():
        value = check.distinct
        if found.get(sql) is True:
            failed[check] = 0
            continue
        if value not in repeats:
            kept[value] = identifier(f"*repeated {len(kept)}*")
            repeats[value] = view.keep_repeated(value, kept[value])
        failed[check] = repeats[value]
    broken = [check for check in checks if failed.get(check)]
    wanted = [(_violation(each, kept), _shows(each, samples)) for each in broken]
    places = dict(zip(broken, view.first(wanted) if wanted else [], strict=True))
    seen = {each: int(found[sql] or 0) for each, sql in looks.items()} | {"": rows}
    results = [
        of_check(check, rows, failed.get(check, 0), places.get(check, []), seen.get(check.looks, 0))
        for check in checks
    ]
    results += [of_total(total, rows, [found[want] for want in total.wants]) for total in totals]
    return rows, results


def _count(condition: str) -> str:
    """SQL for how many rows a condition holds; a column's values its file may have counted."""
    there = _THERE.fullmatch(condition)
    return f"count({there[1]})" if there else f"count_if({condition})"


def could_not_fail(check: Check, rows: int, looked: int) -> str:
    """Why a check that passed could not have failed, in words; empty if it could.

    Args:
        check: The check.
        rows: Rows that there are.
        looked: Those for which `check.looks` is true.
    """
    if not looked:
        return "it looks at none of the rows"
    if check.distinct and looked == 1:
        return "it looks at one row alone, which nothing can repeat"
    if looked / rows <= check.tolerate:
        return f"it looks at {looked:,} of {rows:,} rows, and tolerates as many"
    return ""


def of_check(
    check: Check, rows: int, n_failed: int, places: list[tuple[int, str]], looked: int
) -> Result:
    """The result of a check of rows.

    Args:
        check: The check.
        rows: Rows that there are.
        n_failed: Those that break it.
        places: Numbers of the first of these, with what is shown of them.
        looked: Rows for which `check.looks` is true.
    """
    numbers = [number for number, _ in places]
    return judged(
        check.kind,
        check.column,
        n=rows,
        n_failed=n_failed,
        undecided=check.undecided or ("" if rows else "no rows to look at"),
        message=f"{n_failed:,} of {rows:,} rows {check.broken} ({shown(numbers, n_failed)})",
        rows=numbers,
        cells=[cell for _, cell in places if cell],
        severity=check.severity,
        tolerate=check.tolerate,
        idle="" if check.undecided or not rows else could_not_fail(check, rows, looked),
    )


def of_total(total: Total, rows: int, found: list[Any]) -> Result:
    """The result of a check of all `rows` together; `found` are the answers to its `wants`."""
    undecided = total.undecided or ("" if rows else "no rows to look at")
    n, *answers = found or [0]
    if not undecided and not n:
        undecided = "no row has a value"
    told = "" if undecided else total.told(*answers)
    message, n_failed = told if isinstance(told, tuple) else (told, int(bool(told)))
    return judged(
        total.kind, total.column, n=n, n_failed=n_failed,
        undecided=undecided, message=message, severity=total.severity,
    )  # fmt: skip


def _tried(check: Check, sql: str) -> str:
    """A user's rule may overflow, divide by zero or convert what cannot be: true where it does.

    Such a row is not shown to keep it; and DuckDB's error would quote the row's value.
    """
    return f"(TRY({sql}) IS DISTINCT FROM false)" if check.kind == "rule" else sql


def _violation(check: Check, kept: Mapping[str, str]) -> str:
    if not check.distinct:
        return _tried(check, check.violation)
    values = f"SELECT value FROM {kept[check.distinct]}"
    return f"coalesce(({check.distinct}) IN ({values}), false)"  # NULL repeats nothing


def _shows(check: Check, samples: str) -> str:
    """SQL for a cell as it is shown: redacted, digits are 9 and letters x."""
    if samples == "none" or not check.shows:
        return ""
    if samples == "shown":
        return check.shows
    digits = f"regexp_replace(left({check.shows}, {CELL}), '\\p{{N}}', '9', 'g')"
    return f"regexp_replace({digits}, '\\p{{L}}', 'x', 'g')"


def shown(numbers: list[int], n_failed: int) -> str:
    """`row 3`, `rows 3, 17`, `rows 3, 17, 20, 31, 40, …`."""
    listed = ", ".join(str(number) for number in numbers[:NAMED_ROWS])
    more = ", …" if n_failed > len(numbers[:NAMED_ROWS]) else ""
    return f"row{'s' if n_failed > 1 else ''} {listed}{more}"
