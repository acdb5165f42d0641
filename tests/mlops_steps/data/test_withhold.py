"""What is handed on, and that what is withheld is not in it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mlops_steps.config import Split, TableInput
from mlops_steps.data.tables import column_names, connect, format_of, scan
from mlops_steps.data.withhold import (
    class_text,
    count_splits,
    is_positive,
    write_labels,
    write_rows,
    writing,
)
from mlops_steps.errors import UndecidedError

ROWS = [
    {"id": f"{number:03}", "a": text, "b": f"{number}.50", "y": "yes" if number % 3 else "no"}
    for number, text in enumerate(["", "x, y", 'say "a"', "two\nlines", "ä", " pad ", "NULL"] * 30)
]


def table(**changes: Any) -> TableInput:
    fields: dict[str, Any] = {
        "path": "t",
        "key": "id",
        "target": "y",
        "positive": "yes",
        "split": Split(by="hash", salt="s", test=0.3, valid=0.2),
        "contract": "c",
    }
    return TableInput(**(fields | changes))


def plain(key: str) -> str:
    share = int(hashlib.sha256(f"s:{key}".encode()).hexdigest()[:15], 16) / 16**15
    return "test" if share < 0.3 else "valid" if share < 0.5 else "train"


def put(folder: Path, kind: str) -> Path:
    path = folder / f"table.{kind}"
    if kind == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, list(ROWS[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(ROWS)
        path.write_text(text.getvalue(), newline="")
    else:
        lines = folder / "table.jsonl"
        lines.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
        if kind == "parquet":
            duckdb.execute(f"COPY (FROM read_json('{lines}')) TO '{path}' (FORMAT parquet)")
    return path


def cells(path: Path) -> list[dict[str, str]]:
    if format_of(path) == "csv":
        with path.open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))
    with connect() as connection:
        found = connection.execute(f"SELECT * FROM {scan(path, text=True)}").fetchall()
    names = column_names(path)
    return [dict(zip(names, row, strict=True)) for row in found]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("splits", [("train",), ("train", "valid"), ("test",)])
def test_only_the_named_splits_are_written_cell_by_cell(
    tmp_path: Path, kind: str, splits: tuple[str, ...]
) -> None:
    source, target = put(tmp_path, kind), tmp_path / "new" / "out"
    written = write_rows(source, target, table(), splits=splits)
    wanted = [row for row in ROWS if plain(row["id"]) in splits]
    assert format_of(target) == format_of(source)
    assert cells(target) == wanted
    assert written == len(wanted) > 0


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_column_is_left_out(tmp_path: Path, kind: str) -> None:
    source, target = put(tmp_path, kind), tmp_path / "out"
    write_rows(source, target, table(), splits=["test"], leave_out=["y"])
    wanted = [
        {name: cell for name, cell in row.items() if name != "y"}
        for row in ROWS
        if plain(row["id"]) == "test"
    ]
    assert cells(target) == wanted
    assert b"yes" not in target.read_bytes()


def test_json_lines_stay_as_they_are(tmp_path: Path) -> None:
    source = tmp_path / "t.jsonl"
    lines = [f'{{"id": {n},  "b": 1.500, "y": "yes", "c": {{"d": [1]}}}}' for n in range(50)]
    source.write_text("\n".join(lines))
    write_rows(source, tmp_path / "out", table(), splits=["train"])
    wanted = [line for n, line in enumerate(lines) if plain(str(n)) == "train"]
    assert (tmp_path / "out").read_text().splitlines() == wanted


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    source, target = tmp_path / "t", tmp_path / "out"
    duckdb.execute(
        "COPY (SELECT i AS id, i::FLOAT AS f, i::DECIMAL(9, 2) AS d, "
        "DATE '2026-01-01' + i::INT AS t, "
        f"[i] AS l, 'no' AS y FROM range(100) t(i)) TO '{source}' (FORMAT parquet)"
    )
    write_rows(source, target, table(), splits=["train"])
    types = [
        [row[1] for row in duckdb.execute(f"DESCRIBE FROM read_parquet('{path}')").fetchall()]
        for path in (source, target)
    ]
    assert types[0] == types[1]


def test_rows_without_a_key_are_not_written_and_are_counted(tmp_path: Path) -> None:
    source = tmp_path / "t"
    source.write_text("id,y\n" + "".join(f"{n},yes\n" for n in range(20)) + ",yes\n")
    counts = count_splits(source, table())
    assert counts.pop("none") == 1
    assert list(counts) == ["test", "valid", "train"]
    written = write_rows(source, tmp_path / "out", table(), splits=["test", "valid", "train"])
    assert written == sum(counts.values()) == 20


def test_an_empty_split_is_counted_as_zero(tmp_path: Path) -> None:
    source = tmp_path / "t"
    source.write_text("id,y\n1,yes\n")
    assert sorted(count_splits(source, table()).values()) == [0, 0, 1]


def test_labels_agree_in_all_formats(tmp_path: Path) -> None:
    found = []
    for kind in ("csv", "jsonl", "parquet"):
        target = tmp_path / f"labels-{kind}"
        count = write_labels(put(tmp_path, kind), target, table(), task="binary", splits=["test"])
        found.append(duckdb.execute(f"SELECT key, label FROM read_parquet('{target}')").fetchall())
        assert count == len(found[-1])
    wanted = [(row["id"], int(row["y"] == "yes")) for row in ROWS if plain(row["id"]) == "test"]
    assert found == [wanted] * 3


@pytest.mark.parametrize(
    ("positive", "cell", "wanted"),
    [
        ("yes", "'yes'", True),
        ("yes", "'Yes'", False),
        (1, "'1'", True),
        (1, "'1.0'", True),
        (1, "1.0", True),
        (1, "0", False),
        (1, "'one'", False),
        (True, "'True'", True),
        (True, "true", True),
        (False, "'false'", True),
        (True, "'1'", False),
        (1, "NULL", None),
        ("yes", "NULL", None),
    ],
)
def test_the_positive_class(positive: str | int | bool, cell: str, wanted: bool | None) -> None:
    query = f"SELECT {is_positive('y', positive)} FROM (SELECT {cell} AS y)"
    assert duckdb.execute(query).fetchall() == [(wanted,)]


def test_a_missing_column_or_label_is_undecided(tmp_path: Path) -> None:
    source = tmp_path / "t"
    source.write_text("id,y\n" + "".join(f"{n},\n" for n in range(20)))
    with pytest.raises(UndecidedError, match="20 rows have no y"):
        write_labels(
            source, tmp_path / "o", table(), task="binary", splits=["test", "valid", "train"]
        )
    for wrong in (table(key="Id"), table(target="z")):
        with pytest.raises(UndecidedError, match="has no column"):
            write_labels(source, tmp_path / "o", wrong, task="binary", splits=["test"])
    with pytest.raises(UndecidedError, match="has no column 'z'"):
        write_rows(source, tmp_path / "o", table(), splits=["test"], leave_out=["z"])


ALL = ["test", "valid", "train"]


def labels(folder: Path, cells: list[Any], task: Any, *, kind: str = "csv") -> list[Any]:
    """What becomes of a target's cells, in their order."""
    source, target = folder / f"numbers.{kind}", folder / "labels"
    if kind == "csv":
        source.write_text("id,y\n" + "".join(f"{n},{cell}\n" for n, cell in enumerate(cells)))
    else:
        listed = ", ".join(f"({n}, {cell})" for n, cell in enumerate(cells))
        query = f"SELECT * FROM (VALUES {listed}) t(id, y)"
        duckdb.execute(f"COPY ({query}) TO '{source}' (FORMAT parquet)")
    write_labels(source, target, table(positive=None), task=task, splits=ALL)
    found = duckdb.execute(f"SELECT label FROM read_parquet('{target}') ORDER BY key::INT")
    return [label for (label,) in found.fetchall()]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_numbers_are_labels_of_regression(tmp_path: Path, kind: str) -> None:
    found = labels(tmp_path, ["1", "-2.5", "1e3", "0.1"], "regression", kind=kind)
    assert found == pytest.approx([1.0, -2.5, 1000.0, 0.1], rel=1e-15)


