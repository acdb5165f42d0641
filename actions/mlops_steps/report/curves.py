"""What a score can tell apart and whether it can be believed: ROC, calibration, confusion."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_steps.errors import UndecidedError
from mlops_steps.stats.proportions import wilson

if TYPE_CHECKING:
    import duckdb

#: A curve of more corners than this looks the same.
POINTS = 400
BINS = 10


@dataclass(frozen=True)
class Bin:
    """Rows of neighbouring scores: how likely they were said to be so, and how many were.

    Positive for two classes; of the predicted class for several.
    """

    score: float
    observed: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True)
class Confusion:
    """Counts of rows by label and prediction."""

    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int


@dataclass(frozen=True)
class Curves:
    """One model's. `roc` is (false-positive rate, true-positive rate), both rising."""

    roc: list[tuple[float, float]]
    bins: list[Bin]
    confusion: Confusion


def read(path: Path) -> tuple[Curves, Curves | None]:
    """The candidate's curves and, if it was scored, the champion's.

    Args:
        path: Parquet with the columns label (0 or 1), score, prediction, champion_score and
            champion_prediction (null without a champion).

    Raises:
        UndecidedError: Not such a file, or a row without a finite score, a label and a prediction.
    """
    import duckdb

    try:
        with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as database:
            database.read_parquet(str(path)).create_view("predictions")
            candidate = _curves(database, "score", "prediction")
            if candidate is None:
                raise UndecidedError(f"{path.name}: holds no scores")
            return candidate, _curves(database, "champion_score", "champion_prediction")
    except duckdb.Error as error:
        raise UndecidedError(f"{path.name}: cannot be read: {error}") from None


def _curves(database: duckdb.DuckDBPyConnection, score: str, prediction: str) -> Curves | None:
    # The names are ours (see `read`), never a file's. Window functions keep what comes back
    # small however many rows there are.
    rows = f"select label, {score} as score, {prediction} as prediction, key from predictions"
    counts = database.sql(
        f"""select count(score), count(*), count_if(coalesce(
                isfinite(score) and label in (0, 1) and prediction in (0, 1), false)),
            count_if(label = 1 and prediction = 1), count_if(label = 1 and prediction = 0),
            count_if(label = 0 and prediction = 1), count_if(label = 0 and prediction = 0)
            from ({rows})"""
    ).fetchall()[0]
    if counts[0] == 0:
        return None
    if counts[1] != counts[2]:
        bad = f"{counts[1] - counts[2]} of {counts[1]} rows"
        raise UndecidedError(f"{bad} have no finite {score}, or no label or prediction of 0 or 1")
    corners = database.sql(
        f"""with steps as (
                select score, count_if(label = 1) as p, count_if(label = 0) as n
                from ({rows}) group by score),
            curve as (
                select sum(n) over w as fp, sum(p) over w as tp,
                    row_number() over w as place, count(*) over () as places
                from steps window w as (order by score desc))
            select fp::double, tp::double from curve
            where place = places or place % greatest(1, places // {POINTS}) = 0
            order by place"""
    ).fetchall()
    negatives, positives = corners[-1]
    return Curves(
        roc=[(0.0, 0.0), *((fp / negatives, tp / positives) for fp, tp in corners)]
        if negatives and positives
        else [],
        bins=bins(database, score, "label = 1"),
        confusion=Confusion(*counts[3:]),
    )


def bins(database: duckdb.DuckDBPyConnection, score: str, true: str) -> list[Bin]:
    """Equally many rows each, the lowest scores first, of the view `predictions`.

    Args:
        database: Has the view.
        score: The column of scores.
        true: SQL that is true for a row of which the score should be high.
    """
    found = database.sql(
        f"""select avg(score), count_if(truth), count(*) from (
                select {score} as score, {true} as truth,
                    ntile({BINS}) over (order by {score}, key) as bin from predictions)
            group by bin order by bin"""
    ).fetchall()
    return [_bin(*each) for each in found]


def _bin(score: float, true: int, rows: int) -> Bin:
    low, high = wilson(true, rows, 0.95)
    return Bin(score=score, observed=true / rows, low=low, high=high, rows=rows)
