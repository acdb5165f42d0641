"""Plots as SVG that takes the page's own colours, so that one drawing fits light and dark.

Nothing foreign is ever drawn: names and messages stand in the page beside a plot.
"""

from __future__ import annotations

import io
import itertools
import math
import re
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mlops_steps.report.classes import Classes
from mlops_steps.report.curves import Curves
from mlops_steps.report.numbers import BARS, CELLS, Numbers
from mlops_steps.report.shapes import Canary
from mlops_steps.stats.proportions import wilson

#: Drawn in a colour that nothing else has, and then given the page's: see page.css.
INK, FAINT, CANDIDATE, CHAMPION, BAD = "#010203", "#010204", "#010205", "#010206", "#010207"
_COLOURS = {
    INK: "currentColor",
    FAINT: "var(--faint)",
    CANDIDATE: "var(--candidate)",
    CHAMPION: "var(--champion)",
    BAD: "var(--bad)",
}
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "mlops-init",  # the same numbers give the same bytes
    "svg.fonttype": "none",  # text stays text, in the page's font
    "text.parse_math": False,
    "font.size": 9,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.alpha": 0.35,
    "grid.linewidth": 0.6,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
}


def roc(candidate: Curves, champion: Curves | None) -> Markup:
    """True positives found against false alarms raised, at every threshold."""
    with mpl.rc_context(_STYLE):
        figure, axes = _square("False-positive rate", "True-positive rate")
        axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", linewidth=1)
        if champion and champion.roc:
            axes.plot(*zip(*champion.roc, strict=True), color=CHAMPION, linestyle="--")
        axes.plot(*zip(*candidate.roc, strict=True), color=CANDIDATE)
        return svg(figure, "roc", "ROC curve; its figures are in the table below")


def calibration(
    candidate: Curves | Classes, champion: Curves | Classes | None, share: str
) -> Markup:
    """Share of rows that are what the score promised, against it, in bins of equal size."""
    with mpl.rc_context(_STYLE):
        figure, axes = _square("Mean score of the bin", f"Share of {share}")
        axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", linewidth=1)
        for curves, colour, mark, line in (
            (champion, CHAMPION, "s", "--"),
            (candidate, CANDIDATE, "o", "-"),
        ):
            if curves is None:
                continue
            scores = [each.score for each in curves.bins]
            seen = [each.observed for each in curves.bins]
            below = [each.observed - each.low for each in curves.bins]
            above = [each.high - each.observed for each in curves.bins]
            axes.errorbar(
                scores, seen, yerr=[below, above], color=colour, ecolor=colour,
                elinewidth=0.8, marker=mark, markersize=3.5, linestyle=line, linewidth=1.2,
            )  # fmt: skip
        return svg(figure, "calibration", "Calibration plot; its figures are in the table below")


def observed(candidate: Numbers, champion: Numbers | None) -> Markup:
    """What was observed against what was predicted: the candidate's rows, and the bins of both."""
    low, high = candidate.frame.low, candidate.frame.high
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(3.5, 3.3), layout="constrained")
        axes = figure.add_subplot()
        edge = (high - low) * 0.02
        limits = (low - edge, high + edge)
        axes.set(xlim=limits, ylim=limits, xlabel="Predicted", ylabel="Observed")
        axes.set_aspect("equal")
        _cells(axes, candidate)
        axes.plot([low, high], [low, high], color=FAINT, linestyle=":", linewidth=1)
        for numbers, colour, mark, line in (
            (champion, CHAMPION, "s", "--"),
            (candidate, CANDIDATE, "o", "-"),
        ):
            if numbers is None:
                continue
            bins = numbers.errors.bins
            seen = [each.observed for each in bins]
            # A mean may lie outside the middle 80 % of what is very skewed.
            below = [max(0.0, each.observed - each.low) for each in bins]
            above = [max(0.0, each.high - each.observed) for each in bins]
            axes.errorbar(
                [each.predicted for each in bins], seen,
                yerr=[below, above] if numbers is candidate else None, color=colour,
                ecolor=colour, elinewidth=0.8, marker=mark, markersize=3.5, linestyle=line,
                linewidth=1.2,
            )  # fmt: skip
        label = "Observed against predicted; its figures are in the table below"
        return svg(figure, "observed", label)


