"""The page: one file with everything in it, escaped where it is written and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import jinja2
from markupsafe import Markup

from mlops_steps.record import Finding, Verdict
from mlops_steps.report import lineage, matrix, numbers, strips, text
from mlops_steps.report.reading import Predictions, Reading
from mlops_steps.report.shapes import Canary, Column, Drift
from mlops_steps.report.story import Story
from mlops_steps.stats.known import TASKS
from mlops_steps.stats.results import Judged

#: Rows of one table; the files have them all.
ROW_LIMIT = 200
#: Seconds; no weight is held for a year.
_LONG = 366 * 86_400
_RATES = (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1)


def render(model: str, verdict: Verdict, reading: Reading, story: Story) -> str:
    """The whole page.

    Args:
        model: The name of what is judged.
        verdict: The report's own: commit, run and time are those of this run.
        reading: What there is to show.
        story: What is said first.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
    )
    environment.filters |= {
        "milliseconds": text.milliseconds,
        "number": text.number,
        "plain": text.plain,
        "seconds": text.seconds,
        "short": text.short,
    }
    environment.globals |= {
        "bars": numbers.BARS,
        "both": lambda: _both(reading),
        "calibration": _plot("calibration"),
        "drawable": _drawable,
        "drift_strip": _drift_strip,
        "errors": _plot("errors"),
        "graph": lineage.graph,
        "height": _height,
        "in_unit": in_unit,
        "interval": text.interval,
        "judged_on": judged_on,
        "matrix": matrix.draw,
        "observed": _plot("observed"),
        "rates": _RATES,
        "roc": _plot("roc"),
        "row_limit": ROW_LIMIT,
        "rule_ruler": _rule_ruler,
        "share": text.share,
        "timeline": _plot("timeline"),
        "signs": text.SIGNS,
    }
    return environment.get_template("page.html.j2").render(
        model=model,
        verdict=verdict,
        reading=reading,
        story=story,
        link=_link(verdict.run),
        when=verdict.started.replace("T", " ").replace("+00:00", " UTC"),
        findings=_findings(reading),
    )


def judged_on(reading: Reading) -> str:
    """`176 rows of the test split`, and what is in them, by the task."""
    metrics = reading.metrics
    if metrics is None:
        return ""
    rows = f"{text.number(metrics.rows)} rows of the {metrics.split} split"
    if metrics.positives is not None:
        return f"{rows}, {text.number(metrics.positives)} of them positive"
    if metrics.classes is not None:
        return f"{rows}, {text.number(metrics.classes)} classes among them"
    if metrics.target_sd is not None:
        spread = text.number(metrics.target_sd)
        return f"{rows}; the standard deviation of {text.clean(reading.target)} is {spread}"
    return rows


def in_unit(reading: Reading, metric: str) -> bool:
    """Whether a metric's figures are in the unit of the target."""
    known = TASKS[reading.task].get(metric)
    return known is not None and known.scale == "target"


def _both(reading: Reading) -> list[tuple[str, str, Predictions]]:
    """Kind, name and predictions of the candidate and, if it was asked, of the champion."""
    found: list[tuple[str, str, Predictions]] = []
    if reading.candidate:
        found.append(("candidate", "candidate", reading.candidate))
    if reading.champion:
        champion = reading.metrics.champion if reading.metrics else None
        name = f"champion {champion.version}" if champion else "champion"
        found.append(("champion", name, reading.champion))
    return found


def _finalize(value: object) -> object:
    """Every text on its way into the page; what we drew ourselves stays as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return text.clean(value)
    return value


def _drift_strip(each: Column, drift: Drift) -> Markup:
    """All columns on one scale: from none to the most that any distance may be."""
    if each.distance is None or each.bound is None or each.margin is None:
        return Markup()
    far = [(one.distance or 0.0) + (one.margin or 0.0) for one in drift.columns]
    last = max(drift.allowed, *far)
    high = each.distance + each.margin
    return strips.row(
        strips.Strip(each.distance, each.bound, high, drift.allowed, above=False), 0.0, last
    )


def _findings(reading: Reading) -> list[tuple[str, Finding]]:
    """What no other part of the page says already."""
    said = {
        "rule-": bool(reading.rules),
        "data/": bool(reading.checks),
        "monitor/drift": reading.drift is not None,
        "canary-": reading.canary is not None,
    }
    told = tuple(prefix for prefix, shown in said.items() if shown)
    return [
        (each.step, finding)
        for each in reading.verdicts
        for finding in each.findings
        if not finding.rule.startswith(told)
    ]


def _drawable(canary: Canary) -> bool:
    """Whether there is a time line: a few weights, each of which held for a time."""
    times = [each.seconds for each in canary.steps]
    return 0 < len(times) <= ROW_LIMIT and all(0 < each < _LONG for each in times)


def _plot(name: str) -> Callable[..., Markup]:
    """A function of `plots`, which is heavy and wanted only where there is something to draw."""

    def draw(*arguments: object) -> Markup:
        from mlops_steps.report import plots

        return cast("Markup", getattr(plots, name)(*arguments))

    return draw


def _link(address: str | None) -> str:
    """An address that a person may follow: nothing that a browser would run."""
    return address if address and address.startswith(("https://", "http://")) else ""


def _rule_ruler(each: Judged) -> Markup:
    if each.value is None:
        return Markup()
    above, signed = each.operator == ">=", each.against == "champion"
    return strips.ruler(
        strips.Strip(each.value, each.low, each.high, each.bound, above=above, signed=signed)
    )


def _height(curve: list[tuple[float, float]], x: float) -> float:
    """The highest true-positive rate that costs a false-positive rate of at most `x`."""
    return max((tpr for fpr, tpr in curve if fpr <= x), default=0.0)
