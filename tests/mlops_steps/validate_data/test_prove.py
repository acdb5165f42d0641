"""`--prove`: for every kind of check a spoilt row is planted in the data, and has to turn red."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.validate_data.conftest import CONFIG, CONTRACT

from mlops_steps import config
from mlops_steps.data.profile import column_types
from mlops_steps.data.tables import connect, format_of, scan
from mlops_steps.record import Record
from mlops_steps.spec import Status
from mlops_steps.validate_data import contract as contracts
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.compiled import Compiled, compiled
from mlops_steps.validate_data.judge import Result
from mlops_steps.validate_data.planting import Sample
from mlops_steps.validate_data.prove import Proof, prove, told, write
from mlops_steps.validate_data.step import STEP
from mlops_steps.validate_data.view import View

Judge = Callable[..., Any]
Good = Callable[[], list[dict[str, str | None]]]
KINDS = ["csv", "jsonl", "parquet"]

#: Every kind of check of a table, in one contract that the good rows keep.
EVERYTHING = CONTRACT.replace(
    "max: 200}\n", "max: 200, accepted: 110, change: {min: 0.9, max: 1.2}}\n"
).replace(
    "{type: text, nullable: true}",
    "{type: text, nullable: true, regex: 'say [0-9]+', length: {min: 3, max: 9}}",
).replace(
    "size: {type: number, min: 0.5, max: 10}",
    "size: {type: number, min: 0.5, max: 10, mean: {min: 1, max: 9}, distinct: {min: 5, max: 99}, "
    "quantiles: [{at: 0.5, min: 2, max: 8}, {at: 0.9, max: 10}]}",
).replace(
    'allowed: ["good", "bad"]}',
    'allowed: ["good", "bad"], shares: [{value: bad, min: 0.1, max: 0.9}]}',
) + """\
unique: [[size, count, grade]]
copies: {tolerate: 0.02}
rules:
  - {name: order, sql: "size * 100 > count and (seen is null or seen > date '2020-01-01')"}
  - {name: some, sql: "count < 99", tolerate: 0.05}
groups:
  - {name: same, by: [grade], sql: "max(size) - min(size) < 100"}
  - {name: one, by: [id], sql: "count(*) = 1"}
references:
  - {columns: [grade], file: data/grades.csv}
fresh:
  - {column: seen, within: 9000 days}
