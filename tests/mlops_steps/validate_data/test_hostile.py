"""Tables and contracts from somebody who means harm, or from a writer that is broken.

Each ends as a finding or with exit code 2 or 3; within bounds of time and memory; and no message
holds a cell.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.mlops_steps.conftest import ENTER
from tests.mlops_steps.validate_data.conftest import CONFIG, CONTRACT, checks, write_table

from mlops_steps import config
from mlops_steps.data.tables import connect, identifier
from mlops_steps.errors import MlopsError
from mlops_steps.record import Record
from mlops_steps.spec import Status
from mlops_steps.validate_data.step import STEP, run

Ends = Callable[..., tuple[int, str]]
Good = Callable[[], list[dict[str, str | None]]]
#: Stands in cells alone, so it may stand in no message.
SECRET = "Geheim4711"
CODES = {Status.PASS: 0, Status.FAIL: 1, Status.UNDECIDED: 3}
KEPT = "columns: {id: {type: integer}, label: {type: text}}\nextra_columns: true\n"


def csv_of(rows: list[dict[str, str | None]]) -> str:
    lines = [",".join(rows[0]), *(",".join(each or "" for each in row.values()) for row in rows)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def ends(tmp_path: Path) -> Ends:
    """The exit code of a run on a table, and all that it says."""

    def run_step(
        table: str | bytes, *, contract: str = CONTRACT, described: str = CONFIG
    ) -> tuple[int, str]:
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "mlops.yaml").write_text(described)
        (tmp_path / "data" / "contract.yaml").write_text(contract)
        content = table.encode() if isinstance(table, str) else table
        (tmp_path / "data" / "things").write_bytes(content)
        try:
            record = Record(STEP, tmp_path, config.load(tmp_path), {"split": "test"})
            code = CODES[run(record)]
        except MlopsError as error:  # anything else is a defect
            code, said = error.exit_code, str(error)
        else:
            verdict = record.verdict
            said = "\n".join([verdict.line, *verdict.lines, json.dumps(checks(tmp_path))])
        assert SECRET.lower() not in said.lower()
        return code, said

    return run_step


def parquet(folder: Path, query: str, options: str = "") -> bytes:
    path = folder / "made.parquet"
    duckdb.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet{options})")
    return path.read_bytes()


def things(more: str = "", replaced: str = "", rows: int = 200) -> str:
    """SQL for good rows of `KEPT`, and columns besides."""
    changed = f" REPLACE ({replaced})" if replaced else ""
    label = "CASE WHEN range % 3 = 0 THEN 'good' ELSE 'bad' END AS label"
    return f"SELECT *{changed}{more} FROM (SELECT range AS id, {label} FROM range({rows}))"


def footer(content: bytes) -> int:
    """Where the footer of a Parquet file begins."""
    return len(content) - 8 - int.from_bytes(content[-8:-4], "little")


CUTS: dict[str, Callable[[bytes], bytes]] = {
    "footer cut": lambda file: file[:-10],
    "page cut": lambda file: file[:60] + file[footer(file) :],
    "pages spoilt": lambda file: file[:30] + bytes(x ^ 0x5A for x in file[30:900]) + file[900:],
    "footer spoilt": lambda file: (
        file[: footer(file) + 9] + b"\xff" * 40 + file[footer(file) + 49 :]
    ),
    "no footer": lambda file: b"PAR1" + b"\0" * 100 + b"\xff\xff\xff\x7fPAR1",
    "magic alone": lambda file: b"PAR1PAR1",
}  # fmt: skip


@pytest.mark.parametrize("name", CUTS)
def test_a_broken_parquet_file_is_undecided(ends: Ends, tmp_path: Path, name: str) -> None:
    file = parquet(tmp_path, things(f", '{SECRET}' AS x"))
    assert ends(file, contract=KEPT)[0] == 0
    code, said = ends(CUTS[name](file), contract=KEPT)
    assert code == 3
    assert "cannot be read" in said


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: text.replace("say", "s\xe4y").encode("latin-1"), "header cannot be read"),
        (lambda text: text.encode("utf-16"), "header cannot be read"),
        (lambda text: text.encode("utf-16-le"), "a zero byte"),
        (lambda text: text.replace("say 4", "say\0 4").encode(), "a zero byte"),
        (lambda text: b"\0" * 5000, "a zero byte"),
        (lambda text: f"{text}121,{SECRET}\n".encode(), "CSV Error on Line: 122"),
        (lambda text: f"{text}121,1,1,1,1,{SECRET},true,,good,x\n".encode(), "cannot be read"),
        (lambda text: f'{text}121,1,1,1,1,"{SECRET}\n'.encode(), "CSV Error on Line: 122"),
        (lambda text: b'"id,size\n1,2\n', "header cannot be read"),
        (lambda text: b"", "the file is empty"),
        (lambda text: b" \n \n", "the file is empty"),
        (lambda text: b"\x1f\x8b" + b"\0" * 999, "is compressed"),
        (lambda text: text.replace("id,", "key,", 1).encode(), "has no column 'id'"),
        (lambda text: text.replace("note", "NOTE", 1).replace("ratio", "note", 1).encode(),
         "two columns are named 'note' and 'NOTE'"),
        (lambda text: b"id,k,\xe2\x84\xaa\n1,2,3\n", "two columns are named"),  # Kelvin's K
        (lambda text: text.replace("note", "*value* size", 1).encode(), "which steps use"),
        (lambda text: text.replace("note", "*row*", 1).encode(), "which steps use"),
    ],
)  # fmt: skip
def test_a_broken_csv_file_is_undecided(ends: Ends, good: Good, spoil: Any, words: str) -> None:
    code, said = ends(spoil(csv_of(good())))
    assert code == 3
    assert words in said


def test_what_only_looks_odd_is_judged(ends: Ends, good: Good) -> None:
    text = csv_of(good())
    for odd in ("\ufeff" + text, text.replace("\n", "\r"), text.replace("\n", "\n\n")):
        assert ends(odd.encode())[0] == 0
    code, said = ends(text.partition("\n")[0] + "\n")
    assert code == 1
    assert "0 rows, at least 100 are wanted" in said


ROW = '"size":"1","count":"2","grade":"3","ratio":"1","paid":"true","seen":null,"label":"good"'


@pytest.mark.parametrize(
    ("line", "wanted", "words"),
    [
        (f'{{"id":"999",{ROW},"size":"999"}}', 3, "1 lines give a key twice"),
        (f'{{"id":"999",{ROW},"s\\u0069ze":"999"}}', 3, "1 lines give a key twice"),
        (f'{{"id":"999",{ROW},"NOTE":"a"}}', 3, "two columns are named"),
        (f'{{"id":"999","note":"{SECRET}', 3, "Malformed JSON"),
        (f'{{"id":"999",{ROW},"note":"\\ud800"}}', 3, "Malformed JSON"),
        (f'{{"id":"999",{ROW}}}{{"id":"998"}}', 3, "Malformed JSON"),
        (f'{{"id":{{"{SECRET}":1}},{ROW}}}', 1, "id: type: 1 of 121 rows"),
        (f'{{"id":"999",{ROW}}}'.replace('"2"', "1e999"), 1, "count: range: 1 of 121 rows"),
        (f'{{"id":"999",{ROW}}}'.replace('"2"', "9" * 400), 1, "count: range: 1 of 121 rows"),
        (f'{{"id":"999",{ROW}}}'.replace('"true"', "1"), 1, "paid: type: 1 of 121 rows"),
        (f'["{SECRET}"]', 1, "id: nulls: 1 of 121 rows"),
        ("5", 1, "id: nulls: 1 of 121 rows"),
    ],
)
def test_a_hostile_line_of_json(ends: Ends, good: Good, line: str, wanted: int, words: str) -> None:
    lines = [json.dumps(row) for row in good()]
    code, said = ends("\n".join([*lines, line]) + "\n")
    assert (code, words in said) == (wanted, True), said


def test_a_json_array_is_no_table(ends: Ends) -> None:
    code, said = ends(f'[{{"id": "{SECRET}"}},\n{{"id": 2}}]\n')
    assert (code, "is one JSON array" in said) == (3, True)


NAMES = ["; drop table", '"; drop table t; --', "a\nb", "a'b", "\x1b[31mred", "::error::x", "%s",
         "$.x", "a\\", "\u202eevil", "rowid", "filename", "${{ x }}"]  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_only_a_name(ends: Ends, tmp_path: Path, name: str, kind: str) -> None:
    contract = f"{KEPT[:-1]}\n".replace("label:", f"{json.dumps(name)}: {{type: integer}}, label:")
    for value, wanted in (("7", 0), ("NULL", 1)):
        query = things(f", CASE WHEN id = 9 THEN {value} ELSE 7 END AS {identifier(name)}")
        duckdb.execute(f"COPY ({query}) TO '{tmp_path / 'made'}' (FORMAT {kind})")
        code, said = ends((tmp_path / "made").read_bytes(), contract=contract)
        assert code == wanted, said
        assert ("nulls: 1 of 200 rows without a value (row 10)" in said) == (wanted == 1)


def test_a_column_cannot_stand_in_for_what_a_check_computes(ends: Ends, tmp_path: Path) -> None:
    contract = KEPT.replace("type: text", "type: text, allowed: [good, bad]")
    assert ends("id,label\n1,bad\n2,good\n3,ugly\n", contract=contract)[0] == 1
    rows = "id,label,*value* label\n1,bad,bad\n2,good,good\n3,ugly,good\n"
    code, said = ends(rows, contract=contract)
    assert (code, "which steps use" in said) == (3, True)


def with_rule(sql: str) -> str:
    return f"{CONTRACT}rules: [{{name: r, sql: {json.dumps(sql)}}}]\n"


@pytest.mark.parametrize(
    ("sql", "how"),
    [
        ("count + count > 0", (1, 2)),  # of 64 bits
        ("count * count > 0", (1, 2)),
        ("abs(-count - 2) > 0", (1, 2)),
        ("cast(count as int) > 0", (1, 2)),
        ("count % (grade - grade) >= 0", (1, 120)),
        ("seen + interval 99999999 years > seen", (1, 120)),
        ("note = 5", (1, 120)),
        ("note = true", (1, 120)),
        ("not note", (1, 120)),
        ("note in (1, 2)", (1, 120)),
        ("note > 5", (3, 0)),
        ("note > date '2026-01-01'", (3, 0)),
        ("regexp_full_match(note, '(') or size > 0", (3, 0)),
        ("size / 0 > 0 or size > 0", (0, 0)),
        ("size < 1e400", (0, 0)),
        ("note like '" + "%a" * 200 + "' or size > 0", (0, 0)),
        ("regexp_full_match(note, '(a+)+$') or size > 0", (0, 0)),
        ("size > 0 or " * 1000 + "size > 0", (2, 0)),
        ("note <> '" + "x" * 1_000_000 + "'", (2, 0)),
        ("(" * 10_000 + "size > 0" + ")" * 10_000, (2, 0)),
        ("(" * 900 + "size > 0" + ")" * 900, (2, 0)),
        ("not " * 900 + "size > 0", (2, 0)),
        ("size" + " + 1" * 900 + " > 0", (2, 0)),
        ("size > 0" + " and size > 0" * 250, (0, 0)),
        ("size > $1", (2, 0)),
        ("size > 0\0", (2, 0)),
    ],
)
def test_a_hostile_rule(
    ends: Ends, good: Good, tmp_path: Path, sql: str, how: tuple[int, int]
) -> None:
    wanted, broken = how
    rows = [row | {"note": SECRET} for row in good()]
    rows[0]["count"] = rows[1]["count"] = str(2**63 - 1)
    write_table(tmp_path / "made", rows, "parquet", {"count": "BIGINT"})
    started = time.monotonic()
    code, said = ends((tmp_path / "made").read_bytes(), contract=with_rule(sql))
    assert time.monotonic() - started < 10
    assert code == wanted, said
    assert (f"r: rule: {broken} of 120 rows" in said) == (wanted == 1)
    assert str(2**63 - 1) not in said


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [("sum(count) > 0", 0), ("max(count) + max(count) > 0", 3), ("sum(count * count) > 0", 3),
     ("max(note) = 5", 3), ("sum(note) > 5", 3)],
)  # fmt: skip
def test_a_group_that_overflows_is_undecided(
    ends: Ends, good: Good, tmp_path: Path, sql: str, wanted: int
) -> None:
    rows = [row | {"note": SECRET, "count": str(2**62)} for row in good()]
    write_table(tmp_path / "made", rows, "parquet", {"count": "BIGINT"})
    contract = f'{CONTRACT}groups: [{{name: g, by: [grade], sql: "{sql}"}}]\n'
    code, said = ends((tmp_path / "made").read_bytes(), contract=contract)
    assert code == wanted, said
    assert str(2**62) not in said


def test_a_regular_expression_does_not_explode(ends: Ends, good: Good) -> None:
    rows = good()
    rows[3]["note"] = "a" * 1_000_000 + "!"
    started = time.monotonic()
    contract = CONTRACT.replace("note: {type: text", "note: {regex: '(a*)*(a|aa)+b', type: text")
    code, said = ends(csv_of(rows), contract=contract)
    assert (code, "note: regex: 30 of 120 rows" in said) == (1, True)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("regex", "words"),
    [
        ("a{1001}", "invalid repetition size"),
        ("((a{999}){999}){999}", "invalid repetition size"),
        ("(\\p{L}{1000}|x)*", "pattern too large"),
        ("(a|b)" * 10_000, "has 50,000 signs. Allowed: at most 2,000"),
    ],
)
def test_a_regular_expression_that_is_too_large(ends: Ends, regex: str, words: str) -> None:
    contract = CONTRACT.replace("note: {type: text", f"note: {{regex: '{regex}', type: text")
    code, said = ends("id\n", contract=contract)
    assert (code, words in said, len(said) < 1000) == (2, True, True), said[:300]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{after}: &{after} [{','.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefghijk", "bcdefghijkl", strict=True)
)
CONTRACTS = {
    "bomb": (BOMB + CONTRACT, "unknown key 'a'"),
    "bomb of rules": (
        CONTRACT + "rules:\n" + "".join(
            f"  - &r{at} {{name: x, sql: [{','.join([f'*r{at - 1}'] * 9) if at else ''}]}}\n"
            for at in range(12)
        ),
        "rules[0].sql: Expected",
    ),
    "of itself": ("columns: &a {id: *a}\n", "recursive"),
    "deep": ("columns: " + "[" * 5000 + "]" * 5000, "nested too deeply"),
    "deep maps": ("columns: " + "{a: " * 3000 + "1" + "}" * 3000, "nested too deeply"),
    "large": (CONTRACT + "#" * 500_000, "larger than 500,000 bytes"),
    "a truth value": (CONTRACT.replace("  note:", "  yes:"), "found True"),
    "a date": (CONTRACT.replace("  note:", "  2020-01-01:"), "got `date`"),
    "nothing": (CONTRACT.replace("  note:", "  ~:"), "got `null`"),
    "twice": (CONTRACT.replace("  note:", "  size:"), "is given twice"),
    "no date": (CONTRACT.replace("[1, 2, 3]", "[2020-13-45]"), "cannot be read as timestamp"),
    "a program": (CONTRACT + "rules: !!python/object/apply:os.system ['id']\n", "constructor"),
    "merge": (CONTRACT.replace("ratio: {", "ratio: {<<: {}, "), "merge keys"),
    "digits": (CONTRACT.replace("max: 200", f"max: {'9' * 5000}"), "cannot be read as int"),
    "two": (CONTRACT + "---\n" + CONTRACT, "single document"),
    "zero": (CONTRACT + "# \0", "no character U+0000"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_hostile_contract_is_refused(ends: Ends, name: str) -> None:
    contract, words = CONTRACTS[name]
    started = time.monotonic()
    code, said = ends("id\n", contract=contract)
    assert (code, words in said) == (2, True), said[:300]
    assert said.startswith("data/contract.yaml")
    assert len(said.splitlines()) == 1
    assert time.monotonic() - started < 10


def test_a_contract_of_many_values_names_few(ends: Ends, good: Good) -> None:
    rows = good()
    rows[0]["label"] = SECRET
    values = ", ".join(f"v{at}" for at in range(20_000))
    contract = CONTRACT.replace('["good", "bad"]', f"[{values}, good, bad]")
    code, said = ends(csv_of(rows), contract=contract)
    assert (code, "v29 and 19,972 more" in said, len(said) < 40_000) == (1, True, True)


TYPES = ["5::DECIMAL(38, 10)", "[1, 2]", f"{{'a': '{SECRET}'}}", "MAP {'k': 1}", "'x'::BLOB",
         "TIME '12:00'", "INTERVAL 1 DAY", "[{'a': [MAP {'x': [1]}]}]", "NULL",
         "TIMESTAMPTZ '2026-01-01 00:00+05'", "DATE 'infinity'", "true"]  # fmt: skip


@pytest.mark.parametrize("value", TYPES)
@pytest.mark.parametrize("wanted", ["text", "number", "timestamp"])
def test_a_type_that_is_another_is_undecided_in_every_check(
    ends: Ends, tmp_path: Path, value: str, wanted: str
) -> None:
    if value.startswith(("TIMESTAMPTZ", "DATE")) and wanted == "timestamp":
        return
    if "DECIMAL" in value and wanted == "number":
        return
    more = {"text": "regex: x, shares: [{value: a, max: 0.5}]", "number": "mean: {max: 1}, min: 0",
            "timestamp": "unique: true"}[wanted]  # fmt: skip
    contract = f"{KEPT}".replace(
        "label:", f"x: {{type: {wanted}, nullable: true, distinct: {{min: 1}}, {more}}}, label:"
    )
    contract += "fresh: [{column: x, within: 9 days}]\n" if wanted == "timestamp" else ""
    code, said = ends(parquet(tmp_path, things(f", {value} AS x")), contract=contract)
    assert code == 3, said
    told = [each for each in json.loads(said.splitlines()[-1]).values() if each["column"] == "x"]
    asked = [each for each in told if each["check"] not in {"personal", "nulls"}]
    assert {each["status"] for each in asked} == {"undecided"}
    assert all("cannot be read as" in each["message"] for each in asked)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("170141183460469231731687303715884105727::HUGEINT", "fail"),
        ("99999999999999999999999999999999999999::DECIMAL(38, 0)", "fail"),
        ("18446744073709551615::UBIGINT", "fail"),
        ("'inf'::DOUBLE", "fail"),
        ("'-inf'::FLOAT", "fail"),
        ("'nan'::DOUBLE", "fail"),
    ],
)
def test_a_number_beyond_all_bounds(ends: Ends, tmp_path: Path, value: str, status: str) -> None:
    contract = KEPT.replace(
        "label:",
        "x: {type: number, min: 0, max: 9, mean: {max: 9}, "
        "quantiles: [{at: 0.5, max: 9}], allowed: [1, 2], unique: true, distinct: {max: 1}}, "
        "label:",
    )
    query = things(f", CASE WHEN id < 3 THEN {value} ELSE 1 END AS x")
    code, said = ends(parquet(tmp_path, query), contract=contract)
    assert code == 1
    told = json.loads(said.splitlines()[-1])
    red = "x: nulls" if "nan" in value else "x: range"
    assert (told[red]["status"], told[red]["n_failed"]) == (status, 3)


def moment(**ahead: float) -> datetime:
    return datetime.now(UTC) + timedelta(**ahead)


def zoned(at: datetime, hours: int) -> str:
    return at.astimezone(timezone(timedelta(hours=hours))).isoformat()


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        (zoned(moment(hours=-1), 14), ""),
        (zoned(moment(hours=-1), -12), ""),
        (zoned(moment(hours=-25), 14), "older than 1 days"),
        (zoned(moment(hours=3), -12), "still to come"),
        (f"{moment(hours=-4):%Y-%m-%d %H:%M:%S} Europe/Berlin", ""),
        ("2026-03-29 02:30:00 Europe/Berlin", "2026-03-29 01:30:00 (UTC), older"),  # in the gap
        (f"{moment():%Y-%m-%d %H:%M:%S} Nowhere/Land", "not a timestamp"),
        ("290000-01-01", "still to come"),
        ("infinity", "still to come"),
        ("-infinity", "older than"),
        ("2026-02-30", "not a timestamp"),
        ("01/02/2026", "not a timestamp"),
        ("nan", "not a timestamp"),
    ],
    # Workers compare the names of tests, and these would have the time in them.
    ids=map(str, range(13)),
)
def test_zones_and_far_dates(ends: Ends, good: Good, text: str, fails: str) -> None:
    rows = [row | {"seen": text} for row in good()]
    code, said = ends(
        csv_of(rows), contract=f"{CONTRACT}fresh: [{{column: seen, within: 1 days}}]\n"
    )
    assert (code, fails in said) == (1 if fails else 0, True), said


def test_the_zone_of_the_machine_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    query = "SELECT CAST(TIMESTAMPTZ '2026-01-01 00:00+00' AS VARCHAR)"
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        with connect() as connection:
            assert connection.execute(query).fetchall() == [("2026-01-01 00:00:00+00",)]
    finally:
        monkeypatch.undo()
        time.tzset()


def link(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to("/etc/passwd")


@pytest.mark.parametrize("name", ["data/contract.yaml", "data/ref.csv", "data/things"])
def test_a_link_out_of_the_project_is_not_read(tmp_path: Path, name: str) -> None:
    found = real(tmp_path, spoil=lambda folder: link(folder, name))
    assert found.code == 2
    assert f"{name}: is, or lies behind, a link" in found.text
    assert "root" not in found.text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("path: data/things", "path: data/../../things"),
        ("path: data/things", "path: /etc/passwd"),
        ("contract: data/contract.yaml", "contract: ../contract.yaml"),
        ("path: data/things", 'path: "data/th\\0ings"'),
        ("path: data/things", f"path: {'d' * 5000}"),
    ],
)
def test_a_path_that_is_none(ends: Ends, old: str, new: str) -> None:
    assert ends("id\n", described=CONFIG.replace(old, new))[0] == 2


def test_names_of_folders(ends: Ends, good: Good, tmp_path: Path) -> None:
    described = CONFIG.replace(
        "path: data/things",
        "path: data/copy\n      source: {kind: files, address: data/parts}",
    )
    (tmp_path / "data").mkdir()
    for name, wanted in {
        "k=x'; DROP TABLE t; --": 0,
        "k=%2e%2e%2fx": 0,
        "id=x": 3,
        "=x": 3,
        "k=a=x": 3,
        "k=x\n::error::": 3,
        "\x1b[31m=x": 3,
        "k=%FFx": 3,
        "k=\udcff": 3,
    }.items():
        folder = tmp_path / "data" / "parts" / name
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text(csv_of(good()))
        code, said = ends("", contract=f"{CONTRACT}extra_columns: true\n", described=described)
        assert (code, "\x1b" in said) == (wanted, False), (name, said)
        (folder / "a.csv").unlink()
        folder.rmdir()


def test_hostile_names_in_a_manifest(ends: Ends, good: Good, tmp_path: Path) -> None:
    described = CONFIG.replace(
        "      key: id\n", "      kind: files\n      file: note\n      key: id\n"
    )
    (tmp_path / "data").mkdir()
    rows = good()
    for row in rows:
        row["note"] = f"f{row['id']}.txt"
        (tmp_path / "data" / row["note"]).write_text(row["id"] or "")
    names = ["../x", "/etc/passwd", "a\\b", "link", "~/x", ".git/config", "things", "..", SECRET,
             "./../contract.yaml", "x" * 5000]  # fmt: skip
    for row, name in zip(rows, names, strict=False):
        row["note"] = name
    link(tmp_path / "data", "link")
    code, said = ends(csv_of(rows), described=described)
    assert (code, f"note: file: {len(names)} of 120 rows name no file" in said) == (1, True), said


class Ran:
    """How a process of the step ended: its exit code, what it said, its peak in MiB, its time."""

    code: int
    text: str
    peak: int
    seconds: float


def real(folder: Path, spoil: Callable[[Path], object], contract: str = "") -> Ran:
    """Run the step by its door in a process of its own."""
    (folder / "data").mkdir(exist_ok=True)
    (folder / "mlops.yaml").write_text(CONFIG)
    extra = "references: [{columns: [id], file: data/ref.csv, severity: warn}]\n"
    (folder / "data" / "contract.yaml").write_text(contract or KEPT + extra)
    rows = things()
    duckdb.execute(f"COPY ({rows}) TO '{folder / 'data' / 'things'}' (FORMAT csv)")
    duckdb.execute(f"COPY ({rows}) TO '{folder / 'data' / 'ref.csv'}' (FORMAT csv)")
    spoil(folder)
    found, started = Ran(), time.monotonic()
    command = [sys.executable, "-I", str(ENTER), "--inside", "validate-data"]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=_lose_the_right_to_read_all,  # noqa: PLW1509 - no threads here
    ) as process:  # fmt: skip
        found.peak = 0
        while process.poll() is None:
            # Not `ru_maxrss`, which a process inherits from who starts it.
            status = Path(f"/proc/{process.pid}/status")
            text = status.read_text() if status.exists() else ""
            if "VmHWM:" in text:
                found.peak = int(text.split("VmHWM:")[1].split()[0]) // 1024
            time.sleep(0.005)
        assert process.stdout
        found.text = process.stdout.read()
    found.code, found.seconds = process.returncode, time.monotonic() - started
    verdict = json.loads((folder / "out/validate-data/verdict.json").read_text())
    assert verdict["exit_code"] == found.code
    assert not list((folder / "out").rglob(".*")), "half-written"
    for word in ("Traceback", "defect of the step", SECRET, "\x1b"):
        assert word not in found.text
    return found


def _lose_the_right_to_read_all() -> None:
    """Root may read whatever it likes; not so without two capabilities (prctl 24: bounding set)."""
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


def made(query: str, name: str = "data/things", kind: str = "parquet") -> Callable[[Path], object]:
    return lambda folder: duckdb.execute(f"COPY ({query}) TO '{folder / name}' (FORMAT {kind})")


def test_a_file_without_permission(tmp_path: Path) -> None:
    found = real(tmp_path, spoil=lambda folder: (folder / "data" / "things").chmod(0))
    assert (found.code, "Permission denied" in found.text) == (3, True), found.text


WIDE = ", ".join(f"id % 97 AS c{at}" for at in range(10_000))
LARGE = {
    "10,000 columns of CSV": (made(things(f", {WIDE}", rows=20), kind="csv"), 3, "10,002 columns"),
    "1,000 columns": (
        made(things(", " + ", ".join(WIDE.split(", ")[:1000]))), 0, "1012 checks, 200 rows",
    ),
    "a cell of 100 MB": (
        made(things(", CASE WHEN id = 7 THEN repeat('x', 100_000_000) END AS x")), 0, "200 rows",
    ),
    "a cell of 100 MB in CSV": (
        made(things(", CASE WHEN id = 7 THEN repeat('x', 100_000_000) END AS x"), kind="csv"),
        3, "cannot be read",
    ),
    "a cell of 100 MB in JSON": (
        made(things(", CASE WHEN id = 7 THEN repeat('x', 100_000_000) END AS x"), kind="json"),
        3, "maximum_object_size",
    ),
    "a key of 100 MB": (
        made(things(replaced="CASE WHEN id = 7 THEN repeat('x', 100_000_000) ELSE id::VARCHAR END "
                    "AS id")), 3, "",
    ),
    "5 million rows in a reference": (
        made("SELECT range AS id FROM range(5_000_000)", "data/ref.csv", "csv"), 0, "200 rows",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_what_is_large_is_bounded(tmp_path: Path, name: str) -> None:
    spoil, code, words = LARGE[name]
    found = real(tmp_path, spoil=spoil)
    assert found.code == code, found.text[:500]
    assert words in found.text
    assert found.peak < 450, found.peak
    assert found.seconds < 60
