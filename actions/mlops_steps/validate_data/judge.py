"""Run the checks: one pass over the table for all of them, and one more for each that repeats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import duckdb
import msgspec

from mlops_steps.data.tables import ROW, identifier
from mlops_steps.validate_data.checks import Check

#: How many row numbers a finding names. Never their values: a log is read by many.
SHOWN_ROWS = 5

Verdict = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True)
class View:
    """The rows that are looked at: those of `table` (a `scan`) for which `where` is true."""

    connection: duckdb.DuckDBPyConnection
    table: str
    where: str

    def one(self, *wanted: str) -> tuple[Any, ...]:
        """One row of aggregates over them."""
        query = f"SELECT {', '.join(wanted)} FROM {self.table} WHERE {self.where}"
        return self.connection.execute(query).fetchone() or ()

    def first(self, violation: str) -> list[int]:
        """The numbers in the file, from 1, of the first rows for which `violation` is true."""
        row = identifier(ROW)
        numbered = f"(SELECT *, row_number() OVER () AS {row} FROM {self.table})"
        found = self.connection.execute(
            f"SELECT {row} FROM {numbered} WHERE {self.where} AND coalesce({violation}, true) "
            f"ORDER BY {row} LIMIT {SHOWN_ROWS}"
        ).fetchall()
        return [number for (number,) in found]

    def repeated(self, value: str) -> str:
        """SQL for the values that more than one row has, with `times`, how often."""
        return (
            f"SELECT {value} AS value, count(*) AS times FROM {self.table} "
            f"WHERE {self.where} AND ({value}) IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
        )

    def count_repeated(self, value: str) -> int:
        """How many rows share their value with another."""
        query = f"SELECT coalesce(sum(times), 0) FROM ({self.repeated(value)})"
        (count,) = self.connection.execute(query).fetchone() or (0,)
        return int(count)


class Result(msgspec.Struct, kw_only=True, frozen=True):
    """One check as judged; a row of `checks.json`.

    Attributes:
        check: type, nulls, range, set, unique, rows, columns, key, twice, split, target, file,
            listed or leak.
        column: The column's name, empty for a check of the whole table.
        n: Rows looked at.
        n_failed: Rows that break it; for a check of the whole table 1 or 0.
        message: In words; empty if it passed with nothing to say.
        rows: The first failing rows, counted from 1 below the header.
    """

    check: str
    column: str = ""
    status: Verdict
    n: int
    n_failed: int = 0
    message: str = ""
    rows: list[int] = []

    @property
    def share(self) -> float:
        """Failed rows among those looked at."""
        return self.n_failed / self.n if self.n else 0.0


def judge(view: View, checks: list[Check]) -> tuple[int, list[Result]]:
    """Judge checks of rows.

    Returns:
        The number of rows looked at, and one result a check, in order. Without rows nothing
        can be judged: every check is undecided.
    """
    by_row = [check for check in checks if not check.undecided and not check.distinct]
    # A condition that is NULL is a defect of ours: the row counts as failed.
    conditions = [f"count_if(coalesce({check.violation}, true))" for check in by_row]
    rows, *counts = view.one("count(*)", *conditions)
    failed = dict(zip(by_row, counts, strict=True))
    results = []
    for check in checks:
        status: Verdict = "pass"
        n_failed, message, numbers = 0, "", list[int]()
        if check.undecided or not rows:
            status, message = "undecided", check.undecided or "no rows to look at"
        elif n_failed := failed[check] if check in failed else view.count_repeated(check.distinct):
            violation = check.violation
            if check.distinct:  # NULL repeats nothing
                values = f"SELECT value FROM ({view.repeated(check.distinct)})"
                violation = f"coalesce(({check.distinct}) IN ({values}), false)"
            status, numbers = "fail", view.first(violation)
            message = f"{n_failed:,} of {rows:,} rows {check.broken} ({shown(numbers, n_failed)})"
        results.append(
            Result(
                check=check.kind,
                column=check.column,
                status=status,
                n=0 if check.undecided else rows,
                n_failed=n_failed,
                message=message,
                rows=numbers,
            )
        )
    return rows, results


def shown(numbers: list[int], n_failed: int) -> str:
    """`row 3`, `rows 3, 17`, `rows 3, 17, 20, 31, 40, …`."""
    listed = ", ".join(str(number) for number in numbers)
    more = ", …" if n_failed > len(numbers) else ""
    return f"row{'s' if n_failed > 1 else ''} {listed}{more}"
