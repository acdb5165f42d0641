"""Count a table into a profile: a sample for the edges, then every value once for the counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from mlops_steps.data.planning import TOGETHER, VALUE_BYTES, keep, plan
from mlops_steps.data.profile import Column, Profile, column_types, number, readable
from mlops_steps.data.tables import connect, format_of, identifier, literal, reading, scan
from mlops_steps.errors import UndecidedError

#: What the values of a category take at most, as JSON.
LIST_BYTES = 1200
#: Rarer values are not written down: what few rows have may tell who they are.
RARE = 5
#: Beyond it a number is no part of mean and deviation, whose squares would overflow.
HUGE = 1e150
#: Names of new values that are kept.
NEW = 3


def profile(source: Path, *, leave_out: Collection[str]) -> Profile:
    """The profile of a table's columns; see `write_profile`.

    A column holds numbers when it has one and no value that is none; few different ones, and
    everything else, are categories.

    Raises:
        UndecidedError: The table cannot be read or has no rows.
    """
    table = scan(source, text=True)
    with connect() as connection, reading(source.name):
        if format_of(source) != "parquet":  # where a column can be read by itself
            table = keep(connection, table, "*table*")
        return profile_of(connection, table, leave_out=leave_out, name=source.name)


def profile_of(
    connection: duckdb.DuckDBPyConnection, table: str, *, leave_out: Collection[str], name: str
) -> Profile:
    """The profile of what `table` (SQL for a FROM clause) gives, `name` being its name in words.

    Raises:
        UndecidedError: It has no rows.
    """
    kinds = column_types(connection, table)
    names = [each for each in kinds if each not in leave_out]
    (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    if not rows:
        raise UndecidedError(f"{name}: no rows to profile")
    plans = plan(connection, table, {each: kinds[each] for each in names}, rows)
    found = count(connection, table, plans)
    # The sample had numbers alone, the whole has not: these are categories.
    mixed = {each for each, column in found.columns.items() if column.unreadable}
    if mixed:
        texts = {each: kinds[each] for each in mixed}
        plans = plan(connection, table, texts, rows, numbers=False)
        columns = found.columns | count(connection, table, plans).columns
        found = Profile(rows=rows, columns=columns)
    return Profile(rows=rows, columns={each: _kept(found.columns[each]) for each in names})


def count(
    connection: duckdb.DuckDBPyConnection, table: str, like: Profile, *, asked_now: bool = False
) -> Profile:
    """Count a table on the edges and values of another profile; each column is read once.

    Args:
        connection: Where to.
        table: SQL for a FROM clause.
        like: Whose edges and values.
        asked_now: Whether this is what is compared: then `new` is filled, and mean, deviation and
            the number of different values, which cost nearly as much as the counts, are not.

    Returns:
        The profile; columns that the table does not have are not in it.
    """
    kinds = column_types(connection, table)
    names = [name for name in like.columns if name in kinds]
    rows, columns = 0, dict[str, Column]()
    for first in range(0, max(1, len(names)), TOGETHER):
        some = {name: like.columns[name] for name in names[first : first + TOGETHER]}
        rows, found = _counted(connection, table, kinds, some, asked_now=asked_now)
        columns |= found
    return Profile(rows=rows, columns=columns)


def _counted(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    kinds: dict[str, str],
    plans: dict[str, Column],
    *,
    asked_now: bool,
) -> tuple[int, dict[str, Column]]:
    inner, wanted = ["0"], ["count(*)"]
    sizes = []
    for place, (name, at) in enumerate(plans.items()):
        inner += _cells(place, name, kinds[name], at)
        asked = list(_aggregates(place, at, asked_now=asked_now))
        sizes.append(len(asked))
        wanted += asked
    # Each value is made once, below, and counted above.
    rows_of = f"(SELECT {', '.join(inner)} FROM {table})"
    found = connection.execute(f"SELECT {', '.join(wanted)} FROM {rows_of}").fetchone() or (0,)
    rows, *rest = found
    columns = {}
    for (name, at), size in zip(plans.items(), sizes, strict=True):
        got, rest = rest[:size], rest[size:]
        columns[name] = _bins(at, rows, got) if at.kind == "number" else _values(at, rows, got)
    return rows, columns


def _cells(place: int, name: str, kind: str, at: Column) -> Iterator[str]:
    """Of one column: the cell, what can be read as a number, the number, and the finite one."""
    cell, value = identifier(name), number(name, kind)
    numeric = at.kind == "number" or at.numeric
    yield f"{cell} IS NOT NULL AS c{place}"
    yield f"{readable(name, kind) if numeric else 'NULL'} IS NOT NULL AS r{place}"
    if at.kind == "number":
        yield f"{value} AS v{place}"
        yield f"CASE WHEN abs({value}) < {HUGE} THEN {value} END AS f{place}"
        return
    # Numbers are written alike, whatever type a file gives them.
    text = f"CAST({value if at.numeric else cell} AS VARCHAR)"
    yield f"{text} AS v{place}"
    known = ", ".join(map(literal, at.values))
    new = f"CASE WHEN {text} NOT IN ({known}) THEN {text} END" if known else text
    yield f"left({new}, {VALUE_BYTES}) AS f{place}"


def _aggregates(place: int, at: Column, *, asked_now: bool) -> Iterator[str]:
    value, finite = f"v{place}", f"f{place}"
    yield f"count_if(c{place})"
    yield f"count_if(r{place})"
    yield f"count({value})"
    if at.kind == "number":
        bins = ", ".join(f"CAST('{edge!r}' AS DOUBLE)" for edge in at.edges)
        # Bins are closed above; the rest goes into one at infinity.
        yield f"map_values(histogram({value}, [{bins}]))[:{len(at.edges)}]" if bins else "NULL"
        yield f"count({finite})"
        for aggregate in ("avg", "stddev_pop"):
            yield "NULL" if asked_now else f"{aggregate}({finite})"
        yield from (f"min({finite})", f"max({finite})")
        return
    # DuckDB counts what is no bin under the empty text, so that one is counted by itself.
    bins = ", ".join(literal(each) for each in sorted(at.values) if each)
    yield f"histogram_exact({value}, [{bins}])" if bins else "NULL"
    yield f"count_if({value} = '')"
    yield "0" if asked_now else f"approx_count_distinct({value})"
    yield f"approx_top_k({finite}, {NEW})" if asked_now else "NULL"


def _bins(at: Column, rows: int, got: Sequence[Any]) -> Column:
    present, read, numbers, counted, finite, mean, sd, low, high = got
    counts = [int(each) for each in counted or [0] * len(at.edges)]
    return msgspec.structs.replace(
        at,
        nulls=rows - present + read - numbers,
        unreadable=present - read,
        counts=[*counts, numbers - sum(counts)],
        finite=finite,
        mean=mean,
        sd=sd,
        low=low,
        high=high,
    )


def _values(at: Column, rows: int, got: Sequence[Any]) -> Column:
    present, read, texts, counted, empty, distinct, new = got
    counts = counted or {}
    values = {each: int(empty if not each else counts.get(each, 0)) for each in at.values}
    return msgspec.structs.replace(
        at,
        nulls=rows - present + (read - texts if at.numeric else 0),
        unreadable=present - read if at.numeric else 0,
        values=values,
        rest=texts - sum(values.values()),
        distinct=distinct,
        new=list(new or []),
    )


def _kept(column: Column) -> Column:
    """A category without its rare values, and without more than a profile has room for."""
    if column.kind == "number":
        return column
    ordered = sorted(column.values.items(), key=lambda each: (-each[1], each[0]))
    values: dict[str, int] = {}
    room = LIST_BYTES
    for value, rows in ordered:
        room -= len(msgspec.json.encode({value: rows}))
        if rows >= RARE and room >= 0:
            values[value] = rows
    rest = column.rest + sum(column.values.values()) - sum(values.values())
    return msgspec.structs.replace(column, values=values, rest=rest)
