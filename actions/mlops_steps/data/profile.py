"""The training profile: what the rows looked like that a model learned from.

The monitor compares requests with it, so the training rows themselves need not be kept.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from pathlib import Path

import duckdb
import msgspec

from mlops_steps.data.tables import ROW, connect, identifier, reading, scan
from mlops_steps.errors import UndecidedError
from mlops_steps.files import write_json

#: Edges at the 0th, 1st, … 100th percentile, each a value of the data; equal ones once.
STEPS = 100
#: The edges are taken from at most so many rows, so that any table fits into memory.
EDGE_ROWS = 50_000
_NUMERIC = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)|BOOLEAN")


class Column(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One column.

    Attributes:
        nulls: Rows without a value; NaN counts as none.
        edges: Ascending values, empty for a column that is not numeric.
        below: For each edge, how many rows have a value at or below it (exact, not k %:
            equal values make steps).
    """

    nulls: int
    edges: list[float] = []
    below: list[int] = []


class Profile(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`profile.json`: the number of rows, and each column by name."""

    rows: int
    columns: dict[str, Column]
    format: int = 1


def write_profile(source: Path, target: Path, *, leave_out: Collection[str]) -> Profile:
    """Profile the table that the train command was given, and write it as JSON.

    `leave_out` names the columns that no request carries, or carries as a file: the key, the
    target, the file.

    Raises:
        UndecidedError: The table cannot be read or has no rows.
    """
    found = profile(source, leave_out=leave_out)
    write_json(target, msgspec.to_builtins(found))
    return found


def read_profile(path: Path) -> Profile:
    """Read what `write_profile` wrote.

    Raises:
        UndecidedError: It is missing, or not a profile.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Profile)
    except OSError as error:
        raise UndecidedError(f"{path.name}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise UndecidedError(f"{path.name}: not a training profile: {error}") from None


def profile(source: Path, *, leave_out: Collection[str]) -> Profile:
    """The profile of a table's columns; see `write_profile`.

    A column is numeric when it has a number and no value that is none.
    """
    table = scan(source, text=True)
    with connect() as connection, reading(source.name):
        kinds = column_types(connection, table)
        names = [name for name in kinds if name not in leave_out]
        numbers = {name: number(name, kinds[name]) for name in names}
        wanted = [
            f"count({numbers[name]}) > 0 AND count({identifier(name)}) = count({cell})"
            for name, cell in ((name, _readable(name, kinds[name])) for name in names)
        ]
        found = connection.execute(
            f"SELECT {', '.join(['count(*)', *wanted])} FROM {table}"
        ).fetchone()
        rows, *is_numeric = found or (0,)
        if not rows:
            raise UndecidedError(f"{source.name}: no rows to profile")
        numeric = {name: numbers[name] for name, yes in zip(names, is_numeric, strict=True) if yes}
        edges = _edges(connection, table, numeric, every=math.ceil(rows / EDGE_ROWS))
        by_name = {name: edges.get(name, []) for name in names}
        return Profile(rows=rows, columns=count_below(connection, table, by_name, numeric)[1])


def column_types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The columns of a `scan` with DuckDB's names of their types."""
    found = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    return {name: str(kind) for name, kind, *_ in found}


def number(name: str, kind: str) -> str:
    """SQL for a column's value as a number; NULL for what is none, NaN included.

    True and false are 1 and 0, as texts too. `kind` is DuckDB's type.
    """
    value = _readable(name, kind)
    return f"(CASE WHEN isnan({value}) THEN NULL ELSE {value} END)"


def _readable(name: str, kind: str) -> str:
    cell = identifier(name)
    if kind == "VARCHAR":
        words = f"CASE lower({cell}) WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0 END"
        return f"coalesce(TRY_CAST({cell} AS DOUBLE), CAST({words} AS DOUBLE))"
    return f"CAST({cell if is_numeric(kind) else 'NULL'} AS DOUBLE)"


def is_numeric(kind: str) -> bool:
    """Whether a DuckDB type is a number (or true and false, which count as 1 and 0)."""
    return _NUMERIC.fullmatch(kind) is not None


def count_below(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    edges: dict[str, list[float]],
    numeric: dict[str, str],
) -> tuple[int, dict[str, Column]]:
    """Count, in one pass, rows, nulls and the rows at or below each edge.

    `numeric` gives SQL for the number (see `number`) of the columns that have one.

    Returns:
        The number of rows, and a `Column` for each name in `edges`.
    """
    wanted = ["count(*)"]
    for name, at in edges.items():
        value = numeric.get(name, identifier(name))
        wanted.append(f"count({value})")
        if at:
            bins = ", ".join(f"CAST('{edge!r}' AS DOUBLE)" for edge in at)
            # Bins are closed above; the rest goes into one at infinity.
            wanted.append(f"map_values(histogram({value}, [{bins}]))[:{len(at)}]")
    found = connection.execute(f"SELECT {', '.join(wanted)} FROM {table}").fetchone() or (0,)
    rows, *rest = found
    columns: dict[str, Column] = {}
    for name, at in edges.items():
        present = rest.pop(0)
        below: list[int] = []
        for count in (rest.pop(0) or [0] * len(at)) if at else []:
            below.append((below[-1] if below else 0) + count)
        columns[name] = Column(nulls=rows - present, edges=at, below=below)
    return rows, columns


def _edges(
    connection: duckdb.DuckDBPyConnection, table: str, numeric: dict[str, str], *, every: int
) -> dict[str, list[float]]:
    """Percentiles of every n-th row; where exactly the edges lie changes no count's truth."""
    if not numeric:
        return {}
    shares = ", ".join(str(step / STEPS) for step in range(STEPS + 1))
    wanted = ", ".join(f"quantile_disc({value}, [{shares}])" for value in numeric.values())
    rows = f"(SELECT *, row_number() OVER () AS {identifier(ROW)} FROM {table})"
    found = connection.execute(
        f"SELECT {wanted} FROM {rows} WHERE {identifier(ROW)} % {every} = 0"
    ).fetchone()
    return {
        name: sorted({value for value in values or [] if math.isfinite(value)})
        for name, values in zip(numeric, found or (), strict=True)
    }
