"""Years of a monitor, simulated: how often it gives a false alarm, and when it finds a drift.

    python -m tests.mlops_steps.monitor.simulation

writes the tables of docs/steps/monitor.md anew (an hour of one core). Rows are real draws; what
judges them is the code of the step, from counted columns to the ledger.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlops_steps.data.profile import Column, Profile
from mlops_steps.monitor import drift, ledger, log
from mlops_steps.monitor.effects import effects

ALPHA, ALLOWED = 0.05, 0.1
VERSION = "1.0.0"
#: The first Monday of a year, and the seconds since 1970 of its noon.
START = dt.date(2026, 1, 5)
WEEK = 7 * log.DAY
PAGE = Path(__file__).parents[3] / "docs" / "steps" / "monitor.md"


@dataclass(frozen=True)
class Case:
    """What the model is asked in a year of weekly runs.

    Attributes:
        columns: Columns, all normal and independent.
        reference: Training rows.
        rows: Requests a week.
        wobble: Standard deviation, in sd, by which each column's mean differs from week to week.
        lasting: Shift of every column from the first week on, in sd.
        shift: Shift of one column, in sd, from `since` on.
        since: The week (from 0).
    """

    columns: int = 20
    reference: int = 10_000
    rows: int = 10_000
    wobble: float = 0.0
    lasting: float = 0.0
    shift: float = 0.0
    since: int = 0


def columns_of(values: np.ndarray, edges: list[np.ndarray]) -> dict[str, Column]:
    """Counted columns of a matrix of rows by columns."""
    found = {}
    for place, at in enumerate(edges):
        bins = np.bincount(np.searchsorted(at, values[:, place]), minlength=len(at) + 1)
        found[f"c{place}"] = Column(
            kind="number", nulls=0, edges=at.tolist(), counts=[int(each) for each in bins]
        )
    return found


def added(profiles: list[Profile]) -> Profile:
    """The profile of all rows."""
    columns = {
        name: Column(
            kind="number",
            nulls=0,
            edges=at.edges,
            counts=[sum(c) for c in zip(*(p.columns[name].counts for p in profiles), strict=True)],
        )
        for name, at in profiles[0].columns.items()
    }
    return Profile(rows=sum(p.rows for p in profiles), columns=columns)


def alarms(case: Case, chance: np.random.Generator, *, weeks: int = 52) -> list[int]:
    """The weeks of a year, from 0, in which a run calls something drift."""
    then = chance.normal(size=(case.reference, case.columns))
    edges = [np.unique(np.quantile(column, np.linspace(0, 1, 51))) for column in then.T]
    reference = Profile(rows=case.reference, columns=columns_of(then, edges))
    found, book, past = [], ledger.Ledger(), list[Profile]()
    for week in range(weeks):
        means = case.lasting + case.wobble * chance.normal(size=case.columns)
        means[0] += case.shift * (week >= case.since)
        values = chance.normal(means, size=(case.rows, case.columns))
        past.append(Profile(rows=case.rows, columns=columns_of(values, edges)))
        until = week * WEEK
        since = until - log.RECENT_DAYS * log.DAY + 1
        book, spent = ledger.grant(book, START + dt.timedelta(weeks=week), ALPHA)
        recent = added(past[-4:])
        parts = ledger.parts(book, VERSION, since, case.rows)
        looks = [drift.Look("recent", recent, parts, spent / 2 if week else spent)]
        if week:
            looks.append(drift.Look("new", past[-1], 1.0, spent / 2))
        columns = drift.compare(
            reference,
            looks,
            allowed=ALLOWED,
            judged=case.columns,
            history=ledger.history(book, since),
        )
        if any(each.drifted for each in columns):
            found.append(week)
        rows = (case.reference, case.rows)
        kept = {
            name: ledger.kept(effects(at, past[-1].columns[name], rows))
            for name, at in reference.columns.items()
        }
        look = ledger.Look(version=VERSION, until=until, rows=case.rows, effects=kept)
        book = ledger.looked(book, look)
    return found


def years(case: Case, repetitions: int, *, seed: int, weeks: int = 52) -> list[list[int]]:
    """The alarms of many years."""
    return [
        alarms(case, np.random.default_rng([seed, place]), weeks=weeks)
        for place in range(repetitions)
    ]


def found_within(runs: list[list[int]], since: int, weeks: int) -> float:
    """The share of years with an alarm in the first so many weeks of a drift."""
    return sum(any(since <= week < since + weeks for week in each) for each in runs) / len(runs)


#: A shift of a normal column whose effect is exactly what is allowed.
JUST = 0.1024
QUIET = {
    "nothing": Case(),
    "nothing, wobble 0.02 sd": Case(wobble=0.02),
    "every column just at 0.1 sd, 2,000 requests": Case(lasting=JUST, rows=2000),
    "every column just at 0.1 sd, wobble 0.02 sd": Case(lasting=JUST, wobble=0.02),
    "every column just at 0.1 sd, wobble 0.03 sd": Case(lasting=JUST, wobble=0.03),
}
DRIFTS = {
    "0.5 sd at 500 requests, at the first run": Case(rows=500, shift=0.5),
    "0.5 sd at 500, after 12 weeks": Case(rows=500, shift=0.5, since=12),
    "0.5 sd at 500, after 12 weeks, wobble 0.02 sd": Case(
        rows=500, shift=0.5, since=12, wobble=0.02
    ),
    "0.2 sd at 2,000, at the first run": Case(rows=2000, shift=0.2),
    "0.2 sd at 2,000, after 12 weeks": Case(rows=2000, shift=0.2, since=12),
    "0.2 sd at 2,000, after 12 weeks, 50,000 training rows": Case(
        rows=2000, shift=0.2, since=12, reference=50_000
    ),
    "0.2 sd at 2,000, after 26 weeks, 50,000 training rows": Case(
        rows=2000, shift=0.2, since=26, reference=50_000
    ),
    "0.2 sd at 2,000, after 26 weeks, 50,000 training rows, wobble 0.02 sd": Case(
        rows=2000, shift=0.2, since=26, reference=50_000, wobble=0.02
    ),
}
WITHIN = (1, 4, 8)


def main(quiet_years: int = 40, repetitions: int = 60) -> None:
    """Write both tables between their marks."""
    quiet = ["| what has moved | years | false alarms in them |", "| --- | --- | --- |"]
    for name, case in QUIET.items():
        runs = years(case, quiet_years, seed=14)
        quiet.append(f"| {name} | {len(runs)} | {sum(map(len, runs))} |")
        print(quiet[-1], flush=True)
    heads = " | ".join(f"{weeks} week{'s' if weeks > 1 else ''}" for weeks in WITHIN)
    found = [f"| drift | found within {heads} |", "| --- | --- | --- | --- |"]
    for place, (name, case) in enumerate(DRIFTS.items()):
        runs = years(case, repetitions, seed=200 + place, weeks=case.since + max(WITHIN))
        shares = [f"{found_within(runs, case.since, weeks):.0%}" for weeks in WITHIN]
        found.append(f"| {name} | {' | '.join(shares)} |".replace("%", " %"))
        print(found[-1], flush=True)
    text = PAGE.read_text(encoding="utf-8")
    for mark, lines in (("quiet", quiet), ("drifts", found)):
        before, _, rest = text.partition(f"<!-- {mark} -->\n")
        after = rest.partition(f"<!-- /{mark} -->")[2]
        text = f"{before}<!-- {mark} -->\n" + "\n".join(lines) + f"\n<!-- /{mark} -->{after}"
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
