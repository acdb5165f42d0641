"""What is kept of a column while its rows go by: counts, ends, a few values; never all of them."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Literal

from mlops_init.datasets.reading import SHOWN, Row

Kind = Literal["boolean", "integer", "number", "timestamp", "text"]

#: Rows, or characters, that are looked at together.
BATCH_ROWS, BATCH_SIGNS = 4096, 4_000_000
#: Different values that are counted one by one.
VALUES = 1000
#: Longer texts are no classes.
LONG = 200
#: Values that are told apart in memory; what there is beyond goes through temporary files.
HELD = 50_000
_PARTS = 8
#: Columns that are looked at as a key.
_KEYS = 32
_SAMPLE = 1024
_INTEGER, _NUMBER = set("-0123456789"), set("-+.eE0123456789")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?")


@dataclass
class Odd:
    """A text among numbers: how often it is there, and the line of the first."""

    count: int
    line: int


@dataclass
class Sketch:
    """One column.

    Attributes:
        name: The column's name.
        key: no, may be (values are told apart as long as none repeats and it looks like a key),
            or named (they are told apart in any case).
        scratch: Where values may be put down to be told apart: begins of names in a folder.
        rows: Rows seen.
        nulls: Rows with an empty cell.
        null_lines: The lines of the first of them.
        counts: Cells by kind; no cell is of two.
        values: Different values with their counts, or None if there are too many.
        odd: Texts that are neither number nor time, the first few; see `Odd`.
        low: The least number.
        high: The greatest number.
        mean: Of the numbers.
        squares: Sum of their squared distances from it; not finite where a number is too large.
        sample: Every so many-th number, at most 1,024.
        examples: The first cells that are not empty.
        longest: Signs of the longest cell.
        spaced: Whether a cell holds white space.
        padded: Whether a whole number is written with a 0 before it, or as -0.
    """

    name: str
    key: Literal["no", "maybe", "named"] = "no"
    scratch: Path | None = None
    rows: int = 0
    nulls: int = 0
    null_lines: list[int] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)
    values: Counter[str] | None = field(default_factory=Counter)
    odd: dict[str, Odd] = field(default_factory=dict)
    low: float = math.inf
    high: float = -math.inf
    mean: float = 0.0
    squares: float = 0.0
    sample: list[float] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    longest: int = 0
    spaced: bool = False
    padded: bool = False
    _stride: int = 1
    _numbers: int = 0
    _apart: Apart | None = None

    def __post_init__(self) -> None:
        """Nothing repeats yet."""
        if self.scratch and self.key != "no":
            self._apart = Apart(self.scratch)

    @property
    def kind(self) -> Kind:
        """What every cell can be read as; text where nothing else will do."""
        found: set[Kind] = {kind for kind, count in self.counts.items() if count}
        if len(found) == 1:
            return next(iter(found))
        return "number" if found == {"integer", "number"} else "text"

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.nulls

    @property
    def names_a_row(self) -> bool:
        """Whether it looks like a key: no measurement, no time, no sentence."""
        short = self.longest <= 64 and not self.spaced
        return self.kind == "integer" or (self.kind == "text" and short)

    @property
    def constant(self) -> bool:
        """Whether no two cells differ."""
        return self.values is not None and len(self.values) + (self.nulls > 0) <= 1

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own, as long as the scratch folder is there."""
        return not self.nulls and self._apart is not None and self._apart.unique()

    @property
    def repeated(self) -> bytes:
        """The digest of a value that is there twice (see `digest`); empty if not known."""
        return self._apart.twin if self._apart else b""

    def add(self, lines: Sequence[int], cells: Sequence[str]) -> None:
        """Look at the next rows."""
        self.rows += len(cells)
        present = list(filter(None, cells))
        if missing := len(cells) - len(present):
            self.nulls += missing
            places = (line for line, cell in zip(lines, cells, strict=True) if not cell)
            self.null_lines += itertools.islice(places, SHOWN - len(self.null_lines))
            lines = [line for line, cell in zip(lines, cells, strict=True) if cell]
        if not present:
            return
        if len(self.examples) < SHOWN * 20:
            self.examples += present[: SHOWN * 20 - len(self.examples)]
        self.longest = max(self.longest, *map(len, present))
        self._count_values(present)
        if self._apart and not self._apart.add(present):
            # It is kept for its twin where the column was named to be the key.
            self._apart = self._apart if self.key == "named" else None
        self._sort(lines, present)
        if self.key == "maybe" and not self.names_a_row:
            self._apart = None

    def _count_values(self, present: list[str]) -> None:
        if self.values is not None:
            self.values.update(present)
            if len(self.values) > VALUES or self.longest > LONG:
                self.values = None

    def _sort(self, lines: Sequence[int], present: list[str]) -> None:
        if (numbers := _numbers(present)) is not None:
            whole = set("".join(present)) <= _INTEGER
            self.counts["integer" if whole else "number"] += len(present)
            self.padded = self.padded or (whole and any(map(_is_padded, present)))
            self._measure(numbers)
            return
        self.spaced = self.spaced or any(" " in cell or "\n" in cell for cell in present)
        if self.values is None and not self.counts.keys() - {"text"}:
            self.counts["text"] += len(present)  # so many texts, and never anything else
            return
        for cell, count in Counter(present).items():
            kind = _kind(cell)
            self.counts[kind] += count
            if kind in {"integer", "number"}:
                self._measure([float(cell)] * count)
            elif kind in {"text", "boolean"} and (cell in self.odd or len(self.odd) < SHOWN):
                odd = self.odd.setdefault(cell, Odd(0, lines[present.index(cell)]))
                odd.count += count

    def _measure(self, numbers: list[float]) -> None:
        self.low, self.high = min(self.low, *numbers), max(self.high, *numbers)
        # The moments of two parts together: T. F. Chan, G. H. Golub and R. J. LeVeque,
        # "Algorithms for computing the sample variance", The American Statistician 37 (1983).
        count = len(numbers)
        try:
            mean = math.fsum(numbers) / count
            squares = math.fsum((each - mean) ** 2 for each in numbers)
        except OverflowError:
            mean = squares = math.inf
        whole, shift = self._numbers + count, mean - self.mean
        self.squares += squares + shift * shift * self._numbers * count / whole
        self.mean += shift * count / whole
        start = -self._numbers % self._stride
        self.sample += numbers[start :: self._stride]
        self._numbers = whole
        while len(self.sample) > _SAMPLE:
            self.sample = self.sample[::2]
            self._stride *= 2


