"""Texts that many rows share are judged once; what is not among them is judged by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops_steps.data.tables import about_rows, connect, scan
from mlops_steps.validate_data import familiar
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.contract import Column, Contract
from mlops_steps.validate_data.view import View

Judge = Callable[..., Any]
CONTRACT = """\
columns:
  id: {type: integer}
  place: {type: text, nullable: true, regex: "[a-z]+'?"}
  code: {type: text, regex: '[0-9]+x'}
  label: {type: text}
"""


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str | None]]:
    monkeypatch.setattr(familiar, "LOOKED", 40)
    places = ["here", "there", None, "o'", "elsewhere" * 20]
    return [
        {"id": str(k), "place": places[k % 5], "code": f"{k}x", "label": "good" if k % 2 else "bad"}
        for k in range(1, 601)
    ]


def known(table: Path) -> dict[str, tuple[str, ...]]:
    contract = Contract(
        columns={
            "place": Column(type="text", regex="[a-z]+'?"),
            "code": Column(type="text", regex="[0-9]+x"),
        }
    )
    with connect() as connection:
        cells = Cells(contract, {"place": "VARCHAR", "code": "VARCHAR"}, typed=True)
        view = View(connection, scan(table, text=True), "true", about_rows(table))
        return familiar.familiar(view, cells)


def test_frequent_short_texts_are_known(judged: Judge, rows: Any, tmp_path: Path) -> None:
    assert judged(rows, kind="parquet", contract=CONTRACT).red() == {}
    # Not the long one, and nothing of a column in which each row has a text of its own.
    assert known(tmp_path / "data" / "things") == {"place": ("here", "o'", "there")}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("cell", ["HERE", "her", "here "])
def test_another_text_is_judged_by_itself(judged: Judge, rows: Any, kind: str, cell: str) -> None:
    rows[500]["place"] = cell
    rows[501]["code"] = "1"
    found = judged(rows, kind=kind, contract=CONTRACT)
    wanted = {"code: regex": "fail"} | ({} if cell == "her" else {"place: regex": "fail"})
    assert found.red() == wanted
    assert found.checks["code: regex"]["rows"] == [502]
    if cell != "her":
        assert found.checks["place: regex"]["rows"] == [501]


def test_a_frequent_text_that_does_not_match_is_not_known(
    judged: Judge, rows: Any, tmp_path: Path
) -> None:
    for row in rows[::3]:
        row["place"] = "NOWHERE"
    check = judged(rows, kind="parquet", contract=CONTRACT).checks["place: regex"]
    assert (check["status"], check["n_failed"]) == ("fail", 200)
    assert "NOWHERE" not in known(tmp_path / "data" / "things")["place"]
