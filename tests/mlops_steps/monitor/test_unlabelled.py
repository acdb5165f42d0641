"""Estimates without labels: they warn, never pass, and never start a retraining."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from tests.mlops_steps.monitor import answering
from tests.mlops_steps.monitor.answering import Asked, performance

from mlops_steps.config import load
from mlops_steps.registry.folder import FolderRegistry

Make = Callable[..., Any]
ROWS = 3000


@pytest.fixture
def road(sample: Make, tmp_path: Path) -> Make:
    """A project without labels whose features are not watched: only answers can speak."""

    def make(task: str, then: Asked, now: Asked, **kept: Any) -> Any:
        kept.setdefault("monitor", "distance: 0.99")
        made = answering.project(sample(), task, tmp_path, then, now, **kept)
        made.env["MLOPS_DISPATCH"] = str(tmp_path / "dispatch")
        return made

    return make


def test_requests_near_the_threshold_are_estimated_worse_and_only_warn(
    road: Make, tmp_path: Path
) -> None:
    chance = np.random.default_rng(1)
    then, now = answering.binary(ROWS, chance), answering.binary(ROWS, chance)
    hard = np.abs(now.x) < 0.4
    pool = [place for place in range(ROWS) if hard[place]]
    now = Asked(now.x[pool], now.score[pool], [now.said[p] for p in pool], [])
    made = road("binary", then, now)
    ran = made.run("monitor", start="ct")
    assert (ran.code, ran.verdict["status"]) == (0, "pass"), ran.text
    found = {each["name"]: each for each in performance(made)["estimated"]["performance"]}
    assert found["accuracy"]["standing"] == "lower"
    truth = float(np.maximum(now.score, 1 - now.score).mean())
    assert found["accuracy"]["low"] <= truth <= found["accuracy"]["high"]
    assert "monitor/estimated-drop" in {each["rule"] for each in ran.verdict["findings"]}
    assert ran.verdict["outputs"]["retrain"] == "false"
    assert not (tmp_path / "dispatch").exists()


def test_a_concept_shift_is_not_seen_and_that_is_said(road: Make) -> None:
    chance = np.random.default_rng(2)
    made = road("binary", answering.binary(ROWS, chance), answering.binary(ROWS, chance, wrong=0.4))
    ran = made.run("monitor")
    found = performance(made)["estimated"]
    assert {each["standing"] for each in found["performance"]} == {"unclear"}
    assert any("a concept shift is not seen" in line for line in ran.verdict["lines"])


def test_a_regression_is_estimated_by_its_predictions(road: Make) -> None:
    chance = np.random.default_rng(3)
    then = answering.regression(ROWS, chance, noise=1.0)
    # The larger the prediction, the larger the error; and now large ones are asked for.
    then.truth[:] = (then.score + chance.normal(0, 1, ROWS) * then.score / 5).tolist()
    now = answering.regression(ROWS, chance)
    high = [place for place in range(ROWS) if 165 < now.score[place] < 200]
    now = Asked(now.x[high], now.score[high], [now.said[place] for place in high], [])
    made = road("regression", then, now)
    ran = made.run("monitor")
    found = {each["name"]: each for each in performance(made)["estimated"]["performance"]}
    truth = float((now.score / 5).mean() * np.sqrt(2 / np.pi))
    assert found["mae"]["low"] <= truth <= found["mae"]["high"], ran.text
    assert found["mae"]["standing"] == "lower"


def test_where_evaluate_had_no_rows_nothing_is_estimated(road: Make) -> None:
    chance = np.random.default_rng(4)
    then = answering.regression(ROWS, chance)
    now = answering.regression(ROWS, chance)
    now = Asked(now.x, now.score + 100, (now.score + 100).tolist(), [])
    made = road("regression", then, now)
    ran = made.run("monitor")
    found = performance(made)["estimated"]
    assert found["performance"] == []
    assert "of the answers lie where evaluate had fewer than 25 rows" in found["undecided"]
    assert any(line.startswith("without labels, undecided:") for line in ran.verdict["lines"])


def test_answers_that_cannot_be_read_are_undecided(road: Make) -> None:
    chance = np.random.default_rng(6)
    then, now = answering.binary(ROWS, chance), answering.binary(ROWS, chance)
    now.score[7] = np.nan
    made = road("binary", then, now)
    made.run("monitor")
    said = "1 answers have no score or prediction that can be read"
    assert performance(made)["estimated"]["undecided"] == said


def test_a_prior_that_moved_is_found_and_its_share_covered(road: Make) -> None:
    chance = np.random.default_rng(7)
    then, now = (answering.multiclass(ROWS, chance, wrong=0.1) for _ in range(2))
    pool = [p for p in range(ROWS) if now.truth[p] != "setosa" or p % 5 == 0]
    truth = sum(now.truth[p] == "setosa" for p in pool) / len(pool)
    now = Asked(now.x[pool], now.score[pool], [now.said[p] for p in pool], [])
    made = road("multiclass", then, now)
    ran = made.run("monitor", start="ct")
    found = {each["name"]: each for each in performance(made)["estimated"]["priors"]}
    assert found["setosa"]["low"] <= truth <= found["setosa"]["high"]
    assert found["setosa"]["standing"] == "moved"
    assert "monitor/prior-shift" in {each["rule"] for each in ran.verdict["findings"]}
    assert ran.verdict["outputs"]["retrain"] == "false"


def test_a_champion_that_guesses_says_nothing_of_the_prior(road: Make) -> None:
    chance = np.random.default_rng(8)
    then, now = (answering.multiclass(ROWS, chance, wrong=1.0) for _ in range(2))
    chance.shuffle(then.said)
    made = road("multiclass", then, now)
    made.run("monitor")
    found = performance(made)["estimated"]
    assert found["priors"] == []
    assert found["priors_undecided"].startswith("the champion does not tell the classes apart")


@pytest.mark.parametrize("spoiled", [0, 3])
def test_rows_of_evaluate_that_the_service_answers_in_another_way(
    road: Make, tmp_path: Path, spoiled: int
) -> None:
    chance = np.random.default_rng(9)
    then, now = answering.binary(ROWS, chance), answering.binary(400, chance)
    made = road("binary", then, now)
    config = load(made.folder)
    rows = {
        "id": range(50),
        "x": then.x[:50].tolist(),
        "diagnosis": then.truth[:50],
    }
    answering.write(made.folder / config.table.path, rows)
    again = Asked(then.x[:50].copy(), then.score[:50].copy(), then.said[:50], [])
    again.score[:spoiled] = 0.7 * again.score[:spoiled]
    again.x[40:] += 1  # other features: not the same row
    file = tmp_path / "again.csv"
    answering.write(
        file,
        {
            "key": range(50),
            "x": again.x.tolist(),
            "score": again.score.tolist(),
            "prediction": again.said,
        },
    )
    duckdb.execute(
        "COPY (SELECT TIMESTAMP '2026-01-20' AS time, '1.0.0' AS version, CAST(key AS VARCHAR) AS "
        f"key, * EXCLUDE (key) FROM read_csv('{file}')) TO '{tmp_path}/again.parquet'"
    )
    registry = FolderRegistry(Path(made.env["MLOPS_STATE"]), config.model.name)
    registry.append_log(tmp_path / "again.parquet")
    ran = made.run("monitor")
    found = performance(made)["serving"]
    assert (found["rows"], found["changed"], found["compared"]) == (50, 10, 40), ran.text
    assert found["differing"] == spoiled
    rules = [each["rule"] for each in ran.verdict["findings"]]
    assert ("monitor/serving-skew" in rules) == bool(spoiled)
    with (made.folder / config.table.path).open() as stream:
        assert len(list(csv.reader(stream))) == 51
