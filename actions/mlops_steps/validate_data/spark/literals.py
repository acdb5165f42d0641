"""Values that DuckDB computed, as Spark writes them; and what has no equal there."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

from sqlglot import exp

from mlops_steps.validate_data.spark import kinds


class DialectError(Exception):
    """It is not known to mean the same on Spark; the message says what."""


def listed(value: Any) -> str:
    """A value of another file, or several of them that stand together."""
    if isinstance(value, (dict, tuple)):
        parts = value.values() if isinstance(value, dict) else value
        return f"struct({', '.join(listed(each) for each in parts)})"
    return written(value, "VARCHAR")


def written(value: Any, kind: str) -> str:  # noqa: PLR0911 - one a type
    """A value of DuckDB's as Spark writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return kinds.text(value)
    if isinstance(value, float):
        words = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return f"CAST('{value!r}' AS {kind})" if math.isfinite(value) else f"double('{words}')"
    if isinstance(value, (int, Decimal)):
        return f"CAST('{value}' AS {kinds.to_spark(kind)})"
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return f"TIMESTAMP_NTZ '{value}'"
    if type(value) is dt.date:
        return f"DATE '{value}'"
    raise DialectError(f"{value!r} ({kind})")


def shown(node: exp.Expr) -> str:
    """A part of an expression, as a message quotes it."""
    return node.sql(dialect="duckdb", comments=False)[:80]
