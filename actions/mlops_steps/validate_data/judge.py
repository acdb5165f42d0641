"""Run the checks: one pass for all of them, one for each that repeats, one for what to show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb
import msgspec

from mlops_steps.data.tables import ROW, identifier
from mlops_steps.validate_data.checks import Check
from mlops_steps.validate_data.contract import Severity
from mlops_steps.validate_data.totals import Total

#: How many failing rows a result names, and how many of these its message does.
SHOWN_ROWS = 20
NAMED_ROWS = 5
#: Characters of a cell that a result shows.
CELL = 40

#: Aggregates of one pass, at most: each takes memory that DuckDB's limit does not count.
TOGETHER = 512

#: Rows from which on it is faster to ask footers first, by a query for each of so many checks.
WORTH, ASKED = 200_000, 64

#: Bits of memory for telling whole numbers apart, for each thread: 32 MiB.
BITS = 1 << 28

#: Rows of the file among which those to show are looked for first.
FIRST_ROWS = 200_000
_ROW = identifier(ROW)
_THERE = re.compile(r'("(?:[^"]|"")*") IS NOT NULL')

Verdict = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True)
class View:
    """The rows that are looked at: those of `table` (a `scan`) for which `where` is true.

    `footers` reads the same rows of Parquet as DuckDB would (`tables.footers`); else it is empty.
    """

    connection: duckdb.DuckDBPyConnection
    table: str
    where: str
    footers: str = ""

    def one(self, *wanted: str) -> tuple[Any, ...]:
        """One row of aggregates over them.

        Different values are counted by themselves: beside them, and a list, all others would take
        DuckDB 2.0.0 two to five times as long.
        """
        apart = [each for each in wanted if "(DISTINCT" in each]
        found: dict[str, Any] = {}
        for some in ([each for each in wanted if each not in apart], apart):
            found |= zip(some, self._in_passes(some, self.table), strict=True)
        return tuple(found[each] for each in wanted)

    def ask(self, query: str) -> tuple[Any, ...]:
        """The first row of a query."""
        return self.connection.execute(query).fetchone() or ()

    def proven(self, checks: Sequence[Check]) -> set[Check]:
        """Those that footers alone show to hold of all rows, and so of those that are looked at."""
        told = [check for check in checks if check.footer] if self.footers else []
        if not told or self.ask(f"SELECT count(*) FROM {self.footers}") < (WORTH,):
            return set()
        return {
            check
            for check in told[:ASKED]
            if self.ask(f"SELECT {check.footer} FROM {self.footers}") == (True,)
        }

    def refused(self, query: str) -> str:
        """Why the types in a query do not fit; empty if they do. Nothing is read."""
        try:
            self.connection.execute(f"EXPLAIN {query}")
        except (duckdb.BinderException, duckdb.ConversionException) as error:
            return str(error).splitlines()[0].partition(": ")[2].partition(". ")[0]
        return ""

    def first(self, violations: Sequence[tuple[str, str]]) -> list[list[tuple[int, str]]]:
        """The first rows for which each violation is true: numbers from 1, and what they show.

        A violation comes with SQL for what is shown, empty for nothing. The first rows of the
        file nearly always hold enough of them; the others are looked for in one more pass.
        """
        places: list[list[int]] = [[] for _ in violations]
        for limit in (FIRST_ROWS, None):
            left = [at for at, rows in enumerate(places) if len(rows) < SHOWN_ROWS]
            wanted = [
                f"min({_ROW}, {SHOWN_ROWS}) FILTER (WHERE coalesce({violations[at][0]}, true))"
                for at in left
            ]
            if wanted:
                answers = self._in_passes(wanted, self._numbered(limit))
                for at, found in zip(left, answers, strict=True):
                    places[at] = sorted(found or [])
        some = {row for rows in places for row in rows} or {0}
        cells = [f"left(CAST({shows or 'NULL'} AS VARCHAR), {CELL})" for _, shows in violations]
        listed = ", ".join(map(str, sorted(some)))
        query = (
            f"SELECT {_ROW}, {', '.join(cells)} FROM {self._numbered(max(some))} "
            f"WHERE {_ROW} IN ({listed})"
        )
        shown = {number: texts for number, *texts in self.connection.execute(query).fetchall()}
        return [
            [(number, shown[number][at] or "") for number in rows] for at, rows in enumerate(places)
        ]

    def _in_passes(self, wanted: Sequence[str], table: str) -> tuple[Any, ...]:
        found: tuple[Any, ...] = ()
        for first in range(0, len(wanted), TOGETHER):
            some = ", ".join(wanted[first : first + TOGETHER])
            found += self.ask(f"SELECT {some} FROM {table} WHERE {self.where}")
        return found

    def _numbered(self, limit: int | None = None) -> str:
        """The rows of the file, or the first of them, with their numbers as `ROW`."""
        rows = "" if limit is None else f" LIMIT {limit}"
        return f"(SELECT *, row_number() OVER () AS {_ROW} FROM (SELECT * FROM {self.table}{rows}))"

    def all_differ(self, value: str, low: int | None, high: int | None) -> bool:
        """Whether no two rows share a whole number between two: one bit for each there may be.

        False may also mean that this would take too much memory.
        """
        if low is None or high is None or high - low >= BITS:
            return False
        bits = f"bit_count(bitstring_agg({value}, {low}, {high}))"
        different, there = self.one(bits, f"count({value})")
        return bool(different == there)

    def repeated(self, value: str) -> str:
        """SQL for the values that more than one row has, with `times`, how often."""
        return (
            f"SELECT {value} AS value, count(*) AS times FROM {self.table} "
            f"WHERE {self.where} AND ({value}) IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
        )

    def count_repeated(self, value: str) -> int:
        """How many rows share their value with another."""
        (count,) = self.ask(f"SELECT coalesce(sum(times), 0) FROM ({self.repeated(value)})")
        return int(count)


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
    by_row = [check for check in by_row if check not in proven]
    repeating = [check for check in asked if check.distinct]
    # A condition that is NULL is a defect of ours: the row counts as failed.
    conditions = [
        f"count_if(({_tried(each, each.violation)}) IS DISTINCT FROM false)" for each in by_row
    ]
    wants = [want for total in totals for want in total.wants]
    integers = dict.fromkeys(check.distinct for check in repeating if check.whole)
    ends = [f"{end}({value})" for value in integers for end in ("min", "max")]
    looks = {each.looks: _tried(each, each.looks) for each in asked if each.looks}
    looked = [_count(each) for each in looks.values()]
    rows, *counts = view.one("count(*)", *conditions, *wants, *looked, *ends)
    failed = dict(zip(by_row, counts, strict=False))
    seen = dict(zip(looks, counts[len(conditions) + len(wants) :], strict=False))
    seen[""] = rows
    limits = counts[len(conditions) + len(wants) + len(looked) :]
    spans = dict(zip(integers, zip(limits[::2], limits[1::2], strict=True), strict=True))
    repeats: dict[str, int] = {}
    for check in repeating if rows else []:
        if check.distinct not in repeats:
            span = spans.get(check.distinct)
            unique = span is not None and view.all_differ(check.distinct, *span)
            repeats[check.distinct] = 0 if unique else view.count_repeated(check.distinct)
        failed[check] = repeats[check.distinct]
    broken = [check for check in checks if failed.get(check)]
    wanted = [(_violation(view, each), _shows(each, samples)) for each in broken]
    places = dict(zip(broken, view.first(wanted) if wanted else [], strict=True))
    results = [
        of_check(
            check, rows, failed.get(check) or 0, places.get(check, []), seen.get(check.looks, rows)
        )
        for check in checks
    ]
    answers = iter(counts[len(conditions) :])
    for total in totals:
        mine = [next(answers) for _ in total.wants]
        results.append(of_total(total, rows, mine))
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


def _violation(view: View, check: Check) -> str:
    if not check.distinct:
        return _tried(check, check.violation)
    values = f"SELECT value FROM ({view.repeated(check.distinct)})"
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
