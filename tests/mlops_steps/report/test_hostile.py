"""Text from files is hostile: it must change nothing but the words on a page."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from markdown_it import MarkdownIt

from mlops_steps.config import Task
from mlops_steps.record import Finding, Verdict
from mlops_steps.report import junit, numbers, page, quality, story, summary
from mlops_steps.report.classes import Class, Classes, Pair
from mlops_steps.report.curves import Bin, Confusion, Curves
from mlops_steps.report.numbers import BARS, Errors, Frame, Numbers
from mlops_steps.report.reading import Predictions, Reading
from mlops_steps.report.shapes import (
    Arm,
    Canary,
    Check,
    Column,
    Drift,
    Handed,
    Periods,
    Phase,
    Telling,
    Training,
)
from mlops_steps.report.text import clean, number
from mlops_steps.spec import Status
from mlops_steps.stats.results import Champion, Estimate, Judged, Metrics

TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]></failure><failure>",
    "a | b\n| c | d |\n\n# heading\n</details>",
    "@someone see https://evil.example and www.evil.example &#64;other #1 !2 ~label $x$",
    "{{ 7 * 7 }} {% include 'page.css' %} ${HOME}",
    "\x00\x1b[31m\ud800\u202edesrever\u200b\ufffe",
    "`code` **bold** [link](javascript:alert(1)) <a href=x>",
    "x" * 100_000,
    "\U0001f600" * 5_000,
]


def predictions(task: Task, text: str) -> Predictions:
    """What a task's model left, with `text` for its classes."""
    bins = [Bin(0.5, 0.5, 0.4, 0.6, 9)]
    if task == "binary":
        return Curves([(0.0, 0.0), (1.0, 1.0)], bins, Confusion(1, 2, 3, 4))
    if task == "multiclass":
        found = [Class(text, 4, 3, 5, 0.4, 0.9, text), Class(text, 0, 0, 1)]
        return Classes(found, [text, text], [[3, 1], [0, 0]], [Pair(text, text, 1)], bins)
    errors = Errors(
        rows=9, mean=1.0, quantiles=[-2.0, -1.0, 0.0, 1.0, 2.0], largest=3.0, grid=[(0, 0, 9)],
        beyond=1, bars=[1] * BARS, bins=[numbers.Bin(1.0, 2.0, 0.5, 2.5, 9)],
    )  # fmt: skip
    return Numbers(errors, Frame(0.0, 4.0, 3.0))


def reading(text: str, task: Task = "binary") -> Reading:
    """Every part there is, with `text` wherever a file could put it."""
    bad = Status.FAIL
    verdicts = [
        Verdict(
            step=step,
            status=bad,
            line=text,
            lines=[text, text],
            findings=[Finding(rule=text, level="error", message=text, file=text, line=3)],
            took={text: text},
            wrote={text: text},
            versions={text: text},
            commit=text,
            run=text,
            started=text,
        )
        for step in ("validate-data", "train", "evaluate", "gate", "deploy-canary", "monitor")
    ]
    estimate = Estimate(value=0.9, low=0.8, high=0.95, n=100, method=text)
    about = {"binary": {"positives": 40}, "multiclass": {"classes": 3}}
    rule = Judged(
        rule=text, status=bad, metric=text, against="bound", operator=">=", bound=0.9,
        value=0.8, low=0.7, high=0.85, n=9, method=text, message=text,
        scale="target" if task == "regression" else "share",
    )  # fmt: skip
    phase = Phase(
        weight=5, candidate=Arm(9, 1), champion=Arm(9, 0), decision=text, seconds=1.0, bound=0.1
    )
    return Reading(
        verdicts,
        task=task,
        target=text,
        rules=[rule, rule],
        metrics=Metrics(
            split="test",
            task=task,
            rows=100,
            **about.get(task, {"target_sd": 77.1}),
            confidence=0.95,
            candidate={text: estimate},
            champion=Champion(version=text, metrics={text: estimate}),
            difference={text: estimate},
        ),
        candidate=predictions(task, text),
        champion=predictions(task, text),
        checks=[Check(check=text, column=text, status=bad, message=text)],
        training=Training(
            data=Handed(path=text, rows=1, withheld=1, digest=text), seconds=1.0, seed=1,
            parameters={text: text}, uncommitted=[text], environment=text, python=text,
            gpus=[{"name": text}],
        ),
        drift=Drift(
            version=text, reference_rows=1, rows=1, allowed=0.1, alpha=0.05,
            columns=[Column(text, drifted=True, distance=0.5, bound=0.4, margin=0.1, reason=text)],
            periods=Periods(500, 500, 0.7, 0.6, 0.8, [Telling(text, 0.2)]),
        ),
        canary=Canary(
            candidate=text, champion=text, decision=text, method=text, rule=text, words=text,
            steps=[phase], failures={text: {text: 3}},
        ),
        problems=[text],
    )  # fmt: skip


