"""A contract that cannot be meant is refused, with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
    ],
)
def test_nonsense_is_refused_with_its_place(
    judged: Callable[..., Any], old: str, new: str, wanted: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        judged("id,label\n1,good\n", contract=GOOD.replace(old, new, 1))
    assert str(caught.value).startswith("data/contract.yaml")
    assert wanted in str(caught.value)


def test_a_missing_contract_is_refused(judged: Callable[..., Any], tmp_path: Path) -> None:
    from mlops_steps.validate_data.contract import load

    judged("id,label\n1,good\n", contract=GOOD)
    (tmp_path / "data" / "contract.yaml").unlink()
    with pytest.raises(ConfigError, match=r"data/contract\.yaml: not found"):
        load(tmp_path, config.load(tmp_path).table)


def test_extra_columns_are_allowed_on_request(judged: Callable[..., Any]) -> None:
    found = judged("id,label,x\n1,good,1\n", contract=GOOD + "extra_columns: true\n")
    assert "columns" not in found.checks
