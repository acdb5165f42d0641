"""Great Expectations: the imported contract accepts and refuses what the suite itself does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.validate_data.conftest import Judged, Row, write_table
from tests.mlops_steps.validate_data.imports.conftest import (
    Case,
    agree,
    good_table,
    original,
    spoilt,
    types,
)

from mlops_steps.errors import ConfigError
from mlops_steps.validate_data.imports import command, expectations, output

pytestmark = pytest.mark.timeout(300)  # the first builds the environment

BETWEEN, SET, REGEX = "values_to_be_between", "values_to_be_in_set", "values_to_match_regex"
Cells = tuple[str | None, ...]
#: Column, type, expectation without `expect_column_`, keywords, good values, bad values.
ASKED: list[tuple[str, str, str, dict[str, Any], Cells, Cells]] = [
    ("filled", "VARCHAR", "values_to_not_be_null", {}, ("a",), (None,)),
    ("hollow", "VARCHAR", "values_to_be_null", {}, (None,), ("a",)),
    ("inside", "DOUBLE", BETWEEN, {"min_value": 0, "max_value": 1}, ("0", "1", None), ("-1", "2")),
    ("strict", "DOUBLE", BETWEEN, {"min_value": 0, "strict_min": True}, ("0.1", None), ("0",)),
    ("short", "BIGINT", BETWEEN, {"max_value": 9, "strict_max": True}, ("8",), ("9",)),
    ("mostly", "BIGINT", BETWEEN, {"max_value": 9, "mostly": 0.975}, ("8",), ("10",)),
    ("wholly", "BIGINT", BETWEEN, {"max_value": 9, "mostly": 0.98}, ("8",), ("10",)),
    ("since", "TIMESTAMP", BETWEEN, {"min_value": "2020-01-01T09:30:00"}, ("2020-01-01 09:30:00",),
     ("2020-01-01",)),
    ("among", "VARCHAR", SET, {"value_set": ["a", "it's"]}, ("a", "it's", None), ("b",)),
    ("grade", "BIGINT", SET, {"value_set": [1, 2]}, ("1", "2"), ("3",)),
    ("truth", "BOOLEAN", SET, {"value_set": [True]}, ("true",), ("false",)),
    ("barred", "VARCHAR", "values_to_not_be_in_set", {"value_set": ["x"]}, ("a", None), ("x",)),
    ("listed", "VARCHAR", "distinct_values_to_be_in_set", {"value_set": ["a"]}, ("a",), ("b",)),
    ("whole", "VARCHAR", "distinct_values_to_equal_set", {"value_set": ["a", "b"]}, ("a", "b"),
     ("c",)),
    ("few", "BIGINT", "unique_value_count_to_be_between", {"min_value": 2, "max_value": 3},
     ("1", "2", "3"), ("4",)),
    ("single", "VARCHAR", "values_to_be_unique", {}, ("#",), ("0",)),
    ("typed", "BIGINT", "values_to_be_of_type", {"type_": "int64"}, ("1",), ()),
    ("long", "VARCHAR", "value_lengths_to_be_between", {"min_value": 2, "max_value": 3},
     ("ab", "äöü"), ("a", "abcd")),
    ("exact", "VARCHAR", "value_lengths_to_equal", {"value": 2}, ("ab",), ("abc",)),
    ("code", "VARCHAR", REGEX, {"regex": r"^[A-Z]\d$"}, ("A1", None), ("a1", "A12")),
    ("finds", "VARCHAR", REGEX, {"regex": "b+c"}, ("abbcd",), ("abd",)),
    ("rarely", "VARCHAR", REGEX, {"regex": "b", "mostly": 0.98}, ("b",), ("a",)),
    ("clean", "VARCHAR", "values_to_not_match_regex", {"regex": "x"}, ("a", None), ("axa",)),
    ("either", "VARCHAR", "values_to_match_regex_list", {"regex_list": ["^a", "b$"]}, ("ax", "xb"),
     ("xa",)),
    ("mean", "DOUBLE", "mean_to_be_between", {"min_value": 1, "max_value": 2}, ("1.5",), ("99",)),
    ("middle", "DOUBLE", "median_to_be_between", {"max_value": 2}, ("1.5",), ()),
    ("high", "DOUBLE", "max_to_be_between", {"max_value": 2}, ("1", "2"), ("2.5",)),
    ("low", "DOUBLE", "min_to_be_between", {"min_value": 1}, ("1", "2"), ("0",)),
]  # fmt: skip
PAIR = {"column_A": "first", "column_B": "second"}
TABLES: list[tuple[str, dict[str, Any]]] = [
    ("expect_column_pair_values_a_to_be_greater_than_b", PAIR),
    ("expect_compound_columns_to_be_unique",
     {"column_list": ["label", "number"], "ignore_row_if": "any_value_is_missing"}),
    ("expect_table_row_count_to_be_between", {"min_value": 30, "max_value": 50}),
    ("expect_column_quantile_values_to_be_between",
     {"column": "spread", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[10, 30]]}}),
]  # fmt: skip
JUDGE = """\
import json, warnings, logging
warnings.simplefilter("ignore")
import pandas
import great_expectations as gx
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration as E
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False, "metric_calculations": False}
frames = context.data_sources.add_pandas("p").add_dataframe_asset("a")
batches = frames.add_batch_definition_whole_dataframe("b")
suite = json.load(open("suite.json"))
touched = json.load(open("touched.json"))
found = dict()
for name, path in json.load(open("tables.json")).items():
    frame = pandas.read_parquet(path)
    frame["since"] = frame["since"].astype("datetime64[ns]")  # the only times that it compares
    batch = batches.get_batch(batch_parameters={"dataframe": frame})
    results = []
    for place in touched.get(name, range(len(suite["expectations"]))):
        each = suite["expectations"][place]
        asked = E(type=each["type"], kwargs=each["kwargs"]).to_domain_obj()
        result = batch.validate(asked)
        assert "'raised_exception': True" not in str(result.exception_info), (each, result)
        results.append(bool(result.success))
    found[name] = all(results)
