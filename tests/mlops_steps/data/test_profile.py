"""The training profile: exact counts, whatever the edges; small; and profiles add up."""

from __future__ import annotations

import bisect
import collections
import json
import random
import statistics
from pathlib import Path

import duckdb
import msgspec
import pytest

from mlops_steps.data import planning as module
from mlops_steps.data.categories import MANY
from mlops_steps.data.profile import Profile, merge, read_profile, write_profile
from mlops_steps.data.profiling import count, profile
from mlops_steps.data.tables import connect, scan
from mlops_steps.errors import UndecidedError


def put(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def counted(path: Path, like: Profile, *, asked_now: bool = False) -> Profile:
    with connect() as connection:
        return count(connection, scan(path, text=True), like, asked_now=asked_now)


def in_bins(values: list[float], edges: list[float]) -> list[int]:
    found = collections.Counter(bisect.bisect_left(edges, value) for value in values)
    return [found[place] for place in range(len(edges) + 1)]


def test_counts_are_exact(tmp_path: Path) -> None:
    chance = random.Random(1)
    values = [round(chance.gauss(0, 1), 1) for _ in range(1000)]  # many are equal
    found = profile(
        put(tmp_path, "id,x\n" + "".join(f"{n},{v}\n" for n, v in enumerate(values))),
        leave_out=["id"],
    )
    column = found.columns["x"]
    assert found.rows == 1000
    assert list(found.columns) == ["x"]
    assert column.kind == "number"
    assert column.edges == sorted(set(column.edges))
    assert (column.edges[0], column.edges[-1]) == (min(values), max(values))
    assert column.counts == in_bins(values, column.edges)
    assert (column.low, column.high, column.finite) == (min(values), max(values), 1000)
    assert column.mean == pytest.approx(statistics.fmean(values))
    assert column.sd == pytest.approx(statistics.pstdev(values))
    assert not column.identifies


def test_counts_are_exact_when_edges_come_from_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EDGE_ROWS", 50)
    values = [float(number * 7919 % 1000) + 0.5 for number in range(1000)]
    path = put(tmp_path, "x\n" + "".join(f"{value}\n" for value in values))
    column = profile(path, leave_out=[]).columns["x"]
    assert 20 < len(column.edges) <= 50
    assert column.counts == in_bins(values, column.edges)


def test_a_text_beyond_the_sample_makes_a_category(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EDGE_ROWS", 50)
    lines = [f"{number}.5,{number}.5" for number in range(1000)]
    lines[1] = "unknown,1.5"
    found = profile(put(tmp_path, "x,y\n" + "\n".join(lines) + "\n"), leave_out=[]).columns
    assert list(found) == ["x", "y"]
    assert (found["x"].kind, found["x"].rest, found["x"].nulls) == ("category", 1000, 0)
    assert (found["y"].kind, sum(found["y"].counts)) == ("number", 1000)


def test_new_values_are_named_unless_they_are_rare(tmp_path: Path) -> None:
    like = profile(put(tmp_path, "x\n" + "a\n" * 9), leave_out=())
    asked = ["a"] * 3 + ["b"] * 7 + ["c"] * 5 + ["Mia"] * 4
    now = counted(put(tmp_path, "x\n" + "\n".join(asked), "n.csv"), like, asked_now=True)
    assert (now.columns["x"].new, now.columns["x"].rest) == (["b", "c"], 16)


def test_a_column_of_many_values_is_grouped_alone_and_counted_alike(tmp_path: Path) -> None:
    rows = [f"{row % 7},{'abc'[row % 3]}" for row in range(300)]
    path = put(tmp_path, "x,y\n" + "\n".join(rows))
    like = profile(path, leave_out=())
    crowded = {
        name: msgspec.structs.replace(column, distinct=MANY + 1)
        for name, column in like.columns.items()
    }
    assert counted(path, Profile(rows=300, columns=crowded)) == counted(path, like)


def test_categories_are_counted(tmp_path: Path) -> None:
    lines = [f"{'blue' if n % 3 else 'red'},{n % 2 == 0},{n % 4},v{n}" for n in range(600)]
    lines += ["rare,,,", ",true,7,w"]
    found = profile(
        put(tmp_path, "colour,flag,few,many\n" + "\n".join(lines) + "\n"), leave_out=[]
    ).columns
    colour = found["colour"]
    assert colour.values == {"blue": 400, "red": 200}
    assert (colour.rest, colour.nulls, colour.numeric) == (1, 1, False)
    assert found["flag"].values == {"1.0": 301, "0.0": 300}
    assert (found["flag"].numeric, found["flag"].nulls) == (True, 1)
    assert found["few"].values == dict.fromkeys(("0.0", "1.0", "2.0", "3.0"), 150)
    assert found["few"].rest == 1
    # A value of a row or two tells whose it is: none is written down.
    assert (found["many"].values, found["many"].rest) == ({}, 601)
    assert found["many"].distinct == pytest.approx(601, rel=0.1)


def test_an_empty_text_is_a_value_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    rows = "SELECT CASE WHEN i % 3 = 0 THEN '' WHEN i % 3 = 1 THEN 'a' END AS x FROM range(90) t(i)"
    duckdb.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet)")
    found = profile(path, leave_out=[])
    assert found.columns["x"].values == {"": 30, "a": 30}
    assert (found.columns["x"].nulls, found.columns["x"].rest) == (30, 0)
    more = tmp_path / "more.parquet"
    rows = "SELECT * FROM (VALUES (''), ('a'), ('b')) t(x)"
    duckdb.execute(f"COPY ({rows}) TO '{more}' (FORMAT parquet)")
    now = counted(more, found, asked_now=True).columns["x"]
    assert (now.values, now.rest, now.new) == ({"": 1, "a": 1}, 1, [])  # who it is, is not told


def test_what_is_a_number_and_what_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 1)
    text = "a,b,c,d,e,f\n1,x,true,,1.5,1\n1,y,false,,nan,2\n2,,True,,inf,n/a\n,z,true,,-2,4\n"
    found = profile(put(tmp_path, text), leave_out=[]).columns
    assert (found["a"].nulls, found["a"].edges, found["a"].counts) == (1, [1, 2], [2, 1, 0])
    assert (found["b"].kind, found["b"].nulls) == ("category", 1)
    assert (found["c"].nulls, found["c"].edges, found["c"].counts) == (0, [0, 1], [1, 3, 0])
    assert (found["d"].kind, found["d"].nulls) == ("category", 4)
    # NaN is no value; infinity is one, but no edge, and no part of the mean.
    assert (found["e"].nulls, found["e"].edges, found["e"].counts) == (1, [-2, 1.5], [1, 1, 1])
    assert (found["e"].finite, found["e"].mean, found["e"].sd) == (2, -0.25, 1.75)
    assert (found["f"].kind, found["f"].unreadable) == ("category", 0)


