"""How far a regression's predictions lie from what was observed, and in which direction.

However many rows there are, what comes back is small: counts in a grid, bins, quantiles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_steps.errors import UndecidedError

if TYPE_CHECKING:
    import duckdb

#: The grid of the drawing has so many cells on each side, the histogram so many bars.
CELLS, BARS, BINS = 24, 21, 10
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Frame:
    """What both models are drawn in, in the target's unit.

    Attributes:
        low: The lower end of the axes of predictions and of observations.
        high: Their upper end.
        span: The histogram of errors reaches from minus this to this.
    """

    low: float
    high: float
    span: float


@dataclass(frozen=True)
class Bin:
    """Rows of neighbouring predictions: their mean, and what was observed.

    `low` to `high` holds the middle 80 % of what was observed in them.
    """

    predicted: float
    observed: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True)
class Errors:
    """One model's errors, each a prediction minus what was observed, in the target's unit.

    Attributes:
        rows: How many.
        mean: Their mean: what the model says too much (or, below 0, too little) on average.
        quantiles: At `QUANTILES`.
        largest: The largest size of an error.
        grid: (cell of the prediction, cell of the observation, rows); what lies beyond the
            frame is in the outermost cells.
        beyond: Rows that lie beyond the frame.
        bars: Rows by error, from -span to span; the outermost hold what lies beyond.
        bins: In the order of the predictions.
    """

    rows: int
    mean: float
    quantiles: list[float]
    largest: float
    grid: list[tuple[int, int, int]]
    beyond: int
    bars: list[int]
    bins: list[Bin]


@dataclass(frozen=True)
class Numbers:
    """One model's errors and the frame they are drawn in."""

    errors: Errors
    frame: Frame


def read(path: Path) -> tuple[Numbers, Numbers | None]:
    """The candidate's errors and, if it was asked, the champion's in the same frame.

    Args:
        path: Parquet with the columns key, label, prediction and champion_prediction (null
            without a champion), all but the key numbers in the target's unit.

    Raises:
        UndecidedError: Not such a file, a row without a label and a prediction that are finite
            numbers, or numbers too large to be told apart from infinity.
    """
    import duckdb

    try:
        with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as database:
            database.read_parquet(str(path)).create_view("predictions")
            if not _checked(database, "prediction"):
                raise UndecidedError(f"{path.name}: holds no predictions")
            names = ["prediction"]
            if _checked(database, "champion_prediction"):
                names.append("champion_prediction")
            frame = _frame(database, names)
            found = [Numbers(_errors(database, name, frame), frame) for name in names]
            return found[0], found[1] if len(found) > 1 else None
    except (duckdb.Error, OverflowError) as error:
        raise UndecidedError(f"{path.name}: cannot be read: {error}") from None


def _checked(database: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether a model was asked at all; if so, every row has to be sound."""
    # The names are ours (see `read`), never a file's.
    answered, rows, good = database.sql(
        f"""select count({name}), count(*), count_if(coalesce(
                isfinite({name}::double) and isfinite(label::double)
                and isfinite({name}::double - label::double), false))
            from predictions"""
    ).fetchall()[0]
    if answered and rows != good:
        bad = f"{rows - good} of {rows} rows"
        raise UndecidedError(f"{bad} have no label or no {name} that is a finite number")
    return bool(answered)


def _frame(database: duckdb.DuckDBPyConnection, names: list[str]) -> Frame:
    """All that was observed and 98 % of what was predicted; 99 % of all errors."""
    parts = [
        f"""select min(label::double), max(label::double),
                quantile_cont({name}::double, 0.01), quantile_cont({name}::double, 0.99),
                quantile_cont(abs({name}::double - label::double), 0.99) from predictions"""
        for name in names
    ]
    found = [database.sql(part).fetchall()[0] for part in parts]
    low = min(min(row[0], row[2]) for row in found)
    high = max(max(row[1], row[3]) for row in found)
    span = max(row[4] for row in found)
    # Nothing varies: a frame around the one value, wide enough to be one.
    least = 1e-9 * max(abs(low), abs(high)) or 1.0
    if high - low < least:
        low, high = low - least, high + least
    frame = Frame(low, high, span if span > 0 else high - low)
    if not all(map(math.isfinite, (frame.high - frame.low, 2 * frame.span))):
        raise UndecidedError("the numbers lie too far apart to be drawn")
    return frame


def _errors(database: duckdb.DuckDBPyConnection, name: str, frame: Frame) -> Errors:
    rows = f"""select key, label::double as seen, {name}::double as said,
            {name}::double - label::double as error from predictions"""
    count, mean, quantiles, largest, beyond = database.sql(
        f"""select count(*), avg(error), quantile_cont(error, {list(QUANTILES)}), max(abs(error)),
                count_if(said < {_sql(frame.low)} or said > {_sql(frame.high)})
            from ({rows})"""
    ).fetchall()[0]
    grid = database.sql(
        f"""select {_cell("said", frame.low, frame.high, CELLS)} as x,
                {_cell("seen", frame.low, frame.high, CELLS)} as y, count(*)
            from ({rows}) group by x, y order by x, y"""
    ).fetchall()
    bars = [0] * BARS
    for bar, n in database.sql(
        f"""select {_cell("error", -frame.span, frame.span, BARS)} as bar, count(*)
            from ({rows}) group by bar"""
    ).fetchall():
        bars[bar] = n
    made = database.sql(
        f"""select avg(said), avg(seen),
                quantile_cont(seen, 0.1), quantile_cont(seen, 0.9), count(*)
            from (select said, seen, ntile({BINS}) over (order by said, key) as bin from ({rows}))
            group by bin order by bin"""
    ).fetchall()
    numbers = (mean, largest, *quantiles, *(value for each in made for value in each))
    if not all(map(math.isfinite, numbers)):
        raise UndecidedError("the numbers are too large to be added up")
    return Errors(
        count, mean, quantiles, largest, grid, beyond, bars, [Bin(*each) for each in made]
    )


def _cell(name: str, low: float, high: float, cells: int) -> str:
    """SQL for the number of the cell in which a value lies, the outermost for what is beyond."""
    along = f"({name} - {_sql(low)}) / {_sql(high - low)} * {cells}"
    return f"greatest(0, least({cells - 1}, floor({along})))::integer"


def _sql(value: float) -> str:
    # As text: a decimal literal would be rounded another way than Python's.
    return f"CAST('{value!r}' AS DOUBLE)"
