"""Checks that no column holds personal data which the contract does not declare.

Part of the one pass: of a large table about `ROWS` rows are looked at, drawn by the hash of the
key. No value leaves this module; findings say how many there were.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import partial

from mlops_steps.data.tables import identifier, literal
from mlops_steps.validate_data import personal
from mlops_steps.validate_data.contract import Column, Contract
from mlops_steps.validate_data.totals import Total

#: Rows that are looked at, about. Of a column in which every fiftieth value is personal, fewer
#: than every hundredth of 5,000 are with a chance below 1e-7 (binomial tail).
ROWS = 5_000
#: Cells, for tables with very many columns; at least `FEWEST` rows are looked at in any case.
CELLS, FEWEST = 2_000_000, 500
#: Characters of a value, and of what is taken of it, that are looked at.
LOOKED, KEPT = 2_000, 400
#: A number below it has fewer digits than any card.
_SHORTEST_CARD = 10**13
#: What a cell of a file with types can hold a text or a card number in.
_WHOLE = re.compile(r"U?(BIG|HUGE)INT|DECIMAL\(.*,0\)")
_NO_TEXT = re.compile(
    r"U?(TINY|SMALL)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*|BOOLEAN|DATE|TIME.*|INTERVAL|UUID|BLOB|BIT"
)


def sampled(rows: int, key: str, kinds: Collection[str]) -> str:
    """SQL that is true for the rows that are looked at: all, or one in so many.

    A row is drawn by the hash of its key, so that the order of the file does not matter, and the
    same rows are drawn again. There are about so many `rows`.
    """
    if key not in kinds:
        return "true"  # nothing will be judged
    one_in = rows // max(FEWEST, min(ROWS, CELLS // len(kinds)))
    return f"(hash({identifier(key)}) % {one_in} = 0)" if one_in > 1 else "true"


def privacy(contract: Contract, kinds: dict[str, str], looked: str) -> list[Total]:
    """One check for each column that may hold personal data, and one for each telling name.

    What is found in values fails: an e-mail address or a number with its check digits is there,
    whatever the column is called. A name alone is a hint, and warns. `personal` in the contract
    answers both.

    Args:
        contract: What is declared. A column that it does not name cannot be.
        kinds: The table's columns with DuckDB's types.
        looked: SQL that is true for the rows that are looked at, from `sampled`.
    """
    found: list[Total] = []
    for name, kind in kinds.items():
        column = contract.columns.get(name)
        if column is not None and column.personal is not None:
            continue
        few = column is not None and (column.type == "boolean" or column.allowed is not None)
        if not few and (says := personal.named(name)):  # yes and no, or a plan, name nobody
            told = partial(str, f"the name {name!r} tells of personal data: {_allowed(says)}")
            found.append(Total("personal-name", name, ("count(*)",), told, severity="warn"))
        if column is not None and column.allowed is not None:
            # Every value is in the contract, in plain sight of whoever reads it.
            values = [str(each) for each in column.allowed]
            if hits := personal.count(values, len(values)):
                told = partial(str, told_of(hits, len(values), "values that are allowed"))
                found.append(Total("personal", name, ("count(*)",), told))
        elif _may_hold(column, kind):
            numbers = column is not None and column.type in {"integer", "number"}
            numbers = numbers or _WHOLE.fullmatch(kind) is not None
            wants = (f"count_if({looked})", _parts(name, looked))
            found.append(Total("personal", name, wants, _counting(numbers=numbers)))
    return found


def _may_hold(column: Column | None, kind: str) -> bool:
    """Whether a text, or a whole number as long as a card's, can be in there."""
    if _NO_TEXT.fullmatch(kind) and not _WHOLE.fullmatch(kind):
        return False
    if column is None or column.type == "text":
        return True
    return column.type in {"integer", "number"} and (
        column.max is None or column.max >= _SHORTEST_CARD
    )


def _parts(name: str, looked: str) -> str:
    """SQL for a list: of each value that is looked at, the parts that may be personal."""
    cell = f"left(CAST({identifier(name)} AS VARCHAR), {LOOKED})"
    parts = f"regexp_extract_all({cell}, {literal(personal.PARTS)})"
    text = f"left(array_to_string({parts}, chr(10)), {KEPT})"
    # DuckDB computes what an aggregate takes for all rows, also for those that FILTER leaves out.
    return (
        f"list(CASE WHEN {looked} THEN {text} END) "
        f"FILTER (WHERE {looked} AND {identifier(name)} IS NOT NULL)"
    )


def _counting(*, numbers: bool) -> Callable[..., str | tuple[str, int]]:
    def told(cells: list[str] | None) -> str | tuple[str, int]:
        values = len(cells or [])
        hits = personal.count([cell for cell in cells or [] if cell], values, numbers=numbers)
        return (told_of(hits, values, "values looked at"), max(hits.values())) if hits else ""

    return told


def told_of(hits: dict[str, int], values: int, what: str) -> str:
    """What was found in so many values, and what to do about it."""
    parts = [f"{number:,} hold {personal.WORDS[kind]}" for kind, number in hits.items()]
    declare = "other" if len(hits) > 1 else next(iter(hits))
    return f"of {values:,} {what}, {' and '.join(parts)}: {_allowed(declare)}"


def _allowed(kind: str) -> str:
    return (
        f"take the column out, or say `personal: {kind}` in the contract (`personal: none`, if it "
        "is not)"
    )
