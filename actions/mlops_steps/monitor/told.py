"""What a run says of the champion's performance: findings, lines, and a reason to retrain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlops_steps.monitor.watched import proven
from mlops_steps.stats.known import TASKS, Scale
from mlops_steps.stats.words import change, number

if TYPE_CHECKING:
    from mlops_steps.monitor.performance import ByLabels, Compared, Performance
    from mlops_steps.monitor.serving import Serving
    from mlops_steps.monitor.unlabelled import WithoutLabels
    from mlops_steps.record import Record


@dataclass
class Told:
    """What `tell` has said.

    Attributes:
        lines: Below the verdict.
        reason: To retrain, in words; empty without one.
        undecided: Whether labels were asked for and could not be judged.
    """

    lines: list[str] = field(default_factory=list)
    reason: str = ""
    undecided: bool = False


def tell(record: Record, performance: Performance) -> Told:
    """Note figures and findings of a run."""
    told = Told()
    if performance.labels:
        _by_labels(record, performance, performance.labels, told)
    if performance.estimated:
        _estimated(record, performance.estimated, told)
    if performance.serving:
        _serving(record, performance.serving, told)
    return told


def _estimated(record: Record, found: WithoutLabels, told: Told) -> None:
    """Warnings only: what is supposed cannot be seen without labels."""
    task = TASKS[record.config.model.task]
    if found.undecided:
        told.lines.append(f"without labels, undecided: {found.undecided}")
    else:
        shown = [
            f"{each.name} {number(each.now, task[each.name].scale)}" for each in found.performance
        ]
        told.lines.append(f"without labels, supposed {found.supposes}: {', '.join(shown)}")
    for each in found.lower:
        scale = task[each.name].scale
        record.find(
            "monitor/estimated-drop",
            f"{each.name} is estimated at {number(each.now, scale)} without labels, was "
            f"{number(each.then, scale)}; supposed {found.supposes}",
            level="warning",
            metric=each.name,
            then=each.then,
            now=each.now,
            low=each.change_low,
            high=each.change_high,
        )
    for prior in found.moved:
        record.find(
            "monitor/prior-shift",
            f"class {prior.name}: {prior.now:.1%} of requests, was {prior.then:.1%} of evaluate's "
            "rows; supposed that the features of each class are as they were",
            level="warning",
            value=prior.name,
            then=prior.then,
            now=prior.now,
            low=prior.low,
            high=prior.high,
        )


def _serving(record: Record, found: Serving, told: Told) -> None:
    if found.compared:
        told.lines.append(
            f"{found.differing:,} of {found.compared:,} rows of evaluate were answered by the "
            "service in another way than in evaluate"
        )
    if found.differing:
        record.find(
            "monitor/serving-skew",
            f"{found.differing:,} of {found.compared:,} rows that evaluate knows, asked again with "
            "the same features, were answered in another way by the service (keys "
            f"{', '.join(found.keys)}; further apart than {found.tolerance:.2g})",
            level="warning",
            n=found.compared,
            differing=found.differing,
            furthest=found.furthest,
        )


def _by_labels(record: Record, performance: Performance, labels: ByLabels, told: Told) -> None:
    task = TASKS[record.config.model.task]
    if labels.standing == "undecided":
        told.undecided = True
        told.lines.append(f"by labels, undecided: {labels.reason}")
        record.find("monitor/labels-undecided", labels.reason, level="warning")
        return
    told.lines.append(
        f"{labels.labelled:,} of {labels.answers:,} answers have a label; {labels.waiting:,} later "
        f"ones wait for it; {labels.unmatched:,} labels belong to no answer of the champion"
    )
    if labels.biased:
        told.lines.append(labels.reason)
        record.find("monitor/labels-biased", labels.reason, level="warning")
    for each in labels.metrics:
        if each.now is not None and each.low is not None and each.high is not None:
            interval = (each.low, each.high)
            name = f"labelled {each.name}"
            record.figure(name, each.now, n=each.n, interval=interval, method=each.method)
    for each in labels.dropped:
        record.find(
            "monitor/drop",
            _words(each, task[each.name].scale),
            level="warning",
            metric=each.name,
            then=each.then,
            now=each.now,
            low=each.change_low,
            high=each.change_high,
        )
    standing = [f"{each.name} {each.standing}" for each in labels.metrics]
    told.lines.append(f"by labels: {', '.join(standing)}")
    dropped = proven(performance)
    if dropped:
        first = labels.dropped[0]
        more = f", and {len(dropped) - 1} more" if len(dropped) > 1 else ""
        told.reason = f"by labels, {_words(first, task[first.name].scale)}{more}"


def _words(each: Compared, scale: Scale) -> str:
    """`accuracy 0.812 over 900 answers, was 0.951 over 170: at least 9.1 points worse`."""
    ends = [abs(end) for end in (each.change_low, each.change_high) if end is not None]
    least = change(min(ends), scale)
    unit = " points" if scale == "share" else ""
    return (
        f"{each.name} {number(each.now or 0.0, scale)} over {each.n:,} answers, was "
        f"{number(each.then, scale)} over {each.then_n:,}: at least {least}{unit} worse"
    )
