"""The number of rows beside the one that was last accepted, which the contract states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.mlops_steps.validate_data.conftest import CONTRACT

from mlops_steps.errors import ConfigError

Judge = Callable[..., Any]
Good = Callable[[], list[dict[str, str | None]]]


def stated(rows: str) -> str:
    return CONTRACT.replace("rows: {min: 100, max: 200}", f"rows: {rows}")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("{accepted: 120, change: {min: 1, max: 1}}", ""),
        ("{accepted: 240, change: {min: 0.5}}", ""),
        ("{accepted: 60, change: {max: 2}}", ""),
        (
            "{accepted: 241, change: {min: 0.5, max: 2}}",
            "120 rows, 0.498 times the 241 that were accepted; at least 0.5 times is wanted",
        ),
        (
            "{accepted: 59, change: {min: 0.5, max: 2}}",
            "120 rows, 2.03 times the 59 that were accepted; at most 2 times is wanted",
        ),
    ],
)
def test_a_change_of_the_number_of_rows(judged: Judge, good: Good, rows: str, message: str) -> None:
    found = judged(good(), contract=stated(rows))
    assert found.checks["change"]["message"] == message
    assert found.red() == ({"change": "fail"} if message else {})
    # The whole table counts, whoever judges.
    found = judged(good(), contract=stated(rows), split="valid")
    assert found.red() == ({"change": "fail"} if message else {})


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("{accepted: 100}", "rows.accepted: is compared with nothing"),
        ("{change: {min: 0.5}}", "rows.change: is a multiple of `accepted`"),
        ("{accepted: 100, change: {}}", "rows.change: has neither min nor max"),
        ("{accepted: 100, change: {min: 1.1}}", "refuses the number of rows that was accepted"),
        ("{accepted: 100, change: {max: 0.9}}", "refuses the number of rows that was accepted"),
        ("{accepted: 100, change: {min: 0}}", "rows.change.min: 0 times as many"),
        ("{accepted: 100, change: {max: .inf}}", "inf bounds nothing"),
        ("{accepted: 100, change: {min: .nan}}", "nan bounds nothing"),
        ("{accepted: 0, change: {min: 0.5}}", "accepted"),
    ],
)
def test_what_makes_no_sense(judged: Judge, good: Good, rows: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        judged(good(), contract=stated(rows))
    assert words in str(error.value)
    assert str(error.value).startswith("data/contract.yaml:1:")
