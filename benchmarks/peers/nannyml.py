"""nannyml's univariate drift: `python -I nannyml.py REFERENCE CURRENT FOUND`.

Its defaults: Jensen-Shannon distance of ten chunks against the reference. FOUND: the columns
with an alert in any chunk of the current data, as JSON.
"""

import json
import os
import sys
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml as nml
import pandas as pd

NOT_MEASURED = {"key", "target", "time", "version", "score", "prediction"}


def main(reference: str, current: str, found: str) -> int:
    """Compare, and write what has drifted."""
    before = pd.read_parquet(reference)
    names = [name for name in before.columns if name not in NOT_MEASURED]
    before = before[names]
    after = pd.read_parquet(current, columns=names)
    calculator = nml.UnivariateDriftCalculator(column_names=names)
    calculator.fit(before)
    results = calculator.calculate(after).filter(period="analysis").to_df()
    drifted = [name for name in names if results[name]["jensen_shannon"]["alert"].any()]
    Path(found).write_text(json.dumps(drifted))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
