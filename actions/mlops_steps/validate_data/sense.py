"""What a contract cannot mean, alone or beside mlops.yaml: a check that cannot fail is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mlops_steps.config import TableInput, Task
from mlops_steps.validate_data.contract import Bounds, Column, Contract, Counts, Files, Rows
from mlops_steps.yaml_file import did_you_mean

#: Characters of a regular expression, which findings quote.
LONGEST_REGEX = 2_000


def misfits(contract: Contract, table: TableInput, *, task: Task) -> Iterator[tuple[str, str]]:
    """Everything that makes no sense in it or beside mlops.yaml, each with its key."""
    if contract.rows.max is not None and contract.rows.max < contract.rows.min:
        yield "rows.max", f"{contract.rows.max} is below min, {contract.rows.min}"
    if problem := _change(contract.rows):
        yield f"rows.{problem[0]}", problem[1]
    for name in (table.key, table.target, table.file):
        if name is not None and name not in contract.columns:
            yield "columns", f"says nothing of {name!r}, which mlops.yaml names"
    for name, column in contract.columns.items():
        problem = _nonsense(column)
        if problem is None and name == table.target:
            problem = _no_target(column, table, task)
        if problem is not None:
            yield f"columns.{name}.{problem[0]}", problem[1]
    if contract.copies is not None and getattr(table, "engine", "duckdb") != "duckdb":
        yield "copies", "is judged by the engine duckdb alone; mlops.yaml asks for another"
    if contract.files is not None and (problem := _of_files(contract.files, table)):
        yield problem
    yield from _beyond_columns(contract)


def _of_files(files: Files, table: TableInput) -> tuple[str, str] | None:
    """Why what is asked of files cannot be meant."""
    if table.file is None:
        return "files", "is for the kind files, and mlops.yaml says that this is a table"
    if files.size is None and not files.whole and not files.once:
        return "files", "asks for nothing. Allowed: size, whole, once"
    if files.size is None:
        return None
    if files.size.max is None and files.size.min == 0:
        return "files.size", "lets every size pass"
    return _bounds("files.size", files.size)


def _change(rows: Rows) -> tuple[str, str] | None:
    """Why the change of the number of rows cannot be meant."""
    accepted, change = rows.accepted, rows.change
    if change is None:
        words = "is compared with nothing: say `change`, too, or leave it out"
        return ("accepted", words) if accepted is not None else None
    if accepted is None:
        return "change", "is a multiple of `accepted`, the last number of rows: say it, too"
    if problem := _bounds("change", change):
        return problem
    if (change.min or 0) > 1 or (change.max is not None and change.max < 1):
        return "change", "refuses the number of rows that was accepted. Allowed: min <= 1 <= max"
    if (change.min or 0) <= 0 and change.max is None:
        return "change.min", f"{change.min:g} times as many are always there"
    return None


def _beyond_columns(contract: Contract) -> Iterator[tuple[str, str]]:
    """What makes no sense in the parts of a contract that are about more than one cell."""
    for place, together in enumerate(contract.unique):
        yield from _strange(contract, f"unique[{place}]", together)
    for place, reference in enumerate(contract.references):
        yield from _strange(contract, f"references[{place}].columns", reference.columns)
        if reference.to is not None and len(reference.to) != len(reference.columns):
            words = f"names {len(reference.to)} columns for the {len(reference.columns)} of columns"
            yield f"references[{place}].to", words
    for place, fresh in enumerate(contract.fresh):
        yield from _strange(contract, f"fresh[{place}].column", [fresh.column])
        column = contract.columns.get(fresh.column)
        if column is not None and column.type != "timestamp":
            words = f"is {column.type} in the contract; only a timestamp has an age"
            yield f"fresh[{place}].column", words
    for place, rule in enumerate(contract.rules):
        yield from _stated(contract, f"rules[{place}]", rule.sql, grouped=False)
    for place, group in enumerate(contract.groups):
        yield from _stated(contract, f"groups[{place}]", group.sql, grouped=True)
        yield from _strange(contract, f"groups[{place}].by", group.by)
    for part, names in (
        ("rules", [rule.name for rule in contract.rules]),
        ("groups", [group.name for group in contract.groups]),
    ):
        for place, name in enumerate(names):
            if name in names[:place]:
                yield f"{part}[{place}].name", f"{name!r} is the name of another, too"


def _stated(contract: Contract, key: str, sql: str, *, grouped: bool) -> Iterator[tuple[str, str]]:
    from mlops_steps.validate_data import rules  # imports sqlglot: 0.1 s

    try:
        expression = rules.read(sql, grouped=grouped)
    except rules.RuleError as error:
        yield f"{key}.sql", str(error)
    else:
        yield from _strange(contract, f"{key}.sql", rules.columns(expression))


def _strange(contract: Contract, key: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    known = list(contract.columns)
    for name in names:
        if name not in known:
            yield key, f"names {name!r}, which is not under columns{did_you_mean(name, known)}"


def unnamed(contract: Contract, columns: Iterable[str]) -> list[str]:
    """The columns of a table that its contract refuses because it does not name them."""
    if contract.extra_columns:
        return []
    return [name for name in columns if name not in contract.columns]


def _no_target(column: Column, table: TableInput, task: Task) -> tuple[str, str] | None:
    """Why no table that keeps the contract has a target for the task: the key, and the words."""
    if task == "regression" and column.type not in {"number", "integer"}:
        words = f"is {column.type}; the target of the task regression is number or integer"
        return "type", words
    if column.allowed is not None and len(set(column.allowed)) < 2:
        words = f"allows {column.allowed[0]!r} alone; a target of the task {task} varies"
        return "allowed", words
    if table.positive is None or _can_be(column, table.positive):
        return None
    what = f"{table.positive!r}, which mlops.yaml calls positive"
    if column.allowed is None:
        return "type", f"no {column.type} that the contract allows is {what}"
    known = [str(each) for each in column.allowed]
    hint = did_you_mean(str(table.positive), known)
    if isinstance(table.positive, bool):
        hint = " (a truth value; put a text in quotes)"
    return "allowed", f"lacks {what}{hint}. Allowed here: {', '.join(known)}"


def _can_be(column: Column, value: str | float | bool) -> bool:  # noqa: FBT001 - a value
    """Whether a cell that keeps the contract can be the positive value, as `is_positive` compares.

    In doubt it can: a number written as a text may stand so in a CSV file.
    """
    if isinstance(value, bool):
        return column.type in {"boolean", "text"} and _among(str(value).lower(), column, str.lower)
    if column.type == "boolean":
        return isinstance(value, str) and value.lower() in {"true", "false"}
    if column.type == "text" and isinstance(value, str):
        return _among(value, column, str)
    if column.type == "timestamp":
        return True
    number = _number(value)
    if number is None or (column.type == "integer" and not number.is_integer()):
        return False
    low, high = column.min, column.max
    inside = (low is None or number >= low) and (high is None or number <= high)
    return inside and _among(number, column, _number)


def _among(value: object, column: Column, read: Callable[[Any], object]) -> bool:
    return column.allowed is None or value in [read(each) for each in column.allowed]


def _number(value: str | float) -> float | None:
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _nonsense(column: Column) -> tuple[str, str] | None:
    """The first key that cannot be meant, and why: a check that cannot fail is none."""
    looks = (_range, _text_only, _of_numbers_only, _no_bounds, _allowed)
    return next((problem for look in looks if (problem := look(column))), None)


def _range(column: Column) -> tuple[str, str] | None:
    for key, bound in (("min", column.min), ("max", column.max)):
        if bound is not None and column.type not in {"number", "integer"}:
            return key, f"is for number and integer, not for {column.type}"
        if bound is not None and not math.isfinite(bound):
            return key, f"{bound} bounds nothing. Allowed: a finite number, or no {key}"
    if column.min is not None and column.max is not None and column.max < column.min:
        return "max", f"{column.max:g} is below min, {column.min:g}"
    return None


def _allowed(column: Column) -> tuple[str, str] | None:
    if column.allowed is not None and column.type in {"boolean", "timestamp"}:
        return "allowed", f"is for number, integer and text, not for {column.type}"
    for value in column.allowed or []:
        if reason := _never(value, column):
            return "allowed", f"{value!r} {reason}"
    return None


def _text_only(column: Column) -> tuple[str, str] | None:
    for key, value in (("regex", column.regex), ("length", column.length)):
        if value is not None and column.type != "text":
            return key, f"is for text, not for {column.type}"
    if column.regex is not None:
        from mlops_steps.data.tables import unusable_regex

        if len(column.regex) > LONGEST_REGEX:
            return "regex", f"has {len(column.regex):,} signs. Allowed: at most {LONGEST_REGEX:,}"
        if problem := unusable_regex(column.regex):
            return "regex", f"{column.regex!r} is no expression of RE2: {problem}"
    return None


def _of_numbers_only(column: Column) -> tuple[str, str] | None:
    for key, value in (("mean", column.mean), ("quantiles", column.quantiles)):
        if value and column.type not in {"number", "integer"}:
            return key, f"is for number and integer, not for {column.type}"
    return None


def _no_bounds(column: Column) -> tuple[str, str] | None:
    """A pair of bounds that lets everything pass, or nothing."""
    pairs: list[tuple[str, Bounds | Counts | None]] = [
        *(("length", column.length), ("mean", column.mean), ("distinct", column.distinct)),
        *((f"quantiles[{place}]", each) for place, each in enumerate(column.quantiles)),
        *((f"shares[{place}]", each) for place, each in enumerate(column.shares)),
    ]
    for key, pair in pairs:
        if pair is not None and (problem := _bounds(key, pair)):
            return problem
    for place, share in enumerate(column.shares):
        if (share.max is None or share.max >= 1) and (share.min is None or share.min <= 0):
            return f"shares[{place}]", "lets every share pass"
    return None


def _never(value: str | float, column: Column) -> str:
    """Why no cell that keeps the contract can have a value that it allows; empty if one can."""
    numeric = column.type in {"number", "integer"}
    finite = isinstance(value, str | int) or math.isfinite(value)
    if isinstance(value, str) == numeric or not finite:
        return f"is not {'a finite number' if numeric else 'a text (put it in quotes)'}"
    if isinstance(value, str):
        return ""
    if column.type == "integer" and isinstance(value, float) and not value.is_integer():
        return "is no integer"
    if column.min is not None and value < column.min:
        return f"is below min, {column.min:g}"
    if column.max is not None and value > column.max:
        return f"is above max, {column.max:g}"
    return ""


def _bounds(key: str, pair: Bounds | Counts) -> tuple[str, str] | None:
    for bound in (pair.min, pair.max):
        if bound is not None and not math.isfinite(bound):
            return key, f"{bound} bounds nothing. Allowed: a finite number"
    if pair.min is None and pair.max is None:
        return key, "has neither min nor max, and so cannot fail"
    if pair.min is not None and pair.max is not None and pair.max < pair.min:
        return key, f"max, {pair.max:g}, is below min, {pair.min:g}"
    return None
