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
    from mlops_steps.monitor.answers import Known
    from mlops_steps.monitor.labels import Labelled
    from mlops_steps.monitor.performance import ByLabels, Performance
    from mlops_steps.monitor.serving import Serving
    from mlops_steps.monitor.unlabelled import Asked
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
        asked: All answers, counted.
        serving: Those to evaluate's rows.
        unread: Why there are neither of the two.
    """

    version: str
    like: Known | None = None
    labelled: Labelled | str | None = None
    asked: Asked | None = None
    serving: Serving | None = None
    unread: str = ""


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
    from mlops_steps.monitor import answers, labels, serving, unlabelled

    if not requests:
        return _unread(champion, settings, "not enough labels yet: the inference log is empty")
    try:
        with reading("the champion's answers"):
            like = answers.known(connection, version, requests, config.table, config.model.task)
            given = answers.answered(connection, requests, like, champion=champion)
            asked = unlabelled.count(connection, given, like)
            table = record.root / config.table.path
            again = serving.compare(
                connection,
                requests,
                given,
                version=version,
                data=record.take(table) if table.is_file() else None,
                like=like,
            )
    except UndecidedError as error:
        return _unread(champion, settings, str(error))
    found: Labelled | str | None = None
    if settings.labels:
        try:
            with reading(settings.labels):
                path = record.take(settings.labels)
                found = labels.labelled(connection, given, path, like)
        except UndecidedError as error:
            found = str(error)
    return Watched(champion, like, found, asked, again)


def _unread(champion: str, settings: Monitor, why: str) -> Watched:
    return Watched(champion, labelled=why if settings.labels else None, unread=why)


def assess(watched: Watched | None, settings: Monitor, alpha: float) -> Performance | None:
    """Judge what was read.

    Args:
        watched: As `watch` gave it.
        settings: Of mlops.yaml.
        alpha: The chance of a false alarm by labels. Estimates without labels, which start
            nothing, have as much once more.
    """
    if watched is None:
        return None
    from mlops_steps.monitor import performance, unlabelled

    labels: ByLabels | None = None
    if isinstance(watched.labelled, str):
        labels = performance.ByLabels(standing="undecided", reason=watched.labelled)
    elif watched.labelled and watched.like:
        labels = performance.by_labels(watched.like, watched.labelled, settings, alpha)
    estimated = unlabelled.WithoutLabels(undecided=watched.unread, priors_undecided=watched.unread)
    if watched.asked and watched.like:
        estimated = unlabelled.judge(watched.like, watched.asked, settings, alpha)
    return performance.Performance(
        version=watched.version,
        rows=len(watched.like.judged.label) if watched.like else 0,
        drop=settings.drop,
        labels=labels,
        estimated=estimated,
        serving=watched.serving,
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
