"""What the monitor remembers from run to run, kept beside the versions in the registry.

The chance of a false alarm is a budget of the calendar year. It is earned day by day, and a run
may spend half of what has been earned and not spent, so that the year never spends more than
was promised, whatever the number of runs (an alpha-spending function of calendar time: Lan and
DeMets 1983, 1989). What a run may spend is on disk before it looks, so a run that is killed has
spent it; a new champion changes nothing in it.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from mlops_steps.errors import UndecidedError
from mlops_steps.monitor.effects import RANKS, Effect
from mlops_steps.monitor.wobble import Window
from mlops_steps.registry.version import StateMovedError

if TYPE_CHECKING:
    from mlops_steps.monitor.drift import History
    from mlops_steps.registry.address import Registry

NAME = "monitor"
#: Looks that are kept, and events.
LOOKS, EVENTS = 60, 200
#: An effect in sd that no rows have: of ranks and shares, it is below 10 in every case.
MOST = 1e6
#: Times are counted on from here, for cooldowns.
LAST_YEAR = 9000
#: How often a state is read and written again when another run was faster.
TRIES = 20

T = TypeVar("T")


class Look(msgspec.Struct, kw_only=True, frozen=True):
    """An earlier look: what came since the one before.

    Attributes:
        version: The champion, on whose training profile it was counted.
        until: The latest request, seconds since 1970.
        rows: Different keys.
        effects: Of every column, those whose wobble is learned, in sd.
    """

    version: str
    until: float
    rows: int
    effects: dict[str, dict[str, float]]


class Event(msgspec.Struct, kw_only=True, frozen=True):
    """A retraining that was decided.

    Attributes:
        key: Champion, columns and requests that gave the reason; the same ones fire once.
        at: When: UTC, ISO 8601, to the second.
        version: The champion.
        columns: What had drifted.
        reason: In words.
        state: `starting` is on disk before anything is started.
    """

    key: str
    at: str
    version: str
    columns: list[str]
    reason: str
    state: Literal["starting", "started", "failed"]


class Ledger(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`monitor.json` of the registry's state.

    Attributes:
        year: The calendar year (UTC) of `balance` and `spent`.
        day: Up to which day of it the budget was earned, from 1.
        balance: Earned and not spent.
        spent: By all runs of the year.
        runs: How many those were.
        looks: The last ones, in the order of time.
        events: The last ones, in the order of time.
        vain: Retrainings started since a run last found their columns without drift.
    """

    year: int = 0
    day: int = 0
    balance: float = 0.0
    spent: float = 0.0
    runs: int = 0
    looks: list[Look] = []
    events: list[Event] = []
    vain: int = 0
    format: Literal[1] = 1


def read(registry: Registry) -> Ledger:
    """The ledger as it is.

    Raises:
        UndecidedError: It cannot be read; what was spent is then not known.
    """
    return _decoded(registry, registry.read_state(NAME))


def update(registry: Registry, change: Callable[[Ledger], tuple[Ledger, T]]) -> T:
    """Change the ledger: read, change, write if nobody else has written; else once more.

    `change` gets the newest ledger each time and must do nothing else.

    Raises:
        StateMovedError: Others were faster every time.
        UndecidedError: It cannot be read.
    """
    for last in range(TRIES):
        content = registry.read_state(NAME)
        changed, result = change(_decoded(registry, content))
        try:
            registry.write_state(NAME, msgspec.json.encode(changed) + b"\n", expected=content)
        except StateMovedError:
            if last == TRIES - 1:
                raise
        else:
            return result
    raise AssertionError("the last try has returned or raised")


def _decoded(registry: Registry, content: bytes) -> Ledger:
    if not content:
        return Ledger()
    try:
        found = msgspec.json.decode(content, type=Ledger)
        problem = _flaw(found)
    except (msgspec.MsgspecError, ValueError) as error:
        problem = str(error)
    if problem:
        raise UndecidedError(
            f"{registry.address}: the state {NAME} cannot be read ({problem}), so it is not known "
            "what this year's runs have spent. Remove it only if you accept a fresh start"
        )
    return found


