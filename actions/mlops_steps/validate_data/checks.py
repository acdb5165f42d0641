"""From a contract to checks: each is one SQL condition that is true for a row that breaks it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace

from mlops_steps.config import did_you_mean
from mlops_steps.data.profile import is_numeric
from mlops_steps.data.tables import identifier, literal
from mlops_steps.validate_data.contract import (
    Column,
    ColumnType,
    Contract,
    Counts,
    Environment,
    Severity,
)

_TIMES = re.compile(r"DATE|TIMESTAMP.*")
_INTEGERS = re.compile(r"U?(TINY|SMALL|BIG)INT|U?INTEGER")
_TEXTS = re.compile(r"VARCHAR|ENUM\(.*\)|UUID")


@dataclass(frozen=True)
class Check:
    """One thing to judge.

    Attributes:
        kind: Its name: type, nulls, range, set, regex, length, unique, rule, …
        column: The column's name; of several columns all of them; of a rule its own name.
        broken: What is wrong with a row that breaks it, in words.
        violation: SQL that is true for such a row.
        distinct: Instead of `violation`, SQL for a value that no two rows may share.
        whole: Whether that is a column of 64 bits or less that holds integers.
        shows: SQL for what a finding shows of a row that breaks it; empty if nothing is.
        undecided: Why it cannot be judged, if it cannot.
        severity: Whether it decides (error) or only says something (warn).
        tolerate: The share of rows that may break it.
    """

    kind: str
    column: str
    broken: str = ""
    violation: str = ""
    distinct: str = ""
    whole: bool = False
    shows: str = ""
    undecided: str = ""
    severity: Severity = "error"
    tolerate: float = 0


def compile_checks(
    contract: Contract,
    kinds: dict[str, str],
    *,
    typed: bool,
    environment: Environment = "training",
) -> list[Check]:
    """The checks of every column of the contract.

    Args:
        contract: What is wanted.
        kinds: The table's columns with DuckDB's types.
        typed: Whether the file itself has types (Parquet). Otherwise every cell is a text,
            and the text has to be readable as what the contract wants; see `with_values`.
        environment: A column that this one does not need may be missing.
    """
    checks: list[Check] = []
    for name, column in contract.columns.items():
        wanted = _column_checks(name, column, kinds.get(name, ""), text=not typed)
        reason = ""
        if name not in kinds and environment not in column.environments:
            continue
        if name not in kinds:
            extra = [each for each in kinds if each not in contract.columns]
            reason = f"the table has no such column{did_you_mean(name, extra)}"
        elif typed:
            reason = unreadable(column.type, kinds[name])
        if reason:
            wanted = [Check(each.kind, name, undecided=reason) for each in wanted]
        checks += wanted
    return checks


def unreadable(wanted: ColumnType, kind: str) -> str:
    """Why a column of a file with types cannot be read as the wanted one; empty if it can."""
    fits = _fits(wanted, kind)
    return "" if fits else f"the file holds {kind}, which cannot be read as {wanted}"


def with_values(table: str, contract: Contract, kinds: dict[str, str]) -> str:
    """A table of texts with each cell's value beside it, read once and not once a condition.

    The conditions of `compile_checks(..., typed=False)` use these columns.
    """
    values = [
        f"{_value(identifier(name), column.type, text=True)} AS {identifier(read_as(name))}"
        for name, column in contract.columns.items()
        if name in kinds
    ]
    return f"(SELECT {', '.join(['*', *values])} FROM {table})"


def read_as(name: str) -> str:
    """The name of the column that holds the value of a cell which the file has as a text."""
    return f"*value* {name}"


def value_of(name: str, column: Column, *, typed: bool) -> str:
    """SQL for a cell as the type that the contract wants; NULL where it cannot be read so."""
    if typed:
        return _value(identifier(name), column.type, text=False)
    return identifier(read_as(name))


def absent(name: str, column: Column, *, typed: bool) -> str:
    """SQL that is true where there is no value: NULL, and NaN for a number."""
    empty = f"{identifier(name)} IS NULL"
    if column.type not in {"number", "integer"}:
        return empty
    return f"{empty} OR coalesce(isnan({value_of(name, column, typed=typed)}), false)"


def _fits(wanted: ColumnType, kind: str) -> bool:
    match wanted:
        case "number" | "integer":
            return is_numeric(kind) and kind != "BOOLEAN"
        case "text":
            return _TEXTS.fullmatch(kind) is not None
        case "boolean":
            return kind == "BOOLEAN"
        case "timestamp":
            return _TIMES.fullmatch(kind) is not None


def _column_checks(name: str, column: Column, kind: str, *, text: bool) -> list[Check]:
    cell = identifier(name)
    value = value_of(name, column, typed=not text)
    numeric = column.type in {"number", "integer"}
    bounded = column.min is not None or column.max is not None
    # NaN is no value; infinity is one, and out of every range.
    nan = f"isnan({value})" if numeric else "false"
    missing = absent(name, column, typed=not text)

    unreadable = f"{value} IS NULL"
    if column.type == "integer":
        unreadable += f" OR (isfinite({value}) AND {value} <> trunc({value}))"
    if numeric and not bounded:
        unreadable += f" OR isinf({value})"
    what = "an integer" if column.type == "integer" else f"a {column.type}"
    broken = f"not a finite {column.type}" if numeric and not bounded else f"not {what}"
    checks = [Check("type", name, broken, f"{cell} IS NOT NULL AND ({unreadable})")]
    if not column.nullable:
        checks.append(Check("nulls", name, "without a value", missing))
    if bounded:
        low = -sys.float_info.max if column.min is None else column.min
        high = sys.float_info.max if column.max is None else column.max
        inside = f"{nan} OR ({value} >= {_number(low)} AND {value} <= {_number(high)})"
        checks.append(Check("range", name, _outside(column), _not_shown(cell, inside)))
    if column.allowed is not None:
        values = ", ".join(
            literal(each) if isinstance(each, str) else _number(each) for each in column.allowed
        )
        words = ", ".join(str(each) for each in column.allowed)
        inside = f"{nan} OR {value} IN ({values})"
        checks.append(Check("set", name, f"not one of {words}", _not_shown(cell, inside)))
    if column.regex is not None:
        inside = f"regexp_full_match({value}, {literal(column.regex)})"
        broken = f"not wholly matched by {column.regex}"
        checks.append(Check("regex", name, broken, _not_shown(cell, inside)))
    if column.length is not None:
        inside, broken = _long(f"length({value})", column.length)
        checks.append(Check("length", name, broken, _not_shown(cell, inside)))
    if column.unique:
        whole = is_integer(kind)
        distinct = identifier(name) if whole else _distinct(name, column, typed=not text)
        broken = "with a value of another row"
        checks.append(Check("unique", name, broken, distinct=distinct, whole=whole))
    shows = f"CAST({cell} AS VARCHAR)"
    return [
        replace(check, shows=shows, severity=column.severity, tolerate=column.tolerate)
        for check in checks
    ]


def is_integer(kind: str) -> bool:
    """Whether a DuckDB type holds integers of 64 bits or less."""
    return _INTEGERS.fullmatch(kind) is not None


def check_together(contract: Contract, kinds: dict[str, str], *, typed: bool) -> list[Check]:
    """The checks of columns whose values together stand in no two rows."""
    checks = []
    for names in contract.unique:
        lacking = [name for name in names if name not in kinds]
        if lacking:
            reason = f"the table has no column {lacking[0]!r}"
            checks.append(Check("unique", ", ".join(names), undecided=reason))
            continue
        present = " AND ".join(
            f"NOT ({absent(name, contract.columns[name], typed=typed)})" for name in names
        )
        parts = ", ".join(_distinct(name, contract.columns[name], typed=typed) for name in names)
        together = f"CASE WHEN {present} THEN row({parts}) END"
        broken = "with these values of another row"
        checks.append(Check("unique", ", ".join(names), broken, distinct=together))
    return checks


def _distinct(name: str, column: Column, *, typed: bool) -> str:
    """SQL for a value that is equal in two rows where the contract's type makes it equal."""
    value, missing = value_of(name, column, typed=typed), absent(name, column, typed=typed)
    if column.type == "integer":  # a double would take 2^53 and 2^53 + 1 for one
        whole = f"NOT ({missing}) AND {value} = trunc({value})"
        return f"CASE WHEN {whole} THEN TRY_CAST({identifier(name)} AS HUGEINT) END"
    return f"CASE WHEN NOT ({missing}) THEN {value} END"


