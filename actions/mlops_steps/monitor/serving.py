"""Training-serving skew: is a row of evaluate answered by the service as it was in evaluate?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mlops_steps.data.profile import column_types
from mlops_steps.data.tables import identifier, literal, scan
from mlops_steps.deploy_canary.protocol import TOLERANCE
from mlops_steps.monitor import log

if TYPE_CHECKING:
    import duckdb

    from mlops_steps.data.parts import Table
    from mlops_steps.monitor.answers import Known

#: Relative, for two numbers of a feature that are the same.
_SAME = 1e-6
_SHOWN = 3


class Serving(msgspec.Struct, kw_only=True, frozen=True):
    """Rows of evaluate that were asked again of the service.

    Attributes:
        rows: Keys that both have.
        changed: Of them, those whose features in the log are not those of the table.
        compared: The others.
        differing: Of these, those with another prediction, or a score further away than
            `tolerance`.
        furthest: The largest distance of two scores (predictions, for a regression).
        tolerance: As stated.
        keys: Some of those that differ.
        note: What was not compared, and why.
    """

    rows: int = 0
    changed: int = 0
    compared: int = 0
    differing: int = 0
    furthest: float | None = None
    tolerance: float = TOLERANCE
    keys: list[str] = []
    note: str = ""


def compare(
    connection: duckdb.DuckDBPyConnection,
    requests: str,
    answers: str,
    *,
    version: Path,
    data: Table | None,
    like: Known,
) -> Serving:
    """Compare the champion's latest answer to a key with what evaluate had of the same row.

    Args:
        connection: Where to.
        requests: SQL for the FROM clause that reads the log, with its features.
        answers: As `answers.answered` gave it.
        version: The champion's folder.
        data: The labelled table, whose rows must be those that were asked; None if it is not
            here.
        like: What evaluate found.
    """
    from mlops_steps.monitor.answers import PREDICTIONS

    number = like.number("prediction") if like.task == "multiclass" else "prediction"
    score = "score" if like.task != "regression" else "NULL AS score"
    kept = (
        f"(SELECT CAST(key AS VARCHAR) AS key, {score}, {number} AS said "
        f"FROM read_parquet({literal(version / PREDICTIONS)}))"
    )
    both = f"{answers} a JOIN {kept} e ON a.key = e.key"
    rows = (connection.execute(f"SELECT count(*) FROM {both}").fetchone() or (0,))[0]
    if not rows:
        return Serving(note="no request had the key of one of evaluate's rows")
    if data is None:
        return Serving(rows=rows, note="the labelled table is not here, nor are its features")
    same, columns = _same(connection, requests, data, like)
    if not columns:
        return Serving(rows=rows, note="log and table have no feature in common")
    tolerance = TOLERANCE
    if like.task == "regression":
        tolerance *= float(like.judged.candidate.prediction.std()) or 1.0
        apart, other = "abs(a.said - e.said)", "false"
    else:
        apart = "abs(a.score - e.score)"
        other = "a.said IS DISTINCT FROM e.said"
    found = connection.execute(
        f"WITH asked AS (SELECT CAST({log.KEY} AS VARCHAR) AS key, "
        f"{log.when(column_types(connection, requests))} AS moment, * EXCLUDE ({log.KEY}) "
        f"FROM {requests}), "
        f"compared AS (SELECT a.key, {same} AS same, {apart} AS apart, {other} AS other "
        f"FROM {both} JOIN asked r ON r.key = a.key AND r.moment = a.moment "
        f"JOIN {scan(data)} t ON CAST(t.{identifier(like.table.key)} AS VARCHAR) = a.key "
        "QUALIFY row_number() OVER (PARTITION BY a.key) = 1) "
        "SELECT count(*), count_if(same), "
        f"count_if(same AND (coalesce(apart > {tolerance!r}, true) OR other)), "
        "max(apart) FILTER (same), (list(key ORDER BY key) FILTER "
        f"(same AND (coalesce(apart > {tolerance!r}, true) OR other)))[:{_SHOWN}] FROM compared"
    ).fetchone() or (0, 0, 0, None, None)
    met, compared, differing, furthest, keys = found
    return Serving(
        rows=rows,
        changed=met - compared,
        compared=compared,
        differing=differing,
        furthest=furthest,
        tolerance=tolerance,
        keys=keys or [],
        note="" if compared else "no request had the features of its row",
    )


def _same(
    connection: duckdb.DuckDBPyConnection, requests: str, data: Table, like: Known
) -> tuple[str, list[str]]:
    """SQL that is true where a request `r` has the features of a row `t`, and which those are."""
    there = column_types(connection, scan(data))
    own = {*log.OWN, like.table.key, like.table.target, like.table.file}
    shared = [name for name in column_types(connection, requests) if name in there]
    features = [name for name in shared if name not in own]
    tests = []
    for name in features:
        one, other = f"r.{identifier(name)}", f"t.{identifier(name)}"
        first, second = (f"TRY_CAST({each} AS DOUBLE)" for each in (one, other))
        tests.append(
            f"(CAST({one} AS VARCHAR) IS NOT DISTINCT FROM CAST({other} AS VARCHAR) OR "
            f"coalesce(abs({first} - {second}) <= {_SAME} * greatest(abs({second}), 1e-12), false))"
        )
    return " AND ".join(tests), features
