"""`metrics.prom`: what a run has found, as Prometheus reads it (text format 0.0.4).

Names follow Prometheus's page "Metric and label naming": one prefix, base units, the unit last;
`sd` is the training rows' standard deviation, which has no base unit. All are gauges: a run is a
batch job that starts from nothing, so it has no counter that could only rise.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, get_args

from mlops_steps.monitor import ledger as ledgers
from mlops_steps.monitor.retraining import Hold
from mlops_steps.spec import Status

if TYPE_CHECKING:
    from mlops_steps.config import Monitor
    from mlops_steps.monitor.drift import ColumnDrift, Drift
    from mlops_steps.monitor.ledger import Event, Ledger
    from mlops_steps.monitor.performance import ByLabels, Compared, Performance
    from mlops_steps.record import Figure

PREFIX = "mlops_monitor_"
#: Columns that get series of their own, the most moved first; a log may have thousands.
COLUMNS = 200
#: Signs of a column's name; what is longer is told apart by its digest.
LONGEST = 120
#: What a retraining may have come to.
STATES = ("starting", "started", "failed")


class Family(NamedTuple):
    """One metric: a value for each set of labels, which are all strings but the model's."""

    name: str
    help: str
    samples: list[tuple[dict[str, str], float]]


@dataclass(frozen=True)
class Facts:
    """What a run knows at its end.

    Attributes:
        model: Its name in mlops.yaml.
        settings: Of mlops.yaml.
        status: The verdict.
        now: In UTC.
        figures: Of the verdict: `champion`, `rows` and `held`, as far as the run came.
        due: Whether a retraining is due.
        drift: As in `drift.json`; none if nothing was compared.
        performance: As in `performance.json`; none if nobody looked at any.
        ledger: As it is now; none if it could not be read.
    """

    model: str
    settings: Monitor
    status: Status
    now: dt.datetime
    figures: Mapping[str, Figure]
    due: bool
    drift: Drift | None
    performance: Performance | None
    ledger: Ledger | None


def text(facts: Facts) -> str:
    """The figures in Prometheus's text format; a metric that is not known has no line.

    Raises:
        ValueError: Two values of one metric have the same labels, which no reader would take.
    """
    lines = []
    for family in families(facts):
        if not family.samples:
            continue
        name = PREFIX + family.name
        lines += [f"# HELP {name} {_help(family.help)}", f"# TYPE {name} gauge"]
        series = [_series(name, facts.model, labels) for labels, _ in family.samples]
        if len(set(series)) < len(series):
            raise ValueError(f"{name}: two values have the same labels")
        values = [value for _, value in family.samples]
        lines += [f"{at} {value!r}" for at, value in zip(series, values, strict=True)]
    return "".join(f"{line}\n" for line in lines)


def families(facts: Facts) -> Iterator[Family]:
    """All metrics that have a value."""
    yield _one(
        "last_run_timestamp_seconds",
        "When the last run ended, whatever came of it.",
        facts.now.timestamp(),
    )
    yield Family(
        "status",
        "The verdict of the last run: 1 for one of them.",
        [({"status": each}, int(each == facts.status)) for each in Status],
    )
    champion = facts.figures.get("champion")
    if champion:
        yield Family(
            "champion_info",
            "The version that is watched.",
            [({"version": _short(str(champion.value))}, 1)],
        )
    yield from _rows(facts)
    yield _one(
        "allowed_effect_sd",
        "The effect up to which nothing is done (monitor.distance).",
        facts.settings.distance,
    )
    if facts.drift:
        yield from _columns(facts.drift.columns)
    if facts.performance and facts.performance.labels:
        yield from _by_labels(facts.performance.labels)
    if facts.ledger is not None:
        yield from _budget(facts, facts.ledger)
        yield from _retrainings(facts, facts.ledger.events)
        yield _one(
            "retrainings_in_vain",
            "Retrainings since their columns were last seen without drift.",
            facts.ledger.vain,
        )
    yield _one("retraining_due", "Whether the last run found one due.", int(facts.due))
    found = facts.figures.get("held")
    held = found.value if found else ""
    yield Family(
        "retraining_held",
        "Why the last run started none although there was drift: 1 for the reason.",
        [({"reason": each}, int(each == held)) for each in get_args(Hold)],
    )


