"""The tables that the benchmarks measure on: the same bytes, and a fault where one is wanted."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from benchmarks.checks import COLUMNS, COUNT, checks
from benchmarks.tables import FAULTS, MOVED, Table, write

ROWS = 20_000


def table(path: Path, **wanted: object) -> str:
    write(Table(**{"kind": "orders", "rows": ROWS, **wanted}), path)  # type: ignore[arg-type]
    return f"read_parquet('{path}')"


def one(query: str) -> tuple[object, ...]:
    return duckdb.execute(query).fetchone() or ()


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_the_same_bytes_however_many_threads(tmp_path: Path, suffix: str) -> None:
    wanted = Table(kind="orders", rows=300_000, suffix=suffix)
    files = [tmp_path / f"{threads}.{suffix}" for threads in (1, 3)]
    for threads, file in zip((1, 3), files, strict=True):
        write(wanted, file, threads=threads)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_keys_are_a_permutation_in_no_order(tmp_path: Path) -> None:
    found = table(tmp_path / "t.parquet")
    assert one(f"SELECT min(id), max(id), count(DISTINCT id) FROM {found}") == (0, ROWS - 1, ROWS)
    rises = f"SELECT id > lag(id) OVER () AS rises FROM {found}"
    (share,) = one(f"SELECT avg(rises::INT) FROM ({rises})")
    assert 0.45 < float(str(share)) < 0.55
    gaps = table(tmp_path / "g.parquet", gaps=True)
    assert one(f"SELECT count(DISTINCT id), max(id) > 4e9 FROM {gaps}") == (ROWS, True)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_cell(tmp_path: Path, fault: str) -> None:
    good, bad = table(tmp_path / "g.parquet"), table(tmp_path / "b.parquet", faults=(fault,))
    (different,) = one(f"SELECT count(*) FROM (FROM {good} EXCEPT ALL FROM {bad})")
    assert different == 1
    column = FAULTS[fault][0]
    rest = f"SELECT * EXCLUDE ({column}) FROM"
    assert one(f"SELECT count(*) FROM ({rest} {good} EXCEPT ALL {rest} {bad})") == (0,)


def test_a_share_of_rows_is_spoilt(tmp_path: Path) -> None:
    bad = table(tmp_path / "b.parquet", faults=tuple(FAULTS), share=0.01)
    for count in (
        f"SELECT count_if(latitude IS NULL) FROM {bad}",
        f"SELECT count_if(ratio > 1) FROM {bad}",
        f"SELECT count_if(updated < created) / 0.8 FROM {bad}",
        f"SELECT count(*) - count(DISTINCT id) FROM {bad}",
    ):
        assert 150 < float(str(one(count)[0])) < 260, count


def test_the_checks_are_of_every_column() -> None:
    wanted = checks(ROWS)
    assert len(wanted) == COUNT == 40
    assert len(COLUMNS) == 20
    named = {check["column"] for check in wanted if "column" in check}
    assert named == set(COLUMNS) - {"updated"}  # only a rule looks at it


def test_what_moved_has_moved_and_nothing_else(tmp_path: Path) -> None:
    before = table(tmp_path / "a.parquet", kind="reference", rows=50_000)
    after = table(tmp_path / "b.parquet", kind="requests", rows=50_000, drift=0.5)
    moved = set()
    for number in ("real", "skewed", "whole"):
        for place in range(8 if number == "real" else 3 if number == "skewed" else 4):
            name = f"{number}{place}"
            gap, spread = one(
                f"SELECT abs((SELECT avg({name}) FROM {after}) - avg({name})), stddev({name}) "
                f"FROM {before}"
            )
            if float(str(gap)) > 0.05 * float(str(spread)):
                moved.add(name)
    shares = "SELECT channel, count(*) / 50000 AS share FROM {} GROUP BY 1"
    far = f"SELECT max(abs(a.share - b.share)) FROM ({shares.format(before)}) a"
    (gap,) = one(f"{far} JOIN ({shares.format(after)}) b USING (channel)")
    assert float(str(gap)) > 0.2
    assert moved == set(MOVED) - {"channel"}
