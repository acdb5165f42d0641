from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.footers import STAND_IN, make_nan

from mlops_steps.config import Split, TableInput
from mlops_steps.errors import CommandError, UndecidedError
from mlops_steps.evaluate.join import Judged, join

KEYS = ["1", "02", "3", "4"]
GOOD = [["1", "0.9", "yes"], ["02", "0.1", "no"], ["3", "1", "yes"], ["4", "0", "no"]]


def table(positive: str | int | bool = "yes") -> TableInput:
    return TableInput(
        path="data.csv",
        key="key",
        target="target",
        positive=positive,
        split=Split(by="hash", salt="s", test=0.3, valid=0.2),
        contract="contract.yaml",
    )


def write(path: Path, head: list[str], rows: list[list[Any]]) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([head, *rows])
    return path


def joined(
    folder: Path,
    rows: list[list[Any]],
    *,
    head: tuple[str, ...] = ("key", "score", "prediction"),
    champion: list[list[Any]] | None = None,
) -> Judged:
    labels = folder / "labels.parquet"
    listed = ", ".join(f"('{key}', {n % 2}::TINYINT)" for n, key in enumerate(KEYS, 1))
    duckdb.sql(f"COPY (SELECT * FROM (VALUES {listed}) t(key, label)) TO '{labels}'")
    data = write(folder / "data.csv", ["key", "target"], [["1", "yes"], ["02", "no"]])
    theirs = write(folder / "theirs.csv", list(head), champion) if champion else None
    ours = write(folder / "ours.csv", list(head), rows)
    to = folder / "to.parquet"
    return join(labels, ours, theirs, data=data, table=table(), task="binary", to=to)


def test_answers_are_put_beside_the_labels(tmp_path: Path) -> None:
    found = joined(tmp_path, GOOD[::-1])
    assert sorted(
        zip(found.label, found.candidate.scores, found.candidate.prediction, strict=True)
    ) == [
        (0, 0.0, 0),
        (0, 0.1, 0),
        (1, 0.9, 1),
        (1, 1.0, 1),
    ]
    assert found.champion is None
    columns = duckdb.sql(f"SELECT * FROM '{tmp_path}/to.parquet'").columns
    assert columns == [
        "key", "label", "score", "prediction", "champion_score", "champion_prediction",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (GOOD[:3], "rows without a prediction: 4"),
        ([*GOOD, ["9", "0.5", "no"]], "keys that nobody asked for: 9"),
        ([*GOOD, GOOD[0]], "keys predicted more than once: 1"),
        ([["2", *GOOD[1][1:]], GOOD[0], *GOOD[2:]], "keys that nobody asked for: 2"),
        ([["", "0.5", "no"], *GOOD], "1 predictions have no key"),
        ([["1", "nan", "yes"], *GOOD[1:]], "scores that are no number from 0 to 1: 1: nan"),
        ([["1", "inf", "yes"], *GOOD[1:]], "scores that are no number from 0 to 1: 1: inf"),
        ([["1", "-0.1", "yes"], *GOOD[1:]], "scores that are no number from 0 to 1: 1: -0.1"),
        ([["1", "1.01", "yes"], *GOOD[1:]], "scores that are no number from 0 to 1: 1: 1.01"),
        ([["1", "high", "yes"], *GOOD[1:]], "scores that are no number from 0 to 1: 1: high"),
        ([["1", "", "yes"], *GOOD[1:]], "scores that are no number from 0 to 1: 1: nothing"),
        ([["1", "1", "Yes"], *GOOD[1:]], "no value of the target (no, yes): 1: Yes"),
        ([["1", "1", ""], *GOOD[1:]], "no value of the target (no, yes): 1: nothing"),
        ([], "rows without a prediction: 02, 1, 3 and 1 more"),
    ],
)
def test_predictions_are_checked_row_by_row(
    tmp_path: Path, rows: list[list[str]], message: str
) -> None:
    with pytest.raises(CommandError) as caught:
        joined(tmp_path, rows)
    assert f"candidate: {message}" in str(caught.value) or message in str(caught.value)


