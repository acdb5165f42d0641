"""A table of 120 good rows with every kind of column, and the means to judge a spoilt one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.footers import STAND_IN, make_nan

from mlops_steps import config
from mlops_steps.record import Record, Verdict
from mlops_steps.spec import Status
from mlops_steps.validate_data.step import STEP, run

CONTRACT = """\
rows: {min: 100, max: 200}
columns:
  id: {type: integer, unique: true}
  size: {type: number, min: 0.5, max: 10}
  count: {type: integer, min: 1}
  grade: {type: integer, allowed: [1, 2, 3]}
  ratio: {type: number}
  note: {type: text, nullable: true}
  paid: {type: boolean}
  seen: {type: timestamp, nullable: true}
  label: {type: text, allowed: ["good", "bad"]}
"""

CONFIG = """\
model: {name: things, task: binary}
data:
  inputs:
    things:
      path: data/things
      key: id
      target: label
      positive: bad
      split: {by: hash, salt: s, test: 0.3, valid: 0.2}
      contract: data/contract.yaml
commands: {train: "true", predict: "true", serve: "true", test: "true"}
gate: {test: [roc_auc >= 0.5], valid: [roc_auc >= 0.5]}
"""

#: DuckDB's types of the columns when they are written as Parquet.
TYPES = {
    "id": "BIGINT",
    "size": "DOUBLE",
    "count": "INTEGER",
    "grade": "SMALLINT",
    "ratio": "FLOAT",
    "note": "VARCHAR",
    "paid": "BOOLEAN",
    "seen": "TIMESTAMP",
    "label": "VARCHAR",
}

Row = dict[str, str | None]


def good_rows() -> list[Row]:
    """Every cell as its text; None is a null."""
    return [
        {
            "id": str(number),
            "size": f"{0.5 + number % 95 / 10}",
            "count": str(1 + number % 7),
            "grade": str(1 + number % 3),
            "ratio": f"{number / 7}",
            "note": None if number % 4 else f"say {number}",
            "paid": "true" if number % 2 else "false",
            "seen": None if number % 5 else "2026-01-02 03:04:05",
            "label": "bad" if number % 3 else "good",
        }
        for number in range(1, 121)
    ]


def write_table(
    path: Path, rows: list[Row], kind: str, types: dict[str, str] | None = None
) -> None:
    """Write rows as CSV, JSON lines or Parquet; there, `STAND_IN` becomes NaN behind the footer."""
    names = list(rows[0])
    connection = duckdb.connect()
    columns = ", ".join(f'"{name}" VARCHAR' for name in names)
    connection.execute(f"CREATE TABLE t ({columns})")
    marks = ", ".join("?" for _ in names)
    connection.executemany(
        f"INSERT INTO t VALUES ({marks})", [[row[name] for name in names] for row in rows]
    )
    wanted = TYPES | (types or {})
    cells = ", ".join(
        f'CAST("{name}" AS {wanted.get(name, "VARCHAR")}) AS "{name}"' for name in names
    )
    query = f"SELECT {cells} FROM t" if kind == "parquet" else "FROM t"
    option = {"parquet": "FORMAT parquet", "jsonl": "FORMAT json", "csv": "FORMAT csv, HEADER"}[
        kind
    ]
    left_out = kind == "parquet" and any(str(STAND_IN) in row.values() for row in rows)
    option += ", COMPRESSION uncompressed" if left_out else ""
    connection.execute(f"COPY ({query}) TO '{path}' ({option})")
    connection.close()
    if left_out:
        make_nan(path)


@dataclass
class Judged:
    """How a run ended, and its checks by `column: check`."""

    status: Status
    verdict: Verdict
    checks: dict[str, dict[str, Any]]

    def red(self) -> dict[str, str]:
        """The checks that did not pass, with their status."""
        return {
            name: each["status"] for name, each in self.checks.items() if each["status"] != "pass"
        }


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Judged]:
    """Run the step on rows, in this process."""

    def run_step(
        rows: list[Row] | str,
        *,
        kind: str = "csv",
        types: dict[str, str] | None = None,
        contract: str = CONTRACT,
        split: str = "test",
        described: str = CONFIG,
        **inputs: str,
    ) -> Judged:
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "mlops.yaml").write_text(described)
        (tmp_path / "data" / "contract.yaml").write_text(contract)
        table = tmp_path / "data" / "things"
        if isinstance(rows, str):
            table.write_text(rows)
        else:
            write_table(table, rows, kind, types)
        record = Record(STEP, tmp_path, config.load(tmp_path), {"split": split, **inputs})
        status = run(record)
        return Judged(status, record.verdict, checks(tmp_path))

    return run_step


@pytest.fixture
def good() -> Callable[[], list[Row]]:
    """120 rows that the contract allows."""
    return good_rows


def checks(folder: Path) -> dict[str, dict[str, Any]]:
    """`checks.json` by `column: check`."""
    listed = json.loads((folder / "out" / "validate-data" / "checks.json").read_text())
    return {f"{each['column']}: {each['check']}".removeprefix(": "): each for each in listed}
