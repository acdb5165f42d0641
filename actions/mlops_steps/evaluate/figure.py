"""What the tasks' modules give to `measure`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlops_steps.stats.results import Interval

#: From a two-sided confidence to the interval; None when nothing honest can be said.
Make = Callable[[float], Interval | None]


@dataclass(frozen=True)
class Figure:
    """A metric's value, the number of rows it rests on, and the way to its interval."""

    value: float
    n: int
    make: Make | None = None
