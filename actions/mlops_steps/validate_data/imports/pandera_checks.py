"""What a built-in check of pandera asks of a cell, in the words of a contract."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from mlops_steps.validate_data.imports.conditions import Condition, Length, Matches, OneOf, Range
from mlops_steps.validate_data.imports.patterns import (
    PatternError,
    Way,
    ending,
    starting,
    whole,
)
from mlops_steps.validate_data.imports.values import UnfitError, require


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        if "time" in value:
            return datetime.fromisoformat(value["time"])
        raise UnfitError(f"{value.get('other', value)} is no cell of a table")
    return value


def values(values: Any) -> tuple[Any, ...]:
    """Those of a set; of a text its characters, as pandera takes it."""
    found = [_value(each) for each in values if each is not None and each == each]  # noqa: PLR0124 - NaN
    if not found:
        raise UnfitError("it lists no value")
    return tuple(found)


def _pattern(given: Any) -> str:
    if isinstance(given, dict) and "pattern" in given:
        flags = re.RegexFlag(given["flags"]) & ~re.UNICODE
        known = {re.IGNORECASE: "i", re.DOTALL: "s"}
        letters = "".join(letter for flag, letter in known.items() if flag in flags)
        require(not flags & ~(re.IGNORECASE | re.DOTALL), f"its expression has {flags!r}")
        return (f"(?{letters})" if letters else "") + str(given["pattern"])
    if not isinstance(given, str):
        raise UnfitError("its expression is no text")
    return given


def _matches(way: Way) -> Callable[[dict[str, Any]], Condition]:
    def condition(said: dict[str, Any]) -> Condition:
        pattern = _pattern(said["pattern"])
        try:
            return Matches(whole(pattern, way))
        except PatternError as error:
            raise UnfitError(f"{pattern!r} {error}") from None

    return condition


def _length(said: dict[str, Any]) -> Condition:
    exact = said.get("exact_value")
    low, high = (
        (exact, exact) if exact is not None else (said.get("min_value"), said.get("max_value"))
    )
    if low is None and high is None:
        raise UnfitError("it bounds nothing")
    if not all(each is None or (type(each) is int and each >= 0) for each in (low, high)):
        raise UnfitError("its bounds are no numbers of characters")
    return Length(low, high)


#: By the check's name, from its statistics.
CONDITIONS: dict[str, Callable[[dict[str, Any]], Condition]] = {
    "equal_to": lambda said: OneOf((_value(said["value"]),)),
    "not_equal_to": lambda said: OneOf((_value(said["value"]),), never=True),
    "greater_than": lambda said: Range(low=_value(said["min_value"]), above=True),
    "greater_than_or_equal_to": lambda said: Range(low=_value(said["min_value"])),
    "less_than": lambda said: Range(high=_value(said["max_value"]), below=True),
    "less_than_or_equal_to": lambda said: Range(high=_value(said["max_value"])),
    "in_range": lambda said: Range(
        _value(said["min_value"]),
        _value(said["max_value"]),
        above=not said.get("include_min", True),
        below=not said.get("include_max", True),
    ),
    "isin": lambda said: OneOf(values(said["allowed_values"])),
    "notin": lambda said: OneOf(values(said["forbidden_values"]), never=True),
    "str_matches": _matches("match"),
    "str_contains": _matches("search"),
    "str_startswith": lambda said: Matches(starting(said["string"])),
    "str_endswith": lambda said: Matches(ending(said["string"])),
    "str_length": _length,
}
