"""Tables in files, read by DuckDB under a stated memory limit.

Three formats, told by content and never by the name: Parquet, CSV (RFC 4180: commas, double
quotes, a header line, UTF-8) and JSON lines (one object a line).
"""

from __future__ import annotations

import contextlib
import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TextIO

import duckdb

from mlops_steps.errors import UndecidedError

#: What DuckDB may hold; beyond it, it works on disk. Python and its own code come on top.
MEMORY_LIMIT = "256MiB"

#: The column of `json_lines` that holds the whole line; no JSON key of a table looks like it.
LINE = "*line*"
#: The number of a row, from 1, where a query asks for it.
ROW = "*row*"

#: Characters. DuckDB reads shorter ones than this.
LONGEST_LINE = 1 << 24

Format = Literal["parquet", "csv", "jsonl"]


@contextlib.contextmanager
def connect() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty in-memory database that spills to a temporary folder of its own.

    Rows keep the order of their file. Nothing is ever fetched: extensions are neither
    installed nor loaded.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-duckdb-") as folder:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": folder,
            "preserve_insertion_order": True,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            # It moves a TRY_CAST into the CSV reader, which then raises instead of giving NULL
            # (seen in 2.0.0).
            "disabled_optimizers": "type_pushdown",
        }
        connection = duckdb.connect(":memory:", config=settings)
        try:
            # Else it appears after 2 s, wherever Python looks interactive (`python -c` does).
            connection.execute("SET enable_progress_bar = false")
            yield connection
        finally:
            connection.close()


@contextlib.contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn DuckDB's trouble with a file into an `UndecidedError` that names the file.

    Only the first line of DuckDB's message is kept: the others may quote rows.
    """
    try:
        yield
    except duckdb.Error as error:
        raise UndecidedError(f"{name}: cannot be read: {str(error).splitlines()[0]}") from None


def format_of(path: Path) -> Format:
    """The format, by the first bytes: `PAR1`, an opening brace, else CSV.

    Raises:
        UndecidedError: There is no such file, it is empty, or it is compressed as a whole.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise UndecidedError(f"{path.name}: {error.strerror}") from None
    if not head.strip():
        raise UndecidedError(f"{path.name}: the file is empty")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04")):
        raise UndecidedError(f"{path.name}: is compressed; wanted Parquet, CSV or JSON lines")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return "jsonl" if text.startswith(b"{") else "csv"


def column_names(path: Path) -> list[str]:
    """The names of the columns, exactly as the file has them, in its order.

    Raises:
        UndecidedError: The file cannot be read, or two names differ at most in their case
            (SQL could not tell them apart), or a name is empty.
    """
    found = format_of(path)
    if found == "csv":
        names = _csv_header(path)
    elif found == "parquet":
        with connect() as connection, reading(path.name):
            rows = connection.sql(f"DESCRIBE SELECT * FROM read_parquet({literal(path)})")
            names = [row[0] for row in rows.fetchall()]
    else:
        query = (
            "SELECT name FROM (SELECT unnest(names) AS name, "
            "generate_subscripts(names, 1) AS place, line "
            "FROM (SELECT json_keys(json) AS names, row_number() OVER () AS line "
            f"FROM {_json_objects(path)})) GROUP BY name ORDER BY min((line, place))"
        )
        with connect() as connection, reading(path.name):
            names = [row[0] for row in connection.sql(query).fetchall()]
    _refuse_twins(path, names)
    return names


def scan(path: Path, *, text: bool = False) -> str:
    """SQL for the FROM clause that reads a table.

    Args:
        path: The file.
        text: For CSV and JSON lines, give every cell as the text that stands in the file
            (VARCHAR), so that `007` stays `007`; an empty CSV cell and a JSON null are NULL.
            Otherwise a column is BIGINT, DOUBLE or BOOLEAN (true and false) where every cell of
            the file is one, and else the text in the file: what DuckDB itself would make of
            `yes`, `12:30` or `01/02/2024` is not what a model was trained on. Parquet always
            has its own types.

    Raises:
        UndecidedError: As `column_names`.
    """
    names = column_names(path)
    found = format_of(path)
    if found == "parquet":
        return f"read_parquet({literal(path)})"
    if not text:
        return _typed(path, names)
    if found == "jsonl":
        cells = ", ".join(_json_cell(name) for name in names)
        return f"(SELECT {cells} FROM {_json_objects(path)})"
    dialect = "header = true, delim = ',', quote = '\"', escape = '\"', comment = '', skip = 0"
    # With its columns stated, nothing is left to guess.
    listed = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    return f"read_csv({literal(path)}, {dialect}, auto_detect = false, columns = {{{listed}}})"


def _typed(path: Path, names: list[str]) -> str:
    """A table of texts, with those columns as numbers or booleans of which every cell is one."""
    texts = scan(path, text=True)
    wanted = []
    for cell in map(identifier, names):
        whole = f"regexp_full_match({cell}, '-?[0-9]+') AND TRY_CAST({cell} AS BIGINT) IS NOT NULL"
        wanted += [f"count({cell})", f"count_if({whole})", f"count(TRY_CAST({cell} AS DOUBLE))"]
        wanted.append(f"count_if(lower({cell}) IN ('true', 'false'))")
    with connect() as connection, reading(path.name):
        counts = connection.execute(f"SELECT {', '.join(wanted)} FROM {texts}").fetchone() or ()
    cells = []
    for place, name in enumerate(names):
        present, *found = counts[4 * place : 4 * place + 4]
        kinds = ("BIGINT", "DOUBLE", "BOOLEAN")
        fits = [kind for kind, count in zip(kinds, found, strict=True) if count == present > 0]
        kind = fits[0] if fits else "VARCHAR"
        cells.append(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}")
    return f"(SELECT {', '.join(cells)} FROM {texts})"


def json_lines(path: Path, key: str) -> str:
    """SQL for the FROM clause: each line of a JSON lines file as `LINE`, beside its key."""
    return f"(SELECT json AS {identifier(LINE)}, {_json_cell(key)} FROM {_json_objects(path)})"


def identifier(name: str) -> str:
    """A column's name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | Path) -> str:
    """A text as SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def _csv_header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return next(csv.reader(_lines(stream), strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise UndecidedError(f"{path.name}:1: the header cannot be read: {error}") from None


def _lines(stream: TextIO) -> Iterator[str]:
    """The lines of a file, none of which is kept if it is endless: of zeros, of one quote."""
    while line := stream.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise csv.Error(f"a line has {LONGEST_LINE:,} characters or more")
        yield line


def _json_objects(path: Path) -> str:
    return f"read_json_objects({literal(path)}, format = 'newline_delimited')"


def _json_cell(name: str) -> str:
    path = '$."' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"json_extract_string(json, {literal(path)}) AS {identifier(name)}"


def _refuse_twins(path: Path, names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        if not name.strip():
            raise UndecidedError(f"{path.name}: a column has no name")
        if name.lower() in seen:
            twin = seen[name.lower()]
            raise UndecidedError(f"{path.name}: two columns are named {twin!r} and {name!r}")
        seen[name.lower()] = name
