"""soda on DuckDB, the table as a view: `python -I soda.py TABLE CHECKS`; 1 where a check fails.

Given a Parquet file as its database, it would first copy it into memory.
"""

import json
import os
import sys
from pathlib import Path

os.environ["SODA_CORE_TELEMETRY_ENABLED"] = "false"

import duckdb
from soda_core.common.yaml import ContractYamlSource
from soda_core.contracts.contract_verification import ContractVerificationSession
from soda_duckdb.common.data_sources.duckdb_data_source import DuckDBDataSourceImpl


def main(table: str, checks: str) -> int:
    """Judge the table; 1 where a check fails."""
    connection = duckdb.connect(":memory:")
    connection.execute(f"CREATE VIEW orders AS FROM read_parquet('{table}')")
    columns, whole = {}, []
    for check in json.loads(Path(checks).read_text()):
        wanted = columns.setdefault(check["column"], []) if "column" in check else whole
        match check["kind"]:
            case "nulls":
                wanted.append({"missing": None})
            case "unique":
                wanted.append({"duplicate": None})
            case "range":
                limits = {"valid_min": check["low"], "valid_max": check["high"]}
                wanted.append({"invalid": {"qualifier": "range", **limits}})
            case "set":
                wanted.append({"invalid": {"qualifier": "set", "valid_values": check["allowed"]}})
            case "regex":
                form = {"regex": check["pattern"], "name": "form"}
                wanted.append({"invalid": {"qualifier": "regex", "valid_format": form}})
            case "rule":
                bad = {"qualifier": check["name"], "expression": f"NOT ({check['sql']})"}
                wanted.append({"failed_rows": bad})
            case "rows":
                wanted.append({"row_count": {"threshold": {"must_be": check["count"]}}})
    contract = {
        "dataset": "bench/main/orders",
        "columns": [{"name": name, "checks": wanted} for name, wanted in columns.items()],
        "checks": whole,
    }
    source = DuckDBDataSourceImpl.from_existing_cursor(connection, name="bench")
    result = ContractVerificationSession.execute(
        contract_yaml_sources=[ContractYamlSource.from_str(json.dumps(contract))],
        data_source_impls=[source],
    )
    if result.has_errors:
        print(result.get_errors_str())
        return 3
    return int(not result.is_passed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
