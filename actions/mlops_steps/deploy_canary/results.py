"""What a rollout leaves for the report and for a person: `canary.json` and `rollout.json`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Literal

import msgspec

from mlops_steps.files import write_json


class Arm(msgspec.Struct, kw_only=True):
    """What one version answered at one weight."""

    requests: int
    errors: int


class StepResult(msgspec.Struct, kw_only=True):
    """One weight and the look after it.

    Attributes:
        weight: The candidate's wanted share of the requests, percent.
        p_value: Of all steps so far; null where there is no champion to compare with.
        bound: What `p_value` (without champion: the bound of the error share) is held against.
        decision: go on, promote, roll back or undecided.
        seconds: From the change of the weight to the decision.
    """

    weight: int
    champion: Arm | None
    candidate: Arm
    p_value: float | None
    bound: float
    decision: str
    seconds: float


class Latency(msgspec.Struct, kw_only=True):
    """Seconds from sending a request to having its whole answer, as the client saw them."""

    n: int
    p50: float
    p95: float


class Skew(msgspec.Struct, kw_only=True):
    """The candidate's serve beside its own predict, before any traffic.

    Attributes:
        asked: Rows.
        compared: Those to which both gave an answer.
        differing: Of these, those with another prediction, or a score further away than
            `tolerance`.
        other_class: Of these, those with another prediction; not for a regression.
        furthest: The largest distance of two scores (predictions, for a regression).
        tolerance: As stated.
        keys: Some of those that differ, the furthest first.
        failures: What was wrong with the other answers of serve, and how often.
    """

    asked: int
    compared: int
    differing: int
    other_class: int
    furthest: float | None
    tolerance: float
    keys: list[str]
    failures: dict[str, int]


class Canary(msgspec.Struct, kw_only=True):
    """`out/deploy-canary/canary.json`.

    Attributes:
        rule: The rule that decided.
        words: The figure that decided, against its bound.
        failures: By version: what went wrong, and how often.
        latency: By version.
        proof: Requests sent after a roll back, which only the champion should answer, and
            how many of them it did not answer well.
        skew: What was compared before any traffic.
    """

    champion: str | None
    candidate: str
    method: str
    alpha: float
    decision: str = "undecided"
    rule: str = ""
    words: str = ""
    steps: list[StepResult] = []
    failures: dict[str, dict[str, int]] = {}
    latency: dict[str, Latency] = {}
    proof: Arm | None = None
    skew: Skew | None = None
    target: Literal["local"] = "local"
    format: Literal[1] = 1

    def write(self, folder: Path) -> None:
        """Put it on disk, whole."""
        write_json(folder / "canary.json", msgspec.to_builtins(self))


class Journal:
    """`rollout.json`: what is about to happen, on disk before it happens.

    Attributes:
        state: The last state noted: predicting, starting, comparing, traffic, rolling back,
            promoting, or one of the
            ends: rolled back, promoted, stopped.
        folder: Where the journal lies, and everything else that the rollout leaves.
    """

    def __init__(self, folder: Path, champion: str | None, candidate: str) -> None:
        """Nothing is written before the first `note`."""
        self.state = ""
        self.folder = folder
        self._facts: dict[str, Any] = {"champion": champion, "candidate": candidate}
        self._history: list[dict[str, str]] = []

    def note(self, state: str, says: str, **more: object) -> None:
        """Write down a state, in words, with whatever a person would need to understand it."""
        self.state = state
        self._facts |= more
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        self._history.append({"time": now, "state": state, "says": says})
        facts = {**self._facts, "state": state, "history": self._history}
        write_json(self.folder / "rollout.json", facts)
