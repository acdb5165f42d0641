"""The contract: what every row of a table has to satisfy, as a file beside the data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from mlops_steps.config import Part, TableInput, Task, at, did_you_mean, read_yaml
from mlops_steps.errors import ConfigError

ColumnType = Literal["number", "integer", "text", "boolean", "timestamp"]


class Rows(Part, frozen=True):
    """How many rows the whole table has; none at all is never allowed."""

    min: Annotated[int, Meta(ge=1)] = 1
    max: Annotated[int, Meta(ge=1)] | None = None


class Column(Part, frozen=True):
    """One column. `min` and `max` are for numbers, `allowed` for numbers and texts.

    An empty CSV cell, a JSON null and NaN are nulls. `unique` is about values that are there.
    """

    type: ColumnType
    nullable: bool = False
    min: float | None = None
    max: float | None = None
    allowed: Annotated[list[str | int | float], Meta(min_length=1)] | None = None
    unique: bool = False


class Contract(Part, frozen=True):
    """The whole file. Columns that it does not name are refused, unless `extra_columns`."""

    columns: Annotated[dict[str, Column], Meta(min_length=1)]
    rows: Rows = Rows()
    extra_columns: bool = False


def load(root: Path, table: TableInput, *, task: Task = "binary") -> Contract:
    """Read a table's contract.

    Raises:
        ConfigError: With file, line and column: it breaks the schema, says something that
            makes no sense, says nothing of the key, the target or the file, or says of the
            target what the task or the positive value cannot use.
    """
    path = root / table.contract
    contract = read_yaml(path, Contract, shown_as=table.contract)
    for key, problem in misfits(contract, table, task=task):
        raise ConfigError(f"{at(path, key, shown_as=table.contract)}: {problem}")
    return contract


def misfits(contract: Contract, table: TableInput, *, task: Task) -> Iterator[tuple[str, str]]:
    """Everything that makes no sense in it or beside mlops.yaml, each with its key."""
    if contract.rows.max is not None and contract.rows.max < contract.rows.min:
        yield "rows.max", f"{contract.rows.max} is below min, {contract.rows.min}"
    for name in (table.key, table.target, table.file):
        if name is not None and name not in contract.columns:
            yield "columns", f"says nothing of {name!r}, which mlops.yaml names"
    for name, column in contract.columns.items():
        problem = _nonsense(column)
        if problem is None and name == table.target:
            problem = _no_target(column, table, task)
        if problem is not None:
            yield f"columns.{name}.{problem[0]}", problem[1]


def unnamed(contract: Contract, columns: Iterable[str]) -> list[str]:
    """The columns of a table that its contract refuses because it does not name them."""
    if contract.extra_columns:
        return []
    return [name for name in columns if name not in contract.columns]


def _no_target(column: Column, table: TableInput, task: Task) -> tuple[str, str] | None:
    """Why no table that keeps the contract has a target for the task: the key, and the words."""
    if task == "regression" and column.type not in {"number", "integer"}:
        words = f"is {column.type}; the target of the task regression is number or integer"
        return "type", words
    if column.allowed is not None and len(set(column.allowed)) < 2:
        words = f"allows {column.allowed[0]!r} alone; a target of the task {task} varies"
        return "allowed", words
    if table.positive is None or _can_be(column, table.positive):
        return None
    what = f"{table.positive!r}, which mlops.yaml calls positive"
    if column.allowed is None:
        return "type", f"no {column.type} that the contract allows is {what}"
    known = [str(each) for each in column.allowed]
    hint = did_you_mean(str(table.positive), known)
    if isinstance(table.positive, bool):
        hint = " (a truth value; put a text in quotes)"
    return "allowed", f"lacks {what}{hint}. Allowed here: {', '.join(known)}"


def _can_be(column: Column, value: str | float | bool) -> bool:  # noqa: FBT001 - a value
    """Whether a cell that keeps the contract can be the positive value, as `is_positive` compares.

    In doubt it can: a number written as a text may stand so in a CSV file.
    """
    if isinstance(value, bool):
        return column.type in {"boolean", "text"} and _among(str(value).lower(), column, str.lower)
    if column.type == "boolean":
        return isinstance(value, str) and value.lower() in {"true", "false"}
    if column.type == "text" and isinstance(value, str):
        return _among(value, column, str)
    if column.type == "timestamp":
        return True
    number = _number(value)
    if number is None or (column.type == "integer" and not number.is_integer()):
        return False
    low, high = column.min, column.max
    inside = (low is None or number >= low) and (high is None or number <= high)
    return inside and _among(number, column, _number)


def _among(value: object, column: Column, read: Callable[[Any], object]) -> bool:
    return column.allowed is None or value in [read(each) for each in column.allowed]


def _number(value: str | float) -> float | None:
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _nonsense(column: Column) -> tuple[str, str] | None:
    """The first key that cannot be meant, and why: a check that cannot fail is none."""
    numeric = column.type in {"number", "integer"}
    for key, bound in (("min", column.min), ("max", column.max)):
        if bound is not None and not numeric:
            return key, f"is for number and integer, not for {column.type}"
        if bound is not None and not math.isfinite(bound):
            return key, f"{bound} bounds nothing. Allowed: a finite number, or no {key}"
    if column.min is not None and column.max is not None and column.max < column.min:
        return "max", f"{column.max:g} is below min, {column.min:g}"
    if column.allowed is not None and column.type in {"boolean", "timestamp"}:
        return "allowed", f"is for number, integer and text, not for {column.type}"
    for value in column.allowed or []:
        if reason := _never(value, column):
            return "allowed", f"{value!r} {reason}"
    return None


def _never(value: str | float, column: Column) -> str:
    """Why no cell that keeps the contract can have a value that it allows; empty if one can."""
    numeric = column.type in {"number", "integer"}
    finite = isinstance(value, str | int) or math.isfinite(value)
    if isinstance(value, str) == numeric or not finite:
        return f"is not {'a finite number' if numeric else 'a text (put it in quotes)'}"
    if isinstance(value, str):
        return ""
    if column.type == "integer" and isinstance(value, float) and not value.is_integer():
        return "is no integer"
    if column.min is not None and value < column.min:
        return f"is below min, {column.min:g}"
    if column.max is not None and value > column.max:
        return f"is above max, {column.max:g}"
    return ""
