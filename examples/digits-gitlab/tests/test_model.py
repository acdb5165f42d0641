"""Training gives probabilities, the same from the same seed, and survives its file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PARAMS

from digits import data, model


def outputs(fitted: model.Model, table: data.Table) -> dict[str, list[Any]]:
    """What the model gives out for a table."""
    return fitted.predict(fitted.encoder.encode(table))


def test_scores_are_probabilities_and_predictions_classes(
    few: data.Table, fitted: model.Model
) -> None:
    found = outputs(fitted, few)
    assert list(found) == ["score", "prediction"]
    assert all(0 <= score <= 1 for score in found["score"])
    assert few.target is not None
    assert set(found["prediction"]) <= set(few.target)
    assert len(found["prediction"]) == len(few.keys)


def test_the_classes_are_told_apart(few: data.Table, fitted: model.Model) -> None:
    assert few.target is not None
    right = np.array(outputs(fitted, few)["prediction"]) == np.array(few.target)
    assert right.mean() > 0.8


def test_the_same_seed_gives_the_same_outputs(few: data.Table, fitted: model.Model) -> None:
    assert outputs(model.fit(few, PARAMS, seed=1), few) == outputs(fitted, few)


def test_a_model_answers_alike_after_saving(
    few: data.Table, fitted: model.Model, tmp_path: Path
) -> None:
    model.save(fitted, tmp_path)
    loaded = model.load(tmp_path)
    assert loaded.encoder == fitted.encoder
    before, after = outputs(fitted, few), outputs(loaded, few)
    assert after == before


@pytest.mark.parametrize("params", [{"nothing": 1}, {"features": 0}, {"features": "nothing"}])
def test_wrong_parameters_are_refused(few: data.Table, params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"features|unknown"):
        model.fit(few, params, seed=1)
