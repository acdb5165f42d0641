{%- set regression = cookiecutter.task == "regression" -%}
"""The model: features scaled to one spread, then {% if regression %}ridge{% else %}logistic{% endif %} regression."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.linear_model import {% if regression %}Ridge{% else %}LogisticRegression{% endif %}
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from . import features, params, target
from .data import Table

#: How the model is called in the server's description.
PLATFORM = "scikit-learn"

#: What may be set under train.params in mlops.yaml, and what holds where it is not.
DEFAULTS: Mapping[str, Any] = {% if regression %}{"alpha": 1.0, "features": "all"}{% else %}{"C": 1.0, "max_iter": 1000, "features": "all"}{% endif %}

#: Types that a model file may hold beyond those that skops itself trusts. This model needs
#: none. Review a type before adding it: loading runs its code.
TRUSTED: list[str] = []


@dataclass(frozen=True)
class Model:
    """A fitted pipeline, and what it takes{% if not regression %} and tells apart{% endif %}."""

    pipeline: Pipeline
    encoder: features.Encoder
{%- if not regression %}
    classes: list[str]
{%- endif %}

    def predict(self, values: np.ndarray) -> dict[str, list[Any]]:
        """The outputs for encoded rows, shape (rows, numbers)."""
{%- if regression %}
        return target.answer(self.pipeline.predict(values))
{%- else %}
        return target.answer(self.pipeline.predict_proba(values), self.classes)
{%- endif %}


def fit(table: Table, given: Mapping[str, Any], seed: int) -> Model:
    """Train on all rows of the table."""
    chosen = params.complete(given, DEFAULTS)
    encoder = features.learn(table, chosen["features"])
{%- if regression %}
    pipeline = make_pipeline(StandardScaler(), Ridge(alpha=chosen["alpha"], random_state=seed))
    pipeline.fit(encoder.encode(table), target.numbers(table))
    return Model(pipeline, encoder)
{%- else %}
    classes = target.classes(table)
    classifier = LogisticRegression(C=chosen["C"], max_iter=chosen["max_iter"], random_state=seed)
    pipeline = make_pipeline(StandardScaler(), classifier)
    pipeline.fit(encoder.encode(table), target.labels(table, classes))
    return Model(pipeline, encoder, classes)
{%- endif %}


def save(model: Model, folder: Path) -> None:
    """Write the model into an existing folder."""
    skops.io.dump(model.pipeline, folder / "model.skops")
    about = model.encoder.dump(){% if not regression %} | {"classes": model.classes}{% endif %}
    (folder / "model.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> Model:
    """Read a model; a file that holds types beyond TRUSTED is refused before anything runs."""
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    pipeline = skops.io.load(folder / "model.skops", trusted=TRUSTED)
    return Model(pipeline, features.restore(about){% if not regression %}, about["classes"]{% endif %})
