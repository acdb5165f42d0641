"""The usual measures of drift, from two profiles, each beside what chance alone would make of it.

They describe; none of them decides. Each is zero or more, so two samples of the same
distribution are never at zero: `chance` is what to expect of them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import msgspec

from mlops_steps.data.profile import Column

#: Groups of rows for the population stability index, as its rules of thumb are meant.
GROUPS = 10


class Measure(msgspec.Struct, kw_only=True, frozen=True):
    """A measure, and about how large it would be if nothing had moved."""

    value: float
    chance: float


class Measures(msgspec.Struct, kw_only=True, frozen=True):
    """What is known of one column; none where a measure does not apply.

    Attributes:
        psi: Population stability index, nulls a group of their own.
        jensen_shannon: Distance to the base 2, between 0 and 1; all bins, nulls another one.
        wasserstein: In standard deviations of the training rows.
        kolmogorov_smirnov: Largest difference of the distribution functions at an edge.
        chi_squared: Of homogeneity, over the values; `chance` is its degrees of freedom.
        cramers_v: Its effect size, corrected for bias; `chance` is 0 for that reason.
    """

    psi: Measure | None = None
    jensen_shannon: Measure | None = None
    wasserstein: Measure | None = None
    kolmogorov_smirnov: Measure | None = None
    chi_squared: Measure | None = None
    cramers_v: Measure | None = None


def measures(then: Column, now: Column) -> Measures:
    """Every measure that applies to one column.

    Args:
        then: The column of the training profile.
        now: The same, of what is compared, on the same edges and values.
    """
    if then.kind == "category":
        cells = [
            *zip(then.values.values(), (now.values[each] for each in then.values), strict=True)
        ]
        cells += [(then.rest, now.rest), (then.nulls, now.nulls)]
        cells.append((then.unreadable, now.unreadable))
        statistic, v = chi_squared(cells)
        return Measures(
            psi=psi(cells),
            jensen_shannon=jensen_shannon(cells),
            chi_squared=statistic,
            cramers_v=v,
        )
    cells = [*zip(then.counts, now.counts, strict=True)]
    others = [(then.nulls, now.nulls), (then.unreadable, now.unreadable)]
    present = (sum(then.counts), sum(now.counts))
    return Measures(
        psi=psi([*_grouped(cells), *others]),
        jensen_shannon=jensen_shannon([*cells, *others]),
        wasserstein=wasserstein(then, now) if all(present) else None,
        kolmogorov_smirnov=kolmogorov_smirnov(cells) if all(present) else None,
    )


def psi(cells: Sequence[tuple[int, int]]) -> Measure | None:
    """Population stability index; half a row is added to every cell, so that none is empty.

    By chance it is about (cells - 1) (1/m + 1/n) (Yurdakul and Naranjo 2020).
    """
    cells = _used(cells)
    if len(cells) < 2:
        return None
    m, n = _totals(cells)
    total = 0.0
    for a, b in cells:
        p, q = ((c + 0.5) / (of + len(cells) / 2) for c, of in ((a, m), (b, n)))
        total += (q - p) * math.log(q / p)
    return Measure(value=total, chance=(len(cells) - 1) * (1 / m + 1 / n))


def jensen_shannon(cells: Sequence[tuple[int, int]]) -> Measure | None:
    """Jensen-Shannon distance (Lin 1991; Endres and Schindelin 2003), to the base 2.

    Near zero the divergence is an eighth of chi-squared's distance, which gives `chance`.
    """
    cells = _used(cells)
    if len(cells) < 2:
        return None
    m, n = _totals(cells)
    bits = 0.0
    for a, b in cells:
        p, q = a / m, b / n
        bits += sum(x / 2 * math.log2(2 * x / (p + q)) for x in (p, q) if x)
    chance = (len(cells) - 1) * (1 / m + 1 / n) / (8 * math.log(2))
    return Measure(value=math.sqrt(max(0.0, bits)), chance=math.sqrt(min(1.0, chance)))


def wasserstein(then: Column, now: Column) -> Measure | None:
    """Area between the two distribution functions, linear within a bin, in sd of training.

    Beyond the outer edges the area ends at the smallest and largest finite value seen.
    """
    if not then.sd or then.low is None or then.high is None:
        return None
    lows, highs = [then.low], [then.high]
    if now.low is not None and now.high is not None:
        lows.append(now.low)
        highs.append(now.high)
    ends = [min([*lows, *then.edges[:1]]), *then.edges, max([*highs, *then.edges[-1:]])]
    m, n = sum(then.counts), sum(now.counts)
    f = [0.0, *(total / m for total in itertools.accumulate(then.counts))]
    g = [0.0, *(total / n for total in itertools.accumulate(now.counts))]
    area = chance = 0.0
    for k, (low, high) in enumerate(itertools.pairwise(ends)):
        width = (high - low) / then.sd
        left, right = g[k] - f[k], g[k + 1] - f[k + 1]
        area += width * _between(left, right)
        spread = (f[k] * (1 - f[k]) + f[k + 1] * (1 - f[k + 1])) / 2
        chance += width * math.sqrt(2 / math.pi * spread * (1 / m + 1 / n))
    return Measure(value=area, chance=chance) if math.isfinite(area + chance) else None


def _between(left: float, right: float) -> float:
    """The mean size of a line from `left` to `right`."""
    if left * right >= 0:
        return abs(left + right) / 2
    return (left * left + right * right) / (2 * (abs(left) + abs(right)))


def kolmogorov_smirnov(cells: Sequence[tuple[int, int]]) -> Measure:
    """Largest difference at an edge; by chance about 0.869 sqrt(1/m + 1/n) (Kolmogorov)."""
    m, n = _totals(cells)
    a = b = 0
    found = 0.0
    for x, y in cells:
        a, b = a + x, b + y
        found = max(found, abs(a / m - b / n))
    chance = math.sqrt(math.pi / 2) * math.log(2) * math.sqrt(1 / m + 1 / n)
    return Measure(value=found, chance=min(1.0, chance))


def chi_squared(cells: Sequence[tuple[int, int]]) -> tuple[Measure | None, Measure | None]:
    """Chi-squared of homogeneity, and Cramér's V without its bias (Bergsma 2013)."""
    cells = _used(cells)
    if len(cells) < 2:
        return None, None
    m, n = _totals(cells)
    total, degrees = m + n, len(cells) - 1
    statistic = sum(
        (count - (a + b) * of / total) ** 2 / ((a + b) * of / total)
        for a, b in cells
        for count, of in ((a, m), (b, n))
    )
    part = max(0.0, statistic / total - degrees / (total - 1))
    most = min(1 - 1 / (total - 1), degrees - degrees**2 / (total - 1))
    v = math.sqrt(min(1.0, part / most)) if most > 0 else 0.0
    return Measure(value=statistic, chance=degrees), Measure(value=v, chance=0.0)


def _used(cells: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    return [cell for cell in cells if any(cell)]


def _totals(cells: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(a for a, _ in cells), sum(b for _, b in cells)


def _grouped(cells: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbouring bins together, each group with about as many training rows."""
    total, below = sum(a for a, _ in cells), 0
    groups: dict[int, tuple[int, int]] = {}
    for a, b in cells:
        place = min(GROUPS - 1, int(GROUPS * (below + a / 2) / total)) if total else 0
        before = groups.get(place, (0, 0))
        groups[place] = (before[0] + a, before[1] + b)
        below += a
    return list(groups.values())
