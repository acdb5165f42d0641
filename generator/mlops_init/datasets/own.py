"""The user's own table: looked at once, told in words, and copied into the project."""

from __future__ import annotations

import csv
import functools
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlops_init.datasets import Dataset, Source
from mlops_init.datasets.contract import contract
from mlops_init.datasets.infer import Key, Target, check_features, find, key_of, notes, target_of
from mlops_init.datasets.reading import (
    SHOWN,
    Table,
    check_unchanged,
    open_table,
    refused,
    rows,
    shown,
)
from mlops_init.datasets.rules import MINIMUM_ROWS, SHARES, part, rules
from mlops_init.datasets.sketch import Sketch, digest, sketch
from mlops_init.errors import UsageError

#: Beyond it the shares are as good as the counts.
_COUNTED = 5000
#: Git servers refuse larger files: 100 MB on GitHub.
_LARGE = 100_000_000
_WORDS = {
    "binary": "Sorts the rows of {file} into two classes.",
    "multiclass": "Sorts the rows of {file} into {count} classes.",
    "regression": "Estimates a number for each row of {file}.",
}


@dataclass(frozen=True)
class Own:
    """A table that can become a project's.

    Attributes:
        source: What the project is made with.
        answers: What it says to data, task, key, target and positive.
        told: What was inferred and why: word, value, reason.
        notes: What somebody should know before it is committed.
    """

    source: Source
    answers: dict[str, str]
    told: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]


def study(path: Path, given: Mapping[str, str], project: str) -> Own:
    """Look at a table, however large: every row once, and none is kept.

    Args:
        path: CSV or JSON lines.
        given: Of the answers target (which has to be there), key, positive and task, those that
            were given.
        project: Its name.

    Raises:
        UsageError: No model can be made of it, in words with the place.
    """
    table = open_table(path)
    wanted = {name: given.get(name, "") for name in ("target", "key", "positive", "task")}
    if not wanted["target"]:
        listed = ", ".join(map(shown, table.columns[:20]))
        raise UsageError(f"--target: which column is to be told? {path.name} has {listed}")
    with tempfile.TemporaryDirectory(prefix="mlops-init-") as scratch:
        columns = sketch(
            rows(table),
            table.columns,
            key=wanted["key"],
            target=wanted["target"],
            scratch=Path(scratch),
        )
        column = find(path, columns, wanted["target"], "target")
        if not column.rows:
            raise refused(path, "no rows below the names of the columns")
        target = target_of(path, column, wanted["task"], wanted["positive"])
        places = functools.partial(_places, table)
        key = key_of(path, columns, column.name, wanted["key"], places)
    features = [each for each in columns if each.name not in {key.name, column.name}]
    check_features(path, features)
    salt = f"{project}-1"
    test, valid, judging = _shares(table, key, target, salt)
    file = _file_name(path)
    gate = rules(target, judging)
    dataset = Dataset(
        path=f"data/{file}",
        key=key.name,
        target=column.name,
        positive=target.positive,
        kind="table",
        file="",
        salt=salt,
        test=f"{test:g}",
        valid=f"{valid:g}",
        rules_test=gate.test,
        rules_valid=gate.valid,
        rules_about=gate.about,
        about=_WORDS[target.task].format(file=file, count=len(column.values or ())),
        credit=f"`data/{file}` is your own: say here where it comes from, and who may use it.",
        demo=False,
    )
    text = contract(file, columns, key, target)
    answers = {
        "data": file,
        "task": target.task,
        "key": key.name,
        "target": column.name,
        "positive": target.positive,
    }
    source = Source(dataset, functools.partial(_write, table, file, text, key))
    return Own(source, answers, _told(table, file, key, target), _notes(table, features, target))


def _places(table: Table, column: Sketch) -> list[int]:
    """The first lines of the value that is there twice."""
    place, found = table.columns.index(column.name), list[int]()
    for row in rows(table):
        if digest(row.cells[place]) == column.repeated and len(found) < SHOWN:
            found.append(row.line)
    return found


def _shares(table: Table, key: Key, target: Target, salt: str) -> tuple[float, float, int]:
    """Shares of test and valid rows that the gate can judge by, and the number of test rows."""
    count = target.column.rows
    if count > _COUNTED:
        test, valid = SHARES[0]
        return test, valid, round(count * test)
    keys = [str(number) for number in range(1, count + 1)]
    if not key.added:
        place = table.columns.index(key.name)
        keys = [row.cells[place] for row in rows(table)]
    splits = {"test": 0, "valid": 0}
    for test, valid in SHARES:
        parts = [part(salt, each, test, valid) for each in keys]
        splits = {name: parts.count(name) for name in splits}
        if min(splits.values()) >= MINIMUM_ROWS:
            return test, valid, splits["test"]
    raise refused(
        table.path,
        f"{count:,} rows are too few: {splits['test']} would judge what is released and "
        f"{splits['valid']} what is proposed, and the gate asks for {MINIMUM_ROWS} each "
        "(gate.minimum_rows). About 370 rows are enough",
    )


def _file_name(path: Path) -> str:
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem)[:80].strip("-.")
    return f"{stem if re.match('[A-Za-z0-9]', stem) else 'table'}.csv"


def _write(table: Table, file: str, text: str, key: Key, folder: Path) -> None:
    check_unchanged(table)
    if not table.anew and not key.added:
        shutil.copyfile(table.path, folder / file)
    else:
        _write_rows(table, folder / file, key)
    (folder / "contract.yaml").write_text(text, encoding="utf-8", newline="\n")


def _write_rows(table: Table, to: Path, key: Key) -> None:
    with to.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*([key.name] if key.added else []), *table.columns])
        cells: Iterable[list[str]] = (row.cells for row in rows(table))
        if key.added:
            cells = ([str(number), *each] for number, each in enumerate(cells, 1))
        writer.writerows(cells)


def _told(table: Table, file: str, key: Key, target: Target) -> tuple[tuple[str, str, str], ...]:
    why = [table.anew] if table.anew else []
    why += [f"with the column {shown(key.name)}"] if key.added else []
    copied = f"written anew: {', '.join(why)}" if why else "byte for byte"
    size = f"{target.column.rows:,} rows, {len(table.columns):,} columns"
    found = [
        ("data", f"data/{file}", f"{size}, {copied}"),
        ("key", shown(key.name), key.why),
        ("target", shown(target.column.name), f"{target.task}: {target.why}"),
    ]
    if target.positive:
        found.append(("positive", shown(target.positive), target.positive_why))
    return tuple(found)


def _notes(table: Table, features: list[Sketch], target: Target) -> tuple[str, ...]:
    found = notes(features)
    values = target.column.values
    if target.task != "regression" and values and (fewest := min(values.values())) < 100:
        value = min(sorted(values), key=lambda each: values[each])
        found.append(
            f"{fewest:,} row{'s' if fewest > 1 else ''} with {shown(value)}: so few decide "
            "slowly, and the gate may stay undecided"
        )
    if table.size > _LARGE:
        found.append(
            f"{table.size / 1e6:,.0f} MB: git servers refuse files that large (GitHub 100 MB). "
            "Keep the table elsewhere, and a sample of it here"
        )
    return tuple(found)
