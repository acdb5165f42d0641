"""Checks of the table as a whole: its rows, its columns, the split and the target."""

from __future__ import annotations

from typing import Any

from mlops_steps.config import TableInput, Task
from mlops_steps.data.headers import refuse_zeros
from mlops_steps.data.parts import Table, files_of
from mlops_steps.data.split import SPLITS, split_sql
from mlops_steps.data.tables import format_of, identifier
from mlops_steps.data.withhold import finite, is_positive
from mlops_steps.errors import UndecidedError
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.checks import Check
from mlops_steps.validate_data.contract import Bounds, Contract
from mlops_steps.validate_data.judge import Result
from mlops_steps.validate_data.sense import unnamed
from mlops_steps.validate_data.totals import Told, Total
from mlops_steps.validate_data.view import View
from mlops_steps.yaml_file import did_you_mean

#: Rows among which every split is looked for first.
FIRST_ROWS = 10_000
#: Columns beyond the contract that a message names, and the characters of one.
NAMED, LONGEST = 20, 100
#: Columns that are judged; a file of texts is split into all of its cells in every pass.
MOST_COLUMNS = {"parquet": 20_000, "csv": 2_000, "jsonl": 2_000}


def refuse_unjudgeable(source: Table, key: str, columns: list[str]) -> None:
    """Refuse a table of which nothing could be judged in bounded time, or whose rows have no key.

    Raises:
        UndecidedError: It has too many columns, lacks the key, or is a CSV with a zero byte.
    """
    kind = format_of(source)
    if len(columns) > MOST_COLUMNS[kind]:
        words = f"{len(columns):,} columns; of {kind} at most {MOST_COLUMNS[kind]:,} are judged"
        raise UndecidedError(f"{source.name}: has {words}")
    for path in files_of(source) if kind == "csv" else ():
        refuse_zeros(path)
    if key not in columns:
        words = f"has no column {key!r}, which mlops.yaml calls the key"
        raise UndecidedError(f"{source.name}: {words}{did_you_mean(key, columns[:NAMED])}")


def check_shape(contract: Contract, columns: list[str], rows: int) -> list[Result]:
    """The number of rows of the whole table, its change, and no column beyond the contract's."""
    low, high = contract.rows.min, contract.rows.max
    message = ""
    if rows < low:
        message = f"{rows:,} rows, at least {low:,} are wanted"
    elif high is not None and rows > high:
        message = f"{rows:,} rows, at most {high:,} are wanted"
    results = [_whole("rows", message, n=rows)]
    accepted, change = contract.rows.accepted, contract.rows.change
    if accepted is not None and change is not None:
        results.append(_whole("change", _changed(rows, accepted, change), n=rows))
    if not contract.extra_columns:
        extra = unnamed(contract, columns)
        more = f" and {len(extra) - NAMED:,} more" if len(extra) > NAMED else ""
        listed = ", ".join(repr(name[:LONGEST]) for name in extra[:NAMED])
        message = f"not in the contract: {listed}{more}" if extra else ""
        results.append(_whole("columns", message, n=len(columns)))
    return results


def _changed(rows: int, accepted: int, wanted: Bounds) -> str:
    words = f"{rows:,} rows, {rows / accepted:.3g} times the {accepted:,} that were accepted"
    if wanted.min is not None and rows / accepted < wanted.min:
        return f"{words}; at least {wanted.min:g} times is wanted"
    if wanted.max is not None and rows / accepted > wanted.max:
        return f"{words}; at most {wanted.max:g} times is wanted"
    return ""


def key_checks(table: TableInput, cells: Cells) -> list[Check]:
    """That every row has a key of its own."""
    key = f"CAST({identifier(table.key)} AS VARCHAR)"
    # Two integers are the same text exactly when they are the same number; two numbers that are
    # not the same have not the same text.
    same = identifier(table.key) if cells.is_integer(table.key) else key
    whole = cells.whole(table.key)
    return [
        Check("key", table.key, "without a key", f"{identifier(table.key)} IS NULL"),
        Check(
            "twice", table.key, "with a key of another row", distinct=same, whole=whole,
            looks=f"{identifier(table.key)} IS NOT NULL",
        ),
    ]  # fmt: skip


def check_split(view: View, table: TableInput, rows: int) -> Result:
    """That each of test, valid and train has a row of the whole table, which has `rows`.

    The first rows nearly always show it; only where they do not, all are counted.
    """
    split = split_sql(table.key, table.split)
    for limit in (FIRST_ROWS, rows):
        query = (
            f"SELECT list(DISTINCT {split}) FROM (SELECT {identifier(table.key)} "
            f"FROM {view.table} LIMIT {limit})"
        )
        (found,) = view.ask(query)
        empty = [name for name in SPLITS if name not in (found or [])]
        if not empty:
            break
    message = f"no row falls to {' and '.join(empty)}" if empty else ""
    return _whole("split", message, n=rows)


def target_total(table: TableInput, kinds: dict[str, str], *, task: Task) -> Total:
    """That the target is one that a model of this task can learn.

    binary: exactly two values, and `positive` is one of them. multiclass: at least two.
    regression: finite numbers in every row, and at least two different ones.
    """
    if table.target not in kinds:
        return Total("target", table.target, undecided="the table has no such column")
    if task == "regression":
        number = finite(table.target)
        numbers = ("count(*)", f"count({number})", f"min({number}) < max({number})")
        return Total("target", table.target, ("count(*)", *numbers), _told_of_numbers)
    cell = identifier(table.target)
    # Not `count(DISTINCT …)`: in one pass with all others it would take three times as long.
    if task == "multiclass":
        ends = ("count(*)", f"count({cell})", f"min({cell}) < max({cell})")
        return Total("target", table.target, ends, _told_of_classes)
    fits = is_positive(table.target, table.positive)
    others = (f"{end}({cell}) FILTER (WHERE NOT {fits})" for end in ("min", "max"))

    def told(positive: int, low: Any, high: Any) -> str:
        if low is None:
            return f"has {min(positive, 1)} different values; binary wants two"
        if not positive:
            return f"has no row with {table.positive!r}, which mlops.yaml calls positive"
        return "has more than two different values; binary wants two" if low != high else ""

    return Total("target", table.target, ("count(*)", f"count_if({fits})", *others), told)


def _told_of_classes(present: int, differ: bool | None) -> str:  # noqa: FBT001 - an answer of SQL
    values = min(present, 1)
    return "" if differ else f"has {values} different values; multiclass wants at least two"


def _told_of_numbers(rows: int, fitting: int, differ: bool | None) -> Told:  # noqa: FBT001 - an answer of SQL
    if fitting < rows:
        words = f"{rows - fitting:,} of {rows:,} rows have no finite number; regression wants one"
        return words, rows - fitting
    return "" if differ else "has 1 different values; regression wants at least two"


def _whole(check: str, message: str, *, n: int) -> Result:
    return Result(
        check=check,
        status="fail" if message else "pass",
        n=n,
        n_failed=int(bool(message)),
        message=message,
    )