@pytest.mark.parametrize("cell", ["", "nan", "inf", "-inf", "large", "1;2", "1e999"])
def test_what_is_no_finite_number_is_no_label(tmp_path: Path, cell: str) -> None:
    with pytest.raises(UndecidedError, match="1 rows have no y that is a finite number"):
        labels(tmp_path, ["1", cell, "2"], "regression")


@pytest.mark.parametrize(
    ("cells", "how", "wanted"),
    [
        (["a", "B", "b c"], "text", ["a", "B", "b c"]),
        (["0", "1.0", "2.50"], "number", ["0", "1", "2.5"]),
        (["007", "7", "8"], "text", ["007", "7", "8"]),  # codes, not numbers
        (["1", "x", "1.0"], "text", ["1", "x", "1.0"]),
        (["-3", "3", "0.25"], "number", ["-3", "3", "0.25"]),
        (["TRUE", "false", "True"], "truth", ["true", "false", "true"]),
        (["123456789012345678", "123456789012345679"], "text", None),
    ],
)
def test_classes_are_written_alike(
    tmp_path: Path, cells: list[str], how: str, wanted: list[str] | None
) -> None:
    assert labels(tmp_path, cells, "multiclass") == (wanted or cells)
    assert writing(tmp_path / "numbers.csv", table(positive=None)) == how


@pytest.mark.parametrize("cells", [["0", "1", "10"], ["0.0", "1.0", "10.0"]])
def test_classes_are_the_same_in_all_formats(tmp_path: Path, cells: list[str]) -> None:
    wanted = ["0", "1", "10"]
    assert labels(tmp_path, cells, "multiclass") == wanted
    assert labels(tmp_path, cells, "multiclass", kind="parquet") == wanted
    said = f"SELECT {class_text('p', 'number')} FROM (VALUES (0.0::DOUBLE), (1), (10)) t(p)"
    assert [row[0] for row in duckdb.execute(said).fetchall()] == wanted


def test_a_row_without_a_class_is_undecided(tmp_path: Path) -> None:
    with pytest.raises(UndecidedError, match=r"1 rows have no y$"):
        labels(tmp_path, ["a", "", "b"], "multiclass")
