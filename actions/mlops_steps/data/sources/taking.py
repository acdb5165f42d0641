"""Take a project's table, wherever it comes from: what every step reads it by.

Files of the project are read where they lie, many as one. What comes from elsewhere, or out of a
database, is copied once, by validate-data, to `out/validate-data/source/`: the rows that were
judged are then the rows that are trained on and evaluated, though the source go on changing, and
no later job holds its credentials. The copy is bounded in bytes and made in bounded memory.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_steps import ci
from mlops_steps.config import Source, TableInput
from mlops_steps.data.attached import digest_of_all, digests
from mlops_steps.data.parts import Parts, Table
from mlops_steps.data.sources import local
from mlops_steps.data.sources.address import scheme_of
from mlops_steps.data.sources.copying import copy_of
from mlops_steps.data.tables import format_of
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


@contextlib.contextmanager
def taking(record: Record) -> Iterator[Table]:
    """The same; a file of the project is digested beside what reads it, and noted at the end.

    Raises:
        MlopsError: As `take`, at the end of the block at the latest.
    """
    table = record.config.table
    if table.source is not None:
        yield take(record)
        return
    with record.taking(table.path) as path:
        yield path


def take_here(record: Record, folder: Path) -> Table:
    """The same for a workflow in which no table was judged: read anew, into a folder.

    Raises:
        MlopsError: As `take`.
    """
    source = record.config.table.source
    if source is None or is_local(source):
        return take(record)
    refuse_twice(record.root, record.config.table)
    copy, _ = copy_of(record.root, record.config, folder)
    record.verdict.took[_shown(source)] = digest_of(copy)
    return copy


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


def _shown(source: Source) -> str:
    """The address without what stands after `?` in one of the web: it may open the file."""
    web = scheme_of(source.address) == "https"
    return source.address.partition("?")[0] if web else source.address


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
    about = {"address": _shown(source), "kind": source.kind, "read": started, **notes}
    write_json(record.folder / "source.json", about | {"digest": digest})
    record.wrote(record.folder / "source.json")
    if not notes["version"]:
        record.find(
            "source-copied",
            f"{_shown(source)}: keeps no versions; what was read at {started} cannot be read "
            f"again. Its copy is {record.relative(target)}, {digest}",
            level="notice",
        )
    return target
