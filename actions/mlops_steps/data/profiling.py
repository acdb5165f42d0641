"""Count a table into a profile: a sample for the edges, then every value once for the counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from mlops_steps.data.categories import RARE, batched, grouped, together
from mlops_steps.data.planning import TOGETHER, keep, plan
from mlops_steps.data.profile import Column, Profile, column_types, number, readable
from mlops_steps.data.tables import connect, format_of, identifier, reading, scan
from mlops_steps.errors import UndecidedError

#: What the values of a category take at most, as JSON.
LIST_BYTES = 1200
#: Beyond it a number is no part of mean and deviation, whose squares would overflow.
HUGE = 1e150


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
    """Count a table on the edges and values of another profile.

    Args:
        connection: Where to.
        table: SQL for a FROM clause.
        like: Whose edges and values.
        asked_now: Whether this is what is compared: then `new` is filled, and mean and deviation,
            which cost nearly as much as the counts, are not.

    Returns:
        The profile; columns that the table does not have are not in it.
    """
    kinds = column_types(connection, table)
    plans = {name: at for name, at in like.columns.items() if name in kinds}
    numbers = {name: at for name, at in plans.items() if at.kind == "number"}
    rows, columns = 0, dict[str, Column]()
    for some in batched(numbers, TOGETHER) or [{}]:
        rows, found = _numbers(connection, table, kinds, some, asked_now=asked_now)
        columns |= found
    categories = {name: at for name, at in plans.items() if at.kind == "category"}
    for some in together(categories):
        columns |= grouped(connection, table, kinds, some, rows, asked_now=asked_now)
    return Profile(rows=rows, columns={name: columns[name] for name in plans})


def _numbers(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    kinds: dict[str, str],
    plans: dict[str, Column],
    *,
    asked_now: bool,
) -> tuple[int, dict[str, Column]]:
    inner, wanted = ["0"], ["count(*)"]
    for place, (name, at) in enumerate(plans.items()):
        inner += _cells(place, name, kinds[name])
        wanted += _aggregates(place, at, asked_now=asked_now)
    # Each value is made once, below, and counted above.
    rows_of = f"(SELECT {', '.join(inner)} FROM {table})"
    found = connection.execute(f"SELECT {', '.join(wanted)} FROM {rows_of}").fetchone() or (0,)
    rows, *rest = found
    size = len(rest) // max(len(plans), 1)
    return rows, {
        name: _bins(at, rows, rest[place * size : (place + 1) * size])
        for place, (name, at) in enumerate(plans.items())
    }


def _cells(place: int, name: str, kind: str) -> Iterator[str]:
    """Of one column: the cell, what can be read as a number, the number, and the finite one."""
    value = number(name, kind)
    yield f"{identifier(name)} AS c{place}"
    yield f"{readable(name, kind)} AS r{place}"
    yield f"{value} AS v{place}"
    yield f"CASE WHEN abs({value}) < {HUGE} THEN {value} END AS f{place}"


def _aggregates(place: int, at: Column, *, asked_now: bool) -> Iterator[str]:
    value, finite = f"v{place}", f"f{place}"
    yield f"count(c{place})"
    yield f"count(r{place})"
    yield f"count({value})"
    bins = ", ".join(f"CAST('{edge!r}' AS DOUBLE)" for edge in at.edges)
    # Bins are closed above; the rest goes into one at infinity.
    yield f"map_values(histogram({value}, [{bins}]))[:{len(at.edges)}]" if bins else "NULL"
    yield f"count({finite})"
    for aggregate in ("avg", "stddev_pop"):
        yield "NULL" if asked_now else f"{aggregate}({finite})"
    yield from (f"min({finite})", f"max({finite})")


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
