"""Read a source from elsewhere into one file, whatever it is: bounded in bytes and in memory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mlops_steps.config import Config, Source
from mlops_steps.data.parts import Parts
from mlops_steps.data.sources import asking, databases, lake, local
from mlops_steps.data.sources.address import reader_of, scheme_of
from mlops_steps.data.sources.asked import NULL, Answer, Request
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
from mlops_steps.files import digest_of


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
    return asking.ask(reader_of(source.kind, source.address), request, root)


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
