"""What is proposed holds for the rows that it came from, changes no more, and git takes it."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.validate_data.conftest import CONFIG, CONTRACT, Row, good_rows, write_table

from mlops_steps import config
from mlops_steps.config import load
from mlops_steps.data.split import split_sql
from mlops_steps.data.tables import connect, scan
from mlops_steps.errors import ConfigError, UndecidedError
from mlops_steps.record import Record
from mlops_steps.spec import Status
from mlops_steps.validate_data.contract import Contract
from mlops_steps.validate_data.propose import Proposal, propose
from mlops_steps.validate_data.step import STEP, run
from mlops_steps.yaml_file import read_yaml

KINDS = ["csv", "jsonl", "parquet"]
TYPES = {"id": "VARCHAR"}


def rows_of(count: int = 1000) -> list[Row]:
    """Every kind of column that a proposal tells apart."""
    draw = random.Random(7)
    return [
        {
            "id": f"{number:05}",
            "size": f"{draw.gauss(50, 4):.3f}",
            "wait": f"{draw.expovariate(0.5):.4f}",
            "count": str(draw.randint(0, 40)),
            "grade": str(draw.randint(1, 3)),
            "plan": draw.choice(["basic", "plus", "no"]),
            "city": f"city {draw.randint(1, 400)}",
            "zip": f"{draw.randint(0, 99999):05}",
            "customer_id": str(draw.randint(10_000, 99_999)),
            "ticket": f"AB-{number:05}/x",
            "serial": str(2000 + number),
            "note": None if draw.random() < 0.3 else f"{draw.random()} of it is free",
            "paid": draw.choice(["true", "false"]),
            "seen": f"2026-01-{draw.randint(1, 28):02} 03:04:05",
            "rare": "odd" if number == 17 else "even",
            "label": draw.choice(["good", "good", "bad"]),
        }
        for number in range(1, count + 1)
    ]


WIDE = {
    "size": "DOUBLE", "wait": "DOUBLE", "count": "INTEGER", "grade": "SMALLINT",
    "customer_id": "BIGINT", "serial": "BIGINT", "paid": "BOOLEAN", "seen": "TIMESTAMP",
    "id": "VARCHAR",
}  # fmt: skip


class Project:
    """A folder with a table, and perhaps a contract."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "data").mkdir()
        (root / "mlops.yaml").write_text(CONFIG)
        self.contract = root / "data" / "contract.yaml"

    def table(
        self, rows: list[Row], kind: str = "csv", types: dict[str, str] | None = None
    ) -> None:
        write_table(self.root / "data" / "things", rows, kind, types or {})

    def propose(self) -> Proposal:
        return propose(self.root, load(self.root), self.root / "data" / "things")

    def test_rows(self) -> set[str]:
        """The keys of the test split."""
        table = load(self.root).table
        with connect() as connection:
            query = f"SELECT id FROM {scan(self.root / 'data' / 'things', text=True)} "
            query += f"WHERE {split_sql('id', table.split)} = 'test'"
            return {str(row[0]) for row in connection.execute(query).fetchall()}

    def step(self, **inputs: str) -> Any:
        record = Record(STEP, self.root, config.load(self.root), {"split": "valid", **inputs})
        return run(record), record.verdict

    def checks(self) -> dict[str, str]:
        found = json.loads((self.root / "out" / "validate-data" / "checks.json").read_text())
        return {
            f"{each['column']}: {each['check']}": each["status"]
            for each in found
            if each["status"] != "pass" and each["severity"] == "error"
        }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def parsed(proposal: Proposal, folder: Path) -> Contract:
    path = folder / "proposed.yaml"
    path.write_bytes(proposal.text.encode())
    return read_yaml(path, Contract, shown_as="proposed")


