"""The inference log: what the model was asked, in which time, each key once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from mlops_steps.data.planning import keep
from mlops_steps.data.profile import Profile, column_types
from mlops_steps.data.profiling import count
from mlops_steps.data.tables import column_names, identifier, in_utc, literal, scan, seen
from mlops_steps.errors import UndecidedError

if TYPE_CHECKING:
    from mlops_steps.config import TableInput

KEY, TIME, VERSION = "key", "time", "version"
#: The log's own columns, none of which is a feature.
OWN = (TIME, VERSION, KEY, "score", "prediction")
#: Days that are compared as a whole, beside what came since the last look.
RECENT_DAYS = 28
DAY = 86_400.0
#: 2000-01-01, before which no request came; and the end of the year 9999, which can be written.
EARLIEST, LATEST = 946_684_800, 253_402_300_799
#: As which column predictions are counted.
PREDICTION = "prediction"


@dataclass(frozen=True)
class Asked:
    """What came in a span of time.

    Attributes:
        rows: Different keys.
        profile: Of the features, on the edges of the training profile.
        predictions: Of the champion's answers, on the edges of those it gave in evaluate; none
            where the log has none.
    """

    rows: int
    profile: Profile
    predictions: Profile | None


@dataclass(frozen=True)
class Seen:
    """What there is to compare.

    Attributes:
        logged: All requests in the log, repeats included.
        until: When the latest of them came, seconds since 1970; none in an empty log.
        recent: The last four weeks, as far as the champion has been there.
        new: What came after the last look; none where that is all of `recent`, or nothing.
        columns: The log's columns.
    """

    logged: int
    until: float | None
    recent: Asked
    new: Asked | None
    columns: list[str]


NOTHING = Seen(0, None, Asked(0, Profile(rows=0, columns={}), None), None, [])


def scan_files(files: list[Path]) -> str:
    """SQL for the FROM clause that reads Parquet files of the log as one table."""
    listed = ", ".join(literal(file) for file in files)
    return seen(f"read_parquet([{listed}], union_by_name = true)")


def scan_table(path: Path) -> str:
    """SQL for the FROM clause that reads a log which the project keeps itself."""
    return scan(path, text=True)


def check_columns(names: Collection[str]) -> None:
    """See that a log has the two columns by which a key's latest request is found.

    Raises:
        UndecidedError: It lacks one of them.
    """
    for name in (KEY, TIME):
        if name not in names:
            raise UndecidedError(f"the inference log has no column {name!r}")


def key_of_labels(path: Path, table: TableInput) -> str:
    """The column of keys in a table of labels.

    Raises:
        UndecidedError: The table cannot be read, or lacks the keys or the target.
    """
    names = column_names(path)
    key = next((name for name in (KEY, table.key) if name in names), None)
    if key is None or table.target not in names:
        lacking = repr(table.target) if key else f"{KEY!r} or {table.key!r}"
        raise UndecidedError(f"{path.name}: has no column {lacking}")
    return key


def read(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    reference: Profile,
    *,
    champion: str,
    looked: float | None,
    predictions: tuple[str, Profile] | None = None,
) -> Seen:
    """Count requests on the edges of a training profile.

    A key counts once, with its latest request: replayed traffic repeats rows, and repeats are
    no evidence. With a column `version`, nothing counts from before the champion's first
    answer: other requests were the business of the version before.

    Args:
        connection: Where to.
        table: SQL for the FROM clause.
        reference: The training profile.
        champion: Its version.
        looked: Up to which time earlier looks have counted, seconds since 1970.
        predictions: The log's column of the champion's answers, and the profile to count it on.

    Raises:
        UndecidedError: The log has no `key` or no `time`, a request has no key or no time that
            can be read, or comes from the future.
    """
    kinds = column_types(connection, table)
    check_columns(kinds)
    moment, own, versioned = when(kinds), ours(kinds, champion), VERSION in kinds
    logged, keyed, timed, first, until, since, unset = connection.execute(
        f"SELECT count(*), count({KEY}), count({moment}), min({moment}), max({moment}), "
        f"min({moment}) FILTER ({own}), count_if({moment} < {EARLIEST}) FROM {table}"
    ).fetchone() or (0, 0, 0, None, None, None, 0)
    if keyed != logged:
        raise UndecidedError(f"{logged - keyed} requests of the inference log have no key")
    if timed != logged:
        raise UndecidedError(
            f"{logged - timed} requests of the inference log have no time that can be read; "
            "wanted a timestamp, as in 2026-01-31 08:00:00 (UTC)"
        )
    if until is None:
        return NOTHING
    if unset:
        raise UndecidedError(
            f"{unset:,} requests of the inference log have a time before 2000: was a clock not set?"
        )
    if until > dt.datetime.now(dt.UTC).timestamp() + DAY:
        latest = dt.datetime.fromtimestamp(min(until, LATEST), dt.UTC)
        said = latest.isoformat(sep=" ", timespec="seconds")
        raise UndecidedError(f"the inference log has a request of the future: {said}")
    start = until - RECENT_DAYS * DAY
    if versioned and since is not None:
        start = max(start, since)

    def asked(condition: str) -> Asked:
        some = f"(SELECT * FROM {table} WHERE {condition})" if condition else table
        rows = once(connection, some, moment)
        found = count(connection, rows, reference, asked_now=True)
        answers = None
        if predictions and predictions[0] in kinds:
            column, like = predictions
            answered = f"SELECT {identifier(column)} AS {PREDICTION} FROM {rows} WHERE {own}"
            answers = count(connection, f"({answered})", like, asked_now=True)
        return Asked(found.rows, found, answers)

    # A look at each request's time costs as much as a column.
    recent, new = asked(f"{moment} >= {start!r}" if first < start else ""), None
    if looked is not None and start <= looked < until:
        new = asked(f"{moment} > {looked!r}")
    return Seen(logged, until, recent, new, list(kinds))


def ours(kinds: Collection[str], champion: str) -> str:
    """SQL that is true for the champion's requests; for all of a log without versions."""
    own = f"CAST({identifier(VERSION)} AS VARCHAR) = {literal(champion)}"
    return own if VERSION in kinds else "true"


