{%- set regression = cookiecutter.task == "regression" -%}
"""Training gives {% if regression %}numbers{% else %}probabilities{% endif %}, the same from the same seed, and survives its file."""

from pathlib import Path
from typing import Any

{% if dataset.demo %}import numpy as np
{% endif %}import pytest
from conftest import PARAMS

from {{ cookiecutter.package }} import data, model{% if cookiecutter.task == "regression" and dataset.demo %}, target{% endif %}


def outputs(fitted: model.Model, table: data.Table) -> dict[str, list[Any]]:
    """What the model gives out for a table."""
    return fitted.predict(fitted.encoder.encode(table))

{% if not regression %}
def test_scores_are_probabilities_and_predictions_classes(
    few: data.Table, fitted: model.Model
) -> None:
    found = outputs(fitted, few)
    assert list(found) == ["score", "prediction"]
    assert all(0 <= score <= 1 for score in found["score"])
    assert few.target is not None
    assert set(found["prediction"]) <= set(few.target)
    assert len(found["prediction"]) == len(few.keys)
{% if dataset.demo %}

def test_the_classes_are_told_apart(few: data.Table, fitted: model.Model) -> None:
    assert few.target is not None
    right = np.array(outputs(fitted, few)["prediction"]) == np.array(few.target)
    assert right.mean() > 0.8
{% endif %}
{%- else %}
def test_predictions_are_finite_numbers(few: data.Table, fitted: model.Model) -> None:
    found = outputs(fitted, few)
    assert list(found) == ["prediction"]
    assert len(found["prediction"]) == len(few.keys)
    assert all(abs(value) < float("inf") for value in found["prediction"])
{% if dataset.demo %}

def test_predictions_follow_the_target(few: data.Table, fitted: model.Model) -> None:
    predicted = np.array(outputs(fitted, few)["prediction"])
    wanted = target.numbers(few)
    assert ((predicted - wanted) ** 2).mean() < 0.8 * wanted.var()
{% endif %}
{%- endif %}

def test_the_same_seed_gives_the_same_outputs(few: data.Table, fitted: model.Model) -> None:
    assert outputs(model.fit(few, PARAMS, seed=1), few) == outputs(fitted, few)


def test_a_model_answers_alike_after_saving(
    few: data.Table, fitted: model.Model, tmp_path: Path
) -> None:
    model.save(fitted, tmp_path)
    loaded = model.load(tmp_path)
    assert loaded.encoder == fitted.encoder
    before, after = outputs(fitted, few), outputs(loaded, few)
{%- if cookiecutter.framework == "tensorflow" %}
    # The saved graph may round another way.
{%- if regression %}
    assert after["prediction"] == pytest.approx(before["prediction"], rel=1e-5)
{%- else %}
    assert after["score"] == pytest.approx(before["score"], rel=1e-5)
    assert after["prediction"] == before["prediction"]
{%- endif %}
{%- else %}
    assert after == before
{%- endif %}


@pytest.mark.parametrize("params", [{"nothing": 1}, {% if cookiecutter.task != "images" %}{"features": 0}, {"features": "nothing"}{% else %}{"side": 2}, {"side": "big"}{% endif %}])
def test_wrong_parameters_are_refused(few: data.Table, params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"{% if cookiecutter.task != "images" %}features{% else %}side{% endif %}|unknown"):
        model.fit(few, params, seed=1)
