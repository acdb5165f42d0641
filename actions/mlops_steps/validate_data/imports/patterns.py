r"""Regular expressions of Python in the words of RE2, which the contract's engine understands.

Python's `\d`, `\w` and `\s` are about all of Unicode, RE2's about ASCII; Python's `$` also
matches before a last line break. What RE2 has no words for (look-around, back references, word
boundaries in Unicode) is refused, not approximated.
"""

from __future__ import annotations

import re
import warnings
from typing import Literal

Way = Literal["search", "match"]

#: Inside of square brackets; Python: str.isdecimal, str.isalnum and `_`, str.isspace.
_CLASSES = {"d": r"\p{Nd}", "w": r"\p{L}\p{N}_", "s": r"\t-\r\x1c-\x20\x{85}\p{Z}"}
_PLAIN = {"a": r"\a", "f": r"\f", "n": r"\n", "r": r"\r", "t": r"\t", "v": r"\v"}
#: Digits of an escape by its letter.
_CODES = {"x": 2, "u": 4, "U": 8}
_GROUP = re.compile(r"\(\?(:|P<[A-Za-z_]\w*>|[is]+\)|[is]+:)")
_AT_MOST = re.compile(r"\{,(\d+)\}")
_ANYTHING = "(?s:.*)"
_END = r"(?:\n?\z)"


class PatternError(Exception):
    """It cannot be said in RE2; the message is for the user."""


def whole(pattern: str, way: Way) -> str:
    """An expression of RE2 that matches a whole text where Python's `re` finds `pattern`.

    Args:
        pattern: An expression for `re`.
        way: Whether it may be found anywhere (`re.search`) or at the start (`re.match`).

    Raises:
        PatternError: It is no expression of Python, or RE2 has no words for it.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(f"is no regular expression: {error}") from None
    parts, branches = _translated(pattern)
    before = _ANYTHING if way == "search" else ""
    if branches:
        return f"{before}(?:{''.join(parts)}){_ANYTHING}"
    # Most expressions are one branch from ^ to $: these keep their looks.
    after = _ANYTHING
    if parts[:1] == ["^"]:
        parts, before = parts[1:], ""
    if parts[-1:] == [_END]:
        parts, after = parts[:-1], r"\n?"
    elif parts[-1:] == [r"\z"]:
        parts, after = parts[:-1], ""
    return before + "".join(parts) + after


def exactly(text: str) -> str:
    """An expression that matches this text alone."""
    return "".join(
        sign if sign.isalnum() or sign in "_ " or ord(sign) > 126 else _code(ord(sign))
        for sign in text
    )


def starting(text: str) -> str:
    """An expression for texts that start so."""
    return exactly(text) + _ANYTHING


def ending(text: str) -> str:
    """An expression for texts that end so."""
    return _ANYTHING + exactly(text)


def _translated(pattern: str) -> tuple[list[str], bool]:
    """The parts in RE2's words, and whether there is an alternative outside of every group."""
    parts: list[str] = []
    place, depth, branches = 0, 0, False
    while place < len(pattern):
        sign = pattern[place]
        taken = 1
        match sign:
            case "\\":
                part, taken = _escape(pattern, place)
            case "[":
                part, taken = _class(pattern, place)
            case "(":
                part, taken = _group(pattern, place)
                depth += not part.endswith(")")
            case "$":
                part = _END
            case "{" if found := _AT_MOST.match(pattern, place):
                part, taken = f"{{0,{found[1]}}}", len(found[0])
            case _:
                depth -= sign == ")"
                branches = branches or (sign == "|" and depth == 0)
                part = sign
        parts.append(part)
        place += taken
    return parts, branches


def _group(pattern: str, place: int) -> tuple[str, int]:
    if not pattern.startswith("(?", place):
        return "(", 1
    found = _GROUP.match(pattern, place)
    if not found:
        raise PatternError(f"holds {pattern[place : place + 4]!r}, which RE2 does not have")
    return found[0], len(found[0])


def _escape(pattern: str, place: int) -> tuple[str, int]:
    letter = pattern[place + 1]
    if letter in "dD":
        return rf"\{'p' if letter == 'd' else 'P'}{{Nd}}", 2
    if letter.lower() in _CLASSES:
        sign = "^" if letter.isupper() else ""
        return f"[{sign}{_CLASSES[letter.lower()]}]", 2
    if letter == "A":
        return "^", 2
    if letter == "Z":
        return r"\z", 2
    if letter in "bB":
        raise PatternError(rf"holds \{letter}: RE2 knows the boundaries of ASCII words only")
    return _character(pattern, place)


def _character(pattern: str, place: int) -> tuple[str, int]:
    """An escape that stands for one character, inside of brackets or outside."""
    letter = pattern[place + 1]
    if letter in _CODES:
        digits = pattern[place + 2 : place + 2 + _CODES[letter]]
        return f"\\x{{{int(digits, 16):x}}}", 2 + len(digits)
    if letter in _PLAIN:
        return _PLAIN[letter], 2
    if letter.isascii() and letter.isalnum():
        raise PatternError(rf"holds \{letter}, which RE2 does not have or reads otherwise")
    return (f"\\{letter}" if letter.isascii() and letter.isprintable() else letter), 2


def _class(pattern: str, start: int) -> tuple[str, int]:
    """A set of characters in brackets."""
    place, parts = start + 1, ["["]
    if pattern[place] == "^":
        parts.append("^")
        place += 1
    first = place
    while pattern[place] != "]" or place == first:
        sign, taken = pattern[place], 1
        if sign == "\\":
            letter = pattern[place + 1]
            if letter in _CLASSES:
                sign, taken = _CLASSES[letter], 2
            elif letter == "D":
                sign, taken = r"\P{Nd}", 2
            elif letter in "WS":
                raise PatternError(rf"holds \{letter} in brackets, which RE2 reads otherwise")
            elif letter == "b":
                sign, taken = r"\x08", 2
            else:
                sign, taken = _character(pattern, place)
        elif sign in "[]":
            sign = f"\\{sign}"
        parts.append(sign)
        place += taken
    return "".join([*parts, "]"]), place + 1 - start


def _code(number: int) -> str:
    return f"\\{chr(number)}" if 32 < number < 127 else f"\\x{{{number:x}}}"
