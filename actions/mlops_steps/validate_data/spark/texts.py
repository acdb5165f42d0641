"""Texts as numbers and times: what DuckDB and Spark both read, and as the same.

Spark takes `1d` and `2026` (a year), DuckDB `1_000` and `2026/01/02`. A text that is written in
the way that both read is read; one of which it is sure that DuckDB reads none is NULL; the rest
is doubtful. Seen with DuckDB 2.0.0 and Spark 4.3.0; the tests compare them again.
"""

from __future__ import annotations

from typing import NamedTuple

from mlops_steps.validate_data.spark.kinds import text

_NUMBER = r"[ \t]*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:inf|infinity))[ \t]*"
_NAN = r"(?i:nan)"
_MAYBE_NUMBER = (
    r"\s*[+-]?(?:(?=[^0-9]*[0-9])[0-9_]*\.?[0-9_]*(?:[eE][+-]?[0-9_]*)?|(?i:inf|infinity|nan))\s*"
)
_TIME = (
    r"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[ T](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?Z?)?)?"
)
_MAYBE_TIME = r"(?s:\s*[+-]?[0-9]+(?:[-/\\ ]\s*[0-9]+){2}.*|\s*[+-]?(?i:epoch|inf|infinity)\s*)"
_WHOLE = r"[+-]?[0-9]{1,37}(?:\.0*)?"


class Read(NamedTuple):
    """SQL for what a text is read as, and for whether that is doubtful."""

    sql: str
    doubt: str


def read(cell: str, kind: str) -> Read | None:
    """A text as a value of one of DuckDB's types; None if it is not known how to."""
    if kind == "DOUBLE":
        return _read(cell, "DOUBLE", f"{_NUMBER}|{_NAN}", _MAYBE_NUMBER)
    if kind == "TIMESTAMP":
        return _read(cell, "TIMESTAMP_NTZ", _TIME, _MAYBE_TIME)
    if kind == "HUGEINT":
        return _read(cell, "DECIMAL(38, 0)", _WHOLE, _MAYBE_NUMBER)
    return None


def _read(cell: str, kind: str, sure: str, maybe: str) -> Read:
    fits = f"({cell} RLIKE {text(rf'{chr(92)}A(?:{sure}){chr(92)}z')})"
    doubt = f"(NOT {fits} AND {cell} RLIKE {text(rf'{chr(92)}A(?:{maybe}){chr(92)}z')})"
    return Read(f"(CASE WHEN {fits} THEN try_cast({cell} AS {kind}) END)", doubt)
