"""Small grey images as files, with a manifest beside them; the same bytes wherever it runs."""

from __future__ import annotations

import csv
import math
import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

#: Pixels on a side, and the shade that is white.
SIDE, WHITE = 8, 16


def write(rows: Iterable[tuple[str, Sequence[int], str]], folder: Path) -> None:
    """Write `images/NNNN.png` for every row, and `manifest.csv`.

    The manifest has `id`, `image` (the file, relative to it), `brightness` and `contrast` (mean
    and standard deviation of the shades, black 0 and white 1), and `digit`.

    Args:
        rows: Id, shades of 0 to `WHITE` by line from the top left, digit.
        folder: An existing folder.
    """
    (folder / "images").mkdir()
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as stream:
        manifest = csv.writer(stream, lineterminator="\n")
        manifest.writerow(["id", "image", "brightness", "contrast", "digit"])
        for identity, shades, digit in rows:
            name = f"images/{int(identity):04d}.png"
            (folder / name).write_bytes(png([round(each * 255 / WHITE) for each in shades], SIDE))
            mean = sum(shades) / len(shades)
            # From whole numbers, so that no machine rounds another way on the way.
            spread = math.sqrt(len(shades) * sum(x * x for x in shades) - sum(shades) ** 2)
            contrast = spread / len(shades)
            figures = [f"{each / WHITE:.4f}" for each in (mean, contrast)]
            manifest.writerow([identity, name, *figures, digit])


def png(shades: Sequence[int], width: int) -> bytes:
    """An image in 8-bit grey, as PNG (W3C Recommendation, third edition, 2025).

    Its pixels are stored and not compressed: what a compressor makes of them differs between
    its versions.

    Args:
        shades: 0 to 255 by line from the top left, at most 65,535 with one more for each line.
        width: Pixels in a line.
    """
    lines = range(0, len(shades), width)
    # Each line begins with the number of its filter: none.
    raw = b"".join(b"\0" + bytes(shades[start : start + width]) for start in lines)
    # A zlib stream (RFC 1950) of one block, the last, that is stored (RFC 1951, 3.2.4).
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(raw), len(raw) ^ 0xFFFF) + raw
    header = struct.pack(">IIBBBBB", width, len(lines), 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in (
            (b"IHDR", header),
            (b"IDAT", stored + struct.pack(">I", zlib.adler32(raw))),
            (b"IEND", b""),
        )
    )
