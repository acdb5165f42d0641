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

from .data import NEGATIVE, POSITIVE, Table

#: What may be set under train.params in mlops.yaml, and what holds where it is not.
DEFAULTS: Mapping[str, Any] = {"C": 1.0, "max_iter": 1000, "features": "all"}

#: Types that a model file may hold beyond those that skops itself trusts. This model needs
#: none. Review a type before adding it: loading runs its code.
TRUSTED: list[str] = []

THRESHOLD = 0.5


@dataclass(frozen=True)
class Model:
    """A fitted pipeline and the columns that it takes, in this order."""

    pipeline: Pipeline
    features: list[str]

    def score(self, values: np.ndarray) -> np.ndarray:
        """Probability of the positive class for values of shape (rows, features)."""
        return self.pipeline.predict_proba(values)[:, 1]


def decide(scores: np.ndarray) -> list[str]:
    """The predicted value of the target for each score."""
    return [POSITIVE if score >= THRESHOLD else NEGATIVE for score in scores]


def fit(table: Table, params: Mapping[str, Any], seed: int) -> Model:
    """Train on all rows of the table."""
    unknown = sorted(set(params) - set(DEFAULTS))
    if unknown:
        raise ValueError(f"unknown parameters {unknown}. Known: {', '.join(DEFAULTS)}")
    chosen = {**DEFAULTS, **params}
    features = choose(table.columns, chosen["features"])
    classifier = LogisticRegression(C=chosen["C"], max_iter=chosen["max_iter"], random_state=seed)
    pipeline = make_pipeline(StandardScaler(), classifier)
    pipeline.fit(select(table, features), table.positive)
    return Model(pipeline, features)


def choose(columns: list[str], wanted: str | int) -> list[str]:
    """The features to use: "all", the first so many, or names with commas between."""
    if wanted == "all":
        return columns
    if isinstance(wanted, int):
        if not 1 <= wanted <= len(columns):
            raise ValueError(f"features: {wanted} is not between 1 and {len(columns)}")
        return columns[:wanted]
    names = [name.strip() for name in wanted.split(",")]
    missing = [name for name in names if name not in columns]
    if missing:
        raise ValueError(f"features: no columns {missing}. There are: {', '.join(columns)}")
    return names


def select(table: Table, features: list[str]) -> np.ndarray:
    """The values of these columns, shape (rows, features)."""
    missing = [name for name in features if name not in table.columns]
    if missing:
        raise ValueError(f"the table has no columns {missing}, which the model needs")
    return table.values[:, [table.columns.index(name) for name in features]]


def save(model: Model, folder: Path) -> None:
    """Write the model into an existing folder."""
    skops.io.dump(model.pipeline, folder / "model.skops")
    (folder / "features.json").write_text(json.dumps(model.features, indent=2) + "\n")


def load(folder: Path) -> Model:
    """Read a model; a file that holds types beyond TRUSTED is refused before anything runs."""
    pipeline = skops.io.load(folder / "model.skops", trusted=TRUSTED)
    return Model(pipeline, json.loads((folder / "features.json").read_text()))
