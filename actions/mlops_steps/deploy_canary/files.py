"""The file that belongs to a row: one that the split knows too, of a size that can be sent."""

from __future__ import annotations

import os
from pathlib import Path

from mlops_steps.config import TableInput
from mlops_steps.data.attached import flaw, located
from mlops_steps.errors import UndecidedError

#: Four requests are under way at a time, each with its file in memory, as it is and as text.
FILE_LIMIT = 16 * 1024 * 1024


def of_row(root: Path, table: TableInput, name: str | None, key: str | None) -> Path:
    """The file that a row of the project's manifest names.

    Raises:
        UndecidedError: It names none, one that `data.attached.flaw` refuses (missing, elsewhere,
            a link), or one that is larger than `FILE_LIMIT`.
    """
    row = f"{table.path}: the row {key or 'without a key'}"
    try:
        problem = flaw(root, table, name)
        path = root / located(table, name or "")
        size = 0 if problem else path.stat().st_size
    except OSError as error:
        raise UndecidedError(f"{row}: {(name or '')[:200]!r}: {error.strerror}") from None
    if problem:
        raise UndecidedError(f"{row}: {problem}")
    if size > FILE_LIMIT:
        raise UndecidedError(
            f"{row}: {name!r} has {size:,} bytes; at most {FILE_LIMIT:,} can be sent"
        )
    return path


def content(path: Path) -> bytes:
    """The bytes of a file that `of_row` has let through.

    Raises:
        UndecidedError: It has gone or grown since, or has become a link.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as stream:
            found = stream.read(FILE_LIMIT + 1)
    except OSError as error:
        raise UndecidedError(f"{path.name}: {error.strerror}") from None
    if len(found) > FILE_LIMIT:
        raise UndecidedError(f"{path.name}: more than {FILE_LIMIT:,} bytes; no more can be sent")
    return found
