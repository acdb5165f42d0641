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
import numpy as np
import pytest
from mlops_steps.files import digest_of
from mlops_steps.stats import auc, proportions
from mlops_steps.stats.results import Champion, Estimate, Metrics, write
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


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

    def put(self, name: str, value: Any) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
        return name

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
    """Labels and two models' scores for the test rows of the demo data."""

    keys: list[int]
    labels: np.ndarray
    candidate: np.ndarray
    champion: np.ndarray


@pytest.fixture(scope="session")
def scored() -> Scored:
    """Two real models: the champion saw only the first five columns."""
    path = next(Path(__file__).parents[3].glob("templates/project/*/data/samples.csv"))
    with path.open(newline="") as stream:
        _, *rows = list(csv.reader(stream))
    keys = [int(row[0]) for row in rows]
    features = np.array([[float(cell) for cell in row[1:-1]] for row in rows])
    labels = np.array([row[-1] == "malignant" for row in rows])
    place = [int(hashlib.sha256(f"tumour-1:{key}".encode()).hexdigest()[:15], 16) for key in keys]
    test = np.array(place) / 16**15 < 0.3

    def scores(columns: int) -> np.ndarray:
        model = make_pipeline(StandardScaler(), LogisticRegression())
        model.fit(features[~test][:, :columns], labels[~test])
        return model.predict_proba(features[test][:, :columns])[:, 1]

    held = [key for key, withheld in zip(keys, test, strict=True) if withheld]
    return Scored(held, labels[test], scores(30), scores(5))


@pytest.fixture
def evaluated(scored: Scored) -> Callable[[Road], None]:
    """Leave what evaluate leaves: metrics with intervals, paired, and the predictions."""
    return lambda road: _evaluate(road, scored)


def _evaluate(road: Road, scored: Scored) -> None:
    labels, n = scored.labels, len(scored.labels)
    hit = {
        name: (values > 0.5) == labels
        for name, values in (("candidate", scored.candidate), ("champion", scored.champion))
    }

    def metrics(name: str, values: np.ndarray) -> dict[str, Estimate]:
        right = int(hit[name].sum())
        low, high = proportions.wilson(right, n, 0.95)
        area = auc.area(values[labels], values[~labels])
        ends = auc.newcombe(area, int(labels.sum()), int((~labels).sum()), 0.95)
        return {
            "accuracy": Estimate(value=right / n, low=low, high=high, n=n, method="Wilson"),
            "roc_auc": Estimate(value=area, low=ends[0], high=ends[1], n=n, method="Newcombe"),
        }

    first = int((hit["candidate"] & ~hit["champion"]).sum())
    second = int((hit["champion"] & ~hit["candidate"]).sum())
    low, high = proportions.tango(first, second, n, 0.95)
    apart = Estimate(value=(first - second) / n, low=low, high=high, n=n, method="Tango")
    found = Metrics(
        split="test",
        rows=n,
        positives=int(labels.sum()),
        confidence=0.95,
        candidate=metrics("candidate", scored.candidate),
        champion=Champion(version="1.0.0", metrics=metrics("champion", scored.champion)),
        difference={"accuracy": apart},
    )
    folder = road.folder / "out" / "evaluate"
    folder.mkdir(parents=True)
    write(folder / "metrics.json", found)
    predictions = np.rec.fromarrays([scored.labels, scored.candidate, scored.champion])
    with duckdb.connect() as database:
        database.execute(
            "create table p (key varchar, label int, score double, prediction int,"
            " champion_score double, champion_prediction int)"
        )
        database.executemany(
            "insert into p values (?, ?, ?, ?, ?, ?)",
            [
                (str(key), int(y), float(a), int(a > 0.5), float(b), int(b > 0.5))
                for key, (y, a, b) in zip(scored.keys, predictions.tolist(), strict=True)
            ],
        )
        database.execute(f"copy p to '{folder}/predictions.parquet' (format parquet)")
    road.step(
        "evaluate",
        line=f"{n} rows, champion 1.0.0 paired",
        wrote=["out/evaluate/metrics.json", "out/evaluate/predictions.parquet"],
    )
