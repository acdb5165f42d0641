"""Checks of the table as a whole: its rows, its columns, the split and the target."""

from __future__ import annotations

from mlops_steps.config import TableInput, Task
from mlops_steps.data.split import SPLITS
from mlops_steps.data.tables import identifier
from mlops_steps.data.withhold import finite, is_positive
from mlops_steps.validate_data.checks import Check
from mlops_steps.validate_data.contract import Contract
from mlops_steps.validate_data.judge import Result, View, judge
from mlops_steps.validate_data.sense import unnamed


def check_shape(contract: Contract, columns: list[str], rows: int) -> list[Result]:
    """The number of rows of the whole table, and that it has no column beyond the contract's."""
    low, high = contract.rows.min, contract.rows.max
    message = ""
    if rows < low:
        message = f"{rows:,} rows, at least {low:,} are wanted"
    elif high is not None and rows > high:
        message = f"{rows:,} rows, at most {high:,} are wanted"
    results = [_whole("rows", message, n=rows)]
    if not contract.extra_columns:
        extra = unnamed(contract, columns)
        message = f"not in the contract: {', '.join(map(repr, extra))}" if extra else ""
        results.append(_whole("columns", message, n=len(columns)))
    return results


def check_split(view: View, table: TableInput, counts: dict[str, int]) -> list[Result]:
    """That every row has one place: a key of its own, and a split that is not empty.

    `counts` are the rows of the whole table by split (see `count_splits`).
    """
    key = f"CAST({identifier(table.key)} AS VARCHAR)"
    checks = [
        Check("key", table.key, "without a key", f"{key} IS NULL"),
        Check("twice", table.key, "with a key of another row", distinct=key),
    ]
    _, results = judge(view, checks)
    empty = [name for name in SPLITS if not counts[name]]
    message = f"no row falls to {' and '.join(empty)}" if empty else ""
    return [*results, _whole("split", message, n=sum(counts.values()))]


def check_target(view: View, table: TableInput, columns: list[str], *, task: Task) -> Result:
    """That the target is one that a model of this task can learn.

    binary: exactly two values, and `positive` is one of them. multiclass: at least two.
    regression: finite numbers in every row, and at least two different ones.
    """
    if table.target not in columns:
        return Result(
            check="target",
            column=table.target,
            status="undecided",
            n=0,
            message="the table has no such column",
        )
    cell = identifier(table.target)
    fits = f"{finite(table.target)} IS NOT NULL" if task == "regression" else "true"
    if task == "binary":
        fits = is_positive(table.target, table.positive)
    different = finite(table.target) if task == "regression" else cell
    rows, values, fitting = view.one(
        "count(*)", f"count(DISTINCT {different})", f"count_if({fits})"
    )
    message, failed = "", 1
    if task == "binary" and values != 2:
        message = f"has {values} different values; binary wants two"
    elif task == "binary" and not fitting:
        message = f"has no row with {table.positive!r}, which mlops.yaml calls positive"
    elif fitting < rows and task == "regression":
        failed = rows - fitting
        message = f"{failed:,} of {rows:,} rows have no finite number; regression wants one"
    elif values < 2 and task != "binary":
        message = f"has {values} different values; {task} wants at least two"
    return Result(
        check="target",
        column=table.target,
        status="undecided" if not rows else "fail" if message else "pass",
        n=rows,
        n_failed=failed if message else 0,
        message=message,
    )


def _whole(check: str, message: str, *, n: int) -> Result:
    return Result(
        check=check,
        status="fail" if message else "pass",
        n=n,
        n_failed=int(bool(message)),
        message=message,
    )
