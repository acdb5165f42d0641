"""The table in data/ is what the code believes it to be."""

from pathlib import Path

import numpy as np
import pytest

from {{ cookiecutter.package }} import data

SAMPLES = Path(__file__).parents[1] / "data" / "samples.csv"


def test_samples_load() -> None:
    table = data.read(SAMPLES)
    assert table.values.shape == (len(table.keys), len(table.columns))
    assert len(set(table.keys)) == len(table.keys)
    assert np.isfinite(table.values).all()
    assert table.positive is not None
    assert 0 < table.positive.sum() < len(table.keys)


def test_rows_without_target_load(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,a,b\n7,1,2.5\n")
    table = data.read(path)
    assert (table.keys, table.columns, table.positive) == (["7"], ["a", "b"], None)


@pytest.mark.parametrize("value", ["", "?", "nan", "1e999"])
def test_what_is_no_number_is_refused_with_its_place(tmp_path: Path, value: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"id,a,diagnosis\n1,1.0,benign\n2,{value},benign\n")
    with pytest.raises(ValueError, match=r"rows\.csv:3: a: .* not a finite number"):
        data.read(path)
