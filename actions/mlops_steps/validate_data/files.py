"""Checks of the files that a manifest's rows name: there, named once, on one side of the split.

Whether a file can be decoded is for the command that reads it.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from mlops_steps.config import TableInput
from mlops_steps.data.attached import digests, flaw, located
from mlops_steps.data.split import split_sql
from mlops_steps.data.tables import ROW, identifier
from mlops_steps.validate_data.judge import SHOWN_ROWS, Result, Verdict, View, shown


class Row(NamedTuple):
    """A row's number in the manifest, the name of its file, and its split."""

    number: int
    name: str | None
    split: str | None


def check_files(view: View, table: TableInput, root: Path, columns: list[str]) -> list[Result]:
    """The checks `file`, `listed` and `leak` of the rows that are looked at; none for a table.

    `root` is the project's folder.
    """
    if table.file is None:
        return []
    name = table.file
    if name not in columns:
        reason = "the table has no such column"
        return [
            Result(check=check, column=name, status="undecided", n=0, message=reason)
            for check in ("file", "listed", "leak")
        ]
    rows = _rows(view, table)
    usable = [row for row in rows if not flaw(root, table, row.name)]
    places = {row.number: located(table, row.name or "") for row in usable}
    contents = digests(root, sorted(set(places.values())))
    # By what lies on the disk: a second hard link is the same file.
    numbers = {place: (root / place).stat() for place in contents}
    listed = Counter(_identity(numbers[place]) for place in places.values())
    sides: dict[str, set[str | None]] = {}
    for row in usable:
        sides.setdefault(contents[places[row.number]], set()).add(row.split)

    none = "name no file in the manifest's folder (missing, outside, a link, the manifest itself)"
    broken = {
        ("file", none): [row.number for row in rows if row.number not in places],
        ("listed", "name a file that another row names"): [
            number for number, place in places.items() if listed[_identity(numbers[place])] > 1
        ],
        ("leak", "name a file with the content of one on another side of the split"): [
            number for number, place in places.items() if len(sides[contents[place]]) > 1
        ],
    }
    return [
        _result(check, name, len(rows), failed, words) for (check, words), failed in broken.items()
    ]


def _result(check: str, column: str, rows: int, failed: list[int], words: str) -> Result:
    message = ""
    status: Verdict = "pass"
    if not rows:
        message, status = "no rows to look at", "undecided"
    elif failed:
        listing = shown(failed[:SHOWN_ROWS], len(failed))
        message, status = f"{len(failed):,} of {rows:,} rows {words} ({listing})", "fail"
    return Result(
        check=check,
        column=column,
        status=status,
        n=rows,
        n_failed=len(failed),
        message=message,
        rows=failed[:SHOWN_ROWS],
    )


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _rows(view: View, table: TableInput) -> list[Row]:
    """The rows that are looked at."""
    number, split = identifier(ROW), split_sql(table.key, table.split)
    numbered = f"(SELECT *, row_number() OVER () AS {number} FROM {view.table})"
    name = f"CAST({identifier(table.file or '')} AS VARCHAR)"
    found = view.connection.execute(
        f"SELECT {number}, {name}, {split} FROM {numbered} WHERE {view.where} ORDER BY {number}"
    )
    return [Row(*row) for row in found.fetchall()]