"""  # fmt: skip


def proofs(folder: Path) -> dict[str, list[dict[str, str]]]:
    """`proof.json`, by `column: check`."""
    found: dict[str, list[dict[str, str]]] = {}
    for each in json.loads((folder / "out/validate-data/proof.json").read_text()):
        found.setdefault(f"{each['column']}: {each['check']}", []).append(each)
    return found


@pytest.fixture
def grades(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "grades.csv").write_text("grade\n1\n2\n3\n")


@pytest.mark.usefixtures("grades")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_check_is_proved(
    judged: Judge, good: Good, tmp_path: Path, kind: str
) -> None:
    found = judged(good(), kind=kind, contract=EVERYTHING, prove="true")
    assert (found.status, found.red()) == (Status.PASS, {}), found.verdict.lines
    all_ = proofs(tmp_path)
    named = [each["check"] for listed in all_.values() for each in listed]
    listed_ = json.loads((tmp_path / "out/validate-data/checks.json").read_text())
    assert sorted(named) == sorted(each["check"] for each in listed_)
    open_ = {
        name: listed[0]["why"] for name, listed in all_.items() if listed[0]["outcome"] != "proved"
    }
    everywhere = {"note: type", "label: type"}
    types = {"id: type", "count: type", "grade: type", "size: type", "paid: type", "seen: type"}
    assert set(open_) == (everywhere | types if kind == "parquet" else everywhere), open_
    told = " ".join(found.verdict.lines)
    assert f"{len(named) - len(open_)} of {len(named)} checks proved" in told
    # Every kind of check of a table that there is.
    kinds = {each.strip(" .") for each in (Result.__doc__ or "").split("kind: ")[1].split(
        "column:")[0].replace(" or ", ", ").replace("\n", " ").split(",")}  # fmt: skip
    assert kinds - set(named) == {
        "file",
        "listed",
        "leak",
        "size",
        "whole",
        "once",
        "personal-name",
    }


@pytest.mark.usefixtures("grades")
def test_nothing_of_the_project_is_changed(judged: Judge, good: Good, tmp_path: Path) -> None:
    def digests() -> dict[str, str]:
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(tmp_path.rglob("*"))
            if path.is_file() and "out" not in path.relative_to(tmp_path).parts
        }

    judged(good(), contract=EVERYTHING)
    before = digests()
    judged(good(), contract=EVERYTHING, prove="true")
    assert digests() == before


def directly(tmp_path: Path, kind: str, spoil: Callable[[Compiled], Compiled]) -> list[Proof]:
    """The proofs of the project that `judged` left, with checks that were spoilt."""
    described = config.load(tmp_path)
    contract = contracts.load(tmp_path, described.table)
    source = tmp_path / "data" / "things"
    files = {each.file: tmp_path / each.file for each in contract.references}
    with connect() as connection:
        scanned = scan(source, text=True)
        cells = Cells(contract, column_types(connection, scanned), typed=kind == "parquet")
        assert (format_of(source) == "parquet") == cells.typed
        view = View(connection, cells.with_values(scanned), "true")
        asked = compiled(
            view, cells, described, files, now=datetime.now(UTC), looked="true"
        )  # fmt: skip
        own = View(connection, scanned, "true")
        return prove(own, Sample(connection, cells), spoil(asked), described, tmp_path)


@pytest.mark.usefixtures("grades")
@pytest.mark.parametrize("kind", KINDS)
def test_a_check_that_catches_nothing_is_missed(
    judged: Judge, good: Good, tmp_path: Path, kind: str
) -> None:
    judged(good(), kind=kind, contract=EVERYTHING)

    def spoil(asked: Compiled) -> Compiled:
        checks = [
            replace(each, distinct="NULL") if each.distinct else replace(each, violation="false")
            for each in asked.checks
        ]
        totals = [replace(each, told=lambda *_: "") for each in asked.totals]
        return Compiled(checks, totals)

    sound = directly(tmp_path, kind, lambda asked: asked)
    spoilt = directly(tmp_path, kind, spoil)
    ours = {
        "group",
        "rows",
        "change",
        "columns",
        "copies",
        "split",
    }  # these are not among what is compiled
    for before, after in zip(sound, spoilt, strict=True):
        if before.outcome == "proved" and before.check not in ours:
            assert after.outcome == "missed", after
    assert sum(each.outcome == "missed" for each in spoilt) >= 30


def test_what_was_missed_is_counted_and_told_first(
    judged: Judge, good: Good, tmp_path: Path
) -> None:
    judged(good())
    record = Record(STEP, tmp_path, config.load(tmp_path), {})
    missed = Proof("range", "size", "missed", "size '11'")
    assert write(record, [missed, Proof("set", "grade", "proved", "grade '4'")]) == 1
    assert [(each.rule, each.level) for each in record.verdict.findings] == [
        ("data/missed", "error")
    ]
    assert told([Proof("rows", "", "unplanted", "x"), missed])[1:] == [
        "size: range: NOT caught: size '11'",
        "rows: could not be planted: x",
    ]


def test_red_data_stay_red_and_are_proved_all_the_same(
    judged: Judge, good: Good, tmp_path: Path
) -> None:
    rows = good()
    rows[40]["size"] = "11"
    found = judged(rows, prove="true")
    assert (found.status, found.red()) == (Status.FAIL, {"size: range": "fail"})
    assert proofs(tmp_path)["size: range"][0]["outcome"] == "proved"
    found = judged([row | {"grade": "9"} for row in rows], prove="true")
    (proof,) = proofs(tmp_path)["grade: set"]
    assert proof["outcome"] == "unplanted"
    assert "it is red already" in proof["why"]


def test_what_cannot_be_planted_says_why(judged: Judge, good: Good, tmp_path: Path) -> None:
    contract = CONTRACT.replace("grade: {type: integer, allowed: [1, 2, 3]}",
                                "grade: {type: integer, min: -128, max: 127}")  # fmt: skip
    contract += "rules: [{name: always, sql: size is null or size is not null}]\n"
    contract = contract.replace(
        "{type: text, nullable: true}", "{type: text, nullable: true, regex: '\\p{L}*.*'}"
    )
    found = judged(
        good(), kind="parquet", types={"grade": "TINYINT"}, contract=contract, prove="true"
    )
    assert found.status is Status.PASS
    why = {name: listed[0]["why"] for name, listed in proofs(tmp_path).items()
           if listed[0]["outcome"] == "unplanted"}  # fmt: skip
    assert why["grade: range"] == "no cell of the type TINYINT can be '-129'"
    assert why["always: rule"] == "nothing that was tried breaks it"
    assert "RE2 alone" in why["note: regex"]


def test_test_rows_are_not_looked_at(judged: Judge, good: Good, tmp_path: Path) -> None:
    contract = CONTRACT + "rules: [{name: a, sql: size < 99}]\n"
    found = judged(good(), contract=contract, split="valid", prove="true")
    assert found.status is Status.PASS
    assert proofs(tmp_path)["a: rule"][0]["outcome"] == "proved"


def test_files_of_a_manifest(judged: Judge, tmp_path: Path) -> None:
    described = CONFIG.replace("binary", "multiclass").replace("      positive: bad\n", "")
    described = described.replace("roc_auc >= 0.5", "accuracy >= 0.5")
    described = described.replace("key: id\n", "key: id\n      kind: files\n      file: image\n")
    contract = "columns:\n  id: {type: integer}\n  image: {type: text}\n  label: {type: text}\n"
    (tmp_path / "data/images").mkdir(parents=True)
    for number in range(60):
        (tmp_path / f"data/images/{number}.png").write_text(str(number))
    lines = [f"{n},images/{n}.png,c{n % 3}" for n in range(60)]
    text = "\n".join(["id,image,label", *lines]) + "\n"
    found = judged(text, contract=contract, described=described, prove="true")
    assert found.status is Status.PASS
    for kind in ("file", "listed", "leak"):
        assert proofs(tmp_path)[f"image: {kind}"][0]["outcome"] == "proved"


def test_the_step_by_its_door(sample: Callable[..., Any]) -> None:
    made = sample()
    root = Path(__file__).resolve().parents[3]
    made.write("data/contract.yaml", (root / "templates/data/binary/contract.yaml").read_text())
    ran = made.run("validate-data", prove="true")
    assert ran.code == 0, ran.text
    assert "104 checks, 569 rows" in ran.text
    assert "of 104 checks proved: a spoilt row turned each of them red" in ran.text
    assert "out/validate-data/proof.json" in ran.verdict["wrote"]


def test_a_key_with_leading_zeros_and_wide_types(judged: Judge, good: Good, tmp_path: Path) -> None:
    rows = [row | {"id": f"{at:05}"} for at, row in enumerate(good())]
    contract = CONTRACT.replace(
        "id: {type: integer, unique: true}", "id: {type: text, unique: true}"
    )
    found = judged(rows, contract=contract, prove="true")
    assert found.status is Status.PASS
    assert proofs(tmp_path)["id: unique"][0]["outcome"] == "proved"
    found = judged(rows, kind="parquet", types={"id": "VARCHAR", "ratio": "DECIMAL(9,4)"},
                   contract=contract, prove="true")  # fmt: skip
    assert found.status is Status.PASS
    assert not [each for listed in proofs(tmp_path).values() for each in listed
                if each["outcome"] == "missed"]  # fmt: skip