def when(kinds: Mapping[str, str]) -> str:
    """SQL for a request's time, seconds since 1970; NULL for what is no time."""
    return f"epoch({_moment(kinds[TIME])})"


def once(connection: duckdb.DuckDBPyConnection, table: str, when: str) -> str:
    """SQL for the FROM clause that gives each key's latest request.

    Only the requests whose key is there more than once are sorted; which they are is found by
    the key alone, so that a log of different keys is read column by column.
    """
    # By its place: a feature may have whatever name this would get.
    again = f"SELECT hash({KEY}) FROM {table} GROUP BY 1 HAVING count(*) > 1"
    repeated = keep(connection, f"({again})", "*repeated*")
    latest = (
        f"(SELECT * FROM {table} WHERE hash({KEY}) IN (FROM {repeated}) "
        f"QUALIFY row_number() OVER (PARTITION BY {KEY} ORDER BY {when} DESC) = 1)"
    )
    if connection.execute(f"SELECT 1 FROM {repeated} LIMIT 1").fetchone() is None:
        return table
    chosen = keep(connection, latest, "*latest*")
    others = f"SELECT * FROM {table} WHERE hash({KEY}) NOT IN (FROM {repeated})"
    return f"({others} UNION ALL FROM {chosen})"


def _moment(kind: str) -> str:
    """SQL for a request's time; what is no time is NULL."""
    cell = identifier(TIME)
    if kind == "VARCHAR":
        return in_utc(cell)
    return cell if kind.startswith("TIMESTAMP") else f"TRY_CAST({cell} AS TIMESTAMP)"
