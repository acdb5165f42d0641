"""The same contract on the same rows: Spark and DuckDB come to the same figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.validate_data.conftest import CONTRACT, good_rows

Judge = Callable[..., Any]

#: Every kind of check at once.
WIDE = """\
rows: {min: 100, max: 200}
columns:
  id: {type: integer, unique: true}
  size: {type: number, min: 0.5, max: 10, mean: {min: 4, max: 7}, distinct: {min: 95, max: 95},
         quantiles: [{at: 0.5, min: 4, max: 6}, {at: 0.01, max: 1}]}
  count: {type: integer, min: 1, mean: {min: 3.9, max: 4.1}, distinct: {max: 7}}
  grade: {type: integer, allowed: [1, 2, 3], tolerate: 0.01}
  ratio: {type: number, unique: true}
  note: {type: text, nullable: true, regex: 'say [0-9]+', length: {min: 5, max: 7}, unique: true}
  paid: {type: boolean}
  seen: {type: timestamp, nullable: true}
  label: {type: text, allowed: ["good", "bad"], shares: [{value: bad, min: 0.6, max: 0.7}]}
unique: [[size, count, grade]]
fresh: [{column: seen, within: 20000 days}]
rules:
  - {name: bigger, sql: "size * 100 > count and (seen is null or seen >= date '2026-01-01')"}
  - {name: longer, sql: "length(label) > 2 and label in ('good', 'bad')"}
  - {name: moment, sql: "seen is null or seen > timestamp '2026-01-02 03:04:04'"}
  - {name: parts, sql: "count % 8 < 7.5 and size / 2 between 0.2 and 5.1 and not count = 8"}
  - {name: unkept, sql: "seen > date '2020-01-01'", severity: warn}
groups:
  - {name: even, by: [grade], sql: "count(*) = 40 and max(size) - min(size) < 9.5"}
  - {name: sums, by: [paid, label], sql: "sum(count) > 10 and avg(size) > 1"}
references: [{columns: [grade], file: data/grades.csv}]
"""


def spoilt() -> list[dict[str, str | None]]:
    """A row that breaks it for every check of `WIDE` that a row can break."""
    rows = good_rows()
    for place, cells in {
        3: {"size": "11"},
        7: {"size": "0.4", "count": "0"},
        11: {"grade": "4", "label": "ugly"},
        12: {"grade": None},
        15: {"note": "sag 15"},
        19: {"note": "say 1234567"},
        20: {"note": "say 24"},
        31: {"ratio": rows[40]["ratio"], "paid": None},
        33: {"id": "9"},
        35: {name: rows[50][name] for name in ("size", "count", "grade")},
        47: {"seen": "2019-05-06 07:08:09"},
        60: {"label": None},
        70: {"size": "NaN", "ratio": "inf"},
        71: {"size": "-inf"},
    }.items():
        rows[place] |= cells
    return rows


@pytest.mark.parametrize(("kind", "split"), [("jsonl", "test"), ("parquet", "valid")])
def test_every_kind_of_check(both: Judge, tmp_path: Path, kind: str, split: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "grades.csv").write_text("grade,name\n1,low\n2,mid\n3,high\n")
    found = both(spoilt(), WIDE, kind=kind, split=split)
    assert found.unlike() == []
    red = {name for name, each in found.spark.items() if each.status == "fail"}
    assert len(red) >= 14
    assert {each.status for each in found.spark.values()} == {"pass", "fail"}


def test_good_rows_pass_and_personal_data_are_found(both: Judge) -> None:
    found = both(good_rows(), CONTRACT, kind="parquet")
    assert found.unlike() == []
    assert {each.status for each in found.spark.values()} == {"pass"}
    rows = [row | {"note": f"mail to anna.{row['id']}@example.org"} for row in good_rows()]
    found = both(rows, CONTRACT, kind="parquet")
    assert found.unlike() == []
    assert found.spark["note: personal"].status == "fail"
    assert "anna" not in found.spark["note: personal"].message


#: Texts of which the two make something else, or may: none of them passes or fails unseen.
DOUBTFUL = ["1_000", "+nan", "\v1", "1_0.5e1"]
NUMBERS = ["1d", "0x10", " 1 ", "inf", "1e400", ".5", "5.", "1,5", "1E+5", "infinity", "1e-400",
           "- 5", "--5", "1f", "0x1p3", "iNf", "1.5.2", "x", "-", ".", "nan", "NaN"]  # fmt: skip
TIMES = ["2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04:05Z", "2026", "2026-01", "03:04",
         "2026-02-30", "2026-01-02 03:04", "2026-01-02 03:04:05.123456", "yesterday"]  # fmt: skip


def test_texts_are_read_alike_or_doubted(both: Judge) -> None:
    contract = """\
columns:
  id: {type: integer, personal: none}
  n: {type: number, nullable: true, mean: {max: 1}, personal: none}
  t: {type: timestamp, nullable: true}
  label: {type: text, allowed: [good, bad]}
"""
    size = max(len(NUMBERS), len(TIMES))
    rows = [
        {"id": str(at), "n": dict(enumerate(NUMBERS)).get(at), "t": dict(enumerate(TIMES)).get(at),
         "label": "good" if at % 2 else "bad"}
        for at in range(size)
    ]  # fmt: skip
    found = both(rows, contract)
    assert found.unlike() == []
    assert found.spark["n: type"].n_failed > 8
    assert found.spark["t: type"].n_failed > 3
    rows[3]["n"] = DOUBTFUL[0]
    rows[4]["t"] = "2026/01/02"
    found = both(rows, contract)
    red = {name for name, each in found.spark.items() if each.status == "undecided"}
    assert red == {"n: type", "n: mean", "t: type"}


def test_what_spark_is_not_asked_is_undecided(both: Judge) -> None:
    found = both(good_rows(), CONTRACT + "copies: {}\n", kind="parquet")
    assert found.spark["copies"].status == "undecided"
