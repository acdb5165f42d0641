"""Great Expectations: what an expectation asks of a column, in the words of a contract.

As its pandas engine judges: an empty cell is not looked at, unless the expectation is about that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlops_steps.validate_data.imports.conditions import (
    Condition,
    Filled,
    Length,
    Matches,
    OneOf,
    Range,
)
from mlops_steps.validate_data.imports.notes import Told
from mlops_steps.validate_data.imports.patterns import PatternError, whole
from mlops_steps.validate_data.imports.values import UnfitError, require

NUMBER = (int, float)
BOUNDS = "min_value max_value strict_min strict_max"


@dataclass(frozen=True)
class Expectation:
    """One entry of a suite."""

    kwargs: dict[str, Any]
    told: Told

    def take(self, name: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        """A keyword of a type.

        Raises:
            UnfitError: It has another type.
        """
        value = self.kwargs.get(name)
        if value is None:
            return default
        right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        require(right, f"its {name} is {value!r}, which has another type")
        return value

    def need(self, name: str, kind: type | tuple[type, ...]) -> Any:
        """A keyword that has to be there."""
        value = self.take(name, kind)
        require(value is not None, f"it has no {name}")
        return value

    def flag(self, name: str) -> bool:
        """A keyword that is true or false, and false if it is not there."""
        return bool(self.take(name, bool))

    @property
    def column(self) -> str:
        """The column that it is about."""
        return str(self.need("column", str))

    def texts(self, name: str) -> list[str]:
        """A list of texts, of one at least."""
        values = self.need(name, list)
        known = bool(values) and all(isinstance(one, str) for one in values)
        require(known, f"its {name} is no list of texts")
        return [str(one) for one in values]

    def counts(self) -> tuple[int | None, int | None]:
        """Both ends of a number of things, inclusive."""
        low, high = self.take("min_value", int), self.take("max_value", int)
        low = low + 1 if low is not None and self.flag("strict_min") else low
        high = high - 1 if high is not None and self.flag("strict_max") else high
        require(low is not None or high is not None, "it bounds nothing")
        require(high is None or high >= 0, "there is no number below zero of anything")
        return low if low is None else max(low, 0), high


def _range(each: Expectation) -> Range:
    return Range(
        low=each.take("min_value", (*NUMBER, str)),
        high=each.take("max_value", (*NUMBER, str)),
        above=each.flag("strict_min"),
        below=each.flag("strict_max"),
    )


def _length(each: Expectation) -> Length:
    value = each.need("value", int)
    require(value >= 0, f"no text has {value} characters")
    return Length(value, value)


def values(each: Expectation) -> tuple[Any, ...]:
    """The values of a set; an empty cell is looked at by no set."""
    found = [one for one in each.need("value_set", list) if one is not None]
    known = bool(found) and all(isinstance(one, bool | int | float | str) for one in found)
    require(known, "its value_set is empty, or holds what is no cell")
    return tuple(found)


def _pattern(regex: str) -> str:
    try:
        return whole(regex, "search")
    except PatternError as error:
        raise UnfitError(f"{regex!r} {error}") from None


def _one_pattern(each: Expectation) -> str:
    return _pattern(each.need("regex", str))


def _any_pattern(each: Expectation) -> str:
    patterns = [_pattern(one) for one in each.texts("regex_list")]
    several = len(patterns) > 1 and each.take("match_on", str, "any") != "any"
    require(not several, "all of several expressions: a rule for each says the same")
    return patterns[0] if len(patterns) == 1 else "|".join(f"(?:{one})" for one in patterns)


def _least(each: Expectation) -> Range:
    low = each.take("min_value", (*NUMBER, str))
    require(low is not None, "that some value is below a bound is nothing that a contract asks")
    return Range(low=low, above=each.flag("strict_min"))


def _greatest(each: Expectation) -> Range:
    high = each.take("max_value", (*NUMBER, str))
    require(high is not None, "that some value is above a bound is nothing that a contract asks")
    return Range(high=high, below=each.flag("strict_max"))


_SET = "column value_set"
#: Of a cell: what it asks, and the keywords that are read, beside `mostly`.
OF_CELLS: dict[str, tuple[Callable[[Expectation], Condition], str]] = {
    "expect_column_values_to_not_be_null": (lambda _: Filled(), "column"),
    "expect_column_values_to_be_null": (lambda _: Filled(never=True), "column"),
    "expect_column_values_to_be_in_set": (lambda each: OneOf(values(each)), _SET),
    "expect_column_values_to_not_be_in_set": (lambda each: OneOf(values(each), never=True), _SET),
    "expect_column_distinct_values_to_be_in_set": (lambda each: OneOf(values(each)), _SET),
    "expect_column_values_to_be_between": (_range, f"column {BOUNDS}"),
    "expect_column_value_lengths_to_be_between": (
        lambda each: Length(*each.counts()), f"column {BOUNDS}"),
    "expect_column_value_lengths_to_equal": (_length, "column value"),
    "expect_column_values_to_match_regex": (
        lambda each: Matches(_one_pattern(each)), "column regex"),
    "expect_column_values_to_not_match_regex": (
        lambda each: Matches(_one_pattern(each), never=True), "column regex"),
    "expect_column_values_to_match_regex_list": (
        lambda each: Matches(_any_pattern(each)), "column regex_list match_on"),
    "expect_column_values_to_not_match_regex_list": (
        lambda each: Matches(_any_pattern(each), never=True), "column regex_list"),
    "expect_column_min_to_be_between": (_least, f"column {BOUNDS}"),
    "expect_column_max_to_be_between": (_greatest, f"column {BOUNDS}"),
}  # fmt: skip
#: Where only a part of it can be asked: the keyword that is not, and why.
IN_PART = {
    "expect_column_min_to_be_between": "max_value",
    "expect_column_max_to_be_between": "min_value",
}


def _figure(each: Expectation) -> dict[str, Any]:
    ends = {"min": each.take("min_value", NUMBER), "max": each.take("max_value", NUMBER)}
    found = {key: end for key, end in ends.items() if end is not None}
    require(bool(found), "it bounds nothing")
    return found


def _distinct(each: Expectation) -> dict[str, Any]:
    ends = zip(("min", "max"), each.counts(), strict=True)
    return {key: end for key, end in ends if end is not None}


def _quantiles(each: Expectation) -> list[dict[str, Any]]:
    ranges = each.need("quantile_ranges", dict)
    places, ends = ranges.get("quantiles"), ranges.get("value_ranges")
    listed = isinstance(places, list) and isinstance(ends, list) and len(places) == len(ends)
    require(listed, "its quantile_ranges are not as many quantiles as ranges")
    found = []
    for at, both in zip(places or [], ends or [], strict=True):
        low, high = both if isinstance(both, list) and len(both) == 2 else ("", "")
        numbers = all(one is None or type(one) in NUMBER for one in (at, low, high))
        bounded = numbers and at is not None and 0 < at < 1 and not (low is None and high is None)
        require(bounded, f"{at!r} between {both!r} is no bound on a quantile")
        pair = {"min": low, "max": high}
        found.append({"at": at, **{key: end for key, end in pair.items() if end is not None}})
    return found


_MEDIAN = (
    "of an even number of values pandas takes the mean of the two in the middle, a contract the "
    "lower one"
)
_NEAREST = (
    "between two values pandas takes the nearest, a contract the least with that share at or "
    "below it"
)
#: Of a column as a whole: the contract's key, its value, the keywords, and what differs.
OF_COLUMNS: dict[str, tuple[str, Callable[[Expectation], Any], str, str]] = {
    "expect_column_values_to_be_unique": ("unique", lambda _: True, "column", ""),
    "expect_column_mean_to_be_between": ("mean", _figure, f"column {BOUNDS}", ""),
    "expect_column_unique_value_count_to_be_between": (
        "distinct", _distinct, f"column {BOUNDS}", ""),
    "expect_column_median_to_be_between": (
        "quantiles", lambda each: [{"at": 0.5, **_figure(each)}], f"column {BOUNDS}", _MEDIAN),
    "expect_column_quantile_values_to_be_between": (
        "quantiles", _quantiles, "column quantile_ranges", _NEAREST),
}  # fmt: skip
