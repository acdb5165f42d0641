"""How far requests have moved from the training rows, and how much of that is chance.

The distance of a column is the largest difference between two distribution functions: the
share of training rows and the share of requests at or below a value, over the edges of the
training profile. A row without a value counts as lying below every value, so that a jump of
nulls is a distance like any other.
"""

from __future__ import annotations

import math

import msgspec

from mlops_steps.data.profile import Column, Profile


class ColumnDrift(msgspec.Struct, kw_only=True, frozen=True):
    """One column.

    Attributes:
        name: The column's name.
        drifted: Whether `bound` exceeds what is allowed, or the column vanished.
        distance: Between 0 and 1; none if the column vanished.
        bound: What the distance is at least, with the promised confidence.
        at: The value where the distance lies; none where it is the share of nulls.
        nulls: Share of requests without a value.
        reference_nulls: Share of training rows without a value.
        reason: Why it drifted, in words; empty if it did not.
    """

    name: str
    drifted: bool
    distance: float | None = None
    bound: float | None = None
    at: float | None = None
    nulls: float | None = None
    reference_nulls: float
    reason: str = ""


class Drift(msgspec.Struct, kw_only=True, frozen=True):
    """`drift.json`.

    Attributes:
        version: The champion, whose training profile is the reference.
        reference_rows: Rows it was trained on.
        rows: Requests compared, each key once.
        logged: Requests in the log, repeats included.
        allowed: The distance up to which nothing is done.
        alpha: The chance that any column is called drifted although its true distance is not
            above `allowed`.
        margin: What chance may add to a distance, all columns together.
        columns: The columns, the most moved first.
    """

    version: str
    reference_rows: int
    rows: int
    logged: int
    allowed: float
    alpha: float
    margin: float
    columns: list[ColumnDrift]

    @property
    def drifted(self) -> list[ColumnDrift]:
        """The columns that have drifted."""
        return [column for column in self.columns if column.drifted]


def margin(*, rows: int, reference_rows: int, columns: int, alpha: float) -> float:
    """How far two empirical distribution functions may lie from the true ones, together.

    By the Dvoretzky-Kiefer-Wolfowitz inequality with Massart's constant (1990), one sample of
    n independent rows strays further than e with a chance of at most 2 exp(-2 n e^2), whatever
    the distribution. With e = sqrt(ln(4 k / alpha) / (2 n)) that is alpha / (2 k); two samples
    and k columns make alpha.
    """
    spread = math.sqrt(math.log(4 * columns / alpha) / 2)
    return spread * (1 / math.sqrt(reference_rows) + 1 / math.sqrt(rows))


def compare(
    reference: Profile, rows: int, current: dict[str, Column], *, allowed: float, alpha: float
) -> tuple[float, list[ColumnDrift]]:
    """Compare requests with a training profile.

    Args:
        reference: The training profile.
        rows: Requests, at least one.
        current: Their columns, counted at the profile's edges; a column that no request
            carries is absent.
        allowed: The distance up to which nothing is done.
        alpha: The chance of a false alarm, all columns together.

    Returns:
        The margin, and the columns of the profile, the most moved first.
    """
    chance = margin(
        rows=rows, reference_rows=reference.rows, columns=len(reference.columns), alpha=alpha
    )
    found = [
        _column(name, then, current.get(name), (reference.rows, rows), (chance, allowed))
        for name, then in reference.columns.items()
    ]
    found.sort(key=lambda each: (-math.inf if each.distance is None else -each.distance, each.name))
    return chance, found


def _column(
    name: str,
    then: Column,
    now: Column | None,
    rows: tuple[int, int],
    limits: tuple[float, float],
) -> ColumnDrift:
    chance, allowed = limits
    reference_nulls = then.nulls / rows[0]
    if now is None:
        reason = "is in no request any more"
        return ColumnDrift(name=name, drifted=True, reference_nulls=reference_nulls, reason=reason)
    nulls = now.nulls / rows[1]
    gap = abs(nulls - reference_nulls)
    steps = [(gap, None)] + [
        (abs((now.nulls + after) / rows[1] - (then.nulls + before) / rows[0]), edge)
        for edge, before, after in zip(then.edges, then.below, now.below, strict=True)
    ]
    distance, at = max(steps, key=lambda step: step[0])
    bound = max(0.0, distance - chance)
    reason = ""
    if gap - chance > allowed:
        reason = f"without a value: {reference_nulls:.1%} of training rows, {nulls:.1%} of requests"
    elif bound > allowed:
        reason = f"distance {distance:.2f}, at least {bound:.2f}"
    return ColumnDrift(
        name=name,
        drifted=bound > allowed,
        distance=distance,
        bound=bound,
        at=at,
        nulls=nulls,
        reference_nulls=reference_nulls,
        reason=reason,
    )
