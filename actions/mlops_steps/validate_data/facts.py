"""The facts of a column from which its part of a contract is proposed, and the rules for that."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal

from mlops_steps.validate_data.contract import ColumnType

#: A set is stated where each value was seen so often, among so many rows. Then no row has a value
#: that no other row has; leaving each out in turn, none of n was new, and by the rule of three
#: (Hanley and Lippman-Hand, JAMA 249 (1983) 1743-1745) less than 3 / n of the rows to come hold
#: a value that was not seen, at 95 %: here a hundredth.
SEEN, SET_ROWS = 5, 300
#: More different texts, or whole numbers, are no set: of numbers the next one is likely fine.
TEXTS, CODES = 30, 3
#: Classes of a target, at most.
CLASSES = 1000
#: Rows for a rule that all rows keep so far, such as a pattern.
ENOUGH = 100
#: Room beyond the least and the greatest number, as a part of what lies between them; four times
#: as much at the far end of what lies mostly near one end.
ROOM = Decimal("0.25")
_KEY = re.compile(
    r"(^|[^a-z0-9])(ids?|key|uuid|guid|code|zip|plz|postcode|sku|ean|isbn|number|nr|no)$"
)

Heavy = Literal["low", "high", "neither"]


@dataclass(frozen=True)
class Facts:
    """What is known of a column.

    Attributes:
        name: Its name.
        type: What every value can be read as; empty if no type of a contract reads it.
        rows: Rows looked at.
        nulls: Rows without a value.
        infinite: Rows with an infinite number, which no contract allows.
        low: The least finite number.
        high: The greatest.
        heavy: The end near which at least half of the numbers lie: within a sixth of the span.
        values: Different values with their rows; None if there are many.
        unique: No value is there twice, and by more than chance.
        regex: A pattern (RE2) of all texts; empty if there is none.
        shortest: Characters of the shortest text.
        longest: Of the longest.
        names: Whether it is called like what names something, and is no quantity.
        padded: Whether a whole number is written with a 0 before it.
    """

    name: str
    type: ColumnType | Literal[""]
    rows: int
    nulls: int = 0
    infinite: int = 0
    low: float | None = None
    high: float | None = None
    heavy: Heavy = "neither"
    values: dict[str, int] | None = None
    unique: bool = False
    regex: str = ""
    shortest: int = 0
    longest: int = 0
    names: bool = False
    padded: bool = False

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.nulls


def closed(counts: Collection[int]) -> bool:
    """Whether values that were seen so often each may be stated as all that there are."""
    return bool(counts) and min(counts) >= SEEN and sum(counts) >= SET_ROWS


def listed(facts: Facts) -> bool:
    """Whether a column's values are proposed as a set."""
    few = {"text": TEXTS, "integer": CODES}.get(facts.type, 0)
    values = facts.values or {}
    return 1 < len(values) <= few and closed(values.values()) and not facts.names


def bounds(low: float, high: float, heavy: Heavy, *, whole: bool) -> tuple[Decimal, Decimal]:
    """The proposed range of numbers between two: `ROOM` beyond, rounded outward.

    To about a tenth of the room, and to whole numbers where all are. It does not change sign.
    """
    least, most = Decimal(repr(low)), Decimal(repr(high))
    room = (most - least or abs(most) or Decimal(1)) * ROOM
    below = 4 * room if heavy == "high" else room
    above = 4 * room if heavy == "low" else room
    step = Decimal(1).scaleb(room.adjusted() - 1)
    step = max(step, Decimal(1)) if whole else step
    start = ((least - below) / step).to_integral_value(ROUND_FLOOR) * step
    end = ((most + above) / step).to_integral_value(ROUND_CEILING) * step
    if low >= 0:
        start = max(start, Decimal(0))
    if high <= 0:
        end = min(end, Decimal(0))
    largest = Decimal(repr(1.7e308))
    return max(start, -largest), min(end, largest)


def apart_by_rule(rows: int, low: float, high: float) -> bool:
    """Whether whole numbers that all differ do so by more than chance.

    Drawn evenly from all between the two, n of them make n (n - 1) / 2 pairs, of which one in
    `high - low + 1` is equal: with three such pairs expected, none is there with a chance of
    e^-3 = 5 % (Poisson).
    """
    return rows >= 10 and rows * (rows - 1) / 2 >= 3 * (high - low + 1)


def names_something(name: str) -> bool:
    """Whether a column is called what keys and codes are called: id, customerID, zip, sku."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return _KEY.search(words) is not None
