"""What breaks a check, told from the contract alone and never from the check's own SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations, product

from sqlglot import exp

from mlops_steps.validate_data import rules
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.checks import Check
from mlops_steps.validate_data.contract import Bounds, Column, ColumnType

#: A cell as a text; None is no value.
Cell = str | None
#: Spoilt rows that are tried for a rule, at most.
TRIES = 400
_WORDS = ("?", "", "~~~~", "0", "a", "A b.c", " ", "x" * 300)
_WRONG: dict[ColumnType, tuple[str, ...]] = {
    "number": ("no number",),
    "integer": ("no number", "2.5"),
    "boolean": ("perhaps",),
    "timestamp": ("no time",),
    "text": (),
}


def cells_that_break(check: Check, cells: Cells) -> tuple[list[Cell], str]:
    """Cells of the check's column each of which has to break it; else why there are none."""
    column = cells.contract.columns[check.column]
    found: tuple[list[Cell], str]
    match check.kind:
        case "type":
            found = _of_no_such_type(check.column, column, cells)
        case "nulls":
            found = [None, *(["nan"] if cells.may_be_nan(check.column) else [])], ""
        case "range":
            found = [*outside(column), "inf", "-inf"], ""
        case "set":
            found = [_stranger(column)], ""
        case "regex":
            found = _unmatched(column.regex or "")
        case _:
            found = _too_long(column)
    return found


def _of_no_such_type(name: str, column: Column, cells: Cells) -> tuple[list[Cell], str]:
    if column.type == "text":
        return [], "every cell can be read as a text"
    if cells.typed and cells.is_integer(name):
        return [], "the type that the file has proves it"
    bounded = column.min is not None or column.max is not None
    endless = ["inf"] if column.type in {"number", "integer"} and not bounded else []
    return [*_WRONG[column.type], *endless], ""


def outside(bounds: Bounds | Column) -> list[str]:
    """A number below the least that is allowed, and one above the greatest."""
    found = []
    for bound, sign in ((bounds.min, -1), (bounds.max, 1)):
        if bound is not None:
            found.append(written(bound + sign * max(1, abs(bound) // 100)))
    return found


def written(number: float) -> str:
    """A number as a cell has it, whole if it can be."""
    return str(int(number)) if float(number).is_integer() else repr(number)


def _stranger(column: Column) -> str:
    """A value of the column's type that is not allowed."""
    allowed = column.allowed or []
    if column.type == "text":
        return "".join(sorted({sign for each in allowed for sign in str(each)})) + "?"
    return written(max(float(each) for each in allowed) + 1)


def _unmatched(pattern: str) -> tuple[list[Cell], str]:
    """A text that Python's own expressions do not match: another reader than the check's."""
    try:
        mine = re.compile(pattern, re.ASCII)
    except re.error:
        return [], "the expression is one of RE2 alone: nothing here can tell what it refuses"
    found = [word for word in _WORDS if not mine.fullmatch(word)]
    return list(found[:1]), "" if found else "it matches every text that was tried"


def _too_long(column: Column) -> tuple[list[Cell], str]:
    wanted = column.length
    found: list[Cell] = []
    if wanted and wanted.max is not None and wanted.max < 100_000:
        found.append("x" * (wanted.max + 1))
    if wanted and wanted.min:
        found.append("x" * (wanted.min - 1))
    return found, "" if found else "no text is shorter, or one of 100,000 signs is needed"


def rows_that_may_break(
    rule: exp.Expr, cells: Cells, more: tuple[str, ...] = ()
) -> Iterator[dict[str, Cell]]:
    """Changes of a row, by column, one of which may break a rule: one column, then two.

    What the rule compares with, a little more and less, the ends of what there may be, and last
    no value at all. `more` names columns that are not in the rule.
    """
    names = list(dict.fromkeys([*more, *rules.columns(rule)]))
    pools = {name: _pool(rule, cells.contract.columns[name].type) for name in names}
    tried = 0
    for many in (1, 2):
        for chosen in combinations(names, many):
            for values in product(*(pools[name] for name in chosen)):
                yield dict(zip(chosen, values, strict=True))
                tried += 1
                if tried >= TRIES:
                    return


def _pool(rule: exp.Expr, kind: ColumnType) -> list[Cell]:
    literals = [each.this for each in rule.find_all(exp.Literal)]
    match kind:
        case "text":
            return [*(each for each in literals if each), "?", "", "x" * 300, None]
        case "boolean":
            return ["true", "false", None]
        case "timestamp":
            return ["1900-01-01 00:00:00", "2900-01-01 00:00:00", None]
    numbers = [float(each) for each in literals if re.fullmatch(r"[0-9]{1,15}(\.[0-9]+)?", each)]
    near = [each + step for each in numbers for step in (-1, 0, 1)]
    ends = [-1e9, 1e9, -1.0, 0.0, 1.0]
    return [*(written(each) for each in dict.fromkeys([*ends, *near])), None]
