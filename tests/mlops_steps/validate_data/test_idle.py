"""A check that could not have failed on the rows passes with a note; one that could has none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.validate_data.conftest import CONTRACT

from mlops_steps.spec import Status

Judge = Callable[..., Any]
Good = Callable[[], list[dict[str, str | None]]]

KINDS = ["csv", "jsonl", "parquet"]


def idle(found: Any) -> dict[str, str]:
    return {name: each["message"] for name, each in found.checks.items() if each["idle"]}


def column(line: str) -> str:
    """The usual contract with one column said otherwise."""
    name = line.partition(":")[0]
    lines = [
        f"  {line}" if each.startswith(f"  {name}:") else each for each in CONTRACT.splitlines()
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_without_values_says_so_of_each_check(
    judged: Judge, good: Good, kind: str
) -> None:
    line = (
        "note: {type: text, nullable: true, regex: 'say .*', length: {max: 9}, unique: true, "
        "allowed: ['say 4', 'say 8']}"
    )
    rows = [row | {"note": None} for row in good()]
    found = judged(rows, kind=kind, contract=column(line))
    assert (found.status, found.red()) == (Status.PASS, {})
    kinds = {"type", "set", "regex", "length", "unique"}
    words = "could not have failed: it looks at none of the rows"
    assert idle(found) == {f"note: {each}": words for each in kinds}
    assert found.verdict.line == f"{len(found.checks)} checks, 120 rows, 5 could not have failed"
    (finding,) = found.verdict.findings
    assert (finding.rule, finding.level) == ("data/idle", "notice")
    assert "note: regex" in finding.message
    assert found.verdict.figures["could-not-fail"].value == 5
    rows[7]["note"] = "say 8"
    found = judged(rows, kind=kind, contract=column(line))
    assert idle(found) == {
        "note: unique": "could not have failed: it looks at one row alone, which nothing can repeat"
    }
    rows[8]["note"] = "say 4"
    assert idle(judged(rows, kind=kind, contract=column(line))) == {}


def test_numbers_that_are_all_nan_are_not_noted(judged: Judge, good: Good) -> None:
    rows = [row | {"size": "nan"} for row in good()]
    contract = column("size: {type: number, nullable: true, min: 0, max: 1}")
    for kind in KINDS:
        # To tell would cost a look at each number.
        assert idle(judged(rows, kind=kind, contract=contract)) == {}


def test_what_is_broken_or_cannot_be_judged_is_not_noted(judged: Judge, good: Good) -> None:
    rows = [row | {"size": None} for row in good()]
    found = judged(rows)
    assert found.red() == {"size: nulls": "fail"}
    assert set(idle(found)) == {"size: type", "size: range"}
    assert idle(judged("id,size,count,grade,ratio,note,paid,seen,label\n")) == {}


@pytest.mark.parametrize(("there", "noted"), [(6, True), (7, False)])
def test_a_tolerance_of_all_that_is_looked_at(
    judged: Judge, good: Good, there: int, noted: bool
) -> None:
    rows = [row | {"note": "say 1" if at < there else None} for at, row in enumerate(good())]
    contract = column("note: {type: text, nullable: true, length: {max: 5}, tolerate: 0.05}")
    found = judged(rows, contract=contract)
    words = "could not have failed: it looks at 6 of 120 rows, and tolerates as many"
    assert idle(found) == (dict.fromkeys(["note: type", "note: length"], words) if noted else {})
    # And it is so: with every one of them wrong it still passes.
    spoilt = [row | {"note": row["note"] and "too long"} for row in rows]
    assert judged(spoilt, contract=contract).red() == ({} if noted else {"note: length": "fail"})


@pytest.mark.parametrize(
    ("sql", "noted"),
    [
        ("seen is null or seen > date '2020-01-01'", True),
        ("seen > date '2020-01-01' or seen is null", True),
        ("not (grade = 9) or size > 1000", True),
        ("grade <> 9 or size > 1000", True),
        ("case when grade = 9 then size > 1000 else true end", True),
        ("grade <> 9", False),  # here it is the claim
        ("grade <> 9 or size <> 0", False),
        ("grade <> 3 or size > 0", False),
        ("size > 0 or note is null", False),
        ("not (grade = 3) or size > 0", False),
        ("case when grade = 3 then size > 0 else true end", False),
        ("case when grade = 9 then size > 1000 else size > 0 end", False),
        ("size > 0", False),
    ],
)
def test_a_rule_that_claims_something_of_no_row(
    judged: Judge, good: Good, sql: str, noted: bool
) -> None:
    rows = [row | {"seen": None} for row in good()]
    contract = CONTRACT + f'rules: [{{name: r, sql: "{sql}"}}]\n'
    for kind in KINDS:
        found = judged(rows, kind=kind, contract=contract)
        assert found.red() == {}
        assert ("r: rule" in idle(found)) == noted, kind


@pytest.mark.parametrize(
    ("by", "sql", "noted"),
    [
        ("id", "max(size) - min(size) < 1", True),
        ("id", "count(distinct label) = 1", True),
        ("grade", "max(size) - min(size) < 10", False),
        ("id", "count(*) = 1", False),
        ("id", "max(size) < 11", False),
        ("id", "max(size) - min(size) < 1 and sum(size) < 11", False),
    ],
)
def test_a_rule_of_groups_that_compares_rows_and_has_one_each(
    judged: Judge, good: Good, by: str, sql: str, noted: bool
) -> None:
    contract = CONTRACT + f"groups: [{{name: g, by: [{by}], sql: '{sql}'}}]\n"
    found = judged(good(), contract=contract)
    assert found.red() == {}
    assert idle(found) == (
        {"g: group": "could not have failed: no group has two rows"} if noted else {}
    )


def test_what_refers_to_nothing_and_what_is_unique_together(
    judged: Judge, good: Good, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "notes.csv").write_text("note\nsay 4\n")
    more = "unique: [[note, size]]\nreferences: [{columns: [note], file: data/notes.csv}]\n"
    rows = [row | {"note": None} for row in good()]
    found = judged(rows, contract=CONTRACT + more)
    assert set(idle(found)) == {"note: type", "note, size: unique", "note: reference"}
    rows[0]["note"] = rows[1]["note"] = "say 4"
    assert idle(judged(rows, contract=CONTRACT + more)) == {}
