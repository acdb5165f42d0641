"""Proof that no withheld row is in the tree that the train command gets.

It shares no code with what wrote the tree: the split is computed here by hashlib, not by SQL.
What it can see are tables (CSV, JSON lines, Parquet) with the key and the target among their
columns; a row that hides in an archive, a database or a program is beyond it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlops_steps.config import Split, TableInput
from mlops_steps.data.tables import column_names, connect, identifier, literal, reading, scan
from mlops_steps.errors import ConfigError, UndecidedError


def prove(tree: Path, source: Path, table: TableInput, *, judge: str, others: Iterable[str]) -> int:
    """Check the rewritten table, then every other file of the tree.

    Args:
        tree: The folder that the command gets.
        source: The whole labelled table, for the keys that there are.
        table: Where it is in the tree, its key, its split.
        judge: The split that will judge, test or valid. Test rows are withheld in any case.
        others: The names of the tree's other files.

    Returns:
        The number of rows of the table in the tree, each of which was checked.

    Raises:
        ConfigError: Another tracked file holds withheld rows.
        UndecidedError: The table in the tree does, or cannot be read.
    """
    checked = 0
    for key in _keys(tree / table.path, table.key):
        if key is None or withheld(key, table.split, judge):
            raise UndecidedError(f"{table.path}: the withheld row {key} is in the training tree")
        checked += 1
    for name in others:
        _check_other(tree / name, name, source, table, judge)
    return checked


def withheld(key: str, split: Split, judge: str) -> bool:
    """Whether a row must not be trained on: the definition, once more."""
    digest = hashlib.sha256(f"{split.salt}:{key}".encode()).hexdigest()
    return int(digest[:15], 16) / 16**15 < split.test + (split.valid if judge == "valid" else 0)


def _keys(path: Path, key: str, *, among: Path | None = None) -> Iterator[str | None]:
    """The keys of a table as text; `among` keeps those that another table has too."""
    text = f"CAST({identifier(key)} AS VARCHAR)"
    query = f"SELECT {text} FROM {scan(path, text=True)}"
    if among:
        query += f" WHERE {text} IN (SELECT {text} FROM {scan(among, text=True)})"
    with connect() as connection, reading(path.name):
        found = connection.execute(query)
        while rows := found.fetchmany(10_000):
            for (value,) in rows:
                yield value


def _check_other(path: Path, name: str, source: Path, table: TableInput, judge: str) -> None:
    try:
        columns = column_names(path)
    except UndecidedError:
        return  # not a table
    if table.key not in columns or table.target not in columns:
        return
    keys = _keys(path, table.key, among=source)
    found = sum(1 for key in keys if key is not None and withheld(key, table.split, judge))
    if found:
        raise ConfigError(
            f"{name}: holds {found} rows of {table.path}, with their {table.target}, that are "
            "withheld from training. Take the file out of the repository, or its column "
            f"{literal(table.target)} out of the file"
        )