class Apart:
    """Whether values are all different; beyond `HELD` of them by way of files beside `scratch`."""

    def __init__(self, scratch: Path) -> None:
        """No value yet."""
        self.twin = b""
        self._seen: set[bytes] | None = set()
        self._parts = [scratch.with_suffix(f".{number}") for number in range(_PARTS)]

    def add(self, values: list[str]) -> bool:
        """False as soon as two are known to be the same."""
        if self.twin:
            return False
        digests = list(map(digest, values))
        if self._seen is None:
            self._put_down(digests)
            return True
        if len(set(digests)) < len(digests) or not self._seen.isdisjoint(digests):
            self.twin = next(_twins(itertools.chain(self._seen, digests)))
            self._seen = set()
            return False
        self._seen.update(digests)
        if len(self._seen) > HELD:
            self._put_down(self._seen)
            self._seen = None
        return True

    def _put_down(self, digests: Iterable[bytes]) -> None:
        blocks: list[list[bytes]] = [[] for _ in self._parts]
        for each in digests:
            blocks[each[0] % _PARTS].append(each)
        for part, block in zip(self._parts, blocks, strict=True):
            with part.open("ab") as stream:
                stream.write(b"".join(block))

    def unique(self) -> bool:
        """Whether no two were the same."""
        if self._seen is None and not self.twin:
            size = len(digest(""))
            for part in self._parts:
                content = part.read_bytes()
                cut = (content[start : start + size] for start in range(0, len(content), size))
                self.twin = self.twin or next(_twins(cut), b"")
        return not self.twin


def _twins(digests: Iterable[bytes]) -> Iterator[bytes]:
    seen = set()
    for each in digests:
        if each in seen:
            yield each
        seen.add(each)


def digest(value: str) -> bytes:
    """16 bytes that stand for a value: two of 10^9 values share theirs with a chance of 10^-20."""
    return blake2b(value.encode(), digest_size=16).digest()


def sketch(
    rows: Iterable[Row], names: Sequence[str], *, key: str, target: str, scratch: Path
) -> list[Sketch]:
    """Look at all rows once.

    Args:
        rows: All of them.
        names: The columns, as many as each row has cells.
        key: The column that was named to be the key; empty: any may be, but the target.
        target: The column to be told.
        scratch: An empty folder, to be kept until it is known which column is unique.
    """
    likely = [name for name in names if name != target]
    likely.sort(key=lambda name: not natural_key(name))  # else in the order of the file
    may_be = set() if key else set(likely[:_KEYS])
    columns = [
        Sketch(
            name,
            key="named" if name == key else "maybe" if name in may_be else "no",
            scratch=scratch / f"{number}.part",
        )
        for number, name in enumerate(names)
    ]
    for batch in _batches(rows):
        lines = [row.line for row in batch]
        cells = zip(*(row.cells for row in batch), strict=True)
        for column, values in zip(columns, cells, strict=True):
            column.add(lines, values)
    return columns


def natural_key(name: str) -> bool:
    """Whether a column is called what keys are called: id, customer_id, customerID, key, uuid."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return re.search(r"(^|[^a-z0-9])(id|key|uuid|guid)$", words) is not None


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch, signs = list[Row](), 0
    for row in rows:
        batch.append(row)
        signs += sum(map(len, row.cells))
        if len(batch) == BATCH_ROWS or signs > BATCH_SIGNS:
            yield batch
            batch, signs = [], 0
    if batch:
        yield batch


def _numbers(cells: list[str]) -> list[float] | None:
    """The cells as finite numbers, or None if one is none."""
    # Not what Python alone takes for a number: 1_000, infinity, +5, digits of other scripts.
    if not set("".join(cells)) <= _NUMBER or any(cell[0] == "+" for cell in cells):
        return None
    try:
        numbers = list(map(float, cells))
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _kind(cell: str) -> Kind:
    if _numbers([cell]) is not None:
        return "integer" if set(cell) <= _INTEGER else "number"
    if cell.lower() in {"true", "false"}:
        return "boolean"
    if _TIME.fullmatch(cell) and cell.isascii():
        try:
            dt.datetime.fromisoformat(cell)
        except ValueError:
            return "text"
        return "timestamp"
    return "text"


def _is_padded(cell: str) -> bool:
    return cell.startswith(("0", "-0")) and cell != "0"
