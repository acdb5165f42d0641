"""`drift.json`: how far requests have moved from the training rows, and how much is chance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from mlops_steps.data.profile import Column, Profile
from mlops_steps.monitor.apart import Periods
from mlops_steps.monitor.effects import NULLS, REST, UNREADABLE, Effect, effects
from mlops_steps.monitor.measures import Measures, measures
from mlops_steps.monitor.wobble import Window, margin, weights
from mlops_steps.monitor.words import reason

Kind = Literal["", "moved", "nulls", "type", "categories", "vanished", "new"]
Role = Literal["feature", "prediction"]
#: Per column and effect: windows in the order of time, each list against one reference.
History = Mapping[str, Mapping[str, Sequence[Sequence[Window]]]]
_KINDS: dict[str, Kind] = {NULLS: "nulls", UNREADABLE: "type"}


class ColumnDrift(msgspec.Struct, kw_only=True, frozen=True):
    """One column.

    Attributes:
        name: The column's name.
        role: A feature, or the champion's own predictions.
        drifted: Whether `bound` exceeds what is allowed, or the column vanished or is new.
        kind: What has happened; empty where nothing was shown.
        effect: Which effect decides: `shift`, `spread`, `skew`, `tails` (of ranks), `nulls`,
            `unreadable`, `rest` (other values), `=VALUE`.
        distance: Its size in standard deviations; none if there is nothing to compare.
        bound: What it is at least, with the confidence of this run.
        margin: What chance and the weeks' ups and downs may have added to it.
        window: Of which requests: `recent` (four weeks) or `new` (since the last look).
        nulls: Share of requests without a value.
        reference_nulls: Share of training rows without a value.
        measures: The usual ones, over `recent`.
        new: Values that the training rows do not have, some of them.
        note: What was not judged, and why.
        reason: Why it drifted, in words; empty if it did not.
    """

    name: str
    role: Role = "feature"
    drifted: bool
    kind: Kind = ""
    effect: str = ""
    distance: float | None = None
    bound: float | None = None
    margin: float | None = None
    window: Literal["", "recent", "new"] = ""
    nulls: float | None = None
    reference_nulls: float | None = None
    measures: Measures = Measures()
    new: list[str] = []
    note: str = ""
    reason: str = ""


class Drift(msgspec.Struct, kw_only=True, frozen=True):
    """`drift.json`.

    Attributes:
        version: The champion, whose training profile is the reference.
        reference_rows: Rows it was trained on.
        rows: Requests compared, each key once.
        new_rows: Those of them since the last look.
        logged: Requests in the log, repeats included.
        allowed: The effect, in sd, up to which nothing is done.
        alpha: False alarms per calendar year, at most.
        spent: What of it this run may spend, all columns together.
        windows: Earlier looks from which the wobble between weeks was learned.
        shift: What has moved: features, predictions, both or none; `features only` where the
            log has no predictions to compare.
        columns: The columns, the most moved first.
        periods: A diagnostic of several columns together, which decides nothing.
    """

    version: str
    reference_rows: int
    rows: int
    new_rows: int
    logged: int
    allowed: float
    alpha: float
    spent: float
    windows: int
    shift: Literal["none", "features", "predictions", "both"]
    predictions_compared: bool
    columns: list[ColumnDrift]
    periods: Periods = Periods()
    format: Literal[2] = 2

    @property
    def drifted(self) -> list[ColumnDrift]:
        """The columns that have drifted."""
        return [column for column in self.columns if column.drifted]


@dataclass(frozen=True)
class Look:
    """One span of requests, beside what it is compared with.

    Attributes:
        window: `recent` or `new`.
        now: Its profile.
        parts: By how much the wobble between weeks counts in it (see `wobble.margin`).
        alpha: What it may spend, all columns together.
    """

    window: Literal["recent", "new"]
    now: Profile
    parts: float
    alpha: float


def compare(
    reference: Profile,
    looks: Sequence[Look],
    *,
    allowed: float,
    judged: int,
    history: History,
    role: Role = "feature",
) -> list[ColumnDrift]:
    """Compare requests with a profile.

    Args:
        reference: The training profile.
        looks: The spans, `recent` first; at least one, none without rows.
        allowed: The effect up to which nothing is done.
        judged: Columns among which the chance of a false alarm is shared (Bonferroni).
        history: For the wobble between weeks.
        role: What the columns are.

    Returns:
        The columns of the profile, in its order.
    """
    by = _By(reference.rows, looks, allowed, judged)
    return [
        _column(name, then, by, history.get(name, {}), role)
        for name, then in reference.columns.items()
    ]


def in_order(columns: Sequence[ColumnDrift]) -> list[ColumnDrift]:
    """The most moved first: what drifted, vanished and new before all, then by distance."""

    def place(each: ColumnDrift) -> tuple[bool, float, str]:
        size = -math.inf if each.distance is None and each.drifted else -(each.distance or 0.0)
        return not each.drifted, size, each.name

    return sorted(columns, key=place)


@dataclass(frozen=True)
class _By:
    """By what a column is judged: training rows, spans, the allowed effect, columns in all."""

    rows: int
    looks: Sequence[Look]
    allowed: float
    judged: int


@dataclass(frozen=True)
class _Found:
    look: Look
    effect: Effect
    margin: float

    @property
    def bound(self) -> float:
        return max(0.0, abs(self.effect.value) - self.margin)


def _column(
    name: str,
    then: Column,
    by: _By,
    history: Mapping[str, Sequence[Sequence[Window]]],
    role: Role,
) -> ColumnDrift:
    recent, before = by.looks[0].now, then.nulls / by.rows
    now = recent.columns.get(name)
    if now is None:
        return ColumnDrift(
            name=name,
            role=role,
            drifted=True,
            kind="vanished",
            reference_nulls=before,
            reason="is in no request any more",
        )
    worst = max(
        _judged(name, then, by, history),
        key=lambda each: (each.bound > by.allowed, each.bound, abs(each.effect.value)),
    )
    drifted = worst.bound > by.allowed
    shown = worst.look.now.columns[name]
    kind: Kind = ""
    if drifted:
        kind = _KINDS.get(worst.effect.name, "moved")
        if worst.effect.name == REST and not then.rest:
            kind = "categories"
    return ColumnDrift(
        name=name,
        role=role,
        drifted=drifted,
        kind=kind,
        effect=worst.effect.name,
        distance=abs(worst.effect.value),
        bound=worst.bound,
        margin=worst.margin,
        window=worst.look.window,
        nulls=now.nulls / recent.rows,
        reference_nulls=before,
        measures=measures(then, now),
        new=now.new if not then.rest else [],
        note="its numbers name rows; only nulls and types are judged" if then.identifies else "",
        reason=reason(worst.effect, worst.bound, (then, shown), (by.rows, worst.look.now.rows))
        if drifted
        else "",
    )


def _judged(
    name: str, then: Column, by: _By, history: Mapping[str, Sequence[Sequence[Window]]]
) -> Iterator[_Found]:
    likely: dict[str, tuple[float, ...]] = {}
    for look in by.looks:
        found = effects(then, look.now.columns[name], (by.rows, look.now.rows))
        most = max(found, key=lambda each: abs(each.value))
        for effect in found:
            # What is not above the allowed itself cannot be so less a margin.
            if effect is most or abs(effect.value) > by.allowed:
                if effect.name not in likely:
                    likely[effect.name] = weights(history.get(effect.name, ()))
                chance = margin(
                    likely[effect.name],
                    effect.now + effect.then,
                    look.parts,
                    look.alpha * effect.weight / by.judged,
                )
                yield _Found(look, effect, chance)
