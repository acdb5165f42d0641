"""Tables in files, read by DuckDB under a stated memory limit.

Three formats, told by content and never by the name: Parquet, CSV (RFC 4180: commas, double
quotes, a header line, UTF-8) and JSON lines (one object a line). A table is one file, or
several of one format and the same columns: `Parts`.
"""

from __future__ import annotations

import contextlib
import functools
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import duckdb

from mlops_steps.data.headers import csv_header
from mlops_steps.data.parts import Parts, Table, files_of, key_kinds
from mlops_steps.errors import UndecidedError

#: What DuckDB may hold; beyond it, it works on disk. Python and its own code come on top.
MEMORY_LIMIT = "256MiB"

#: The column of `json_lines` that holds the whole line; no JSON key of a table looks like it.
LINE = "*line*"
#: The number of a row, from 1, where a query asks for it.
ROW = "*row*"

Format = Literal["parquet", "csv", "jsonl"]


@contextlib.contextmanager
def connect() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty in-memory database that spills to a temporary folder of its own.

    Rows keep the order of their file. Nothing is ever fetched: extensions are neither
    installed nor loaded.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-duckdb-") as folder:
        connection = _opened(folder)
        try:
            yield connection
        finally:
            connection.close()


@functools.cache
def _idle() -> duckdb.DuckDBPyConnection:
    """A database for what reads no rows, one a process: to start one takes 20 ms."""
    return _opened("")


def _opened(folder: str) -> duckdb.DuckDBPyConnection:
    """A database that spills to a folder, or nowhere."""
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
    # Else it appears after 2 s, wherever Python looks interactive (`python -c` does).
    connection.execute("SET enable_progress_bar = false")
    # Else the machine's own zone tells what a moment without one, or its text, is.
    connection.execute("SET TimeZone = 'UTC'")
    return connection


@contextlib.contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn DuckDB's trouble with a file into an `UndecidedError` that names the file.

    Only the first line of DuckDB's message is kept: the others may quote rows. Of what could not
    be converted or computed not even that: it quotes the value.
    """
    try:
        yield
    except duckdb.DataError as error:
        kind = str(error).partition(":")[0]
        words = f"a value cannot be converted or computed ({kind}); it is not shown"
        raise UndecidedError(f"{name}: {words}") from None
    except duckdb.Error as error:
        raise UndecidedError(f"{name}: cannot be read: {str(error).splitlines()[0]}") from None


def format_of(table: Table) -> Format:
    """The format, by the first bytes: `PAR1`, an opening brace, else CSV.

    Raises:
        UndecidedError: There is no such file, it is empty, or it is compressed as a whole; or
            two files of the table have different formats.
    """
    if not isinstance(table, Parts):
        return _format_of(table)
    found = {path: _format_of(path) for path in table.files}
    first = table.files[0]
    for path, kind in found.items():
        if kind != found[first]:
            words = f"{first.name} is {found[first]}, {path.name} is {kind}"
            raise UndecidedError(f"{table.name}: {words}; a table has files of one format")
    return found[first]


def _format_of(path: Path) -> Format:
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
    if re.match(rb"\[\s*[\[{]", text):
        raise UndecidedError(f"{path.name}: is one JSON array; wanted JSON lines, an object a line")
    return "jsonl" if text.startswith(b"{") else "csv"


def column_names(table: Table) -> list[str]:
    """The names of the columns, exactly as the files have them, in their order; then the keys.

    Raises:
        UndecidedError: A file cannot be read, or two names differ at most in their case
            (SQL could not tell them apart), or a name is empty, or files differ in their
            columns: in CSV by name and order, in Parquet by name and type.
    """
    found, files = format_of(table), files_of(table)
    if found == "jsonl":
        names = _json_names(table)
    elif found == "csv":
        names = csv_header(files[0])
        for path in files[1:]:
            if csv_header(path) != names:
                raise UndecidedError(_differ(table, files[0], path))
    else:
        names = _parquet_names(table)
    refuse_twins(table, names)
    if isinstance(table, Parts) and table.keys:
        _refuse_hidden(table, names)
        names = [*names, *table.keys]
    return names


def _parquet_names(table: Table) -> list[str]:
    first: list[tuple[str, str]] = []
    with reading(table.name):
        for path in files_of(table):
            read = f"read_parquet({literal(path)}, hive_partitioning = false)"
            rows = _idle().execute(f"DESCRIBE SELECT * FROM {read}").fetchall()
            found = [(row[0], row[1]) for row in rows]
            first = first or found
            if sorted(found) != sorted(first):
                raise UndecidedError(_differ(table, files_of(table)[0], path))
    return [name for name, _ in first]


def _json_names(table: Table) -> list[str]:
    query = (
        "SELECT name FROM (SELECT unnest(names) AS name, "
        "generate_subscripts(names, 1) AS place, line "
        "FROM (SELECT json_keys(json) AS names, row_number() OVER () AS line "
        f"FROM {_json_lines(table)})) GROUP BY name ORDER BY min((line, place))"
    )
    # Some readers take the first of two values of a key, some the last.
    twice = (
        "SELECT count_if(len(names) > len(list_distinct(names))) FROM "
        f"(SELECT json_keys(json) AS names FROM {_json_lines(table)})"
    )
    with connect() as connection, reading(table.name):
        ((lines,),) = connection.execute(twice).fetchall()
        if lines:
            raise UndecidedError(f"{table.name}: {lines:,} lines give a key twice")
        return [row[0] for row in connection.sql(query).fetchall()]


def _differ(table: Table, first: Path, other: Path) -> str:
    return f"{table.name}: {first.name} and {other.name} have different columns"


def _refuse_hidden(table: Parts, names: list[str]) -> None:
    """DuckDB lets what stands in a folder's name win over the column in the file."""
    path = table.files[0]
    known = {name.lower() for name in names}
    for part in path.parent.parts:
        name, mark, _ = part.partition("=")
        if mark and name.lower() in known:
            raise UndecidedError(
                f"{table.name}: {name!r} is a column of {path.name} or stands in the names of two "
                "folders; a key of folders needs a name of its own"
            )
        if mark:
            known.add(name.lower())


