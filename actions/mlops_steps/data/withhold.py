"""Hand rows on without what must not be seen: whole splits, or the target."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import duckdb

from mlops_steps.config import TableInput, Task
from mlops_steps.data.parts import Table
from mlops_steps.data.split import SPLITS, split_sql, within
from mlops_steps.data.tables import (
    LINE,
    column_names,
    connect,
    format_of,
    identifier,
    json_lines,
    literal,
    reading,
    scan,
)
from mlops_steps.errors import UndecidedError

Writing = Literal["text", "number", "truth"]
_PLAIN_NUMBER = r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?"


def count_splits(source: Table, table: TableInput) -> dict[str, int]:
    """Rows by split (every split is there, 0 if empty); rows without a key are under "none".

    Raises:
        UndecidedError: The table cannot be read, or has no such key column.
    """
    _require(source, table.key)
    query = (
        f"SELECT coalesce({split_sql(table.key, table.split)}, 'none') AS split, count(*) "
        f"FROM {scan(source, text=True)} GROUP BY 1"
    )
    with connect() as connection, reading(source.name):
        counts: dict[str, int] = dict(connection.sql(query).fetchall())
    return {name: counts.get(name, 0) for name in SPLITS} | (
        {"none": counts["none"]} if "none" in counts else {}
    )


def write_rows(
    source: Table,
    target: Path,
    table: TableInput,
    *,
    splits: Sequence[str],
    leave_out: Sequence[str] = (),
    keys: Sequence[str] | None = None,
) -> int:
    """Write the rows of the named splits, in their order and format, without some columns.

    CSV cells keep their text and Parquet columns their types; a JSON line stays as it is, byte
    by byte, unless a column is left out of it. Rows without a key belong to no split and are
    not written. `target` must not be `source`.

    For the train command: `splits=training_splits(judge)`. For the predict command:
    `splits=[judge], leave_out=[table.target]`. The files that rows name are not copied: see
    `data.attached`. With `keys`, only rows with one of these are written.

    Returns:
        The number of rows written.

    Raises:
        UndecidedError: The table cannot be read, or lacks the key or a column to leave out.
    """
    _require(source, table.key, *leave_out)
    wanted = within(table.key, table.split, tuple(splits))
    if keys is not None:
        listed = ", ".join(map(literal, keys)) or "NULL"
        wanted += f" AND coalesce(CAST({identifier(table.key)} AS VARCHAR) IN ({listed}), false)"
    target.parent.mkdir(parents=True, exist_ok=True)
    with connect() as connection, reading(source.name):
        if format_of(source) == "jsonl":
            query = f"SELECT {_line(leave_out)} FROM {json_lines(source, table.key)} WHERE {wanted}"
            return write_lines(connection, query, target)
        kept = [name for name in column_names(source) if name not in leave_out]
        columns = ", ".join(identifier(name) for name in kept)
        options = "FORMAT parquet"
        if format_of(source) == "csv":
            options = "FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"'"
        query = f"SELECT {columns} FROM {scan(source, text=True)} WHERE {wanted}"
        copied = connection.execute(f"COPY ({query}) TO {literal(target)} ({options})").fetchone()
    return int(copied[0]) if copied else 0


def write_labels(
    source: Table, target: Path, table: TableInput, *, task: Task, splits: Sequence[str]
) -> int:
    """Write Parquet with `key` (VARCHAR, the key's text) and `label`.

    The label is TINYINT, 1 = positive (binary), the class as `class_text` writes it, VARCHAR
    (multiclass), or a finite DOUBLE in the target's unit (regression).

    Returns:
        The number of rows written.

    Raises:
        UndecidedError: The table cannot be read, lacks a column, or a row has no label; for
            regression, none that is a finite number.
    """
    _require(source, table.key, table.target)
    key, label = identifier(table.key), _label(source, table, task)
    query = (
        f"SELECT CAST({key} AS VARCHAR) AS key, {label} AS label "
        f"FROM {scan(source, text=True)} WHERE {within(table.key, table.split, tuple(splits))}"
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    with connect() as connection, reading(source.name):
        connection.execute(f"COPY ({query}) TO {literal(target)} (FORMAT parquet)")
        found = connection.sql(
            f"SELECT count(*), count(label) FROM read_parquet({literal(target)})"
        ).fetchall()
    ((rows, labelled),) = found
    if rows != labelled:
        kind = " that is a finite number" if task == "regression" else ""
        raise UndecidedError(f"{source.name}: {rows - labelled} rows have no {table.target}{kind}")
    return int(rows)


def _label(source: Table, table: TableInput, task: Task) -> str:
    """SQL for the label of a row; NULL where there is none."""
    if task == "regression":
        return finite(table.target)
    if task == "multiclass":
        return class_text(table.target, writing(source, table))
    return f"CAST({is_positive(table.target, table.positive)} AS TINYINT)"


def finite(column: str) -> str:
    """SQL for a column's value as a finite DOUBLE; NULL for whatever is none."""
    value = f"TRY_CAST({identifier(column)} AS DOUBLE)"
    return f"(CASE WHEN isfinite({value}) THEN {value} END)"


def writing(source: Table, table: TableInput) -> Writing:
    """How the target's values are written, which decides when two of them are the same.

    Of the task binary the positive value says it. Else the values do: numbers only if each is
    written as one and none has a leading zero (`007` is a code), truth if each is true or false.

    Raises:
        UndecidedError: The table cannot be read, or has no such column.
    """
    if table.positive is not None:
        if isinstance(table.positive, bool):
            return "truth"
        return "text" if isinstance(table.positive, str) else "number"
    _require(source, table.target)
    text = f"CAST({identifier(table.target)} AS VARCHAR)"
    with connect() as connection, reading(source.name):
        found = connection.execute(
            f"SELECT bool_and(regexp_full_match({text}, {literal(_PLAIN_NUMBER)})), "
            f"bool_and(lower({text}) IN ('true', 'false')) FROM {scan(source, text=True)}"
        ).fetchone() or (None, None)
    return "number" if found[0] else "truth" if found[1] else "text"


def class_text(column: str, how: Writing) -> str:
    """SQL for a class as text, the same whatever the format: `3.0` is `3`, `TRUE` is `true`."""
    text = f"CAST({identifier(column)} AS VARCHAR)"
    if how == "text":
        return text
    if how == "truth":
        return f"lower({text})"
    number = f"TRY_CAST({text} AS DOUBLE)"
    # Beyond 15 digits a double would take two numbers for one.
    whole = f"abs({number}) < 1e15 AND {number} = trunc({number})"
    short = f"CASE WHEN {whole} THEN CAST(TRY_CAST({number} AS BIGINT) AS VARCHAR) "
    return f"coalesce({short}ELSE CAST({number} AS VARCHAR) END, {text})"


def is_positive(column: str, positive: str | float | bool | None) -> str:  # noqa: FBT001 - a value
    """SQL that is true where a column holds the positive class, false elsewhere, NULL for NULL.

    Texts are compared as they are, numbers as numbers (`1` and `1.0` are the same), true and
    false in any case, so that CSV and Parquet agree.
    """
    if positive is None:
        raise ValueError(f"{column} has no positive value")
    text = f"CAST({identifier(column)} AS VARCHAR)"
    if isinstance(positive, bool):
        return f"(lower({text}) = '{str(positive).lower()}')"
    if isinstance(positive, str):
        return f"({text} = {literal(positive)})"
    number = f"(TRY_CAST({text} AS DOUBLE) = CAST('{positive!r}' AS DOUBLE))"
    return f"(CASE WHEN {text} IS NULL THEN NULL ELSE coalesce({number}, false) END)"


def _line(leave_out: Sequence[str]) -> str:
    if not leave_out:
        return identifier(LINE)
    # A merge patch takes away what it sets to null.
    patch = json.dumps(dict.fromkeys(leave_out), ensure_ascii=False)
    return f"CAST(json_merge_patch({identifier(LINE)}, {literal(patch)}) AS VARCHAR)"


def write_lines(connection: duckdb.DuckDBPyConnection, query: str, target: Path) -> int:
    """Write the texts that a query gives, one a line; returns how many."""
    written = 0
    found = connection.execute(query)
    with target.open("w", encoding="utf-8", newline="\n") as stream:
        while lines := found.fetchmany(10_000):
            stream.writelines(f"{line}\n" for (line,) in lines)
            written += len(lines)
    return written


def _require(source: Table, *columns: str) -> None:
    names = column_names(source)
    for column in columns:
        if column not in names:
            raise UndecidedError(f"{source.name}: has no column {column!r}")
