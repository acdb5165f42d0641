"""Which edges and values a table is to be counted on: from a sample of its rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import duckdb

from mlops_steps.data.profile import Column, Profile, number, readable
from mlops_steps.data.tables import ROW, identifier

#: Edges at every 2 %, each a value of the data; equal ones once.
STEPS = 50
#: The edges are taken from at most so many rows, so that any table fits into memory.
EDGE_ROWS = 50_000
#: Numbers of which there are at most so many different ones are categories.
FEW = 10
#: Values of a category that are counted each by itself, and the bytes of one.
VALUES, VALUE_BYTES = 30, 40
#: So many pairs of equal numbers, at least, would chance have made: so they name rows.
PAIRS = 20
#: Columns that are looked at together: what they need has to fit into memory.
TOGETHER = 16


def keep(connection: duckdb.DuckDBPyConnection, table: str, name: str) -> str:
    """Read a table once, to be looked at often: it lies where DuckDB puts what fills its memory.

    Returns:
        SQL for the FROM clause.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {identifier(name)} AS SELECT * FROM {table}")
    return identifier(name)


def plan(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    kinds: dict[str, str],
    rows: int,
    *,
    numbers: bool = True,
) -> Profile:
    """Kind, edges and values of every column, from every n-th row.

    Where exactly they lie changes no count's truth.
    """
    if not kinds:
        return Profile(rows=0, columns={})
    every = math.ceil(rows / EDGE_ROWS)
    numbered = f"(SELECT *, row_number() OVER () AS {identifier(ROW)} FROM {table})"
    listed = ", ".join(map(identifier, kinds))
    some_rows = f"(SELECT {listed} FROM {numbered} WHERE {identifier(ROW)} % {every} = 0)"
    sample = keep(connection, some_rows, "*sample*")
    columns: dict[str, Column] = {}
    names = list(kinds)
    for first in range(0, len(names), TOGETHER):
        some = {name: kinds[name] for name in names[first : first + TOGETHER]}
        columns |= _planned(connection, sample, some, numbers=numbers)
    return Profile(rows=0, columns=columns)


def _planned(
    connection: duckdb.DuckDBPyConnection, sample: str, kinds: dict[str, str], *, numbers: bool
) -> dict[str, Column]:
    shares = ", ".join(str(step / STEPS) for step in range(STEPS + 1))
    wanted = []
    for name, kind in kinds.items():
        cell, value = identifier(name), number(name, kind)
        text = f"CAST({cell} AS VARCHAR)"
        wanted += [
            f"count({cell}) = count({readable(name, kind)}) AND count({value}) > 0",
            f"quantile_disc({value}, [{shares}])",
            f"count(DISTINCT {value})",
            f"approx_top_k(CAST({value} AS VARCHAR), {FEW})",
            f"count({value}) = count_if({value} = floor({value}))",
            f"count({value})",
            f"max({value}) - min({value}) + 1",
            f"approx_top_k(CASE WHEN strlen({text}) <= {VALUE_BYTES} THEN {text} END, {VALUES})",
        ]
    asked = f"SELECT {', '.join(wanted)} FROM {sample}"
    found: Sequence[Any] = connection.execute(asked).fetchone() or ()
    columns = {}
    for place, name in enumerate(kinds):
        numeric, edges, distinct, few, whole, n, span, top = found[8 * place : 8 * place + 8]
        if not (numeric and numbers):
            columns[name] = Column(kind="category", nulls=0, values=dict.fromkeys(top or [], 0))
        elif distinct <= FEW:
            values = dict.fromkeys(few, 0)
            columns[name] = Column(kind="category", nulls=0, numeric=True, values=values)
        else:
            columns[name] = Column(
                kind="number",
                nulls=0,
                edges=sorted({value for value in edges if math.isfinite(value)}),
                identifies=whole and distinct == n and n * n >= 2 * PAIRS * span,
            )
    return columns
