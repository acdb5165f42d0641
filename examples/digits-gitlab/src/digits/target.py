"""The classes to be told apart, and how they are given out."""

from typing import Any

import numpy as np

from .data import TARGET, Table

#: What the model gives out: datatypes of the Open Inference Protocol, by name.
OUTPUTS = {"score": "FP64", "prediction": "BYTES"}


def classes(table: Table) -> list[str]:
    """The values of the target in labelled rows, sorted.

    Raises ValueError where there is only one.
    """
    found = sorted(set(_target(table)))
    if len(found) < 2:
        raise ValueError(f"{table.source}: {TARGET} is always the same; nothing to tell apart")
    return found


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
    """The outputs for probabilities of shape (rows, classes), in the order of the known classes."""
    scores = np.asarray(probabilities.max(axis=1), dtype=float).clip(0, 1)
    predicted = probabilities.argmax(axis=1)
    return {"score": scores.tolist(), "prediction": [known[place] for place in predicted]}
