"""The commands of mlops.yaml read and write what they promise."""

import csv
import json
from pathlib import Path

import pytest

from {{ cookiecutter.package }} import predict, train

SAMPLES = Path(__file__).parents[1] / "data" / "samples.csv"


def test_train_then_predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = SAMPLES.read_text().splitlines()[:81]
    labelled = tmp_path / "labelled.csv"
    labelled.write_text("\n".join(lines) + "\n")
    unlabelled = tmp_path / "unlabelled.csv"
    unlabelled.write_text("\n".join(line.rpartition(",")[0] for line in lines) + "\n")
    params = tmp_path / "params.json"
    params.write_text(json.dumps({"C": 0.5, "features": 5}))
    (tmp_path / "model").mkdir()
    monkeypatch.setenv("MLOPS_PARAMS", str(params))
    monkeypatch.setenv("MLOPS_SEED", "1")
    monkeypatch.setenv("MLOPS_MODEL", str(tmp_path / "model"))
    monkeypatch.setenv("MLOPS_INPUT_SAMPLES", str(labelled))
    train.main()

    monkeypatch.setenv("MLOPS_INPUT_SAMPLES", str(unlabelled))
    monkeypatch.setenv("MLOPS_PREDICTIONS", str(tmp_path / "predictions.csv"))
    predict.main()
    with (tmp_path / "predictions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == [line.partition(",")[0] for line in lines[1:]]
    assert all(0 <= float(row["score"]) <= 1 for row in rows)
    assert {row["prediction"] for row in rows} == {"malignant", "benign"}
