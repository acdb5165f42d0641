"""What is told from a user's table is true of it, said in words, and holds for every step."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.mlops_init.datasets import tables
from tests.mlops_init.datasets.checking import breaks
from tests.mlops_init.datasets.tables import column, study, text, with_column, write

from mlops_init.datasets.own import Own
from mlops_init.datasets.rules import MINIMUM_ROWS, part
from mlops_init.errors import UsageError
from mlops_steps.config import Gate, Split
from mlops_steps.data.split import split_sql
from mlops_steps.data.tables import connect
from mlops_steps.deploy_canary import rows as log
from mlops_steps.gate.grammar import parse

Rows = list[list[str]]
KINDS: dict[str, tuple[Callable[[], Rows], str]] = {
    "binary": (tables.customers, "churned"),
    "multiclass": (tables.plants, "species"),
    "regression": (tables.flats, "rent"),
}


def put(found: Own, root: Path) -> Path:
    """Write a study's data into a project's folder; returns the table."""
    (root / "data").mkdir(parents=True)
    found.source.write(root / "data")
    return root / found.source.dataset.path


def replaced(rows: Rows, name: str, cells: dict[int, str]) -> Rows:
    """The table with other cells in a column, by row from 0."""
    place = rows[0].index(name)
    found = [list(row) for row in rows]
    for row, cell in cells.items():
        found[row + 1][place] = cell
    return found


def renamed(rows: Rows, old: str, new: str) -> Rows:
    return [[new if name == old else name for name in rows[0]], *rows[1:]]


@pytest.mark.parametrize("task", KINDS)
def test_a_table_of_every_task(tmp_path: Path, task: str) -> None:
    make, target = KINDS[task]
    path = write(tmp_path / "my table.v2.csv", make())
    found = study(path, target)
    dataset = found.source.dataset
    assert found.answers["task"] == task
    assert dataset.path == "data/my-table.v2.csv"
    assert found.notes == ()
    copy = put(found, tmp_path / "project")
    assert (copy.read_bytes() == path.read_bytes()) == (task != "multiclass")
    assert breaks(tmp_path / "project", dataset) == []
    for split, texts in (("test", dataset.rules_test), ("valid", dataset.rules_valid)):
        for rule in texts:
            parse(rule, task=task, split=split)


def test_two_values(tmp_path: Path) -> None:
    rows = tables.customers()
    found = study(write(tmp_path / "t.csv", rows), "churned")
    count = column(rows, "churned").count("yes")
    assert found.answers == {
        "data": "t.csv",
        "task": "binary",
        "key": "customer_id",
        "target": "churned",
        "positive": "yes",
    }
    told = {word: (value, why) for word, value, why in found.told}
    assert told["data"] == ("data/t.csv", "900 rows, 8 columns, byte for byte")
    assert told["key"] == ("'customer_id'", "by its name, and no two are the same")
    assert f"'yes' ({count})" in told["target"][1]
    assert told["positive"] == ("'yes'", "it says so")
    assert found.source.dataset.rules_test[0] == "roc_auc >= 0.5"


@pytest.mark.parametrize(
    ("values", "positive", "why"),
    [
        (["0", "1"], "1", "it says so"),
        (["0.0", "1.0"], "1.0", "it says so"),
        (["TRUE", "FALSE"], "TRUE", "it says so"),
        (["N", "Y"], "Y", "it says so"),
        (["bad", "good", "good"], "bad", "the rarer one, in 300 of 900 rows"),
        (["up", "down"], "up", "the rarer one, in 450 of 900 rows"),
    ],
)
def test_the_positive_class(tmp_path: Path, values: list[str], positive: str, why: str) -> None:
    cells = [values[row % len(values)] for row in range(900)]
    path = write(tmp_path / "t.csv", with_column(tables.plants(), "y", cells))
    found = study(path, "y")
    assert (found.answers["task"], found.answers["positive"]) == ("binary", positive)
    assert found.told[-1][2] == why
    assert breaks(put(found, tmp_path / "p").parents[1], found.source.dataset) == []
    other = next(each for each in values if each != positive)
    assert study(path, "y", positive=other).answers["positive"] == other


@pytest.mark.parametrize(
    ("cells", "task"),
    [
        ([str(row % 7) for row in range(900)], "multiclass"),
        ([f"{row % 5}.0" for row in range(900)], "multiclass"),
        ([str(row % 20) for row in range(900)], "multiclass"),
        ([str(row % 21) for row in range(900)], "regression"),
        ([f"{row % 7}.5" for row in range(900)], "regression"),
        ([str(row) for row in range(900)], "regression"),
        ([f"class {row % 60}" for row in range(900)], "multiclass"),
        ([["true", "false", "perhaps"][row % 3] for row in range(900)], "multiclass"),
    ],
)
def test_the_task_is_told_from_the_targets_values(
    tmp_path: Path, cells: list[str], task: str
) -> None:
    path = write(tmp_path / "t.csv", with_column(tables.plants(), "y", cells))
    found = study(path, "y")
    assert found.answers["task"] == task
    assert found.answers["positive"] == ""
    assert breaks(put(found, tmp_path / "p").parents[1], found.source.dataset) == []


def test_the_task_that_was_asked_for_wins(tmp_path: Path) -> None:
    grades = [str(row % 7) for row in range(900)]
    path = write(tmp_path / "t.csv", with_column(tables.plants(), "y", grades))
    found = study(path, "y", task="regression")
    assert found.answers["task"] == "regression"
    assert ("target", "'y'", "regression: as you say; its values look like multiclass") in (
        found.told
    )
    assert found.source.dataset.rules_test[0].startswith("rmse <= ")


@pytest.mark.parametrize(
    ("cells", "given", "words"),
    [
        (["a"] * 900, {}, "the target 'y' has one value in all rows: nothing to tell"),
        ([f"t{row}" for row in range(900)], {}, "900 different values in 900 rows: neither"),
        ([f"t{row % 95}" for row in range(900)], {}, "fewer than 10 rows a class; say -c task="),
        (["a", "b", "c"] * 300, {"task": "binary"}, "has 3 different values, not two"),
        (["a", "b", "c"] * 300, {"task": "regression"}, "'y' holds text, not numbers"),
        (["a", "b", "c"] * 300, {"task": "images"}, "task images: a table of your own is not"),
        ([f"{row}.5" for row in range(900)], {"task": "multiclass"}, "at most 100 are allowed"),
        (["a", "b", "c"] * 300, {"positive": "a"}, "positive: for the task binary only"),
        (["a", "b"] * 450, {"positive": "c"}, "positive: 'c' is none of 'a' (450), 'b' (450)"),
        (["1", "1.0"] * 450, {}, "'1' and '1.0' of the target 'y' seem to be one class"),
        (["yes", "Yes", "no"] * 300, {}, "'Yes' and 'yes' of the target 'y' seem to be one class"),
        (["1", "2", "3"] * 299 + ["1", "", ""], {}, "lines 900, 901: no value of the target 'y'"),
        (["1", "NA", "3"] * 300, {}, "line 3: column 'y' holds numbers, and 'NA' in 300 rows"),
    ],
)
def test_a_target_that_cannot_be_told(
    tmp_path: Path, cells: list[str], given: dict[str, str], words: str
) -> None:
    path = write(tmp_path / "t.csv", with_column(tables.plants(), "y", cells))
    with pytest.raises(UsageError) as refused:
        study(path, "y", **given)
    assert words in str(refused.value)
    assert str(refused.value).endswith(". Nothing was written")


@pytest.mark.parametrize(
    ("name", "cells", "chosen"),
    [
        ("ID", [str(row) for row in range(900)], "ID"),
        ("orderId", [f"{row * 7919}" for row in range(900)], "orderId"),
        ("order key", [f"x{row}" for row in range(900)], "order key"),
        ("code", [f"x{row}" for row in range(900)], "code"),
        ("number", [str(row + 17) for row in range(900)], "number"),
        ("income", [str(20_000 + 7 * row) for row in range(900)], "row"),
        ("measure", [f"{row}.25" for row in range(900)], "row"),
        ("remark", [f"the {row} th" for row in range(900)], "row"),
        ("email", [f"a{row}@example.org" for row in range(900)], "row"),
        ("contact", [f"a{row}@example.org" for row in range(900)], "row"),
        ("when", [f"2024-01-01 {row // 60:02d}:{row % 60:02d}" for row in range(900)], "row"),
        ("id", ["1", *[str(row) for row in range(1, 900)]], "row"),
        ("id", ["", *[str(row) for row in range(1, 900)]], "row"),
        ("row", ["1", *[str(row) for row in range(1, 900)]], "row_2"),
    ],
)
def test_the_key_is_told_from_the_columns(
    tmp_path: Path, name: str, cells: list[str], chosen: str
) -> None:
    path = write(tmp_path / "t.csv", with_column(tables.plants(), name, cells))
    found = study(path, "species")
    assert found.answers["key"] == chosen
    copy = put(found, tmp_path / "p")
    if chosen.startswith("row"):
        assert found.told[1][2] == "added: no column names a row; it is the row's number"
        with copy.open(encoding="utf-8", newline="") as stream:
            copied = list(csv.reader(stream))
        assert [row[0] for row in copied] == [chosen, *map(str, range(1, 901))]
        with path.open(encoding="utf-8", newline="") as stream:
            assert [row[1:] for row in copied] == list(csv.reader(stream))
    assert breaks(tmp_path / "p", found.source.dataset) == []


def test_a_key_that_repeats_late_is_none(tmp_path: Path) -> None:
    rows = tables.plants(rows=120_000)
    keys = [f"k{row}" for row in range(119_999)]
    path = write(tmp_path / "t.csv", with_column(rows, "id", [*keys, "k5"]))
    assert study(path, "species").answers["key"] == "row"
    with pytest.raises(UsageError, match="lines 7, 120001: the same value of the key 'id'"):
        study(path, "species", key="id")
    write(path, with_column(rows, "id", [*keys, "k119999"]))
    assert study(path, "species").answers["key"] == "id"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("nothing", "key: no column 'nothing'. There are: 'length', 'width', 'soil', 'species'"),
        ("species", "key: 'species' is the target"),
        ("soil", ": the same value of the key 'soil'; a key names one row"),
    ],
)
def test_a_key_that_was_named_is_checked(tmp_path: Path, key: str, words: str) -> None:
    path = write(tmp_path / "t.csv", tables.plants())
    with pytest.raises(UsageError) as refused:
        study(path, "species", key=key)
    assert words in str(refused.value)


def test_a_named_key_wins_even_if_it_is_a_measurement(tmp_path: Path) -> None:
    cells = [f"{row}.25" for row in range(900)]
    path = write(tmp_path / "t.csv", with_column(tables.plants(), "at", cells))
    found = study(path, "species", key="at")
    assert found.told[1] == ("key", "'at'", "as you say")
    assert breaks(put(found, tmp_path / "p").parents[1], found.source.dataset) == []
    assert "  at: {type: text, unique: true}" in (tmp_path / "p/data/contract.yaml").read_text()


def test_missing_key_cells_are_named(tmp_path: Path) -> None:
    cells = ["a", "", "c", "", *[f"k{row}" for row in range(896)]]
    path = write(tmp_path / "t.csv", with_column(tables.plants(), "id", cells))
    with pytest.raises(UsageError, match="lines 3, 5: no value of the key 'id'"):
        study(path, "species", key="id")


@pytest.mark.parametrize("name", [*log.LOG_COLUMNS, "Score", "TIME"])
def test_the_inference_logs_own_columns_are_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "t.csv", renamed(tables.plants(), "soil", name))
    with pytest.raises(UsageError, match=f"'{name}': the inference log has a column of that"):
        study(path, "species")


@pytest.mark.parametrize("name", ["score", "Prediction"])
def test_a_key_by_the_name_of_a_prediction_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "t.csv", renamed(tables.customers(), "customer_id", name))
    with pytest.raises(UsageError, match="a column that predictions have of their own"):
        study(path, "churned", key=name)


def test_a_key_named_key_is_fine(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", renamed(tables.customers(), "customer_id", "key"))
    assert study(path, "churned").answers["key"] == "key"


@pytest.mark.parametrize("marker", ["NA", "n/a", "NaN", " ", "?", "-inf"])
def test_words_for_what_is_missing_are_refused_among_numbers(tmp_path: Path, marker: str) -> None:
    rows = replaced(tables.flats(), "floor", {7: marker, 9: marker})
    with pytest.raises(UsageError, match=r"line 9: column 'floor' holds numbers, and .* in 2 rows"):
        study(write(tmp_path / "t.csv", rows), "rent")


def test_other_words_among_numbers_are_told(tmp_path: Path) -> None:
    rows = replaced(tables.flats(), "floor", {7: "roof"})
    found = study(write(tmp_path / "t.csv", rows), "rent")
    assert found.notes == ("read as text, although most of it are numbers: 'floor' ('roof')",)


def test_what_somebody_should_look_at_is_named(tmp_path: Path) -> None:
    rows = tables.plants()
    chance = random.Random(2)
    for name, make in (
        ("E-Mail", lambda row: f"u{row % 90}@example.org"),
        ("reach", lambda row: f"u{row % 90}@example.org"),
        ("account", lambda row: f"DE{row % 90:02d}5001051754073249{row % 90:02d}"),
        ("call", lambda row: f"+49 30 90{row % 90:04d}"),
        ("customerName", lambda row: "Ada" if row % 2 else "Bo"),
        ("productName", lambda row: "tea" if row % 2 else "rye"),
        ("country", lambda row: "NZ"),
        ("note", lambda row: f"seen {chance.random()}"),
    ):
        rows = with_column(rows, name, [make(row) for row in range(900)])
    path = write(tmp_path / "t.csv", with_column(rows, "ignored", [""] * 900))
    personal, constant, many = study(path, "species").notes
    for name, why in (
        ("E-Mail", "its name"),
        ("reach", "e-mail addresses"),
        ("account", "bank accounts"),
        ("call", "phone numbers"),
        ("customerName", "its name"),
    ):
        assert f"'{name}' ({why})" in personal
    assert "productName" not in personal
    assert constant == "one value in all rows, which tells nothing: 'ignored', 'country'"
    assert many == "hardly a value twice, so of little use as it is: 'note'"


def test_a_rare_class_is_named(tmp_path: Path) -> None:
    cells = ["yes" if row % 100 == 0 else "no" for row in range(3000)]
    path = write(tmp_path / "t.csv", with_column(tables.plants(3000), "y", cells))
    found = study(path, "y")
    assert found.notes[0].startswith("30 rows with 'yes': so few decide slowly")
    assert found.source.dataset.rules_test == ("roc_auc >= 0.5", "roc_auc >= champion - 0.2")


@pytest.mark.parametrize("rows", [100, 250, 290])
def test_too_few_rows_are_refused_before_anything_is_written(tmp_path: Path, rows: int) -> None:
    path = write(tmp_path / "t.csv", tables.plants(rows))
    with pytest.raises(UsageError, match=f"{rows} rows are too few: .* asks for 100 each"):
        study(path, "species")


def test_fewer_rows_judge_with_a_larger_share(tmp_path: Path) -> None:
    found = study(write(tmp_path / "t.csv", tables.plants(400)), "species")
    dataset = found.source.dataset
    assert (dataset.test, dataset.valid) != ("0.3", "0.2")
    keys = [str(number) for number in range(1, 401)]
    parts = [part(dataset.salt, key, float(dataset.test), float(dataset.valid)) for key in keys]
    assert min(parts.count("test"), parts.count("valid")) >= MINIMUM_ROWS
    assert Gate(test=["x"], valid=["x"]).minimum_rows == MINIMUM_ROWS


def test_a_row_falls_to_the_split_that_the_steps_tell(tmp_path: Path) -> None:
    split = Split(by="hash", salt="sälz:1", test=0.3, valid=0.25)
    keys = [f"key {row}é" for row in range(3000)]
    with connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT unnest(?) AS k", [keys])
        found = connection.execute(f"SELECT {split_sql('k', split)} FROM t").fetchall()
    assert [name for (name,) in found] == [part("sälz:1", key, 0.3, 0.25) for key in keys]


def test_json_lines_are_written_as_csv(tmp_path: Path) -> None:
    rows = tables.customers()
    kinds = {"spend": float, "active": lambda cell: cell == "true"}
    lines = [
        json.dumps(
            {
                name: kinds.get(name, str)(cell)
                for name, cell in zip(rows[0], row, strict=True)
                if cell
            }
        )
        for row in rows[1:]
    ]
    path = write(tmp_path / "t.jsonl", "\n".join(lines))
    found = study(path, "churned")
    assert "written anew: JSON lines, written as CSV" in found.told[0][2]
    assert found.answers["data"] == "t.csv"
    copy = put(found, tmp_path / "p")
    again = study(copy, "churned")
    assert "byte for byte" in again.told[0][2]
    assert {**again.answers, "data": ""} == {**found.answers, "data": ""}
    assert breaks(tmp_path / "p", found.source.dataset) == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_are_kept(tmp_path: Path, end: str) -> None:
    path = write(tmp_path / "t.csv", text(tables.customers(), end))
    found = study(path, "churned")
    copy = put(found, tmp_path / "p")
    assert copy.read_bytes() == path.read_bytes()
    assert breaks(tmp_path / "p", found.source.dataset) == []


HOSTILE = [
    'say "so"',
    "a,b",
    "it's",
    "größe 日本",
    "x: [y]",
    "{{ cookiecutter.name }}",
    "{% raw %}",
    "#no",
    "null",
    "y",
    "- a",
    "&a",
    "\\n",
    "$(id)",
    "`id`",
    "=1+1",
    " a ",
    "1.0",
    "n" * 200,
]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
@pytest.mark.parametrize("role", ["soil", "species", "id"])
def test_any_name_stays_what_it_is(tmp_path: Path, name: str, role: str) -> None:
    keys = [f"k{row}" for row in range(900)]
    rows = with_column(with_column(tables.plants(), "id", keys), "first", ["x"] * 900)
    rows = renamed(rows, role, name)
    target = name if role == "species" else "species"
    key = {"key": name} if role == "id" else {}
    found = study(write(tmp_path / "t.csv", rows), target, **key)
    put(found, tmp_path / "p")
    assert breaks(tmp_path / "p", found.source.dataset) == []


@pytest.mark.parametrize(
    "value", ['"', "yes", "null", "1.0", "ü, \\ü", "{{ x }}", "#", "two\nlines"]
)
def test_any_value_of_a_class_stays_what_it_is(tmp_path: Path, value: str) -> None:
    cells = [[value, "b", "c"][row % 3] for row in range(900)]
    path = write(tmp_path / "t.csv", with_column(tables.plants(), "y", cells))
    found = study(path, "y")
    put(found, tmp_path / "p")
    assert breaks(tmp_path / "p", found.source.dataset) == []


def test_a_row_that_is_not_like_the_others_breaks_the_contract(tmp_path: Path) -> None:
    found = study(write(tmp_path / "t.csv", tables.customers()), "churned")
    copy = put(found, tmp_path / "p")
    for place, cell, check in (
        (0, "c00007", "twice"),
        (1, "-3", "range"),
        (1, "many", "type"),
        (2, "gold", "set"),
        (3, "", "nulls"),
        (4, "maybe", "type"),
        (5, "soon", "type"),
        (7, "unclear", "set"),
    ):
        with copy.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        rows[5][place] = cell
        (tmp_path / f"{place}{cell}" / "data").mkdir(parents=True)
        spoilt = tmp_path / f"{place}{cell}"
        write(spoilt / "data" / "t.csv", rows)
        (spoilt / "data" / "contract.yaml").write_bytes(
            (copy.parent / "contract.yaml").read_bytes()
        )
        assert check in {each.check for each in breaks(spoilt, found.source.dataset)}


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e9, 1e300])
def test_ranges_hold_at_every_scale(tmp_path: Path, scale: float) -> None:
    chance = random.Random(8)
    for sign in (1, -1):
        cells = [repr(sign * scale * chance.lognormvariate(0, 1)) for _ in range(900)]
        path = write(tmp_path / "t.csv", with_column(tables.plants(), "wide", cells))
        found = study(path, "species")
        root = tmp_path / f"p{sign}"
        put(found, root)
        assert breaks(root, found.source.dataset) == []


def test_the_rules_ask_for_better_than_guessing(tmp_path: Path) -> None:
    cells = [["a", "a", "a", "b", "c"][row % 5] for row in range(900)]
    path = write(tmp_path / "t.csv", with_column(tables.plants(), "y", cells))
    gate = study(path, "y").source.dataset
    assert gate.rules_valid == ("accuracy >= 0.60",)
    assert gate.rules_test[1] == "accuracy >= champion - 0.055"
    assert "always naming the most frequent class" in gate.rules_about[0]
    numbers = [str(row % 100) for row in range(900)]
    path = write(tmp_path / "n.csv", with_column(tables.plants(), "y", numbers))
    # The standard deviation of 0 to 99 is 28.866.
    assert study(path, "y").source.dataset.rules_valid == ("rmse <= 28.8",)
