"""Types: DuckDB's names for Spark's, and what of one is the same as another."""

from __future__ import annotations

import re

_NAMES = {
    "TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INTEGER": "INT", "BIGINT": "BIGINT",
    "HUGEINT": "DECIMAL(38, 0)", "FLOAT": "FLOAT", "DOUBLE": "DOUBLE", "VARCHAR": "STRING",
    "BOOLEAN": "BOOLEAN", "DATE": "DATE", "TIMESTAMP": "TIMESTAMP_NTZ",
}  # fmt: skip
_OURS = {
    "tinyint": "TINYINT", "smallint": "SMALLINT", "int": "INTEGER", "bigint": "BIGINT",
    "float": "FLOAT", "double": "DOUBLE", "string": "VARCHAR", "boolean": "BOOLEAN",
    "date": "DATE", "timestamp_ntz": "TIMESTAMP", "timestamp": "TIMESTAMP WITH TIME ZONE",
    "binary": "BLOB",
}  # fmt: skip
#: Whole numbers without a sign, and what Spark takes them for.
_SIGNED = {"UTINYINT": "SMALLINT", "USMALLINT": "INTEGER", "UINTEGER": "BIGINT"}
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_DECIMAL = re.compile(r"DECIMAL\(([0-9]+), ?([0-9]+)\)")
#: Digits of a decimal that is the same double by both ways: the digits and the power of ten that
#: they are divided by are doubles themselves, so that the quotient is rounded once.
_EXACT = 15


def to_ours(kind: str) -> str:
    """DuckDB's name of a Spark type; for one that nothing is compiled for, its own in capitals."""
    if found := _DECIMAL.fullmatch(kind.upper()):
        return f"DECIMAL({found[1]},{found[2]})"
    return _OURS.get(kind, kind.upper())


def same(spark: str, duckdb: str) -> bool:
    """Whether a type of a file is the same to both: of Spark's in our name, and DuckDB's own."""
    return spark == duckdb or _SIGNED.get(duckdb) == spark


def to_spark(kind: str) -> str:
    """Spark's name of one of DuckDB's types; one that it does not have stays, and is refused."""
    return _NAMES.get(kind, kind)


def is_integer(kind: str) -> bool:
    """Whether it is a type of whole numbers."""
    return kind in _INTEGERS


def is_exact(kind: str) -> bool:
    """Whether its numbers are what their digits say."""
    return is_integer(kind) or _DECIMAL.fullmatch(kind) is not None


def is_number(kind: str) -> bool:
    """Whether it is a type of numbers."""
    return is_exact(kind) or kind in {"FLOAT", "DOUBLE"}


def widens(kind: str, wanted: str) -> bool:
    """Whether both engines make the same value of the wanted type out of each of this one."""
    if kind == wanted:
        return True
    decimal = _DECIMAL.fullmatch(kind)
    if wanted in {"DOUBLE", "FLOAT"}:
        # Of whole numbers, the nearest double; FLOAT is exact as a double.
        narrow = wanted == "FLOAT"
        if decimal:
            return int(decimal[1]) <= (7 if narrow else _EXACT)
        return is_integer(kind) or (kind == "FLOAT" and not narrow)
    if is_integer(kind) and is_integer(wanted):
        return True  # what does not fit is an error in both
    if to := _DECIMAL.fullmatch(wanted):
        scale = int(decimal[2]) if decimal else 0
        return (is_integer(kind) or decimal is not None) and scale <= int(to[2])
    return (kind, wanted) in {("DATE", "TIMESTAMP"), ("BOOLEAN", "INTEGER")}


def exact_below(kind: str, wanted: str) -> str:
    """The number below which decimals of many digits are the same double to both; else empty."""
    decimal = _DECIMAL.fullmatch(kind)
    if wanted != "DOUBLE" or not decimal or int(decimal[1]) <= _EXACT:
        return ""
    return f"1e{_EXACT - int(decimal[2])}BD"


def writes_alike(kind: str) -> bool:
    """Whether both engines write the type's values as the same text."""
    return is_integer(kind) or kind in {"VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP"}


def quoted(name: str) -> str:
    """A column's name as Spark's SQL."""
    return "`" + name.replace("`", "``") + "`"


def text(value: str) -> str:
    """A text as Spark's SQL, where a backslash begins an escape."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
