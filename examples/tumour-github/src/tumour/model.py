"""The model: features scaled to one spread, then logistic regression."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from . import features, params, target
from .data import Table

#: How the model is called in the server's description.
PLATFORM = "scikit-learn"

#: What may be set under train.params in mlops.yaml, and what holds where it is not.
DEFAULTS: Mapping[str, Any] = {"C": 1.0, "max_iter": 1000, "features": "all"}

#: Types that a model file may hold beyond those that skops itself trusts. This model needs
#: none. Review a type before adding it: loading runs its code.
TRUSTED: list[str] = []


@dataclass(frozen=True)
class Model:
    """A fitted pipeline, and what it takes and tells apart."""

    pipeline: Pipeline
    encoder: features.Encoder
    classes: list[str]

    def predict(self, values: np.ndarray) -> dict[str, list[Any]]:
        """The outputs for encoded rows, shape (rows, numbers)."""
        return target.answer(self.pipeline.predict_proba(values), self.classes)


def fit(table: Table, given: Mapping[str, Any], seed: int) -> Model:
    """Train on all rows of the table."""
    chosen = params.complete(given, DEFAULTS)
    encoder = features.learn(table, chosen["features"])
    classes = target.classes(table)
    classifier = LogisticRegression(C=chosen["C"], max_iter=chosen["max_iter"], random_state=seed)
    pipeline = make_pipeline(StandardScaler(), classifier)
    pipeline.fit(encoder.encode(table), target.labels(table, classes))
    return Model(pipeline, encoder, classes)


def save(model: Model, folder: Path) -> None:
    """Write the model into an existing folder."""
    skops.io.dump(model.pipeline, folder / "model.skops")
    about = model.encoder.dump() | {"classes": model.classes}
    (folder / "model.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> Model:
    """Read a model; a file that holds types beyond TRUSTED is refused before anything runs."""
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    pipeline = skops.io.load(folder / "model.skops", trusted=TRUSTED)
    return Model(pipeline, features.restore(about), about["classes"])
