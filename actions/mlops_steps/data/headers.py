"""The first line of a CSV file, read as the standard library reads CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from mlops_steps.errors import UndecidedError

#: Characters. DuckDB reads shorter ones than this.
LONGEST_LINE = 1 << 24
_BLOCK = 1 << 20
_ZERO = "holds a zero byte, which no text of UTF-8 needs; is it UTF-16, or no text at all?"


def csv_header(path: Path) -> list[str]:
    """The names in the first line; none where it is empty.

    Raises:
        UndecidedError: It is not UTF-8, not CSV, or has no end.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            found = next(csv.reader(_lines(stream), strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise UndecidedError(f"{path.name}:1: the header cannot be read: {error}") from None
    if any("\0" in name for name in found):
        raise UndecidedError(f"{path.name}:1: {_ZERO}")
    return found


def refuse_zeros(path: Path) -> None:
    """Refuse a CSV file with a zero byte: readers disagree on it, some end the cell there.

    Raises:
        UndecidedError: It has one.
    """
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            if b"\0" in block:
                raise UndecidedError(f"{path.name}: {_ZERO}")


def _lines(stream: TextIO) -> Iterator[str]:
    """The lines of a file, none of which is kept if it is endless: of zeros, of one quote."""
    while line := stream.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise csv.Error(f"a line has {LONGEST_LINE:,} characters or more")
        yield line
