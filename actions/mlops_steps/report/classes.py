"""Which classes a model finds and which it takes for another; whether its scores can be believed.

However many classes there are, what comes back is small: `SHOWN` of them make up the matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_steps.errors import UndecidedError
from mlops_steps.report.curves import Bin, bins
from mlops_steps.stats.proportions import wilson

if TYPE_CHECKING:
    import duckdb

#: Classes of the matrix; with more, the last place holds all others together.
SHOWN = 12
OTHERS = "all others"
#: Pairs of a label and a wrong prediction, the most frequent first.
PAIRS = 200


@dataclass(frozen=True)
class Class:
    """One class.

    Attributes:
        name: The target's value.
        rows: Rows that have this label.
        right: Of them, those that were predicted so.
        said: Rows that were predicted so.
        low: Lower end of Wilson's interval for the recall, at 95 %; none without rows.
        high: Its upper end.
        taken_for: The wrong prediction that its rows got most often; empty if none did.
    """

    name: str
    rows: int
    right: int
    said: int
    low: float | None = None
    high: float | None = None
    taken_for: str = ""

    @property
    def recall(self) -> float | None:
        """The share of its rows that were found; none without rows."""
        return self.right / self.rows if self.rows else None

    @property
    def precision(self) -> float | None:
        """How often a prediction of it was right; none if nothing was predicted so."""
        return self.right / self.said if self.said else None


@dataclass(frozen=True)
class Pair:
    """Rows of a label that got another prediction."""

    label: str
    prediction: str
    rows: int


@dataclass(frozen=True)
class Classes:
    """One model's.

    Attributes:
        classes: Every class that is a label or a prediction: in the order of their names when
            all are in the matrix, else the lowest recall first.
        shown: The places of the matrix: names of classes, and `OTHERS` if there are more.
        matrix: Counts by label and prediction, in the order of `shown`.
        pairs: What is mistaken for what, the most frequent first.
        bins: Rows of neighbouring scores, and the share of them that was predicted right.
    """

    classes: list[Class]
    shown: list[str]
    matrix: list[list[int]]
    pairs: list[Pair]
    bins: list[Bin]


def read(path: Path) -> tuple[Classes, Classes | None]:
    """The candidate's classes and, if it was scored, the champion's with the same matrix places.

    Args:
        path: Parquet with the columns key, label, score, prediction, champion_score and
            champion_prediction (null without a champion); labels and predictions are texts,
            scores from 0 to 1.

    Raises:
        UndecidedError: Not such a file, or a row without a label, a score and a prediction.
    """
    import duckdb

    try:
        with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as database:
            database.read_parquet(str(path)).create_view("predictions")
            found = _classes(database, "", "score", "prediction")
            if found is None:
                raise UndecidedError(f"{path.name}: holds no predictions")
            _choose(database, found)
            candidate = _whole(database, found, "score", "prediction")
            theirs = _classes(database, "champion_", "champion_score", "champion_prediction")
            if theirs is None:
                return candidate, None
            return candidate, _whole(database, theirs, "champion_score", "champion_prediction")
    except duckdb.Error as error:
        raise UndecidedError(f"{path.name}: cannot be read: {error}") from None


def _classes(
    database: duckdb.DuckDBPyConnection, prefix: str, score: str, prediction: str
) -> list[Class] | None:
    # The names are ours (see `read`), never a file's.
    answered, rows, good = database.sql(
        f"""select count({prediction}), count(*), count_if(coalesce(
                {score} between 0 and 1 and label is not null and {prediction} is not null, false))
            from predictions"""
    ).fetchall()[0]
    if answered == 0:
        return None
    if rows != good:
        bad = f"{rows - good} of {rows} rows"
        raise UndecidedError(f"{bad} have no {prefix}score from 0 to 1, no label or no prediction")
    database.execute(
        f"""create or replace temp table pairs as
            select label::varchar as label, {prediction}::varchar as said, count(*) as n
            from predictions group by all"""
    )
    found = database.sql(
        """with wrong as (
                select label, arg_max(said, (n, said)) as taken_for from pairs
                where label <> said group by label),
            labels as (
                select label as name, sum(n) as n, sum(n) filter (label = said) as right_ones
                from pairs group by label),
            predictions as (select said as name, sum(n) as n from pairs group by said)
            select name, coalesce(labels.n, 0)::bigint, coalesce(right_ones, 0)::bigint,
                coalesce(predictions.n, 0)::bigint, coalesce(taken_for, '')
            from labels full join predictions using (name)
            left join wrong on wrong.label = name"""
    ).fetchall()
    made = [
        Class(name, rows, right, said, *_interval(right, rows), taken_for)
        for name, rows, right, said, taken_for in found
    ]
    if len(made) <= SHOWN:
        return _by_name(made)
    # A class without rows has no recall to be low.
    return sorted(made, key=lambda each: (each.rows == 0, each.recall or 0.0, each.name))


def _interval(right: int, rows: int) -> tuple[float | None, float | None]:
    return wilson(right, rows, 0.95) if rows else (None, None)


def _by_name(classes: list[Class]) -> list[Class]:
    """In the order of their names; numbers as numbers: 10 comes after 9."""
    try:
        return sorted(classes, key=lambda each: float(each.name))
    except ValueError:
        return sorted(classes, key=lambda each: each.name)


def _choose(database: duckdb.DuckDBPyConnection, classes: list[Class]) -> None:
    """Which classes have a place of their own in both matrices."""
    kept = classes if len(classes) <= SHOWN else classes[: SHOWN - 1]
    database.execute("create temp table places (name varchar, place integer)")
    database.executemany(
        "insert into places values (?, ?)", [(each.name, n) for n, each in enumerate(kept)]
    )


def _whole(
    database: duckdb.DuckDBPyConnection, classes: list[Class], score: str, prediction: str
) -> Classes:
    shown = [name for (name,) in database.sql("select name from places order by place").fetchall()]
    cells = database.sql(
        f"""select coalesce(a.place, {len(shown)}), coalesce(b.place, {len(shown)}), sum(n)::bigint
            from pairs left join places a on a.name = label left join places b on b.name = said
            group by 1, 2"""
    ).fetchall()
    beyond = any(len(shown) in {row, column} for row, column, _ in cells)
    names = [*shown, OTHERS] if beyond else shown
    matrix = [[0] * len(names) for _ in names]
    for row, column, count in cells:
        matrix[row][column] = count
    pairs = database.sql(
        f"""select label, said, n from pairs where label <> said
            order by n desc, label, said limit {PAIRS}"""
    ).fetchall()
    right = f"(label::varchar = {prediction}::varchar)"
    return Classes(
        classes=classes,
        shown=names,
        matrix=matrix,
        pairs=[Pair(*each) for each in pairs],
        bins=bins(database, score, right),
    )