def test_a_score_that_the_footer_leaves_out_is_none(tmp_path: Path) -> None:
    joined(tmp_path, GOOD)
    ours = tmp_path / "ours.parquet"
    cells = f"SELECT * REPLACE (if(key = '1', {STAND_IN / 2}, score)::DOUBLE AS score)"
    read = f"read_csv('{tmp_path}/ours.csv', types = {{'key': 'VARCHAR'}})"
    duckdb.sql(f"COPY ({cells} FROM {read}) TO '{ours}' (COMPRESSION uncompressed)")
    make_nan(ours, STAND_IN / 2)
    with pytest.raises(CommandError, match="no number from 0 to 1: 1: nan"):
        join(
            tmp_path / "labels.parquet",
            ours,
            None,
            data=tmp_path / "data.csv",
            table=table(),
            task="binary",
            to=tmp_path / "to.parquet",
        )


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        CommandError, match=r"no column key, score\. Wanted: key, score, prediction"
    ):
        joined(tmp_path, GOOD, head=("id", "probability", "prediction"))


@pytest.mark.parametrize(
    "content", [b"", b"PAR1 and nothing else", b"key,score\xff\n", b"\x1f\x8b"]
)
def test_a_file_that_is_no_table_is_the_commands_fault(tmp_path: Path, content: bytes) -> None:
    joined(tmp_path, GOOD)
    (tmp_path / "ours.csv").write_bytes(content)
    with pytest.raises(CommandError):
        join(
            tmp_path / "labels.parquet",
            tmp_path / "ours.csv",
            None,
            data=tmp_path / "data.csv",
            table=table(),
            task="binary",
            to=tmp_path / "to.parquet",
        )


def test_the_champions_faults_leave_it_undecided(tmp_path: Path) -> None:
    with pytest.raises(UndecidedError, match="champion: rows without a prediction: 4"):
        joined(tmp_path, GOOD, champion=GOOD[:3])


def test_both_are_in_the_same_order(tmp_path: Path) -> None:
    theirs = [[key, score, "no" if said == "yes" else "yes"] for key, score, said in GOOD]
    found = joined(tmp_path, GOOD, champion=theirs[::-1])
    assert found.champion is not None
    assert (found.champion.prediction == 1 - found.candidate.prediction).all()
    assert (found.champion.scores == found.candidate.scores).all()


@pytest.mark.parametrize(
    ("positive", "values", "said"),
    [(1, ["1", "0"], [1.0, 0.0]), (True, ["TRUE", "False"], [True, False])],
)
def test_formats_write_the_same_value_differently(
    tmp_path: Path, positive: int | bool, values: list[str], said: list[Any]
) -> None:
    """A target of `1` or `TRUE` in CSV, predictions as a number or boolean in Parquet."""
    data = write(tmp_path / "data.csv", ["key", "target"], [["1", values[0]], ["2", values[1]]])
    labels, ours = tmp_path / "labels.parquet", tmp_path / "ours.parquet"
    duckdb.sql(
        "COPY (SELECT * FROM (VALUES ('1', 1::TINYINT), ('2', 0::TINYINT)) t(key, label)) "
        f"TO '{labels}'"
    )
    duckdb.sql(
        f"COPY (SELECT * FROM (VALUES (1, 0.9, {said[0]}), (2, 0.2, {said[1]})) "
        f"t(key, score, prediction)) TO '{ours}'"
    )
    to = tmp_path / "to.parquet"
    found = join(labels, ours, None, data=data, table=table(positive), task="binary", to=to)
    assert (found.candidate.prediction == found.label).all()


def many(
    folder: Path, rows: list[list[Any]], *, task: Any, target: list[str], head: str, **more: Any
) -> Judged:
    """Join predictions of a task that has no positive value; the labels are the targets."""
    from mlops_steps.data.withhold import write_labels

    described = table("yes")
    described = TableInput(
        path=described.path,
        key="key",
        target="target",
        split=described.split,
        contract="contract.yaml",
    )
    cells = [[str(number), cell] for number, cell in enumerate(target)]
    data = write(folder / "data.csv", ["key", "target"], cells)
    splits = ["test", "valid", "train"]
    write_labels(data, folder / "labels.parquet", described, task=task, splits=splits)
    ours = write(folder / "ours.csv", head.split(","), rows)
    champion = more.get("champion")
    theirs = write(folder / "theirs.csv", head.split(","), champion) if champion else None
    labels, to = folder / "labels.parquet", folder / "to.parquet"
    return join(labels, ours, theirs, data=data, table=described, task=task, to=to)


