"""The classes to be told apart, and how they are given out."""

from typing import Any

import numpy as np

from .data import TARGET, Table

#: The class whose probability is the score, as in mlops.yaml.
POSITIVE = "yes"
#: From this score on a row is told to be positive.
THRESHOLD = 0.5

#: What the model gives out: datatypes of the Open Inference Protocol, by name.
OUTPUTS = {"score": "FP64", "prediction": "BYTES"}


def classes(table: Table) -> list[str]:
    """The two values of the target in labelled rows, the positive one last.

    Raises ValueError where they are not two, or the positive one is not among them.
    """
    found = set(_target(table))
    if len(found) != 2 or POSITIVE not in found:
        raise ValueError(
            f"{table.source}: {TARGET} has to be {POSITIVE!r} or one other value; found: "
            + ", ".join(map(repr, sorted(found)[:5]))
        )
    return sorted(found, key=POSITIVE.__eq__)


def labels(table: Table, known: list[str]) -> np.ndarray:
    """The place of each labelled row's class among the known ones, shape (rows,)."""
    return np.array([known.index(value) for value in _target(table)])


def _target(table: Table) -> list[str]:
    if table.target is None:
        raise ValueError(f"{table.source}: no column {TARGET!r}")
    if "" in table.target:
        raise ValueError(f"{table.where(table.target.index(''), TARGET)}: is empty")
    return table.target


def answer(probabilities: np.ndarray, known: list[str]) -> dict[str, list[Any]]:
    """The outputs for probabilities of shape (rows, 2), in the order of the known classes."""
    scores = np.asarray(probabilities[:, 1], dtype=float).clip(0, 1)
    predicted = (scores >= THRESHOLD).astype(int)
    return {"score": scores.tolist(), "prediction": [known[place] for place in predicted]}
