"""dataframely on a lazy polars frame: `python -I dataframely.py TABLE CHECKS`; 1 where one fails.

It says only whether the table is valid: to count the failing rows costs it more.
"""

import json
import sys
from pathlib import Path

import dataframely as dy
import polars as pl

KINDS = {
    pl.Int16: dy.Int16,
    pl.Int32: dy.Int32,
    pl.Int64: dy.Int64,
    pl.Float64: dy.Float64,
    pl.String: dy.String,
    pl.Boolean: dy.Bool,
}


def main(table: str, checks: str) -> int:
    """Judge the table; 1 where a check fails."""
    frame = pl.scan_parquet(table)
    kinds = frame.collect_schema()
    wanted = {name: {"nullable": True} for name in kinds}
    rules = {}
    for check in json.loads(Path(checks).read_text()):
        column = wanted.get(check.get("column", ""), {})
        match check["kind"]:
            case "nulls":
                column["nullable"] = False
            case "unique":
                column["unique"] = True
            case "range":
                column |= {"min": check["low"], "max": check["high"]}
            case "set":
                column["check"] = _among(check["allowed"])
            case "regex":
                column["regex"] = check["pattern"]
            case "rule":
                rules[check["name"]] = _rule(pl.sql_expr(check["sql"]))
            case "rows":
                rules["rows"] = _rule(pl.len() == check["count"])
    fields = {
        name: dy.Datetime(time_unit="us", **options)
        if isinstance(kinds[name], pl.Datetime)
        else KINDS[type(kinds[name])](**options)
        for name, options in wanted.items()
    }
    schema = type("Orders", (dy.Schema,), {**fields, **rules})
    return int(not schema.is_valid(frame))


def _among(allowed: list):
    return lambda value: value.is_in(allowed)


def _rule(good: pl.Expr):
    return dy.rule()(lambda _: good)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
