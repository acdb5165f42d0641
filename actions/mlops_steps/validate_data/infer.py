"""What a table's columns have in common: the facts from which a contract is proposed.

Two passes over the rows, and one for each column whose values are listed, told apart or written
by a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

from mlops_steps.data.tables import identifier, literal
from mlops_steps.validate_data.cells import unreadable
from mlops_steps.validate_data.contract import ColumnType
from mlops_steps.validate_data.facts import (
    CLASSES,
    CODES,
    ENOUGH,
    TEXTS,
    Facts,
    Heavy,
    apart_by_rule,
    names_something,
)
from mlops_steps.validate_data.view import View

#: Columns that are looked at together.
_TOGETHER = 50
_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
#: Signs of a text that has a pattern, and runs of signs in it.
_SHORT, _RUNS = 40, 8
#: A longer text is no value of a set.
_LONG = 200
_RUN = {"9": "[0-9]", "A": "[A-Z]", "a": "[a-z]"}
T = TypeVar("T")


def study(
    view: View, kinds: dict[str, str], *, typed: bool, key: str, target: str
) -> dict[str, Facts]:
    """Look at all rows of a view, a few columns at a time.

    Args:
        view: The rows; of a file without types, with the texts as they are.
        kinds: The columns with DuckDB's types.
        typed: Whether the file itself has types.
        key: The column that names a row.
        target: The column to be told: all of its values are counted, up to `CLASSES`.
    """
    found: dict[str, Facts] = {}
    patterns: dict[str, str] = {}
    about: dict[str, int] = {}
    for names in _batched(kinds, _TOGETHER):
        for name, facts, pattern, different in _first(view, names, kinds, typed=typed):
            found[name], patterns[name], about[name] = facts, pattern, different
    for name, first in found.items():
        few = TEXTS if first.type == "text" else CODES if first.type == "integer" else 0
        few = CLASSES if name == target else few
        # The number of different ones is estimated, and errs by a few percent.
        counted = about[name] <= 2 * few and first.longest <= _LONG
        values = _values(view, name, few) if counted else None
        unique = values is None and _may_be_unique(first, key) and not _repeats(view, name)
        coded = values is None and patterns[name] and first.present >= ENOUGH
        regex = _pattern(view, name, patterns[name]) if coded else ""
        found[name] = replace(first, values=values, unique=unique, regex=regex)
    numbers = [name for name, each in found.items() if each.low is not None]
    for names in _batched(numbers, _TOGETHER):
        for name, heavy in zip(names, _heavy(view, [found[name] for name in names]), strict=True):
            found[name] = replace(found[name], heavy=heavy)
    return found


def _first(
    view: View, names: Sequence[str], kinds: dict[str, str], *, typed: bool
) -> Iterator[tuple[str, Facts, str, int]]:
    """The facts of one pass, with how all texts are written, and about how many differ."""
    wants: list[str] = []
    for name in names:
        cell, text = identifier(name), f"CAST({identifier(name)} AS VARCHAR)"
        number = f"TRY_CAST({cell} AS DOUBLE)"
        if typed and unreadable("number", kinds[name]):
            number = "CAST(NULL AS DOUBLE)"
        numeric = f"regexp_full_match({text}, {literal(_NUMBER)}) AND isfinite({number})"
        day = f"regexp_matches({text}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}')"
        wants += [
            f"count({cell})",
            f"count_if(regexp_full_match({text}, '-?[0-9]{{1,18}}'))",
            f"count_if({numeric})",
            f"count_if(isnan({number}))",
            f"count_if(isinf({number}))",
            f"count_if(lower({text}) IN ('true', 'false'))",
            f"count_if({day} AND TRY_CAST({text} AS TIMESTAMP) IS NOT NULL)",
            f"count_if(regexp_full_match({text}, '-?0[0-9]+|-0'))",
            f"min({number}) FILTER (WHERE isfinite({number}))",
            f"max({number}) FILTER (WHERE isfinite({number}))",
            f"min(length({text}))",
            f"max(length({text}))",
            f"min({_written(text)})",
            f"max({_written(text)})",
            f"approx_count_distinct({cell})",
        ]
    rows, *answers = view.one("count(*)", *wants)
    for name, found in zip(names, _batched(answers, len(wants) // len(names)), strict=True):
        *others, about = found
        yield name, *_told(name, rows, others, kinds[name] if typed else ""), about


def _told(name: str, rows: int, found: Sequence[Any], kind: str) -> tuple[Facts, str]:
    present, whole, numeric, nan, infinite, truths, times, padded, *rest = found
    low, high, shortest, longest, first, last = rest
    type_: ColumnType | Literal[""] = "text"
    if kind:
        wanted: tuple[ColumnType, ...] = ("boolean", "number", "timestamp", "text")
        type_ = next((each for each in wanted if not unreadable(each, kind)), "")
        if type_ == "number" and re.search("INT", kind):
            type_ = "integer"
    elif present and whole == present:
        type_ = "text" if padded else "integer"  # 007 is a code
    elif numeric and numeric + nan + infinite == present:
        type_ = "number"
    elif present and truths == present:
        type_ = "boolean"
    elif present and times == present:
        type_ = "timestamp"
    numbers = type_ in {"integer", "number"}
    facts = Facts(
        name=name,
        type=type_,
        rows=rows,
        nulls=rows - present + (nan if numbers else 0),
        infinite=infinite if numbers else 0,
        low=low if numbers else None,
        high=high if numbers else None,
        shortest=shortest or 0,
        longest=longest or 0,
        names=names_something(name),
        padded=padded > 0,
    )
    return facts, first if type_ == "text" and first == last and first else ""


def _written(text: str) -> str:
    """SQL for a text with its runs of digits and letters as 9, A and a; '' beside what is long."""
    runs = text
    for sign, kind in _RUN.items():
        runs = f"regexp_replace({runs}, '{kind}+', '{sign}', 'g')"
    return f"CASE WHEN length({text}) <= {_SHORT} THEN {runs} WHEN {text} IS NOT NULL THEN '' END"


def _values(view: View, name: str, few: int) -> dict[str, int] | None:
    query = (
        f"SELECT CAST({identifier(name)} AS VARCHAR) AS value, count(*) FROM {view.table} WHERE "
        f"{view.where} AND {identifier(name)} IS NOT NULL GROUP BY 1 ORDER BY 1 LIMIT {few + 1}"
    )
    values = dict(view.connection.execute(query).fetchall())
    return values if len(values) <= few else None


def _may_be_unique(facts: Facts, key: str) -> bool:
    """Whether it says something that no value is there twice: of a measurement it does not."""
    if facts.present < ENOUGH or facts.type not in {"text", "integer"}:
        return False
    if facts.name == key or facts.names:
        return True
    if facts.type == "text" or facts.low is None or facts.high is None:
        return False
    return apart_by_rule(facts.present, facts.low, facts.high)


def _repeats(view: View, name: str) -> bool:
    query = f"SELECT 1 FROM ({view.repeated(identifier(name))}) LIMIT 1"
    return view.connection.execute(query).fetchone() is not None


def _pattern(view: View, name: str, written: str) -> str:
    """The pattern of texts that are all written as `written` says, each run by itself.

    A run that is the same everywhere stands as it is, one of digits or letters of one length with
    its length where that is a rule: for digits, where one begins with 0.
    """
    runs = re.findall(r"[9Aa]|[^9Aa]+", written)
    if "9" not in runs or len(runs) > _RUNS:
        return ""
    groups = "".join(f"({_RUN[run]}+)" if run in _RUN else f"({_plain(run)})" for run in runs)
    text = f"CAST({identifier(name)} AS VARCHAR)"
    wants = [f"count_if(NOT regexp_full_match({text}, {literal(groups)}))"]
    for place in range(1, len(runs) + 1):
        part = f"regexp_extract({text}, {literal(groups)}, {place})"
        wants += [f"min({part})", f"max({part})", f"min(length({part}))", f"max(length({part}))"]
    broken, *answers = view.one(*wants)
    if broken:
        return ""
    parts = [_run(run, *found) for run, found in zip(runs, _batched(answers, 4), strict=True)]
    return "".join(parts) if any(_RUN["9"] in part for part in parts) else ""


def _run(run: str, first: str, last: str, shortest: int, longest: int) -> str:
    if first == last:
        return _plain(first)
    fixed = shortest == longest and (run != "9" or first.startswith("0"))
    return f"{_RUN[run]}{{{longest}}}" if fixed else f"{_RUN[run]}+"


def _plain(text: str) -> str:
    """A text as an expression that matches it and nothing else."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)


def _heavy(view: View, columns: Iterable[Facts]) -> Iterator[Heavy]:
    wants = []
    for each in columns:
        low, high = each.low or 0.0, each.high or 0.0
        number, sixth = f"TRY_CAST({identifier(each.name)} AS DOUBLE)", high / 6 - low / 6
        there = f"count_if(isfinite({number})"
        wants += [f"{there})", f"{there} AND {number} < {low + sixth!r})",
                  f"{there} AND {number} > {high - sixth!r})"]  # fmt: skip
    for count, below, above in _batched(view.one(*wants), 3):
        yield "low" if 2 * below >= count else "high" if 2 * above >= count else "neither"


def _batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of so many each; of Python 3.12 on, `itertools.batched`."""
    left = list(values)
    for start in range(0, len(left), size):
        yield left[start : start + size]
