"""What of a regular expression is carried over to Java, and what is refused."""

from __future__ import annotations

import pytest

from mlops_steps.validate_data.spark.patterns import PatternError, to_java


@pytest.mark.parametrize(
    ("pattern", "java"),
    [
        (r"say [0-9]+", r"say [0-9]+"),
        (r"\d{2,3}\.\w*?", r"[0-9]{2,3}\.[0-9A-Za-z_]*?"),
        (r"a.c", r"a[^\n]c"),
        (r"^(?:a|b)$", r"\A(?:a|b)\z"),
        (r"[a&&b[]", r"[a\&\&b\[]"),
        (r"[]a]\S", r"[\]a][^\t\n\f\r ]"),
        (r"a{b", r"a\{b"),
    ],
)
def test_what_is_carried_over(pattern: str, java: str) -> None:
    assert to_java(pattern) == java


@pytest.mark.parametrize(
    "pattern", ["(?i)a", r"\bword", r"\p{L}", "[[:alpha:]]", r"\Qa\E", r"\x41"]
)
def test_what_java_may_read_otherwise_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        to_java(pattern)
