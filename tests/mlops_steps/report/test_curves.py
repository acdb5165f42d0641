"""Curves against scikit-learn's, and files that hold no such thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

from mlops_steps.errors import UndecidedError
from mlops_steps.report import curves


def predictions(path: Path, score: Any, label: Any, champion: Any = None) -> Path:
    none = np.full(len(label), None) if champion is None else champion
    columns = {
        "key": np.arange(len(label)).astype(str),
        "label": label,
        "score": score,
        "prediction": (np.array(score) > 0.5).astype(np.int8),
        "champion_score": none,
        "champion_prediction": none if champion is None else champion.round(),
    }
    with duckdb.connect() as database:
        database.register("predictions", columns)
        names = ", ".join(
            f"try_cast({name} as double) as {name}" if name.startswith("champion") else name
            for name in columns
        )
        database.execute(f"copy (select {names} from predictions) to '{path}' (format parquet)")
    return path


@pytest.mark.parametrize("rows", [200, 20_000])
def test_the_figures_are_those_of_scikit_learn(tmp_path: Path, rows: int) -> None:
    random = np.random.default_rng(7)
    label = random.integers(0, 2, rows).astype(np.int8)
    score = np.clip(random.normal(0.4 + 0.2 * label, 0.2), 0, 1)  # ties at both ends
    found, champion = curves.read(predictions(tmp_path / "p.parquet", score, label))
    assert champion is None
    fpr, tpr = map(np.array, zip(*found.roc, strict=True))
    assert np.trapezoid(tpr, fpr) == pytest.approx(roc_auc_score(label, score), abs=1e-4)
    if rows == 200:
        exact = set(zip(*roc_curve(label, score, drop_intermediate=False)[:2], strict=True))
        assert exact == set(found.roc)
    assert len(found.roc) <= 2 * curves.POINTS + 2
    [[negative, false], [missed, positive]] = confusion_matrix(label, score > 0.5)
    assert found.confusion == curves.Confusion(positive, missed, false, negative)
    assert sum(each.rows for each in found.bins) == rows
    assert [each.score for each in found.bins] == sorted(each.score for each in found.bins)


def test_both_models(tmp_path: Path) -> None:
    label = np.array([0, 1, 0, 1], dtype=np.int8)
    score = np.array([0.1, 0.9, 0.2, 0.8])
    found, champion = curves.read(predictions(tmp_path / "p.parquet", score, label, 1 - score))
    assert (0.0, 1.0) in found.roc
    assert champion is not None
    assert (1.0, 0.0) in champion.roc


def test_one_class_has_no_roc(tmp_path: Path) -> None:
    score = np.array([0.1, 0.9])
    label = np.array([1, 1], dtype=np.int8)
    found, _ = curves.read(predictions(tmp_path / "p.parquet", score, label))
    assert found.roc == []


def test_what_is_no_prediction_is_refused(tmp_path: Path) -> None:
    label = np.array([0, 1], dtype=np.int8)
    path = predictions(tmp_path / "p.parquet", np.array([0.1, np.nan]), label)
    with pytest.raises(UndecidedError, match="1 of 2 rows have no finite score"):
        curves.read(path)
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(UndecidedError, match="cannot be read"):
        curves.read(path)
    path = predictions(tmp_path / "q.parquet", np.array([], dtype=float), label[:0])
    with pytest.raises(UndecidedError, match="holds no scores"):
        curves.read(path)
