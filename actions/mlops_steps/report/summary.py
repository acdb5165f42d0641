"""The summary in Markdown, as GitHub and GitLab both show it: a screen, then folds."""

from __future__ import annotations

import re

from mlops_steps.record import Verdict
from mlops_steps.report.folds import folds
from mlops_steps.report.markdown import briefly, code, escaped, sign, table
from mlops_steps.report.reading import Reading
from mlops_steps.report.story import Story
from mlops_steps.report.text import SIGNS, interval, number, plural, seconds
from mlops_steps.stats.results import Judged

#: A comment may hold 65,536 characters on GitHub; a reader, far fewer.
BYTE_LIMIT = 60_000
#: Rows above the folds: one screen.
SCREEN_LIMIT = 12
_PLAIN_ADDRESS = re.compile(r"https?://[\w.:/-]+")


def render(model: str, verdict: Verdict, reading: Reading, story: Story) -> str:
    """The summary; folds that would make it too long are left out, and it says so."""
    text = _head(model, verdict, reading, story)
    left_out = 0
    for part in folds(reading):
        if len((text + part).encode()) > BYTE_LIMIT - 200:
            left_out += 1
        else:
            text += "\n" + part
    if left_out:
        text += f"\n{plural(left_out, 'part')} too long for this place: see the page.\n"
    return text


def _head(model: str, verdict: Verdict, reading: Reading, story: Story) -> str:
    """What fits on a screen: the verdict, why, and the rules."""
    facts = [f"`{code(verdict.commit)[:7]}`"] if verdict.commit else []
    facts += [f"[run]({verdict.run})"] if _PLAIN_ADDRESS.fullmatch(verdict.run or "") else []
    facts += [seconds(sum(each.seconds for each in reading.verdicts))]
    lines = [
        f"### {SIGNS[story.status]} {escaped(model)}: {escaped(story.title)}",
        " · ".join(facts),
        f"**{story.step}: {briefly(story.why)}**",
        *(f"- {briefly(line)}" for line in story.lines),
    ]
    text = "\n\n".join(lines[:3]) + "\n" + "".join(f"{line}\n" for line in lines[3:])
    text += "\n".join(["", *_rules(reading)]) if reading.rules else ""
    return text + (f"\n{escaped(story.end)}\n" if story.end else "")


def _rules(reading: Reading) -> list[str]:
    champion = reading.metrics.champion if reading.metrics else None
    head = f"champion {champion.version}" if champion else "champion"
    rows = [
        (
            briefly(each.rule),
            _figure(each),
            number(each.champion) if each.champion is not None else "",
            "not judged: first release" if each.passed_over else sign(each.status),
        )
        for each in reading.rules
    ]
    lines = table(("rule", "candidate", briefly(head), "verdict"), rows, SCREEN_LIMIT)
    if reading.metrics:
        rows_read = f"{number(reading.metrics.rows)} rows of the {reading.metrics.split} split"
        said = f"n = {rows_read}{', paired with the champion' if champion else ''}."
        in_unit = sorted({each.metric for each in reading.rules if each.scale == "target"})
        if in_unit:
            named = escaped(", ".join(in_unit))
            said += f" In the unit of {briefly(reading.target)}: {named}."
        lines += [said, ""]
    return lines


def _figure(each: Judged) -> str:
    if each.value is None:
        return ""
    signed = each.against == "champion"
    shown = f"{number(each.value, signed=signed)} {interval(each.low, each.high, signed=signed)}"
    return escaped(shown)
