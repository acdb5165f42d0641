"""Write the tables of the demonstrations from what ships inside scikit-learn.

    python scripts/datasets.py

They are committed below templates/data/; a test writes them again and compares.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

from sklearn import datasets

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "templates/data"
#: scikit-learn names them age, sex, bmi, bp, s1 to s6; what those are is in its description.
DIABETES = (
    "age",
    "sex",
    "bmi",
    "blood_pressure",
    "cholesterol",
    "ldl",
    "hdl",
    "cholesterol_to_hdl",
    "log_triglycerides",
    "glucose",
)


def main() -> int:
    """Write them into the repository; returns 0."""
    for path in write_all(ROOT / FOLDER):
        print(path.relative_to(ROOT))
    return 0


def write_all(folder: Path) -> list[Path]:
    """Write `TASK/samples.csv` for every task below `folder`; returns the files."""
    tables = {"binary": tumours(), "multiclass": digits(), "regression": diabetes()}
    return [_write(folder / task / "samples.csv", rows) for task, rows in tables.items()]


def tumours() -> list[list[Any]]:
    """Breast Cancer Wisconsin (Diagnostic), 569 rows: id, 30 measurements, diagnosis."""
    found = datasets.load_breast_cancer()
    names = [name.replace(" ", "_") for name in found.feature_names]
    words = [str(found.target_names[each]) for each in found.target]
    return _table(names, found.data.tolist(), "diagnosis", words)


def digits() -> list[list[Any]]:
    """Optical Recognition of Handwritten Digits, 1,797 rows: id, 64 shades of 0 to 16, digit."""
    found = datasets.load_digits()
    shades = found.data.astype(int).tolist()
    return _table(list(found.feature_names), shades, "digit", found.target.tolist())


def diabetes() -> list[list[Any]]:
    """Diabetes, 442 rows: id, 10 measurements in their own units, progression after a year."""
    found = datasets.load_diabetes(scaled=False)
    rows = [[_short(cell) for cell in row] for row in found.data.tolist()]
    return _table(list(DIABETES), rows, "progression", [_short(each) for each in found.target])


def _table(names: list[str], rows: list[Any], target: str, values: list[Any]) -> list[list[Any]]:
    numbered = zip(range(1, len(rows) + 1), rows, values, strict=True)
    return [["id", *names, target], *([number, *row, value] for number, row, value in numbered)]


def _short(number: float) -> float | int:
    """A whole number without its point."""
    return int(number) if number == int(number) else float(number)


def _write(path: Path, rows: list[list[Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
    return path


if __name__ == "__main__":
    sys.exit(main())
