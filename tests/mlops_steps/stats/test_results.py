from __future__ import annotations

from pathlib import Path

import pytest

from mlops_steps.errors import UndecidedError
from mlops_steps.spec import Status
from mlops_steps.stats.results import (
    Champion,
    Estimate,
    Judged,
    Metrics,
    read_metrics,
    read_rules,
    write,
)

ESTIMATE = Estimate(value=0.9, low=0.85, high=0.95, n=171, method="Wilson", holm=[(0.84, 0.96)])
METRICS = Metrics(
    split="test",
    rows=171,
    positives=60,
    confidence=0.95,
    candidate={"accuracy": ESTIMATE},
    champion=Champion(version="1.0.0", metrics={"accuracy": ESTIMATE}),
    difference={"accuracy": ESTIMATE},
)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    judged = Judged(
        rule="accuracy >= 0.8",
        status=Status.PASS,
        metric="accuracy",
        against="bound",
        operator=">=",
        bound=0.8,
    )
    write(tmp_path / "metrics.json", METRICS)
    write(tmp_path / "rules.json", [judged])
    assert read_metrics(tmp_path / "metrics.json") == METRICS
    assert read_rules(tmp_path / "rules.json") == [judged]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "null", '"0.9"'])
def test_what_is_no_number_is_undecided(tmp_path: Path, value: str) -> None:
    path = tmp_path / "metrics.json"
    write(path, METRICS)
    path.write_text(path.read_text().replace("0.9,", f"{value},"))
    path.write_text(path.read_text().replace("0.9\n", f"{value}\n"))
    with pytest.raises(UndecidedError, match=r"metrics\.json: cannot be read"):
        read_metrics(path)


def test_a_missing_file_is_undecided(tmp_path: Path) -> None:
    with pytest.raises(UndecidedError, match="cannot be read"):
        read_rules(tmp_path / "rules.json")


def test_nan_is_never_written(tmp_path: Path) -> None:
    bad = Metrics(
        split="test", rows=1, positives=0, confidence=0.95,
        candidate={"accuracy": Estimate(value=float("nan"), n=1)},
    )  # fmt: skip
    with pytest.raises(ValueError, match="JSON"):
        write(tmp_path / "metrics.json", bad)
