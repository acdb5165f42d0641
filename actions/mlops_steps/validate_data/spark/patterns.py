"""Regular expressions that RE2 (DuckDB) and Java (Spark) read alike.

Only what both have, and what is the same in both, is carried over; where one sign means another
set of characters, the set is spelt out. Sources: RE2's syntax page, java.util.regex.Pattern.
"""

from __future__ import annotations

import re

#: What RE2 means by its classes: ASCII only, and no vertical tab among white space.
_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_PLAIN = {"a": r"\x07", "f": r"\f", "n": r"\n", "r": r"\r", "t": r"\t", "v": r"\x0B"}
_REPEAT = re.compile(r"\{[0-9]+(,[0-9]*)?\}")


class PatternError(Exception):
    """The two may read it otherwise; the message names the part."""


def to_java(pattern: str) -> str:
    """The same pattern for Java.

    Raises:
        PatternError: It holds what is not known to mean the same.
    """
    return _Reader(pattern).read()


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.place = 0

    def read(self) -> str:
        found = []
        while self.place < len(self.pattern):
            found.append(self._next())
        return "".join(found)

    def _next(self) -> str:
        rest = self.pattern[self.place :]
        sign = rest[0]
        if sign == "[":
            return self._set()
        if sign == "\\":
            return self._escaped(inside=False)
        if rest.startswith("(?") and not rest.startswith("(?:"):
            raise PatternError(f"{rest[:3]!r}")
        if repeat := _REPEAT.match(rest):
            return self._taken(repeat[0])
        if sign in "*+?" and rest[1:2] == "+":
            raise PatternError(f"{rest[:2]!r}")
        meant = {".": r"[^\n]", "^": r"\A", "$": r"\z", "{": r"\{", "}": r"\}", "]": r"\]"}
        if sign in "()|*+?":
            return self._taken(sign)
        self.place += 1
        return meant.get(sign) or _literal(sign)

    def _taken(self, part: str) -> str:
        self.place += len(part)
        return part

    def _escaped(self, *, inside: bool) -> str:
        sign = self.pattern[self.place + 1 : self.place + 2]
        self.place += 2
        if sign in _CLASSES:
            return _CLASSES[sign] if inside else f"[{_CLASSES[sign]}]"
        if sign.lower() in _CLASSES and not inside and sign:
            return f"[^{_CLASSES[sign.lower()]}]"
        if sign in _PLAIN:
            return _PLAIN[sign]
        if sign and not sign.isalnum() and sign.isascii():
            return f"\\{sign}"
        raise PatternError(f"{chr(92) + sign!r}")

    def _set(self) -> str:
        """A set of characters: Java would join and cut sets by `[` and `&&`."""
        self.place += 1
        found = "["
        if self.pattern[self.place : self.place + 1] == "^":
            found += self._taken("^")
        first = True
        while True:
            sign = self.pattern[self.place : self.place + 1]
            if not sign or self.pattern.startswith("[:", self.place):
                raise PatternError(f"{self.pattern[self.place : self.place + 2]!r} in a set")
            if sign == "]" and not first:
                self.place += 1
                return found + "]"
            first = False
            if sign == "\\":
                found += self._escaped(inside=True)
            else:
                self.place += 1
                found += f"\\{sign}" if sign in "[]&^" else sign


def _literal(sign: str) -> str:
    # Java has no white space that is left out, unless it is asked for.
    return f"\\{sign}" if sign in "\\#" else sign
