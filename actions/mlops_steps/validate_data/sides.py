"""The rows that judge beside those to train on: none is another one of them under a new key."""

from __future__ import annotations

from mlops_steps.config import TableInput
from mlops_steps.data.split import split_sql, training_splits
from mlops_steps.data.tables import ROW, identifier, literal
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.judge import Result, judged, shown
from mlops_steps.validate_data.view import SHOWN_ROWS, View


def features(table: TableInput, cells: Cells) -> list[str]:
    """The columns that a model learns from: all but the key, the target and the file's name."""
    return [name for name in cells.kinds if name not in {table.key, table.target, table.file}]


def same_features(table: TableInput, cells: Cells) -> str:
    """SQL for a number that rows with the same features share.

    64 bits: of n rows two others share it by chance with n^2 / 2^65, 3 in a million for 10
    million rows.
    """
    known = cells.contract.columns
    values = [
        cells.value(name) if name in known else identifier(name) for name in features(table, cells)
    ]
    return f"hash({', '.join(values)})"


def check_copies(view: View, table: TableInput, cells: Cells, *, judge: str) -> list[Result]:
    """The check `copies`, if the contract asks for it; n are the rows of the split that judges.

    Args:
        view: The rows that are looked at.
        table: Their key and split.
        cells: How they stand in SQL.
        judge: The split that judges, test or valid; the splits to train on are told by it.
    """
    wanted = cells.contract.copies
    if wanted is None:
        return []
    reason = ""
    if table.key not in cells.kinds:
        reason = f"the table has no column {table.key!r}"
    elif not features(table, cells):
        reason = "the table has no column besides the key, the target and the file"
    found = (0, 0, None) if reason else view.ask(_query(view, table, cells, judge))
    n, failed, numbers = found
    rows = sorted(numbers or [])
    learned = " and ".join(training_splits(judge))
    result = judged(
        "copies",
        "",
        n=n,
        n_failed=failed or 0,
        undecided=reason or ("" if n else f"no row of {judge}"),
        message=f"{failed or 0:,} of {n:,} rows of {judge} have the features of a row of {learned} "
        f"({shown(rows, failed or 0)})",
        rows=rows,
        severity=wanted.severity,
        tolerate=wanted.tolerate,
    )
    return [result]


def _query(view: View, table: TableInput, cells: Cells, judge: str) -> str:
    row = identifier(ROW)
    numbered = f"(SELECT *, row_number() OVER () AS {row} FROM {view.table})"
    learned = ", ".join(map(literal, training_splits(judge)))
    copy = f"features IN (SELECT features FROM sided WHERE side IN ({learned}))"
    return (
        f"WITH sided AS MATERIALIZED (SELECT {row} AS place, "
        f"{split_sql(table.key, table.split)} AS side, {same_features(table, cells)} AS features "
        f"FROM {numbered} WHERE {view.where}) "
        f"SELECT count(*), count_if(copied), min(place, {SHOWN_ROWS}) FILTER (WHERE copied) "
        f"FROM (SELECT place, {copy} AS copied FROM sided WHERE side = {literal(judge)})"
    )
