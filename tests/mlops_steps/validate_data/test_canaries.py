"""One bad row in good data, for every kind of check: it must turn red, and name the row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mlops_steps.data.tables import connect, scan
from mlops_steps.spec import Status
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.checks import compile_checks
from mlops_steps.validate_data.contract import Column, Contract
from mlops_steps.validate_data.judge import judge
from mlops_steps.validate_data.view import View

Judge = Callable[..., Any]
Good = Callable[[], list[dict[str, str | None]]]

PLACE = 41  # the spoilt row's number, from 1

#: column, cell, and the checks that it breaks.
SPOILT: list[tuple[str, str | None, set[str]]] = [
    ("size", "large", {"type", "range"}),
    ("size", "0.49", {"range"}),
    ("size", "10.01", {"range"}),
    ("size", "inf", {"range"}),
    ("size", "-inf", {"range"}),
    ("size", "nan", {"nulls"}),
    ("size", None, {"nulls"}),
    ("ratio", "inf", {"type"}),
    ("ratio", "NaN", {"nulls"}),
    ("ratio", None, {"nulls"}),
    ("ratio", "1,5", {"type"}),
    ("count", "2.5", {"type"}),
    ("count", "0", {"range"}),
    ("count", "inf", {"range"}),
    ("count", "two", {"type", "range"}),
    ("grade", "4", {"set"}),
    ("grade", "x", {"type", "set"}),
    ("grade", "inf", {"type", "set"}),
    ("paid", "yes", {"type"}),
    ("paid", "1", {"type"}),
    ("paid", None, {"nulls"}),
    ("seen", "yesterday", {"type"}),
    ("label", "Good", {"set"}),
    ("label", None, {"nulls"}),
    ("id", "x7", {"type"}),
    ("id", "1.5", {"type"}),
]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_good_rows_pass(judged: Judge, good: Good, kind: str) -> None:
    found = judged(good(), kind=kind)
    assert (found.status, found.red()) == (Status.PASS, {})
    assert found.verdict.line == f"{len(found.checks)} checks, 120 rows"
    assert {each["n_failed"] for each in found.checks.values()} == {0}


@pytest.mark.parametrize(("column", "cell", "broken"), SPOILT)
def test_a_bad_cell_turns_red(
    judged: Judge, good: Good, column: str, cell: str | None, broken: set[str]
) -> None:
    rows = good()
    rows[PLACE - 1][column] = cell
    found = judged(rows)
    expected = {f"{column}: {check}" for check in broken}
    if (column, cell) == ("label", "Good"):
        expected.add("label: target")  # a third value
    assert found.red() == dict.fromkeys(expected, "fail")
    assert found.status is Status.FAIL
    for name in (f"{column}: {check}" for check in broken):
        check = found.checks[name]
        assert (check["n"], check["n_failed"], check["rows"]) == (120, 1, [PLACE])
        assert check["share"] == pytest.approx(1 / 120)
        assert f"(row {PLACE})" in check["message"]


TYPED: list[tuple[str, str | None, set[str]]] = [
    ("size", "10.01", {"range"}),
    ("size", "inf", {"range"}),
    ("size", "nan", {"nulls"}),
    ("size", None, {"nulls"}),
    ("ratio", "inf", {"type"}),
    ("count", "0", {"range"}),
    ("grade", "4", {"set"}),
    ("paid", None, {"nulls"}),
    ("label", None, {"nulls"}),
]


@pytest.mark.parametrize(("column", "cell", "broken"), TYPED)
def test_a_bad_cell_turns_red_in_parquet(
    judged: Judge, good: Good, column: str, cell: str | None, broken: set[str]
) -> None:
    rows = good()
    rows[PLACE - 1][column] = cell
    found = judged(rows, kind="parquet")
    assert found.red() == dict.fromkeys((f"{column}: {check}" for check in broken), "fail")
    assert all(found.checks[f"{column}: {check}"]["rows"] == [PLACE] for check in broken)


@pytest.mark.parametrize(
    ("column", "kind", "wanted"),
    [
        ("size", "VARCHAR", "number"),
        ("count", "BOOLEAN", "integer"),
        ("note", "BLOB", "text"),
        ("paid", "VARCHAR", "boolean"),
        ("seen", "VARCHAR", "timestamp"),
    ],
)
def test_an_unreadable_type_is_undecided(
    judged: Judge, good: Good, column: str, kind: str, wanted: str
) -> None:
    rows = good()
    if kind == "BOOLEAN":
        rows = [row | {column: "true"} for row in rows]
    found = judged(rows, kind="parquet", types={column: kind})
    assert found.status is Status.UNDECIDED
    expected = [name for name in found.checks if name.startswith(f"{column}: ")]
    assert found.red() == dict.fromkeys(expected, "undecided")
    reason = f"the file holds {kind}, which cannot be read as {wanted}"
    assert {found.checks[name]["message"] for name in expected} == {reason}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_missing_column_is_undecided(judged: Judge, good: Good, kind: str) -> None:
    rows = [
        {name if name != "size" else "Size": cell for name, cell in row.items()} for row in good()
    ]
    found = judged(rows, kind=kind, types={"Size": "DOUBLE"})
    assert found.red() == {
        "columns": "fail",  # the column that is there instead
        "size: type": "undecided",
        "size: nulls": "undecided",
        "size: range": "undecided",
    }
    reason = 'the table has no such column (did you mean "Size"?)'
    assert found.checks["size: range"]["message"] == reason
    del rows[0]["Size"]
    rows = [{name: cell for name, cell in row.items() if name != "Size"} for row in rows]
    assert judged(rows, kind=kind).status is Status.UNDECIDED


def test_no_rows_are_never_a_pass(judged: Judge) -> None:
    found = judged("id,size,count,grade,ratio,note,paid,seen,label\n")
    assert found.status is Status.FAIL
    assert found.checks["rows"]["status"] == "fail"
    statuses = {name: each["status"] for name, each in found.checks.items()}
    assert {statuses.pop("rows"), statuses.pop("split")} == {"fail"}
    assert statuses.pop("columns") == "pass"
    assert set(statuses.values()) == {"undecided"}


@pytest.mark.parametrize(("count", "red"), [(99, True), (100, False), (200, False), (201, True)])
def test_the_number_of_rows(judged: Judge, good: Good, count: int, red: bool) -> None:
    rows = [good()[0] | {"id": str(number), "label": "bad"} for number in range(count)]
    rows[0]["label"] = "good"
    assert judged(rows).red() == ({"rows": "fail"} if red else {})


def test_a_column_too_many(judged: Judge, good: Good) -> None:
    rows = [row | {"leak": "1"} for row in good()]
    found = judged(rows)
    assert found.red() == {"columns": "fail"}
    assert found.checks["columns"]["message"] == "not in the contract: 'leak'"


def test_a_value_twice(judged: Judge, good: Good) -> None:
    rows = good()
    rows[PLACE - 1]["id"] = "07"  # the same number as 7, but another key
    found = judged(rows)
    assert found.red() == {"id: unique": "fail"}
    assert (found.checks["id: unique"]["n_failed"], found.checks["id: unique"]["rows"]) == (
        2,
        [7, PLACE],
    )


def test_large_integers_are_not_taken_for_one_another(judged: Judge, good: Good) -> None:
    rows = good()
    for number, row in enumerate(rows):
        row["id"] = str(2**53 + number)
    assert judged(rows).red() == {}


def test_a_key_twice_or_none(judged: Judge, good: Good) -> None:
    rows = good()
    rows[PLACE - 1]["id"] = "7"
    assert judged(rows).red() == {"id: unique": "fail", "id: twice": "fail"}
    rows[PLACE - 1]["id"] = None
    assert judged(rows).red() == {"id: nulls": "fail", "id: key": "fail"}


def test_an_empty_split(judged: Judge, good: Good) -> None:
    rows = good()
    for row in rows:
        row["id"] = rows[0]["id"]
    found = judged(rows)
    assert found.red() == {"id: unique": "fail", "id: twice": "fail", "split": "fail"}
    assert "no row falls to" in found.checks["split"]["message"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["bad"], "has 1 different values; binary wants two"),
        (["bad", "good", "odd"], "has more than two different values; binary wants two"),
        (["odd", "good"], "has no row with 'bad', which mlops.yaml calls positive"),
    ],
)
def test_the_target(judged: Judge, good: Good, values: list[str], message: str) -> None:
    rows = [row | {"label": values[number % len(values)]} for number, row in enumerate(good())]
    found = judged(rows)
    assert found.checks["label: target"]["message"] == message
    assert found.status is Status.FAIL


def test_at_most_five_rows_are_named_and_no_value(judged: Judge, good: Good) -> None:
    rows = good()
    for row in rows[10:30]:
        row["grade"] = "777"
    found = judged(rows)
    message = found.checks["grade: set"]["message"]
    assert message == "20 of 120 rows not one of 1, 2, 3 (rows 11, 12, 13, 14, 15, …)"
    assert all("777" not in each.message for each in found.verdict.findings)


def test_nullable_columns_may_be_empty_but_not_wrong(judged: Judge, good: Good) -> None:
    rows = good()
    for row in rows:
        row["seen"] = None
    assert judged(rows).red() == {}
    rows[PLACE - 1]["seen"] = "soon"
    assert judged(rows).red() == {"seen: type": "fail"}


@pytest.mark.parametrize(
    ("cell", "broken"),
    [("'nan'", "nulls"), ("NULL", "nulls"), ("'inf'", "range"), ("101", "range"), ("-1", "range")],
)
def test_statistics_in_a_parquet_file_hide_nothing(tmp_path: Path, cell: str, broken: str) -> None:
    # Parquet keeps least and greatest values by row group, without NaN, and DuckDB uses them.
    path = tmp_path / "t.parquet"
    value = f"CASE WHEN i = 77777 THEN {cell}::DOUBLE ELSE (i % 100)::DOUBLE END AS c"
    query = f"SELECT {value} FROM range(100_000) t(i)"
    duckdb.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 10_000)")
    contract = Contract(columns={"c": Column(type="number", min=0, max=100)})
    with connect() as connection:
        checks = compile_checks(Cells(contract, {"c": "DOUBLE"}, typed=True))
        _, results = judge(View(connection, scan(path), "true"), checks)
    assert {each.check: each.rows for each in results if each.n_failed} == {broken: [77778]}
