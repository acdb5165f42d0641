"""Values that other tools compare cells with, and how they stand in a rule."""

from __future__ import annotations

import math
from datetime import datetime

from mlops_steps.data.tables import literal
from mlops_steps.validate_data.contract import ColumnType

Value = bool | int | float | str | datetime


class UnfitError(Exception):
    """A contract cannot say it; the message is for the user."""


def require(fits: bool, words: str) -> None:  # noqa: FBT001 - as of assert
    """Raises UnfitError unless it fits."""
    if not fits:
        raise UnfitError(words)


def finite(value: Value) -> float:
    """A value as a number.

    Raises:
        UnfitError: It is none, or not a finite one.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnfitError(f"{_shown(value)} is no number")
    try:
        require(math.isfinite(float(value)), f"{_shown(value)} is not a finite number")
    except OverflowError:
        raise UnfitError(f"{_shown(value)} is too large a number") from None
    return value


def possible(value: Value, kind: ColumnType) -> bool:
    """Whether a cell of this type can have the value.

    Raises:
        UnfitError: It is a value of another type.
    """
    sql(value, kind)
    return kind != "integer" or float(finite(value)).is_integer()


def sql(value: Value, kind: ColumnType) -> str:
    """A value as SQL, beside a cell of this type.

    Raises:
        UnfitError: It is a value of another type.
    """
    match kind:
        case "number" | "integer":
            return repr(finite(value))
        case "text" if isinstance(value, str):
            return literal(value)
        case "boolean" if isinstance(value, bool):
            return "true" if value else "false"
        case "timestamp":
            return literal(_time(value).isoformat(sep=" "))
        case _:
            raise UnfitError(f"{_shown(value)} is no {kind}")


def _time(value: Value) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise UnfitError(f"{_shown(value)} is no ISO time") from None
    if not isinstance(value, datetime):
        raise UnfitError(f"{_shown(value)} is no time")
    zoned = f"{_shown(value)} has a time zone, which a rule does not compare"
    require(value.tzinfo is None, zoned)
    return value


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, datetime) else value.isoformat(sep=" ")
    return text if len(text) <= 60 else f"{text[:57]}…"
