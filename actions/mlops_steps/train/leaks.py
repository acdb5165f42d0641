"""Proof that no withheld row is in the tree that the train command gets.

It shares no code with what wrote the tree: the split is computed here by hashlib, not by SQL.
What it can see are tables (CSV, JSON lines, Parquet) with the key and the target among their
columns, and, for a manifest, files with the very content of a withheld one; a row that hides in
an archive, a database or a program is beyond it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlops_steps.config import Split, TableInput
from mlops_steps.data.attached import digests, located
from mlops_steps.data.parts import Table
from mlops_steps.data.tables import column_names, connect, identifier, literal, reading, scan
from mlops_steps.errors import ConfigError, UndecidedError
from mlops_steps.files import digest_of


def prove(
    tree: Path, source: Table, table: TableInput, *, judge: str, others: Iterable[str]
) -> int:
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


def prove_files(root: Path, tree: Path, table: TableInput, *, judge: str) -> dict[str, str]:
    """Check that no file of a withheld row is in the tree, by its name or by its content.

    Args:
        root: The project, in which all files lie.
        tree: The folder that the command gets, its rows already proved.
        table: A manifest.
        judge: The split that will judge.

    Returns:
        The digest of every file that the manifest names, withheld or not, by its path.

    Raises:
        ConfigError: Another file of the tree has the content of a withheld one.
        UndecidedError: A withheld file is in the tree, one that is to be there is missing or
            another, or one cannot be read.
    """
    sides: dict[bool, set[str]] = {True: set(), False: set()}
    for key, name in _pairs(root / table.path, table):
        sides[key is None or withheld(key, table.split, judge)].add(located(table, name or ""))
    known = digests(root, sorted(sides[True] | sides[False]))
    for path in sorted(sides[True]):
        if os.path.lexists(tree / path):
            raise UndecidedError(f"{path}: the file of a withheld row is in the training tree")
    if digests(tree, sorted(sides[False])) != {path: known[path] for path in sides[False]}:
        raise UndecidedError(f"{table.path}: a file in the training tree is not the project's")
    # An empty file holds nothing that could be known.
    hidden = {known[path]: path for path in sides[True] if (root / path).stat().st_size}
    for place in sorted(tree.rglob("*")):
        if place.is_file() and not place.is_symlink() and digest_of(place) in hidden:
            raise ConfigError(
                f"{place.relative_to(tree)}: has the content of {hidden[digest_of(place)]}, which "
                "is withheld from training. Take one of them out of the repository, or out of "
                f"{table.path}"
            )
    return known


def _pairs(path: Path, table: TableInput) -> Iterator[tuple[str | None, str | None]]:
    """Key and file of each row, as text."""
    columns = ", ".join(
        f"CAST({identifier(name)} AS VARCHAR)" for name in (table.key, table.file or "")
    )
    with connect() as connection, reading(path.name):
        found = connection.execute(f"SELECT {columns} FROM {scan(path, text=True)}")
        while rows := found.fetchmany(10_000):
            yield from rows


def withheld(key: str, split: Split, judge: str) -> bool:
    """Whether a row must not be trained on: the definition, once more."""
    digest = hashlib.sha256(f"{split.salt}:{key}".encode()).hexdigest()
    return int(digest[:15], 16) / 16**15 < split.test + (split.valid if judge == "valid" else 0)


def _keys(path: Path, key: str, *, among: Table | None = None) -> Iterator[str | None]:
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


def _check_other(path: Path, name: str, source: Table, table: TableInput, judge: str) -> None:
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
