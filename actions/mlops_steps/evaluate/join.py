"""Check predictions row by row and put the labels beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from mlops_steps.config import TableInput, Task
from mlops_steps.data.parts import Table
from mlops_steps.data.tables import column_names, connect, identifier, literal, reading, scan
from mlops_steps.data.withhold import Writing, class_text, finite, is_positive, writing
from mlops_steps.errors import CommandError, UndecidedError

_SHOWN = 3


@dataclass(frozen=True)
class Answers:
    """One model's answers, in the order of the labels.

    Attributes:
        prediction: What `Judged.label` is, by the model.
        score: In [0, 1]; None for regression.
    """

    prediction: NDArray[Any]
    score: NDArray[np.float64] | None = None

    @property
    def scores(self) -> NDArray[np.float64]:
        """The scores of a task that has them."""
        if self.score is None:
            raise ValueError("answers without scores")
        return self.score


@dataclass(frozen=True)
class Judged:
    """Labels and answers by row.

    Attributes:
        label: binary: 1 (positive) or 0. multiclass: the class's number in `classes`.
            regression: the target, a finite number.
        candidate: The candidate's answers.
        champion: The champion's, if there is one.
        classes: Every class that the table has, in order; empty but for multiclass.
    """

    label: NDArray[Any]
    candidate: Answers
    champion: Answers | None
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Predicted:
    """What the predictions of a task are.

    Attributes:
        task: The task.
        key: The key's column.
        positive: The target's positive value, for binary.
        how: How the target's values are written, for classes.
    """

    task: Task
    key: str
    positive: str | int | bool | None
    how: Writing

    @property
    def scored(self) -> bool:
        """Whether there is a score beside each prediction."""
        return self.task != "regression"

    @property
    def columns(self) -> list[str]:
        """The columns that predictions have to have."""
        return [self.key, *(["score"] if self.scored else []), "prediction"]

    @property
    def kind(self) -> str:
        """DuckDB's type of labels and predictions."""
        return {"binary": "TINYINT", "multiclass": "VARCHAR", "regression": "DOUBLE"}[self.task]

    def number(self, alias: str, column: str) -> str:
        """SQL for the number by which metrics know a label or a prediction."""
        if self.task != "multiclass":
            return f"{alias}.{column}"
        return f"(SELECT number FROM allowed WHERE value = {alias}.{column})"


def join(
    labels: Path,
    candidate: Path,
    champion: Path | None,
    *,
    data: Table,
    table: TableInput,
    task: Task,
    to: Path,
) -> Judged:
    """Join labels and predictions, write them to `to` as Parquet, and return them.

    Columns of `to`: key, label, score, prediction, champion_score, champion_prediction (null
    without a champion). Labels and predictions are 1 and 0 for binary, the class as text for
    multiclass, numbers for regression, where there are no columns of scores. Rows are in the
    order of a hash of the key, which says nothing about their values: what the intervals of a
    mean ask for.

    Args:
        labels: Parquet with `key` (text) and `label`, as `write_labels` wrote it.
        candidate: The candidate's predictions; Parquet, CSV or JSON lines.
        champion: The champion's.
        data: The labelled table, for the values that its target has.
        table: Its description.
        task: The model's task.
        to: The file to write.

    Raises:
        CommandError: The candidate's predictions are not what they have to be.
        UndecidedError: The champion's are not, or a key of the data is there twice.
    """
    how: Writing = "text" if task == "regression" else writing(data, table)
    wanted = Predicted(task, table.key, table.positive, how)
    with connect() as connection:
        connection.execute(f"CREATE TABLE labels AS FROM read_parquet({literal(labels)})")
        _unique_labels(connection, data.name)
        classes = _load_values(connection, data, table, wanted)
        _load(connection, candidate, "candidate", wanted)
        if champion:
            try:
                _load(connection, champion, "champion", wanted)
            except CommandError as error:
                raise UndecidedError(str(error)) from None
        _join(connection, wanted, champion=champion is not None)
        numbers = "label_number, candidate_number, champion_number"
        connection.execute(
            f"COPY (SELECT * EXCLUDE ({numbers}) FROM joined) TO {literal(to)} (FORMAT parquet)"
        )
        scores = ", score, champion_score" if wanted.scored else ""
        found = connection.execute(f"SELECT {numbers}{scores} FROM joined").fetchnumpy()
    answers = Answers(found["candidate_number"], found.get("score"))
    theirs = Answers(found["champion_number"], found.get("champion_score"))
    return Judged(found["label_number"], answers, theirs if champion else None, classes)


def _join(connection: duckdb.DuckDBPyConnection, wanted: Predicted, *, champion: bool) -> None:
    """Make the table `joined`: what is written, and the numbers that metrics are made from."""
    ours = ["a.score"] if wanted.scored else []
    theirs = ["b.score AS champion_score"] if wanted.scored else []
    other = "JOIN champion b USING (key)"
    if not champion:
        other = f"CROSS JOIN (SELECT NULL::DOUBLE AS score, NULL::{wanted.kind} AS prediction) b"
    columns = [
        *("l.key", "l.label", *ours, "a.prediction"),
        *(*theirs, "b.prediction AS champion_prediction"),
        f"{wanted.number('l', 'label')} AS label_number",
        f"{wanted.number('a', 'prediction')} AS candidate_number",
        f"{wanted.number('b', 'prediction')} AS champion_number",
    ]
    connection.execute(
        f"CREATE TABLE joined AS SELECT {', '.join(columns)} FROM labels l "
        f"JOIN candidate a USING (key) {other} ORDER BY sha256(l.key)"
    )


