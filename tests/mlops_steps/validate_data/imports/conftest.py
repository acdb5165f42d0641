"""Tables of which the original tool and the imported contract have to say the same.

A case is a column with good values and bad ones. The good table has good values only; of each bad
value there is a table that differs from it in that one cell.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.mlops_steps.validate_data.conftest import CONFIG, Judged, Row, write_table

from mlops_steps import environments

LOCKS = Path(__file__).resolve().parents[4] / "requirements" / "imports"
ROWS = 40
#: Where a table is spoilt.
PLACE = 21


@dataclass(frozen=True)
class Case:
    """A column, what is asked of it, and values as texts; None is an empty cell."""

    name: str
    kind: str  # DuckDB's type
    asked: str
    good: tuple[str | None, ...]
    bad: tuple[str | None, ...]


def good_table(cases: list[Case]) -> list[Row]:
    rows: list[Row] = []
    for number in range(ROWS):
        row: Row = {"id": str(number), "label": "bad" if number % 3 else "good"}
        for case in cases:
            row[case.name] = case.good[number % len(case.good)]
        rows.append(row)
    return rows


def spoilt(cases: list[Case]) -> Iterator[tuple[str, str, list[Row]]]:
    """A name, the spoilt column, and the table, of every bad value."""
    for case in cases:
        for bad in case.bad:
            rows = good_table(cases)
            rows[PLACE][case.name] = bad
            yield f"{case.name}={bad}", case.name, rows


def types(cases: list[Case]) -> dict[str, str]:
    return {"id": "BIGINT", "label": "VARCHAR"} | {case.name: case.kind for case in cases}


def agree(
    theirs: dict[str, bool],
    every: dict[str, list[Row]],
    kinds: dict[str, str],
    contract: str,
    judged: Callable[..., Judged],
) -> None:
    """Each table gets the same verdict from both; Parquet and CSV by turns, the good one both."""
    both = [("good", "parquet"), *((name, ("csv", "parquet")[place % 2])
            for place, name in enumerate(every))]  # fmt: skip
    for name, kind in both:
        ours = judged(every[name], kind=kind, types=kinds, contract=contract)
        assert (ours.status.value == "pass") == theirs[name], (name, kind, ours.red())


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    """A project with a lock, and a table of the good rows if there is one."""

    def make(lock: str = "") -> Path:
        folder = tmp_path / "project"
        (folder / "data").mkdir(parents=True, exist_ok=True)
        (folder / "mlops.yaml").write_text(CONFIG)
        if lock:
            (folder / "requirements.txt").write_text((LOCKS / lock).read_text())
        return folder

    return make


def original(
    program: str, lock: str, tables: dict[str, list[Row]], kinds: dict[str, str], folder: Path
) -> dict[str, bool]:
    """Whether the tool itself accepts each table: the program judges the Parquet files it is given.

    It runs in an environment of its own. It prints JSON: the name of a table to true or false.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for number, (name, rows) in enumerate(tables.items()):
        path = folder / f"{number}.parquet"
        write_table(path, rows, "parquet", kinds)
        files[name] = str(path)
    (folder / "judge.py").write_text(program)
    (folder / "tables.json").write_text(json.dumps(files))
    python = environments.build(str(LOCKS / lock))
    found = subprocess.run(
        [python, "judge.py"], cwd=folder, capture_output=True, text=True, timeout=200, check=False
    )
    assert found.returncode == 0, found.stderr[-3000:]
    answers: dict[str, bool] = json.loads(found.stdout.splitlines()[-1])
    return answers
