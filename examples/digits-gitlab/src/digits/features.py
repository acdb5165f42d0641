"""From a table's cells to the numbers that a model computes with."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from .data import Table

#: Of a column of text so many values are told apart, the most frequent ones that are seen in
#: so many rows at least. Every other value, and none, is a row of zeros.
VALUES, SEEN = 50, 2


@dataclass(frozen=True)
class Feature:
    """How one column becomes numbers.

    A column of numbers has a `middle`, the median of the training rows, which stands in for a
    missing value. A column of text has None there, and `values`: each becomes a number, 1 or 0.
    """

    name: str
    middle: float | None
    values: list[str]

    def encode(self, cells: Sequence[str], where: Callable[[int], str]) -> np.ndarray:
        """Shape (cells, 1 or the number of values); `where` tells a cell's place by its row."""
        if self.middle is None:
            texts = np.array([plain(cell) for cell in cells], dtype=object)
            return (texts[:, None] == np.array(self.values, dtype=object)).astype(float)
        numbers = [
            _number(cell, where(row)) if cell else self.middle for row, cell in enumerate(cells)
        ]
        return np.array(numbers, dtype=float)[:, None]


@dataclass(frozen=True)
class Encoder:
    """What was learnt of the training rows to turn any row into numbers."""

    features: list[Feature]

    @property
    def inputs(self) -> dict[str, str]:
        """What a request has to hold: datatypes of the Open Inference Protocol, by name."""
        return {each.name: "BYTES" if each.middle is None else "FP64" for each in self.features}

    def encode(self, table: Table) -> np.ndarray:
        """The table's rows as finite numbers, shape (rows, numbers).

        Raises ValueError for a column that is missing, and with the place of a cell that is no
        number where the training rows held numbers alone.
        """
        missing = [each.name for each in self.features if each.name not in table.columns]
        if missing:
            raise ValueError(f"{table.source}: no columns {missing}, which the model needs")
        parts = []
        for each in self.features:
            where = partial(table.where, column=each.name)
            parts.append(each.encode(table.columns[each.name], where))
        return np.hstack(parts)

    def encode_request(self, columns: Mapping[str, Sequence[str]]) -> np.ndarray:
        """The same for the cells of a request, by the names in `inputs`."""
        parts = [each.encode(columns[each.name], "row {}".format) for each in self.features]
        return np.hstack(parts)

    def dump(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def restore(content: Mapping[str, Any]) -> Encoder:
    """The encoder whose `dump` this is."""
    return Encoder([Feature(**each) for each in content["features"]])


def learn(table: Table, wanted: str | int) -> Encoder:
    """Learn from the training rows; `wanted` says which columns, as in `choose`.

    A column with nothing but numbers and empty cells is one of numbers, any other one of text.
    """
    features = [_learn(table, name) for name in choose(list(table.columns), wanted)]
    useful = [each for each in features if each.middle is not None or each.values]
    if not useful:
        raise ValueError(f"{table.source}: no column to learn from")
    return Encoder(useful)


def choose(columns: list[str], wanted: str | int) -> list[str]:
    """The features to use: "all", the first so many, or names with commas between."""
    if wanted == "all":
        return columns
    if isinstance(wanted, int):
        if not 1 <= wanted <= len(columns):
            raise ValueError(f"features: {wanted} is not between 1 and {len(columns)}")
        return columns[:wanted]
    names = [name.strip() for name in wanted.split(",")]
    missing = [name for name in names if name not in columns]
    if missing:
        raise ValueError(f"features: no columns {missing}. There are: {', '.join(columns)}")
    return names


def plain(cell: str) -> str:
    """A text as it is compared: TRUE is true, as the steps write it."""
    return cell.lower() if cell.lower() in ("true", "false") else cell


def _learn(table: Table, name: str) -> Feature:
    present = [(row, cell) for row, cell in enumerate(table.columns[name]) if cell]
    if present and all(_is_number(cell) for _, cell in present):
        numbers = [_number(cell, table.where(row, name)) for row, cell in present]
        return Feature(name, median(numbers), [])
    counts = Counter(plain(cell) for _, cell in present)
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    return Feature(name, None, [value for value in ranked if counts[value] >= SEEN][:VALUES])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(cell: str, where: str) -> float:
    value = float(cell) if _is_number(cell) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"{where}: {cell!r} is not a finite number")
    return value
