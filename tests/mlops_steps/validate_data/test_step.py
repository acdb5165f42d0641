"""The step as a whole, on the demo's table: its verdict, its exit codes, what it looks at."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.conftest import MLOPS_YAML

ROOT = Path(__file__).resolve().parents[3]
CONTRACT = ROOT / "templates" / "data" / "binary" / "contract.yaml"


@pytest.fixture
def demo(sample: Callable[..., Any]) -> Any:
    made = sample()
    made.write("data/contract.yaml", CONTRACT.read_text())
    return made


def spoil(made: Any, key: str, column: str, cell: str) -> None:
    path = made.folder / "data" / "samples.csv"
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        if row["id"] == key:
            row[column] = cell
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def in_test(key: int) -> bool:
    return int(hashlib.sha256(f"tumour-1:{key}".encode()).hexdigest()[:15], 16) / 16**15 < 0.3


def test_the_demo_passes_and_the_chain_knows_its_files(demo: Any) -> None:
    ran = demo.run("validate-data")
    assert (ran.code, ran.verdict["status"]) == (0, "pass"), ran.text
    assert ran.verdict["line"] == "104 checks, 569 rows"
    assert set(ran.verdict["took"]) == {"data/samples.csv", "data/contract.yaml"}
    assert set(ran.verdict["wrote"]) == {"out/validate-data/checks.json"}


def test_a_bad_row_is_refused_in_words(demo: Any) -> None:
    spoil(demo, "5", "mean_area", "-1001")
    ran = demo.run("validate-data")
    assert (ran.code, ran.verdict["status"]) == (1, "fail")
    assert ran.verdict["line"] == "1 of 104 checks failed, 569 rows"
    wanted = "mean_area: range: 1 of 569 rows outside 100 to 4000 (row 5)"
    assert ran.verdict["lines"] == [wanted, "Nothing was trained on this table."]
    (finding,) = ran.verdict["findings"]
    assert (finding["rule"], finding["message"]) == ("data/range", wanted)
    assert finding["file"] == "data/samples.csv"
    assert "1001" not in ran.text


def test_test_rows_are_not_looked_at_when_valid_judges(demo: Any) -> None:
    key = next(number for number in range(1, 570) if in_test(number))
    spoil(demo, str(key), "diagnosis", "unclear")
    ran = demo.run("validate-data", split="valid")
    assert (ran.code, ran.verdict["line"]) == (0, "104 checks, 393 rows, none of the test split")
    assert demo.run("validate-data", split="test").code == 1


def test_a_row_that_is_looked_at_keeps_its_number_in_the_file(demo: Any) -> None:
    key = next(number for number in range(300, 570) if not in_test(number))
    spoil(demo, str(key), "diagnosis", "unclear")
    ran = demo.run("validate-data", split="valid")
    assert f"rows not one of benign, malignant (row {key})" in ran.text


def test_a_table_from_elsewhere_is_copied_anew_each_time(sample: Callable[..., Any]) -> None:
    source = "      source: {kind: sqlite, address: data/d.sqlite, table: t}\n"
    made = sample(MLOPS_YAML.replace("path: data/samples.csv\n", f"path: data/t\n{source}"))
    made.write("data/contract.yaml", CONTRACT.read_text())
    with (made.folder / "data" / "samples.csv").open(newline="") as stream:
        header, *rows = list(csv.reader(stream))
    with contextlib.closing(sqlite3.connect(made.folder / "data" / "d.sqlite")) as database:
        database.execute(f"CREATE TABLE t ({', '.join(header)})")
        database.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(header))})", rows)
        database.commit()
        first = made.run("validate-data")
        again = made.run("validate-data")
        database.execute("DELETE FROM t WHERE CAST(id AS INTEGER) > 560")
        database.commit()
    later = made.run("validate-data")
    assert [each.code for each in (first, again, later)] == [0, 0, 0], first.text + again.text
    assert "104 checks, 569 rows" in again.verdict["line"]
    assert "104 checks, 560 rows" in later.verdict["line"]
    (copy,) = (made.folder / "out/validate-data/source").iterdir()
    name = copy.relative_to(made.folder).as_posix()
    assert first.verdict["wrote"][name] == again.verdict["wrote"][name]
    assert later.verdict["wrote"][name] != again.verdict["wrote"][name]


def test_exit_codes_of_what_cannot_be_judged(demo: Any) -> None:
    table = demo.folder / "data" / "samples.csv"
    whole = table.read_text()
    table.write_text(whole.replace("mean_radius", "radius_mean", 1))
    ran = demo.run("validate-data")  # the other name is a column too many: judged
    assert (ran.code, ran.verdict["status"]) == (1, "fail")
    assert "mean_radius: range: cannot be judged: the table has no such column" in ran.text

    table.write_text(whole + "570,1,2\n")
    ran = demo.run("validate-data")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert "samples.csv: cannot be read" in ran.verdict["line"]

    table.unlink()
    ran = demo.run("validate-data")
    assert (ran.code, ran.verdict["line"]) == (3, "data/samples.csv: not found")

    demo.write("data/contract.yaml", "columns: {}\n")
    assert demo.run("validate-data").code == 2
