"""Labels that came late, joined to the champion's answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_steps.data.planning import keep
from mlops_steps.data.tables import identifier, scan
from mlops_steps.errors import UndecidedError
from mlops_steps.evaluate.join import Answers, Judged
from mlops_steps.monitor import log

if TYPE_CHECKING:
    import duckdb

    from mlops_steps.monitor.answers import Known

_LABELS = "*labels*"
#: Values that a message shows.
_SHOWN = 5


@dataclass(frozen=True)
class Labelled:
    """The champion's answers whose label has come.

    Attributes:
        judged: Labels and answers, each key once.
        labels: Different keys in the table of labels.
        unmatched: Of them, those in no answer of the champion.
        since: When the first of the answers came, seconds since 1970.
        until: When the latest of them came.
        behind: Answers that came after that: their labels are awaited.
        asked: Answers between the two, by tenths of the score (of a regression: of the
            prediction), from the lowest up.
        labelled: Those of them with a label.
    """

    judged: Judged
    labels: int
    unmatched: int
    since: float
    until: float
    behind: int
    asked: list[int] = field(default_factory=list)
    labelled: list[int] = field(default_factory=list)


def labelled(
    connection: duckdb.DuckDBPyConnection, answers: str, path: Path, like: Known
) -> Labelled:
    """Join labels to answers; those of the four weeks before the latest labelled answer.

    Args:
        connection: Where to.
        answers: As `answered` gave it.
        path: A table of `key` (or the labelled table's own key) and the target; a row whose
            target is empty has no label yet.
        like: What evaluate found.

    Raises:
        UndecidedError: The table cannot be read or lacks a column, a key has two labels, or a
            label is none that the champion's evaluation knows.
    """
    key, target = log.key_of_labels(path, like.table), like.table.target
    cell = identifier(target)
    rows = keep(
        connection,
        f"(SELECT DISTINCT CAST({identifier(key)} AS VARCHAR) AS key, CAST({cell} AS VARCHAR) "
        f"AS text, {like.number(target)} AS label FROM {scan(path, text=True)} "
        f"WHERE {cell} IS NOT NULL)",
        _LABELS,
    )
    _refuse(connection, rows, answers, path.name, like)
    labels, matched = _two(
        connection, f"SELECT count(*), count(a.key) FROM {rows} l LEFT JOIN {answers} a USING (key)"
    )
    until, since = _two(
        connection,
        "SELECT max(moment), min(moment) FILTER (moment > last - "
        f"{log.RECENT_DAYS * log.DAY}) FROM (SELECT moment, "
        f"max(moment) OVER () AS last FROM {answers} JOIN {rows} USING (key))",
    )
    until, since = until or 0.0, since or 0.0
    unread = "a.said IS NULL" + (" OR a.score IS NULL" if like.task == "binary" else "")
    mute, _ = _two(
        connection,
        f"SELECT count(*), 0 FROM {answers} a JOIN {rows} USING (key) WHERE {unread}",
    )
    if mute:
        raise UndecidedError(f"{mute} answers with a label have no score or prediction to read")
    span = f"moment BETWEEN {since!r} AND {until!r}"
    score = "a.score" if like.task != "regression" else "NULL::DOUBLE AS score"
    found = connection.execute(
        f"SELECT l.label, {score}, a.said FROM {answers} a JOIN {rows} l USING (key) "
        f"WHERE {span} ORDER BY sha256(a.key)"
    ).fetchnumpy()
    tenths = connection.execute(
        f"SELECT count(*), count(l.key) FROM (SELECT key, ntile(10) OVER (ORDER BY score, "
        f"sha256(key)) AS tenth FROM {answers} WHERE {span}) a LEFT JOIN {rows} l USING (key) "
        "GROUP BY tenth ORDER BY tenth"
    ).fetchall()
    (behind,) = connection.execute(
        f"SELECT count(*) FROM {answers} WHERE moment > {until!r}"
    ).fetchone() or (0,)
    judged = Judged(
        found["label"],
        Answers(found["said"], found["score"] if like.task != "regression" else None),
        None,
        like.judged.classes,
    )
    return Labelled(
        judged=judged,
        labels=labels,
        unmatched=labels - matched,
        since=since,
        until=until,
        behind=behind,
        asked=[asked for asked, _ in tenths],
        labelled=[got for _, got in tenths],
    )


def _refuse(
    connection: duckdb.DuckDBPyConnection, rows: str, answers: str, name: str, like: Known
) -> None:
    """Labels that cannot be told apart from each other, or are none."""
    keyless, twice = _two(
        connection,
        f"SELECT count_if(key IS NULL), count(key) - count(DISTINCT key) FROM "
        f"(SELECT DISTINCT key, label FROM {rows})",
    )
    if keyless:
        raise UndecidedError(f"{name}: labels without a key")
    if twice:
        raise UndecidedError(f"{name}: {twice} keys have two labels that differ")
    strange = f"SELECT DISTINCT text FROM {rows} WHERE label IS NULL"
    wanted = "a finite number"
    if like.task == "multiclass":
        wanted = f"one of {', '.join(like.judged.classes[:_SHOWN])}"
    if like.task == "binary":
        # Whatever is not the positive value would pass for the other one.
        others = (
            f"SELECT text FROM {rows} WHERE label = 0 "
            f"UNION SELECT text FROM {answers} WHERE said = 0 AND text IS NOT NULL"
        )
        values = [text for (text,) in connection.execute(f"{others} ORDER BY 1").fetchall()]
        if like.how != "text":
            values = sorted({_plain(value) for value in values})
        if len(values) > 1:
            raise UndecidedError(
                f"{name}: beside {like.table.positive!r}, its labels and the log's predictions "
                f"have more than one value: {_some(values)}"
            )
    found = [text for (text,) in connection.execute(f"{strange} ORDER BY 1").fetchall()]
    if found:
        raise UndecidedError(f"{name}: labels that are not {wanted}: {_some(found)}")


def _plain(text: str) -> str:
    try:
        return f"{float(text):g}"
    except ValueError:
        return text.lower()


def _some(values: Sequence[str]) -> str:
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(repr(value[:40]) for value in values[:_SHOWN]) + more


def _two(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, Any]:
    first, second = connection.execute(query).fetchone() or (None, None)
    return first, second
