"""Projects whose champion has answered: rows of evaluate, requests, and labels that came late."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from tests.mlops_steps.small import become

from mlops_steps.config import load
from mlops_steps.data.profile import write_profile
from mlops_steps.data.tables import literal
from mlops_steps.registry.folder import FolderRegistry
from mlops_steps.registry.version import describe

Row = dict[str, Any]
START = "2026-01-05 00:00:00"
VERSION = "1.0.0"


@dataclass
class Asked:
    """Rows with a feature `x`, the champion's answers, and the truth.

    Attributes:
        x: The only feature that the log has.
        score: Of the answer; of a regression the prediction.
        said: The prediction as the log writes it.
        truth: The label, likewise.
    """

    x: np.ndarray
    score: np.ndarray
    said: list[Any]
    truth: list[Any]

    def __len__(self) -> int:
        return len(self.x)


def binary(rows: int, chance: np.random.Generator, *, x: float = 0.0, wrong: float = 0.0) -> Asked:
    """A calibrated score; `wrong` of the labels are then turned round. `x` moves the feature."""
    feature = chance.normal(x, 1, rows)
    score = 1 / (1 + np.exp(-2.5 * feature))
    label = chance.random(rows) < score
    label ^= chance.random(rows) < wrong
    names = np.array(["benign", "malignant"])
    return Asked(feature, score, names[(score > 0.5) * 1].tolist(), names[label * 1].tolist())


def multiclass(rows: int, chance: np.random.Generator, *, wrong: float = 0.05) -> Asked:
    """Three classes, of which the champion names another one for `wrong` of the rows."""
    names = np.array(["setosa", "versicolor", "virginica"])
    label = chance.integers(0, 3, rows)
    off = (chance.random(rows) < wrong) * chance.integers(1, 3, rows)
    score = chance.uniform(0.6, 1.0, rows)
    feature = label + chance.normal(0, 0.2, rows)
    return Asked(feature, score, names[(label + off) % 3].tolist(), names[label].tolist())


def regression(rows: int, chance: np.random.Generator, *, noise: float = 40.0) -> Asked:
    """Numbers around 150, with errors of standard deviation `noise`."""
    feature = chance.normal(0, 1, rows)
    score = 150 + 30 * feature
    truth = (score + chance.normal(0, noise, rows)).tolist()
    return Asked(feature, score, score.tolist(), truth)


def write(path: Path, columns: dict[str, Sequence[Any]]) -> Path:
    """A CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(columns)
        out.writerows(zip(*columns.values(), strict=True))
    return path


def project(
    made: Any,
    task: str,
    place: Path,
    then: Asked,
    now: Asked,
    *,
    monitor: str = "labels: labels.csv",
    days: float = 20.0,
) -> Any:
    """A project with a champion: `then` is what evaluate found, `now` what the log holds.

    Keys are numbers: those of `now` from 100000 up.
    """
    if task != "binary":
        become(made, task)
    path = made.folder / "mlops.yaml"
    path.write_text(path.read_text() + f"monitor: {{{monitor}}}\n")
    config = load(made.folder)
    folder = place / "version"
    for part in ("model", "source"):
        (folder / part).mkdir(parents=True)
        (folder / part / "file").write_text("x")
    trained = write(place / "trained.csv", {"x": then.x.tolist()})
    write_profile(trained, folder / "records" / "train" / "profile.json", leave_out=[])
    kept = write(
        place / "kept.csv",
        {
            "key": range(len(then)),
            "label": then.truth,
            "score": then.score.tolist(),
            "prediction": then.said,
        },
    )
    answers = folder / "records" / "evaluate" / "predictions.parquet"
    answers.parent.mkdir()
    columns = {
        "binary": "(label = 'malignant')::TINYINT AS label, score, "
        "(prediction = 'malignant')::TINYINT AS prediction",
        "multiclass": "label, score, prediction",
        "regression": "label, prediction",
    }[task]
    duckdb.execute(
        f"COPY (SELECT CAST(key AS VARCHAR) AS key, {columns} FROM read_csv({literal(kept)})) "
        f"TO {literal(answers)} (FORMAT parquet)"
    )
    name = config.model.name
    (folder / "version.json").write_bytes(describe(folder, model=name, version=VERSION).encoded())
    registry = FolderRegistry(Path(made.env["MLOPS_STATE"]), name)
    registry.publish(VERSION, folder)
    registry.set_alias("champion", VERSION, expected=None, reason="first")
    log(made, registry, place / "log.parquet", now, days=days)
    return made


def log(made: Any, registry: FolderRegistry, file: Path, now: Asked, *, days: float) -> None:
    """Append requests, evenly over so many days."""
    asked = write(
        file.with_suffix(".csv"),
        {
            "key": range(100_000, 100_000 + len(now)),
            "x": now.x.tolist(),
            "score": now.score.tolist(),
            "prediction": now.said,
        },
    )
    every = days * 86_400 / max(1, len(now))
    duckdb.execute(
        f"COPY (SELECT TIMESTAMP '{START}' + to_seconds(((key - 100000) * {every})::BIGINT) "
        f"AS time, '{VERSION}' AS version, CAST(key AS VARCHAR) AS key, * EXCLUDE (key, prediction)"
        f", CAST(prediction AS VARCHAR) AS prediction FROM read_csv({literal(asked)})) "
        f"TO {literal(file)} (FORMAT parquet)"
    )
    registry.append_log(file)


def label(
    made: Any, now: Asked, target: str, *, which: Callable[[int], bool] = lambda _: True
) -> Path:
    """Write the labels of the requests that `which` takes, by their place."""
    chosen = [place for place in range(len(now)) if which(place)]
    columns = {
        "key": [100_000 + place for place in chosen],
        target: [now.truth[place] for place in chosen],
    }
    return write(made.folder / "labels.csv", columns)


def performance(made: Any) -> dict[str, Any]:
    """`performance.json`."""
    path = made.folder / "out" / "monitor" / "performance.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found
