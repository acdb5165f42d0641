"""Emitted YAML reads the same to YAML 1.1 and 1.2, whatever the texts, and looks as it should."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from tests.mlops_init.helpers import ROOT, YAMLLINT, run, tool

from mlops_init.renderers.emit import Noted, dump

WORDS_OF_YAML = "yes No ON off y N true False null Null ~ = << ! &a *a ? - a: :a [a ] {a} } %a @a"
NUMBERS = "12:30 1:30:00 190:20:30 0o7 0777 0x1F 0b101 1_000 1e3 1E400 -1 +1 .5 -.5 +.inf .NaN 1."
NASTY = (
    *WORDS_OF_YAML.split(),
    *NUMBERS.split(),
    *("", "3.12", "2026-01-02", "12e03", "2001-12-14t21:59:43.10-05:00", "- a", "? a", ": a"),
    *("#x", " #x", "a #b", "a: b", "a, b", "`a", " a", "a ", "\ta", "a\t", " ", "\n", "a\n"),
    *("a\n\n", "\na", "a\nb", "a \nb", "  a\nb\n", "a\n b\n", "a\n\n  b\n\n", "a\n---\n"),
    *("a\r\nb", "a\rb", "a\x85b", "a\u2028b", "\ufeff", "é", "数", "😀", "\x00", "\x1b[0m", "\x7f"),
    *("'", '"', "'a'", '"a"', "a'b", "\\", "\\n", "|", ">", "|-", "---", "...", "--- a"),
    *("${{ a }}", "$[[ a ]]", "{{ a }}", "$A", "x" * 300, "a b " * 90),
)
TEXTS = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(" \t\n\"'#:-?[]{},&*!|>%@`~ayne01.+=<\\"),
    st.from_regex(r"[-+]?[0-9._:eExXobT-]{1,12}", fullmatch=True),
)
SCALARS = st.one_of(TEXTS, st.booleans(), st.none(), st.integers())
KEYS = TEXTS.filter(lambda text: text != "on")
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


def both(text: str) -> tuple[list[Any], list[Any]]:
    """What a YAML 1.1 and a YAML 1.2 reader make of it."""
    new = YAML(typ="safe", pure=True)
    return list(yaml.safe_load_all(text)), list(new.load_all(io.StringIO(text)))


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
def test_any_document_reads_back(document: dict[str, Any]) -> None:
    text = dump([document])
    assert both(text) == ([document], [document])
    assert re.search(r"[ \t]$", text, re.MULTILINE) is None


@pytest.mark.parametrize("text", NASTY)
def test_a_nasty_text_everywhere(text: str) -> None:
    document = {"value": text, "list": [text, text], "deep": {"er": [{text: text}]}, text: text}
    assert both(dump([document])) == ([document], [document])


@given(st.lists(st.dictionaries(KEYS, SCALARS, min_size=1, max_size=3), min_size=1, max_size=3))
def test_any_documents_stay_apart(documents: list[dict[str, Any]]) -> None:
    assert both(dump(documents)) == (documents, documents)


@given(st.lists(TEXTS, max_size=6), st.integers(1, 9))
@example(["a" * 57], 1)
@example(["a" * 58], 1)
def test_lists_short_and_long(items: list[str], times: int) -> None:
    document = {"items": items * times}
    assert both(dump([document])) == ([document], [document])


def test_words_stay_with_their_values() -> None:
    document = {
        "on": {"push": {}},
        "permissions": {"contents": "read", "packages": Noted("write", beside="push versions")},
        "steps": [Noted({"uses": Noted("a/b@c", beside="v1")}, above="The first."), {"run": "x"}],
        "jobs": {"one": Noted({"a": 1}, above="Two lines\nof words."), "two": {"a": 2}},
        "list": [Noted("x", beside="beside x"), "yes"],
    }
    text = dump([document], head="What this is.\n\nAnd why.", spaced=("", "jobs"))
    assert text == WORDS
    found = run(tool("yamllint"), "--strict", "-d", YAMLLINT, "-", folder=ROOT, input=text)
    assert found.stdout == ""


WORDS = """\
---
# What this is.
#
# And why.
on:
  push: {}

permissions:
  contents: read
  packages: write  # push versions

steps:
  # The first.
  - uses: a/b@c  # v1
  - run: x

jobs:
  # Two lines
  # of words.
  one:
    a: 1

  two:
    a: 2

list:
  - x  # beside x
  - "yes"
"""
