"""What other tools ask of the cells of a column, and how a contract says it: by key or by rule."""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlops_steps.data.tables import identifier, literal, unusable_regex
from mlops_steps.validate_data.contract import ColumnType
from mlops_steps.validate_data.imports import values
from mlops_steps.validate_data.imports.values import UnfitError, Value, require

_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_LARGEST = "1.7976931348623157e+308"


@dataclass(frozen=True)
class Range:
    """Values between two ends; `above` and `below` leave the end itself out."""

    low: Value | None = None
    high: Value | None = None
    above: bool = False
    below: bool = False


@dataclass(frozen=True)
class OneOf:
    """One of these values; with `never` none of them."""

    values: tuple[Value, ...]
    never: bool = False


@dataclass(frozen=True)
class Matches:
    """Texts that an expression of RE2 matches as a whole; with `never` it does not."""

    pattern: str
    never: bool = False


@dataclass(frozen=True)
class Length:
    """Texts of so many characters."""

    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class Filled:
    """There is a value; with `never` there is none."""

    never: bool = False


Condition = Range | OneOf | Matches | Length | Filled


def implied(condition: Condition) -> ColumnType | None:
    """The type that a column has to have for a condition to mean something, if there is one."""
    match condition:
        case Matches() | Length():
            return "text"
        case Range(low=low, high=high):
            return _type_of([each for each in (low, high) if each is not None])
        case OneOf(values=among):
            return _type_of(among)
        case Filled():
            return None


def _type_of(among: tuple[Value, ...] | list[Value]) -> ColumnType | None:
    kinds: set[ColumnType] = set()
    for value in among:
        match value:
            case bool():
                kinds.add("boolean")
            case int() | float():
                kinds.add("number")
            case datetime():
                kinds.add("timestamp")
            case str():
                kinds.add("text")
    return kinds.pop() if len(kinds) == 1 else None


def keys(condition: Condition, kind: ColumnType) -> dict[str, Any] | None:
    """A column's keys that say the same; None where only a rule can.

    Raises:
        UnfitError: Neither can.
    """
    match condition:
        case Range() if kind in {"number", "integer"}:
            return _bounds(condition, whole=kind == "integer")
        case OneOf(never=False) if kind in {"number", "integer", "text"}:
            return {"allowed": list(dict.fromkeys(_possible(condition, kind)))}
        case Matches(never=False):
            _text_only(kind)
            _usable(condition.pattern)
            return {"regex": condition.pattern}
        case Length():
            _text_only(kind)
            ends = {"min": condition.low, "max": condition.high}
            return {"length": {key: end for key, end in ends.items() if end is not None}}
        case Filled(never=False):
            return {"nullable": False}
        case _:
            return None


def sql(condition: Condition, column: str, kind: ColumnType) -> str:
    """The same as an SQL expression about a cell that has a value (but for `Filled`).

    Raises:
        UnfitError: It cannot be said of a column of this type.
    """
    cell = name_of(column)
    match condition:
        case Range():
            signs = (">" if condition.above else ">=", "<" if condition.below else "<=")
            ends = zip(signs, (condition.low, condition.high), strict=True)
            parts = [
                f"{cell} {sign} {values.sql(end, kind)}" for sign, end in ends if end is not None
            ]
        case OneOf():
            among = [values.sql(each, kind) for each in _possible(condition, kind)]
            listed = ", ".join(dict.fromkeys(among))
            parts = [f"{cell} {'NOT IN' if condition.never else 'IN'} ({listed})"]
        case Matches():
            _text_only(kind)
            _usable(condition.pattern)
            found = f"regexp_full_match({cell}, {literal(condition.pattern)})"
            parts = [f"NOT {found}" if condition.never else found]
        case Length():
            _text_only(kind)
            bounds = ((">=", condition.low), ("<=", condition.high))
            parts = [f"length({cell}) {sign} {end}" for sign, end in bounds if end is not None]
        case Filled(never=never):
            has = (
                f"{cell} <= {_LARGEST}" if kind in {"number", "integer"} else f"{cell} IS NOT NULL"
            )
            parts = [f"{cell} IS NULL" if never else has]  # NaN is neither NULL nor so small
    return " AND ".join(parts)


@functools.cache
def name_of(column: str) -> str:
    """A column's name in an expression: as it is where it can be, else in quotes."""
    from mlops_steps.validate_data import rules

    if _PLAIN_NAME.fullmatch(column):
        try:
            if rules.columns(rules.read(f"abs({column}) > {column} + 1")) == [column]:
                return column
        except rules.RuleError:
            pass
    return identifier(column)


def _bounds(wanted: Range, *, whole: bool) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for key, end, left_out in (
        ("min", wanted.low, wanted.above),
        ("max", wanted.high, wanted.below),
    ):
        if end is None:
            continue
        number = values.finite(end)
        if left_out and not whole:
            return None
        if left_out:
            number = math.floor(number) + 1 if key == "min" else math.ceil(number) - 1
        found[key] = number
    return found


def _possible(condition: OneOf, kind: ColumnType) -> list[Value]:
    """The values of a set that a cell of this type can have."""
    found = [each for each in condition.values if values.possible(each, kind)]
    require(bool(found), f"no value of the set is of type {kind}")
    return found


def _text_only(kind: ColumnType) -> None:
    if kind != "text":
        raise UnfitError(f"the column is {kind}; a contract asks this of text only")


def _usable(pattern: str) -> None:
    if problem := unusable_regex(pattern):
        raise UnfitError(f"{pattern!r} is no expression of RE2: {problem}")
