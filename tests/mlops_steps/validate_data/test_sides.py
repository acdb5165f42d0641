"""No row that judges is a row to train on under another key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from tests.mlops_steps.validate_data.conftest import CONTRACT

from mlops_steps.spec import Status

Judge = Callable[..., Any]
Good = Callable[[], list[dict[str, str | None]]]

KINDS = ["csv", "jsonl", "parquet"]
COPIES = CONTRACT + "copies: {}\n"


def side(key: int) -> str:
    """The definition of the split, written once more."""
    share = int(hashlib.sha256(f"s:{key}".encode()).hexdigest()[:15], 16) / 16**15
    return "test" if share < 0.3 else "valid" if share < 0.5 else "train"


def first(name: str) -> int:
    return next(number for number in range(1, 121) if side(number) == name)


def copied(rows: list[dict[str, str | None]], of: str, to: str) -> int:
    """Give a row of one side the features of one of another; returns its number."""
    target, source = first(to), first(of)
    kept = {name: rows[target - 1][name] for name in ("id", "label")}
    rows[target - 1] = rows[source - 1] | kept
    return target


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("of", ["train", "valid"])
def test_a_row_of_test_that_may_be_learned_is_named(
    judged: Judge, good: Good, kind: str, of: str
) -> None:
    rows = good()
    assert judged(rows, kind=kind, contract=COPIES).red() == {}
    place = copied(rows, of, "test")
    found = judged(rows, kind=kind, contract=COPIES)
    assert found.red() == {"copies": "fail"}
    tests = sum(side(number) == "test" for number in range(1, 121))
    check = found.checks["copies"]
    assert (check["n"], check["n_failed"], check["rows"]) == (tests, 1, [place])
    assert check["message"] == (
        f"1 of {tests} rows of test have the features of a row of train and valid (row {place})"
    )
    assert judged(rows, kind=kind).red() == {}  # only if it is asked for
    # With valid as the judge, rows of test are not looked at.
    assert judged(rows, kind=kind, contract=COPIES, split="valid").red() == {}


def test_valid_is_held_against_train_where_it_judges(judged: Judge, good: Good) -> None:
    rows = good()
    place = copied(rows, "train", "valid")
    found = judged(rows, contract=COPIES, split="valid")
    assert found.checks["copies"]["rows"] == [place]
    assert judged(rows, contract=COPIES).red() == {}  # both are learned where test judges


def test_numbers_are_equal_however_they_are_written(judged: Judge, good: Good) -> None:
    rows = good()
    place = copied(rows, "train", "test")
    rows[place - 1]["size"] = f"{float(rows[place - 1]['size'] or 0):.5f}"
    assert judged(rows, contract=COPIES).red() == {"copies": "fail"}
    rows[place - 1]["size"] = "9.99"
    assert judged(rows, contract=COPIES).red() == {}


def test_missing_values_are_equal(judged: Judge, good: Good) -> None:
    rows = good()
    place = copied(rows, "train", "test")
    source = first("train")
    rows[place - 1]["note"] = rows[source - 1]["note"] = None
    assert judged(rows, contract=COPIES).red() == {"copies": "fail"}
    rows[place - 1]["note"] = "say 1"
    assert judged(rows, contract=COPIES).red() == {}


def test_a_warning_and_a_tolerated_share(judged: Judge, good: Good) -> None:
    rows = good()
    copied(rows, "train", "test")
    found = judged(rows, contract=CONTRACT + "copies: {severity: warn}\n")
    assert (found.status, found.red()) == (Status.PASS, {"copies": "fail"})
    tests = sum(side(number) == "test" for number in range(1, 121))
    for share, red in ((1 / tests + 1e-9, {}), (1 / tests - 1e-9, {"copies": "fail"})):
        contract = CONTRACT + f"copies: {{tolerate: {share!r}}}\n"
        assert judged(rows, contract=contract).red() == red


def test_a_table_without_features_is_undecided(judged: Judge) -> None:
    contract = "columns: {id: {type: integer}, label: {type: text}}\ncopies: {}\n"
    text = "id,label\n" + "".join(f"{n},{'bad' if n % 3 else 'good'}\n" for n in range(100))
    found = judged(text, contract=contract)
    assert found.red() == {"copies": "undecided"}
    assert found.status is Status.UNDECIDED