def test_huge_numbers_break_no_mean(tmp_path: Path) -> None:
    lines = [f"{number}.5" for number in range(100)] + ["1e308", "-1e308"]
    column = profile(put(tmp_path, "x\n" + "\n".join(lines) + "\n"), leave_out=[]).columns["x"]
    assert (sum(column.counts), column.finite, column.mean) == (102, 100, 50.0)


def test_what_is_no_number_where_numbers_were(tmp_path: Path) -> None:
    lines = [f"{number}.5" for number in range(100)]
    reference = profile(put(tmp_path, "x\n" + "\n".join(lines) + "\n"), leave_out=[])
    asked = put(tmp_path, "x,y\n1.5,a\n,b\nn/a,c\nNaN,d\n", "now.csv")
    now = counted(asked, reference).columns["x"]
    assert (now.unreadable, now.nulls, sum(now.counts)) == (1, 2, 1)
    gone = counted(put(tmp_path, "y\n1.5\n", "gone.csv"), reference)
    assert (gone.rows, gone.columns) == (1, {})


@pytest.mark.parametrize(
    ("value", "identifies"),
    [
        ("{n}", True),  # in order
        ("{shuffled}", True),
        ("{n}.5", False),  # no whole number
        ("{wide}", False),  # all different, and so they would be by chance
        ("{twice}", False),
    ],
)
def test_numbers_that_only_name_rows(tmp_path: Path, value: str, identifies: bool) -> None:
    chance = random.Random(3)
    numbers = list(range(5000, 5600))
    chance.shuffle(numbers)
    lines = [
        value.format(n=n, shuffled=shuffled, wide=chance.randrange(10**9), twice=n // 2)
        for n, shuffled in enumerate(numbers)
    ]
    column = profile(put(tmp_path, "x\n" + "\n".join(lines) + "\n"), leave_out=[]).columns["x"]
    assert column.identifies is identifies


def test_parquet_and_csv_give_the_same_profile(tmp_path: Path) -> None:
    lines = "".join(f"{n},{n / 7},2026-01-02,{n % 3},{n % 2 == 0}\n" for n in range(200))
    text = put(tmp_path, f"n,x,d,few,flag\n{lines}")
    typed = tmp_path / "t.parquet"
    duckdb.execute(f"COPY (FROM read_csv('{text}')) TO '{typed}' (FORMAT parquet)")
    assert profile(typed, leave_out=[]) == profile(text, leave_out=[])


def test_parts_add_up_to_the_whole(tmp_path: Path) -> None:
    chance = random.Random(4)
    lines = [
        f"{chance.gauss(5, 2) if chance.random() > 0.1 else ''},{chance.choice('abcd')},{n % 3}"
        for n in range(3000)
    ]
    head = "x,c,few\n"
    whole = profile(put(tmp_path, head + "\n".join(lines) + "\n"), leave_out=[])
    parts = [
        counted(put(tmp_path, head + "\n".join(lines[a:b]) + "\n", f"{a}.csv"), whole)
        for a, b in ((0, 7), (7, 1200), (1200, 3000))
    ]
    found = merge(merge(parts[0], parts[1]), parts[2])
    again = counted(tmp_path / "t.csv", whole)
    assert found.rows == again.rows == 3000
    for name, column in again.columns.items():
        merged = found.columns[name]
        for field in ("nulls", "unreadable", "counts", "values", "rest", "finite", "low", "high"):
            assert getattr(merged, field) == getattr(column, field), (name, field)
        assert merged.mean == pytest.approx(column.mean)
        assert merged.sd == pytest.approx(column.sd)
    other = profile(put(tmp_path, "x,c,few\n1,a,2\n", "other.csv"), leave_out=[])
    with pytest.raises(ValueError, match="x: the profiles are not on the same edges"):
        merge(whole, other)
    with pytest.raises(ValueError, match="different columns"):
        merge(whole, Profile(rows=1, columns={}))


def test_a_hundred_columns_are_small(tmp_path: Path) -> None:
    path = tmp_path / "wide.parquet"
    numbers = [f"random() * 1e6 AS a_long_name_of_a_number_{n}" for n in range(50)]
    sign = "repeat('\u00e9', 18)"  # 36 bytes, and as many values as are kept
    texts = [f"{sign} || (i * {n + 7} % 30) AS a_long_name_of_a_text_{n}" for n in range(50)]
    rows = f"SELECT {', '.join(numbers + texts)} FROM range(200000) t(i)"
    duckdb.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet)")
    found = write_profile(path, tmp_path / "p.json", leave_out=[])
    assert len(found.columns) == 100
    assert all(each.values for each in list(found.columns.values())[50:])
    assert 100_000 < (tmp_path / "p.json").stat().st_size < 200_000
    # What has no room of its own is counted all the same.
    for each in found.columns.values():
        assert sum(each.counts) + sum(each.values.values()) + each.rest == 200_000


