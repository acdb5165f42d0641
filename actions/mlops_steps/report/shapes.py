"""What the report reads of other steps' files: only what it shows; anything else is passed by."""

from __future__ import annotations

import msgspec

from mlops_steps.spec import Status


class Check(msgspec.Struct, frozen=True):
    """One element of `out/validate-data/checks.json`: a check of one column, or of the table."""

    check: str
    status: Status
    column: str = ""
    n: int = 0
    n_failed: int = 0
    message: str = ""

    @property
    def name(self) -> str:
        """`mean_radius: range`, or `rows` for a check of the whole table."""
        return f"{self.column}: {self.check}" if self.column else self.check


class Arm(msgspec.Struct, frozen=True):
    """What one version answered while a weight was set."""

    requests: int
    errors: int


class Phase(msgspec.Struct, frozen=True):
    """One weight of the canary (percent) and the look after it."""

    weight: int
    candidate: Arm
    champion: Arm | None
    decision: str
    seconds: float
    bound: float
    p_value: float | None = None


class Latency(msgspec.Struct, frozen=True):
    """Seconds, over `n` requests."""

    n: int
    p50: float
    p95: float


class Canary(msgspec.Struct, frozen=True):
    """`out/deploy-canary/canary.json`."""

    candidate: str
    decision: str
    champion: str | None = None
    method: str = ""
    rule: str = ""
    words: str = ""
    steps: list[Phase] = []
    failures: dict[str, dict[str, int]] = {}
    latency: dict[str, Latency] = {}
    proof: Arm | None = None


class Column(msgspec.Struct, frozen=True):
    """How far one column has moved, in sd; no distance where there is nothing to compare."""

    name: str
    drifted: bool
    distance: float | None = None
    bound: float | None = None
    margin: float | None = None
    effect: str = ""
    reason: str = ""
    note: str = ""


class Telling(msgspec.Struct, frozen=True):
    """A column that tells two periods apart."""

    name: str
    importance: float


class Periods(msgspec.Struct, frozen=True):
    """Whether the requests since the last look can be told from those before; a diagnostic."""

    earlier: int = 0
    later: int = 0
    auc: float | None = None
    low: float | None = None
    high: float | None = None
    columns: list[Telling] = []


class Drift(msgspec.Struct, frozen=True):
    """`out/monitor/drift.json`: `rows` requests against `reference_rows` training rows."""

    version: str
    reference_rows: int
    rows: int
    allowed: float
    alpha: float
    columns: list[Column]
    periods: Periods = Periods()


class Handed(msgspec.Struct, frozen=True):
    """The rows that the train command got, and how many files they name."""

    path: str
    rows: int
    withheld: int
    digest: str
    files: int = 0


class Training(msgspec.Struct, frozen=True):
    """`out/train/training.json`."""

    data: Handed
    seconds: float
    seed: int
    parameters: dict[str, str | int | float | bool] = {}
    uncommitted: list[str] = []
    environment: str = ""
    python: str = ""
    gpus: list[dict[str, str | int]] = []

    @property
    def gpu(self) -> str:
        """`no GPU`, or the names."""
        return ", ".join(str(each.get("name", "unknown")) for each in self.gpus) or "no GPU"
