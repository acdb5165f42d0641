"""The step on projects of the other tasks: a real Envoy, real model servers, planted violations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

Make = Callable[..., Any]
NAN = float("nan")


def two(here: Any, **candidate: object) -> None:
    """Two versions; every answer of the second is spoilt as told, once it gets traffic."""
    here.publish("1.0.0")
    here.publish("1.1.0", honest=100, **candidate)
    here.point("champion", "1.0.0")
    here.point("candidate", "1.1.0")


def log(here: Any) -> duckdb.DuckDBPyRelation:
    return duckdb.read_parquet([str(file) for file in here.registry.read_log(here.tmp / "log")])


def logged(here: Any, what: str) -> tuple[Any, ...]:
    (row,) = log(here).aggregate(what).fetchall()
    return row


@pytest.mark.parametrize("task", ["multiclass", "regression", "files"])
def test_a_good_candidate_is_promoted(shop: Make, task: str) -> None:
    here = shop(task=task)
    two(here)
    ran = here.project.run("deploy-canary")
    assert ran.code == 0, ran.text
    assert ran.verdict["line"] == "10 > 25 > 50 > 100 %, 300 requests, 0 failed"
    assert here.champion() == "1.1.0"
    assert logged(here, "count(*), count(DISTINCT version), count(score)") == (300, 2, 300)
    if task == "multiclass":
        names = ["time", "version", "key", "petal_length", "petal_width", "score", "prediction"]
        assert log(here).columns == names
        assert logged(here, "count(DISTINCT prediction), min(score)") == (3, 0.9)
    elif task == "regression":
        # The prediction as a number, beside it as text.
        assert logged(here, "max(abs(score - prediction::DOUBLE))") == (0.0,)
        assert logged(here, "max(abs(score - (8 * bmi - 60)))") == (0.0,)
    else:
        assert log(here).columns[3:5] == ["image", "exposure"]
        assert logged(here, "min(image), max(image)") == ("images/000.pgm", "images/419.pgm")
        # What the server saw in the image is what the image is of: `number % 3` in small.py.
        shade = "list_position(['dark', 'grey', 'light'], prediction) - 1"
        assert logged(here, f"bool_and(substr(image, 8, 3)::INT % 3 = {shade})") == (True,)


@pytest.mark.parametrize(
    ("task", "told", "why"),
    [
        ("multiclass", {"spoil": {"score": NAN}}, "the score is not a number from 0 to 1"),
        ("multiclass", {"spoil": {"score": 30.5}}, "the score is not a number from 0 to 1"),
        ("multiclass", {"spoil": {"prediction": "2"}}, "the prediction is no value of the target"),
        ("multiclass", {"tensor": {"data": [0.1, 0.2, 0.7]}}, "is not one value of shape [1]"),
        ("regression", {"spoil": {"prediction": NAN}}, "the prediction is not a finite number"),
        ("regression", {"spoil": {"prediction": "152.0"}}, "the prediction is not a finite number"),
        ("regression", {"tensor": {"shape": [1, 2]}}, "is not one value of shape [1]"),
        ("regression", {"tensor": {"name": "score"}}, "no output prediction"),
        ("files", {"spoil": {"prediction": "bright"}}, "the prediction is no value of the target"),
        ("binary", {"spoil": {"prediction": "1"}}, "the prediction is no value of the target"),
    ],
)
def test_a_planted_violation_is_rolled_back(
    shop: Make, task: str, told: dict[str, object], why: str
) -> None:
    here = shop(task=task)
    two(here, **told)
    ran = here.project.run("deploy-canary")
    assert ran.code == 1, ran.text
    assert ran.verdict["findings"][0]["rule"] == "canary-roll-back"
    assert why in ran.text
    assert here.champion() == "1.0.0"
    (kind,) = here.canary()["failures"]["1.1.0"]
    assert why in kind
    assert here.canary()["failures"]["1.0.0"] == {}
    assert logged(here, "count(DISTINCT version)") == (1,), "no wrong answer is in the log"


def test_a_first_release_of_a_regression_that_answers_nan_is_refused(shop: Make) -> None:
    here = shop(task="regression")
    here.publish("1.0.0", spoil={"prediction": NAN})
    ran = here.project.run("deploy-canary", version="1.0.0")
    assert (ran.code, here.champion()) == (1, None), ran.text
    assert here.registry.read_log(here.tmp / "log") == []


def test_a_file_that_is_missing_leaves_it_undecided(shop: Make) -> None:
    here = shop(task="files")
    two(here)
    (here.project.folder / "data/images/007.pgm").unlink()
    ran = here.project.run("deploy-canary")
    assert ran.code == 3, ran.text
    said = "data/samples.csv: the row 7: 'images/007.pgm' is not there"
    assert ran.verdict["line"] == said
    assert here.champion() == "1.0.0"
    assert not (here.project.folder / "out/deploy-canary/rollout.json").exists(), "no traffic"


def test_a_champion_of_another_task_is_not_compared(shop: Make) -> None:
    here = shop(task="regression")
    path = here.project.folder / "mlops.yaml"
    now = path.read_text()
    path.write_text(now.replace("task: regression", "task: multiclass"))
    here.publish("1.0.0")
    path.write_text(now)
    here.publish("1.1.0")
    here.point("champion", "1.0.0")
    here.point("candidate", "1.1.0")
    ran = here.project.run("deploy-canary")
    assert ran.code == 3, ran.text
    assert "champion 1.0.0: its task is multiclass, here it is regression" in ran.text
    assert here.champion() == "1.0.0"
