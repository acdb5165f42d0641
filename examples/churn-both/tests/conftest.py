"""A small trained model for the tests."""

from pathlib import Path

import pytest

from churn import data, model

SAMPLES = Path(__file__).parents[1] / "data" / "customers.csv"
#: A few trees are enough here.
PARAMS = {"trees": 20}


@pytest.fixture(scope="session")
def few() -> data.Table:
    """The first rows of each class, 60 at most."""
    table = data.read(SAMPLES)
    rows: dict[str, list[int]] = {}
    for row, value in enumerate(table.target or []):
        rows.setdefault(value, []).append(row)
    return pick(table, sorted(row for each in rows.values() for row in each[:60]))


def pick(table: data.Table, rows: list[int]) -> data.Table:
    """These rows of the table."""
    return data.Table(
        table.source,
        [table.lines[row] for row in rows],
        [table.keys[row] for row in rows],
        {name: [cells[row] for row in rows] for name, cells in table.columns.items()},
        [table.target[row] for row in rows] if table.target else None,
    )


@pytest.fixture(scope="session")
def fitted(few: data.Table) -> model.Model:
    """A model trained on them."""
    return model.fit(few, PARAMS, seed=1)
