"""`performance.json`: how good the champion is now, by labels that came late."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec

from mlops_steps.monitor.answers import Known
from mlops_steps.monitor.labels import Labelled
from mlops_steps.monitor.serving import Serving
from mlops_steps.monitor.unlabelled import WithoutLabels
from mlops_steps.stats.known import TASKS

if TYPE_CHECKING:
    from mlops_steps.config import Monitor
    from mlops_steps.evaluate.join import Judged
    from mlops_steps.stats.results import Estimate

Standing = Literal["dropped", "held", "unclear", "undecided"]
#: Confidence of the intervals that are shown.
SHOWN = 0.95
#: The tenths are called unequal when chance makes them so in fewer than one of so many cases ...
BY_CHANCE = 1e-3
#: ... and one of them has a share of labels that differs from the whole's by more than this.
UNEVEN = 0.1


class Compared(msgspec.Struct, kw_only=True, frozen=True):
    """One metric of the champion, in evaluate and now.

    Attributes:
        name: The metric.
        standing: `dropped`: worse by more than `allowed`, chance on both sides counted; `held`:
            not worse by more than that, likewise; `unclear`: neither is shown; `undecided`: it
            could not be measured.
        then: In evaluate, over `then_n` rows.
        now: Over the `n` labelled answers, with the interval `low` to `high` (95 %).
        change: Now minus then; `change_low` to `change_high` decides.
        allowed: How much worse it may be.
        method: Of the interval.
        note: Why it is undecided.
    """

    name: str
    standing: Standing
    then: float
    then_n: int
    allowed: float
    now: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    method: str = ""
    note: str = ""


class ByLabels(msgspec.Struct, kw_only=True, frozen=True):
    """The champion's answers whose label has come.

    Attributes:
        standing: The worst of the metrics'; `undecided` where `reason` says why nothing could
            be judged.
        biased: Whether those with a label look like no fair sample of the answers of their time.
        reason: Why undecided, or in which way biased.
        labelled: Answers with a label, each key once.
        answers: All answers between the first and the last of them.
        shares: Share of answers with a label, by tenths of the score, from the lowest up.
        waiting: Answers that came later.
        unmatched: Labels whose key is in no answer of the champion.
        spent: The chance of a false alarm that was spent on all metrics together.
        metrics: One by one.
    """

    standing: Standing
    biased: bool = False
    reason: str = ""
    labelled: int = 0
    answers: int = 0
    shares: list[float] = []
    waiting: int = 0
    unmatched: int = 0
    spent: float = 0.0
    metrics: list[Compared] = []

    @property
    def dropped(self) -> list[Compared]:
        """The metrics that have dropped."""
        return [each for each in self.metrics if each.standing == "dropped"]


class Performance(msgspec.Struct, kw_only=True, frozen=True):
    """`performance.json`.

    Attributes:
        version: The champion.
        rows: Rows on which evaluate measured it.
        drop: `monitor.drop`.
        labels: By labels; none where `monitor.labels` is empty.
        estimated: By the answers alone; none where they could not be read.
        serving: Rows of evaluate that were asked again; likewise.
    """

    version: str
    rows: int
    drop: float
    labels: ByLabels | None = None
    estimated: WithoutLabels | None = None
    serving: Serving | None = None
    format: Literal[1] = 1


def by_labels(like: Known, found: Labelled, settings: Monitor, alpha: float) -> ByLabels:
    """Compare the labelled answers with evaluate's rows.

    Each metric spends an equal part of `alpha` (Bonferroni); a change is judged by the interval
    that `changed` makes of the two.

    Args:
        like: What evaluate found.
        found: The labelled answers.
        settings: Of mlops.yaml.
        alpha: The chance that any metric is called dropped although none has by more than
            `settings.drop`.
    """
    count = len(found.judged.label)
    facts = ByLabels(
        standing="undecided",
        labelled=count,
        answers=sum(found.asked),
        shares=[part / of for part, of in zip(found.labelled, found.asked, strict=True) if of],
        waiting=found.behind,
        unmatched=found.unmatched,
    )
    if count < settings.minimum_rows:
        why = (
            f"not enough labels yet: {count:,} answers have one, {settings.minimum_rows:,} are "
            f"wanted ({found.labels:,} labels, {found.unmatched:,} of them of no answer)"
        )
        return msgspec.structs.replace(facts, reason=why)
    metrics = _compared(like, found.judged, settings.drop, alpha)
    standings = {each.standing for each in metrics}
    in_order: tuple[Standing, ...] = ("dropped", "unclear", "held")
    bias = uneven(found.labelled, found.asked)
    return msgspec.structs.replace(
        facts,
        standing=next((each for each in in_order if each in standings), "undecided"),
        biased=bool(bias),
        reason=bias or ("" if standings - {"undecided"} else "no metric could be measured"),
        spent=alpha,
        metrics=metrics,
    )


def _compared(like: Known, now: Judged, drop: float, alpha: float) -> list[Compared]:
    names = [name for name, metric in sorted(TASKS[like.task].items()) if metric.interval]
    decisive = 1 - 2 * alpha / len(names)
    then, ours = (measured(like, each, decisive) for each in (like.judged, now))
    shown = measured(like, now, SHOWN)
    return [
        _one(name, (then[name], ours.get(name), shown.get(name)), like, drop)
        for name in names
        if name in then
    ]


def measured(like: Known, judged: Judged, confidence: float) -> dict[str, Estimate]:
    """The metrics of the model's task by evaluate's own code, at a two-sided confidence."""
    from mlops_steps.evaluate.measure import Levels, measure

    return measure(judged, judged.candidate, Levels(confidence, 0), task=like.task)


def _one(
    name: str,
    figures: tuple[Estimate, Estimate | None, Estimate | None],
    like: Known,
    drop: float,
) -> Compared:
    then, now, shown = figures
    metric = TASKS[like.task][name]
    allowed = drop if metric.scale == "share" else drop * then.value
    base = Compared(
        name=name, standing="undecided", then=then.value, then_n=then.n, allowed=allowed
    )
    if now is None or shown is None:
        note = "no labelled answer of one of the classes"
        return msgspec.structs.replace(base, note=note)
    base = msgspec.structs.replace(
        base,
        now=now.value,
        low=shown.low,
        high=shown.high,
        n=now.n,
        change=now.value - then.value,
        method=f"{now.method}; MOVER",
    )
    ends = changed(then, now)
    if ends is None:
        return msgspec.structs.replace(base, note="its errors do not vary: no interval")
    better = ends if metric.better == ">=" else (-ends[1], -ends[0])
    standing: Standing = "unclear"
    if better[1] < -allowed:
        standing = "dropped"
    elif better[0] > -allowed:
        standing = "held"
    return msgspec.structs.replace(base, standing=standing, change_low=ends[0], change_high=ends[1])


def changed(then: Estimate, now: Estimate) -> tuple[float, float] | None:
    """Interval for now minus then, of two samples.

    The method of variance estimates recovery (G. Y. Zou and A. Donner, Statistics in Medicine
    27 (2008) 1693-1702, section 2) for independent figures: the distance of each end is the
    root of the summed squares of the distances of the two figures' own ends. Of requests that
    repeat evaluate's rows the two are alike, which only makes it too wide.

    Returns:
        At the confidence of the two intervals; None if one of them has none.
    """
    if then.low is None or then.high is None or now.low is None or now.high is None:
        return None
    change = now.value - then.value
    below = math.hypot(now.value - now.low, then.high - then.value)
    above = math.hypot(now.high - now.value, then.value - then.low)
    return change - below, change + above


def uneven(labelled: list[int], asked: list[int]) -> str:
    """Whether answers with a label are a fair sample by their score; in words if not.

    By the chi-squared test of equal shares (K. Pearson 1900) and by the size of the largest
    difference, so that many rows do not make a trifle a bias. It sees what the score shows, and
    nothing else: labels that come sooner for the errors look fair to it.
    """
    whole = sum(labelled) / sum(asked) if sum(asked) else 0.0
    if not 0 < whole < 1:
        return ""
    shares = [part / of for part, of in zip(labelled, asked, strict=True)]
    square = sum(of * (share - whole) ** 2 for share, of in zip(shares, asked, strict=True)) / (
        whole * (1 - whole)
    )
    from scipy import stats

    chance = float(stats.chi2.sf(square, len(shares) - 1))
    far = max(range(len(shares)), key=lambda place: abs(shares[place] - whole))
    if chance >= BY_CHANCE or abs(shares[far] - whole) <= UNEVEN:
        return ""
    return (
        f"labels are no fair sample of the answers: {shares[far]:.0%} of those in tenth "
        f"{far + 1} of the scores have one, {whole:.0%} of all"
    )
