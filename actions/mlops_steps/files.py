"""Digests and whole-file writes, shared by everything that keeps a promise about a file."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path


def digest_of(path: Path) -> str:
    """SHA-256 of a file, or of a folder's sorted listing of (path, file digest).

    Symbolic links are refused: a digest must not depend on what lies outside.

    Returns:
        `sha256:` and 64 hexadecimal digits.

    Raises:
        FileNotFoundError: Nothing is there.
        OSError: A link, or neither file nor folder.
    """
    if path.is_symlink():
        raise OSError(f"{path} is a symbolic link")
    if path.is_dir():
        listing = hashlib.sha256()
        for name in sorted(entry.relative_to(path).as_posix() for entry in path.rglob("*")):
            entry = path / name
            if entry.is_symlink() or not entry.is_dir():
                listing.update(os.fsencode(f"{name}\0{digest_of(entry)}\n"))
        return f"sha256:{listing.hexdigest()}"
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is neither a file nor a folder")  # reading it might never end
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file so that a reader, or a kill at any moment, sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: object) -> None:
    """Write sorted, indented JSON without NaN or infinity, whole or not at all."""
    write_whole(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")
