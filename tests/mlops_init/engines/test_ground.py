"""What an artifact says of its job: only a verdict is one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlops_init.engines import Account, ground

GOOD = {"status": "pass", "line": "2 rules", "lines": [], "seconds": 0.5, "took": {}}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", "null", '"pass"', "{}", json.dumps(GOOD | {"lines": 7}), "\x00"],
)
def test_what_is_no_verdict_judged_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "verdict.json").write_text(text)
    assert ground.result_of(tmp_path, "ci", "gate", "gate").status == "undecided"
    assert ground.untraced(tmp_path.parent, tmp_path.name, Account("gate")) == []


def test_a_verdict_is_told_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text(json.dumps(GOOD))
    result = ground.result_of(tmp_path, "ci", "gate", "gate")
    assert (result.status, result.line, result.seconds) == ("pass", "2 rules", 0.5)
