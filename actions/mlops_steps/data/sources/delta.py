"""Reader of Delta tables, by the package deltalake: which files are the table, at which version.

Of a remote table the log is fetched first, and then the files that it names, so that the
package itself needs no credentials. The protocol: github.com/delta-io/delta, PROTOCOL.md.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from mlops_steps.data.sources.asked import Answer, Column, File, Request
from mlops_steps.errors import UndecidedError

#: What a reader has to know that is known here, or that changes nothing for a reader of rows.
_KNOWN = {"deletionVectors", "columnMapping", "timestampNtz", "vacuumProtocolCheck"}
_KINDS = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "integer": "INTEGER",
    "short": "SMALLINT",
    "byte": "TINYINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "timestamp_ntz": "TIMESTAMP",
}


def read(request: Request) -> Answer:
    """The files of the table's newest version, or of the one that is asked for."""
    bucket = None
    place = Path(request.address)
    if "://" in request.address:
        from mlops_steps.data.sources.objects import Bucket

        bucket = Bucket(request)
        place = Path(request.folder, "table")
        (place / "_delta_log").mkdir(parents=True)
        for each in list(bucket.list(f"{bucket.path}/_delta_log")):
            name = each["path"].rpartition("/")[2]
            if each["path"] == f"{bucket.path}/_delta_log/{name}":
                bucket.fetch(each["path"], place / "_delta_log" / name)
    table = _open(request.address, place, request.version)
    files = []
    for number, (name, values) in enumerate(_files(request.address, table)):
        path, mark = place / name, ""
        if bucket:
            path = Path(request.folder, f"{number:05}")
            mark = bucket.fetch(f"{bucket.path}/{name}", path)
        files.append(File(str(path), name, mark, values))
    columns = tuple(_column(each) for each in json.loads(table.schema().to_json())["fields"])
    return Answer(tuple(files), columns, f"version {table.version()}")


def _open(address: str, place: Path, version: int | None) -> DeltaTable:
    try:
        table = DeltaTable(str(place), version=version)
        protocol = table.protocol()
        mapped = table.metadata().configuration.get("delta.columnMapping.mode", "none")
        deleted = sum(batch.num_rows for batch in table.deletion_vectors())
    except TableNotFoundError:
        raise UndecidedError(f"{address}: is no Delta table") from None
    except DeltaError as error:
        raise UndecidedError(f"{address}: {error}") from None
    unknown = set(protocol.reader_features or ()) - _KNOWN
    if protocol.min_reader_version > 3 or unknown:
        names = ", ".join(sorted(unknown)) or f"version {protocol.min_reader_version}"
        raise UndecidedError(f"{address}: asks of its readers what is not known here: {names}")
    if mapped != "none":
        raise UndecidedError(f"{address}: its columns are mapped ({mapped}), which is not read")
    if deleted:
        raise UndecidedError(
            f"{address}: {deleted} of its files have deletion vectors, which are not applied here. "
            "Write the table anew (REORG TABLE … APPLY (PURGE)), then run again"
        )
    return table


def _files(address: str, table: DeltaTable) -> list[tuple[str, dict[str, str | None]]]:
    """Names relative to the table, sorted, and the values of the partition that each belongs to."""
    keys = table.metadata().partition_columns
    actions = table.get_add_actions(flatten=True)
    cells = {name: actions.column(f"partition.{name}").to_pylist() for name in keys}
    found = []
    for row, path in enumerate(actions.column("path").to_pylist()):
        name = unquote(path)
        if "://" in name or name.startswith("/") or ".." in name.split("/"):
            raise UndecidedError(f"{address}: names a file outside of it, as a shallow clone does")
        found.append((name, {key: _text(cells[key][row]) for key in keys}))
    return sorted(found, key=lambda each: each[0])


def _text(value: Any) -> str | None:
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, bytes):
        raise UndecidedError("a table that is divided by a column of bytes is not read")
    return None if value is None else str(value)


def _column(field: dict[str, Any]) -> Column:
    kind = field["type"]
    if isinstance(kind, str) and kind.startswith("decimal("):
        return Column(field["name"], kind.upper())
    return Column(field["name"], _KINDS.get(kind, "") if isinstance(kind, str) else "")
