"""Whether drift starts a retraining: once, for a reason, and not for ever."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import msgspec

from mlops_steps.monitor.ledger import EVENTS, Event, Ledger

if TYPE_CHECKING:
    from mlops_steps.config import Monitor
    from mlops_steps.registry.version import Alias

#: Why nothing is started, each in one word.
Hold = Literal[
    "paused", "rollout", "repeated", "loop_breaker", "cooldown", "yearly_limit", "new_column"
]
#: Retrainings for the same columns that may fail to help before a person has to look.
IN_VAIN = 2
#: A candidate younger than this may be on its way to the traffic.
ROLLOUT = dt.timedelta(days=1)


@dataclass(frozen=True)
class Cause:
    """Why one might retrain.

    Attributes:
        champion: The champion's version.
        columns: What has drifted and a retraining may answer, the most moved first.
        reason: In words, in one line.
        until: The latest request that was counted.
    """

    champion: str
    columns: Sequence[str]
    reason: str
    until: float

    @property
    def key(self) -> str:
        """The same champion, columns and requests give the same key."""
        text = "\0".join([self.champion, repr(self.until), *sorted(self.columns)])
        return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]


class Held(str):
    """Why nothing is started, in words; empty if it may be.

    Attributes:
        kind: The same in one word; empty likewise.
    """

    __slots__ = ("kind",)
    kind: Hold | Literal[""]

    def __new__(cls, words: str = "", kind: Hold | Literal[""] = "") -> Self:
        """Words, and the word for them."""
        made = super().__new__(cls, words)
        made.kind = kind
        return made


def held(
    ledger: Ledger,
    cause: Cause,
    settings: Monitor,
    candidate: Alias | None,
    now: dt.datetime,
) -> Held:
    """Why nothing is started; empty if it may be.

    Args:
        ledger: As it is.
        cause: Why one might retrain.
        settings: Of mlops.yaml.
        candidate: Where that alias points.
        now: In UTC.
    """
    return next(_reasons(ledger, cause, settings, candidate, now), Held())


def _reasons(
    ledger: Ledger,
    cause: Cause,
    settings: Monitor,
    candidate: Alias | None,
    now: dt.datetime,
) -> Iterator[Held]:
    if settings.paused:
        yield Held("monitor.paused is set in mlops.yaml", "paused")
    if candidate and candidate.version != cause.champion:
        since = dt.datetime.fromisoformat(candidate.since)
        if now - since < ROLLOUT:
            yield Held(
                f"candidate {candidate.version} was registered at {candidate.since} and may be "
                "rolled out now",
                "rollout",
            )
    fired = [each for each in ledger.events if each.state != "failed"]
    for each in fired:
        if each.key == cause.key:
            yield Held(f"the same requests have started a retraining at {each.at}", "repeated")
    if ledger.vain >= IN_VAIN and fired and set(fired[-1].columns) & set(cause.columns):
        yield Held(
            f"{ledger.vain} retrainings did not end this drift: stopped until a run finds "
            f"{', '.join(fired[-1].columns[:3])} without drift. A person has to look: does the "
            "training data hold what is asked now?",
            "loop_breaker",
        )
    if fired:
        again = dt.datetime.fromisoformat(fired[-1].at) + dt.timedelta(days=settings.cooldown_days)
        if now < again:
            said = again.isoformat(timespec="seconds")
            words = f"a retraining was started at {fired[-1].at}; not again before {said}"
            yield Held(words, "cooldown")
    used = sum(dt.datetime.fromisoformat(each.at).year == now.year for each in fired)
    if used >= settings.retrains_per_year:
        yield Held(
            f"{used} retrainings were started in {now.year}, and monitor.retrains_per_year is "
            f"{settings.retrains_per_year}",
            "yearly_limit",
        )


def claim(ledger: Ledger, cause: Cause, now: dt.datetime) -> Ledger:
    """Write down that a retraining is about to be started."""
    event = Event(
        key=cause.key,
        at=now.isoformat(timespec="seconds"),
        version=cause.champion,
        columns=list(cause.columns),
        reason=cause.reason,
        state="starting",
    )
    events = [*ledger.events, event][-EVENTS:]
    return msgspec.structs.replace(ledger, events=events, vain=ledger.vain + 1)


def ended(ledger: Ledger, key: str, *, started: bool) -> Ledger:
    """Write down how it went. What did not start counts for nothing."""
    state = "started" if started else "failed"
    events = [
        msgspec.structs.replace(each, state=state) if each.key == key else each
        for each in ledger.events
    ]
    vain = ledger.vain if started else max(0, ledger.vain - 1)
    return msgspec.structs.replace(ledger, events=events, vain=vain)


def seen(ledger: Ledger, drifted: Sequence[str]) -> Ledger:
    """After a look: where nothing of the last retraining's columns drifts, it has helped."""
    fired = [each for each in ledger.events if each.state != "failed"]
    if ledger.vain and not (fired and set(fired[-1].columns) & set(drifted)):
        return msgspec.structs.replace(ledger, vain=0)
    return ledger
