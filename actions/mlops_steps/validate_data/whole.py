"""Whether a file is whole, as far as its own frame tells without a decoder.

PNG: every chunk with its check sum (CRC-32), from IHDR to IEND (ISO/IEC 15948, clause 5). JPEG:
the segments up to the scan, and the marker of the end after it (ITU-T T.81, annex B). GIF: header
and trailer (GIF89a, sections 17 and 27). RIFF (WebP, WAV): as long as its header says. Texts:
UTF-8. What is wrong inside of a JPEG's scan is not seen: that takes a decoder, with all that can
be done to one by a file from a stranger, in a job that may hold credentials.
"""

from __future__ import annotations

import codecs
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_BLOCK = 1 << 16
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"


def torn(path: Path) -> str:
    """What is wrong with a file, in words; empty if nothing is, or its suffix tells no form.

    Raises:
        OSError: It cannot be read.
    """
    look = FORMS.get(path.suffix.lower())
    if look is None:
        return ""
    with path.open("rb") as stream:
        return look(stream)


def _png(stream: BinaryIO) -> str:
    if stream.read(8) != _PNG:
        return "is no PNG"
    first = True
    while True:
        head = stream.read(8)
        if len(head) < 8:
            return "ends too early"
        length, name = int.from_bytes(head[:4]), head[4:]
        if first != (name == b"IHDR"):
            return "has its parts in a wrong order"
        first = False
        found = zlib.crc32(name)
        while length:
            block = stream.read(min(length, _BLOCK))
            if not block:
                return "ends too early"
            found, length = zlib.crc32(block, found), length - len(block)
        if stream.read(4) != found.to_bytes(4):
            return "has a part that does not match its check sum"
        if name == b"IEND":
            return ""


def _jpeg(stream: BinaryIO) -> str:
    if stream.read(2) != _JPEG:
        return "is no JPEG"
    while True:
        mark = stream.read(2)
        while mark == b"\xff\xff":  # fill bytes
            mark = mark[1:] + stream.read(1)
        if len(mark) < 2:
            return "ends too early"
        if mark[:1] != b"\xff":
            return "has its parts in a wrong order"
        length = int.from_bytes(stream.read(2))
        if length < 2:
            return "ends too early"
        stream.seek(length - 2, os.SEEK_CUR)
        if mark == b"\xff\xda":  # the scan begins
            break
    last = b""
    while block := stream.read(_BLOCK):
        if b"\xff\xd9" in last + block:
            return ""
        last = block[-1:]
    return "ends too early"


def _gif(stream: BinaryIO) -> str:
    if stream.read(6) not in {b"GIF87a", b"GIF89a"}:
        return "is no GIF"
    stream.seek(-1, os.SEEK_END)
    return "" if stream.read(1) == b";" else "ends too early"


def _riff(stream: BinaryIO) -> str:
    head = stream.read(8)
    if head[:4] != b"RIFF" or len(head) < 8:
        return "is no RIFF file"
    there = stream.seek(0, os.SEEK_END) - 8
    return "" if there >= int.from_bytes(head[4:], "little") else "ends too early"


def _text(stream: BinaryIO) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := stream.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "is not UTF-8"
    return ""


#: Suffixes of names, in small letters, each with what looks at such a file.
FORMS: dict[str, Callable[[BinaryIO], str]] = {
    ".png": _png,
    **dict.fromkeys((".jpg", ".jpeg"), _jpeg),
    ".gif": _gif,
    **dict.fromkeys((".webp", ".wav"), _riff),
    **dict.fromkeys((".txt", ".md", ".csv", ".json", ".jsonl", ".html", ".xml"), _text),
}
