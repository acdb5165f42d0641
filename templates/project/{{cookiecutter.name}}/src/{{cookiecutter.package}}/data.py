"""The table of samples, read into numbers."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# As in mlops.yaml: the column that names a row, the column to be told, and its two values.
KEY = "id"
TARGET = "diagnosis"
POSITIVE = "malignant"
NEGATIVE = "benign"


@dataclass(frozen=True)
class Table:
    """Rows of samples.

    `values` has shape (rows, columns). `positive` has shape (rows,) and is None where the
    table holds no target, as for predict.
    """

    keys: list[str]
    columns: list[str]
    values: np.ndarray
    positive: np.ndarray | None


def read(path: Path) -> Table:
    """Read a CSV file; every column but the key and the target is a feature.

    Raises ValueError, with line and column, for anything that is not a finite number.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        names = reader.fieldnames or []
        if KEY not in names:
            raise ValueError(f"{path}: no column {KEY!r} among {', '.join(names) or 'none'}")
        columns = [name for name in names if name not in (KEY, TARGET)]
        keys, values, targets = [], [], []
        for row in reader:
            where = f"{path}:{reader.line_num}"
            keys.append(row[KEY])
            values.append([_number(row[name], f"{where}: {name}") for name in columns])
            if TARGET in names:
                targets.append(_is_positive(row[TARGET], f"{where}: {TARGET}"))
    matrix = np.array(values, dtype=float).reshape(len(keys), len(columns))
    return Table(keys, columns, matrix, np.array(targets) if TARGET in names else None)


def _number(text: str | None, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{where}: {text!r} is not a finite number")
    return value


def _is_positive(text: str | None, where: str) -> bool:
    if text not in (POSITIVE, NEGATIVE):
        raise ValueError(f"{where}: {text!r} is neither {POSITIVE!r} nor {NEGATIVE!r}")
    return text == POSITIVE
