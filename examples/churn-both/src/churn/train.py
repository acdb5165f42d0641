"""Train: `$MLOPS_INPUT_SAMPLES`, `$MLOPS_PARAMS` and `$MLOPS_SEED` to `$MLOPS_MODEL`."""

import json
import os
from pathlib import Path

from . import data, model


def main() -> None:
    """Read the table, fit, save."""
    table = data.read(Path(os.environ["MLOPS_INPUT_SAMPLES"]))
    params = json.loads(Path(os.environ["MLOPS_PARAMS"]).read_text())
    fitted = model.fit(table, params, seed=int(os.environ["MLOPS_SEED"]))
    model.save(fitted, Path(os.environ["MLOPS_MODEL"]))
    print(f"{len(table.keys)} rows, {params}")


if __name__ == "__main__":
    main()