print(json.dumps(found))
"""


def suite() -> dict[str, Any]:
    entries = [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}}]
    entries += [{"type": f"expect_column_{kind}", "kwargs": {"column": name, **words}}
                for name, _, kind, words, _, _ in ASKED]  # fmt: skip
    entries += [{"type": kind, "kwargs": words} for kind, words in TABLES]
    entries += [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": name}}
                for name in ("mostly", "wholly", "rarely")]  # fmt: skip
    return {"name": "things", "expectations": entries, "meta": {}}


def tables(cases: list[Case]) -> dict[str, list[Row]]:
    """Every table; what a case leaves to the row's number is `#`."""
    found = {"good": good_table(cases)} | {name: rows for name, _, rows in spoilt(cases)}
    for rows in found.values():
        for number, row in enumerate(rows):
            row |= {"first": str(number + 1), "second": str(number), "spread": str(number)}
            row["number"] = str(number)
            row["single"] = str(number) if row["single"] == "#" else row["single"]
    changes = {
        "pair": {"first": "3", "second": "3"}, "half a pair": {"first": None},
        "no pair": {"first": None, "second": None}, "together": {"number": "24"},
        "not together": {"number": "23"},
    }  # fmt: skip
    for name, change in changes.items():
        rows = [dict(row) for row in found["good"]]
        rows[21] |= change
        found[name] = rows
    found["few rows"] = found["good"][:29]
    found["far"] = [{**row, "spread": "99"} for row in found["good"]]
    found["middle"] = [{**row, "middle": "3"} for row in found["good"]]
    found["never b"] = [{**row, "whole": "a"} for row in found["good"]]
    return found


def run(folder: Path, suite: dict[str, Any], **more: Any) -> int:
    (folder / "suite.json").write_text(json.dumps(suite))
    options = {"source": "suite.json", "kind": "", "output": "", "force": True, "strict": False}
    return command.run(folder, options | more)


