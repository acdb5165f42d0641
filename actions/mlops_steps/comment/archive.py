"""One file out of an archive that a stranger made: read in memory, written nowhere.

Of everything else in it only the entry in the list of contents is looked at.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib

#: Bytes of the archive; a report, its page included, is a few hundred thousand.
LARGEST = 8 * 1024 * 1024
#: Files in it, and how many times larger than packed, and how large together, they may be.
MOST_FILES, HIGHEST_RATIO, LARGEST_WHOLE = 50, 200, 64 * 1024 * 1024
#: How an entry begins in the list of contents, and how far the scan for them is not by chance.
_ENTRY, _BY_CHANCE = b"PK\x01\x02", 200
_ENCRYPTED = 0x1
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
#: What the library makes of a broken archive.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError,
    OSError, ValueError, OverflowError, LookupError,
)  # fmt: skip


class ArchiveError(ValueError):
    """Why an archive is not read; in our own words, without any of its own."""


def read_file(content: bytes, name: str, *, largest: int) -> bytes:
    """The file `name` at the top of a zip archive.

    Raises:
        ArchiveError: It is no such archive, or not one that a report's upload makes: too many
            files or too large ones, folders, links, a name twice, encryption.
    """
    if len(content) > LARGEST:
        raise ArchiveError(f"the archive is larger than {LARGEST // 1024**2} MiB")
    # Before the library keeps an object for each of them.
    if content.count(_ENTRY) > MOST_FILES + _BY_CHANCE:
        raise ArchiveError(f"more than {MOST_FILES} files in the archive")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entry = _find(archive.infolist(), name, largest)
            with archive.open(entry) as stream:
                found = stream.read(largest + 1)
    except ArchiveError:
        raise
    except _BROKEN:
        raise ArchiveError("not a zip archive, or a broken one") from None
    if len(found) != entry.file_size:
        raise ArchiveError(f"{name} is not as large as the archive says")
    return found


def _find(entries: list[zipfile.ZipInfo], name: str, largest: int) -> zipfile.ZipInfo:
    if len(entries) > MOST_FILES:
        raise ArchiveError(f"more than {MOST_FILES} files in the archive")
    if len({entry.orig_filename for entry in entries}) != len(entries):
        raise ArchiveError("two files of one name in the archive")
    for entry in entries:
        _check(entry)
    if sum(entry.file_size for entry in entries) > LARGEST_WHOLE:
        raise ArchiveError("the files in the archive are too large together")
    found = [entry for entry in entries if entry.orig_filename == name]
    if not found:
        raise ArchiveError(f"no {name} in the archive")
    if found[0].file_size > largest:
        raise ArchiveError(f"{name} is larger than {largest // 1024} KiB")
    return found[0]


def _check(entry: zipfile.ZipInfo) -> None:
    # The library cuts a name at its first NUL and turns backslashes; this is what was there.
    name = entry.orig_filename
    if not name or name in {".", ".."} or any(mark in name for mark in "/\\:\0"):
        raise ArchiveError("a folder, or a path, in the archive")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        raise ArchiveError("a link, or something else that is no file, in the archive")
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
        raise ArchiveError("an encrypted or unusually packed file in the archive")
    if entry.file_size > HIGHEST_RATIO * max(entry.compress_size, 1):
        raise ArchiveError(f"a file that is packed more than {HIGHEST_RATIO} times")
