"""Expressions of Python in RE2's words: what `re` finds, DuckDB matches as a whole, and no more."""

from __future__ import annotations

import re

import duckdb
import pytest

from mlops_steps.validate_data.imports.patterns import (
    PatternError,
    Way,
    ending,
    exactly,
    starting,
    whole,
)

PATTERNS = [
    r"^[A-Z]{3}$", "abc", "a.c", r"\d+", r"^\d{2,}$", r"\w+@\w+", r"^\s*$", r"\D", r"\W", r"\S\S",
    r"[\d.]+$", r"[^\d]x", r"[\w-]+$", r"[^\s]$", r"[]a]", r"[^]a]$", r"[\]\[]", "a|^b$", "(a|b)$",
    "(?:ab)+$", "(?i)ABC$", "(?is)a.c", "(?P<one>a)b", "^a{,2}$", "a{2}", r"\Aab\Z", r"ab\Z",
    r"a\.c", r"\$5$", "[$]$", r"\x41", r"\u00e9", r"[\x41-\x43]$", r"\t", "é+", "^$", "", "$", "x*",
    r"\\", r"a\-b", "a{", "{,", "a{,x}", r"[a\-c]$", r"[\b]", "a$|b", "(a$|b)c?", "^^a", r"[&&a]",
    "[[a]", r"\/", "(?s:.)b",
]  # fmt: skip
TEXTS = [
    "", "a", "b", "x", "ab", "abc", "ABC", "ABc", "aBC", "a.c", "a\nc", "xab", "abx", "abab", "aaa",
    "aa", "A", "AA", "ABC\n", "ABCD", "12", "12\n", "1a", "1.5", "٣٤", "é", "éé", "straße", "Ö_1",
    "a@b", "ü@ß", " ", "\t", "\u2003", "\x1c", "\x85", "\xa0", "a b", "]", "[", "-", "a-b", "$5",
    "$", "\\", "a\\", "bc", "ac", "cb", "a{", "{,", "a{,x}", "\x08", "&", "/", "\nb", "b\n", "a\n",
    "²", "Ⅷ", "a\n\n", "日本", "x1",
]  # fmt: skip


@pytest.fixture(scope="module")
def matches() -> dict[tuple[str, str], bool]:
    """Every expression on every text, as the contract's engine judges them."""
    found = {}
    connection = duckdb.connect()
    for pattern in PATTERNS:
        for way in ("search", "match"):
            expression = whole(pattern, way)  # type: ignore[arg-type]
            query = "SELECT regexp_full_match(text, ?) FROM (SELECT unnest(?) AS text)"
            answers = connection.execute(query, [expression, TEXTS]).fetchall()
            found |= {(f"{way} {pattern}", text): answer
                      for text, (answer,) in zip(TEXTS, answers, strict=True)}  # fmt: skip
    connection.close()
    return found


@pytest.mark.parametrize("way", ["search", "match"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_both_engines_agree(pattern: str, way: Way, matches: dict[tuple[str, str], bool]) -> None:
    wanted = re.compile(pattern)
    for text in TEXTS:
        theirs = getattr(wanted, way)(text) is not None
        assert matches[f"{way} {pattern}", text] is theirs, (text, whole(pattern, way))


def test_the_texts_tell_the_expressions_apart(matches: dict[tuple[str, str], bool]) -> None:
    told = {pattern: [matches[f"search {pattern}", text] for text in TEXTS] for pattern in PATTERNS}
    idle = [pattern for pattern, answers in told.items() if len(set(answers)) == 1]
    assert idle == ["", "$", "x*"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "is no regular expression: missing"),
        ("a(?=b)", "holds '(?=b', which RE2 does not have"),
        ("(?<!a)b", "holds '(?<!', which RE2"),
        (r"(a)\1", r"holds \1, which RE2"),
        (r"(?P<a>x)(?P=a)", "holds '(?P=', which RE2"),
        (r"\bword\b", r"holds \b: RE2 knows the boundaries of ASCII words only"),
        (r"[^\W]", r"holds \W in brackets"),
        (r"(?m)^a$", "holds '(?m)', which RE2"),
        (r"(?x) a", "holds '(?x)', which RE2"),
        (r"\N{BULLET}", r"holds \N, which RE2"),
        (r"\0", r"holds \0, which RE2"),
    ],
)
def test_what_has_no_words_in_re2_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(PatternError, match=re.escape(said)):
        whole(pattern, "search")


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("^[A-Z]{3}$", r"[A-Z]{3}\n?"),
        (r"^\d+\.\d\Z", r"\p{Nd}+\.\p{Nd}"),
        ("b", "(?s:.*)b(?s:.*)"),
        (r"^\w", r"[\p{L}\p{N}_](?s:.*)"),
    ],
)
def test_a_plain_expression_keeps_its_looks(pattern: str, written: str) -> None:
    assert whole(pattern, "search") == written


@pytest.mark.parametrize(
    "text", ["a.b", "$", "it's", "a b", "[x]", "é\n", "\\d", "{2}", "-", "\x00"]
)
def test_a_text_is_no_expression(text: str) -> None:
    connection = duckdb.connect()
    for expression, others in (
        (exactly(text), [text]),
        (starting(text), [text, f"{text}x\n"]),
        (ending(text), [text, f"\nx{text}"]),
    ):
        for other in [*others, "x", "ab", "22", ""]:
            query = "SELECT regexp_full_match(?, ?)"
            (answer,) = connection.execute(query, [other, expression]).fetchone() or ()
            assert answer is (other in others), (expression, other)
    connection.close()
