"""The files of a table that knows its own columns (Delta, Iceberg, a database) as one Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from mlops_steps.data.sources.asked import Answer, Column, File
from mlops_steps.data.tables import connect, identifier, literal, reading
from mlops_steps.errors import UndecidedError

#: The folder that tells which partition a file belongs to.
_PART = "mlops-part"


def write_parquet(name: str, answer: Answer, target: Path, folder: Path) -> None:
    """Write all rows, with the table's own names and types; `folder` is for links to the files.

    A column that a file does not have is NULL there: that is what both formats say of a column
    that was added later.

    Raises:
        UndecidedError: A file cannot be read, or does not have what the table says of it.
    """
    with connect() as connection, reading(name):
        if any(column.id is not None for column in answer.columns):
            read = _by_id(connection, name, answer)
        else:
            read = _by_name(connection, answer, folder)
        connection.execute(f"COPY ({read}) TO {literal(target)} (FORMAT parquet)")


def write_typed(name: str, file: Path, columns: Sequence[Column], null: str, target: Path) -> None:
    """Write a CSV file whose columns' types are known as Parquet.

    Raises:
        UndecidedError: It cannot be read, or a cell is not of its column's type.
    """
    listed = ", ".join(f"{literal(each.name)}: 'VARCHAR'" for each in columns)
    dialect = "header = true, delim = ',', quote = '\"', escape = '\"', comment = '', skip = 0"
    dialect += f", auto_detect = false, allow_quoted_nulls = false, nullstr = {literal(null)}"
    cells = ", ".join(
        f"CAST({identifier(each.name)} AS {each.kind}) AS {identifier(each.name)}"
        for each in columns
    )
    read = (
        f"read_csv({literal(file)}, {dialect}, columns = {{{listed}}}, hive_partitioning = false)"
    )
    with connect() as connection, reading(name):
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"COPY (SELECT {cells} FROM {read}) TO {literal(target)} (FORMAT parquet)"
        )


def _by_id(connection: duckdb.DuckDBPyConnection, name: str, answer: Answer) -> str:
    """By the ids in the files: a column may have been renamed since a file was written."""
    for file in answer.files:
        rows = connection.execute(
            f"SELECT field_id FROM parquet_schema({literal(file.path)}) OFFSET 1"
        ).fetchall()
        ids = {row[0] for row in rows}
        if None in ids or not ids:
            raise UndecidedError(f"{name}: {file.name} has columns without an id")
        if not ids >= set(file.needed):
            raise UndecidedError(
                f"{name}: {file.name} leaves out a column by which the table is divided"
            )
    fields = ", ".join(
        f"{each.id}: {{name: {literal(each.name)}, type: {literal(each.kind)}, "
        "default_value: NULL}"
        for each in answer.columns
    )
    return f"SELECT * FROM read_parquet({_listed(answer.files)}, schema = MAP {{{fields}}})"


def _by_name(connection: duckdb.DuckDBPyConnection, answer: Answer, folder: Path) -> str:
    """By name; what the rows of a partition share is not in their files, but with the table."""
    parts = list(dict.fromkeys(tuple(sorted(file.values.items())) for file in answer.files))
    links = []
    for number, file in enumerate(answer.files):
        place = folder / f"{_PART}={parts.index(tuple(sorted(file.values.items())))}"
        place.mkdir(parents=True, exist_ok=True)
        link = place / f"{number:05}"
        link.symlink_to(file.path)
        links.append(File(str(link), file.name))
    options = "union_by_name = true, hive_partitioning = true"
    options += f", hive_types = {{{literal(_PART)}: BIGINT}}"
    read = f"read_parquet({_listed(links)}, {options})"
    found = connection.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()
    there = {row[0].lower() for row in found}
    cells = []
    for column in answer.columns:
        cell = "NULL"
        if column.name in dict(parts[0]):
            values = [dict(part)[column.name] for part in parts]
            listed = ", ".join("NULL" if each is None else literal(each) for each in values)
            cell = f"list_extract([{listed}], {identifier(_PART)} + 1)"
        elif column.name.lower() in there:
            cell = identifier(column.name)
        kind = column.kind or "VARCHAR"
        if column.kind or cell == "NULL":
            cell = f"CAST({cell} AS {kind})"
        cells.append(f"{cell} AS {identifier(column.name)}")
    return f"SELECT {', '.join(cells)} FROM {read}"


def _listed(files: Sequence[File]) -> str:
    return f"[{', '.join(literal(file.path) for file in files)}]"
