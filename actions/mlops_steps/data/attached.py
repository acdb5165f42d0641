"""The files that a manifest's rows name: found in its folder, each on one side of the split.

What is refused here would let a row's file reach the wrong side, or a file from outside reach
anyone: the table may come from a stranger.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlops_steps.config import TableInput
from mlops_steps.data.split import split_sql
from mlops_steps.data.tables import column_names, connect, identifier, reading, scan
from mlops_steps.errors import UndecidedError
from mlops_steps.files import digest_of

_SHOWN = 3


@dataclass(frozen=True)
class Attached:
    """Files by the side their rows are on, as paths relative to the project; sorted, once each.

    Attributes:
        given: Of the rows that are handed over.
        withheld: Of all other rows.
    """

    given: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Both sides."""
        return self.given + self.withheld


def attached(root: Path, table: TableInput, *, splits: Sequence[str]) -> Attached:
    """The files that the rows of the project's table name; none for the kind `table`.

    Args:
        root: The project.
        table: Its table. Names are relative to the folder in which it lies.
        splits: The splits whose rows are handed over. A row without a key belongs to none.

    Raises:
        UndecidedError: The table cannot be read; a row names no file, or one that `flaw`
            refuses; or rows of both sides name the same file.
    """
    if table.file is None:
        return Attached()
    by_file: dict[tuple[int, int], tuple[str, bool]] = {}
    broken: list[str] = []
    shared: list[str] = []
    for name, split in _rows(root / table.path, table):
        problem = flaw(root, table, name)
        if problem:
            broken.append(problem)
            continue
        path, given = located(table, name or ""), split in splits
        found = (root / path).lstat()
        # By what lies on the disk: `a.png`, `./a.png` and a second hard link are one file.
        first = by_file.setdefault((found.st_dev, found.st_ino), (path, given))
        if first[1] != given:
            shared.append(path)
        elif first[0] != path:
            broken.append(f"{path!r} is the same file as {first[0]!r}")
    if broken:
        raise UndecidedError(f"{table.path}: {_some(broken)}")
    if shared:
        raise UndecidedError(
            f"{table.path}: rows that are handed over and rows that are withheld name the same "
            f"file: {_some(map(repr, shared))}"
        )
    sides = by_file.values()
    return Attached(
        given=tuple(sorted(path for path, given in sides if given)),
        withheld=tuple(sorted(path for path, given in sides if not given)),
    )


def flaw(root: Path, table: TableInput, name: str | None) -> str:
    """What is wrong with the name that a row gives its file, in words; empty if nothing is.

    It has to name a regular file in the manifest's folder or below, not by way of a link, other
    than the manifest itself and what git keeps.
    """
    problem = _badly_written(name or "")
    if problem or not name:
        return problem
    path = located(table, name)
    places = [root / path, *(root / path).parents]
    try:
        places[0].is_symlink()
    except OSError:  # a name that is too long, say
        return f"{name[:80]!r} can be the name of no file"
    if any(place.is_symlink() for place in places if place.is_relative_to(root) and place != root):
        problem = f"{name!r} is, or lies behind, a link"
    elif not places[0].is_file():
        problem = f"{name!r} is {'no file' if places[0].exists() else 'not there'}"
    elif places[0].samefile(root / table.path):
        problem = f"{name!r} is the manifest itself"
    return problem


def _badly_written(name: str) -> str:
    parts = name.split("/")
    if not name:
        return "a row names no file"
    if "\0" in name or "\\" in name:
        return f"{name!r} is no path with forward slashes"
    if name.startswith(("/", "~")) or ".." in parts:
        return f"{name!r} leads out of the manifest's folder"
    return f"{name!r} is what git keeps" if ".git" in parts else ""


def located(table: TableInput, name: str) -> str:
    """Where a row's file lies, relative to the project."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(table.path), name))


def copy_files(root: Path, target: Path, paths: Iterable[str]) -> None:
    """Copy files of `root` to the same places under `target`; the copies are plain files.

    Raises:
        UndecidedError: One cannot be read, or became a link.
    """
    for path in paths:
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        if (root / path).is_symlink():
            raise UndecidedError(f"{path}: is a link")
        try:
            shutil.copyfile(root / path, copy)
        except OSError as error:
            raise UndecidedError(f"{path}: {error.strerror}") from None


def digests(root: Path, paths: Iterable[str]) -> dict[str, str]:
    """The digest of each file, by its path.

    Raises:
        UndecidedError: One cannot be read.
    """
    found = {}
    for path in paths:
        try:
            found[path] = digest_of(root / path)
        except OSError as error:
            raise UndecidedError(f"{path}: {error.strerror or error}") from None
    return found


def digest_of_all(found: dict[str, str]) -> str:
    """One digest of many files: of the sorted listing of (path, digest), as of a folder."""
    listing = hashlib.sha256()
    for path in sorted(found):
        listing.update(os.fsencode(f"{path}\0{found[path]}\n"))
    return f"sha256:{listing.hexdigest()}"


def named(table: TableInput) -> str:
    """What a verdict calls all files of a manifest together: `data/manifest.csv#image`."""
    return f"{table.path}#{table.file}"


def _rows(source: Path, table: TableInput) -> list[tuple[str | None, str | None]]:
    """The name of the file and the split of each row."""
    for column in (table.key, table.file or ""):
        if column not in column_names(source):
            raise UndecidedError(f"{source.name}: has no column {column!r}")
    name = f"CAST({identifier(table.file or '')} AS VARCHAR)"
    query = f"SELECT {name}, {split_sql(table.key, table.split)} FROM {scan(source, text=True)}"
    with connect() as connection, reading(source.name):
        return connection.execute(query).fetchall()


def _some(problems: Iterable[str]) -> str:
    listed = list(problems)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return f"{'; '.join(listed[:_SHOWN])}{more}"
