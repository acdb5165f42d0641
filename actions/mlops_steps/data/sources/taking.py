"""Take a project's table, wherever it comes from: what every step reads it by.

Files of the project are read where they lie, many as one. What comes from elsewhere, or out of a
database, is copied once, by validate-data, to `out/validate-data/source/`: the rows that were
judged are then the rows that are trained on and evaluated, though the source go on changing, and
no later job holds its credentials. The copy is bounded in bytes and made in bounded memory.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_steps import ci
from mlops_steps.config import Config, Source, TableInput
from mlops_steps.data.attached import digest_of_all, digests
from mlops_steps.data.parts import Parts, Table
from mlops_steps.data.sources import asking, databases, lake, local
from mlops_steps.data.sources.address import scheme_of
from mlops_steps.data.sources.asked import Answer, Request
from mlops_steps.data.tables import (
    LINE,
    connect,
    format_of,
    identifier,
    json_lines,
    literal,
    reading,
    scan,
)
from mlops_steps.data.withhold import write_lines
from mlops_steps.errors import ConfigError, UndecidedError
from mlops_steps.files import digest_of, write_json
from mlops_steps.record import OUT

if TYPE_CHECKING:
    from mlops_steps.record import Record

#: Where the copy is kept, with the verdict of the step that made it.
KEEPER = "validate-data"
FOLDER = f"{OUT}/{KEEPER}/source"


def take(record: Record) -> Table:
    """The table of the record's project; noted as taken under `name_of`.

    Raises:
        ConfigError: The source refuses us, or mlops.yaml asks for what it does not have.
        UndecidedError: It cannot be read, or is not as validate-data left it.
        InfrastructureError: It does not answer.
    """
    table = record.config.table
    if table.source is None:
        return record.take(table.path)
    refuse_twice(record.root, table)
    if is_local(table.source):
        parts = local.find(record.root, table.source.address)
        found = digests(record.root, _names(record.root, parts))
        record.verdict.took[table.source.address] = digest_of_all(found)
        return parts
    if record.step.name == KEEPER:
        return _copied(record, table.source)
    wrote = record.read_verdict(KEEPER).wrote
    copies = [name for name in wrote if name.startswith(f"{FOLDER}/{record.config.table_name}.")]
    if len(copies) != 1:
        raise UndecidedError(f"{FOLDER}: {KEEPER} left no copy of {table.source.address}")
    return record.take(copies[0])


def name_of(record: Record) -> str:
    """Under what name the table's digest stands in the verdict, once it was taken."""
    table = record.config.table
    if table.source is None:
        return table.path
    if is_local(table.source):
        return table.source.address
    taken = [name for name in record.verdict.took if name.startswith(f"{FOLDER}/")]
    return taken[0]


def is_local(source: Source) -> bool:
    """Whether a table is files of the project, read where they lie."""
    return source.kind == "files" and not scheme_of(source.address)


def own_files(root: Path, table: TableInput) -> set[str]:
    """The files of the project in which the table's rows are, relative to it.

    Raises:
        UndecidedError: They cannot be told.
    """
    if table.source is None:
        return {table.path}
    if scheme_of(table.source.address):
        return set()
    if is_local(table.source):
        return set(_names(root, local.find(root, table.source.address)))
    place = root / table.source.address
    # Of a table's folder everything: its log, and its earlier versions.
    folder = place.parent.parent if place.name.endswith(".metadata.json") else place
    below = (
        [each for each in folder.rglob("*") if not each.is_dir()] if folder.is_dir() else [place]
    )
    return {each.relative_to(root).as_posix() for each in below}


def refuse_twice(root: Path, table: TableInput) -> None:
    """Refuse a table that is there in two ways.

    Raises:
        ConfigError: It has a source, and something lies at its path already.
    """
    if table.source and os.path.lexists(root / table.path):
        raise ConfigError(
            f"{table.path}: is there, and data.inputs has a source for this table. Commands find "
            "the rows of the source at the path: name one at which nothing lies"
        )


def _names(root: Path, parts: Parts) -> list[str]:
    return [path.relative_to(root).as_posix() for path in parts.files]


def _copied(record: Record, source: Source) -> Path:
    """Copy the table to where later steps look for it, and note what was read, and when."""
    if source.credentials and ci.is_public():
        raise ConfigError(
            f"{source.address}: has credentials, and everybody can read the artifacts of a public "
            "project, among which its copy would be. Make the project private, or the source public"
        )
    folder = record.root / FOLDER
    folder.mkdir(parents=True)
    started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    with tempfile.TemporaryDirectory(prefix=".fetched-", dir=folder) as place:
        copy, notes = copy_of(record.root, record.config, Path(place))
        target = folder / f"{record.config.table_name}.{format_of(copy)}"
        shutil.move(copy, target)
    record.wrote(target)
    digest = record.verdict.wrote[record.relative(target)]
    record.verdict.took[record.relative(target)] = digest
    about = {"address": source.address, "kind": source.kind, "read": started, **notes}
    write_json(record.folder / "source.json", about | {"digest": digest})
    record.wrote(record.folder / "source.json")
    if not notes["version"]:
        record.find(
            "source-copied",
            f"{source.address}: keeps no versions; what was read at {started} cannot be read "
            f"again. Its copy is {record.relative(target)}, {digest}",
            level="notice",
        )
    return target


