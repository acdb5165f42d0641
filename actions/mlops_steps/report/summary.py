"""The summary in Markdown, as GitHub and GitLab both show it: a screen, then folds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mlops_steps.doors import escape_markdown
from mlops_steps.record import Verdict
from mlops_steps.report.classes import Classes
from mlops_steps.report.numbers import QUANTILES, Numbers
from mlops_steps.report.reading import Reading
from mlops_steps.report.shapes import Arm, Canary, Training
from mlops_steps.report.story import Story
from mlops_steps.report.text import SIGNS, interval, number, one_line, plain, plural, seconds, short
from mlops_steps.spec import Status
from mlops_steps.stats.results import Judged

#: A comment may hold 65,536 characters on GitHub; a reader, far fewer.
BYTE_LIMIT = 60_000
#: Rows of a table before it is cut; the page has more.
ROW_LIMIT = 50
#: Rows above the folds: one screen.
SCREEN_LIMIT = 12
_PLAIN_ADDRESS = re.compile(r"https?://[\w.:/-]+")


def render(model: str, verdict: Verdict, reading: Reading, story: Story) -> str:
    """The summary; folds that would make it too long are left out, and it says so."""
    text = _head(model, verdict, reading, story)
    left_out = 0
    for fold in _folds(reading):
        if len((text + fold).encode()) > BYTE_LIMIT - 200:
            left_out += 1
        else:
            text += "\n" + fold
    if left_out:
        text += f"\n{plural(left_out, 'part')} too long for this place: see the page.\n"
    return text


def _head(model: str, verdict: Verdict, reading: Reading, story: Story) -> str:
    """What fits on a screen: the verdict, why, and the rules."""
    facts = [f"`{_code(verdict.commit)[:7]}`"] if verdict.commit else []
    facts += [f"[run]({verdict.run})"] if _PLAIN_ADDRESS.fullmatch(verdict.run or "") else []
    facts += [seconds(sum(each.seconds for each in reading.verdicts))]
    lines = [
        f"### {SIGNS[story.status]} {_text(model)}: {_text(story.title)}",
        " · ".join(facts),
        f"**{story.step}: {_short_text(story.why)}**",
        *(f"- {_short_text(line)}" for line in story.lines),
    ]
    text = "\n\n".join(lines[:3]) + "\n" + "".join(f"{line}\n" for line in lines[3:])
    text += "\n".join(["", *_rules(reading)]) if reading.rules else ""
    return text + (f"\n{_text(story.end)}\n" if story.end else "")


def _rules(reading: Reading) -> list[str]:
    champion = reading.metrics.champion if reading.metrics else None
    head = f"champion {champion.version}" if champion else "champion"
    rows = [
        (
            _short_text(each.rule),
            _figure(each),
            number(each.champion) if each.champion is not None else "",
            _sign(each.status) + (" (first release)" if each.passed_over else ""),
        )
        for each in reading.rules
    ]
    lines = _table(("rule", "candidate", _short_text(head), "verdict"), rows, SCREEN_LIMIT)
    if reading.metrics:
        rows_read = f"{number(reading.metrics.rows)} rows of the {reading.metrics.split} split"
        said = f"n = {rows_read}{', paired with the champion' if champion else ''}."
        in_unit = sorted({each.metric for each in reading.rules if each.scale == "target"})
        if in_unit:
            said += f" In the unit of {_short_text(reading.target)}: {_text(', '.join(in_unit))}."
        lines += [said, ""]
    return lines


def _figure(each: Judged) -> str:
    if each.value is None:
        return ""
    signed = each.against == "champion"
    shown = f"{number(each.value, signed=signed)} {interval(each.low, each.high, signed=signed)}"
    return _text(shown)


def _folds(reading: Reading) -> Iterable[str]:
    """Every part that is there, the most asked for first."""
    rows = [
        (each.step, _sign(each.status), _text(each.line), seconds(each.seconds))
        for each in reading.verdicts
    ]
    yield _fold(plural(len(rows), "step"), _table(("step", "verdict", "because", "time"), rows))
    findings = [
        (each.step, found.level, _text(found.message))
        for each in reading.verdicts
        for found in each.findings
    ]
    if findings:
        lines = _table(("step", "level", "finding"), findings)
        yield _fold(plural(len(findings), "finding"), lines)
    if isinstance(reading.candidate, Classes):
        other = reading.champion if isinstance(reading.champion, Classes) else None
        title = f"Classes: {len(reading.candidate.classes):,}"
        yield _fold(title, _classes(reading.candidate, other))
    if isinstance(reading.candidate, Numbers):
        champion = reading.champion if isinstance(reading.champion, Numbers) else None
        yield _fold("Errors", _errors(reading.candidate, champion, reading.target))
    if reading.checks:
        # What did not pass comes first, so that a cut never hides it.
        ordered = sorted(reading.checks, key=lambda each: each.status is Status.PASS)
        checks = [(_text(each.name), _sign(each.status), _text(each.message)) for each in ordered]
        title = f"Data: {plural(len(checks), 'check')}"
        yield _fold(title, _table(("check", "verdict", "found"), checks))
    if reading.training:
        yield _fold("Training", _training(reading.training))
    if reading.drift:
        moved = [
            (_text(each.name), "drifted" if each.drifted else "", number(each.distance),
             number(each.bound))
            for each in reading.drift.columns
        ]  # fmt: skip
        head = ("column", "", "distance", "at least")
        lines = [f"A distance of {plain(reading.drift.allowed)} is allowed.", ""]
        yield _fold(f"Drift: {plural(len(moved), 'column')}", [*lines, *_table(head, moved)])
    if reading.canary:
        yield _fold("Canary", _canary(reading.canary))
    lineage = [
        (each.step, word, _text(name), f"`{_code(short(digest))}`")
        for each in reading.verdicts
        for word, files in (("took", each.took), ("wrote", each.wrote))
        for name, digest in sorted(files.items())
    ]
    yield _fold("Lineage", _table(("step", "", "file", "sha256"), lineage))


def _classes(ours: Classes, theirs: Classes | None) -> list[str]:
    champion = {each.name: each for each in theirs.classes} if theirs else {}
    # The class that is found least comes first, so that a cut never hides it.
    ordered = sorted(ours.classes, key=lambda each: (each.rows == 0, each.recall or 0.0))
    rows = [
        (
            _text(each.name),
            number(each.rows),
            f"{number(each.recall)} {_text(interval(each.low, each.high))}".strip(),
            number(champion[each.name].recall if each.name in champion else None),
            number(each.precision),
            _text(each.taken_for or "none"),
        )
        for each in ordered
    ]
    head = ("class", "rows", "recall", "champion's", "precision", "most often taken for")
    return [*_table(head, rows), "Intervals: Wilson, 95 %.", ""]


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
    says = f"Predicted minus observed, in the unit of {_short_text(target)}."
    return [says, "", *_table(head, rows)]


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
    return [*(f"- {_text(fact)}" for fact in facts), ""]


def _canary(canary: Canary) -> list[str]:
    rows = [
        (f"{each.weight} %", _arm(each.candidate), _arm(each.champion), number(each.p_value),
         _text(each.decision))
        for each in canary.steps
    ]  # fmt: skip
    lines = [f"Decision: {_text(canary.decision)}. {_text(canary.words)}", ""]
    return [*lines, *_table(("weight", "candidate", "champion", "p", "decision"), rows)]


def _arm(arm: Arm | None) -> str:
    return f"{number(arm.errors)} of {number(arm.requests)} failed" if arm else "none"


def _sign(status: Status) -> str:
    return f"{SIGNS[status]} {status}"


def _code(text: str) -> str:
    """Text between backticks: only what a digest is made of."""
    return "".join(mark for mark in text if mark.isalnum() or mark in ":-") or "none"


def _fold(title: str, lines: list[str]) -> str:
    # Without the empty line after the summary, neither platform reads the table as Markdown.
    return "\n".join([f"<details><summary>{title}</summary>", "", *lines, "</details>", ""])


def _table(
    head: tuple[str, ...], rows: Sequence[tuple[str, ...]], limit: int = ROW_LIMIT
) -> list[str]:
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    lines += [f"| {' | '.join(row)} |" for row in rows[:limit]]
    if len(rows) > limit:
        lines += ["", f"{len(rows) - limit:,} more on the page."]
    return [*lines, ""]


def _text(text: str) -> str:
    return escape_markdown(one_line(text))


def _short_text(text: str) -> str:
    """Above the folds there is no room for more."""
    return escape_markdown(one_line(text, 160))
