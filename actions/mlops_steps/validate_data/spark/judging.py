"""Judge compiled checks on Spark: one pass for all of them, one for each that repeats or breaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlops_steps.data.tables import ROW, identifier
from mlops_steps.validate_data import rules
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.checks import Check
from mlops_steps.validate_data.contract import Group
from mlops_steps.validate_data.judge import Result, judged, of_check, of_total, shown
from mlops_steps.validate_data.spark.dialect import Dialect, Said
from mlops_steps.validate_data.spark.kinds import quoted
from mlops_steps.validate_data.spark.literals import DialectError
from mlops_steps.validate_data.spark.session import Session
from mlops_steps.validate_data.totals import Total
from mlops_steps.validate_data.view import CELL, SHOWN_ROWS

#: Rows of the file among which those to show are looked for first.
EARLY = 20_000
_ROW = quoted(ROW)


@dataclass(frozen=True)
class Rows:
    """The rows that are looked at, on Spark.

    Attributes:
        spark: Answers queries.
        dialect: Carries the checks' SQL over.
        table: SQL for the FROM clause.
        where: SQL that is true for the rows that are looked at.
        numbered: Whether rows have numbers, in the order of the table's only file.
    """

    spark: Session
    dialect: Dialect
    table: str
    where: str
    numbered: bool

    def one(self, wanted: Sequence[str]) -> list[Any]:
        """One row of aggregates over them."""
        listed = ", ".join(wanted)
        return self.spark.ask(f"SELECT {listed} FROM {self.table} WHERE {self.where}")[0]

    def repeated(self, value: str) -> str:
        """SQL for the values that more than one row has, with `times`, how often."""
        return (
            f"SELECT {value} AS value, count(*) AS times FROM {self.table} "
            f"WHERE {self.where} AND {value} IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
        )

    def early(self, wanted: Sequence[tuple[str, str]]) -> list[list[tuple[int, str]]]:
        """For each violation, with what is shown, the first among the first `EARLY` rows.

        One pass for all of them. Without numbers none is found.
        """
        if not self.numbered or not wanted:
            return [[] for _ in wanted]
        parts = [
            f"slice(array_sort(collect_list(CASE WHEN {violation} THEN struct({_ROW} AS at, "
            f"{shows or 'NULL'} AS cell) END)), 1, {SHOWN_ROWS})"
            for violation, shows in wanted
        ]
        found = self.spark.ask(
            f"SELECT {', '.join(parts)} FROM {self.table} WHERE {self.where} AND {_ROW} <= {EARLY}"
        )[0]
        return [[(int(row), text or "") for row, text in rows] for rows in found]

    def first(self, violation: str, shows: str) -> list[tuple[int, str]]:
        """The first rows for which it is true, with what is shown of them.

        Without numbers any of them, each as row 0.
        """
        number, order = (_ROW, f" ORDER BY {_ROW}") if self.numbered else ("0", "")
        found = self.spark.ask(
            f"SELECT {number}, {shows or 'NULL'} FROM {self.table} "
            f"WHERE {self.where} AND {violation}{order} LIMIT {SHOWN_ROWS}"
        )
        return [(int(row), text or "") for row, text in found]


@dataclass(frozen=True)
class _Asked:
    """A check, and what is asked of Spark for it."""

    check: Check
    violation: Said
    looks: Said


def judge(
    rows: Rows, checks: Sequence[Check], totals: Sequence[Total], *, samples: str
) -> tuple[int, list[Result]]:
    """As `judge.judge`; what is not known to mean the same on Spark is undecided.

    Raises:
        UndecidedError: Spark could not run the pass.
    """
    asked = [_asked(rows.dialect, check) for check in checks]
    wanted = [_wanted(rows.dialect, total) for total in totals]
    plan = _Plan()
    plan.want("count(*)")
    for each in asked:
        if isinstance(each, _Asked):
            if not each.check.distinct:
                plan.want(_broken(each.violation.sql))
            plan.want(_looked(each))
            plan.doubt(each.violation, each.looks)
    for _, saids in wanted:
        plan.doubt(*saids)
        for said in saids:
            plan.want(said.sql)
    plan.run(rows)
    count = int(plan.answer("count(*)"))
    results = []
    broken = [
        (_violation(each), _shows(each.check, samples))
        for each in asked
        if isinstance(each, _Asked) and not each.check.distinct
        and plan.answer(_broken(each.violation.sql))
    ]  # fmt: skip
    early = dict(zip(broken, rows.early(broken), strict=True))
    for check, each in zip(checks, asked, strict=True):
        if not isinstance(each, _Asked):
            results.append(of_check(replace(check, undecided=each), count, 0, [], 0))
        elif words := plan.doubtful(each.violation, each.looks):
            results.append(of_check(replace(check, undecided=words), count, 0, [], 0))
        else:
            results.append(_judged(rows, each, plan, _shows(check, samples), early))
    for total, saids in wanted:
        words = plan.doubtful(*saids)
        found = [plan.answer(said.sql) for said in saids]
        results.append(of_total(replace(total, undecided=total.undecided or words), count, found))
    return count, results


class _Plan:
    """The aggregates of the one pass, each once, and their answers."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}
        self.answers: list[Any] = []

    def want(self, sql: str) -> None:
        self.places.setdefault(sql, len(self.places))

    def doubt(self, *saids: Said) -> None:
        for said in saids:
            for doubt in said.doubts:
                self.want(_counted(doubt))

    def run(self, rows: Rows) -> None:
        self.answers = rows.one(list(self.places))

    def answer(self, sql: str) -> Any:
        return self.answers[self.places[sql]]

    def doubtful(self, *saids: Said) -> str:
        """Why it cannot be judged, in words; empty if every row is read alike."""
        counts = [self.answer(_counted(each)) for said in saids for each in said.doubts]
        most = max(counts, default=0)
        return f"Spark may read {most:,} rows otherwise than DuckDB" if most else ""


