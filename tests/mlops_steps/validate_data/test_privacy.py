"""Personal data that the contract does not declare: found in every format, and nothing else is."""

from __future__ import annotations

import csv
import random
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.mlops_steps.validate_data.conftest import CONTRACT

from mlops_steps.data.profile import column_types
from mlops_steps.data.tables import about_rows, connect, scan
from mlops_steps.spec import Status
from mlops_steps.validate_data import personal
from mlops_steps.validate_data.contract import Contract
from mlops_steps.validate_data.privacy import ROWS, privacy, sampled
from mlops_steps.yaml_file import read_yaml

Judge = Callable[..., Any]
Good = Callable[[], list[dict[str, str | None]]]

ROOT = Path(__file__).resolve().parents[3]
KINDS = ["csv", "jsonl", "parquet"]


def luhn(digits: str) -> str:
    """With its check digit, computed another way than by the code under test."""
    table = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
    total = sum(table[int(d)] if i % 2 == 0 else int(d) for i, d in enumerate(reversed(digits)))
    return f"{digits}{-total % 10}"


def iban(country: str, body: str) -> str:
    """With its check digits (ISO 13616-1)."""
    value = 0
    for sign in f"{body}{country}00":
        number = int(sign, 36)
        value = (value * (100 if number > 9 else 10) + number) % 97
    return f"{country}{98 - value:02}{body}"


def numbers(seed: int, digits: int, count: int) -> list[str]:
    draw = random.Random(seed)
    return [f"{draw.randrange(10**digits):0{digits}}" for _ in range(count)]


#: 120 values each, none of a person: reserved domains, drawn digits.
MADE: dict[str, list[str]] = {
    "email": [f"user{n}@mail.example.org" for n in range(120)],
    "phone": [f"+49 30 {each[:4]} {each[4:]}" for each in numbers(1, 7, 120)],
    "iban": [iban("DE", each) for each in numbers(2, 18, 120)],
    "card": [luhn(f"4{each}") for each in numbers(3, 14, 120)],
    "ip": [f"{84 + n % 15}.{n}.{250 - n}.17" for n in range(120)],
}
FORMS: list[tuple[str, Callable[[str], str]]] = [
    ("email", lambda each: f"Wrote to {each}, no answer."),
    ("email", lambda each: f"mailto:{each}"),
    ("phone", lambda each: f"call {each.replace(' ', '-')} after six"),
    ("phone", lambda each: each.replace(" ", "")),
    ("phone", lambda each: f"(030) {each[7:]}"),
    ("phone", lambda each: f"030/{each[7:].replace(' ', '')}"),
    ("iban", lambda each: " ".join(each[at : at + 4] for at in range(0, 22, 4))),
    ("iban", lambda each: f"Refund to {each} PLEASE"),
    ("card", lambda each: "-".join(each[at : at + 4] for at in range(0, 16, 4))),
    ("card", lambda each: f"card {each}, declined"),
]


def noted(good: Good, cells: list[str | None]) -> list[dict[str, str | None]]:
    return [row | {"note": cell} for row, cell in zip(good(), cells, strict=True)]


def found(cells: list[str], *, numbers: bool = False) -> set[str]:
    """What the check finds, by the same two steps: DuckDB takes the parts, then they are read."""
    query = "SELECT array_to_string(regexp_extract_all(unnest(?::VARCHAR[]), ?), chr(10))"
    parts = [row[0] for row in duckdb.execute(query, [cells, personal.PARTS]).fetchall()]
    return set(personal.count(parts, len(parts), numbers=numbers))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", MADE)
def test_what_is_not_declared_fails_and_is_not_shown(
    judged: Judge, good: Good, kind: str, what: str
) -> None:
    rows = noted(good, list(MADE[what]))
    ran = judged(rows, kind=kind)
    assert (ran.status, ran.red()) == (Status.FAIL, {"note: personal": "fail"})
    check = ran.checks["note: personal"]
    assert (check["n"], check["n_failed"], check["rows"], check["cells"]) == (120, 120, [], [])
    assert f"120 hold {personal.WORDS[what]}" in check["message"]
    assert f"`personal: {what}`" in check["message"]
    assert not [each for each in MADE[what] if each in str(ran.verdict) + str(ran.checks)]
    for answer in (what, "none", "other"):
        line = f"note: {{type: text, nullable: true, personal: {answer}}}"
        contract = CONTRACT.replace("note: {type: text, nullable: true}", line)
        assert judged(rows, kind=kind, contract=contract).red() == {}


