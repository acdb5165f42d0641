"""The folds below the summary's first screen: every part that a step left."""

from __future__ import annotations

from collections.abc import Iterable

from mlops_steps.report.classes import Classes
from mlops_steps.report.markdown import ROW_LIMIT, briefly, code, escaped, fold, sign, table
from mlops_steps.report.numbers import QUANTILES, Numbers
from mlops_steps.report.reading import Reading
from mlops_steps.report.shapes import Arm, Canary, Training
from mlops_steps.report.text import interval, number, plain, plural, seconds, short
from mlops_steps.spec import Status


def folds(reading: Reading) -> Iterable[str]:
    """Every part that is there, the most asked for first."""
    rows = [
        (each.step, sign(each.status), escaped(each.line), seconds(each.seconds))
        for each in reading.verdicts
    ]
    yield fold(plural(len(rows), "step"), table(("step", "verdict", "because", "time"), rows))
    findings = [
        (each.step, found.level, escaped(found.message))
        for each in reading.verdicts
        for found in each.findings
    ]
    if findings:
        lines = table(("step", "level", "finding"), findings)
        yield fold(plural(len(findings), "finding"), lines)
    if isinstance(reading.candidate, Classes):
        other = reading.champion if isinstance(reading.champion, Classes) else None
        title = f"Classes: {len(reading.candidate.classes):,}"
        yield fold(title, _classes(reading.candidate, other))
    if isinstance(reading.candidate, Numbers):
        champion = reading.champion if isinstance(reading.champion, Numbers) else None
        yield fold("Errors", _errors(reading.candidate, champion, reading.target))
    if reading.checks:
        # What did not pass comes first, so that a cut never hides it.
        ordered = sorted(reading.checks, key=lambda each: each.status is Status.PASS)
        checks = [
            (escaped(each.name), sign(each.status), escaped(each.message)) for each in ordered
        ]
        title = f"Data: {plural(len(checks), 'check')}"
        yield fold(title, table(("check", "verdict", "found"), checks))
    if reading.training:
        yield fold("Training", _training(reading.training))
    if reading.drift:
        moved = [
            (escaped(each.name), "drifted" if each.drifted else "", number(each.distance),
             number(each.bound))
            for each in reading.drift.columns
        ]  # fmt: skip
        head = ("column", "", "effect, sd", "at least")
        lines = [f"{plain(reading.drift.allowed)} sd is allowed.", ""]
        yield fold(f"Drift: {plural(len(moved), 'column')}", [*lines, *table(head, moved)])
    if reading.canary:
        yield fold("Canary", _canary(reading.canary))
    lineage = [
        (each.step, word, escaped(name), f"`{code(short(digest))}`")
        for each in reading.verdicts
        for word, files in (("took", each.took), ("wrote", each.wrote))
        for name, digest in sorted(files.items())
    ]
    yield fold("Lineage", table(("step", "", "file", "sha256"), lineage))


def _classes(ours: Classes, theirs: Classes | None) -> list[str]:
    champion = {each.name: each for each in theirs.classes} if theirs else {}
    # The class that is found least comes first, so that a cut never hides it.
    ordered = sorted(ours.classes, key=lambda each: (each.rows == 0, each.recall or 0.0))
    rows = [
        (
            escaped(each.name),
            number(each.rows),
            f"{number(each.recall)} {escaped(interval(each.low, each.high))}".strip(),
            number(champion[each.name].recall if each.name in champion else None),
            number(each.precision),
            escaped(each.taken_for or "none"),
        )
        for each in ordered
    ]
    head = ("class", "rows", "recall", "champion's", "precision", "most often taken for")
    return [*table(head, rows), "Intervals: Wilson, 95 %.", ""]


def _errors(ours: Numbers, theirs: Numbers | None, target: str) -> list[str]:
    rows = [
        (
            name,
            *(number(value, signed=True) for value in (each.mean, *each.quantiles)),
            number(each.largest),
        )
        for name, each in (
            ("candidate", ours.errors),
            *([("champion", theirs.errors)] if theirs else []),
        )
    ]
    head = ("", "mean", *(f"{100 * share:.0f} %" for share in QUANTILES), "largest size")
    says = f"Predicted minus observed, in the unit of {briefly(target)}."
    return [says, "", *table(head, rows)]


def _training(training: Training) -> list[str]:
    listed = sorted(training.parameters.items())[:ROW_LIMIT]
    facts = [
        f"{number(training.data.rows)} rows, {number(training.data.withheld)} withheld"
        + (f", {number(training.data.files)} files" if training.data.files else ""),
        f"{seconds(training.seconds)}, {training.gpu}",
        "parameters: " + (", ".join(f"{name} = {value}" for name, value in listed) or "none"),
        f"seed {training.seed}, Python {training.python}",
        f"environment {short(training.environment)}, data {short(training.data.digest)}",
    ]
    return [*(f"- {escaped(fact)}" for fact in facts), ""]


def _canary(canary: Canary) -> list[str]:
    rows = [
        (f"{each.weight} %", _arm(each.candidate), _arm(each.champion), number(each.p_value),
         escaped(each.decision))
        for each in canary.steps
    ]  # fmt: skip
    lines = [f"Decision: {escaped(canary.decision)}. {escaped(canary.words)}", ""]
    return [*lines, *table(("weight", "candidate", "champion", "p", "decision"), rows)]


def _arm(arm: Arm | None) -> str:
    return f"{number(arm.errors)} of {number(arm.requests)} failed" if arm else "none"
