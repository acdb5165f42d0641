"""The summary in Markdown, as GitHub and GitLab both show it: a screen, then folds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlops_steps.doors import escape_markdown
from mlops_steps.record import Verdict
from mlops_steps.report.reading import Reading
from mlops_steps.report.story import Story
from mlops_steps.report.text import SIGNS, interval, number, one_line, plural, seconds, short
from mlops_steps.stats.results import Judged

#: A comment may hold 65,536 characters on GitHub; a reader, far fewer.
BYTE_LIMIT = 60_000
#: Rows of a table before it is cut; the page has more.
ROW_LIMIT = 50
#: Rows above the folds: one screen.
SCREEN_LIMIT = 12


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
    facts = [f"**{SIGNS[story.status]} {story.status}**"]
    facts += [f"`{short(verdict.commit)[:7]}`"] if verdict.commit else []
    lines = [
        f"### {_text(model)}: {_text(story.title)}",
        "",
        " · ".join(facts),
        "",
    ]
    if reading.rules:
        lines += _rules(reading)
    else:
        lines += [_text(story.why), ""]
    if story.end:
        lines += [_text(story.end), ""]
    return "\n".join(lines)


def _rules(reading: Reading) -> list[str]:
    champion = reading.metrics.champion if reading.metrics else None
    head = f"champion {champion.version}" if champion else "champion"
    rows = [
        (
            _text(each.rule),
            f"{_figure(each)}",
            number(each.champion) if each.champion is not None else "",
            f"{SIGNS[each.status]} {each.status}{' (first release)' if each.passed_over else ''}",
        )
        for each in reading.rules
    ]
    lines = _table(("rule", "candidate", _text(head), "verdict"), rows, SCREEN_LIMIT)
    failed = [each for each in reading.rules if each.status != "pass" and each.message]
    lines += [f"- {_text(each.message)}" for each in failed[:3]] + ([""] if failed else [])
    if reading.metrics:
        rows_read = f"{number(reading.metrics.rows)} rows of the {reading.metrics.split} split"
        lines += [f"n = {rows_read}{', paired with the champion' if champion else ''}.", ""]
    return lines


def _figure(each: Judged) -> str:
    if each.value is None:
        return ""
    signed = each.against == "champion"
    shown = f"{number(each.value, signed=signed)} {interval(each.low, each.high, signed=signed)}"
    return _text(shown)


def _folds(reading: Reading) -> Iterable[str]:
    rows = [
        (each.step, f"{SIGNS[each.status]} {each.status}", _text(each.line), seconds(each.seconds))
        for each in reading.verdicts
    ]
    yield _fold(f"Steps ({len(rows)})", _table(("step", "verdict", "because", "time"), rows))
    findings = [
        (each.step, found.level, _text(found.message))
        for each in reading.verdicts
        for found in each.findings
    ]
    if findings:
        table = _table(("step", "level", "finding"), findings)
        yield _fold(f"Findings ({len(findings)})", table)
    lineage = [
        (each.step, word, _text(name), f"`{short(digest)}`")
        for each in reading.verdicts
        for word, files in (("took", each.took), ("wrote", each.wrote))
        for name, digest in sorted(files.items())
    ]
    yield _fold("Lineage", _table(("step", "", "file", "sha256"), lineage))


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
