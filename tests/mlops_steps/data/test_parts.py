"""Several files that are one table: patterns, folders with keys, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlops_steps.config import Split, TableInput
from mlops_steps.data.parts import Parts
from mlops_steps.data.sources.local import find
from mlops_steps.data.tables import column_names, connect, literal, reading, scan
from mlops_steps.data.withhold import count_splits, write_rows
from mlops_steps.errors import UndecidedError

TABLE = TableInput(
    path="data/t",
    key="id",
    target="y",
    split=Split(by="hash", salt="s", test=0.3, valid=0.2),
    contract="c",
)


def rows(table: Path | Parts, *, text: bool = True) -> list[tuple[Any, ...]]:
    with connect() as connection, reading(table.name):
        return connection.execute(f"SELECT * FROM {scan(table, text=text)}").fetchall()


def parquet(path: Path, query: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with connect() as connection:
        connection.execute(f"COPY ({query}) TO {literal(path)} (FORMAT parquet)")
    return path


def put(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_a_pattern_is_the_rows_of_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    parquet(tmp_path / "data/b.parquet", "SELECT 2 AS id, 'x' AS y")
    parquet(tmp_path / "data/a.parquet", "SELECT 1 AS id, 'w' AS y")
    parquet(tmp_path / "other/c.parquet", "SELECT 3 AS id, 'z' AS y")
    table = find(tmp_path, "data/*.parquet")
    assert column_names(table) == ["id", "y"]
    assert rows(table) == [(1, "w"), (2, "x")]
    assert [path.name for path in find(tmp_path, "**/*.parquet").files] == [
        "a.parquet",
        "b.parquet",
        "c.parquet",
    ]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("csv", ("id,y\n007,a\n", "id,y\n8,b\n")),
        ("jsonl", ('{"id": "007", "y": "a"}\n', '{"id": 8, "y": "b"}\n')),
    ],
)
def test_folders_with_keys_are_columns(tmp_path: Path, name: str, files: tuple[str, str]) -> None:
    put(tmp_path / f"d/year=2023/m=a%20b/1.{name}", files[0])
    put(tmp_path / f"d/year=2024/m=__HIVE_DEFAULT_PARTITION__/1.{name}", files[1])
    put(tmp_path / "d/_SUCCESS", "")
    put(tmp_path / "d/_log/x.csv", "other\n")
    table = find(tmp_path, "d/")
    assert column_names(table) == ["id", "y", "year", "m"]
    assert rows(table) == [("007", "a", "2023", "a b"), ("8", "b", "2024", None)]
    assert rows(table, text=False) == [(7, "a", 2023, "a b"), (8, "b", 2024, None)]


def test_keys_above_parquet_have_types(tmp_path: Path) -> None:
    parquet(tmp_path / "d/year=2024/m=01/1.parquet", "SELECT 1 AS id, 'a' AS y")
    parquet(tmp_path / "d/year=2025/m=x/1.parquet", "SELECT 2 AS id, 'b' AS y")
    table = find(tmp_path, "d")
    assert rows(table) == [(1, "a", 2024, "01"), (2, "b", 2025, "x")]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_rows_are_handed_on_in_one_file_with_their_keys(tmp_path: Path, kind: str) -> None:
    for year in (2023, 2024):
        target = tmp_path / f"d/year={year}/1"
        target.parent.mkdir(parents=True)
        options = {"csv": "csv", "jsonl": "json", "parquet": "parquet"}[kind]
        with connect() as connection:
            query = f"SELECT range + {year * 100} AS id, 'a' AS y FROM range(100)"
            connection.execute(f"COPY ({query}) TO {literal(target)} (FORMAT {options})")
    table = find(tmp_path, "d")
    counts = count_splits(table, TABLE)
    assert sum(counts.values()) == 200
    written = write_rows(table, tmp_path / "out", TABLE, splits=["train"], leave_out=["y"])
    assert written == counts["train"] > 0
    assert sorted(column_names(tmp_path / "out")) == ["id", "year"]
    found = {(int(str(year)), int(str(key)) // 100) for key, year in rows(tmp_path / "out")}
    assert found == {(2023, 2023), (2024, 2024)}


def test_files_of_different_columns_are_no_table(tmp_path: Path) -> None:
    put(tmp_path / "d/a.csv", "id,y\n1,a\n")
    put(tmp_path / "d/b.csv", "y,id\nb,2\n")
    with pytest.raises(UndecidedError, match=r"a\.csv and b\.csv have different columns"):
        scan(find(tmp_path, "d/*.csv"))
    parquet(tmp_path / "p/a", "SELECT 1 AS id")
    parquet(tmp_path / "p/b", "SELECT '1' AS id")
    with pytest.raises(UndecidedError, match="a and b have different columns"):
        scan(find(tmp_path, "p/*"))
    put(tmp_path / "p/c", "id\n1\n")
    with pytest.raises(UndecidedError, match="a is parquet, c is csv"):
        scan(find(tmp_path, "p/*"))
    put(tmp_path / "e/year=1/a.csv", "id,YEAR\n1,2\n")
    with pytest.raises(UndecidedError, match=r"'year' is a column of a\.csv"):
        scan(find(tmp_path, "e"))
    put(tmp_path / "f/year=1/year=2/a.csv", "id\n1\n")
    with pytest.raises(UndecidedError, match="the names of two folders"):
        scan(find(tmp_path, "f"))


def test_a_damaged_file_among_good_ones_is_named(tmp_path: Path) -> None:
    parquet(tmp_path / "d/a", "SELECT range AS id FROM range(5000)")
    whole = parquet(tmp_path / "d/b", "SELECT range AS id FROM range(5000)")
    whole.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(UndecidedError, match=r"d/\*: cannot be read: .*/d/b"):
        scan(find(tmp_path, "d/*"))
    put(tmp_path / "d/b", "")
    with pytest.raises(UndecidedError, match="b: the file is empty"):
        scan(find(tmp_path, "d/*"))


def test_what_a_pattern_must_not_reach(tmp_path: Path) -> None:
    root, outside = tmp_path / "p", tmp_path / "secret"
    put(outside / "s.csv", "id,y\n1,a\n")
    put(root / "data/a.csv", "id,y\n1,a\n")
    (root / "data/b.csv").symlink_to(outside / "s.csv")
    (root / "data/far").symlink_to(outside)
    (root / "linked").symlink_to(outside)
    put(root / "k/year=1/a.csv", "id\n1\n")
    put(root / "k/b.csv", "id\n1\n")
    put(root / "star/*.csv", "id\n1\n")
    put(root / "out/train/x.csv", "id\n1\n")
    for address, words in {
        "data/*.csv": "'data/b.csv' is, or lies behind, a link",
        "data": "is, or lies behind, a link",
        "data/*": "is, or lies behind, a link",
        "linked/*.csv": "is, or lies behind, a link",
        "linked": "is, or lies behind, a link",
        "linked/s.csv": "is, or lies behind, a link",
        "../secret/*.csv": "leads out of the project",
        "data/../../secret/s.csv": "leads out of the project",
        "none/*.parquet": "no file is there",
        "none": "no file is there",
        "k": r"k/b\.csv lies below the keys none",
        "star/*": "in its path",
        "out/train/*": "is what git or a step keeps",
        "/etc/*": "leads out of the project",
        "/etc": "leads out of the project",
        "data/\0": "no file is there",
    }.items():
        with pytest.raises(UndecidedError, match=words):
            find(root, address)
