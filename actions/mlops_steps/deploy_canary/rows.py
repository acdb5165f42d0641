"""From rows of the labelled table to requests, and from answers to the inference log."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from mlops_steps.config import TableInput
from mlops_steps.data.tables import connect, identifier, literal, reading, scan
from mlops_steps.errors import ConfigError, UndecidedError

#: The log's own columns; no feature may have one of these names.
LOG_COLUMNS = ("time", "version", "key", "score", "prediction")
_ROW = '"*row*"'


@dataclass(frozen=True)
class Row:
    """A row of the table as a request. `body` is an Open Inference Protocol v2 request."""

    number: int
    body: bytes


@dataclass(frozen=True)
class Logged:
    """A successful answer, as the inference log keeps it. `time` is in UTC."""

    number: int
    time: dt.datetime
    version: str
    score: float
    prediction: str


def read(path: Path, table: TableInput, *, seed: int, limit: int) -> list[Row]:
    """At most `limit` rows as requests, in an order that the seed decides.

    Without key and target; the type of a tensor follows the column's type in the table.

    Raises:
        ConfigError: A column has a name that the inference log uses itself.
        UndecidedError: The table cannot be read, is empty, or lacks the key or the target.
    """
    with connect() as connection, reading(path.name):
        described = connection.sql(f"DESCRIBE SELECT * FROM {scan(path)}").fetchall()
        types = {name: str(kind) for name, kind, *_ in described}
        features = _features(path, table, list(types))
        cells = ", ".join(
            identifier(name)
            if _datatype(types[name]) != "BYTES"
            else f"CAST({identifier(name)} AS VARCHAR)"
            for name in features
        )
        # The row's number, not its key, decides the order: keys may repeat.
        order = f"sha256(concat({seed}, ':', {_ROW}))"
        found = connection.sql(
            f"SELECT {_ROW}, {cells}, key FROM {_numbered(path, table)} "
            f"ORDER BY {order} LIMIT {limit}"
        ).fetchall()
    if not found:
        raise UndecidedError(f"{path.name}: no rows, so no requests")
    return [
        Row(
            number,
            _request(
                key, [(n, _datatype(types[n]), v) for n, v in zip(features, values, strict=True)]
            ),
        )
        for number, *values, key in found
    ]


def write_log(path: Path, table: TableInput, answers: Sequence[Logged], target: Path) -> None:
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
        described = connection.sql(f"DESCRIBE SELECT * FROM {scan(path)}").fetchall()
        features = ", ".join(
            f"r.{identifier(name)}"
            for name in _features(path, table, [name for name, *_ in described])
        )
        connection.sql(
            f"SELECT a.time, a.version, r.key, {features}, a.score, a.prediction "
            f"FROM {source} a JOIN {_numbered(path, table)} r ON a.number = r.{_ROW} "
            "ORDER BY a.time"
        ).write_parquet(str(target))
    lines.unlink()


def _features(path: Path, table: TableInput, columns: list[str]) -> list[str]:
    for name in (table.key, table.target):
        if name not in columns:
            raise UndecidedError(f"{path.name}: no column {name!r}. Columns: {', '.join(columns)}")
    features = [name for name in columns if name not in {table.key, table.target}]
    for name in features:
        if name.lower() in LOG_COLUMNS:
            raise ConfigError(
                f"{path.name}: the inference log has a column {name.lower()!r} of its own; "
                "give the feature another name"
            )
    return features


def _numbered(path: Path, table: TableInput) -> str:
    """SQL for FROM: the features with their types, the key as the text in the file, the number."""
    key = identifier(table.key)
    text = f"SELECT CAST({key} AS VARCHAR) AS key FROM {scan(path, text=True)}"
    typed = f"SELECT * EXCLUDE ({key}, {identifier(table.target)}) FROM {scan(path)}"
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
