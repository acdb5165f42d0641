"""Labels that come late: the champion's real performance, a drop, and what cannot be said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.mlops_steps.monitor import answering
from tests.mlops_steps.monitor.answering import Asked, performance

from mlops_steps.monitor import retraining
from mlops_steps.monitor.ledger import Event, Ledger
from mlops_steps.monitor.performance import ByLabels, Compared, Performance
from mlops_steps.monitor.watched import open_questions

Make = Callable[..., Any]
TARGETS = {"binary": "diagnosis", "multiclass": "species", "regression": "progression"}
ROWS = 2000


@pytest.fixture
def road(sample: Make, tmp_path: Path) -> Make:
    """A project with labels for all requests, where nothing else is asked for."""

    def make(task: str, then: Asked, now: Asked, **kept: Any) -> Any:
        which = kept.pop("which", lambda _: True)
        made = answering.project(sample(), task, tmp_path, then, now, **kept)
        answering.label(made, now, TARGETS[task], which=which)
        return made

    return make


def two(task: str, seed: int, **worse: Any) -> tuple[Asked, Asked]:
    make, chance = getattr(answering, task), np.random.default_rng(seed)
    return make(ROWS, chance), make(ROWS, chance, **worse)


WORSE = {"binary": {"wrong": 0.25}, "multiclass": {"wrong": 0.3}, "regression": {"noise": 60.0}}
STANDING = {
    "binary": {"accuracy", "brier", "f1", "precision", "recall", "roc_auc"},
    "multiclass": {"accuracy", "balanced_accuracy"},
    "regression": {"mae", "rmse"},
}


@pytest.mark.parametrize("task", TARGETS)
def test_as_good_as_ever(road: Make, task: str) -> None:
    made = road(task, *two(task, 1))
    ran = made.run("monitor", start="ct")
    assert (ran.code, ran.verdict["status"]) == (0, "pass"), ran.text
    found = performance(made)["labels"]
    assert {each["name"] for each in found["metrics"]} == STANDING[task]
    assert {each["standing"] for each in found["metrics"]} <= {"held", "unclear"}
    assert (found["labelled"], found["answers"], found["biased"]) == (ROWS, ROWS, False)
    assert ran.verdict["outputs"]["retrain"] == "false"
    assert ran.verdict["figures"][f"labelled {min(STANDING[task])}"]["low"] is not None


@pytest.mark.parametrize("task", TARGETS)
def test_a_proven_drop_starts_a_retraining_for_its_reason(
    road: Make, task: str, tmp_path: Path
) -> None:
    made = road(task, *two(task, 2, **WORSE[task]))
    made.env["MLOPS_DISPATCH"] = str(tmp_path / "dispatch")
    ran = made.run("monitor", start="ct")
    assert (ran.code, ran.verdict["outputs"]["retrain"]) == (0, "true"), ran.text
    found = performance(made)["labels"]
    assert found["standing"] == "dropped"
    first = next(each for each in found["metrics"] if each["standing"] == "dropped")
    reason = ran.verdict["outputs"]["reason"]
    assert reason.startswith(f"by labels, {first['name']} ")
    assert "worse" in reason
    rules = {each["rule"] for each in ran.verdict["findings"]}
    assert rules == {"monitor/drop"}
    request = json.loads((tmp_path / "dispatch").read_text())
    assert request["inputs"] == {"reason": reason}
    again = made.run("monitor", start="ct")
    assert again.verdict["outputs"]["retrain"] == "false"
    assert "the same requests have started a retraining" in again.verdict["lines"][-1]


def test_figures_are_those_of_evaluate(road: Make) -> None:
    from mlops_steps.stats.proportions import wilson

    then, now = two("binary", 3)
    made = road("binary", then, now)
    made.run("monitor")
    accuracy = performance(made)["labels"]["metrics"][0]
    hits = sum(a == b for a, b in zip(now.said, now.truth, strict=True))
    before = sum(a == b for a, b in zip(then.said, then.truth, strict=True))
    assert (accuracy["now"], accuracy["then"]) == (hits / ROWS, before / ROWS)
    assert (accuracy["low"], accuracy["high"]) == pytest.approx(wilson(hits, ROWS, 0.95))


def test_half_of_what_a_run_spends_is_for_the_labels(road: Make) -> None:
    made = road("binary", *two("binary", 4))
    made.run("monitor")
    drift = json.loads((made.folder / "out/monitor/drift.json").read_text())
    book = json.loads((Path(made.env["MLOPS_STATE"]) / "state" / "monitor.json").read_text())
    spent = performance(made)["labels"]["spent"]
    assert spent == drift["spent"]
    assert spent + drift["spent"] == pytest.approx(book["spent"])


def test_too_few_labels_are_undecided_and_drift_is_still_told(road: Make) -> None:
    then, now = two("binary", 5, x=1.0)
    made = road("binary", then, now, which=lambda place: place < 99)
    ran = made.run("monitor")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided"), ran.text
    assert ran.verdict["outputs"]["retrain"] == "true"
    said = "not enough labels yet: 99 answers have one, 100 are wanted (99 labels, 0 of them of"
    assert performance(made)["labels"]["reason"].startswith(said)
    rules = {each["rule"] for each in ran.verdict["findings"]}
    assert {"monitor/labels-undecided", "monitor/drift"} <= rules


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("nothing", None, "labels.csv: not found"),
        ("empty", "", "labels.csv: the file is empty"),
        ("column", "key,other\n100000,benign\n", "labels.csv: has no column 'diagnosis'"),
        ("key", "k,diagnosis\n100000,benign\n", "labels.csv: has no column 'key' or 'id'"),
        ("two", "key,diagnosis\n7,benign\n7,malignant\n", "labels.csv: 1 keys have two labels"),
        ("none", "key,diagnosis\n,benign\n", "labels.csv: labels without a key"),
        ("other", "key,diagnosis\n7,M\n8,B\n", "labels.csv: beside 'malignant', its labels and"),
    ],
)
def test_labels_that_cannot_be_read(road: Make, name: str, text: str | None, said: str) -> None:
    made = road("binary", *two("binary", 6))
    path = made.folder / "labels.csv"
    path.unlink() if text is None else path.write_text(text)
    ran = made.run("monitor", start="ct")
    assert ran.code == 3, (name, ran.text)
    assert performance(made)["labels"]["reason"].startswith(said)
    assert ran.verdict["outputs"]["retrain"] == "false"


def test_a_class_that_evaluate_never_saw_is_undecided(road: Make) -> None:
    made = road("multiclass", *two("multiclass", 7))
    (made.folder / "labels.csv").write_text("key,species\n100000,hybrid\n")
    ran = made.run("monitor")
    assert ran.code == 3, ran.text
    said = "labels.csv: labels that are not one of setosa, versicolor, virginica: 'hybrid'"
    assert performance(made)["labels"]["reason"] == said


def test_labels_of_others_and_rows_without_one_do_not_count(road: Make) -> None:
    made = road("binary", *two("binary", 8), which=lambda place: place % 2 == 0)
    with (made.folder / "labels.csv").open("a") as stream:
        stream.write("5,benign\n6,malignant\n100001,\n")
    ran = made.run("monitor")
    found = performance(made)["labels"]
    assert (found["labelled"], found["unmatched"], found["waiting"]) == (ROWS // 2, 2, 1), ran.text
    assert found["answers"] == ROWS - 1


def test_labels_of_high_scores_alone_are_no_fair_sample(road: Make, tmp_path: Path) -> None:
    then, now = two("binary", 9, wrong=0.3)
    made = road("binary", then, now, which=lambda place: bool(now.score[place] > 0.6))
    made.env["MLOPS_DISPATCH"] = str(tmp_path / "dispatch")
    ran = made.run("monitor", start="ct")
    found = performance(made)["labels"]
    assert (ran.code, found["biased"], found["standing"]) == (0, True, "dropped"), ran.text
    assert found["shares"][0] == 0
    assert found["shares"][-1] == 1
    assert ran.verdict["outputs"]["retrain"] == "false"
    assert not (tmp_path / "dispatch").exists()
    rules = {each["rule"] for each in ran.verdict["findings"]}
    assert rules == {"monitor/drop", "monitor/labels-biased"}


def test_the_version_before_does_not_answer_for_the_champion(road: Make, tmp_path: Path) -> None:
    then, now = two("binary", 10)
    made = road("binary", then, now, monitor="labels: labels.csv, log: log.parquet")
    import duckdb

    source, to = tmp_path / "log.parquet", made.folder / "log.parquet"
    duckdb.execute(
        f"COPY (SELECT * REPLACE (CASE WHEN CAST(key AS INT) % 2 = 0 THEN '0.9.0' ELSE version END "
        f"AS version) FROM '{source}') TO '{to}' (FORMAT parquet)"
    )
    made.run("monitor")
    assert performance(made)["labels"]["labelled"] == ROWS // 2


def test_labels_that_cannot_be_judged_end_no_cause() -> None:
    event = Event(
        key="k",
        at="2026-01-05",
        version="1",
        columns=["accuracy (labels)"],
        reason="",
        state="started",
    )
    book = Ledger(events=[event], vain=2)
    undecided = Performance(version="1", rows=9, drop=0.05, labels=ByLabels(standing="undecided"))
    assert retraining.seen(book, open_questions(undecided)).vain == 2
    assert retraining.seen(book, open_questions(None)).vain == 2
    held = Compared(name="accuracy", standing="held", then=0.9, then_n=9, allowed=0.05)
    judged = ByLabels(standing="held", metrics=[held])
    better = Performance(version="1", rows=9, drop=0.05, labels=judged)
    assert retraining.seen(book, open_questions(better)).vain == 0