CLASS_HEAD, NUMBER_HEAD = "key,score,prediction", "key,prediction"


def test_classes_are_numbered_and_kept_as_text(tmp_path: Path) -> None:
    found = many(
        tmp_path,
        [["0", "0.5", "10"], ["1", "0.6", "2.0"], ["2", "1", "1"]],
        champion=[["2", "0.4", "2"], ["1", "0.4", "2"], ["0", "0.4", "2"]],
        task="multiclass",
        target=["1", "2", "10"],
        head=CLASS_HEAD,
    )
    assert found.classes == ("1", "10", "2")
    assert found.champion is not None
    named = [
        tuple(found.classes[each] for each in row)
        for row in zip(
            found.label, found.candidate.prediction, found.champion.prediction, strict=True
        )
    ]
    assert sorted(named) == [("1", "10", "2"), ("10", "1", "2"), ("2", "2", "2")]
    rows = duckdb.sql(
        "SELECT key, label, prediction, champion_prediction "
        f"FROM '{tmp_path}/to.parquet' ORDER BY 1"
    ).fetchall()
    assert rows == [("0", "1", "10", "2"), ("1", "2", "2", "2"), ("2", "10", "1", "2")]


def test_numbers_are_put_beside_the_labels(tmp_path: Path) -> None:
    found = many(
        tmp_path,
        [["1", "-2.5"], ["0", "1e2"]],
        task="regression",
        target=["99", "-3"],
        head=NUMBER_HEAD,
    )
    pairs = sorted(zip(found.label, found.candidate.prediction, strict=True))
    assert pairs == [(-3.0, -2.5), (99.0, 100.0)]
    assert (found.candidate.score, found.champion, found.classes) == (None, None, ())
    assert duckdb.sql(f"FROM '{tmp_path}/to.parquet'").columns == [
        "key", "label", "prediction", "champion_prediction",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("task", "cells", "message"),
    [
        ("regression", ["nan"], "predictions that are no finite number: 0: nan"),
        ("regression", ["-inf"], "predictions that are no finite number: 0: -inf"),
        ("regression", ["1e999"], "predictions that are no finite number: 0: 1e999"),
        ("regression", ["many"], "predictions that are no finite number: 0: many"),
        ("regression", [""], "predictions that are no finite number: 0: nothing"),
        ("multiclass", ["0.5", "3"], "no value of the target (1, 2): 0: 3"),
        ("multiclass", ["0.5", "one"], "no value of the target (1, 2): 0: one"),
        ("multiclass", ["0.5", ""], "no value of the target (1, 2): 0: nothing"),
        ("multiclass", ["nan", "1"], "scores that are no number from 0 to 1: 0: nan"),
        ("multiclass", ["7", "1"], "scores that are no number from 0 to 1: 0: 7"),
        ("multiclass", ["", "1"], "scores that are no number from 0 to 1: 0: nothing"),
    ],
)
def test_predictions_of_each_task_are_checked_row_by_row(
    tmp_path: Path, task: str, cells: list[str], message: str
) -> None:
    head = NUMBER_HEAD if task == "regression" else CLASS_HEAD
    good = ["1", *(["1"] if task == "regression" else ["0.5", "1"])]
    with pytest.raises(CommandError) as caught:
        many(tmp_path, [["0", *cells], good], task=task, target=["1", "2"], head=head)
    assert message in str(caught.value)
    with pytest.raises(UndecidedError, match="champion: "):
        many(
            tmp_path,
            [["0", *good[1:]], good],
            champion=[["0", *cells], good],
            task=task,
            target=["1", "2"],
            head=head,
        )


def test_a_score_is_wanted_of_classes_and_not_of_numbers(tmp_path: Path) -> None:
    rows = [["0", "1"], ["1", "2"]]
    with pytest.raises(CommandError, match=r"no column score\. Wanted: key, score, prediction"):
        many(tmp_path, rows, task="multiclass", target=["1", "2"], head=NUMBER_HEAD)
    with pytest.raises(CommandError, match=r"no column prediction\. Wanted: key, prediction"):
        many(tmp_path, rows, task="regression", target=["1", "2"], head="key,guess")
