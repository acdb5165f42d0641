"""evidently's data drift preset: `python -I evidently.py REFERENCE CURRENT FOUND`.

Its defaults, of large data: Wasserstein and Jensen-Shannon distance. FOUND: the columns that
it calls drifted, as JSON.
"""

import json
import os
import sys
from pathlib import Path

os.environ["DO_NOT_TRACK"] = "1"

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

NOT_MEASURED = {"key", "target", "time", "version", "score", "prediction"}


def main(reference: str, current: str, found: str) -> int:
    """Compare, and write what has drifted."""
    before = pd.read_parquet(reference)
    names = [name for name in before.columns if name not in NOT_MEASURED]
    before = before[names]
    after = pd.read_parquet(current, columns=names)
    numbers = [name for name in names if before[name].dtype.kind in "fiu"]
    others = [name for name in names if name not in numbers]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=others)
    datasets = [Dataset.from_pandas(each, data_definition=definition) for each in (after, before)]
    snapshot = Report([DataDriftPreset()]).run(*datasets)
    drifted = [
        metric["config"]["column"]
        for metric in snapshot.dict()["metrics"]
        if "threshold" in metric["config"] and metric["value"] >= metric["config"]["threshold"]
    ]
    Path(found).write_text(json.dumps(drifted))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
