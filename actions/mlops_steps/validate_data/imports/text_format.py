"""The text format of protocol buffers, read without the message's definition.

After the language's public specification (protobuf.dev, "Text Format Language Specification"):
fields with scalars, messages in braces or angle brackets, lists, adjacent strings, comments.
Names in brackets (extensions, Any) are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: Messages within messages; a schema has about five.
_DEPTH = 64
_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<number>-?\s*(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?|inf(?:inity)?\b|nan\b))
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>[{}<>\[\]:,;])""",
    re.VERBOSE | re.IGNORECASE,
)
_ESCAPE = re.compile(
    rb"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|.)", re.DOTALL
)
_LETTERS = {b"a": 7, b"b": 8, b"f": 12, b"n": 10, b"r": 13, b"t": 9, b"v": 11,
            b"?": 63, b"\\": 92, b"'": 39, b'"': 34}  # fmt: skip


class Word(str):
    """A value that is no text in quotes: the name of an enumeration's value, true or false."""

    __slots__ = ()


Scalar = str | int | float | Word
Message = dict[str, list["Scalar | Message"]]


class TextError(Exception):
    """It cannot be read; the message names the line."""


@dataclass
class _Reader:
    text: str
    tokens: Iterator[re.Match[str]]
    kind: str = ""
    token: str = ""
    at: int = 0

    def step(self) -> None:
        """The next token that is no space."""
        for found in self.tokens:
            if found.start() != self.at:
                break
            self.at, self.kind, self.token = found.end(), str(found.lastgroup), found[0]
            if self.kind != "space":
                return
        if self.at != len(self.text):
            raise self.refused(f"{self.text[self.at : self.at + 10]!r} cannot be read")
        self.kind, self.token = "end", ""

    def refused(self, words: str) -> TextError:
        """An error, with the line."""
        line = self.text.count("\n", 0, max(self.at - len(self.token), 0)) + 1
        return TextError(f"line {line}: {words}")


def read(text: str) -> Message:
    """A message: the values of each field, in order; a field that is not repeated has one.

    Raises:
        TextError: It is no text format, or nested deeper than any schema.
    """
    reader = _Reader(text, _TOKEN.finditer(text))
    reader.step()
    return _message(reader, closing="", depth=0)


def _message(reader: _Reader, *, closing: str, depth: int) -> Message:
    if depth > _DEPTH:
        raise reader.refused("nested too deeply")
    found: Message = {}
    while reader.token != closing or (not closing and reader.kind != "end"):
        if reader.kind not in {"word", "number"} or not reader.token.isidentifier():
            raise reader.refused(f"the name of a field is wanted, not {_said(reader)}")
        name = reader.token
        reader.step()
        colon = reader.token == ":"
        if colon:
            reader.step()
        values = found.setdefault(name, [])
        if reader.token == "[" and reader.kind == "sign":
            values += _list(reader, depth)
        else:
            values.append(_value(reader, depth, colon=colon))
        if reader.kind == "sign" and reader.token in {",", ";"}:
            reader.step()
    if closing:
        reader.step()
    return found


def _list(reader: _Reader, depth: int) -> list[Scalar | Message]:
    found: list[Scalar | Message] = []
    reader.step()
    while not (reader.kind == "sign" and reader.token == "]"):
        found.append(_value(reader, depth, colon=True))
        if reader.token == "," and reader.kind == "sign":
            reader.step()
        elif reader.token != "]":
            raise reader.refused(f"a comma or ] is wanted, not {_said(reader)}")
    reader.step()
    return found


def _value(reader: _Reader, depth: int, *, colon: bool) -> Scalar | Message:
    if reader.kind == "sign" and reader.token in {"{", "<"}:
        closing = "}" if reader.token == "{" else ">"
        reader.step()
        return _message(reader, closing=closing, depth=depth + 1)
    if not colon:
        raise reader.refused(f"a colon is wanted, not {_said(reader)}")
    token, kind = reader.token, reader.kind
    match kind:
        case "text":
            parts = []
            while reader.kind == "text":
                parts.append(_bytes(reader))
                reader.step()
            try:
                return b"".join(parts).decode()
            except UnicodeDecodeError:
                raise reader.refused("a text is not UTF-8") from None
        case "number":
            reader.step()
            return _number(token)
        case "word":
            reader.step()
            return Word(token)
        case _:
            raise reader.refused(f"a value is wanted, not {_said(reader)}")


def _said(reader: _Reader) -> str:
    return "the end" if reader.kind == "end" else repr(reader.token[:40])


def _number(token: str) -> int | float:
    word = re.sub(r"\s", "", token).lower()
    if word.lstrip("-").startswith("0x"):
        return int(word, 16)
    if re.fullmatch(r"-?0[0-7]+", word):
        return int(word, 8)
    if re.fullmatch(r"-?\d{1,40}", word):
        return int(word)
    return float(word.removesuffix("f") if "inf" not in word else word)


def _bytes(reader: _Reader) -> bytes:
    def one(found: re.Match[bytes]) -> bytes:
        code = found[1]
        if code in _LETTERS:
            return bytes([_LETTERS[code]])
        if code[:1] in b"xuU" and len(code) > 1:
            number = int(code[1:], 16)
            if code[:1] == b"x":
                return bytes([number])
            try:
                return chr(number).encode()
            except (ValueError, OverflowError):
                raise reader.refused("a text holds what is no character") from None
        if code.isdigit() and int(code, 8) < 256:
            return bytes([int(code, 8)])
        raise reader.refused(f"a text holds \\{code.decode(errors='replace')}, which is no escape")

    try:
        return _ESCAPE.sub(one, reader.token[1:-1].encode())
    except UnicodeEncodeError:
        raise reader.refused("a text is not UTF-8") from None
