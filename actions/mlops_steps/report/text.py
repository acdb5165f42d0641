"""Words and numbers for people: foreign text made harmless, figures with as many digits as help."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from mlops_steps.spec import Status

#: What one text from a file may take up on a page; the file itself has the rest.
TEXT_LIMIT = 400
#: Colour never carries a verdict alone.
SIGNS = {Status.PASS: "✓", Status.FAIL: "✗", Status.UNDECIDED: "?"}

# Control characters, halves of surrogate pairs and what XML 1.0 forbids; the marks that
# reverse the direction of text; and zero-width ones, which hide a difference.
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufffe\uffff]"
)


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """Text from a file, without characters that hide, reverse or break; cut at `limit`."""
    rest = len(text) - limit
    if rest > 0:
        text = f"{text[:limit]}… ({rest:,} more characters)"
    return _UNFIT.sub("\ufffd", text)


def one_line(text: str, limit: int = TEXT_LIMIT) -> str:
    """The same, on a single line."""
    return " ".join(clean(text, limit).split())


def number(value: float | str | None, *, signed: bool = False) -> str:
    """A figure for a table, `0.989` or `4,805`; the minus sign is as wide as a digit."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return one_line(value)
    if not math.isfinite(value):
        return "not a number"
    text = f"{value:,}" if isinstance(value, int) else _decimal(value)
    text = text.replace("-", "\N{MINUS SIGN}")
    return f"+{text}" if signed and value > 0 else text


def _decimal(value: float) -> str:
    size = abs(value)
    if size >= 1e9 or 0 < size < 0.0005:
        return f"{value:.2e}"
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    text = f"{value:.3f}"
    # 0.9996 is not 1: what was rounded up to a whole gets another digit.
    return f"{value:.5f}" if abs(float(text)) == 1 and size != 1 else text


def interval(low: float | None, high: float | None, *, signed: bool = False) -> str:
    """`[0.966, 0.997]`, or nothing where there is none."""
    if low is None or high is None:
        return ""
    return f"[{number(low, signed=signed)}, {number(high, signed=signed)}]"


def plain(value: float) -> str:
    """A number that somebody chose, as they wrote it: `0.1`, `95`."""
    return f"{value:g}" if math.isfinite(value) else "not a number"


def milliseconds(value: float) -> str:
    """Seconds as `2.1 ms`."""
    return f"{1000 * value:,.1f} ms" if math.isfinite(value) else "unknown"


def share(part: int, whole: int) -> str:
    """`12.5 %`."""
    return f"{100 * part / whole:.1f} %" if whole else "none"


def seconds(value: float) -> str:
    """`0.4 s`, `3 min 12 s`, `2 h 5 min`."""
    if not math.isfinite(value):
        return "unknown"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def short(digest: str) -> str:
    """The first twelve digits of a digest or commit, enough to recognise it by."""
    return one_line(digest.removeprefix("sha256:")[:12])


def joined(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def plural(count: int, noun: str) -> str:
    """`1 step`, `7 steps`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