@pytest.mark.parametrize("samples", ["redacted", "shown"])
def test_a_cell_of_a_declared_column_is_never_shown(
    judged: Judge, good: Good, samples: str
) -> None:
    line = "note: {type: text, nullable: true, regex: 'say [0-9]+', personal: other}"
    contract = f"samples: {samples}\n" + CONTRACT.replace(
        "note: {type: text, nullable: true}", line
    )
    rows = good()
    rows[3]["note"] = "said 4"
    check = judged(rows, contract=contract).checks["note: regex"]
    assert (check["status"], check["rows"], check["cells"]) == ("fail", [4], [])


@pytest.mark.parametrize(("what", "form"), FORMS)
def test_free_text_and_other_ways_of_writing_count(what: str, form: Callable[[str], str]) -> None:
    assert found([form(each) for each in MADE[what]]) == {what}


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_number_hides_in_no_column_of_integers(judged: Judge, good: Good, kind: str) -> None:
    rows = [row | {"count": card} for row, card in zip(good(), MADE["card"], strict=True)]
    ran = judged(rows, kind=kind, types={"count": "BIGINT"})
    assert ran.red() == {"count: personal": "fail"}


def test_a_hundredth_of_the_values_is_enough_of_what_is_sure() -> None:
    others = [f"nothing of note, case {n}" for n in range(990)]
    for what in ("email", "phone", "iban", "card"):
        assert found(others + MADE[what][:10]) == {what}
        assert found([*others, *others, *MADE[what][:10]]) == set()
    assert found(others[:120] + MADE["ip"]) == {"ip"}
    assert found(others[:130] + MADE["ip"]) == set()


def test_nulls_are_no_values(judged: Judge, good: Good) -> None:
    cells: list[str | None] = [None] * 118 + MADE["email"][:2]
    check = judged(noted(good, cells)).checks["note: personal"]
    assert (check["status"], check["n_failed"]) == ("fail", 2)
    assert judged(noted(good, [None] * 120)).red() == {}


def draw(seed: int, make: Callable[[random.Random, int], str]) -> list[str]:
    rng = random.Random(seed)
    return [make(rng, number) for number in range(1000)]


