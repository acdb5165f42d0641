"""Parquet as other writers than DuckDB make it: footers whose least and greatest leave NaN out."""

from __future__ import annotations

import struct
from pathlib import Path

#: A number that no test has by chance, and that lies between others.
STAND_IN = 1.2345678901234567


def make_nan(path: Path, stand_in: float = STAND_IN) -> None:
    """Make NaN of each such double of a Parquet file that DuckDB wrote; its footer stays as it is.

    The number must be neither the least nor the greatest, and must not be compressed.
    """
    found = path.read_bytes()
    mark = struct.pack("<d", stand_in)
    assert mark in found
    path.write_bytes(found.replace(mark, struct.pack("<d", float("nan"))))
