{%- set regression = cookiecutter.task == "regression" -%}
"""The model: boosted trees."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from . import features, params, target
from .data import Table

#: How the model is called in the server's description.
PLATFORM = "xgboost"

#: What may be set under train.params in mlops.yaml, and what holds where it is not.
DEFAULTS: Mapping[str, Any] = {
    "trees": {% if regression %}200{% else %}150{% endif %},
    "depth": {% if regression %}2{% else %}3{% endif %},
    "rate": {% if regression %}0.05{% else %}0.1{% endif %},
    "share": 0.7,
    "features": "all",
}


@dataclass(frozen=True)
class Model:
    """Fitted trees, and what they take{% if not regression %} and tell apart{% endif %}."""

    booster: xgboost.Booster
    encoder: features.Encoder
{%- if not regression %}
    classes: list[str]
{%- endif %}

    def predict(self, values: np.ndarray) -> dict[str, list[Any]]:
        """The outputs for encoded rows, shape (rows, numbers)."""
{%- if regression %}
        return target.answer(self.booster.inplace_predict(values))
{%- else %}
        return target.answer(self.booster.inplace_predict(values), self.classes)
{%- endif %}


def fit(table: Table, given: Mapping[str, Any], seed: int) -> Model:
    """Train on all rows of the table."""
    chosen = params.complete(given, DEFAULTS)
    encoder = features.learn(table, chosen["features"])
    settings = {
{%- if regression %}
        "objective": "reg:squarederror",
{%- else %}
        "objective": "multi:softprob",
{%- endif %}
        "max_depth": chosen["depth"],
        "eta": chosen["rate"],
        # Of the rows and of the columns, each tree sees this share.
        "subsample": chosen["share"],
        "colsample_bytree": chosen["share"],
        "seed": seed,
        # If train.gpu in mlops.yaml lets it see one.
        "device": "cuda",
    }
{%- if regression %}
    rows = xgboost.DMatrix(encoder.encode(table), target.numbers(table))
{%- else %}
    classes = target.classes(table)
    settings["num_class"] = len(classes)
    rows = xgboost.DMatrix(encoder.encode(table), target.labels(table, classes))
{%- endif %}
    with warnings.catch_warnings():
        # Where there is no GPU it says so, and takes the CPU.
        warnings.filterwarnings("ignore", "(?s).*(No visible GPU|changed from GPU to CPU)")
        booster = xgboost.train(settings, rows, chosen["trees"])
    # Few rows at a time: to call a GPU, or a second thread, takes longer than their trees.
    booster.set_param({"device": "cpu", "nthread": 1})
    return Model(booster, encoder{% if not regression %}, classes{% endif %})


def save(model: Model, folder: Path) -> None:
    """Write the model into an existing folder: the trees as XGBoost's own JSON."""
    model.booster.save_model(folder / "trees.json")
    about = model.encoder.dump(){% if not regression %} | {"classes": model.classes}{% endif %}
    (folder / "model.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> Model:
    """Read a model. Its files hold numbers and names; nothing in them is run."""
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    booster = xgboost.Booster({"nthread": 1}, model_file=folder / "trees.json")
    return Model(booster, features.restore(about){% if not regression %}, about["classes"]{% endif %})