def test_the_contract_says_what_the_suite_says(
    project: Callable[[str], Path], judged: Callable[..., Judged], tmp_path: Path
) -> None:
    cases = [Case(name, kind, "", good, bad) for name, kind, _, _, good, bad in ASKED]
    every = tables(cases)
    kinds = types(cases) | dict.fromkeys(("first", "second", "spread"), "DOUBLE")
    kinds["number"] = "BIGINT"
    folder = project("")
    # The table tells the types of which the suite says nothing.
    write_table(folder / "data" / "things", every["good"], "parquet", kinds)
    assert run(folder, suite()) == 0
    contract = (folder / "data" / "contract.yaml").read_text()
    listed = [line[2:].partition(": ")[0] for line in contract.splitlines() if line[0] == "#"]
    assert listed.count("left out") == 0, contract
    assert listed.count("differs") == 2, contract  # the median and the quantile

    # What a table changes decides which expectations can say another thing than of the good one.
    at = {name: place for place, (name, *_) in enumerate(ASKED, start=1)}
    first = len(ASKED) + 1
    touched = {name: [at[column]] for name, column, _ in spoilt(cases)}
    touched |= {name: [first] for name in ("pair", "half a pair", "no pair")}
    touched |= {name: [first + 1] for name in ("together", "not together")}
    touched |= {"few rows": [first + 2], "far": [first + 3]}
    touched |= {"middle": [at["middle"]], "never b": [at["whole"]]}
    place = tmp_path / "tables"
    place.mkdir()
    (place / "touched.json").write_text(json.dumps(touched))
    (place / "suite.json").write_text(json.dumps(suite()))
    theirs = original(JUDGE, "great_expectations.txt", every, kinds, place)
    passing = [name for name, passes in theirs.items() if passes]
    assert passing == ["good", "mostly=10", "no pair", "not together"]
    agree(theirs, every, kinds, contract, judged)


def test_both_layouts_give_the_same_contract(project: Callable[[str], Path]) -> None:
    folder = project("")
    assert run(folder, suite()) == 0
    new = (folder / "data" / "contract.yaml").read_text()
    older = {
        "expectation_suite_name": "things",
        "ge_cloud_id": None,
        "expectations": [
            {"expectation_type": each["type"], "meta": {}, "kwargs": each["kwargs"]}
            for each in suite()["expectations"]
        ],
        "meta": {"great_expectations_version": "0.18.22"},
    }
    assert run(folder, older) == 0
    assert (folder / "data" / "contract.yaml").read_text() == new


def noted(entry: dict[str, Any], tmp_path: Path) -> list[str]:
    (tmp_path / "suite.json").write_text(json.dumps({"expectations": [entry]}))
    draft, _ = expectations.read(tmp_path / "suite.json", "suite.json")
    draft.finish({"x": "number", "y": "number"})
    return [f"{note.kind}: {output.line(note)}" for note in draft.notes]


@pytest.mark.parametrize(
    ("kind", "words", "said"),
    [
        ("column_values_to_be_increasing", {"column": "x"}, "the rows of a contract have no order"),
        ("column_stdev_to_be_between", {"column": "x"}, "Instead: two quantiles of the column"),
        ("column_of_ours", {}, "no part of a contract says this"),
        (f"column_{BETWEEN}", {"column": "x", "min_value": 0, "row_condition": "y > 0"},
         "its row_condition narrows or changes it"),
        (f"column_{BETWEEN}", {"column": "x", "min_value": {"$PARAMETER": "low"}},
         "a value is given by a run only"),
        (f"column_{BETWEEN}", {"column": "x"}, "bounds nothing"),
        (f"column_{BETWEEN}", {"column": "x", "min_value": 0, "mostly": 0}, "it cannot fail"),
        (f"column_{BETWEEN}", {"column": "x", "min_value": 0, "mostly": 2}, "which is no share"),
        (f"column_{BETWEEN}", {"min_value": 0}, "it has no column"),
        (f"column_{SET}", {"column": "x", "value_set": []}, "its value_set is empty"),
        (f"column_{SET}", {"column": "x", "value_set": [[1]]}, "its value_set is empty, or holds"),
        (f"column_{REGEX}", {"column": "x", "regex": r"(a)\1"}, r"holds \1, which RE2 does not"),
        (f"column_{REGEX}", {"column": "x", "regex": "("}, "is no regular expression"),
        ("table_row_count_to_be_between", {"max_value": 0}, "a contract never lets"),
        ("column_mean_to_be_between", {"column": "x", "max_value": 1, "strict_max": True},
         "a figure on the bound itself passes in a contract"),
        ("column_max_to_be_between", {"column": "x", "max_value": 1, "min_value": 0},
         "its min_value asks for some value beyond that bound"),
        ("column_max_to_be_between", {"column": "x", "min_value": 0}, "that some value is above"),
        ("column_values_to_be_of_type", {"column": "x", "type_": "list"}, "is no one type"),
        (f"column_{BETWEEN}", {"column": "x", "min_value": 0, "mostly": 0.9},
         "the share that is tolerated is one of all rows"),
        ("table_columns_to_match_ordered_list", {"column_list": ["x"]}, "and not their order"),
    ],
)  # fmt: skip
def test_what_is_not_the_same_is_listed(
    kind: str, words: dict[str, Any], said: str, tmp_path: Path
) -> None:
    found = noted({"type": f"expect_{kind}", "kwargs": words}, tmp_path)
    assert [line for line in found if line.startswith(("left out: expectations[0]",
            "differs: expectations[0]")) and said in line], found  # fmt: skip


