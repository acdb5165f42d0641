"""A user's table read row by row with the standard library: CSV or JSON lines, never all of it."""

from __future__ import annotations

import csv
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from mlops_init.errors import UsageError

#: How many lines an error names.
SHOWN = 5
#: So that what is kept of all columns fits into memory.
COLUMNS = 2000
_BOM = b"\xef\xbb\xbf"
_PARQUET = (
    "is Parquet, for which no reader is installed here. Write it as CSV first, for example by "
    "`duckdb -c \"COPY (FROM '{name}') TO '{stem}.csv'\"` or in pandas by "
    '`to_csv("{stem}.csv", index=False)`'
)
#: What a file begins with that is no text, and what to do about it.
_OTHERS = (
    (b"PAR1", _PARQUET),
    (b"\x1f\x8b", "is compressed (gzip); unpack it first"),
    (b"\x28\xb5\x2f\xfd", "is compressed (zstd); unpack it first"),
    (b"PK\x03\x04", "is a ZIP archive or a spreadsheet; write the table as CSV first"),
    (b"\xff\xfe", "is UTF-16; write it as UTF-8"),
    (b"\xfe\xff", "is UTF-16; write it as UTF-8"),
    (b"SQLite format 3", "is a database; write the table as CSV first"),
)


@dataclass(frozen=True)
class Table:
    """A file that can be read as a table.

    Attributes:
        path: The file.
        lines: Whether it is JSON lines; else CSV.
        columns: The names, in order.
        anew: Why a copy has to be written anew; empty if its bytes can be copied.
        state: Size and time of the last change: it must not change between two passes.
    """

    path: Path
    lines: bool
    columns: tuple[str, ...]
    anew: str
    state: tuple[int, int]

    @property
    def size(self) -> int:
        """In bytes."""
        return self.state[0]


@dataclass(frozen=True)
class Row:
    """One row: the line on which it begins, from 1, and a cell for every column; empty is null."""

    line: int
    cells: list[str]


def open_table(path: Path) -> Table:
    """Look at the whole file's form, and at its names.

    Raises:
        UsageError: It is no CSV (RFC 4180, UTF-8) and no JSON lines, in words with the place.
    """
    state = _state(path)
    with path.open("rb") as stream:
        head = stream.read(4096)
    for start, problem in _OTHERS:
        if head.startswith(start):
            words = problem.format(name=path.name, stem=path.stem)
            raise UsageError(f"{path.name}: {words}. Nothing was written")
    text = head.removeprefix(_BOM).lstrip()
    if not text:
        raise refused(path, "the file is empty")
    if text.startswith(b"["):
        raise refused(path, "is a JSON array; wanted is JSON lines: one object a line")
    if text.startswith(b"{"):
        names, anew = _json_names(path), "JSON lines, written as CSV"
    else:
        names, anew = _csv_names(path), _odd_bytes(path, head)
    return Table(path, text.startswith(b"{"), tuple(names), anew, state)


def rows(table: Table) -> Iterator[Row]:
    """All rows, in order.

    Raises:
        UsageError: A row that cannot be read, with its line; or the file has changed.
    """
    check_unchanged(table)
    yield from _json_rows(table) if table.lines else _csv_rows(table)
    check_unchanged(table)


def check_unchanged(table: Table) -> None:
    """What was found out holds for the file as it was.

    Raises:
        UsageError: It has changed since.
    """
    if _state(table.path) != table.state:
        raise refused(table.path, "was changed while it was read")


def refused(path: Path, problem: str) -> UsageError:
    """What is wrong with the file, and that nothing happened."""
    return UsageError(f"{path.name}: {problem}. Nothing was written")


def named_lines(lines: list[int], count: int) -> str:
    """`line 3`, `lines 3, 17`, `lines 3, 17, 20, 31, 40, … (112 in all)`."""
    listed = ", ".join(map(str, lines[:SHOWN]))
    more = f", … ({count:,} in all)" if count > min(len(lines), SHOWN) else ""
    return f"line{'s' if count > 1 else ''} {listed}{more}"


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}. Nothing was written") from None
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{path}: is not a file. Nothing was written")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{path}: cannot be read. Nothing was written")
    return found.st_size, found.st_mtime_ns


