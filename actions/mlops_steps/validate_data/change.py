"""What the data ask to change in a contract: loosened where they contradict it, and no further."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import msgspec

from mlops_steps.config import Config, TableInput
from mlops_steps.data.tables import identifier
from mlops_steps.validate_data import personal
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.checks import Check, check_together, compile_checks
from mlops_steps.validate_data.contract import Column, Contract
from mlops_steps.validate_data.draft import PERSONAL, in_one_line, of_all, of_rows, stated
from mlops_steps.validate_data.edit import Edit, scalar
from mlops_steps.validate_data.facts import Facts, bounds
from mlops_steps.validate_data.groups import check_groups
from mlops_steps.validate_data.judge import Result, judge
from mlops_steps.validate_data.rows import fitting, rule_checks
from mlops_steps.validate_data.sense import unnamed
from mlops_steps.validate_data.table import check_shape
from mlops_steps.validate_data.totals import totals
from mlops_steps.validate_data.view import View

#: More values that are not allowed make no list longer: it is taken out.
MORE = 20


class Change(msgspec.Struct, frozen=True):
    """One change: of a key of a column, or of a new column; `was` and `now` as YAML."""

    column: str
    key: str
    was: str
    now: str
    why: str
    edit: Edit

    def __str__(self) -> str:
        """In a line."""
        place = f"{self.column}: {self.key}" if self.column else self.key
        return f"{place}: {self.was or 'nothing'} -> {self.now or 'nothing'}: {self.why}"


class Left(msgspec.Struct, frozen=True):
    """Something that is not changed, and why."""

    column: str
    key: str
    why: str

    def __str__(self) -> str:
        """In a line."""
        return (
            f"{self.column}: {self.key}: {self.why}" if self.column else f"{self.key}: {self.why}"
        )


def changes(
    view: View,
    cells: Cells,
    config: Config,
    facts: Mapping[str, Facts],
    *,
    about: Mapping[str, str],
    all_rows: int,
) -> tuple[list[Change], list[Left]]:
    """What rows contradict, as changes, and what no change is proposed for.

    Args:
        view: The rows that may be looked at, as the file has them.
        cells: The contract that they are held against, and the columns that there are.
        config: mlops.yaml.
        facts: Of each column of the table.
        about: Why columns that the contract does not name look like personal data.
        all_rows: Rows of the whole table.
    """
    mine = View(view.connection, cells.with_values(view.table), view.where)
    checks = compile_checks(cells) + check_together(cells)
    checks += fitting(mine, rule_checks(cells))
    _, results = judge(mine, checks, totals(cells, datetime.now(UTC)))
    results += check_groups(mine, cells)
    made: list[Change] = []
    left: list[Left] = []
    for place, result in enumerate(results):
        if result.status == "pass":
            continue
        found: list[Change] = []
        seen, column = facts.get(result.column), cells.contract.columns.get(result.column)
        judged = result.status == "fail" and place < len(checks)
        if judged and seen is not None and column is not None:
            found = list(_loosened(mine, column, seen, result, checks[place], table=config.table))
        made += found
        if not found:
            left.append(Left(result.column, result.check, result.message))
    made += _rows(cells.contract, all_rows)
    made += _added(cells.contract, config, facts, about)
    return made, [*left, *(Left(*each) for each in of_rows(facts))]


def _loosened(
    view: View, column: Column, seen: Facts, result: Result, check: Check, *, table: TableInput
) -> Iterator[Change]:
    """The changes of its column by which a broken check holds; none where no such is proposed."""
    match result.check:
        case "type" if column.type == "integer" and seen.type == "number":
            yield _change(result, "type", "integer", "number")
        case "nulls" if result.column not in {table.key, table.target}:
            yield _change(result, "nullable", "false", "true")
        case "range":
            yield from _wider(result, column, seen)
        case "set" if result.column != table.target:
            yield from _more_values(view, result, column, check)
        case "regex":
            yield _change(result, "regex", str(column.regex), "")
        case "length":
            yield from _longer(result, column, seen)
        case "unique" if result.column != table.key:
            yield _change(result, "unique", "true", "false")


def _change(
    result: Result, key: str, was: str, now: str, *, more: Sequence[str] = (), inner: str = ""
) -> Change:
    path = ("columns", result.column, *([inner] if inner else []))
    edit = Edit(path, key, now or None, tuple(more))
    shown = f"{inner}.{key}" if inner else key
    return Change(result.column, shown, was, now, result.message, edit)


def _wider(result: Result, column: Column, seen: Facts) -> Iterator[Change]:
    if seen.low is None or seen.high is None:
        return
    whole = column.type == seen.type == "integer"
    low, high = bounds(seen.low, seen.high, seen.heavy, whole=whole)
    if column.min is not None and seen.low < column.min:
        yield _change(result, "min", scalar(column.min), scalar(low))
    if column.max is not None and seen.high > column.max:
        yield _change(result, "max", scalar(column.max), scalar(high))


def _longer(result: Result, column: Column, seen: Facts) -> Iterator[Change]:
    if column.length is None:
        return
    low, high = column.length.min, column.length.max
    if low is not None and seen.shortest < low:
        yield _change(result, "min", str(low), str(seen.shortest), inner="length")
    if high is not None and seen.longest > high:
        yield _change(result, "max", str(high), str(seen.longest), inner="length")


def _more_values(view: View, result: Result, column: Column, check: Check) -> Iterator[Change]:
    """The values that are not allowed, the most frequent first; without the list if they are many.

    What looks like personal data is written into no contract.
    """
    query = (
        f"SELECT CAST({identifier(result.column)} AS VARCHAR), count(*) FROM {view.table} WHERE "
        f"{view.where} AND {check.violation} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MORE + 1}"
    )
    found = [str(value) for value, _ in view.connection.execute(query).fetchall()]
    listed_now = ", ".join(scalar(each) for each in column.allowed or [])
    if len(found) > MORE or personal.count(found, len(found)):
        yield _change(result, "allowed", f"[{listed_now}]", "")
        return
    texts = [text for each in found if (text := written(each, column))]
    if texts:
        now = f"[{', '.join([listed_now, *texts])}]"
        yield _change(result, "allowed", f"[{listed_now}]", now, more=texts)


def written(value: str, column: Column) -> str:
    """A value as YAML; empty if the column's type cannot have it."""
    if column.type == "text":
        return scalar(value)
    try:
        number = Decimal(value)
    except InvalidOperation:
        return ""
    if not number.is_finite() or (column.type == "integer" and number != int(number)):
        return ""
    return scalar(number)


def _rows(contract: Contract, rows: int) -> Iterator[Change]:
    low, high = of_all(rows)
    why, path = f"the whole table has {rows:,}", ("rows",)
    if rows < contract.rows.min:
        was, now = str(contract.rows.min), str(low)
        yield Change("", "rows.min", was, now, why, Edit(path, "min", now))
    if contract.rows.max is not None and rows > contract.rows.max:
        was, now = str(contract.rows.max), str(high)
        yield Change("", "rows.max", was, now, why, Edit(path, "max", now))
    changed = {each.check: each.message for each in check_shape(contract, [], rows)}.get("change")
    if changed:
        was, now = str(contract.rows.accepted), str(rows)
        yield Change("", "rows.accepted", was, now, why, Edit(path, "accepted", now))


def _added(
    contract: Contract, config: Config, facts: Mapping[str, Facts], about: Mapping[str, str]
) -> Iterator[Change]:
    for name in unnamed(contract, facts):
        if facts[name].type:
            now = in_one_line(stated(facts[name], config.table, config.model.task))
            edit = Edit(("columns",), name, now, above=PERSONAL if name in about else "")
            why = "a new column" + (f"; {about[name]}" if name in about else "")
            yield Change(name, "column", "", now, why, edit)
