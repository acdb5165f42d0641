"""The champion's answers: to the rows of evaluate, and to requests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import msgspec

from mlops_steps.data.planning import keep
from mlops_steps.data.profile import column_types, is_numeric
from mlops_steps.data.tables import column_names, literal
from mlops_steps.data.withhold import Writing, class_text, finite, is_positive, writing
from mlops_steps.errors import UndecidedError
from mlops_steps.evaluate.join import Answers, Judged
from mlops_steps.monitor import log

if TYPE_CHECKING:
    from mlops_steps.config import TableInput, Task

#: What evaluate left of the champion's answers.
PREDICTIONS = "records/evaluate/predictions.parquet"
_ANSWERS = "*answers*"


@dataclass(frozen=True)
class Known:
    """What evaluate found of the champion, and how values are read and compared.

    Attributes:
        task: Of the model.
        table: The labelled table's description.
        judged: Labels and the champion's answers of evaluate's rows; its classes are those that
            these have, and those that requests were given.
        how: How classes are written.
    """

    task: Task
    table: TableInput
    judged: Judged
    how: Writing

    def number(self, column: str) -> str:
        """SQL for the number by which metrics know a label or a prediction; NULL for others."""
        if self.task == "regression":
            return finite(column)
        if self.task == "binary":
            return f"CAST({is_positive(column, self.table.positive)} AS TINYINT)"
        listed = ", ".join(map(literal, self.judged.classes))
        return f"nullif(list_position([{listed}], {class_text(column, self.how)}), 0) - 1"


def known(
    connection: duckdb.DuckDBPyConnection,
    version: Path,
    requests: str,
    table: TableInput,
    task: Task,
) -> Known:
    """Read the champion's answers of evaluate.

    Args:
        connection: Where to.
        version: The champion's folder; `PREDICTIONS` lies in it.
        requests: SQL for the FROM clause that reads the log, for classes that only requests
            were given.
        table: The labelled table's description.
        task: The model's task.

    Raises:
        UndecidedError: They are missing or not of this task.
    """
    path = version / PREDICTIONS
    if not path.is_file():
        raise UndecidedError(f"the champion has no {PREDICTIONS}: it cannot be compared")
    missing = {"label", "prediction"} - set(column_names(path))
    if missing:
        raise UndecidedError(f"{PREDICTIONS}: has no column {', '.join(sorted(missing))}")
    _refuse_strange(connection, path, task)
    how: Writing = "text"
    if task == "multiclass":
        how = writing(path, msgspec.structs.replace(table, target="label", positive=None))
    elif task == "binary":
        how = writing(path, table)
    score = "score" if task != "regression" else "NULL::DOUBLE AS score"
    found = connection.execute(
        f"SELECT label, {score}, prediction FROM read_parquet({literal(path)}) ORDER BY sha256(key)"
    ).fetchnumpy()
    classes: tuple[str, ...] = ()
    label, said = found["label"], found["prediction"]
    if not len(label):
        raise UndecidedError(f"{PREDICTIONS}: has no rows")
    if task == "multiclass":
        import numpy as np

        given = {*label.tolist(), *said.tolist()}
        if "prediction" in column_types(connection, requests):
            cell = class_text("prediction", how)
            rows = connection.execute(f"SELECT DISTINCT {cell} FROM {requests}").fetchall()
            given |= {value for (value,) in rows if value is not None}
        classes = tuple(sorted(given))
        place = {name: number for number, name in enumerate(classes)}
        label, said = (np.array([place[each] for each in one]) for one in (label, said))
    answers = Answers(said, found["score"] if task != "regression" else None)
    return Known(task, table, Judged(label, answers, None, classes), how)


def _refuse_strange(connection: duckdb.DuckDBPyConnection, path: Path, task: Task) -> None:
    """Refuse labels and answers that evaluate does not write: they go into SQL and arithmetic.

    Raises:
        UndecidedError: Of a binary task one is no 0 or 1 or a score no finite number; of a
            regression one is no finite number; of a multiclass task one is missing.
    """
    rows = f"read_parquet({literal(path)})"
    kinds = column_types(connection, rows)
    wanted = ["label", "prediction"]
    if task == "multiclass":
        fits = [f"{name} IS NOT NULL" for name in wanted]
    else:
        names = [*wanted, *(["score"] if task == "binary" else [])]
        strange = [name for name in names if not is_numeric(kinds.get(name, ""))]
        if strange:
            found = kinds.get(strange[0], "nothing")
            raise UndecidedError(f"{PREDICTIONS}: {strange[0]} holds {found}, wanted numbers")
        fits = [f"isfinite(CAST({name} AS DOUBLE))" for name in names]
        fits += [f"{name} IN (0, 1)" for name in wanted if task == "binary"]
    query = f"SELECT count_if(NOT coalesce({' AND '.join(fits)}, false)) FROM {rows}"
    ((bad,),) = connection.execute(query).fetchall()
    if bad:
        raise UndecidedError(f"{PREDICTIONS}: {bad:,} rows hold what no {task} model answers")


def answered(
    connection: duckdb.DuckDBPyConnection, requests: str, like: Known, *, champion: str
) -> str:
    """Every key's latest answer of the champion.

    Args:
        connection: Where to.
        requests: SQL for the FROM clause that reads the log.
        like: What evaluate found.
        champion: Its version; a log without a column `version` is taken for all its own.

    Returns:
        SQL for the FROM clause: key (text), moment (seconds since 1970), score (a finite number, or
        NULL), said (the prediction's number, NULL where it is none), text (as the log has it).

    Raises:
        UndecidedError: The log has no answers.
    """
    kinds = column_types(connection, requests)
    wanted = ["score"] if like.task == "regression" else ["score", "prediction"]
    for name in wanted:
        if name not in kinds:
            raise UndecidedError(f"the inference log has no column {name!r}: no answers in it")
    own = log.ours(kinds, champion)
    when = log.when(kinds)
    said = wanted[-1]
    text = "CAST(prediction AS VARCHAR)" if "prediction" in kinds else "NULL"
    latest = log.once(connection, f"(SELECT * FROM {requests} WHERE {own})", when)
    query = (
        f"(SELECT CAST({log.KEY} AS VARCHAR) AS key, {when} AS moment, {finite('score')} AS score, "
        f"{like.number(said)} AS said, {text} AS text FROM {latest})"
    )
    return keep(connection, query, _ANSWERS)
