"""The files that a manifest names: inside its folder, reached over no link, of a bounded size."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

from mlops_steps.errors import UndecidedError

#: Four requests are under way at a time, each with its file in memory, as it is and as text.
FILE_LIMIT = 16 * 1024 * 1024


def inside(manifest: Path, name: str | None, key: str | None) -> Path:
    """The file that a row of the manifest names, relative to the manifest's folder.

    Raises:
        UndecidedError: The row names none, or one that is missing, lies elsewhere, is reached
            over a link, is no file, or is larger than `FILE_LIMIT`.
    """
    row = f"{manifest.name}: the row {key or 'without a key'}"
    if not name:
        raise UndecidedError(f"{row} names no file")
    said = f"{row}: {name[:200]!r}"
    asked = PurePosixPath(name)
    if asked.is_absolute() or ".." in asked.parts or "\0" in name:
        raise UndecidedError(f"{said} does not lie in the manifest's folder")
    path = manifest.parent
    try:
        mode = path.lstat().st_mode
        for part in asked.parts:
            path /= part
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                raise UndecidedError(f"{said} is reached over a link, which is not followed")
        size = path.lstat().st_size
    except OSError as error:
        raise UndecidedError(f"{said}: {error.strerror}") from None
    if not stat.S_ISREG(mode):
        raise UndecidedError(f"{said} is not a file")
    if size > FILE_LIMIT:
        raise UndecidedError(f"{said} has {size:,} bytes; at most {FILE_LIMIT:,} can be sent")
    return path


def content(path: Path) -> bytes:
    """The bytes of a file that `inside` has let through.

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
