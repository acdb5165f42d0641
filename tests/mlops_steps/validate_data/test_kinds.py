"""The kinds of checks beyond a cell's type and range: each passes good rows and finds a bad one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.footers import STAND_IN, make_nan
from tests.mlops_steps.validate_data.conftest import CONFIG, CONTRACT

from mlops_steps.data.tables import connect, footers, scan
from mlops_steps.errors import ConfigError
from mlops_steps.spec import Status
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.checks import Check, compile_checks
from mlops_steps.validate_data.contract import Column, Contract
from mlops_steps.validate_data.judge import judge
from mlops_steps.validate_data.view import ALL_BITS, BITS, WORTH, WORTH_EACH, View

Judge = Callable[..., Any]
Good = Callable[[], list[dict[str, str | None]]]

KINDS = ["csv", "jsonl", "parquet"]
PLACE = 41  # the spoilt row's number, from 1

#: What is added to the contract, a cell, the check that it breaks, and what a sample shows of it.
SPOILT: list[tuple[str, str, str, str, list[str]]] = [
    ("note: {type: text, nullable: true, regex: 'say [0-9]+'}", "note", "say 4x", "note: regex",
     ["xxx 9x"]),
    ("note: {type: text, nullable: true, regex: 'say [0-9]+'}", "note", "I say 4", "note: regex",
     ["x xxx 9"]),
    ("note: {type: text, nullable: true, length: {max: 7}}", "note", "say much", "note: length",
     ["xxx xxxx"]),
    ("note: {type: text, nullable: true, length: {min: 3, max: 7}}", "note", "é…", "note: length",
     ["x…"]),
]  # fmt: skip


def added(line: str) -> str:
    """The usual contract with one column said otherwise."""
    name = line.partition(":")[0]
    lines = [f"  {line}" if each.startswith(f"  {name}:") else each
             for each in CONTRACT.splitlines()]  # fmt: skip
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_bad_text_turns_red_and_is_shown_redacted(
    judged: Judge, good: Good, kind: str, spoilt: tuple[str, str, str, str, list[str]]
) -> None:
    line, column, cell, check, sample = spoilt
    rows = good()
    contract = added(line)
    assert judged(rows, kind=kind, contract=contract).red() == {}
    rows[PLACE - 1][column] = cell
    found = judged(rows, kind=kind, contract=contract)
    assert found.red() == {check: "fail"}
    assert found.checks[check]["rows"] == [PLACE]
    assert found.checks[check]["cells"] == sample
    assert cell not in str(found.verdict)


@pytest.mark.parametrize(("samples", "shown"), [("shown", ["say 4x"]), ("none", [])])
def test_samples_are_what_the_contract_says(
    judged: Judge, good: Good, samples: str, shown: list[str]
) -> None:
    rows = good()
    rows[PLACE - 1]["note"] = "say 4x"
    contract = f"samples: {samples}\n" + added(SPOILT[0][0])
    assert judged(rows, contract=contract).checks["note: regex"]["cells"] == shown


def test_at_most_twenty_rows_are_shown(judged: Judge, good: Good) -> None:
    rows = [row | {"note": f"sag {row['id']}"} for row in good()]
    check = judged(rows, contract=added(SPOILT[0][0])).checks["note: regex"]
    assert (check["n_failed"], check["rows"]) == (120, list(range(1, 21)))
    assert len(check["cells"]) == 20
    assert "rows 1, 2, 3, 4, 5, …" in check["message"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("more", "passes"),
    [
        ("mean: {min: 4, max: 7}", True),
        ("mean: {min: 7}", False),
        ("mean: {max: 4}", False),
        ("quantiles: [{at: 0.5, min: 4, max: 6}, {at: 0.01, max: 1}]", True),
        ("quantiles: [{at: 0.5, min: 6}]", False),
        ("quantiles: [{at: 0.5, max: 3.8}]", False),
        ("quantiles: [{at: 0.999, max: 9.8}]", False),
        ("distinct: {min: 95, max: 95}", True),
        ("distinct: {max: 94}", False),
        ("distinct: {min: 96}", False),
    ],
)
def test_a_column_as_a_whole(judged: Judge, good: Good, kind: str, more: str, passes: bool) -> None:
    contract = added(f"size: {{type: number, min: 0.5, max: 10, {more}}}")
    found = judged(good(), kind=kind, contract=contract)
    name = (
        more.partition(":")[0].removesuffix("s") if "quantiles" in more else more.partition(":")[0]
    )
    assert found.red() == ({} if passes else {f"size: {name}": "fail"})
    assert found.checks[f"size: {name}"]["n"] == 120


def test_quantiles_are_those_of_the_sorted_values(judged: Judge, good: Good) -> None:
    rows = [row | {"size": str(number / 100 + 1)} for number, row in enumerate(good())]
    ordered = sorted(float(row["size"] or 0) for row in rows)
    for at in (0.1, 0.25, 0.5, 0.9):
        lowest = min(v for v in ordered if sum(each <= v for each in ordered) >= at * len(ordered))
        for low, high, passes in ((lowest, lowest, True), (lowest + 0.001, 9, False),
                                  (0, lowest - 0.001, False)):  # fmt: skip
            wanted = f"quantiles: [{{at: {at}, min: {low}, max: {high}}}]"
            line = f"size: {{type: number, min: 0.5, max: 10, {wanted}}}"
            assert (judged(rows, contract=added(line)).red() == {}) == passes, (at, low, high)


@pytest.mark.parametrize(
    ("share", "passes"), [("min: 0.6, max: 0.7", True), ("min: 0.7", False), ("max: 0.6", False)]
)
def test_a_share_of_a_category(judged: Judge, good: Good, share: str, passes: bool) -> None:
    line = f'label: {{type: text, allowed: ["good", "bad"], shares: [{{value: bad, {share}}}]}}'
    assert (judged(good(), contract=added(line)).red() == {}) == passes


@pytest.mark.parametrize("kind", KINDS)
def test_columns_that_are_unique_together(judged: Judge, good: Good, kind: str) -> None:
    contract = CONTRACT + "unique: [[size, count, grade]]\n"
    rows = good()
    assert judged(rows, kind=kind, contract=contract).red() == {}
    rows[PLACE] |= {name: rows[3][name] for name in ("size", "count", "grade")}
    found = judged(rows, kind=kind, contract=contract)
    assert found.red() == {"size, count, grade: unique": "fail"}
    assert found.checks["size, count, grade: unique"]["rows"] == [4, PLACE + 1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_of_several_columns(judged: Judge, good: Good, kind: str) -> None:
    rule = (
        "size * 100 > count and (seen is null or seen >= date '2026-01-01') and length(label) > 2"
    )
    contract = CONTRACT + f'rules: [{{name: bigger, sql: "{rule}"}}]\n'
    rows = good()
    assert judged(rows, kind=kind, contract=contract).red() == {}
    rows[PLACE - 1]["count"] = "5000"
    found = judged(rows, kind=kind, contract=contract)
    assert found.red() == {"bigger: rule": "fail"}
    assert found.checks["bigger: rule"]["rows"] == [PLACE]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sql", ["size > 0", "size >= 0 and not (size is null)", "ratio < 99"])
def test_a_rule_takes_nan_for_no_value(judged: Judge, good: Good, kind: str, sql: str) -> None:
    name = sql.partition(" ")[0]
    contract = added(f"{name}: {{type: number, nullable: true}}")
    contract += f'rules: [{{name: r, sql: "{sql}"}}]\n'
    rows = good()
    assert judged(rows, kind=kind, contract=contract).red() == {}
    rows[PLACE - 1][name] = "nan"
    found = judged(rows, kind=kind, contract=contract)
    assert found.red() == {"r: rule": "fail"}
    assert found.checks["r: rule"]["rows"] == [PLACE]
    assert (
        judged(rows, kind=kind, contract=contract.replace(sql, f"{name} is null or {sql}")).red()
        == {}
    )


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_rule_of_groups_takes_nan_for_no_value(judged: Judge, good: Good, kind: str) -> None:
    contract = added("size: {type: number, nullable: true}")
    contract += "groups: [{name: g, by: [grade], sql: 'max(size) < 99 and count(size) > 38'}]\n"
    rows = good()
    rows[PLACE - 1]["size"] = "nan"  # greater than all numbers, if it were one
    assert judged(rows, kind=kind, contract=contract).red() == {}
    rows[PLACE - 1 + 3]["size"] = "nan"  # of the same group, which has 38 values now
    assert judged(rows, kind=kind, contract=contract).red() == {"g: group": "fail"}


def test_a_rule_about_a_moment(judged: Judge, good: Good) -> None:
    rule = "seen is null or seen > timestamp '2026-01-02 03:04:04'"
    contract = CONTRACT + f'rules: [{{name: late, sql: "{rule}"}}]\n'
    assert judged(good(), contract=contract).red() == {}
    later = contract.replace("03:04:04", "03:04:05")
    assert judged(good(), contract=later).red() == {"late: rule": "fail"}


def test_a_rule_that_is_not_shown_to_be_kept_is_broken(judged: Judge, good: Good) -> None:
    contract = CONTRACT + "rules: [{name: seen, sql: seen > date '2020-01-01'}]\n"
    found = judged(good(), contract=contract)
    assert found.checks["seen: rule"]["n_failed"] == 96  # those without a time


def test_a_rule_of_types_that_do_not_fit_is_undecided(judged: Judge, good: Good) -> None:
    contract = CONTRACT + "rules: [{name: odd, sql: seen > true}]\n"
    found = judged(good(), kind="parquet", contract=contract)
    assert found.red() == {"odd: rule": "undecided"}
    assert found.status is Status.UNDECIDED


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("size > (select 1)", "holds (SELECT 1)"),
        ("size in (from x)", ""),
        ("read_text('/etc/passwd') <> label", "READ_TEXT"),
        ("getenv('HOME') <> label", "GETENV"),
        ("size > 1; drop table x", "not one expression"),
        ("1 = 1", "names no column"),
        ("siez > 1", 'did you mean "size"'),
        ("sum(size) > 1", "SUM(size)"),
        ("size >", "cannot be read"),
        ("things.size > 1", "a column stands alone"),
        ("cast(label as blob) is not null", "casts to BLOB"),
        ("(" * 3000 + "size > 1" + ")" * 3000, ""),
    ],
)
def test_what_no_rule_may_hold(judged: Judge, good: Good, sql: str, words: str) -> None:
    contract = CONTRACT + f'rules: [{{name: bad, sql: "{sql}"}}]\n'
    with pytest.raises(ConfigError) as error:
        judged(good(), contract=contract)
    assert "data/contract.yaml:12:" in str(error.value)
    assert words in str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_of_groups(judged: Judge, good: Good, kind: str) -> None:
    rule = "count(*) = 40 and max(size) - min(size) < 9.5"
    contract = CONTRACT + f'groups: [{{name: even, by: [grade], sql: "{rule}"}}]\n'
    rows = good()
    found = judged(rows, kind=kind, contract=contract)
    assert (found.red(), found.checks["even: group"]["n"]) == ({}, 3)
    rows[PLACE - 1]["grade"] = "1" if rows[PLACE - 1]["grade"] != "1" else "2"
    check = judged(rows, kind=kind, contract=contract).checks["even: group"]
    assert (check["status"], check["n"], check["n_failed"]) == ("fail", 3, 2)


def test_a_reference_to_another_file(judged: Judge, good: Good, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    grades = tmp_path / "data" / "grades.csv"
    grades.write_text("grade,name\n1,low\n2,mid\n3,high\n,none\n")
    contract = CONTRACT + "references: [{columns: [grade], file: data/grades.csv}]\n"
    assert judged(good(), contract=contract).red() == {}
    grades.write_text("grade,name\n1,low\n3,high\n")
    check = judged(good(), contract=contract).checks["grade: reference"]
    assert (check["status"], check["n_failed"]) == ("fail", 40)
    grades.write_text("level,name\n1,low\n")
    found = judged(good(), contract=contract)
    assert found.red() == {"grade: reference": "undecided"}
    assert "has no column 'grade'" in found.checks["grade: reference"]["message"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("age", "passes"), [(1, True), (3, False), (-1, False)])
def test_how_old_the_latest_row_is(
    judged: Judge, good: Good, kind: str, age: int, passes: bool
) -> None:
    contract = CONTRACT + "fresh: [{column: seen, within: 2 days}]\n"
    rows = good()
    rows[PLACE - 1]["seen"] = f"{datetime.now(UTC) - timedelta(days=age):%Y-%m-%d %H:%M:%S}"
    found = judged(rows, kind=kind, contract=contract)
    assert found.red() == ({} if passes else {"seen: fresh": "fail"})


def test_a_share_of_violations_is_tolerated_up_to_its_bound(judged: Judge, good: Good) -> None:
    rows = good()
    rows[0]["size"] = rows[1]["size"] = "11"
    line = "size: {type: number, min: 0.5, max: 10, tolerate: 0.0167}"
    assert judged(rows[:100], contract=added(line.replace("0.0167", "0.02"))).red() == {}
    found = judged(rows, contract=added(line))
    assert (found.status, found.checks["size: range"]["n_failed"]) == (Status.PASS, 2)
    assert judged(rows, contract=added(line.replace("0.0167", "0.0166"))).red() == {
        "size: range": "fail"
    }


def test_a_warning_is_told_and_decides_nothing(judged: Judge, good: Good) -> None:
    rows = good()
    rows[PLACE - 1]["size"] = "11"
    contract = added("size: {type: number, min: 0.5, max: 10, severity: warn}")
    found = judged(rows, contract=contract)
    assert (found.status, found.red()) == (Status.PASS, {"size: range": "fail"})
    assert found.verdict.line.endswith("120 rows, 1 warning")
    assert [each.level for each in found.verdict.findings] == ["warning"]
    rows[PLACE - 1]["count"] = "0"
    found = judged(rows, contract=contract)
    assert found.status is Status.FAIL
    assert found.verdict.line == f"1 of {len(found.checks)} checks failed, 120 rows, 1 warning"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("size: {type: number, regex: x}", "regex: is for text"),
        ("size: {type: number, length: {min: 1}}", "length: is for text"),
        ("note: {type: text, mean: {min: 1}}", "mean: is for number"),
        ("note: {type: text, nullable: true, regex: '('}", "no expression of RE2"),
        ("size: {type: number, mean: {}}", "neither min nor max"),
        ("size: {type: number, mean: {min: .nan}}", "bounds nothing"),
        ("size: {type: number, mean: {min: 2, max: 1}}", "is below min"),
        ("size: {type: number, quantiles: [{at: 0.5}]}", "neither min nor max"),
        ("size: {type: number, quantiles: [{at: 1.5, min: 1}]}", "1.5"),
        ("note: {type: text, shares: [{value: a, max: 1}]}", "every share"),
        ("size: {type: number, tolerate: 1}", "tolerate"),
    ],
)
def test_what_makes_no_sense(judged: Judge, good: Good, line: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        judged(good(), contract=added(line))
    assert words in str(error.value).replace("`", "")


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("unique: [[id, siez]]", 'did you mean "size"'),
        ("fresh: [{column: size, within: 2 days}]", "only a timestamp has an age"),
        ("fresh: [{column: seen, within: soon}]", "within"),
        ("references: [{columns: [id], file: ../x.csv}]", "file"),
        ("references: [{columns: [id], file: x.csv, to: [a, b]}]", "2 columns for the 1"),
        ("rules: [{name: a, sql: id > 1}, {name: a, sql: id > 2}]", "the name of another"),
        ("groups: [{name: a, by: [id], sql: size > 1}]", "outside of an aggregate"),
        ("groups: [{name: a, by: [di], sql: count(*) > 1}]", "names 'di'"),
    ],
)
def test_what_makes_no_sense_beyond_columns(
    judged: Judge, good: Good, part: str, words: str
) -> None:
    with pytest.raises(ConfigError) as error:
        judged(good(), contract=f"{CONTRACT}{part}\n")
    assert words in str(error.value)


def test_without_rows_a_rule_of_groups_is_undecided(judged: Judge, good: Good) -> None:
    contract = CONTRACT + 'groups:\n  - {name: g, by: [label], sql: "count(*) > 0"}\n'
    check = judged(",".join(good()[0]) + "\n", contract=contract).checks["g: group"]
    assert (check["status"], check["message"]) == ("undecided", "no rows to look at")


def test_a_nan_that_the_footer_leaves_out_is_no_value(judged: Judge, good: Good) -> None:
    rows = good()
    rows[PLACE - 1]["size"] = str(STAND_IN)
    contract = CONTRACT + "rules: [{name: some, sql: size > 0}]\n"
    found = judged(rows, kind="parquet", contract=contract)
    assert found.red() == {"size: nulls": "fail", "some: rule": "fail"}
    assert found.checks["some: rule"]["rows"] == [PLACE]


def test_a_nan_that_the_footer_leaves_out_is_no_target(judged: Judge, good: Good) -> None:
    rows = good()
    rows[PLACE - 1]["size"] = str(STAND_IN)
    described = CONFIG.replace("task: binary", "task: regression").replace("roc_auc >=", "rmse <=")
    described = described.replace("target: label", "target: size").replace("positive: bad", "")
    contract = CONTRACT.replace("size: {type: number,", "size: {type: number, nullable: true,")
    found = judged(rows, kind="parquet", contract=contract, described=described)
    assert found.red() == {"size: target": "fail"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("rule", "cells"),
    [
        ("size / ratio >= 0", {"ratio": "0"}),
        ("size / ratio >= 0", {"size": "0.5", "ratio": "0"}),
        ("count % (grade - 1) >= 0 or grade <> 1", {"grade": "1"}),
        ("ratio - ratio >= 0", {"ratio": "Infinity"}),
        ("abs((ratio - ratio) * 2) >= 0", {"ratio": "-Infinity"}),
        ("cast(note as double) * 0 >= 0", {"note": "inf"}),
        ("abs(size) / abs(count - 1) is not null or count <> 1", {"count": "1"}),
        ("size / (count / (grade - 1)) >= 0 or grade <> 1", {"grade": "1"}),
        ("case when ratio - ratio >= 0 then 1 else -1 end + count * 0 >= 0", {"ratio": "inf"}),
        ("abs(size / abs(ratio - ratio + 1)) + 1 >= 0", {"ratio": "inf"}),
    ],
)
def test_what_cannot_be_computed_keeps_no_rule(
    judged: Judge, good: Good, kind: str, rule: str, cells: dict[str, str]
) -> None:
    rows = [each | {"grade": "2", "count": "3", "note": "4"} for each in good()]
    contract = CONTRACT + f"rules: [{{name: computed, sql: {rule}}}]\n"
    assert judged(rows, kind=kind, contract=contract).red() == {}
    rows[PLACE - 1] |= cells
    found = judged(rows, kind=kind, contract=contract)
    assert found.red()["computed: rule"] == "fail"
    assert found.checks["computed: rule"]["rows"] == [PLACE]


def test_groups_of_what_cannot_be_computed_are_not_shown_to_hold(judged: Judge, good: Good) -> None:
    rows = good()
    contract = CONTRACT + "groups: [{name: sums, by: [paid], sql: avg(ratio) >= 0}]\n"
    assert judged(rows, contract=contract).red() == {}
    rows[0]["ratio"], rows[2]["ratio"] = "inf", "-inf"
    assert judged(rows, contract=contract).red()["sums: group"] == "fail"


def test_the_footers_of_a_large_file_prove_ranges(tmp_path: Path) -> None:
    rows, check = WORTH + WORTH_EACH, Column(type="number", min=0, max=3, nullable=True)
    cells = Cells(Contract(columns={"x": check}), {"x": "DOUBLE"}, typed=True)
    (wanted,) = [each for each in compile_checks(cells) if each.kind == "range"]
    for most, proven in ((3.0, {wanted}), (3.5, set())):
        path = tmp_path / "t.parquet"
        cell = f"CASE i WHEN 5 THEN {most} WHEN 7 THEN {STAND_IN} WHEN 9 THEN NULL ELSE 0.5 END"
        query = f"SELECT {cell}::DOUBLE AS x FROM range({rows}) t(i)"
        duckdb.execute(f"COPY ({query}) TO '{path}' (COMPRESSION uncompressed)")
        make_nan(path)
        with connect() as connection:
            view = View(connection, scan(path), "true", rows, 1, footers(path))
            assert view.proven([wanted]) == proven
            _, (found,) = judge(view, [wanted])
        assert (found.status, found.rows) == (("pass", []) if proven else ("fail", [6]))


def test_bits_of_many_columns_are_bounded_together(tmp_path: Path) -> None:
    path, columns = tmp_path / "t.parquet", {f"c{at}": Column(type="integer") for at in range(40)}
    cells = ", ".join(f"i * {BITS - 1} AS {name}" for name in columns)
    duckdb.execute(f"COPY (SELECT {cells} FROM range(2) t(i)) TO '{path}'")
    made = [Check("unique", name, distinct=name, whole=name) for name in columns]
    with connect() as connection:
        view = View(connection, scan(path), "true", 2, 1, footers(path))
        (threads,) = view.ask("SELECT current_setting('threads')")
        told = [sql for sql in view.apart(made).values() if sql]
        assert len(told) == ALL_BITS // threads // (BITS - 1)
        _, results = judge(view, made)
    assert [each.status for each in results] == ["pass"] * len(made)