def _long(length: str, wanted: Counts) -> tuple[str, str]:
    """SQL that is true for a length that is allowed, and words for one that is not."""
    if wanted.min is None:
        return f"{length} <= {wanted.max}", f"longer than {wanted.max:,}"
    if wanted.max is None:
        return f"{length} >= {wanted.min}", f"shorter than {wanted.min:,}"
    inside = f"{length} BETWEEN {wanted.min} AND {wanted.max}"
    return inside, f"not {wanted.min:,} to {wanted.max:,} characters long"


def _not_shown(cell: str, inside: str) -> str:
    """There is something, and it is not shown to lie inside (it may not be readable at all)."""
    return f"{cell} IS NOT NULL AND NOT coalesce({inside}, false)"


def _value(cell: str, wanted: ColumnType, *, text: bool) -> str:
    """SQL for a cell as the wanted type; NULL where it cannot be read so."""
    match wanted:
        case "number" | "integer":
            return f"TRY_CAST({cell} AS DOUBLE)"
        case "text":
            return f"CAST({cell} AS VARCHAR)"
        case "boolean" if text:
            # Not a cast, which takes t, yes and 1 too.
            return f"CASE lower({cell}) WHEN 'true' THEN true WHEN 'false' THEN false END"
        case "timestamp" if text:
            return f"TRY_CAST({cell} AS TIMESTAMP)"
        case _:
            return cell


def _outside(column: Column) -> str:
    if column.min is None:
        return f"above {column.max:g}"
    if column.max is None:
        return f"below {column.min:g}"
    return f"outside {column.min:g} to {column.max:g}"


def _number(value: float) -> str:
    return f"CAST('{value!r}' AS DOUBLE)"
