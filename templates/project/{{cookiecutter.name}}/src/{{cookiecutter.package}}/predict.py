"""Predict: `$MLOPS_INPUT_SAMPLES` by `$MLOPS_MODEL` to `$MLOPS_PREDICTIONS`."""

import csv
import os
from pathlib import Path

from . import data, model


def main() -> None:
    """Write key, score (probability of the positive class) and prediction of every row."""
    table = data.read(Path(os.environ["MLOPS_INPUT_SAMPLES"]))
    fitted = model.load(Path(os.environ["MLOPS_MODEL"]))
    scores = fitted.score(model.select(table, fitted.features))
    rows = zip(table.keys, scores.tolist(), model.decide(scores), strict=True)
    path = Path(os.environ["MLOPS_PREDICTIONS"])
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([data.KEY, "score", "prediction"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
