"""What a run of the monitor may have found, for tests of its figures."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from mlops_steps.config import Monitor
from mlops_steps.monitor.drift import ColumnDrift, Drift
from mlops_steps.monitor.ledger import Event, Ledger
from mlops_steps.monitor.metrics import Facts
from mlops_steps.monitor.performance import ByLabels, Compared, Performance
from mlops_steps.record import Figure
from mlops_steps.spec import Status

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
HOSTILE = 'say "x"\\n\n{é="1"} 1\n# EOF'

WORSE = Compared(
    name="accuracy",
    standing="dropped",
    then=0.95,
    then_n=170,
    allowed=0.05,
    now=0.8,
    low=0.77,
    high=0.83,
    n=600,
)
PERFORMANCE = Performance(
    version="1.2.0",
    rows=170,
    drop=0.05,
    labels=ByLabels(standing="dropped", labelled=600, answers=700, metrics=[WORSE]),
)


def drift(*names: str) -> Drift:
    """One of two columns has moved, or all of `names`."""
    columns = [
        ColumnDrift(name=name, drifted=True, kind="moved", distance=0.4, bound=0.3, nulls=0.25)
        for name in names or ("moved",)
    ]
    found: dict[str, Any] = {
        "version": "1.2.0",
        "reference_rows": 5000,
        "rows": 900,
        "new_rows": 300,
        "logged": 1000,
        "allowed": 0.1,
        "alpha": 0.05,
        "spent": 0.001,
        "windows": 3,
        "shift": "features",
        "predictions_compared": False,
        "columns": columns or [],
    }
    if not names:
        still = ColumnDrift(name="still", drifted=False, distance=0.01, bound=0.0, nulls=0.0)
        gone = ColumnDrift(name="gone", drifted=True, kind="vanished", reference_nulls=0.0)
        found["columns"] = [*columns, gone, still]
    return msgspec.convert(msgspec.to_builtins(found), Drift)


def facts(**changed: Any) -> Facts:
    """A run that found drift, and that the loop breaker held."""
    events = [
        Event(
            key="1",
            at="2025-12-30T00:00:00+00:00",
            version="1",
            columns=["moved"],
            reason="r",
            state="started",
        ),
        Event(
            key="2",
            at="2026-02-01T00:00:00+00:00",
            version="1",
            columns=["moved"],
            reason="r",
            state="started",
        ),
        Event(
            key="3",
            at="2026-02-02T00:00:00+00:00",
            version="1",
            columns=["moved"],
            reason="r",
            state="failed",
        ),
    ]
    known: dict[str, Any] = {
        "model": "churn",
        "settings": Monitor(),
        "status": Status.PASS,
        "now": NOW,
        "figures": {
            "champion": Figure(value="1.2.0"),
            "rows": Figure(value=900),
            "held": Figure(value="loop_breaker"),
        },
        "due": False,
        "drift": drift(),
        "performance": PERFORMANCE,
        "ledger": Ledger(
            year=2026, day=60, balance=0.002, spent=0.006, runs=9, events=events, vain=2
        ),
    }
    return Facts(**(known | changed))