def _rows(facts: Facts) -> Iterator[Family]:
    found, rows = facts.drift, facts.figures.get("rows")
    if rows:
        yield _one("recent_rows", "Different keys in the last four weeks.", float(rows.value))
    yield _one(
        "minimum_rows",
        "Rows below which nothing is judged (monitor.minimum_rows).",
        facts.settings.minimum_rows,
    )
    if found:
        yield _one("new_rows", "Different keys since the look before.", found.new_rows)
        yield _one("logged_requests", "Requests in the log, repeats included.", found.logged)
        yield _one("reference_rows", "Training rows of the champion.", found.reference_rows)


def _columns(columns: list[ColumnDrift]) -> Iterator[Family]:
    yield _one("columns", "Columns that were compared.", len(columns))
    drifted = sum(each.drifted for each in columns)
    yield _one("drifted_columns", "Those of them that have drifted.", drifted)
    shown = columns[:COLUMNS]
    of = f"of the {COLUMNS} most moved columns"
    yield _each("column_drifted", f"Whether it has drifted; {of}.", "drifted", shown)
    yield _each("column_effect_sd", f"How far it has moved, in sd; {of}.", "distance", shown)
    yield _each("column_effect_bound_sd", "How far it has moved at least.", "bound", shown)
    yield _each("column_null_ratio", "Share of recent requests without a value.", "nulls", shown)


def _by_labels(found: ByLabels) -> Iterator[Family]:
    yield _one("labelled_rows", "Answers whose label has come.", found.labelled)
    yield _one(
        "labels_undecided",
        "Whether labels were asked for and could not be judged.",
        int(found.standing == "undecided"),
    )
    yield _one("dropped_metrics", "Metrics proven worse than allowed.", len(found.dropped))
    yield _each("metric_value", "A metric of the labelled answers.", "now", found.metrics)
    yield _each("metric_low", "Lower end of its interval (95 %).", "low", found.metrics)
    yield _each("metric_high", "Upper end of its interval (95 %).", "high", found.metrics)
    yield _each("metric_evaluated", "The same metric in evaluate.", "then", found.metrics)


def _each(
    name: str, words: str, field: str, found: Sequence[ColumnDrift] | Sequence[Compared]
) -> Family:
    """One field of each column or metric that has it."""
    label = name.partition("_")[0]
    values = [(_short(each.name), getattr(each, field)) for each in found]
    samples = [({label: key}, float(value)) for key, value in values if value is not None]
    return Family(name, words, samples)


def _budget(facts: Facts, ledger: Ledger) -> Iterator[Family]:
    alpha = facts.settings.alpha
    # As a run that began now would find it: with what was earned since the last one.
    after, half = ledgers.grant(ledger, facts.now.date(), alpha)
    yield _one(
        "false_alarm_budget_ratio",
        "False alarms that are allowed per calendar year (monitor.alpha).",
        alpha,
    )
    yield _one(
        "false_alarm_budget_spent_ratio",
        "What the runs of this calendar year (UTC) have spent of it.",
        after.spent - half,
    )
    yield _one(
        "false_alarm_budget_available_ratio",
        "What was earned of it and not spent: the next run may spend half.",
        after.balance + half,
    )


def _retrainings(facts: Facts, events: list[Event]) -> Iterator[Family]:
    year = str(facts.now.year)
    states: list[str] = [each.state for each in events if each.at.startswith(year)]
    yield Family(
        "retrainings",
        "Decided in this calendar year (UTC), by what came of them.",
        [({"state": each}, states.count(each)) for each in STATES],
    )
    yield _one(
        "retrainings_allowed",
        "How many may be started in a calendar year (monitor.retrains_per_year).",
        facts.settings.retrains_per_year,
    )
    fired = [each for each in events if each.state != "failed"]
    if fired:
        last = dt.datetime.fromisoformat(fired[-1].at).timestamp()
        yield _one("last_retraining_timestamp_seconds", "When the last one was started.", last)


def _one(name: str, words: str, value: float) -> Family:
    return Family(name, words, [({}, value)])


def _series(name: str, model: str, labels: Mapping[str, str]) -> str:
    pairs = {"model": model, **labels}.items()
    inner = ",".join(f'{key}="{_value(value)}"' for key, value in pairs)
    return f"{name}{{{inner}}}"


def _value(found: str) -> str:
    return _help(found).replace('"', '\\"')


def _help(words: str) -> str:
    return words.replace("\\", "\\\\").replace("\n", "\\n")


def _short(name: str) -> str:
    """A name of bounded length, and another one for another name; UTF-8 takes it."""
    if len(name) > LONGEST:
        digest = hashlib.sha256(name.encode(errors="backslashreplace")).hexdigest()[:12]
        name = f"{name[:LONGEST]}… {digest}"
    return name.encode(errors="backslashreplace").decode()
