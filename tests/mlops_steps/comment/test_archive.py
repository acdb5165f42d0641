"""Archives as a stranger could make them: one file out of a proper one, nothing of any other."""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_steps.comment.archive import LARGEST, MOST_FILES, ArchiveError, read_file

LIMIT = 64 * 1024


def packed(*files: tuple[str | zipfile.ZipInfo, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive; names as they are given."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", how) as archive:
        for name, content in files:
            entry = zipfile.ZipInfo("x") if isinstance(name, str) else name
            if isinstance(name, str):
                entry.filename = name  # as it is: the constructor would clean it
            entry.compress_type = how
            archive.writestr(entry, content)
    return stream.getvalue()


def special(name: str, kind: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (kind | 0o777) << 16
    return entry


GOOD = packed(("index.html", b"<html>"), ("facts.json", b"{}"))


def flagged(content: bytes, flag: int) -> bytes:
    """Set a flag in each entry of the list of contents."""
    changed = bytearray(content)
    at = changed.find(b"PK\x01\x02")
    while at >= 0:
        changed[at + 8 : at + 10] = struct.pack("<H", flag)
        at = changed.find(b"PK\x01\x02", at + 1)
    return bytes(changed)


def lying(size: int) -> bytes:
    """The list of contents says that facts.json, 40 KiB of it, is of another size."""
    content = bytearray(packed(("facts.json", b"x" * 40_000), how=zipfile.ZIP_STORED))
    at = content.find(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", size)
    return bytes(content)


def twice() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate name"):
        return packed(("facts.json", b"{}"), ("facts.json", b"[]"))


def changed() -> bytes:
    """What is packed is not what its sum was made of."""
    return packed(("facts.json", b"{}"), how=zipfile.ZIP_STORED).replace(b"{}", b"[]")


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_file_comes_out_as_it_went_in(how: int) -> None:
    content = bytes(range(256)) * 100
    archive = packed(("index.html", b"<html>"), ("facts.json", content), how=how)
    assert read_file(archive, "facts.json", largest=LIMIT) == content
    largest = packed(*((f"{number}", b"") for number in range(MOST_FILES - 1)), ("facts.json", b""))
    assert read_file(largest, "facts.json", largest=LIMIT) == b""


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "not a zip"),
    "text": (lambda: b"<html>POISON</html>" * 100, "not a zip"),
    "half": (lambda: GOOD[: len(GOOD) // 2], "not a zip"),
    "too large": (lambda: b"0" * (10 * 1024**2), "larger than 8 MiB"),
    "no facts": (lambda: packed(("POISON", b"")), "no facts.json"),
    "other case": (lambda: packed(("Facts.json", b"{}")), "no facts.json"),
    "up": (lambda: packed(("../facts.json", b"{}")), "a folder, or a path"),
    "up beside it": (lambda: packed(("facts.json", b"{}"), ("../../POISON", b"")), "a path"),
    "root": (lambda: packed(("facts.json", b"{}"), ("/etc/POISON", b"")), "a path"),
    "drive": (lambda: packed(("facts.json", b"{}"), ("c:POISON", b"")), "a path"),
    "backslash": (lambda: packed(("facts.json", b"{}"), ("..\\POISON", b"")), "a path"),
    "below": (lambda: packed(("report/facts.json", b"{}")), "a folder, or a path"),
    "folder": (lambda: packed(("facts.json", b"{}"), ("POISON/", b"")), "a folder, or a path"),
    "dots": (lambda: packed(("facts.json", b"{}"), ("..", b"")), "a folder, or a path"),
    "NUL": (lambda: packed(("facts.json\0POISON", b"{}")), "a folder, or a path"),
    "link": (
        lambda: packed((special("facts.json", stat.S_IFLNK), b"/etc/passwd")),
        "a link, or something else",
    ),
    "link beside it": (
        lambda: packed(("facts.json", b"{}"), (special("POISON", stat.S_IFLNK), b"/etc/passwd")),
        "a link, or something else",
    ),
    "device": (lambda: packed((special("facts.json", stat.S_IFCHR), b"")), "a link, or"),
    "folder by kind": (lambda: packed((special("facts.json", stat.S_IFDIR), b"")), "a link, or"),
    "twice": (twice, "two files of one name"),
    "encrypted": (lambda: flagged(GOOD, 0x1), "encrypted"),
    "lzma": (lambda: packed(("facts.json", b"{}"), how=zipfile.ZIP_LZMA), "unusually packed"),
    "bzip2": (lambda: packed(("facts.json", b"{}"), how=zipfile.ZIP_BZIP2), "unusually packed"),
    "bomb": (lambda: packed(("facts.json", b" " * 40_000_000)), "packed more than"),
    "bomb beside it": (
        lambda: packed(("facts.json", b"{}"), ("POISON", b" " * 40_000_000)),
        "packed more than",
    ),
    "small bomb": (lambda: packed(("facts.json", b" " * 60_000)), "packed more than"),
    "large facts": (
        lambda: packed(("facts.json", b"x" * (LIMIT + 1)), how=zipfile.ZIP_STORED),
        "facts.json is larger than 64 KiB",
    ),
    "many": (lambda: packed(*((f"f{n}", b"") for n in range(MOST_FILES)), ("facts.json", b"{}")),
             "more than 50 files"),
    "very many": (lambda: packed(*((f"f{n}", b"") for n in range(20_000))), "more than 50 files"),
    "says it is smaller": (lambda: lying(10), "broken"),
    "says it is larger": (lambda: lying(50_000), "not as large as the archive says"),
    "changed": (changed, "broken"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_nothing_else_is_read_and_why_is_said_in_our_own_words(name: str) -> None:
    make, words = BAD[name]
    content = make()
    with pytest.raises(ArchiveError) as error:
        read_file(content, "facts.json", largest=LIMIT)
    assert words in str(error.value)
    assert "POISON" not in str(error.value)


def test_a_bomb_takes_no_memory() -> None:
    # Sizes that lie below every bound, so that the bomb would have to be unpacked to be seen.
    bomb = bytearray(packed(("facts.json", b" " * 50_000_000)))
    assert len(bomb) < LARGEST
    at = bomb.find(b"PK\x01\x02")
    bomb[at + 24 : at + 28] = struct.pack("<I", 1000)
    tracemalloc.start()
    with pytest.raises(ArchiveError, match="broken"):
        read_file(bytes(bomb), "facts.json", largest=LIMIT)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_twenty_thousand_files_take_no_memory() -> None:
    many = BAD["very many"][0]()
    tracemalloc.start()
    with pytest.raises(ArchiveError, match="more than 50 files"):
        read_file(many, "facts.json", largest=LIMIT)
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_archive_is_refused_or_read_but_never_more(data: st.DataObject) -> None:
    content = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for each in (bytes(content), bytes(content[:cut]), bytes(content[cut:])):
        with contextlib.suppress(ArchiveError):
            assert len(read_file(each, "facts.json", largest=LIMIT)) <= LIMIT