@pytest.mark.parametrize("kind", KINDS)
def test_a_first_contract_is_tight_and_holds(project: Project, kind: str) -> None:
    project.table(rows_of(), kind, WIDE)
    proposal = project.propose()
    lines = [line.strip() for line in proposal.text.splitlines() if line.startswith("  ")]
    found = {line.partition(":")[0]: line.partition(": ")[2] for line in lines}
    size, wait = found.pop("size"), found.pop("wait")
    assert found == {
        "id": "{type: text, unique: true}",
        "count": "{type: integer, min: 0, max: 50}",
        "grade": "{type: integer, allowed: [1, 2, 3]}",
        "plan": '{type: text, allowed: [basic, "no", plus]}',
        "city": '{type: text, regex: "city [0-9]+"}',
        "zip": '{type: text, regex: "[0-9]{5}"}',
        "customer_id": "{type: integer, min: 0}",
        "ticket": '{type: text, regex: "AB-[0-9]{5}/x"}',
        "serial": found["serial"],
        "note": "{type: text, nullable: true}",
        "paid": "{type: boolean}",
        "seen": "{type: timestamp}",
        "rare": found["rare"],
        "label": "{type: text, allowed: [bad, good]}",
    }
    assert found["serial"].endswith("unique: true}")
    assert "regex" not in found["rare"]
    assert "unique" not in found["rare"]
    contract = parsed(proposal, project.root)
    values = [float(row["size"] or 0) for row in rows_of()]
    low, high = contract.columns["size"].min or 0, contract.columns["size"].max or 0
    assert min(values) - 12 < low < min(values) < max(values) < high < max(values) + 12, size
    assert contract.columns["wait"].min == 0, wait
    project.contract.write_text(proposal.text)
    assert (project.step()[0], project.checks()) == (Status.PASS, {})
    assert proposal.patch.startswith("--- /dev/null\n+++ b/data/contract.yaml\n")
    # And then there is nothing left to say.
    again = project.propose()
    assert (again.text, again.patch, again.changes, again.left) == (proposal.text, "", [], [])


@pytest.mark.parametrize("kind", KINDS)
def test_test_rows_are_never_looked_at(project: Project, kind: str) -> None:
    rows = rows_of()
    project.table(rows, kind, WIDE)
    before = project.propose().text
    kept = project.test_rows()
    assert 200 < len(kept) < 400
    for row in rows:
        if row["id"] in kept:
            row |= {"size": "9e9", "plan": "secret", "note": None, "count": "777", "serial": "1"}
    project.table(rows, kind, WIDE)
    assert project.propose().text == before
    project.contract.write_text(before)
    assert project.propose().changes == []


