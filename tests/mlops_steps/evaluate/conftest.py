"""A project whose commands need nothing but the standard library."""

from __future__ import annotations

import json
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
TRAIN = f"""\
import os
from pathlib import Path

(Path(os.environ["MLOPS_MODEL"]) / "model.json").write_text({json.dumps(GOOD)!r})
"""


@pytest.fixture
def project(sample: Callable[..., Any]) -> Any:
    """A committed project, not yet trained."""
    made = sample()
    made.write("train.py", TRAIN)
    made.write("predict.py", PREDICT)
    made.write("requirements.txt", "# nothing but the standard library\n")
    made.commit("train and predict")
    return made


@pytest.fixture
def trained(project: Any) -> Any:
    """The project, its model trained to be judged by the test rows."""
    assert project.run("train").code == 0
    return project


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
