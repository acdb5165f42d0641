"""Check predictions row by row and put the labels beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from mlops_steps.config import TableInput
from mlops_steps.data.tables import column_names, connect, identifier, literal, reading, scan
from mlops_steps.data.withhold import is_positive
from mlops_steps.errors import CommandError, UndecidedError

_SHOWN = 3


@dataclass(frozen=True)
class Answers:
    """One model's answers, in the order of the labels: scores in [0, 1], predictions 0 or 1."""

    score: NDArray[np.float64]
    prediction: NDArray[np.int8]


@dataclass(frozen=True)
class Judged:
    """Labels (0 or 1) and answers by row."""

    label: NDArray[np.int8]
    candidate: Answers
    champion: Answers | None


def join(
    labels: Path, candidate: Path, champion: Path | None, *, data: Path, table: TableInput, to: Path
) -> Judged:
    """Join labels and predictions, write them to `to` as Parquet, and return them.

    Columns of `to`: key, label, score, prediction, champion_score, champion_prediction (null
    without a champion). Rows are in the order of a hash of the key, which says nothing about
    their values: what the intervals of a mean ask for.

    Args:
        labels: Parquet with `key` (text) and `label`.
        candidate: The candidate's predictions; Parquet, CSV or JSON lines.
        champion: The champion's.
        data: The labelled table, for the values that its target has.
        table: Its description.
        to: The file to write.

    Raises:
        CommandError: The candidate's predictions are not what they have to be.
        UndecidedError: The champion's are not, or a key of the data is there twice.
    """
    with connect() as connection:
        connection.execute(f"CREATE TABLE labels AS FROM read_parquet({literal(labels)})")
        _unique_labels(connection, data.name)
        _load_values(connection, data, table)
        _load(connection, candidate, "candidate", table)
        columns = "l.key, l.label, a.score, a.prediction"
        if champion:
            try:
                _load(connection, champion, "champion", table)
            except CommandError as error:
                raise UndecidedError(str(error)) from None
            columns += ", b.score AS champion_score, b.prediction AS champion_prediction"
        else:
            columns += ", NULL::DOUBLE AS champion_score, NULL::TINYINT AS champion_prediction"
        other = "JOIN champion b USING (key)" if champion else ""
        connection.execute(
            f"CREATE TABLE joined AS SELECT {columns} FROM labels l JOIN candidate a USING (key) "
            f"{other} ORDER BY sha256(l.key)"
        )
        connection.execute(f"COPY joined TO {literal(to)} (FORMAT parquet)")
        found = connection.execute("FROM joined").fetchnumpy()
    answers = Answers(found["score"], found["prediction"])
    theirs = Answers(found["champion_score"], found["champion_prediction"]) if champion else None
    return Judged(found["label"], answers, theirs)


def _unique_labels(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    twice = _some(connection, "SELECT key FROM labels GROUP BY key HAVING count(*) > 1")
    if twice:
        raise UndecidedError(f"{name}: keys that are there more than once: {twice}")


def _load_values(connection: duckdb.DuckDBPyConnection, data: Path, table: TableInput) -> None:
    with reading(data.name):
        connection.execute(
            f"CREATE TABLE allowed AS SELECT DISTINCT {_canonical(table.target, table)} AS value "
            f"FROM {scan(data, text=True)} WHERE {identifier(table.target)} IS NOT NULL"
        )


def _load(connection: duckdb.DuckDBPyConnection, path: Path, name: str, table: TableInput) -> None:
    """Load one model's predictions as a table of key, score, prediction (0 or 1); check all."""
    try:
        wanted = [table.key, "score", "prediction"]
        missing = [column for column in wanted if column not in column_names(path)]
        if missing:
            raise CommandError(
                f"{name}: the predictions have no column {', '.join(missing)}. "
                f"Wanted: {', '.join(wanted)}"
            )
        with reading(f"{name}: the predictions"):
            connection.execute(
                f"CREATE TABLE {name}_raw AS SELECT"
                f" CAST({identifier(table.key)} AS VARCHAR) AS key,"
                f" CAST(score AS VARCHAR) AS said, TRY_CAST(score AS DOUBLE) AS score,"
                f" {_canonical('prediction', table)} AS value,"
                f" CAST(prediction AS VARCHAR) AS prediction,"
                f" CAST({is_positive('prediction', table.positive)} AS TINYINT) AS positive"
                f" FROM {scan(path, text=True)}"
            )
    except UndecidedError as error:
        raise CommandError(str(error)) from None
    _check(connection, name)
    connection.execute(
        f"CREATE TABLE {name} AS SELECT key, score, positive AS prediction FROM {name}_raw"
    )


def _check(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    raw = f"{name}_raw"
    keyless = connection.execute(f"SELECT count(*) FROM {raw} WHERE key IS NULL").fetchone()
    if keyless and keyless[0]:
        raise CommandError(f"{name}: {keyless[0]} predictions have no key")
    allowed = _some(connection, "SELECT value FROM allowed ORDER BY value", shown=10)
    said = f"SELECT key || ': ' || coalesce(said, 'nothing') FROM {raw}"
    predicted = f"SELECT key || ': ' || coalesce(prediction, 'nothing') FROM {raw}"
    bad_score = "score IS NULL OR isnan(score) OR score < 0 OR score > 1"
    problems = {
        "keys predicted more than once": (
            f"SELECT key FROM {raw} GROUP BY key HAVING count(*) > 1"
        ),
        "keys that nobody asked for": f"SELECT key FROM {raw} ANTI JOIN labels USING (key)",
        "rows without a prediction": f"SELECT key FROM labels ANTI JOIN {raw} USING (key)",
        "scores that are no number from 0 to 1": f"{said} WHERE {bad_score}",
        f"predictions that are no value of the target ({allowed})": (
            f"{predicted} WHERE value IS NULL OR value NOT IN (FROM allowed)"
        ),
    }
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


def _canonical(column: str, table: TableInput) -> str:
    """SQL for a value as text, written alike whatever the format: 1.0 is 1, TRUE is true."""
    text = f"CAST({identifier(column)} AS VARCHAR)"
    if isinstance(table.positive, bool):
        return f"lower({text})"
    if isinstance(table.positive, str):
        return text
    return f"coalesce(CAST(TRY_CAST({text} AS DOUBLE) AS VARCHAR), {text})"
