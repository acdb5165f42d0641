"""Checks of the rows that share a value: conditions on their aggregates, group by group."""

from __future__ import annotations

import duckdb

from mlops_steps.data.tables import ROW, identifier
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.contract import Group
from mlops_steps.validate_data.judge import Result, judged, shown
from mlops_steps.validate_data.view import SHOWN_ROWS, View


def check_groups(view: View, cells: Cells) -> list[Result]:
    """One result for each rule of groups; `n` and `n_failed` count groups.

    A failing group is named by the number of its first row. Rows without a value in `by` are a
    group of their own.
    """
    return [_check(view, each, cells) for each in cells.contract.groups]


def _check(view: View, group: Group, cells: Cells) -> Result:
    from mlops_steps.validate_data import rules  # imports sqlglot: 0.1 s

    expression = rules.read(group.sql, grouped=True)
    lacking = [name for name in (*group.by, *rules.columns(expression)) if name not in cells.kinds]
    reason = f"the table has no column {lacking[0]!r}" if lacking else ""
    kept = rules.write(expression, cells.in_rules, nan=cells.may_be_nan)
    by = ", ".join(identifier(name) for name in group.by)
    row = identifier(ROW)
    numbered = f"(SELECT *, row_number() OVER () AS {row} FROM {view.table})"
    query = (
        "SELECT count(*), coalesce(count_if(NOT kept), 0), "
        f"min(first, {SHOWN_ROWS}) FILTER (WHERE NOT kept), max(rows) "
        f"FROM (SELECT count(*) AS rows, min({row}) AS first, "
        f"coalesce({kept}, false) AS kept FROM {numbered} WHERE {view.where} GROUP BY {by})"
    )
    if not reason:
        reason = view.refused(query)
    groups, failed, numbers, most = 0, 0, None, 0
    try:
        groups, failed, numbers, most = (0, 0, None, 0) if reason else view.ask(query)
    except duckdb.DataError as error:  # an overflow, say; what it says quotes the value
        reason = f"a value cannot be converted or computed ({str(error).partition(':')[0]})"
    if not groups:
        reason = reason or "no rows to look at"
    return judged(
        "group",
        group.name,
        n=groups,
        n_failed=failed,
        undecided=reason,
        message=f"{failed:,} of {groups:,} groups by {', '.join(group.by)} for which "
        f"{group.sql!r} is not shown to be true (first {shown(sorted(numbers or []), failed)})",
        rows=sorted(numbers or []),
        severity=group.severity,
        tolerate=group.tolerate,
        idle="no group has two rows" if most == 1 and rules.compares_rows(expression) else "",
    )