def _cells(axes: Axes, numbers: Numbers) -> None:
    """Squares, the more rows the darker; the root keeps single rows to be seen beside many."""
    low, high = numbers.frame.low, numbers.frame.high
    side = (high - low) / CELLS
    most = max(rows for _, _, rows in numbers.errors.grid)
    squares = [
        Rectangle((low + x * side, low + y * side), side, side) for x, y, _ in numbers.errors.grid
    ]
    shades = [
        to_rgba(CANDIDATE, round(0.12 + 0.48 * math.sqrt(rows / most), 2))
        for _, _, rows in numbers.errors.grid
    ]
    axes.add_collection(PatchCollection(squares, facecolors=shades, edgecolors="none"))


def errors(candidate: Numbers, champion: Numbers | None) -> Markup:
    """How many rows have which error: a histogram of each model."""
    span = candidate.frame.span
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(3.5, 3.3), layout="constrained")
        axes = figure.add_subplot()
        axes.set(xlabel="Error: predicted minus observed", ylabel="Rows", xlim=(-span, span))
        edges = [span * (2 * bar / BARS - 1) for bar in range(BARS + 1)]
        axes.axvline(0, color=FAINT, linestyle=":", linewidth=1)
        if champion:
            axes.stairs(champion.errors.bars, edges, color=CHAMPION, linestyle="--")
        axes.stairs(candidate.errors.bars, edges, color=CANDIDATE)
        axes.set_ylim(bottom=0)
        return svg(figure, "errors", "Histogram of errors; its figures are in the table below")


def timeline(canary: Canary) -> Markup:
    """The candidate's share of the traffic over time, and the errors of both arms below it."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(4.2, 3.3), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.2))
        times = list(itertools.accumulate((each.seconds for each in canary.steps), initial=0.0))
        upper.stairs([each.weight for each in canary.steps], times, baseline=None, color=CANDIDATE)
        upper.set(ylim=(0, 105), yticks=(0, 25, 50, 75, 100), ylabel="Candidate, %")
        shift = times[-1] / 70
        for colour, mark, side, arms in (
            (CHAMPION, "s", -shift, [each.champion for each in canary.steps]),
            (CANDIDATE, "o", shift, [each.candidate for each in canary.steps]),
        ):
            for arm, start, end in zip(arms, times, times[1:], strict=False):
                if arm is not None and 0 <= arm.errors <= arm.requests and arm.requests:
                    share = 100 * arm.errors / arm.requests
                    low, high = (100 * end for end in wilson(arm.errors, arm.requests, 0.95))
                    lower.errorbar(
                        [(start + end) / 2 + side], [share], yerr=[[share - low], [high - share]],
                        color=colour, marker=mark, markersize=4, elinewidth=1.2, clip_on=False,
                    )  # fmt: skip
        lower.set(ylabel="Errors, %", xlabel="Seconds since the first weight")
        lower.set_ylim(bottom=0)
        lower.set_xlim(0, times[-1])
        return svg(figure, "timeline", "The canary over time; its figures are in the table below")


def _square(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(3.5, 3.3), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=x, ylabel=y)
    axes.set_aspect("equal")
    ticks: Sequence[float] = (0, 0.25, 0.5, 0.75, 1)
    axes.set_xticks(ticks, ["0", "0.25", "0.5", "0.75", "1"])
    axes.set_yticks(ticks, ["0", "0.25", "0.5", "0.75", "1"])
    return figure, axes


def _size_only(found: re.Match[str]) -> str:
    return f"font-size: {found[1]}px" if found[1] else ""


def svg(figure: Figure, name: str, label: str) -> Markup:
    """A figure as an `<svg>` element for a page; `name` keeps its ids apart from other plots'."""
    stream = io.StringIO()
    metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(stream, format="svg", metadata=metadata)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", text)
    # Rules for every element would reach the whole page; the font is the page's.
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*|font-family: [^;\"]*", _size_only, text)
    for drawn, shown in _COLOURS.items():
        text = text.replace(drawn, shown)
    # Height and width come from the page; the box keeps the shape.
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = text.replace("<svg", f'<svg class="plot" role="img" aria-label="{label}"', 1)
    return Markup(text)  # noqa: S704 - drawn here, from numbers
