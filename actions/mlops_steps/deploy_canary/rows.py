"""From rows of the labelled table to requests, and from answers to the inference log."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from mlops_steps.config import TableInput, Task
from mlops_steps.data.parts import Table
from mlops_steps.data.tables import connect, identifier, literal, reading, scan
from mlops_steps.deploy_canary import files
from mlops_steps.deploy_canary.protocol import Wanted, canonical
from mlops_steps.errors import ConfigError, UndecidedError

#: The log's own columns; no feature may have one of these names.
LOG_COLUMNS = ("time", "version", "key", "score", "prediction")
_ROW = '"*row*"'
#: How a request ends after the content of its last tensor.
_END = b'"]}]}'


@dataclass(frozen=True)
class Row:
    """A row of the table as a request.

    Attributes:
        number: Its number in the table, from 0.
        body: An Open Inference Protocol v2 request; with a file, up to its content.
        file: What belongs to the row, for a table of kind `files`.
        rest: What follows the file's content.
        key: The text in the table.
    """

    number: int
    body: bytes
    file: Path | None = None
    rest: bytes = b""
    key: str | None = None

    def content(self) -> bytes:
        """The whole request; a file is read now, so that only what is being sent is in memory.

        Raises:
            UndecidedError: The file has gone, or has grown.
        """
        if self.file is None:
            return self.body
        return self.body + base64.b64encode(files.content(self.file)) + self.rest


@dataclass(frozen=True)
class Logged:
    """A successful answer, as the inference log keeps it.

    `time` is in UTC. For a regression `score` is the prediction as a number.
    """

    number: int
    time: dt.datetime
    version: str
    score: float
    prediction: str


def read(
    root: Path, table: TableInput, *, seed: int, limit: int, data: Table | None = None
) -> list[Row]:
    """At most `limit` rows of the table as requests, in an order that the seed decides.

    `data` is where its rows are, if not in the project's file.

    Without key and target; the type of a tensor follows the column's type in the table. In
    place of a file's path stands its content (base64), of datatype BYTES.

    Raises:
        ConfigError: A column has a name that the inference log uses itself.
        UndecidedError: The table cannot be read, is empty, lacks the key, the target or the
            column of files, or a file that belongs to a row is not one that may be sent.
    """
    path = data or root / table.path
    with connect() as connection, reading(path.name):
        types = _types(connection, path)
        features = [name for name in _features(path, table, list(types)) if name != table.file]
        cells = [
            identifier(name)
            if _datatype(types[name]) != "BYTES"
            else f"CAST({identifier(name)} AS VARCHAR)"
            for name in features
        ]
        cells += ["key", identifier(table.file) if table.file else "NULL"]
        # The row's number, not its key, decides the order: keys may repeat.
        order = f"sha256(concat({seed}, ':', {_ROW}))"
        found = connection.sql(
            f"SELECT {_ROW}, {', '.join(cells)} FROM {_numbered(path, table)} "
            f"ORDER BY {order} LIMIT {limit}"
        ).fetchall()
    if not found:
        raise UndecidedError(f"{path.name}: no rows, so no requests")
    made = []
    for number, *values, key, file in found:
        tensors = [
            (name, _datatype(types[name]), value)
            for name, value in zip(features, values, strict=True)
        ]
        if table.file is None:
            made.append(Row(number, _request(key, tensors), key=key))
            continue
        place = files.of_row(root, table, file, key)
        # The file's tensor is the last one: its content stands before the end of the request.
        body = _request(key, [*tensors, (table.file, "BYTES", "")])
        cut = len(body) - len(_END)
        made.append(Row(number, body[:cut], place, body[cut:], key))
    return made


def wanted(path: Table, table: TableInput, task: Task) -> Wanted:
    """What an answer has to be: of the task, and no class that the target does not have.

    Raises:
        UndecidedError: The table cannot be read, or lacks the target.
    """
    if task == "regression":
        return Wanted(task)
    with connect() as connection, reading(path.name):
        _features(path, table, list(_types(connection, path)))
        target = identifier(table.target)
        found = connection.sql(
            f"SELECT DISTINCT CAST({target} AS VARCHAR) FROM {scan(path, text=True)} "
            f"WHERE {target} IS NOT NULL"
        ).fetchall()
    return Wanted(task, frozenset(canonical(text) for (text,) in found))


def write_log(path: Table, table: TableInput, answers: Sequence[Logged], target: Path) -> None:
    """Write answers as Parquet: time, version, key, every feature with its type, score, prediction.

    `target` must not exist yet; a file of the same name with `.jsonl` is used on the way.
    """
    lines = target.with_suffix(".jsonl")
    with lines.open("w", encoding="utf-8") as stream:
        for each in answers:
            stamp = each.time.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
            line = (each.number, stamp, each.version, each.score, each.prediction)
            names = ("number", "time", "version", "score", "prediction")
            stream.write(json.dumps(dict(zip(names, line, strict=True))) + "\n")
    columns = (
        "{number: 'BIGINT', time: 'TIMESTAMP', version: 'VARCHAR', "
        "score: 'DOUBLE', prediction: 'VARCHAR'}"
    )
    source = f"read_json({literal(lines)}, format = 'newline_delimited', columns = {columns})"
    with connect() as connection, reading(path.name):
        features = ", ".join(
            f"r.{identifier(name)}"
            for name in _features(path, table, list(_types(connection, path)))
        )
        connection.sql(
            f"SELECT a.time, a.version, r.key, {features}, a.score, a.prediction "
            f"FROM {source} a JOIN {_numbered(path, table)} r ON a.number = r.{_ROW} "
            "ORDER BY a.time"
        ).write_parquet(str(target))
    lines.unlink()


def _types(connection: duckdb.DuckDBPyConnection, path: Table) -> dict[str, str]:
    """The columns with DuckDB's names of their types."""
    described = connection.sql(f"DESCRIBE SELECT * FROM {scan(path)}").fetchall()
    return {name: str(kind) for name, kind, *_ in described}


