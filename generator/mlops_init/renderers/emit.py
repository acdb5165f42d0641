"""Plain data to YAML as a careful engineer would write it, and readable by YAML 1.1 readers.

A value may carry words (`Noted`); everything else is plain dicts, lists and scalars.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

#: Lists of scalars up to this many characters stand on one line.
SHORT = 60

# What a YAML 1.1 reader (GitLab's is one) would not read as text: its words for truth and
# nothing, and all that begins like a number, a date, a time, a special value or a key. And what
# GitLab replaces before it reads the YAML, because that may be any of these.
_NOT_TEXT = re.compile(
    r"(?i)(y|n|yes|no|on|off|true|false|null|~|)\Z|[-+.]?\d|[-+.]?\.|[=<?:]|.*\$\[\["
)

# ruamel.yaml puts one space before a comment on a line; linters want two.
_BESIDE = "\u2063"


@dataclass(frozen=True)
class Noted:
    """A value with words: a comment above its key, and one beside it on the line."""

    value: Any
    above: str = ""
    beside: str = ""


@dataclass(frozen=True)
class Document:
    """A file's data before it becomes text; see `dump` for the fields."""

    body: dict[str, Any]
    head: str = ""
    spaced: tuple[str, ...] = ()

    def text(self) -> str:
        """As YAML."""
        return dump([self.body], self.head, self.spaced)


def dump(documents: Iterable[Any], head: str = "", spaced: tuple[str, ...] = ()) -> str:
    """YAML text of one or more documents.

    Args:
        documents: Dicts, lists, text, whole numbers, booleans, None, `Noted`.
        head: Words above the first document, without #.
        spaced: Keys of the top level whose own keys get a blank line between them; "" means
            the top level itself.
    """
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 10_000  # never wrap
    stream = io.StringIO()
    for document in documents:
        stream.write("---\n")
        if head:
            stream.write("".join(f"# {line}".rstrip() + "\n" for line in head.split("\n")))
            head = ""
        yaml.dump(_convert(document, 0, spaced), stream)
    text = stream.getvalue().replace(f" # {_BESIDE}", "  # ")
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def _convert(value: Any, depth: int, spaced: tuple[str, ...] = ()) -> Any:
    if isinstance(value, dict):
        return _mapping(value, depth, spaced)
    if isinstance(value, (list, tuple)):
        return _sequence(list(value), depth)
    if isinstance(value, str):
        return _text(value)
    return value


def _text(value: str) -> str:
    if _block(value):
        literal: str = LiteralScalarString(value)
        return literal
    quoted: str = DoubleQuotedScalarString(value)
    return quoted if not value.isprintable() or _NOT_TEXT.match(value) else value


def _block(value: str) -> bool:
    """Whether a block scalar keeps it: no odd characters, no spaces where they get lost."""
    lines = value.removesuffix("\n").split("\n")
    plain = all(line.isascii() and line.isprintable() and line == line.rstrip() for line in lines)
    return plain and "\n" in value and bool(lines[0] and lines[-1]) and not lines[0][0].isspace()


def _mapping(source: dict[str, Any], depth: int, spaced: tuple[str, ...]) -> CommentedMap:
    result = CommentedMap()
    for number, (key, value) in enumerate(source.items()):
        note = value if isinstance(value, Noted) else Noted(value)
        inner = ("",) if depth == 0 and key in spaced else ()
        # `on` is GitHub's own key; every other key is quoted where 1.1 needs it.
        shown = key if key == "on" else _text(key)
        result[shown] = _convert(note.value, depth + 1, inner)
        gap = "" in spaced and number > 0
        if gap or note.above:
            before = ("\n" if gap else "") + note.above
            result.yaml_set_comment_before_after_key(shown, before=before, indent=2 * depth)
        if note.beside:
            result.yaml_add_eol_comment(_BESIDE + note.beside, shown, column=0)
    return result


def _sequence(source: list[Any], depth: int) -> CommentedSeq:
    result = CommentedSeq()
    for number, item in enumerate(source):
        note = item if isinstance(item, Noted) else Noted(item)
        result.append(_convert(note.value, depth + 1))
        if note.above:
            result.yaml_set_comment_before_after_key(number, before=note.above, indent=2 * depth)
        if note.beside:
            result.yaml_add_eol_comment(_BESIDE + note.beside, number, column=0)
    scalars = not any(isinstance(item, (dict, list, tuple, Noted)) for item in source)
    if scalars and sum(len(str(item)) + 2 for item in source) <= SHORT:
        result.fa.set_flow_style()
        for number, item in enumerate(source):
            # Between brackets, YAML 1.1 takes a question mark for the sign of a key.
            if isinstance(item, str) and "?" in item:
                result[number] = DoubleQuotedScalarString(item)
    return result
