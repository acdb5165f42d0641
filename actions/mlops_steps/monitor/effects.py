"""The effects that decide: how far each column has moved, in standard deviations, with its sign.

Each is a mean (of a function of a row's rank among the training rows) or a share on a scale of
constant variance, so it is unbiased, about normal from a hundred rows on, and its variance
follows from the two profiles. A shift of a normal column by 0.1 sd is 0.098 by `shift`; a
standard deviation 8 % larger is 0.1 by `spread`; 10 % of nulls that become 13.2 % are 0.1.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from mlops_steps.data.profile import Column

#: The parts of a column's numbers, by the degree of the polynomial, and what each may use of
#: the column's chance of a false alarm. The rest is for nulls and for what is no number.
RANKS = {"shift": 1 / 2, "spread": 1 / 8, "skew": 1 / 16, "tails": 1 / 16}
NULLS, UNREADABLE, REST = "nulls", "unreadable", "rest"
_SHARES = 1 / 8
_CATEGORIES = 3 / 4
#: Below it a polynomial is no other function of these bins than those before it.
_NONE = 1e-9


@dataclass(frozen=True)
class Effect:
    """One way in which a column may have moved.

    Attributes:
        name: `shift`, `spread`, `skew`, `tails`, `nulls`, `unreadable`, `rest`, or `=VALUE`.
        weight: Its part of the column's chance of a false alarm.
        value: In standard deviations; positive where there is more of it now.
        now: Variance by chance, of the rows compared.
        then: Variance by chance, of the training rows.
    """

    name: str
    weight: float
    value: float
    now: float
    then: float


def effects(then: Column, now: Column, rows: tuple[int, int]) -> list[Effect]:
    """Every effect of one column.

    Args:
        then: The column of the training profile.
        now: The same, of what is compared, on the same edges and values.
        rows: Training rows and rows compared, each at least one.
    """
    nulls = share(NULLS, (then.nulls, now.nulls), rows, 1 / 4)
    if then.kind == "category":
        return [nulls, *_of_values(then, now, rows)]
    moved = [] if then.identifies else _of_ranks(then, now)
    unreadable = share(UNREADABLE, (then.unreadable, now.unreadable), rows, _SHARES)
    return [*moved, _with(nulls, _SHARES), unreadable]


def share(name: str, counts: tuple[int, int], rows: tuple[int, int], weight: float) -> Effect:
    """How far a share has moved: Cohen's h (1988, section 6.2), which is 2 asin(sqrt(share)).

    Its variance is 1 / rows whatever the share; 3/8 is added to the count and 3/4 to the rows
    (Anscombe 1948), which keeps that true for rare things.

    Args:
        name: Of what.
        counts: Of the training rows, of the rows compared.
        rows: Training rows, rows compared.
        weight: As in `Effect`.
    """
    then, now = (
        2 * math.asin(math.sqrt((count + 3 / 8) / (of + 3 / 4)))
        for count, of in zip(counts, rows, strict=True)
    )
    return Effect(name, weight, now - then, 1 / (rows[1] + 1 / 2), 1 / (rows[0] + 1 / 2))


def _with(effect: Effect, weight: float) -> Effect:
    return Effect(effect.name, weight, effect.value, effect.now, effect.then)


def _of_values(then: Column, now: Column, rows: tuple[int, int]) -> list[Effect]:
    counted = {f"={value}": (count, now.values[value]) for value, count in then.values.items()}
    counted[REST] = (then.rest, now.rest)
    if then.numeric:
        counted[UNREADABLE] = (then.unreadable, now.unreadable)
    weight = _CATEGORIES / len(counted)
    return [share(name, counts, rows, weight) for name, counts in counted.items()]


def _of_ranks(then: Column, now: Column) -> list[Effect]:
    """Neyman's smooth components (1937): polynomials of the rank, orthonormal in training.

    A row's rank is the share of training rows below it, ties by half, so that outliers,
    infinities and the unit of the column do not matter. A variance below that of the training
    rows is not believed.
    """
    before, after = sum(then.counts), sum(now.counts)
    if not before or not after:
        return []
    g = [count / after for count in now.counts]
    found = []
    for (name, weight), (f, scores, slopes) in zip(
        RANKS.items(), _polynomials(tuple(then.counts)), strict=False
    ):
        above, influence = 0.0, [0.0] * len(g)
        for place in reversed(range(len(g))):  # what a training row does to the ranks above it
            step = g[place] * slopes[place]
            influence[place] = above + step / 2
            above += step
        found.append(
            Effect(
                name,
                weight,
                _mean(g, scores),
                max(1.0, _variance(g, scores)) / after,
                _variance(f, influence) / before,
            )
        )
    return found


@functools.lru_cache(maxsize=4096)
def _polynomials(
    counts: tuple[int, ...],
) -> list[tuple[list[float], list[float], list[float]]]:
    """For degree 1, 2, …: the shares of the bins, the polynomial in each, and its slope."""
    total = sum(counts)
    f = [count / total for count in counts]
    ranks, below = [], 0.0
    for part in f:
        ranks.append(below + part / 2)
        below += part
    found = []
    for power in _orthonormal(f, ranks, len(RANKS)):
        slope = [k * c for k, c in enumerate(power)][1:]
        scores, slopes = ([_at(each, rank) for rank in ranks] for each in (power, slope))
        found.append((f, scores, slopes))
    return found


def _orthonormal(f: Sequence[float], ranks: Sequence[float], degree: int) -> list[list[float]]:
    """Coefficients of polynomials of degree 1, 2, … (Gram and Schmidt, twice for rounding)."""
    basis = [[1.0]]
    for power in range(1, degree + 1):
        new = [0.0] * power + [1.0]
        for _ in range(2):
            for old in basis:
                values = [_at(new, rank) * _at(old, rank) for rank in ranks]
                part = _mean(f, values)
                new = [c - part * (old[k] if k < len(old) else 0.0) for k, c in enumerate(new)]
        size = _mean(f, [_at(new, rank) ** 2 for rank in ranks])
        if size < _NONE:
            break
        basis.append([c / math.sqrt(size) for c in new])
    return basis[1:]


def _at(coefficients: Sequence[float], x: float) -> float:
    found = 0.0
    for each in reversed(coefficients):
        found = found * x + each
    return found


def _mean(shares: Sequence[float], values: Sequence[float]) -> float:
    return sum(part * value for part, value in zip(shares, values, strict=True))


def _variance(shares: Sequence[float], values: Sequence[float]) -> float:
    mean = _mean(shares, values)
    return _mean(shares, [(value - mean) ** 2 for value in values])
