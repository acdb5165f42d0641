"""The proof turns red for each planted row, whatever wrote the tree."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pytest

from mlops_steps.config import Split, TableInput
from mlops_steps.errors import ConfigError, UndecidedError
from mlops_steps.train.leaks import prove, withheld

SPLIT = Split(by="hash", salt="s", test=0.3, valid=0.2)
TABLE = TableInput(
    path="data.csv", key="id", target="y", positive=1, split=SPLIT, contract="contract.yaml"
)
KEYS = [str(number) for number in range(200)]


def write(path: Path, keys: list[str | None], columns: str = "id,y") -> None:
    with path.open("w", newline="") as stream:
        stream.write(columns + "\n")
        csv.writer(stream, lineterminator="\n").writerows([key, 1] for key in keys)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with the rows that may be trained on when `test` judges."""
    write(tmp_path / "whole.csv", list(KEYS))
    (tmp_path / "tree").mkdir()
    write(tmp_path / "tree" / "data.csv", [k for k in KEYS if not withheld(k, SPLIT, "test")])
    return tmp_path / "tree"


def check(tree: Path, *others: str, judge: str = "test") -> int:
    return prove(tree, tree.parent / "whole.csv", TABLE, judge=judge, others=others)


def test_a_clean_tree_passes_with_every_row_counted(tree: Path) -> None:
    assert check(tree) == sum(not withheld(key, SPLIT, "test") for key in KEYS)


def test_one_withheld_row_is_found(tree: Path) -> None:
    planted = next(key for key in KEYS if withheld(key, SPLIT, "test"))
    with (tree / "data.csv").open("a") as stream:
        stream.write(f"{planted},1\n")
    with pytest.raises(UndecidedError, match=f"withheld row {planted} is in the training tree"):
        check(tree)


def test_valid_rows_are_withheld_when_they_judge(tree: Path) -> None:
    with pytest.raises(UndecidedError, match="withheld row"):
        check(tree, judge="valid")


def test_a_row_without_a_key_is_refused(tree: Path) -> None:
    write(tree / "data.csv", [None])
    with pytest.raises(UndecidedError, match="withheld row None"):
        check(tree)


def test_a_table_that_cannot_be_read_is_refused(tree: Path) -> None:
    (tree / "data.csv").write_bytes(b"\xff\xfe,id\n1,2\n")
    with pytest.raises(UndecidedError):
        check(tree)


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_other_tables_are_looked_into(tree: Path, kind: str) -> None:
    planted = next(key for key in KEYS if withheld(key, SPLIT, "test"))
    other = tree / "other"
    if kind == "csv":
        write(other, [planted])
    elif kind == "parquet":
        query = f"COPY (SELECT {int(planted)} AS id, 1 AS y) TO '{other}' (FORMAT parquet)"
        duckdb.connect().execute(query)
    else:
        other.write_text(f'{{"id": {planted}, "y": 1}}\n')
    with pytest.raises(ConfigError, match="other: holds 1 rows"):
        check(tree, "other")


def test_what_is_no_table_is_passed_over(tree: Path) -> None:
    (tree / "empty").touch()
    (tree / "binary").write_bytes(bytes(range(256)))
    (tree / "list.json").write_text('{\n  "id": 1,\n  "y": 2\n}\n')
    write(tree / "unlabelled.csv", list(KEYS), columns="id,z")
    check(tree, "empty", "binary", "list.json", "unlabelled.csv")
