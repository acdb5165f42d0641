"""The step itself with `engine: spark`, and what mlops.yaml may say of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.mlops_steps.validate_data.conftest import CONFIG, good_rows

from mlops_steps.errors import ConfigError
from mlops_steps.spec import Status

Judge = Callable[..., Any]


def described(line: str) -> str:
    return CONFIG.replace("      key: id\n", f"      key: id\n      {line}\n")


def test_a_table_is_judged_on_a_spark_of_its_own(judged: Judge) -> None:
    rows = good_rows()
    rows[40]["size"] = "11"
    text = described("engine: spark\n      spark: {address: 'local[1]'}")
    found = judged(rows, kind="parquet", described=text)
    assert found.status is Status.FAIL
    assert found.red() == {"size: range": "fail"}
    assert found.checks["size: range"]["rows"] == [41]
    assert found.verdict.versions["spark"].startswith("4.")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("spark: {address: local}", "engine: spark"),
        ("engine: spark\n      spark: {address: 'yarn'}", "yarn"),
        ("engine: spark\n      source: {address: 's3://b/x.parquet'}", "files of the project"),
        ("engine: polars", "polars"),
    ],
)
def test_what_makes_no_sense(judged: Judge, line: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        judged(good_rows(), described=described(line))
    assert words in str(error.value)