def test_written_and_read(tmp_path: Path) -> None:
    path = put(tmp_path, "x\n1\n2\n")
    written = write_profile(path, tmp_path / "p.json", leave_out=[])
    assert read_profile(tmp_path / "p.json") == written
    assert json.loads((tmp_path / "p.json").read_text())["format"] == 2


@pytest.mark.parametrize("content", ["", "{}", '{"format": 2, "rows": 1, "columns": {}, "no": 1}'])
def test_what_is_no_profile_is_undecided(tmp_path: Path, content: str) -> None:
    (tmp_path / "p.json").write_text(content)
    with pytest.raises(UndecidedError, match=r"p\.json: not a training profile"):
        read_profile(tmp_path / "p.json")
    with pytest.raises(UndecidedError, match="No such file"):
        read_profile(tmp_path / "none.json")


def test_a_profile_of_an_earlier_release_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"rows": 2, "columns": {"x": {"nulls": 0}}, "format": 1}')
    with pytest.raises(UndecidedError, match=r"format 1, wanted 2: .* Train and register"):
        read_profile(tmp_path / "p.json")


def test_no_rows_give_no_profile(tmp_path: Path) -> None:
    with pytest.raises(UndecidedError, match="no rows to profile"):
        profile(put(tmp_path, "x\n"), leave_out=[])
