"""Texts that many rows share: judged once, so that a regular expression is not asked row by row.

DuckDB reads a Parquet column with a dictionary as places in it, and a cast to an ENUM is made
once for each text of the dictionary; a regular expression is asked for every row (2.0.0).
"""

from __future__ import annotations

from mlops_steps.data.tables import identifier, literal
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.view import View

#: Rows in which such texts are looked for, and how many more there have to be for it to pay.
LOOKED, TIMES = 100_000, 10
#: In so many of these rows each of them stands, on average; and its bytes.
ROWS_EACH, LONGEST = 5, 100
#: Columns that are looked at together: what they need has to fit into memory.
TOGETHER = 8


def familiar(view: View, cells: Cells) -> dict[str, tuple[str, ...]]:
    """By column with a regular expression: frequent texts that it matches wholly; maybe none.

    The first rows are looked at, of a Parquet file with many more. What is found decides no
    verdict: a text that is not among them is judged by the expression itself.
    """
    wanted = {
        name: column.regex
        for name, column in cells.contract.columns.items()
        if column.regex is not None and column.type == "text" and name in cells.kinds
    }
    if not (wanted and cells.typed) or view.about < LOOKED * TIMES:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    names = list(wanted)
    for place in range(0, len(names), TOGETHER):
        some = names[place : place + TOGETHER]
        listed = [_list(identifier(name), wanted[name]) for name in some]
        texts = [f"CAST({cells.value(name)} AS VARCHAR) AS {identifier(name)}" for name in some]
        first = f"(SELECT {', '.join(texts)} FROM {view.table} WHERE {view.where} LIMIT {LOOKED})"
        lists = view.ask(f"SELECT {', '.join(listed)} FROM {first}")
        found |= {name: tuple(sorted(each)) for name, each in zip(some, lists, strict=True) if each}
    return found


def _list(cell: str, regex: str | None) -> str:
    """SQL for the texts of a column that match; NULL where nearly each row has one of its own."""
    short = f"strlen({cell}) <= {LONGEST}"
    few = f"count(DISTINCT left({cell}, {LONGEST})) * {ROWS_EACH} <= count({cell})"
    matches = f"regexp_full_match({cell}, {literal(regex or '')})"
    return f"CASE WHEN {few} THEN list(DISTINCT {cell}) FILTER (WHERE {short} AND {matches}) END"
