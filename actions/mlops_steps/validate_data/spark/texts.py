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
_MAYBE_DIGITS = r"(?=[^0-9]*[0-9])[0-9_]*\.?[0-9_]*(?:[eE][+-]?[0-9_]*)?"
_MAYBE_WHOLE = rf"\s*[+-]?{_MAYBE_DIGITS}\s*"
_MAYBE_NUMBER = rf"\s*[+-]?(?:{_MAYBE_DIGITS}|(?i:inf|infinity|nan))\s*"
_TIME = (
    r"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[ T](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?Z?)?)?"
)
_MAYBE_TIME = r"(?s:\s*[+-]?[0-9]+(?:[-/\\ ]\s*[0-9]+){2}.*|\s*[+-]?(?i:epoch|inf|infinity)\s*)"
_WHOLE = r"[+-]?[0-9]{1,37}(?:\.0*)?"


#: A line of JSON that both read alike: one object of names and plain values (RFC 8259), or blank.
#: Repeats keep what they took, so that a long line takes no stack.
_BLANK = r"[ \t\r]*+"
_PLAIN = r'[^"\\\x00-\x1f]*+'
_PAIR = r"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE = rf'(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{{4}}|{_PAIR})'
_STRING = rf'"{_PLAIN}(?:\\{_ESCAPE}{_PLAIN})*+"'
_JSON_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_CELL = rf"(?:{_STRING}|{_JSON_NUMBER}|true|false|null)"
_NAMED = rf"{_STRING}{_BLANK}:{_BLANK}{_CELL}{_BLANK}"
FLAT_LINE = rf"\A{_BLANK}(?:\{{{_BLANK}(?:{_NAMED}(?:,{_BLANK}{_NAMED})*+)?\}}{_BLANK})?\z"
#: A line of CSV with a closing quote that Spark sees and DuckDB does not.
QUOTED = r'"[\x00-\x20]*[\x00-\x1f][\x00-\x20]*(?:,|\z)'
#: DuckDB writes a JSON number anew (1.50 as 1.5), Spark as it stands. These stay what they are:
#: whole numbers, and decimals of up to 15 digits that do not end in a needless zero.
_KEPT_NUMBER = (
    r"(?!-0\z)-?(?:0|[1-9][0-9]*+)"
    r"|(?=-?[0-9.]{3,16}\z)-?(?!0\.0000)(?:0|[1-9][0-9]*+)\.(?:0|[0-9]*[1-9])"
)


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
        return _read(cell, "DECIMAL(38, 0)", _WHOLE, _MAYBE_WHOLE)
    return None


def rewritten(cell: str) -> str:
    """SQL that is true for a text that may be a number of JSON lines which DuckDB writes anew."""
    number, kept = (text(rf"\A(?:{each})\z") for each in (_JSON_NUMBER, _KEPT_NUMBER))
    return f"({cell} RLIKE {number} AND NOT {cell} RLIKE {kept})"


def _read(cell: str, kind: str, sure: str, maybe: str) -> Read:
    fits = f"({cell} RLIKE {text(rf'{chr(92)}A(?:{sure}){chr(92)}z')})"
    doubt = f"(NOT {fits} AND {cell} RLIKE {text(rf'{chr(92)}A(?:{maybe}){chr(92)}z')})"
    return Read(f"(CASE WHEN {fits} THEN try_cast({cell} AS {kind}) END)", doubt)
