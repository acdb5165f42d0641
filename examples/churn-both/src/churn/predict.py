"""Predict: `$MLOPS_INPUT_SAMPLES` by `$MLOPS_MODEL` to `$MLOPS_PREDICTIONS`."""

import csv
import os
from pathlib import Path

from . import data, model


def main() -> None:
    """Write the key and the model's outputs for every row."""
    table = data.read(Path(os.environ["MLOPS_INPUT_SAMPLES"]))
    fitted = model.load(Path(os.environ["MLOPS_MODEL"]))
    outputs = fitted.predict(fitted.encoder.encode(table))
    with Path(os.environ["MLOPS_PREDICTIONS"]).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([data.KEY, *outputs])
        writer.writerows(zip(table.keys, *outputs.values(), strict=True))


if __name__ == "__main__":
    main()