def refuse_twins(path: Table, names: Iterable[str]) -> None:
    """Refuse names that SQL cannot tell apart.

    Raises:
        UndecidedError: Two differ at most in their case, or one is blank.
    """
    seen: dict[str, str] = {}
    for name in names:
        if not name.strip():
            raise UndecidedError(f"{path.name}: a column has no name")
        if name.startswith("*") and (name.endswith("*") or name.startswith("*value* ")):
            # Else it would stand in for what a check computes beside the columns.
            raise UndecidedError(f"{path.name}: a column is named {name!r}, which steps use")
        if name.lower() in seen:
            twin = seen[name.lower()]
            raise UndecidedError(f"{path.name}: two columns are named {twin!r} and {name!r}")
        seen[name.lower()] = name


def scan(table: Table, *, text: bool = False) -> str:
    """SQL for the FROM clause that reads a table.

    Args:
        table: The file, or the files.
        text: For CSV and JSON lines, give every cell as the text that stands in the file
            (VARCHAR), so that `007` stays `007`; an empty CSV cell and a JSON null are NULL.
            Otherwise a column is BIGINT, DOUBLE or BOOLEAN (true and false) where every cell of
            the file is one, and else the text in the file: what DuckDB itself would make of
            `yes`, `12:30` or `01/02/2024` is not what a model was trained on. Parquet always
            has its own types; there a key of the folders is BIGINT where every value of it is a
            whole number, else VARCHAR.

    Raises:
        UndecidedError: As `column_names`.
    """
    names = column_names(table)
    found = format_of(table)
    keys = table.keys if isinstance(table, Parts) else ()
    if found == "parquet":
        read = seen(footers(table))
        # Folders above may have names with `=`, too.
        return f"(SELECT {', '.join(map(identifier, names))} FROM {read})" if keys else read
    if not text:
        return _typed(table, names)
    if found == "jsonl":
        cells = ", ".join(_json_cell(name) for name in names)
        return f"(SELECT {cells} FROM {_json_objects(table)})"
    dialect = "header = true, delim = ',', quote = '\"', escape = '\"', comment = '', skip = 0"
    # With its columns stated, nothing is left to guess.
    inside = names[: len(names) - len(keys)]
    listed = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in inside)
    dialect = f"{dialect}, auto_detect = false, columns = {{{listed}}}, {_hive(table, typed=False)}"
    read = f"read_csv({_located(table)}, {dialect})"
    return f"(SELECT {', '.join(map(identifier, names))} FROM {read})" if keys else read


