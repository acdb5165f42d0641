"""The commands of mlops.yaml read and write what they promise."""

import csv
import json
from pathlib import Path

import pytest
from conftest import PARAMS, SAMPLES

from churn import data, predict, train
from churn.target import OUTPUTS


def test_train_then_predict(
    few: data.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SAMPLES.open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row[data.KEY] in set(few.keys)]
    labelled, unlabelled = tmp_path / "labelled.csv", tmp_path / "unlabelled.csv"
    write(labelled, rows)
    params = tmp_path / "params.json"
    params.write_text(json.dumps(PARAMS))
    (tmp_path / "model").mkdir()
    monkeypatch.setenv("MLOPS_PARAMS", str(params))
    monkeypatch.setenv("MLOPS_SEED", "1")
    monkeypatch.setenv("MLOPS_MODEL", str(tmp_path / "model"))
    monkeypatch.setenv("MLOPS_INPUT_SAMPLES", str(labelled))
    train.main()

    known = {row.pop(data.TARGET) for row in rows}
    write(unlabelled, rows)
    monkeypatch.setenv("MLOPS_INPUT_SAMPLES", str(unlabelled))
    monkeypatch.setenv("MLOPS_PREDICTIONS", str(tmp_path / "predictions.csv"))
    predict.main()
    with (tmp_path / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        predictions = list(csv.DictReader(stream))
    assert list(predictions[0]) == [data.KEY, *OUTPUTS]
    assert [row[data.KEY] for row in predictions] == [row[data.KEY] for row in rows]
    assert all(0 <= float(row["score"]) <= 1 for row in predictions)
    assert {row["prediction"] for row in predictions} <= known


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """A table as the steps write it."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
