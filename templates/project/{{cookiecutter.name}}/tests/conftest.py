"""A small trained model for the tests."""

from pathlib import Path

import pytest

from {{ cookiecutter.package }} import data, model

SAMPLES = Path(__file__).parents[1] / "data" / "samples.csv"


@pytest.fixture(scope="session")
def few() -> data.Table:
    """The first 80 rows."""
    table = data.read(SAMPLES)
    assert table.positive is not None
    return data.Table(table.keys[:80], table.columns, table.values[:80], table.positive[:80])


@pytest.fixture(scope="session")
def fitted(few: data.Table) -> model.Model:
    """A model trained on them."""
    return model.fit(few, {}, seed=1)