def _open(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig", newline="")


def _not_utf8(path: Path) -> UsageError:
    """Names the line, which the decoder, reading in blocks, does not know."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                found = f"byte 0x{line[error.start]:02x} is not UTF-8 text"
                return refused(path, f"line {number}: {found}; write the file as UTF-8")
    return refused(path, "is not UTF-8 text")


def _odd_bytes(path: Path, head: bytes) -> str:
    """Why a CSV's bytes should not be copied: other readers trip over them."""
    newlines = returns = pairs = 0
    last = b""
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            if b"\0" in block:
                raise refused(path, "holds a NUL byte, so it is no text")
            newlines += block.count(b"\n")
            returns += block.count(b"\r")
            pairs += block.count(b"\r\n") + (last == b"\r" and block.startswith(b"\n"))
            last = block[-1:]
    if head.startswith(_BOM):
        return "without its byte order mark"
    one_kind = newlines == returns == pairs or not returns
    return "" if one_kind else "with one kind of line ends"


# CSV


def _csv_names(path: Path) -> list[str]:
    try:
        with _open(path) as stream:
            names = next(csv.reader(stream, strict=True), [])
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except csv.Error as error:
        raise refused(path, f"line 1: the names of the columns cannot be read: {error}") from None
    if len(names) == 1:
        for sign, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if sign in names[0]:
                problem = f"line 1: {word} between the cells? Wanted are commas (RFC 4180)"
                raise refused(path, problem)
    return _checked(path, names, "line 1: ")


def _csv_rows(table: Table) -> Iterator[Row]:
    path, width = table.path, len(table.columns)
    with _open(path) as stream:
        reader = csv.reader(stream, strict=True)
        try:
            next(reader)
            before = reader.line_num
            for cells in reader:
                if len(cells) == width:
                    yield Row(before + 1, cells)
                elif cells:  # else an empty line
                    problem = f"line {before + 1}: {len(cells)} cells, {width} are wanted"
                    raise refused(path, problem)
                elif width == 1:
                    raise refused(path, f"line {before + 1}: an empty line")
                before = reader.line_num
        except UnicodeDecodeError:
            raise _not_utf8(path) from None
        except csv.Error as error:
            raise refused(path, f"line {reader.line_num}: {error}") from None


# JSON lines


def _json_names(path: Path) -> list[str]:
    names: dict[str, None] = {}
    for _, found in _objects(path):
        names |= dict.fromkeys(found)
    return _checked(path, list(names), "")


def _json_rows(table: Table) -> Iterator[Row]:
    for number, found in _objects(table.path):
        yield Row(number, [found.get(name, "") for name in table.columns])


def _objects(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line's number and its object, every value as the text that stands in the file."""
    number = 0
    try:
        with _open(path) as stream:
            # By its line ends alone: a text may hold what str.splitlines takes for one.
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, _object(line)
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except (ValueError, RecursionError) as error:
        words = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise refused(path, f"line {number}: {words.splitlines()[0]}") from None


def _object(line: str) -> dict[str, str]:
    decoder = json.JSONDecoder(
        object_pairs_hook=_pairs, parse_int=str, parse_float=str, parse_constant=_constant
    )
    try:
        found = decoder.decode(line.rstrip())
    except json.JSONDecodeError as error:
        raise ValueError(f"column {error.colno}: no JSON: {error.msg}") from None
    if not isinstance(found, dict):
        raise ValueError("not an object; wanted is one object a line")  # noqa: TRY004 - the file's fault
    return {name: _text(name, value) for name, value in found.items()}


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _constant(word: str) -> str:
    raise ValueError(f"{word} is no number of JSON; leave the value out, or write null")


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        if re.search("[\ud800-\udfff]", value):
            raise ValueError(f"{shown(name)}: half a character")
        return value
    raise ValueError(f"{shown(name)}: holds {'an object' if isinstance(value, dict) else 'a list'}")


# Names


def shown(name: str) -> str:
    """A name for a message: in quotes, escaped, not too long."""
    text = ascii(name) if any(not sign.isprintable() for sign in name) else repr(name)
    return text if len(text) <= 60 else f"{text[:50]}…{text[-1]}"


def _checked(path: Path, names: list[str], where: str) -> list[str]:
    if len(names) > COLUMNS:
        problem = f"{len(names):,} columns; at most {COLUMNS:,} are allowed, each is checked alone"
        raise refused(path, problem)
    seen: dict[str, str] = {}
    for place, name in enumerate(names, 1):
        problem = _problem(name)
        if place == 1 and name.startswith("{"):
            problem = "the first name must not begin with {, as JSON lines do"
        if problem:
            raise refused(path, f"{where}column {place}, {shown(name)}: {problem}")
        twin = seen.setdefault(name.lower(), name)
        if place > len(seen):
            problem = "the same name" if twin == name else "names that differ only in their case"
            raise refused(path, f"{where}two columns have {problem}: {shown(twin)}, {shown(name)}")
    return names


def _problem(name: str) -> str:
    """What is wrong with the name of a column, or nothing."""
    if not name.strip():
        return "has no name (an index that was written along?); name it, or take it out"
    if len(name) > 200:
        return f"{len(name):,} characters; at most 200 are allowed"
    if re.search("[\x00-\x1f\x7f\ud800-\udfff]", name):
        return "has a line end or another control character in its name"
    if name.startswith("*"):
        return "a name must not begin with *, which the steps use for their own columns"
    return ""
