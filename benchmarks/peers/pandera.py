"""pandera on a lazy polars frame: `python -I pandera.py TABLE CHECKS`; 1 where a check fails.

Lazily it looks at the schema alone unless PANDERA_VALIDATION_DEPTH is SCHEMA_AND_DATA.
"""

import json
import sys
from pathlib import Path

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors


def main(table: str, checks: str) -> int:
    """Judge the table; 1 where a check fails."""
    frame = pl.scan_parquet(table)
    columns = {name: [] for name in frame.collect_schema()}
    filled, unique, whole = set(), set(), []
    for check in json.loads(Path(checks).read_text()):
        name = check.get("column", "")
        match check["kind"]:
            case "nulls":
                filled.add(name)
            case "unique":
                unique.add(name)
            case "range":
                columns[name].append(pa.Check.in_range(check["low"], check["high"]))
            case "set":
                columns[name].append(pa.Check.isin(check["allowed"]))
            case "regex":
                columns[name].append(pa.Check.str_matches(check["pattern"]))
            case "rule":
                whole.append(_rule(check["name"], pl.sql_expr(check["sql"])))
            case "rows":
                whole.append(_rule("rows", pl.len() == check["count"]))
    kinds = frame.collect_schema()
    schema = pa.DataFrameSchema(
        {
            name: pa.Column(kinds[name], wanted, nullable=name not in filled, unique=name in unique)
            for name, wanted in columns.items()
        },
        checks=whole,
    )
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        print(sorted({(each.reason_code.name, str(each.check)) for each in errors.schema_errors}))
        return 1
    return 0


def _rule(name: str, good: pl.Expr) -> pa.Check:
    return pa.Check(lambda data: data.lazyframe.select(good.alias(name)), name=name)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