def about_rows(table: Table) -> int:
    """The number of rows; of files of lines, about.

    Raises:
        UndecidedError: A file cannot be read.
    """
    if format_of(table) == "parquet":
        ((count,),) = _idle().execute(f"SELECT count(*) FROM {footers(table)}").fetchall()
        return int(count)
    files = files_of(table)
    with files[0].open("rb") as stream:
        head = stream.read(1 << 20)
    return sum(path.stat().st_size for path in files) * head.count(b"\n") // max(len(head), 1)


def footers(table: Table) -> str:
    """SQL for the FROM clause that reads Parquet as DuckDB would: what footers say is believed.

    Of numbers that are no integers they say nothing about NaN; see `seen`.
    """
    return f"read_parquet({_located(table)}, {_hive(table, typed=True)})"


def seen(read: str) -> str:
    """SQL for the FROM clause: Parquet, with each FLOAT and DOUBLE looked at.

    The least and the greatest value in a footer leave NaN out (the Parquet format, thrift/
    parquet.thrift, `Statistics`), and DuckDB 2.0.0 concludes from them that there is none:
    `isnan` of such a column is false, and a filter on it skips the rows. TRY is what it sees no
    statistics through.

    Raises:
        duckdb.Error: It cannot be read.
    """
    found = _idle().execute(f"DESCRIBE SELECT * FROM {read}").fetchall()
    cells = [identifier(name) for name, kind, *_ in found if kind in {"FLOAT", "DOUBLE"}]
    replaced = ", ".join(f"TRY({cell}) AS {cell}" for cell in cells)
    return f"(SELECT * REPLACE ({replaced}) FROM {read})" if cells else read


def _hive(table: Table, *, typed: bool) -> str:
    """DuckDB's options for what stands in the names of folders: nothing, unless we know of it."""
    if not isinstance(table, Parts) or not table.keys:
        return "hive_partitioning = false"
    kinds = [
        f"{literal(key)}: {kind if typed else 'VARCHAR'}" for key, kind in key_kinds(table).items()
    ]
    return f"hive_partitioning = true, hive_types = {{{', '.join(kinds)}}}"


def _located(table: Table) -> str:
    """The file, or the list of files, as SQL."""
    if isinstance(table, Parts):
        return f"[{', '.join(map(literal, table.files))}]"
    return literal(table)


def _typed(path: Table, names: list[str]) -> str:
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


def json_lines(table: Table, key: str) -> str:
    """SQL for the FROM clause: each line of a JSON lines file as `LINE`, beside its key."""
    return f"(SELECT json AS {identifier(LINE)}, {_json_cell(key)} FROM {_json_objects(table)})"


def unusable_regex(pattern: str) -> str:
    """Why DuckDB's expressions (RE2) cannot be made of a pattern; empty if they can."""
    try:
        _idle().execute(f"SELECT regexp_full_match('', {literal(pattern)})").fetchall()
    except duckdb.Error as error:
        return str(error).splitlines()[0].partition(": ")[2]
    return ""


def identifier(name: str) -> str:
    """A column's name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def in_utc(cell: str) -> str:
    """SQL for a text as a TIMESTAMP in UTC; NULL where it is none.

    A cast to TIMESTAMP alone drops the zone that a text names (2.0.0): 08:00+02:00 is 06:00.
    """
    zoned = f"TRY_CAST(TRY_CAST({cell} AS TIMESTAMPTZ) AS TIMESTAMP)"
    return f"CASE WHEN length({cell}) <= 19 THEN TRY_CAST({cell} AS TIMESTAMP) ELSE {zoned} END"


def literal(value: str | Path) -> str:
    """A text as SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def _json_objects(table: Table) -> str:
    """The objects, as column `json`, with the folders' keys in them."""
    if not isinstance(table, Parts) or not table.keys:
        return _json_lines(table)
    keys = ", ".join(f"{literal(key)}, {identifier(key)}" for key in table.keys)
    return f"(SELECT json_merge_patch(json, json_object({keys})) AS json FROM {_json_lines(table)})"


def _json_lines(table: Table) -> str:
    options = f"format = 'newline_delimited', {_hive(table, typed=False)}"
    return f"read_json_objects({_located(table)}, {options})"


def _json_cell(name: str) -> str:
    path = '$."' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"json_extract_string(json, {literal(path)}) AS {identifier(name)}"