INNOCENT: dict[str, Callable[[random.Random, int], str]] = {
    "ids of 16 digits": lambda r, n: str(r.randrange(4 * 10**15, 6 * 10**15)),
    "counted ids": lambda r, n: str(4000000000000000 + n),
    "ids of 19 digits": lambda r, n: str(r.randrange(4 * 10**18, 5 * 10**18)),
    "padded ids": lambda r, n: f"{r.randrange(10**12):014}",
    "uuid": lambda r, n: f"{r.getrandbits(128):032x}",
    "dashed uuid": lambda r, n: "-".join(f"{r.getrandbits(4 * k):0{k}x}" for k in (8, 4, 4, 4, 12)),
    "sha": lambda r, n: f"sha256:{r.getrandbits(256):064x}",
    "prices": lambda r, n: f"{r.uniform(0, 10**6):,.2f} EUR",
    "signed": lambda r, n: f"{r.uniform(-(10**6), 10**6):+.6f}",
    "epoch milliseconds": lambda r, n: str(r.randrange(10**12, 2 * 10**12)),
    "times": lambda r, n: f"2026-{r.randint(1, 12):02}-11T{r.randint(0, 23):02}:10:59.123456+01:00",
    "days": lambda r, n: f"{r.randint(1, 28):02}.{r.randint(1, 12):02}.{r.randint(1990, 2030)}",
    "ranges of days": lambda r, n: f"2026-01-{r.randint(1, 28):02} 2026-02-{r.randint(1, 28):02}",
    "clock": lambda r, n: f"{r.randint(0, 23):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}",
    "codes": lambda r, n: f"{''.join(r.choices(string.ascii_uppercase, k=3))}-{r.randrange(10**6)}",
    "codes like accounts": lambda r, n: f"DE{r.randrange(10**20):020}",
    "codes of digits": lambda r, n: f"{r.randrange(10**4):04}-{r.randrange(10**4):04}-{n:04}",
    "codes of three": lambda r, n: f"{r.randrange(10**3):03}-{r.randrange(10**3):03}-{n % 1000:03}",
    "EAN-13": lambda r, n: f"40{r.randrange(10**11):011}",
    "ISBN": lambda r, n: f"978-3-16-{r.randrange(10**6):06}-{n % 10}",
    "versions": lambda r, n: f"v{r.randint(0, 9)}.{r.randint(0, 40)}.{n % 7}.{r.randint(0, 200)}",
    "plain versions": lambda r, n: f"{r.randint(1, 20)}.{n % 99}.{n % 7}.{r.randint(0, 99)}",
    "private addresses": lambda r, n: f"192.168.{r.randint(0, 255)}.{r.randint(1, 254)}",
    "hardware addresses": lambda r, n: ":".join(f"{r.getrandbits(8):02x}" for _ in range(6)),
    "names in C++": lambda r, n: f"std::vector::at{n} a::b ab::cd::{n}",
    "files": lambda r, n: f"icons/logo{n}@2x.png",
    "packages": lambda r, n: f"left-pad@{r.randint(1, 9)}.{n}.0 @types/node",
    "repositories": lambda r, n: f"git@git.example.org:team/project-{n}.git",
    "connections": lambda r, n: f"postgresql://app:secret@db{n}.example.org:5432/data",
    "places": lambda r, n: f"{r.uniform(-90, 90):.6f}, {r.uniform(-180, 180):.6f}",
    "sizes": lambda r, n: f"{r.randint(100, 999)} x 212 x {r.randint(1000, 9999)}",
    "handles": lambda r, n: f"@user_{n} wrote at 12:30",
    "words": lambda r, n: " ".join(r.choices(["THE", "ORDER", "GB", "WAS", "LATE"], k=12)),
}  # fmt: skip


@pytest.mark.parametrize("name", INNOCENT)
def test_what_is_not_personal_is_no_finding(name: str) -> None:
    cells = draw(1, INNOCENT[name])
    assert found(cells) == set()
    if name in {"ids of 16 digits", "counted ids", "ids of 19 digits", "epoch milliseconds"}:
        assert found(cells, numbers=True) == set()


def test_codes_without_check_digits_are_taken_for_cards_no_more_often_than_stated() -> None:
    # 2,000 columns of every size; the rule allows one in 100,000 and column.
    alarms = 0
    for seed in range(2000):
        rng = random.Random(seed)
        cells = [str(rng.randrange(4 * 10**15, 6 * 10**15)) for _ in range(rng.randint(1, 40))]
        alarms += bool(personal.count(cells, len(cells), numbers=True))
    assert alarms <= 1


NAMES = {
    "email": "email E-Mail user_email customerEmail emailAddress email_address_2 Courriel correo",
    "phone": "phone phone_number PhoneNo Telefon téléphone mobile fax home_phone Handy",
    "iban": "iban IBAN customer_iban",
    "card": "card_number creditCardNumber",
    "ip": "ip IP_Address clientIp",
    "name": "name Name first_name lastName surname Vorname nom prénom apellido patient_name",
    "other": "ssn birth_date dateOfBirth dob Geburtsdatum birthday fecha_nacimiento Straße "
    "address home_address Anschrift naissance endereço passport_number",
}
NOT_NAMES = (
    "id customer product_name file_name column hostname names_seen renamed ip_count tip zip "
    "email_opt_in emails_sent has_phone is_mobile phone_service n_emails days_since_email "
    "addressed low_birth_weight birth_rate mean_radius pixel_0_1 monthly_fee plan region churned "
    "pays_by_card card_type description mobility telemetry username_length credit_card nominal"
)  # fmt: skip


def test_names_of_columns_are_read_as_whole_words() -> None:
    for kind, names in NAMES.items():
        assert {name: personal.named(name) for name in names.split()} == dict.fromkeys(
            names.split(), kind
        )
    assert [name for name in NOT_NAMES.split() if personal.named(name)] == []


