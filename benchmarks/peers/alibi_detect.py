"""alibi-detect: `python -I alibi_detect.py REFERENCE CURRENT FOUND`.

Kolmogorov-Smirnov for numbers, chi-squared for the rest, Bonferroni over the columns: its
defaults. It knows no missing values: those of a number become the column's median, those of a
text a category. FOUND: the columns that it calls drifted, as JSON.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from alibi_detect.cd import TabularDrift

NOT_MEASURED = {"key", "target", "time", "version", "score", "prediction"}


def main(reference: str, current: str, found: str) -> int:
    """Compare, and write what has drifted."""
    names = [name for name in pq.read_schema(reference).names if name not in NOT_MEASURED]
    before, after = (pq.read_table(path, columns=names) for path in (reference, current))
    rows = [np.empty((table.num_rows, len(names)), dtype=np.float32) for table in (before, after)]
    categories = {}
    for place, name in enumerate(names):
        columns = [table.column(name).to_pandas() for table in (before, after)]
        if columns[0].dtype.kind in "fiu":
            middle = columns[0].median()
            for into, column in zip(rows, columns, strict=True):
                into[:, place] = column.fillna(middle)
            continue
        categories[place] = None
        known = {value: code for code, value in enumerate(columns[0].unique())}
        for into, column in zip(rows, columns, strict=True):
            into[:, place] = column.map(known).fillna(len(known))
    del before, after
    detector = TabularDrift(rows[0], p_val=0.05, categories_per_feature=categories)
    answer = detector.predict(rows[1], drift_type="feature")["data"]
    drifted = [name for name, yes in zip(names, answer["is_drift"], strict=True) if yes]
    Path(found).write_text(json.dumps(drifted))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