def _features(path: Table, table: TableInput, columns: list[str]) -> list[str]:
    for name in (table.key, table.target, table.file):
        if name is not None and name not in columns:
            raise UndecidedError(f"{path.name}: no column {name!r}. Columns: {', '.join(columns)}")
    features = [name for name in columns if name not in {table.key, table.target}]
    for problem in taken_names(features):
        raise ConfigError(f"{path.name}: {problem}")
    return features


def taken_names(features: Sequence[str]) -> list[str]:
    """What is wrong with features that have a name of the inference log's own columns."""
    return [
        f"the inference log has a column {name.lower()!r} of its own; give the feature another name"
        for name in features
        if name.lower() in LOG_COLUMNS
    ]


def _numbered(path: Table, table: TableInput) -> str:
    """SQL for FROM: the features with their types, the key as the text in the table, the number.

    The name of a file is text too: `007` is not the file `7`.
    """
    cells = {"key": table.key} | ({table.file: table.file} if table.file else {})
    texts = ", ".join(
        f"CAST({identifier(column)} AS VARCHAR) AS {identifier(name)}"
        for name, column in cells.items()
    )
    without = ", ".join(map(identifier, {*cells.values(), table.target}))
    text = f"SELECT {texts} FROM {scan(path, text=True)}"
    # The constant is there for a table that has no other column.
    typed = f'SELECT 0 AS "*typed*", * EXCLUDE ({without}) FROM {scan(path)}'
    return f"(SELECT row_number() OVER () - 1 AS {_ROW}, * FROM ({typed}) POSITIONAL JOIN ({text}))"


def _datatype(kind: str) -> str:
    """The tensor's datatype for a column's DuckDB type."""
    if kind == "BOOLEAN":
        return "BOOL"
    if kind in {"FLOAT", "DOUBLE"} or kind.startswith("DECIMAL"):
        return "FP64"
    return "INT64" if kind == "INTEGER" or kind.endswith("INT") else "BYTES"


def _request(key: str | None, cells: list[tuple[str, str, object]]) -> bytes:
    tensors = [
        {"name": name, "shape": [1], "datatype": datatype, "data": [_plain(value)]}
        for name, datatype, value in cells
    ]
    return json.dumps({"id": key or "", "inputs": tensors}, allow_nan=False).encode()


def _plain(value: object) -> object:
    """JSON has neither decimals nor NaN; what is not there is null."""
    if isinstance(value, Decimal):
        value = float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