def test_a_telling_name_alone_warns(judged: Judge, good: Good) -> None:
    rows = [row | {"surname": f"word {row['id']}"} for row in good()]
    contract = f"{CONTRACT}  surname: {{type: text}}\n"
    ran = judged(rows, contract=contract)
    assert (ran.status, ran.red()) == (Status.PASS, {"surname: personal-name": "fail"})
    assert [each.level for each in ran.verdict.findings] == ["warning"]
    declared = contract.replace("surname: {type: text", "surname: {type: text, personal: name")
    assert judged(rows, contract=declared).red() == {}
    # A few values that the contract lists name nobody.
    rows = [row | {"surname": "yes"} for row in good()]
    listed = contract.replace("surname: {type: text", "surname: {type: text, allowed: ['yes']")
    assert judged(rows, contract=listed).red() == {}


def test_values_that_are_allowed_are_looked_at_in_the_contract(judged: Judge, good: Good) -> None:
    rows = [row | {"note": "desk@example.org"} for row in good()]
    line = "note: {type: text, allowed: [desk@example.org]}"
    contract = CONTRACT.replace("note: {type: text, nullable: true}", line)
    assert judged(rows, contract=contract).red() == {"note: personal": "fail"}


def test_a_column_that_the_contract_does_not_name_is_looked_at(judged: Judge, good: Good) -> None:
    rows = [row | {"more": each} for row, each in zip(good(), MADE["email"], strict=True)]
    assert judged(rows, contract=f"extra_columns: true\n{CONTRACT}").red() == {
        "more: personal": "fail"
    }


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_of_a_large_table_rows_are_drawn_by_their_keys(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "large"
    # The personal part lies together at the end, as in a table that grows.
    query = "SELECT i AS id, CASE WHEN i >= 196000 THEN 'a' || i || '@example.org' ELSE 'none' END "
    options = "FORMAT parquet" if kind == "parquet" else "FORMAT csv, HEADER"
    duckdb.execute(f"COPY ({query} AS note FROM range(200000) t(i)) TO '{path}' ({options})")
    contract_path = tmp_path / "contract.yaml"
    contract_path.write_text("columns: {id: {type: integer, max: 999999}, note: {type: text}}")
    contract = read_yaml(contract_path, Contract, shown_as="contract.yaml")
    with connect() as connection:
        table = scan(path, text=True)
        kinds = column_types(connection, table)
        looked = sampled(about_rows(path), "id", kinds)
        (total,) = privacy(contract, kinds, looked)
        (n, parts) = connection.execute(f"SELECT {', '.join(total.wants)} FROM {table}").fetchone()
    assert 0.9 * ROWS < n < 1.2 * ROWS
    told = total.told(parts)
    assert isinstance(told, tuple)
    assert 0.01 * n < told[1] < 0.03 * n


@pytest.mark.parametrize(
    "folder",
    sorted((ROOT / "templates" / "data").glob("*/samples.csv")),
    ids=lambda p: p.parent.name,
)
def test_the_demonstrations_give_no_alarm(folder: Path) -> None:
    _quiet(folder, folder.parent / "contract.yaml")


@pytest.mark.parametrize("name", ["churn-both", "digits-gitlab", "tumour-github"])
def test_the_examples_give_no_alarm(name: str) -> None:
    data = ROOT / "examples" / name / "data"
    (table,) = data.glob("*.csv")
    _quiet(table, data / "contract.yaml")


def _quiet(table: Path, contract_path: Path) -> None:
    contract = read_yaml(contract_path, Contract, shown_as="contract.yaml")
    with table.open(newline="") as stream:
        key = next(csv.reader(stream))[0]
    with connect() as connection:
        scanned = scan(table, text=True)
        kinds = column_types(connection, scanned)
        looked = sampled(about_rows(table), key, kinds)
        for each in (contract, Contract(columns={}, extra_columns=True)):
            for total in privacy(each, kinds, looked):
                query = f"SELECT {', '.join(total.wants)} FROM {scanned}"
                n, *answers = connection.execute(query).fetchone() or (0,)
                assert n > 400
                assert total.told(*answers) == "", total.column
