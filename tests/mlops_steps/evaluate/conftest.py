"""A project whose predict command needs nothing but the standard library."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

#: The variables and files that a predict command is promised, and a score by one column.
PREDICT = """\
import csv, json, math, os, sys
from pathlib import Path

model = json.loads((Path(os.environ["MLOPS_MODEL"]) / "model.json").read_text())
assert not Path("data/samples.csv").exists(), "the labelled table can be seen"
with open(os.environ["MLOPS_INPUT_SAMPLES"], newline="") as stream:
    rows = list(csv.DictReader(stream))
assert "diagnosis" not in rows[0], "the target can be seen"
found = []
for row in rows:
    value = model["slope"] * (float(row[model["column"]]) - model["middle"])
    score = 1 / (1 + math.exp(-value))
    found.append([row["id"], score, "malignant" if score >= 0.5 else "benign"])
with open(os.environ["MLOPS_PREDICTIONS"], "w", newline="") as stream:
    csv.writer(stream).writerows([["id", "score", "prediction"], *found])
"""
GOOD = {"column": "worst_perimeter", "middle": 107.0, "slope": 0.12}


def finish_training(folder: Path, model: dict[str, Any], *, split: str = "test") -> None:
    """Leave `out/train/` as the step train does, by the same record."""
    from mlops_steps import config
    from mlops_steps.frame import _head
    from mlops_steps.record import Record
    from mlops_steps.spec import Status
    from mlops_steps.train.step import STEP

    record = Record(STEP, folder, config.load(folder), {"split": split})
    shutil.rmtree(record.folder, ignore_errors=True)
    (record.folder / "model").mkdir(parents=True)
    (record.folder / "model" / "model.json").write_text(json.dumps(model))
    record.take("data/samples.csv")
    record.wrote("out/train/model")
    record.verdict.status = Status.PASS
    record.verdict.commit = _head(folder)
    record.say("trained")
    record.write()


@pytest.fixture
def project(sample: Callable[..., Any]) -> Any:
    """A committed project, trained to be judged by its test rows."""
    made = sample()
    made.write("predict.py", PREDICT)
    made.write("requirements.txt", "# nothing but the standard library\n")
    made.commit("predict")
    finish_training(made.folder, GOOD)
    return made


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., None]:
    """Put a version of the project in its registry and make it the champion."""

    def make(project: Any, version: str, model: dict[str, Any], predict: str = PREDICT) -> None:
        from mlops_steps.registry.folder import FolderRegistry

        folder = tmp_path / f"version-{version}"
        for name, text in {
            "model/model.json": json.dumps(model),
            "source/predict.py": predict,
            "source/mlops.yaml": (project.folder / "mlops.yaml").read_text(),
            "source/requirements.txt": "# nothing but the standard library\n",
            "records/gate/verdict.json": "{}",
        }.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        registry = FolderRegistry(Path(project.env["MLOPS_STATE"]).resolve(), "tumour")
        registry.publish(version, folder)
        registry.set_alias("champion", version, expected=None, reason="a test")

    return make


@pytest.fixture
def trained() -> Callable[..., None]:
    """Train once more, to be judged by another split."""

    def make(project: Any, *, split: str) -> None:
        finish_training(project.folder, GOOD, split=split)

    return make
