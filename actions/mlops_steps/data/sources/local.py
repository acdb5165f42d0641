"""Many files of the project as one table: a pattern, or a folder with keys in its names."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mlops_steps.data.parts import Parts
from mlops_steps.errors import UndecidedError

#: Files of one table; each is opened, and digested.
MOST_FILES = 10_000
#: Signs that make a path a pattern; in the name of a file DuckDB would take them for one, too.
PATTERN = re.compile(r"[*?\[]")


def find(root: Path, address: str) -> Parts:
    """The files that a path, a pattern (`*`, `**`, `?`, `[…]`) or a folder stands for.

    Of a folder every file below it belongs to the table, but for those whose name, or whose
    folder's, begins with `_` or `.`: writers of folders keep their own records there. Sorted by
    path.

    Raises:
        UndecidedError: There is none, or too many; one is a link or lies behind one, or is no
            file of the project's own; or not all lie below the same keys (`year=2024/`).
    """
    pattern = address.rstrip("/")
    if not pattern or address.startswith(("/", "~")):
        raise UndecidedError(f"{address}: leads out of the project")
    try:
        if not PATTERN.search(pattern):
            place = root / pattern
            found = _below(place) if place.is_dir() and not place.is_symlink() else [place]
        else:
            found = [each for each in root.glob(pattern) if not each.is_dir() or each.is_symlink()]
    except (OSError, ValueError, NotImplementedError) as error:
        raise UndecidedError(f"{address}: cannot be looked for: {error}") from None
    files = sorted(found)
    if not files or not (files[0].exists() or files[0].is_symlink()):
        raise UndecidedError(f"{address}: no file is there")
    if len(files) > MOST_FILES:
        raise UndecidedError(f"{address}: {len(files):,} files; at most {MOST_FILES:,} are read")
    for path in files:
        problem = _flaw(root, path)
        if problem:
            raise UndecidedError(f"{address}: {path.relative_to(root).as_posix()!r} {problem}")
    return Parts(address, tuple(files), keys_of(root, address, files))


def _below(folder: Path) -> list[Path]:
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(("_", "."))]
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        kept = [name for name in names if not name.startswith(("_", "."))]
        found += [Path(place) / name for name in [*links, *kept]]
    return found


def _flaw(root: Path, path: Path) -> str:
    """What is wrong with a file, in words; empty if nothing is."""
    inner = path.relative_to(root)
    if ".." in inner.parts:
        return "leads out of the project"
    if inner.parts[0] in {".git", "out"}:
        return "is what git or a step keeps"
    places = [root.joinpath(*inner.parts[: count + 1]) for count in range(len(inner.parts))]
    if any(place.is_symlink() for place in places):
        return "is, or lies behind, a link"
    if not path.is_file():
        return "is no file"
    if not str(inner).isprintable():
        return "has a sign in its path that cannot be shown"
    return f"has {'*?['!r} in its path" if PATTERN.search(str(path)) else ""


def keys_of(root: Path, address: str, files: list[Path]) -> tuple[str, ...]:
    """The keys in the names of the folders between `root` and each file, the same for all.

    Raises:
        UndecidedError: They are not.
    """
    found: dict[tuple[str, ...], Path] = {}
    for path in files:
        folders = path.relative_to(root).parent.parts
        keys = tuple(part.partition("=")[0] for part in folders if "=" in part)
        found.setdefault(keys, path)
    if len(found) > 1:
        (keys, one), (others, other) = list(found.items())[:2]
        raise UndecidedError(
            f"{address}: {one.relative_to(root)} lies below the keys {', '.join(keys) or 'none'}, "
            f"{other.relative_to(root)} below {', '.join(others) or 'none'}"
        )
    return next(iter(found))