def _counted(doubt: str) -> str:
    return f"count_if({doubt})"


def _broken(violation: str) -> str:
    # A condition that is NULL is a defect of ours: the row counts as failed.
    return f"count_if(coalesce({violation}, true))"


def _looked(each: _Asked) -> str:
    return f"count_if(coalesce({each.looks.sql}, true))"


def _asked(dialect: Dialect, check: Check) -> _Asked | str:
    """What is asked for a check; or why it is undecided."""
    if check.undecided:
        return check.undecided
    try:
        violation = dialect.say(check.distinct or check.violation)
        return _Asked(check, violation, dialect.say(check.looks or "true"))
    except DialectError as error:
        return _unlike(error)


def _unlike(error: DialectError) -> str:
    return f"not known to mean the same on Spark: {error}"


def _wanted(dialect: Dialect, total: Total) -> tuple[Total, list[Said]]:
    if total.undecided:
        return replace(total, wants=()), []
    try:
        return total, [dialect.say(want) for want in total.wants]
    except DialectError as error:
        return replace(total, wants=(), undecided=_unlike(error)), []


def _violation(each: _Asked) -> str:
    return f"coalesce({each.violation.sql}, true)"


def _judged(
    rows: Rows,
    each: _Asked,
    plan: _Plan,
    shows: str,
    early: dict[tuple[str, str], list[tuple[int, str]]],
) -> Result:
    check, count = each.check, int(plan.answer("count(*)"))
    if check.distinct:
        again = rows.repeated(each.violation.sql)
        failed = int(rows.spark.ask(f"SELECT coalesce(sum(times), 0) FROM ({again})")[0][0])
        violation = f"{each.violation.sql} IN (SELECT value FROM ({again}))"
    else:
        failed, violation = int(plan.answer(_broken(each.violation.sql))), _violation(each)
    places = early.get((violation, shows), [])
    if len(places) < min(failed, SHOWN_ROWS):
        places = rows.first(violation, shows)
    result = of_check(check, count, failed, places, int(plan.answer(_looked(each))))
    return result if rows.numbered else _unnumbered(result)


def _unnumbered(result: Result) -> Result:
    """Without the numbers of rows, which Spark does not keep for this table."""
    import msgspec

    message = result.message.partition(" (row")[0]
    return msgspec.structs.replace(result, rows=[], message=message)


def _shows(check: Check, samples: str) -> str:
    """Spark's SQL for a cell as it is shown: redacted, digits are 9 and letters x."""
    if samples == "none" or not check.shows:
        return ""
    column = check.shows.removeprefix("CAST(").removesuffix(" AS VARCHAR)")
    name = column.removeprefix('"').removesuffix('"').replace('""', '"')
    cell = f"left(CAST({quoted(name)} AS STRING), {CELL})"
    if samples == "shown":
        return cell
    return rf"regexp_replace(regexp_replace({cell}, '\\p{{N}}', '9'), '\\p{{L}}', 'x')"


def check_groups(rows: Rows, cells: Cells) -> list[Result]:
    """As `groups.check_groups`."""
    return [_group(rows, each, cells) for each in cells.contract.groups]


def _group(rows: Rows, group: Group, cells: Cells) -> Result:
    expression = rules.read(group.sql, grouped=True)
    lacking = [name for name in (*group.by, *rules.columns(expression)) if name not in cells.kinds]
    reason = f"the table has no column {lacking[0]!r}" if lacking else ""
    kept = rules.write(expression, cells.in_rules, nan=cells.may_be_nan)
    groups = failed = most = 0
    numbers: list[int] = []
    if not reason:
        try:
            said = rows.dialect.say(f"coalesce({kept}, false)")
            by = [rows.dialect.say(identifier(name)) for name in group.by]
        except DialectError as error:
            reason = _unlike(error)
    if not reason:
        doubt = " OR ".join(each for one in (said, *by) for each in one.doubts) or "false"
        first = f"min({_ROW})" if rows.numbered else "0"
        query = (
            f"(SELECT {said.sql} AS kept, count(*) AS rows, {first} AS first, "
            f"count_if({doubt}) AS doubtful FROM {rows.table} WHERE {rows.where} "
            f"GROUP BY {', '.join(each.sql for each in by)})"
        )
        counts = "count(*), count_if(NOT kept), max(rows), coalesce(sum(doubtful), 0)"
        ((groups, failed, most, doubtful),) = rows.spark.ask(f"SELECT {counts} FROM {query}")
        if doubtful:
            reason = f"Spark may read {doubtful:,} rows otherwise than DuckDB"
        elif failed and rows.numbered:
            order = f"ORDER BY first LIMIT {SHOWN_ROWS}"
            found = rows.spark.ask(f"SELECT first FROM {query} WHERE NOT kept {order}")
            numbers = [int(row[0]) for row in found]
    if not groups:
        reason = reason or "no rows to look at"
    places = f" (first {shown(numbers, failed)})" if numbers else ""
    return judged(
        "group",
        group.name,
        n=groups,
        n_failed=failed,
        undecided=reason,
        message=f"{failed:,} of {groups:,} groups by {', '.join(group.by)} for which "
        f"{group.sql!r} is not shown to be true{places}",
        rows=numbers,
        severity=group.severity,
        tolerate=group.tolerate,
        idle="no group has two rows" if most == 1 and rules.compares_rows(expression) else "",
    )
