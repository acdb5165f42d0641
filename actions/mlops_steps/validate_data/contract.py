"""The contract: what every row of a table has to satisfy, as a file beside the data."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from mlops_steps.config import Part, TableInput, Task, at, read_yaml
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
            target what the task cannot use.
    """
    path = root / table.contract
    contract = read_yaml(path, Contract, shown_as=table.contract)

    def refuse(key_path: str, reason: str) -> ConfigError:
        return ConfigError(f"{at(path, key_path, shown_as=table.contract)}: {reason}")

    if contract.rows.max is not None and contract.rows.max < contract.rows.min:
        raise refuse("rows.max", f"{contract.rows.max} is below min, {contract.rows.min}")
    for name in (table.key, table.target, table.file):
        if name is not None and name not in contract.columns:
            raise refuse("columns", f"says nothing of {name!r}, which mlops.yaml names")
    target = contract.columns[table.target].type
    if task == "regression" and target not in {"number", "integer"}:
        raise refuse(
            f"columns.{table.target}.type",
            f"is {target}; the target of the task regression is number or integer",
        )
    for name, column in contract.columns.items():
        if problem := _nonsense(column):
            key, reason = problem
            raise refuse(f"columns.{name}.{key}", reason)
    return contract


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
        if isinstance(value, str) == numeric or (
            isinstance(value, float) and not math.isfinite(value)
        ):
            wanted = "a finite number" if numeric else "a text (put it in quotes)"
            return "allowed", f"{value!r} is not {wanted}"
    return None