#: A line of the contract, a cell for rows that are no test rows, the line as it is proposed.
LOOSER: list[tuple[str, str, str | None, str]] = [
    ("size: {type: number, min: 0.5, max: 10}", "size", "12.3", "min: 0.5, max: 15.3}"),
    ("size: {type: number, min: 0.5, max: 10}", "size", "-2", "min: -5, max: 10}"),
    ("count: {type: integer, min: 1}", "count", "2.5", "count: {type: number, min: 1}"),
    ("grade: {type: integer, allowed: [1, 2, 3]}", "grade", "9", "allowed: [1, 2, 3, 9]}"),
    ("grade: {type: integer, allowed: [1, 2, 3]}", "grade", None, "[1, 2, 3], nullable: true}"),
    ("note: {type: text, nullable: true, regex: 'say [0-9]+'}", "note", "sag 1", "nullable: true}"),
    (
        "note: {type: text, nullable: true, length: {min: 5, max: 7}}",
        "note",
        "four",
        "{min: 4, max: 7}}",
    ),
    ("note: {type: text, nullable: true, length: {max: 7}}", "note", "more than 7", "{max: 11}}"),
    ("count: {type: integer, min: 1, unique: true}", "count", "3", "unique: false}"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", LOOSER, ids=lambda c: c[3])
def test_only_what_the_data_contradict_is_loosened(
    project: Project, kind: str, case: tuple[str, str, str | None, str]
) -> None:
    line, column, cell, wanted = case
    mine = [each if not each.startswith(f"  {column}:") else f"  {line}  # mine, as I wrote it"
            for each in CONTRACT.splitlines()]  # fmt: skip
    text = "# At the top.\n" + "\n".join(mine) + "\n# At the end.\n"
    project.contract.write_text(text)
    rows = good_rows()
    if "unique" in line:
        rows = [row | {"count": str(1000 + place)} for place, row in enumerate(rows)]
    project.table(rows, kind)
    kept = project.test_rows()
    places = [place for place, row in enumerate(rows) if row["id"] not in kept][:3]
    for place in places:
        rows[place][column] = cell
    project.table(rows, kind, {"count": "DOUBLE"} if cell == "2.5" else None)
    proposal = project.propose()
    old, new = text.splitlines(), proposal.text.splitlines()
    changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert len(changed) == 1, proposal.text
    assert changed[0][0].endswith("  # mine, as I wrote it")
    assert changed[0][1].endswith(f"{wanted}  # mine, as I wrote it"), changed
    assert len(proposal.changes) == 1
    assert proposal.left == []
    assert "3 of" in proposal.changes[0].why
    project.contract.write_text(proposal.text)
    assert project.step()[0] is Status.PASS, project.checks()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_git_takes_the_patch_of_any_way_of_writing(
    project: Project, newline: str, end: str
) -> None:
    text = """\
# One column a paragraph.
rows:
  max: 10   # was enough once
  min: 5
columns:
  id: {unique: true,  type: integer}
  "size":
    max: 3  # of them
    type: number
    # nobody is smaller
    min: 0.5

  count: {type: integer,
          min: 1}
  grade:
    type: integer
    allowed:
    - 1   # low
    - 2

  ratio: {type: number}
  note: {type: text, nullable: true, regex: x}
  paid: {type: boolean}
  label:
    type: text
    allowed: [good, bad]"""
    text = (text + end).replace("\n", newline)
    project.contract.write_bytes(text.encode())
    rows = [row | {"more": f"{place / 8}", "odd: 'name'": "true"}
            for place, row in enumerate(good_rows())]  # fmt: skip
    rows[0]["id"] = rows[0]["id"]
    project.table(rows)
    git = ("git", "-c", "core.autocrlf=false")
    subprocess.run([*git, "init", "-q"], cwd=project.root, check=True)
    proposal = project.propose()
    patch = project.root / "x.patch"
    patch.write_bytes(proposal.patch.encode())
    told = subprocess.run(
        [*git, "apply", patch], cwd=project.root, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr + proposal.patch
    assert project.contract.read_bytes().decode() == proposal.text
    lost = [line for line in text.split(newline) if line not in proposal.text.split(newline)]
    assert [line.strip() for line in lost] == [
        "max: 10   # was enough once",
        "max: 3  # of them",
        "note: {type: text, nullable: true, regex: x}",
    ]
    assert "max: 2400   # was enough once" in proposal.text
    assert f"    - 2{newline}    - 3{newline}{newline}  ratio" in proposal.text
    added = proposal.text.split("[good, bad]")[1].split(newline)[1:4]
    assert [line.partition(": {")[0] for line in added] == [
        "  seen", "  more", "  \"odd: 'name'\""
    ]  # fmt: skip
    assert project.propose().patch == ""


def test_what_an_alias_stands_for_is_left_alone(project: Project) -> None:
    text = CONTRACT.replace("size: {", "size: &both {").replace(
        "ratio: {type: number}", "ratio: *both"
    )
    project.contract.write_text(text)
    rows = good_rows()
    project.table([row | {"size": "99", "ratio": "1"} for row in rows])
    proposal = project.propose()
    assert (proposal.text, proposal.changes) == (text, [])
    assert "alias" in proposal.left[0].why
    assert proposal.patch == ""


@pytest.mark.parametrize(
    ("column", "cell", "check"),
    [
        ("size", "junk", "type"),
        ("paid", "yes", "type"),
        ("size", "inf", "range"),
        ("label", "neither", "set"),
        ("label", None, "nulls"),
        ("id", "4", "unique"),
    ],
)
def test_what_nobody_should_loosen_is_left_and_told(
    project: Project, column: str, cell: str | None, check: str
) -> None:
    project.contract.write_text(CONTRACT)
    rows = good_rows()
    project.table(rows)
    kept = project.test_rows()
    place = next(place for place, row in enumerate(rows) if place > 9 and row["id"] not in kept)
    assert "4" not in kept
    rows[place][column] = cell
    project.table(rows)
    proposal = project.propose()
    assert (proposal.text, proposal.changes) == (CONTRACT, [])
    assert (column, check) in {(each.column, each.key) for each in proposal.left}


def test_rules_and_lost_columns_are_left_to_people(project: Project) -> None:
    more = 'rules: [{name: big, sql: "size > 5"}]\n'
    more += 'groups: [{name: g, by: [grade], sql: "count(*) < 3"}]\n'
    text = CONTRACT.replace("ratio: {type: number}", "ratio: {type: number, mean: {max: 1}}") + more
    text = text.replace("  note:", "  gone: {type: text}\n  note:")
    project.contract.write_text(text)
    project.table(good_rows())
    proposal = project.propose()
    assert (proposal.text, proposal.changes) == (text, [])
    assert {(each.column, each.key) for each in proposal.left} == {
        ("big", "rule"), ("g", "group"), ("ratio", "mean"), ("gone", "type"), ("gone", "nulls"),
    }  # fmt: skip


def test_nothing_is_tightened_but_suggested(project: Project) -> None:
    text = """\
rows: {min: 1}
columns:
  id: {type: text, unique: true}
  size: {type: number}
  wait: {type: number, min: -1000, max: 1000}
  count: {type: integer, nullable: true}
  grade: {type: integer, allowed: [1, 2, 3, 4]}
  plan: {type: text}
  city: {type: text}
  zip: {type: text}
  customer_id: {type: integer}
  ticket: {type: text}
  serial: {type: integer}
  note: {type: text, nullable: true}
  paid: {type: boolean}
  seen: {type: timestamp}
  rare: {type: text}
  label: {type: text, allowed: [good, bad]}
"""
    project.contract.write_text(text)
    project.table(rows_of())
    proposal = project.propose()
    assert (proposal.text, proposal.patch, proposal.left) == (text, "", [])
    found = {f"{each.column} {each.key}" for each in proposal.tighter}
    assert found >= {
        "size min, max", "wait min, max", "count nullable", "grade allowed", "plan allowed",
        "city regex", "ticket regex", "serial unique",
    }  # fmt: skip
    assert not [each for each in proposal.tighter if each.column in {"note", "rare", "id", "label"}]


def test_no_personal_value_is_written_into_a_contract(project: Project) -> None:
    rows = [row | {"mail": f"user{n % 7}@mail.example.org"} for n, row in enumerate(rows_of())]
    project.table(rows)
    proposal = project.propose()
    assert "  # looks like personal data" in proposal.text
    assert "  mail: {type: text}" in proposal.text
    assert "mail.example" not in proposal.text
    line = "  note: {type: text, nullable: true, allowed: [x]}"
    project.contract.write_text(CONTRACT.replace("  note: {type: text, nullable: true}", line))
    project.table([row | {"note": "user@mail.example.org"} for row in good_rows()])
    proposal = project.propose()
    assert "  note: {type: text, nullable: true}" in proposal.text
    assert "mail.example" not in proposal.patch


def test_the_step_writes_it_beside_a_verdict_that_stays(project: Project) -> None:
    project.contract.write_text(CONTRACT)
    rows = good_rows()
    kept_places = slice(0, 40)
    for row in rows[kept_places]:
        row["size"] = "30"
    project.table(rows)
    plain = project.step()
    status, verdict = project.step(propose="true")
    assert (status, verdict.line, verdict.lines) == (Status.FAIL, plain[1].line, plain[1].lines)
    out = project.root / "out" / "validate-data"
    assert {path.name for path in out.iterdir()} >= {
        "checks.json", "contract.yaml", "contract.patch", "proposal.json"
    }  # fmt: skip
    assert {f"out/validate-data/{name}" for name in ("contract.yaml", "contract.patch")} <= set(
        verdict.wrote
    )
    (notice,) = [each for each in verdict.findings if each.level == "notice"]
    assert notice.message == (
        f"proposed for data/contract.yaml: 1 change, by {120 - len(project.test_rows())} rows, "
        "none of the test split: out/validate-data/contract.patch"
    )
    (change,) = json.loads((out / "proposal.json").read_text())["changes"]
    assert (change["column"], change["key"], change["was"]) == ("size", "max", "10")
    assert (project.contract.read_text()) == CONTRACT
    project.contract.write_text((out / "contract.yaml").read_text())
    assert project.step()[0] is Status.PASS


def test_what_cannot_be_proposed_is_said(project: Project) -> None:
    project.table(good_rows())
    project.contract.write_text("columns: {}\n")
    with pytest.raises(ConfigError):
        project.propose()
    project.contract.unlink()
    project.table([{key: value for key, value in row.items() if key != "label"}
                   for row in good_rows()])  # fmt: skip
    with pytest.raises(UndecidedError, match="no column 'label'"):
        project.propose()
    (project.root / "data" / "things").write_text("id,label\n")
    with pytest.raises(UndecidedError, match="no row"):
        project.propose()


def test_hundreds_of_columns_are_looked_at_together(project: Project) -> None:
    names = [f"c{place}" for place in range(300)]
    lines = [f"{n},{'bad' if n % 3 else 'good'}{f',{n}' * len(names)}" for n in range(200)]
    text = "\n".join([",".join(["id", "label", *names]), *lines])
    (project.root / "data" / "things").write_text(text + "\n")
    assert project.propose().text.count("\n") > 300


def test_a_number_of_rows_is_accepted_anew_only_if_it_must(project: Project) -> None:
    def stated(rows: str) -> str:
        return CONTRACT.replace("rows: {min: 100, max: 200}", f"rows: {rows}")

    project.table(good_rows())
    project.contract.write_text(stated("{accepted: 100, change: {min: 0.5, max: 2}}"))
    assert project.propose().changes == []
    project.contract.write_text(stated("{accepted: 50, change: {min: 0.5, max: 2}}  # kept"))
    proposal = project.propose()
    (change,) = proposal.changes
    assert (change.key, change.was, change.now) == ("rows.accepted", "50", "120")
    assert "rows: {accepted: 120, change: {min: 0.5, max: 2}}  # kept" in proposal.text
