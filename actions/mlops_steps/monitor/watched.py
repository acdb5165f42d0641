"""How good the champion is: what is read of it before, and said of it after, the run has spent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_steps.data.tables import reading
from mlops_steps.errors import UndecidedError

if TYPE_CHECKING:
    import duckdb

    from mlops_steps.config import Monitor
    from mlops_steps.monitor.answers import Known, Labelled
    from mlops_steps.monitor.performance import ByLabels, Performance
    from mlops_steps.record import Record

#: How a metric is called among the columns for which a retraining is started.
MARK = " (labels)"


@dataclass(frozen=True)
class Watched:
    """What was read of the champion's answers.

    Attributes:
        version: The champion.
        like: What evaluate found of it.
        labelled: The answers with a label, or why there are none to judge; none without
            `monitor.labels`.
    """

    version: str
    like: Known | None
    labelled: Labelled | str | None


def watch(
    record: Record,
    connection: duckdb.DuckDBPyConnection,
    requests: str,
    version: Path,
    champion: str,
) -> Watched | None:
    """Read the champion's answers, and the labels that have come.

    What cannot be read is said and leaves drift to be judged.

    Args:
        record: Of the run.
        connection: Where the log is read.
        requests: SQL for the FROM clause that reads the log; empty without one.
        version: The champion's folder.
        champion: Its version.

    Returns:
        None where there are neither labels nor what evaluate found.
    """
    settings, config = record.config.monitor, record.config
    if not settings.labels and not (version / "records" / "evaluate").is_dir():
        return None
    # numpy and scikit-learn, which drift alone does not need.
    from mlops_steps.monitor import answers

    if not requests:
        said = "not enough labels yet: the inference log is empty"
        return Watched(champion, None, said) if settings.labels else None
    like, found = None, None
    try:
        with reading("the champion's answers"):
            like = answers.known(connection, version, requests, config.table, config.model.task)
            given = answers.answered(connection, requests, like, champion=champion)
        if settings.labels:
            with reading(settings.labels):
                path = record.take(settings.labels)
                found = answers.labelled(connection, given, path, like)
    except UndecidedError as error:
        return Watched(champion, like, str(error)) if settings.labels else None
    return Watched(champion, like, found)


def assess(watched: Watched | None, settings: Monitor, alpha: float) -> Performance | None:
    """Judge what was read; `alpha` is the chance of a false alarm by labels."""
    if watched is None:
        return None
    from mlops_steps.monitor import performance

    labels: ByLabels | None = None
    if isinstance(watched.labelled, str):
        labels = performance.ByLabels(standing="undecided", reason=watched.labelled)
    elif watched.labelled and watched.like:
        labels = performance.by_labels(watched.like, watched.labelled, settings, alpha)
    return performance.Performance(
        version=watched.version,
        rows=len(watched.like.judged.label) if watched.like else 0,
        drop=settings.drop,
        labels=labels,
    )


def proven(performance: Performance | None) -> list[str]:
    """The metrics whose drop a retraining may answer; none by labels that are no fair sample."""
    labels = performance.labels if performance else None
    if labels is None or labels.biased:
        return []
    return [each.name + MARK for each in labels.dropped]


def open_questions(performance: Performance | None) -> list[str]:
    """The metrics that have dropped, or of which this run could not say whether they have."""
    from mlops_steps.stats.known import TASKS

    labels = performance.labels if performance else None
    if labels is None or labels.standing == "undecided" or labels.biased:
        return [name + MARK for task in TASKS.values() for name in task]
    return [
        each.name + MARK for each in labels.metrics if each.standing in {"dropped", "undecided"}
    ]
