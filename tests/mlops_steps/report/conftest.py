"""A walked road: the folders that the steps before the report leave, with real figures."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.mlops_steps.small import become, crown

from mlops_steps.deploy_canary.results import Canary
from mlops_steps.evaluate.join import Answers, Judged
from mlops_steps.evaluate.measure import Levels, compare, measure
from mlops_steps.files import digest_of
from mlops_steps.monitor.drift import Drift
from mlops_steps.stats.results import Champion, Metrics, write
from mlops_steps.train.training import Training

DATA = Path(__file__).parents[3] / "templates" / "data" / "binary" / "samples.csv"


@dataclass
class Road:
    """A project's out/ in the making."""

    project: Any

    @property
    def folder(self) -> Path:
        return self.project.folder

    def step(self, name: str, status: str = "pass", line: str = "", **more: Any) -> Path:
        """A step's verdict as the frame writes it, with the digests of `wrote`."""
        folder = self.folder / "out" / name
        folder.mkdir(parents=True, exist_ok=True)
        wrote = {file: digest_of(self.folder / file) for file in more.pop("wrote", [])}
        took = {file: digest_of(self.folder / file) for file in more.pop("took", [])}
        verdict = {
            "step": name,
            "status": status,
            "line": line,
            "wrote": wrote,
            "took": took,
            "started": "2026-11-21T01:23:45+00:00",
            "seconds": 1.25,
            "commit": self.commit,
            "versions": {"python": "3.11.2"},
            **more,
        }
        path = folder / "verdict.json"
        path.write_text(json.dumps(verdict))
        return path

    @property
    def commit(self) -> str:
        return (self.folder / ".git" / "refs" / "heads" / "main").read_text().strip()

    def put(self, name: str, value: Any, kind: type) -> str:
        """A file in the very shape that its step writes: a renamed field breaks here."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(msgspec.convert(value, kind)))
        return name

    def verdict(self, step: str) -> Any:
        return json.loads((self.folder / "out" / step / "verdict.json").read_text())

    def report(self) -> Any:
        return self.project.run("report")

    def text(self, name: str) -> str:
        return (self.folder / "out" / "report" / name).read_text()


@pytest.fixture
def road(sample: Callable[..., Any]) -> Callable[[], Road]:
    """An empty road in a fresh project."""
    return lambda: Road(sample())


@dataclass
class Scored:
    """The test rows of the demo data: keys, labels, and what two real models say."""

    keys: list[int]
    judged: Judged


@pytest.fixture(scope="session")
def scored() -> Scored:
    """The champion of the two saw only the first five columns."""
    with DATA.open(newline="") as stream:
        _, *rows = list(csv.reader(stream))
    keys = [int(row[0]) for row in rows]
    features = np.array([[float(cell) for cell in row[1:-1]] for row in rows])
    labels = np.array([row[-1] == "malignant" for row in rows]).astype(np.int8)
    place = [int(hashlib.sha256(f"tumour-1:{key}".encode()).hexdigest()[:15], 16) for key in keys]
    test = np.array(place) / 16**15 < 0.3

    def answers(columns: int) -> Answers:
        model = make_pipeline(StandardScaler(), LogisticRegression())
        model.fit(features[~test][:, :columns], labels[~test])
        score = model.predict_proba(features[test][:, :columns])[:, 1]
        return Answers((score > 0.5).astype(np.int8), score)

    held = [key for key, withheld in zip(keys, test, strict=True) if withheld]
    return Scored(held, Judged(labels[test], answers(30), answers(5)))


@pytest.fixture
def evaluated(scored: Scored) -> Callable[[Road], None]:
    """Leave what evaluate leaves: metrics with intervals, paired, and the predictions."""
    return lambda road: _evaluate(road, scored)


def _evaluate(road: Road, scored: Scored) -> None:
    judged, levels = scored.judged, Levels(0.95, 2)
    ours = measure(judged, judged.candidate, levels, task="binary")
    theirs = measure(judged, judged.champion, levels, task="binary")
    found = Metrics(
        split="test",
        rows=len(judged.label),
        positives=int(judged.label.sum()),
        confidence=0.95,
        candidate=ours,
        champion=Champion(version="1.0.0", metrics=theirs),
        difference=compare(judged, judged.champion, (ours, theirs), levels, task="binary"),
    )
    folder = road.folder / "out" / "evaluate"
    folder.mkdir(parents=True)
    write(folder / "metrics.json", found)
    names = ("key", "label", "score", "prediction", "champion_score", "champion_prediction")
    columns = [scored.keys, judged.label, judged.candidate.score, judged.candidate.prediction]
    columns += [judged.champion.score, judged.champion.prediction]
    predictions = dict(zip(names, map(np.array, columns), strict=True))
    with duckdb.connect() as database:
        database.register("predictions", predictions)
        path = folder / "predictions.parquet"
        database.execute(f"copy predictions to '{path}' (format parquet)")
    road.step(
        "evaluate",
        line=f"{found.rows} rows, champion 1.0.0 paired",
        wrote=["out/evaluate/metrics.json", "out/evaluate/predictions.parquet"],
    )


PARAMETERS = {"learning_rate": 0.1, "depth": 3, "early_stop": True, "loss": "log"}


def trained(road: Road) -> None:
    """What train leaves."""
    table = "data/samples.csv"
    digest = digest_of(road.folder / table)
    handed = {"path": table, "rows": 393, "withheld": 176, "digest": digest, "whole": digest}
    training = {
        "judge": "test",
        "parameters": PARAMETERS,
        "seed": 7,
        "commit": road.commit,
        "uncommitted": [],
        "data": handed,
        "environment": f"sha256:{'5e' * 32}",
        "python": "3.11.2",
        "gpus": [{"index": 0, "name": "NVIDIA H200", "memory_total": 143771}],
        "seconds": 12.4,
        "format": 1,
    }
    name = road.put("out/train/training.json", training, Training)
    line = "393 rows, 12.4 s, NVIDIA H200"
    road.step("train", line=line, wrote=[name], took=[table, "mlops.yaml"], seconds=12.9)


def released(road: Road, *, errors: tuple[int, ...] = (0, 1, 1)) -> None:
    """What register and deploy-canary leave: the last count of errors decides."""
    road.step("register", line="1.1.0 in folder:state/registry", took=["out/gate/rules.json"])
    bad = errors[-1] > 10
    steps = [
        {
            "weight": weight,
            "candidate": {"requests": 10 * weight, "errors": count},
            "champion": {"requests": 1000 - 10 * weight, "errors": 1},
            "p_value": 0.0004 if count > 10 else 0.41,
            "bound": 0.0166667,
            "decision": "roll back" if count > 10 else ("promote" if weight == 50 else "go on"),
            "seconds": 3.5,
        }
        for weight, count in zip((5, 25, 50), errors, strict=True)
    ]
    canary = {
        "champion": "1.0.0",
        "candidate": "1.1.0",
        "method": "Fisher's exact test, one-sided, each weight a stratum; alpha 0.05 shared",
        "alpha": 0.05,
        "decision": "roll back" if bad else "promote",
        "rule": "errors of the candidate <= errors of the champion",
        "words": f"p = {steps[-1]['p_value']}, the bound is 0.017",
        "steps": steps,
        "failures": {"1.0.0": {"status 503": 3}, "1.1.0": {"status 500": errors[-1]}},
        "latency": {
            "1.0.0": {"n": 2200, "p50": 0.0021, "p95": 0.0049},
            "1.1.0": {"n": 800, "p50": 0.0023, "p95": 0.0051},
        },
        "proof": {"requests": 50, "errors": 0} if bad else None,
        "target": "local",
        "format": 1,
    }
    name = road.put("out/deploy-canary/canary.json", canary, Canary)
    line = canary["rule"] + ", at 50 %" if bad else "5 > 25 > 50 > 100 %, 3,000 requests, 5 failed"
    road.step(
        "deploy-canary",
        "fail" if bad else "pass",
        line,
        lines=["1.1.0 was not promoted; the champion is still 1.0.0."] if bad else [],
        wrote=[name],
        took=["data/samples.csv"],
    )


def watched(road: Road) -> None:
    """What monitor leaves: thirty columns, two of which have moved."""
    columns = [
        {
            "name": f"worst_{'concave_points' if place == 0 else f'column_{place}'}",
            "drifted": place < 2,
            "distance": distance,
            "kind": "moved" if place < 2 else "",
            "effect": "shift",
            "bound": max(0.0, distance - 0.11),
            "margin": 0.11,
            "window": "recent",
            "nulls": 0.0,
            "reference_nulls": 0.0,
            "reason": f"moved by {distance:+.2f} sd, at least {distance - 0.11:.2f}"
            if place < 2
            else "",
        }
        for place, distance in enumerate([0.41, 0.25, *(0.12 - 0.004 * n for n in range(28))])
    ]
    drift = {
        "version": "1.0.0",
        "reference_rows": 393,
        "rows": 1_812,
        "new_rows": 604,
        "logged": 4_805,
        "allowed": 0.1,
        "alpha": 0.05,
        "spent": 0.00096,
        "windows": 7,
        "shift": "features",
        "predictions_compared": True,
        "columns": columns,
        "periods": {"earlier": 1_208, "later": 604, "auc": 0.71, "low": 0.68, "high": 0.74,
                    "columns": [{"name": "worst_area", "importance": 0.2, "low": 0.1}]},
    }  # fmt: skip
    name = road.put("out/monitor/drift.json", drift, Drift)
    finding = {"rule": "monitor/drift", "level": "warning", "message": "worst_concave_points"}
    line = "drift in 2 of 30 columns, 1,812 rows"
    road.step("monitor", line=line, wrote=[name], findings=[finding])


@pytest.fixture
def walk(road: Callable[[], Road], evaluated: Callable[[Road], None]) -> Callable[..., Road]:
    """A road on which every step has left something; data and gate are judged for real."""

    def make(*, errors: tuple[int, ...] = (0, 1, 1), to: str = "monitor") -> Road:
        walked = road()
        contract = DATA.parent / "contract.yaml"
        (walked.folder / "data" / "contract.yaml").write_bytes(contract.read_bytes())
        walked.project.commit("contract")
        walked.step("setup", line="Python 3.11.2, 41 packages, NVIDIA H200")
        found = {"file": "src/tumour/train.py", "line": 12}
        warning = {"rule": "F841", "level": "warning", "message": "`x` is never used", **found}
        walked.step("lint", line="1 finding in 14 files", findings=[warning])
        assert walked.project.run("validate-data").code == 0
        trained(walked)
        evaluated(walked)
        assert walked.project.run("gate").code == 0
        if to != "gate":
            released(walked, errors=errors)
        if to == "monitor":
            watched(walked)
        return walked

    return make


@pytest.fixture
def walk_of(sample: Callable[..., Any], tmp_path: Path) -> Callable[[str], Road]:
    """A project of another task on which the steps themselves ran, up to the report."""

    def make(task: str) -> Road:
        walked = Road(become(sample(), task))
        for step in ("validate-data", "train"):
            ran = walked.project.run(step)
            assert ran.code == 0, ran.text
        crown(walked.project, task, tmp_path, weak=9)
        for step in ("evaluate", "gate", "register", "report"):
            ran = walked.project.run(step)
            assert ran.code == 0, ran.text
        return walked

    return make