def copy_of(root: Path, config: Config, folder: Path) -> tuple[Path, dict[str, object]]:
    """Read a source into one file in a folder; returns it, and what is known of its version.

    Raises:
        MlopsError: As `take`.
    """
    source = config.table.source
    if source is None:
        raise ValueError("the table has no source")
    target = folder / "table"
    if source.kind in {"sqlite", "duckdb"}:
        database = local.find(root, source.address).files[0]
        read = databases.copy_sqlite if source.kind == "sqlite" else databases.copy_duckdb
        digest = digest_of(database)
        read(database, source, target)
        if digest_of(database) != digest:
            raise UndecidedError(f"{source.address}: was changed while it was read")
        return target, {"version": digest}
    answer = _ask(root, config, source, folder)
    files = [{"name": each.name, "mark": each.mark} for each in answer.files]
    if source.kind == "postgres":
        rows = Path(answer.files[0].path)
        lake.write_typed(source.address, rows, answer.columns, NULL, target)
        return target, {"version": ""}
    if source.kind == "files":
        _gather(_parts(source, folder, answer), config.table.key, target)
        marked = all(each.mark for each in answer.files)
        return target, {"version": "the files' marks" if marked else "", "files": files}
    _refuse_links(root, source, answer)
    lake.write_parquet(source.address, answer, target, folder)
    return target, {"version": answer.version, "files": files}


#: What stands for a missing value in the CSV that PostgreSQL sends: no text of a table is so.
NULL = "\\N\x01"


def _ask(root: Path, config: Config, source: Source, folder: Path) -> Answer:
    scheme = scheme_of(source.address)
    fetched = folder / "fetched"
    fetched.mkdir()
    address = source.address
    if not scheme:
        address = str(_folder(root, source))
    request = Request(
        address=address,
        folder=str(fetched),
        limit=int(source.maximum_gigabytes * 10**9),
        table=source.table,
        query=source.query,
        version=source.version,
        endpoint=source.endpoint,
        region=source.region,
        certificates=str(root / source.certificates) if source.certificates else None,
        credentials=_secrets(config.table_name, source),
    )
    if scheme == "https":
        from mlops_steps.data.sources import https

        return https.read(request)
    kinds = {"files": "objects", "delta": "delta", "iceberg": "iceberg", "postgres": "postgres"}
    return asking.ask(kinds[source.kind], request, root)


def _secrets(name: str, source: Source) -> dict[str, str]:
    """The values of the credentials, each from the variable that is named for it.

    Raises:
        ConfigError: A variable is not set.
    """
    named: dict[str, str] = dict(source.credentials.items())
    found = {role: os.environ.get(variable, "") for role, variable in named.items()}
    lacking = [named[role] for role, value in found.items() if not value]
    if lacking:
        raise ConfigError(
            f"data.inputs.{name}.source.credentials: {', '.join(lacking)}: not set in this job. It "
            "has to run in the environment that holds them"
        )
    return found


def _folder(root: Path, source: Source) -> Path:
    """Where a table of the project lies, by no link.

    Raises:
        UndecidedError: Nothing is there, or it is reached by a link.
    """
    place = root / source.address
    if not place.exists():
        raise UndecidedError(f"{source.address}: nothing is there")
    if place.resolve() != root.resolve() / source.address.rstrip("/"):
        raise UndecidedError(f"{source.address}: is, or lies behind, a link")
    return place.resolve()


def _refuse_links(root: Path, source: Source, answer: Answer) -> None:
    """What a table's own list names may be a link that leads elsewhere."""
    if scheme_of(source.address):
        return
    for file in answer.files:
        path = Path(file.path)
        if path.resolve() != path or not path.is_relative_to(root.resolve()):
            raise UndecidedError(f"{source.address}: {file.name} is, or lies behind, a link")


def _parts(source: Source, folder: Path, answer: Answer) -> Parts:
    files = [Path(each.path) for each in answer.files]
    return Parts(source.address, tuple(files), local.keys_of(folder, source.address, files))


def _gather(parts: Parts, key: str, target: Path) -> None:
    """Many files as one of the same format; one file as it is."""
    if len(parts.files) == 1 and not parts.keys:
        shutil.move(parts.files[0], target)
        return
    found = format_of(parts)
    with connect() as connection, reading(parts.name):
        if found == "jsonl":
            query = f"SELECT {identifier(LINE)} FROM {json_lines(parts, key)}"
            write_lines(connection, query, target)
            return
        options = "FORMAT parquet"
        if found == "csv":
            options = "FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"'"
        query = f"SELECT * FROM {scan(parts, text=True)}"
        connection.execute(f"COPY ({query}) TO {literal(target)} ({options})")