class Tags(HTMLParser):
    """Tags and names of attributes in order, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def blocks(markdown: str) -> list[str]:
    """The structure that a Markdown reader sees; raw HTML as it stands."""
    found = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    flat = [token for each in found for token in (each, *(each.children or []))]
    shown = [each.content if each.type == "html_block" else each.type for each in flat]
    return [each for each in shown if each not in {"text", "text_special", "softbreak"}]


def rendered(text: str, task: Task = "binary") -> tuple[str, str, bytes]:
    found = reading(text, task)
    told = story.tell(found)
    own = Verdict(step="report", status=Status.PASS, line="", commit=text, run=text, started=text)
    return (
        page.render(text, own, found, told),
        summary.render(text, own, found, told),
        junit.render(text, found),
    )


@pytest.fixture(scope="module")
def harmless() -> dict[Task, tuple[str, str, bytes]]:
    return {task: rendered("word", task) for task in TASKS}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_changes_no_structure(
    text: str, task: Task, harmless: dict[Task, tuple[str, str, bytes]]
) -> None:
    html, markdown, xml = rendered(text, task)
    assert Tags(html).tags == Tags(harmless[task][0]).tags
    assert len(html) < 400_000

    assert len(markdown.encode()) < 60_000
    tokens = blocks(markdown)
    if "too long for this place" not in markdown:
        assert tokens == blocks(harmless[task][1])
    assert not {"link_open", "html_inline"} & set(tokens)
    # What platforms do beyond Markdown: mentions, bare addresses.
    assert not re.search(r"@\w|https?://|www\.", markdown)

    def shape(root: ET.Element) -> list[Any]:
        return [(each.tag, sorted(each.attrib)) for each in root.iter()]

    assert shape(ET.fromstring(xml)) == shape(ET.fromstring(harmless[task][2]))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_makes_no_place(text: str) -> None:
    """A file's name is a path of the project, or the finding is not in the list."""
    found = json.loads(quality.render(reading(text).verdicts))
    for each in found:
        assert set(each) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert each["location"]["path"].startswith(text[:1])
        assert len(each["description"]) < 500
    assert len(found) == (0 if len(text) > 4096 or set(text) & set("\x00\n") else 6)


@pytest.mark.parametrize("task", TASKS)
def test_the_words_arrive(task: Task) -> None:
    html, markdown, xml = rendered("<script>a & b</script>", task)
    assert "<script>a & b</script>" in Tags(html).words
    assert "&lt;script&gt;a &amp; b&lt;/script&gt;" in markdown
    failure = ET.fromstring(xml).find(".//failure")
    assert failure is not None
    assert failure.text == "<script>a & b</script>"


def test_clean_text_has_nothing_hidden() -> None:
    assert clean("a\x00\u202eb\ud800") == "a\ufffd\ufffdb\ufffd"
    assert clean("x" * 500).endswith("… (100 more characters)")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.98912, "0.989"),
        (0.99971, "0.99971"),
        (1.0, "1.000"),
        (-0.034, "\N{MINUS SIGN}0.034"),
        (4805, "4,805"),
        (12.34, "12.3"),
        (152.13, "152.1"),
        (23456.7, "23,457"),
        (0.0000123, "1.23e\N{MINUS SIGN}05"),
        (float("nan"), "not a number"),
        (None, "none"),
    ],
)
def test_numbers(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_figures_beyond_all_bounds_are_not_drawn() -> None:
    found = reading("word")
    # JSON has no infinity, but 1e999 is read as one.
    huge = msgspec.json.decode(b"1e308", type=float)
    phase = msgspec.structs.replace(found.canary.steps[0], seconds=huge)
    found.canary = msgspec.structs.replace(found.canary, steps=[phase] * 3)
    found.rules = [msgspec.structs.replace(found.rules[0], value=huge, low=-huge, high=huge)]
    found.drift = msgspec.structs.replace(found.drift, allowed=huge, alpha=huge)
    own = Verdict(step="report", status=Status.PASS, line="")
    html = page.render("word", own, found, story.tell(found))
    assert "nan" not in Tags(html).words.lower()
    assert 'aria-label="The canary over time' not in html
