"""Personal data looked for on Spark, by the same code: values stay there, counts come back.

Needs a Python on Spark's own machines, of the version that asks; without one these checks are
undecided.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from mlops_steps.errors import UndecidedError
from mlops_steps.validate_data import personal, privacy
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.judge import Result, of_total
from mlops_steps.validate_data.spark import kinds
from mlops_steps.validate_data.spark.judging import Rows
from mlops_steps.validate_data.spark.patterns import to_java
from mlops_steps.validate_data.totals import Told, Total


def looks_at_values(total: Total) -> bool:
    """Whether it is a check that looks for personal data in the rows."""
    return total.kind == "personal" and len(total.wants) > 1


def check_personal(
    rows: Rows, cells: Cells, totals: Sequence[Total], key: str, *, whole: int, count: int
) -> list[Result]:
    """One result for each of `totals`, of the rows drawn by the hash of the key.

    Args:
        rows: The rows.
        cells: How they stand in SQL.
        totals: Those that `looks_at_values` is true for.
        key: The column by whose hash rows are drawn.
        whole: Rows that the table has.
        count: Rows that are looked at by all other checks.
    """
    if not totals:
        return []
    looked = _drawn(key, whole, cells) if key in cells.kinds else "true"
    wants = [want for total in totals for want in _wants(total, cells, looked)]
    try:
        found = rows.one(wants)
    except UndecidedError as error:
        return [
            of_total(replace(each, wants=(), undecided=str(error)), count, []) for each in totals
        ]
    results = []
    for at, total in enumerate(totals):
        looked_at, values, hits = found[3 * at : 3 * at + 3]
        told = partial(_told, int(values))
        results.append(of_total(replace(total, told=told), count, [looked_at, json.loads(hits)]))
    return results


def _drawn(key: str, whole: int, cells: Cells) -> str:
    wanted = max(privacy.FEWEST, min(privacy.ROWS, privacy.CELLS // len(cells.kinds)))
    one_in = whole // wanted
    drawn = f"(pmod(xxhash64(CAST({kinds.quoted(key)} AS STRING)), {one_in}) = 0)"
    return drawn if one_in > 1 else "true"


def _wants(total: Total, cells: Cells, looked: str) -> list[str]:
    """The rows looked at, the values among them, and what these hold."""
    name, column = kinds.quoted(total.column), cells.contract.columns.get(total.column)
    numbers = column is not None and column.type in {"integer", "number"}
    numbers = numbers or kinds.is_exact(cells.kinds[total.column])
    cell = f"left(CAST({name} AS STRING), {privacy.LOOKED})"
    parts = f"regexp_extract_all({cell}, {kinds.text(to_java(personal.PARTS))}, 0)"
    text = f"nullif(left(array_join({parts}, '\\n'), {privacy.KEPT}), '')"
    values = f"count_if({looked} AND {name} IS NOT NULL)"
    kept = f"collect_list(CASE WHEN {looked} THEN {text} END)"
    counted = f"mlops_personal({kept}, {values}, {str(numbers).lower()})"
    return [f"count_if({looked})", values, counted]


def _told(values: int, hits: dict[str, int]) -> Told:
    if not hits:
        return ""
    return privacy.told_of(hits, values, "values looked at"), max(hits.values())
