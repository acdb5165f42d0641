"""Errors against numpy's figures, at every size, and files that hold no such thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from mlops_steps.errors import UndecidedError
from mlops_steps.report import numbers, plots


def write(path: Path, label: Any, said: Any, champion: Any = None) -> Path:
    none = np.full(len(label), None) if champion is None else np.array(champion, dtype=float)
    columns = {
        "key": np.arange(len(label)).astype(str),
        "label": np.array(label, dtype=float),
        "prediction": np.array(said, dtype=float),
        "champion_prediction": none,
    }
    with duckdb.connect() as database:
        database.register("predictions", columns)
        database.execute(
            f"""copy (select * replace (champion_prediction::double as champion_prediction)
                from predictions) to '{path}' (format parquet)"""
        )
    return path


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_the_figures_are_those_of_numpy(tmp_path: Path, scale: float) -> None:
    random = np.random.default_rng(7)
    label = random.normal(150, 50, 3000) * scale
    said = label + random.normal(3, 20, 3000) * scale
    other = label + random.normal(0, 40, 3000) * scale
    found, champion = numbers.read(write(tmp_path / "p.parquet", label, said, other))
    assert champion is not None
    assert found.frame == champion.frame
    for model, answer in ((found, said), (champion, other)):
        error, errors = answer - label, model.errors
        assert errors.rows == 3000
        assert errors.mean == pytest.approx(error.mean(), rel=1e-9)
        assert errors.quantiles == pytest.approx(np.quantile(error, numbers.QUANTILES).tolist())
        assert errors.largest == pytest.approx(np.abs(error).max())
        assert sum(n for *_, n in errors.grid) == sum(errors.bars) == 3000
        assert {cell for *both, _ in errors.grid for cell in both} <= set(range(numbers.CELLS))
        low, high = found.frame.low, found.frame.high
        assert errors.beyond == ((answer < low) | (answer > high)).sum()
        span = found.frame.span
        inner, _ = np.histogram(error, np.linspace(-span, span, numbers.BARS + 1))
        assert errors.bars[1:-1] == inner.tolist()[1:-1]
        order = np.argsort(answer)
        means = [part.mean() for part in np.array_split(label[order], numbers.BINS)]
        assert [each.observed for each in errors.bins] == pytest.approx(means)
    assert found.frame.low <= label.min()
    assert found.frame.high >= label.max()
    for draw in (plots.observed, plots.errors):
        assert draw(found, champion).startswith("<svg")


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ([5.0], [5.0]),
        ([0.0, 0.0], [0.0, 0.0]),
        ([5.0, 5.0, 5.0], [5.0, 5.0, 5.0]),
        ([1e15, 1e15], [1e15, 1e15]),
        ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]),
        ([1.0, 2.0, 3.0], [1e12, 2.0, 3.0]),
        ([-1e-300, 1e-300], [0.0, 0.0]),
    ],
)
def test_what_does_not_vary_is_drawn_too(tmp_path: Path, label: Any, said: Any) -> None:
    found, champion = numbers.read(write(tmp_path / "p.parquet", label, said))
    assert champion is None
    assert found.frame.low < found.frame.high
    assert sum(found.errors.bars) == len(label)
    for draw in (plots.observed, plots.errors):
        drawn = draw(found, None)
        assert "nan" not in drawn.lower()


def test_what_is_no_prediction_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    for label, said in (
        ([1.0, np.nan], [1.0, 2.0]),
        ([1.0, 2.0], [1.0, np.nan]),
        ([1.0, 2.0], [1.0, np.inf]),
        ([1.0, -1.7e308], [1.0, 1.7e308]),
    ):
        with pytest.raises(UndecidedError, match="1 of 2 rows have no label or no prediction that"):
            numbers.read(write(path, label, said))
    with pytest.raises(UndecidedError, match="1 of 2 rows have no label or no champion_prediction"):
        numbers.read(write(path, [1.0, 2.0], [1.0, 2.0], [1.0, np.nan]))
    with pytest.raises(UndecidedError, match="numbers lie too far apart to be drawn"):
        numbers.read(write(path, [-9e307, 9e307], [0.0, 0.0]))
    with pytest.raises(UndecidedError, match="holds no predictions"):
        numbers.read(write(path, [], []))
    duckdb.execute(f"copy (select 'x' as label, 'y' as prediction) to '{path}' (format parquet)")
    with pytest.raises(UndecidedError, match="cannot be read"):
        numbers.read(path)
