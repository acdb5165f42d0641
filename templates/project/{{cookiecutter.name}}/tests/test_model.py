"""Training gives probabilities, the same from the same seed, and survives its file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from {{ cookiecutter.package }} import data, model


def test_scores_are_probabilities_that_tell_the_classes_apart(
    few: data.Table, fitted: model.Model
) -> None:
    scores = fitted.score(few.values)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert few.positive is not None
    assert scores[few.positive].mean() > scores[~few.positive].mean()


def test_the_same_seed_gives_the_same_scores(few: data.Table, fitted: model.Model) -> None:
    again = model.fit(few, {}, seed=1)
    assert np.array_equal(again.score(few.values), fitted.score(few.values))


def test_a_model_scores_alike_after_saving(
    few: data.Table, fitted: model.Model, tmp_path: Path
) -> None:
    model.save(fitted, tmp_path)
    loaded = model.load(tmp_path)
    assert loaded.features == fitted.features
    assert np.array_equal(loaded.score(few.values), fitted.score(few.values))


@pytest.mark.parametrize(
    ("wanted", "chosen"), [("all", ["a", "b", "c"]), (2, ["a", "b"]), ("c, a", ["c", "a"])]
)
def test_features_are_chosen(wanted: str | int, chosen: list[str]) -> None:
    assert model.choose(["a", "b", "c"], wanted) == chosen


@pytest.mark.parametrize("params", [{"features": 0}, {"features": "nothing"}, {"c": 1}])
def test_wrong_parameters_are_refused(few: data.Table, params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"features|unknown"):
        model.fit(few, params, seed=1)