def _flaw(ledger: Ledger) -> str:
    """What no run can have written, in words; empty if there is nothing of it.

    Raises:
        ValueError: A time is none.
    """
    if min(ledger.year, ledger.day, ledger.balance, ledger.spent, ledger.runs, ledger.vain) < 0:
        return "a figure is below zero"
    if len(ledger.looks) > LOOKS or len(ledger.events) > EVENTS:
        return f"more than {LOOKS} looks or {EVENTS} events"
    for event in ledger.events:
        at = dt.datetime.fromisoformat(event.at)
        if at.tzinfo is None or at.year > LAST_YEAR:
            return "the time of an event has no zone, or lies far ahead"
    for look in ledger.looks:
        sizes = [abs(each) for of in look.effects.values() for each in of.values()]
        if look.rows < 1 or max(sizes, default=0) > MOST:
            return "a look without rows, or with an effect that no rows have"
    return ""


def grant(ledger: Ledger, today: dt.date, alpha: float) -> tuple[Ledger, float]:
    """What a run may spend today: half of what is there. A clock that was set back earns nothing.

    Args:
        ledger: As it was.
        today: In UTC.
        alpha: Of the whole year.

    Returns:
        The ledger with it spent, and the sum.
    """
    year, day = today.year, today.timetuple().tm_yday
    if year > ledger.year:
        ledger = msgspec.structs.replace(ledger, year=year, day=0, balance=0.0, spent=0.0, runs=0)
    elif year < ledger.year:
        day = ledger.day
    earned = alpha * max(0, day - ledger.day) / (366 if calendar.isleap(ledger.year) else 365)
    # No more than is promised, whatever `alpha` was when the rest was earned.
    balance = max(0.0, min(ledger.balance + earned, alpha - ledger.spent))
    sum_ = balance / 2
    granted = msgspec.structs.replace(
        ledger,
        day=max(day, ledger.day),
        balance=balance - sum_,
        spent=ledger.spent + sum_,
        runs=ledger.runs + 1,
    )
    return granted, sum_


def looked(ledger: Ledger, look: Look) -> Ledger:
    """Remember a look, unless another run has counted the same requests already."""
    if any(each.version == look.version and each.until >= look.until for each in ledger.looks):
        return ledger
    return msgspec.structs.replace(ledger, looks=[*ledger.looks, look][-LOOKS:])


def looked_until(ledger: Ledger, version: str) -> float | None:
    """Up to which request a champion's looks have counted."""
    return max((each.until for each in ledger.looks if each.version == version), default=None)


def kept(effects: Sequence[Effect]) -> dict[str, float]:
    """The effects whose wobble is learned: of numbers all, of categories the first values."""
    most = len(RANKS) + 2
    return {each.name: round(each.value, 5) for each in effects[:most]}


def history(ledger: Ledger, before: float) -> History:
    """Earlier looks as `compare` wants them: those that ended before a time."""
    found: dict[str, dict[str, dict[str, list[Window]]]] = {}
    for look in ledger.looks:
        if look.until >= before:
            continue
        for column, values in look.effects.items():
            for name, value in values.items():
                versions = found.setdefault(column, {}).setdefault(name, {})
                window = Window(value, 1 / look.rows)
                versions.setdefault(look.version, []).append(window)
    return {
        column: {name: list(versions.values()) for name, versions in names.items()}
        for column, names in found.items()
    }


def parts(ledger: Ledger, version: str, since: float, new: int) -> float:
    """By how much the wobble counts in all requests since a time (see `wobble.margin`).

    Args:
        ledger: Whose looks lie in that time, all or in part.
        version: The champion.
        since: Seconds since 1970.
        new: Requests since the last look.
    """
    rows = [each.rows for each in ledger.looks if each.version == version and each.until >= since]
    rows.append(new)
    return sum(each**2 for each in rows) / sum(rows) ** 2 if sum(rows) else 1.0