def _unique_labels(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    twice = _some(connection, "SELECT key FROM labels GROUP BY key HAVING count(*) > 1")
    if twice:
        raise UndecidedError(f"{name}: keys that are there more than once: {twice}")


def _load_values(
    connection: duckdb.DuckDBPyConnection, data: Table, table: TableInput, wanted: Predicted
) -> tuple[str, ...]:
    """The values that the target has, numbered from 0 in their order; none for regression."""
    if wanted.task == "regression":
        return ()
    with reading(data.name):
        connection.execute(
            "CREATE TABLE allowed AS SELECT value, row_number() OVER (ORDER BY value) - 1 AS number"
            f" FROM (SELECT DISTINCT {class_text(table.target, wanted.how)} AS value"
            f" FROM {scan(data, text=True)} WHERE {identifier(table.target)} IS NOT NULL)"
        )
    found = connection.execute("SELECT value FROM allowed ORDER BY number").fetchall()
    return tuple(value for (value,) in found) if wanted.task == "multiclass" else ()


def _load(connection: duckdb.DuckDBPyConnection, path: Path, name: str, wanted: Predicted) -> None:
    """Load one model's predictions as a table of key, score and prediction; check all."""
    try:
        found = column_names(path)
        missing = [column for column in wanted.columns if column not in found]
        if missing:
            raise CommandError(
                f"{name}: the predictions have no column {', '.join(missing)}. "
                f"Wanted: {', '.join(wanted.columns)}"
            )
        cells = [
            f"CAST({identifier(wanted.key)} AS VARCHAR) AS key",
            "CAST(prediction AS VARCHAR) AS predicted",
        ]
        if wanted.scored:
            cells += [
                "CAST(score AS VARCHAR) AS said",
                "TRY_CAST(score AS DOUBLE) AS score",
                f"{class_text('prediction', wanted.how)} AS value",
            ]
        with reading(f"{name}: the predictions"):
            connection.execute(
                f"CREATE TABLE {name}_raw AS SELECT {', '.join([*cells, _prediction(wanted)])} "
                f"FROM {scan(path, text=True)}"
            )
    except UndecidedError as error:
        raise CommandError(str(error)) from None
    _check(connection, name, wanted)
    score = "score" if wanted.scored else "NULL::DOUBLE AS score"
    connection.execute(f"CREATE TABLE {name} AS SELECT key, {score}, prediction FROM {name}_raw")


def _prediction(wanted: Predicted) -> str:
    """SQL for the prediction as it is written and compared."""
    if wanted.task == "regression":
        return f"{finite('prediction')} AS prediction"
    if wanted.task == "multiclass":
        return f"{class_text('prediction', wanted.how)} AS prediction"
    return f"CAST({is_positive('prediction', wanted.positive)} AS TINYINT) AS prediction"


def _check(connection: duckdb.DuckDBPyConnection, name: str, wanted: Predicted) -> None:
    raw = f"{name}_raw"
    keyless = connection.execute(f"SELECT count(*) FROM {raw} WHERE key IS NULL").fetchone()
    if keyless and keyless[0]:
        raise CommandError(f"{name}: {keyless[0]} predictions have no key")
    predicted = f"SELECT key || ': ' || coalesce(predicted, 'nothing') FROM {raw}"
    problems = {
        "keys predicted more than once": (
            f"SELECT key FROM {raw} GROUP BY key HAVING count(*) > 1"
        ),
        "keys that nobody asked for": f"SELECT key FROM {raw} ANTI JOIN labels USING (key)",
        "rows without a prediction": f"SELECT key FROM labels ANTI JOIN {raw} USING (key)",
    }
    if wanted.scored:
        allowed = _some(connection, "SELECT value FROM allowed ORDER BY value", shown=10)
        problems["scores that are no number from 0 to 1"] = (
            f"SELECT key || ': ' || coalesce(said, 'nothing') FROM {raw} "
            "WHERE score IS NULL OR isnan(score) OR score < 0 OR score > 1"
        )
        problems[f"predictions that are no value of the target ({allowed})"] = (
            f"{predicted} WHERE value IS NULL OR value NOT IN (SELECT value FROM allowed)"
        )
    else:
        problems["predictions that are no finite number"] = f"{predicted} WHERE prediction IS NULL"
    for problem, query in problems.items():
        found = _some(connection, query)
        if found:
            raise CommandError(f"{name}: {problem}: {found}")


def _some(connection: duckdb.DuckDBPyConnection, query: str, *, shown: int = _SHOWN) -> str:
    """The first few values that a query gives, and how many more there are; empty if none."""
    counted = connection.execute(f"SELECT count(*) FROM ({query})").fetchone()
    count = int(counted[0]) if counted else 0
    rows = connection.execute(f"FROM ({query}) AS found(value) ORDER BY value LIMIT {shown}")
    text = ", ".join(str(value) for (value,) in rows.fetchall())
    return f"{text} and {count - shown} more" if count > shown else text
