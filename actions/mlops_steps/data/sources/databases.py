"""Tables in database files of the project: SQLite, by the standard library, and DuckDB."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path
from urllib.parse import quote

import msgspec

from mlops_steps.config import Source
from mlops_steps.data.tables import connect, identifier, literal, reading
from mlops_steps.errors import ConfigError, UndecidedError

_BLOCK = 10_000
#: What JSON writes as it is.
_PLAIN = {int, str, type(None)}


def copy_sqlite(database: Path, source: Source, target: Path) -> None:
    """Write a table, or what a query gives, as JSON lines: every cell has a type of its own.

    The file is opened for reading only, and the query may do nothing else.

    Raises:
        ConfigError: There is no such table, or the query is refused.
        UndecidedError: The file is no database, or damaged; it has unwritten changes beside it;
            a cell holds bytes; or two columns have one name.
    """
    shown = source.address
    for ending in ("-wal", "-journal"):
        beside = database.with_name(database.name + ending)
        if beside.exists() and beside.stat().st_size:
            raise UndecidedError(f"{shown}: {beside.name} holds changes that are not in it yet")
    address = f"file:{quote(str(database))}?mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(address, uri=True)
    except sqlite3.Error as error:
        raise UndecidedError(f"{shown}: cannot be opened: {error}") from None
    try:
        connection.set_authorizer(_only_reads)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        query = source.query or f"SELECT * FROM {identifier(source.table or '')}"
        try:
            found = connection.execute(query)
        except sqlite3.Warning as error:  # two statements
            raise ConfigError(f"{shown}: {error}") from None
        _write_lines(shown, found, target)
    except sqlite3.OperationalError as error:
        raise ConfigError(f"{shown}: {error}") from None
    except (sqlite3.Error, UnicodeError) as error:
        raise UndecidedError(f"{shown}: cannot be read: {str(error).splitlines()[0]}") from None
    finally:
        connection.close()


def _only_reads(action: int, _first: str | None, second: str | None, *_: object) -> int:
    """What SQLite asks before it does anything."""
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() == "load_extension":
        return sqlite3.SQLITE_DENY
    allowed = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION,
               sqlite3.SQLITE_RECURSIVE}  # fmt: skip
    return sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY


def _write_lines(shown: str, found: sqlite3.Cursor, target: Path) -> None:
    names = [each[0] for each in found.description or ()]
    if not names:
        raise ConfigError(f"{shown}: the query gives no columns")
    if len(set(names)) < len(names):
        raise UndecidedError(f"{shown}: two columns are named {_twin(names)!r}")
    written = 0
    encoder = msgspec.json.Encoder()
    with target.open("wb") as stream:
        while rows := found.fetchmany(_BLOCK):
            lines = [
                {
                    name: cell if type(cell) in _PLAIN else _cell(shown, name, cell)
                    for name, cell in zip(names, row, strict=True)
                }
                for row in rows
            ]
            stream.write(encoder.encode_lines(lines))
            written += len(rows)
    if not written:
        raise UndecidedError(f"{shown}: {target.stem} has no rows")


def _cell(shown: str, name: str, cell: object) -> object:
    if isinstance(cell, bytes):
        raise UndecidedError(f"{shown}: a cell of {name!r} holds bytes, which are not read")
    if isinstance(cell, float) and not math.isfinite(cell):
        return str(cell)  # JSON has no such number
    return cell


def _twin(names: list[str]) -> str:
    return next(name for name in names if names.count(name) > 1)


def copy_duckdb(database: Path, source: Source, target: Path) -> None:
    """Write a table or view of a DuckDB file as Parquet, each column with its own type.

    A view of a stranger's may read files: nothing but the database itself can be opened.

    Raises:
        ConfigError: There is no such table.
        UndecidedError: The file is no database of this DuckDB, or cannot be read.
    """
    shown = source.address
    with connect() as connection, reading(shown):
        connection.execute(f"ATTACH {literal(database)} AS given (READ_ONLY)")
        names = (source.table or "").split(".")
        schema, name = ("main", names[0]) if len(names) == 1 else (names[0], ".".join(names[1:]))
        known = connection.execute(
            "SELECT 1 FROM duckdb_tables() WHERE database_name = 'given' AND schema_name = ? "
            "AND table_name = ? UNION ALL SELECT 1 FROM duckdb_views() WHERE "
            "database_name = 'given' AND schema_name = ? AND view_name = ?",
            [schema, name, schema, name],
        ).fetchall()
        if not known:
            raise ConfigError(f"{shown}: has no table {source.table!r}")
        connection.execute(f"SET allowed_paths = [{literal(target)}]")
        connection.execute("SET enable_external_access = false")
        table = f"given.{identifier(schema)}.{identifier(name)}"
        connection.execute(f"COPY (SELECT * FROM {table}) TO {literal(target)} (FORMAT parquet)")
