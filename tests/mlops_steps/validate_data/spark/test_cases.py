"""The cases of test_canaries and test_kinds, each a column of one wide table, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from tests.mlops_steps.validate_data import test_canaries, test_kinds, test_plain
from tests.mlops_steps.validate_data.conftest import CONTRACT, TYPES, Row, good_rows

Judge = Callable[..., Any]

PLACE = 41
#: How the contract says each column, by its name.
LINES = dict(line.strip().split(": ", 1) for line in CONTRACT.splitlines()[2:])
#: What a contract says of a column of numbers from 1 to 9.9, or of texts, where it is good.
WHOLE = [
    ("size", f"type: number, min: 0.5, max: 10, {more}")
    for more in (
        "mean: {min: 4, max: 7}",
        "mean: {min: 7}",
        "mean: {max: 4}",
        "quantiles: [{at: 0.5, min: 4, max: 6}, {at: 0.01, max: 1}]",
        "quantiles: [{at: 0.5, min: 6}]",
        "quantiles: [{at: 0.5, max: 3.8}]",
        "quantiles: [{at: 0.999, max: 9.8}]",
        "distinct: {min: 95, max: 95}",
        "distinct: {max: 94}",
        "unique: true, tolerate: 0.5",
        "allowed: [1, 2]",
        "severity: warn",
        "tolerate: 0.0084",
    )
] + [
    ("label", f"type: text, shares: [{{value: bad, {share}}}], personal: none")
    for share in ("min: 0.6, max: 0.7", "min: 0.7", "max: 0.6")
]  # fmt: skip
RULES = [
    "size > 0",
    "size >= 0 and not (size is null)",
    "size is null or size > 0",
    "ratio < 99",
    "size * 100 > count and (seen is null or seen >= date '2026-01-01') and length(label) > 2",
    "seen is null or seen > timestamp '2026-01-02 03:04:04'",
    "seen is null or seen > timestamp '2026-01-02 03:04:05'",
    "seen > date '2020-01-01'",
    "seen > true",
    "absent > 1",
    "case when paid then size < 8 when size is null then false else grade in (1, 2) end",
    "case label when 'good' then count < 7 else true end",
    "note is null or (note like 'say %' and not note like '_ay 4%' and starts_with(note, 's'))",
    "trim(label) = label and lower(label) <> upper(label) and coalesce(note, label) <> ''",
    "abs(size - 5) between 0.1 and 4.5 and -count < 0",
    "least(size, count, 3) <= greatest(size, 1)",
    "size / count > 0.1 and count % 2 in (0, 1) and cast(count as double) / 2 < 4",
    "cast(count as varchar) <> '3' and cast(seen as date) is null",
    "count / (grade - 1) >= 0",
    "size / (count - 1) - size / (count - 1) >= 0",
]  # fmt: skip
GROUPS = [
    ("grade", "count(*) = 40 and max(size) - min(size) < 9.5"),
    ("grade", "max(size) < 99 and count(size) > 38"),
    ("label", "count(distinct grade) = 3 and sum(count) > 100 and avg(count) < 5"),
    ("paid", "min(seen) = timestamp '2026-01-02 03:04:05'"),
    ("absent", "count(*) > 1"),
]


def columns(kind: str) -> list[tuple[str, str, str | None]]:
    """Column, what the contract says of it, and a cell in row `PLACE`."""
    cases = test_canaries.TYPED if kind == "parquet" else test_canaries.SPOILT
    found = [(name, LINES[name].strip("{}"), cell) for name, cell, _ in cases]
    for line, name, cell, *_ in test_kinds.SPOILT:
        found.append((name, line.partition(": ")[2].removeprefix("{")[:-1], cell))
    return found + [(name, line, "1.5" if name == "size" else "good") for name, line in WHOLE]


def table(kind: str) -> tuple[list[Row], str, dict[str, str]]:
    """Rows, their contract, and DuckDB's types of the columns."""
    rows, lines, types = good_rows(), [], {}
    for at, (name, said, cell) in enumerate(columns(kind)):
        own = f"{name} {at}"
        lines.append(f"  {own}: {{{said}}}")
        types[own] = TYPES[name]
        for row in rows:
            row[own] = row[name]
        rows[PLACE - 1][own] = cell
    for place, cells in {
        7: {"size": "nan"},
        10: {"size": None, "grade": "2"},
        12: {"paid": None},
        19: {"note": "say é"},
        33: {"id": "9"},
        34: {"id": "9"},
        35: {name: rows[50][name] for name in ("size", "count", "grade")},
    }.items():
        rows[place] |= cells
    rows = [row | {"leak": "1"} for row in rows]
    rules = [f'  - {{name: "r{at}", sql: "{sql}"}}' for at, sql in enumerate(RULES)]
    groups = [
        f'  - {{name: "g{at}", by: [{by}], sql: "{sql}"}}' for at, (by, sql) in enumerate(GROUPS)
    ]
    more = ["  absent: {type: number, min: 0}", *lines, "rules:", *rules, "groups:", *groups]
    more += [
        "unique: [[size, count, grade], [grade, note]]",
        "fresh: [{column: seen, within: 9 days}]",
    ]
    more.append("references: [{columns: [grade, label], file: data/grades.csv, to: [a, b]}]")
    return rows, CONTRACT + "\n".join(more) + "\n", types


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_every_case_comes_to_the_same(both: Judge, tmp_path: Path, kind: str) -> None:
    (tmp_path / "data").mkdir()
    pairs = "".join(f"{grade},{label}\n" for grade in (1, 2, 3) for label in ("bad", "good"))
    (tmp_path / "data" / "grades.csv").write_text("a,b\n" + pairs.replace("2,bad\n", ""))
    rows, contract, types = table(kind)
    found = both(rows, contract, kind=kind, types=types)
    assert found.unlike() == []
    # One writes a number, which a double is where the file has no types.
    assert found.undecided() == ({"r17: rule"} if kind != "parquet" else set())
    statuses = [each.status for each in found.spark.values()]
    assert statuses.count("fail") > 30
    assert statuses.count("pass") > 100


def test_no_rows_are_never_a_pass(both: Judge) -> None:
    found = both(",".join(good_rows()[0]) + "\n", CONTRACT)
    assert (found.unlike(), found.undecided()) == ([], set())
    assert [name for name, each in found.spark.items() if each.status == "pass"] == ["columns"]


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=test_plain.cases())
def test_drawn_tables_and_contracts(both: Judge, case: Any) -> None:
    kind, cells, contract = case
    whole: dict[str, list[str | None]] = {
        "id": [str(k + 1) for k in range(test_plain.ROWS)],
        **cells,
        "label": ["good" if k % 2 else "bad" for k in range(test_plain.ROWS)],
    }
    rows = [{name: each[k] for name, each in whole.items()} for k in range(test_plain.ROWS)]
    found = both(rows, yaml.safe_dump(contract), kind=kind, types=test_plain.TYPES)
    assert found.unlike() == []
    assert found.undecided() == set()
