"""Checks of the files that a manifest's rows name: there, named once, on one side of the split.

And, if the contract asks for it: of a size, whole, with a content that no other has.
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
from mlops_steps.errors import UndecidedError
from mlops_steps.validate_data.contract import Counts, Files, Judged
from mlops_steps.validate_data.judge import Result, judged, shown
from mlops_steps.validate_data.view import SHOWN_ROWS, View
from mlops_steps.validate_data.whole import torn

_PLAIN = Judged()


class Row(NamedTuple):
    """A row's number in the manifest, the name of its file, and its split."""

    number: int
    name: str | None
    split: str | None


def check_files(
    view: View, table: TableInput, root: Path, columns: list[str], wanted: Files | None = None
) -> list[Result]:
    """The checks `file`, `listed` and `leak` of the rows that are looked at; none for a table.

    `root` is the project's folder. With `wanted` those that it asks for, too: size, whole, once.

    Raises:
        UndecidedError: A file cannot be read.
    """
    if table.file is None:
        return []
    name = table.file
    if name not in columns:
        reason = "the table has no such column"
        return [
            Result(check=check, column=name, status="undecided", n=0, message=reason)
            for check in ("file", "listed", "leak", *_asked(wanted))
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
    results = [_result(*each, name, len(rows), failed) for each, failed in broken.items()]
    if wanted is None:
        return results
    asked = _asked(wanted)
    bad: dict[str, list[int]] = {check: [] for check in asked}
    flaws = {place: _torn(root, place) for place in contents} if wanted.whole else {}
    times = Counter(contents[place] for place in set(places.values()))
    for number, place in places.items():
        size = wanted.size or Counts()
        length = numbers[place].st_size
        if not (size.min or 0) <= length <= (length if size.max is None else size.max):
            bad["size"].append(number)
        if flaws.get(place):
            bad["whole"].append(number)
        if wanted.once and times[contents[place]] > 1:
            bad["once"].append(number)
    return results + [
        _result(check, asked[check], name, len(rows), failed, how=wanted)
        for check, failed in bad.items()
    ]


def _asked(wanted: Files | None) -> dict[str, str]:
    """What is asked of files besides, each with words for one that is not so."""
    if wanted is None:
        return {}
    size = wanted.size or Counts()
    bounds = [f"fewer than {size.min:,}"] if size.min is not None else []
    bounds += [f"more than {size.max:,}"] if size.max is not None else []
    words = {
        "size": f"name a file of {' or '.join(bounds)} bytes" if bounds else "",
        "whole": "name a file that is not whole, or not what its name says" * wanted.whole,
        "once": "name a file with the content of another" * wanted.once,
    }
    return {check: each for check, each in words.items() if each}


def _torn(root: Path, place: str) -> str:
    try:
        return torn(root / place)
    except OSError as error:
        raise UndecidedError(f"{place}: {error.strerror}") from None


def _result(
    check: str, words: str, column: str, rows: int, failed: list[int], *, how: Judged = _PLAIN
) -> Result:
    return judged(
        check,
        column,
        n=rows,
        n_failed=len(failed),
        undecided="" if rows else "no rows to look at",
        message=f"{len(failed):,} of {rows:,} rows {words} "
        f"({shown(failed[:SHOWN_ROWS], len(failed))})",
        rows=failed[:SHOWN_ROWS],
        severity=how.severity,
        tolerate=how.tolerate,
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
