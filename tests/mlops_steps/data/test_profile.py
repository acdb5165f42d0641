"""The training profile: exact counts, whatever the edges."""

from __future__ import annotations

import bisect
import random
from pathlib import Path

import duckdb
import pytest

from mlops_steps.data import profile as module
from mlops_steps.data.profile import profile, read_profile, write_profile
from mlops_steps.errors import UndecidedError


def put(folder: Path, text: str) -> Path:
    path = folder / "t.csv"
    path.write_text(text)
    return path


def test_counts_are_exact(tmp_path: Path) -> None:
    chance = random.Random(1)
    values = [round(chance.gauss(0, 1), 1) for _ in range(1000)]  # many are equal
    found = profile(
        put(tmp_path, "id,x\n" + "".join(f"{n},{v}\n" for n, v in enumerate(values))),
        leave_out=["id"],
    )
    column = found.columns["x"]
    ordered = sorted(values)
    assert found.rows == 1000
    assert list(found.columns) == ["x"]
    assert column.edges == sorted(set(column.edges))
    assert (column.edges[0], column.edges[-1]) == (ordered[0], ordered[-1])
    assert column.below == [bisect.bisect_right(ordered, edge) for edge in column.edges]


def test_counts_are_exact_when_edges_come_from_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EDGE_ROWS", 50)
    values = [float(number * 7919 % 1000) for number in range(1000)]
    path = put(tmp_path, "x\n" + "".join(f"{value}\n" for value in values))
    column = profile(path, leave_out=[]).columns["x"]
    assert 20 < len(column.edges) <= 50
    assert column.below == [sum(value <= edge for value in values) for edge in column.edges]


def test_what_is_a_number_and_what_is_none(tmp_path: Path) -> None:
    found = profile(
        put(
            tmp_path,
            "a,b,c,d,e,f\n1,x,true,,1.5,1\n1,y,false,,nan,2\n2,,True,,inf,n/a\n,z,true,,-2,4\n",
        ),
        leave_out=[],
    ).columns
    assert (found["a"].nulls, found["a"].edges, found["a"].below) == (1, [1, 2], [2, 3])
    assert (found["b"].nulls, found["b"].edges) == (1, [])
    assert (found["c"].nulls, found["c"].edges, found["c"].below) == (0, [0, 1], [1, 4])
    assert (found["d"].nulls, found["d"].edges) == (4, [])
    # NaN is no value; infinity is one, but no edge.
    assert (found["e"].nulls, found["e"].edges, found["e"].below) == (1, [-2, 1.5], [1, 2])
    assert (found["f"].nulls, found["f"].edges) == (0, [])


def test_parquet_and_csv_give_the_same_profile(tmp_path: Path) -> None:
    text = put(tmp_path, "n,x,d\n" + "".join(f"{n},{n / 7},2026-01-02\n" for n in range(200)))
    typed = tmp_path / "t.parquet"
    duckdb.execute(f"COPY (FROM read_csv('{text}')) TO '{typed}' (FORMAT parquet)")
    assert profile(typed, leave_out=[]) == profile(text, leave_out=[])


def test_written_and_read(tmp_path: Path) -> None:
    path = put(tmp_path, "x\n1\n2\n")
    written = write_profile(path, tmp_path / "p.json", leave_out=[])
    assert read_profile(tmp_path / "p.json") == written


@pytest.mark.parametrize("content", ["", "{}", '{"rows": 1, "columns": {}, "more": 1}'])
def test_what_is_no_profile_is_undecided(tmp_path: Path, content: str) -> None:
    (tmp_path / "p.json").write_text(content)
    with pytest.raises(UndecidedError, match=r"p\.json: not a training profile"):
        read_profile(tmp_path / "p.json")
    with pytest.raises(UndecidedError, match="No such file"):
        read_profile(tmp_path / "none.json")


def test_no_rows_give_no_profile(tmp_path: Path) -> None:
    with pytest.raises(UndecidedError, match="no rows to profile"):
        profile(put(tmp_path, "x\n"), leave_out=[])
