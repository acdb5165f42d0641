"""The inference log: what the model was asked, each key once."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import duckdb

from mlops_steps.data.profile import Column, Profile, column_types, count_below, number
from mlops_steps.data.tables import identifier, literal, scan
from mlops_steps.errors import UndecidedError

KEY, TIME = "key", "time"


def scan_files(files: list[Path]) -> str:
    """SQL for the FROM clause that reads Parquet files of the log as one table."""
    listed = ", ".join(literal(file) for file in files)
    return f"read_parquet([{listed}], union_by_name = true)"


def scan_table(path: Path) -> str:
    """SQL for the FROM clause that reads a log which the project keeps itself."""
    return scan(path, text=True)


def check_columns(names: Collection[str]) -> None:
    """See that a log has the two columns by which a key's latest request is found.

    Raises:
        UndecidedError: It lacks one of them.
    """
    for name in (KEY, TIME):
        if name not in names:
            raise UndecidedError(f"the inference log has no column {name!r}")


def count(
    connection: duckdb.DuckDBPyConnection, table: str, reference: Profile
) -> tuple[int, int, dict[str, Column]]:
    """Count requests at the edges of a training profile.

    A key counts once, with its latest request: replayed traffic repeats rows, and repeats are
    no evidence.

    Returns:
        All requests, distinct keys, and the profile's columns as far as the log has them.

    Raises:
        UndecidedError: The log has no `key` or no `time`, or a request has no key.
    """
    kinds = column_types(connection, table)
    check_columns(kinds)
    logged, keyed = connection.execute(
        f"SELECT count(*), count({KEY}) FROM {table}"
    ).fetchone() or (0, 0)
    if keyed != logged:
        raise UndecidedError(f"{logged - keyed} requests of the inference log have no key")
    latest = (
        f"(SELECT * FROM {table} "
        f"QUALIFY row_number() OVER (PARTITION BY {KEY} ORDER BY {identifier(TIME)} DESC) = 1)"
    )
    names = [name for name in reference.columns if name in kinds]
    edges = {name: reference.columns[name].edges for name in names}
    numbers = {name: number(name, kinds[name]) for name in names if edges[name]}
    rows, columns = count_below(connection, latest, edges, numbers)
    return logged, rows, columns
