"""A contract that cannot be meant is refused, with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.validate_data.conftest import CONFIG

from mlops_steps import config
from mlops_steps.errors import ConfigError

GOOD = """\
rows: {min: 2}
columns:
  id: {type: integer}
  label: {type: text}
"""


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("{min: 2}", "{min: 0}", "data/contract.yaml:1:8: rows.min: Expected `int` >= 1"),
        ("{min: 2}", "{min: 2, max: 1}", "data/contract.yaml:1:16: rows.max: 1 is below min, 2"),
        ("integer", "whole", "data/contract.yaml:3:8: columns.id.type: Invalid enum value 'whole'"),
        (
            "integer}",
            "integer, uniqe: true}",
            "3:23: columns.id.uniqe: unknown key 'uniqe' (did you mean \"unique\"?)",
        ),
        ("integer}", "integer, min: .nan}", "columns.id.min: nan bounds nothing"),
        ("integer}", "integer, max: .inf}", "columns.id.max: inf bounds nothing"),
        ("integer}", "integer, min: 3, max: 2}", "columns.id.max: 2 is below min, 3"),
        ("integer}", "integer, allowed: []}", "Expected `array` of length >= 1"),
        ("integer}", "integer, allowed: ['1']}", "columns.id.allowed: '1' is not a finite number"),
        ("text}", "text, allowed: [1]}", "columns.label.allowed: 1 is not a text"),
        ("text}", "text, allowed: [yes]}", "Expected `int | float | str`, got `bool`"),
        ("text}", "text, min: 1}", "4:23: columns.label.min: is for number and integer"),
        ("text}", "boolean, allowed: [1]}", "columns.label.allowed: is for number, integer and"),
        ("  label", "  Label", "data/contract.yaml:2:1: columns: says nothing of 'label'"),
        ("  label", "  id", "the key 'id' is given twice"),
        ("columns:", "column:", "unknown key 'column'"),
        ("integer}", "integer, allowed: [1, 2.5]}", "columns.id.allowed: 2.5 is no integer"),
        ("integer}", "integer, min: 2, allowed: [1]}", "columns.id.allowed: 1 is below min, 2"),
        ("integer}", "integer, max: 2, allowed: [3]}", "columns.id.allowed: 3 is above max, 2"),
        ("text}", "text, allowed: [bad]}", "columns.label.allowed: allows 'bad' alone; a target"),
        (
            "text}",
            "text, allowed: [good, bat]}",
            "lacks 'bad', which mlops.yaml calls positive (did you mean \"bat\"?). Allowed here: ",
        ),
        (
            "text}",
            "integer}",
            "4:11: columns.label.type: no integer that the contract allows is 'bad', which mlops",
        ),
        ("text}", "boolean}", "columns.label.type: no boolean that the contract allows is 'bad'"),
    ],
)
def test_nonsense_is_refused_with_its_place(
    judged: Callable[..., Any], old: str, new: str, wanted: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        judged("id,label\n1,good\n", contract=GOOD.replace(old, new, 1))
    assert str(caught.value).startswith("data/contract.yaml")
    assert wanted in str(caught.value)


@pytest.mark.parametrize(
    ("positive", "column", "can"),
    [
        ("bad", "text", True),
        ("bad", "text, allowed: [good, bad]", True),
        ("bad", "text, allowed: [good, Bad]", False),
        ("bad", "timestamp", True),  # what can be read as one is not judged here
        ("bad", "number", False),
        ("1", "integer, allowed: [0, 1]", True),  # in a CSV file it may stand so
        ("1", "number, max: 0.5", False),
        ("true", "boolean", True),
        (1, "integer, allowed: [0, 1]", True),
        (1, "number, allowed: [0.0, 1.0]", True),
        (1, "text, allowed: ['0', '1']", True),
        (1, "text, allowed: ['no', 'yes']", False),
        (2, "integer, min: 0, max: 1", False),
        (2, "integer, min: 3", False),
        (1, "boolean", False),
        (True, "boolean", True),
        (True, "text, allowed: ['TRUE', 'FALSE']", True),
        (True, "text, allowed: ['yes', 'no']", False),
        (True, "integer", False),
    ],
)
def test_the_positive_value_is_one_that_the_contract_allows(
    judged: Callable[..., Any], tmp_path: Path, positive: object, column: str, can: bool
) -> None:
    from mlops_steps.validate_data.contract import load

    said = CONFIG.replace("positive: bad", f"positive: {json.dumps(positive)}")
    contract = GOOD.replace("{type: text}", f"{{type: {column}}}")
    judged("id,label\n1,good\n", contract=GOOD)
    (tmp_path / "mlops.yaml").write_text(said)
    (tmp_path / "data" / "contract.yaml").write_text(contract)
    table = config.load(tmp_path).table
    if can:
        assert load(tmp_path, table).columns["label"].type == column.partition(",")[0]
        return
    with pytest.raises(ConfigError, match=r"which mlops\.yaml calls positive") as caught:
        load(tmp_path, table)
    quoted = isinstance(positive, bool) and "allowed" in column
    assert ("put a text in quotes" in str(caught.value)) == quoted


def test_a_missing_contract_is_refused(judged: Callable[..., Any], tmp_path: Path) -> None:
    from mlops_steps.validate_data.contract import load

    judged("id,label\n1,good\n", contract=GOOD)
    (tmp_path / "data" / "contract.yaml").unlink()
    with pytest.raises(ConfigError, match=r"data/contract\.yaml: not found"):
        load(tmp_path, config.load(tmp_path).table)


def test_extra_columns_are_allowed_on_request(judged: Callable[..., Any]) -> None:
    found = judged("id,label,x\n1,good,1\n", contract=GOOD + "extra_columns: true\n")
    assert "columns" not in found.checks