def test_a_warning_stays_one(tmp_path: Path) -> None:
    entry = {"type": f"expect_column_{BETWEEN}", "kwargs": {"column": "x", "min_value": 0},
             "severity": "warning"}  # fmt: skip
    (tmp_path / "suite.json").write_text(json.dumps({"expectations": [entry]}))
    draft, _ = expectations.read(tmp_path / "suite.json", "suite.json")
    contract = draft.finish({})
    assert contract["rules"] == [{
        "name": f"x: expect_column_{BETWEEN}", "sql": "x IS NULL OR x >= 0", "severity": "warn",
    }]  # fmt: skip
    assert contract["columns"] == {"x": {"type": "number", "nullable": True}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no JSON"),
        (b"{", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"[]", "is no suite"),
        (b'{"expectations": {}}', "is no suite"),
        (b'{"expectations": [1]}', r"expectations\[0\]: has no type"),
        (b'{"expectations": [{"type": "t", "kwargs": 3}]}', r"expectations\[0\]: has no type"),
        (b" " * 4_000_001, "is larger than 4,000,000 bytes"),
    ],
)
def test_what_is_no_suite(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "suite.json").write_bytes(content)
    with pytest.raises(ConfigError, match=f"^suite.json: {said}"):
        expectations.read(tmp_path / "suite.json", "suite.json")


def test_values_of_another_type_are_left_out(tmp_path: Path) -> None:
    typed, among = "expect_column_values_to_be_of_type", f"expect_column_{SET}"
    asked: list[tuple[str, dict[str, Any]]] = [
        (typed, {"column": "x", "type_": "int64"}),
        (typed, {"column": "y", "type_": "datetime64[ns]"}),
        (typed, {"column": "z", "type_": "str"}),
        (among, {"column": "x", "value_set": ["a"]}),
        (among, {"column": "x", "value_set": [1.5]}),
        (among, {"column": "y", "value_set": ["soon"]}),
        (among, {"column": "z", "value_set": [1]}),
        (f"expect_column_{BETWEEN}", {"column": "y", "min_value": "2020-01-01T00:00:00+01:00"}),
    ]
    entries = [{"type": kind, "kwargs": words} for kind, words in asked]
    (tmp_path / "suite.json").write_text(json.dumps({"expectations": entries}))
    draft, _ = expectations.read(tmp_path / "suite.json", "suite.json")
    contract = draft.finish({})
    assert [note.why for note in draft.notes] == [
        "'a' is no number",
        "no value of the set is of type integer",
        "'soon' is no ISO time",
        "1 is no text",
        "2020-01-01 00:00:00+01:00 has a time zone, which a rule does not compare",
    ]
    assert all(set(column) == {"type", "nullable"} for column in contract["columns"].values())
