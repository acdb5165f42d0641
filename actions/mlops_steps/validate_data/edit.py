"""Changes of a YAML text by the places of its parts: what is not changed stays byte by byte.

Not by writing the whole anew, as a library would that keeps comments: it would also set line
breaks, quotes and indents of its own, and the patch would hold lines that nobody changed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

#: What a reader of YAML 1.1 may take for something else than a text.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = {"y", "n", "yes", "no", "true", "false", "on", "off", "null", "none"}


@dataclass(frozen=True)
class Edit:
    """One change below the mapping that lies at `path`.

    Attributes:
        path: Keys from the root, as in ("columns", "age").
        key: The key there.
        value: Its new value as YAML text; None takes the key out; with `more`, not used.
        more: Values to add to the list that the key has, as YAML texts.
        above: A comment on a line of its own above a new key, without `#`.
    """

    path: tuple[str, ...]
    key: str
    value: str | None = None
    more: tuple[str, ...] = ()
    above: str = ""


class EditError(Exception):
    """A part cannot be changed by its place; the message says why.

    Attributes:
        edit: The change that it was to be.
    """

    edit: Edit


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The text with the changes.

    Raises:
        EditError: A part is written so that a change of it would change something else, too (an
            alias), or is not there.
    """
    left = list(edits)
    while left:
        root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        shared = _shared(root)
        # One change of each mapping at a time, so that no two are about the same place; but all
        # that are added at one.
        now: dict[tuple[int, int], str] = {}
        taken: dict[tuple[str, ...], bool] = {}
        later: list[Edit] = []
        for edit in left:
            try:
                start, end, new = _cut(text, root, shared, edit)
            except EditError as error:
                error.edit = edit
                raise
            adds = start == end and not edit.more
            if edit.path in taken and not (adds and taken[edit.path]):
                later.append(edit)
                continue
            taken[edit.path] = adds
            now[start, end] = now.get((start, end), "") + new
        for (start, end), new in sorted(now.items(), reverse=True):
            text = text[:start] + new + text[end:]
        left = later
    return text


def patch(name: str, before: str | None, after: str) -> str:
    """A unified diff that `git apply` takes; empty if nothing differs. None before is no file."""
    old, new = (re.findall(r"[^\n]*\n|[^\n]+", each) for each in (before or "", after))
    # After a tab git reads no more, so that a name may hold blanks.
    tail = "\t" if " " in name else ""
    start = "/dev/null" if before is None else f"a/{name}{tail}"
    lines = difflib.unified_diff(old, new, start, f"b/{name}{tail}", lineterm="\n")
    body = "".join(
        each if each.endswith("\n") else f"{each}\n\\ No newline at end of file\n" for each in lines
    )
    return body.replace(f"{tail}\t\n", f"{tail}\n")


def scalar(value: str | float | bool | Decimal) -> str:  # noqa: FBT001 - a value
    """A value as YAML text, the same for readers of YAML 1.1 and 1.2."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
        return value if plain else '"' + "".join(map(_escaped, value)) + '"'
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if number and not -8 < number.adjusted() < 16:
        mantissa, _, exponent = repr(float(number)).partition("e")
        # With a point and a sign, without which a reader of YAML 1.1 sees a text.
        return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}e{int(exponent or 0):+d}"
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _escaped(sign: str) -> str:
    if sign in '\\"':
        return f"\\{sign}"
    if sign.isprintable():
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) <= 0xFFFF else f"\\U{ord(sign):08x}"


def _cut(text: str, root: yaml.Node, shared: set[int], edit: Edit) -> tuple[int, int, str]:
    """What is put in the place of what: start, end, new text."""
    inner, seen = root, [root]
    for key in edit.path:
        inner = _value(inner, key)
        seen.append(inner)
    if not isinstance(inner, yaml.MappingNode):
        raise EditError(f"{'.'.join(edit.path)} is not written as a mapping")
    pair = next((each for each in inner.value if each[0].value == edit.key), None)
    if pair is not None:
        seen.append(pair[1])
    if any(id(each) in shared for each in seen):
        raise EditError("it is written with an alias, which stands for something else, too")
    if edit.more:
        return _appended(text, _value(inner, edit.key), edit)
    if pair is None and edit.value is not None:
        return _added(text, inner, edit)
    if pair is None:
        raise EditError(f"has no {edit.key}")
    if edit.value is None:
        return _removed(text, inner, pair)
    return pair[1].start_mark.index, _end(pair[1]), edit.value


def _value(node: yaml.Node, key: str) -> yaml.Node:
    found: list[tuple[yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        found = node.value
    for name, value in found:
        if name.value == key:
            return value
    raise EditError(f"has no {key}")


def _shared(root: yaml.Node) -> set[int]:
    """The nodes that stand in more than one place, by their ids: those with an alias."""
    seen: set[int] = set()
    twice: set[int] = set()
    left = [root]
    while left:
        node = left.pop()
        if id(node) in seen:
            twice.add(id(node))
            continue
        seen.add(id(node))
        left += _children(node)
    return twice


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _end(node: yaml.Node) -> int:
    """Where its text ends: a block's own mark lies at what follows it."""
    children = [] if getattr(node, "flow_style", True) else _children(node)
    return max((_end(each) for each in children), default=node.end_mark.index)


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", max(at - 1, 0) if text[at - 1 : at] == "\n" else at)
    found = len(text) if found < 0 else found
    return found - 1 if text[found - 1 : found] == "\r" else found


def _break(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _added(text: str, mapping: yaml.MappingNode, edit: Edit) -> tuple[int, int, str]:
    new = f"{edit.key if edit.path != ('columns',) else scalar(edit.key)}: {edit.value}"
    last = _end(mapping.value[-1][1])
    if mapping.flow_style:
        return last, last, f", {new}"
    at, indent = _line_end(text, last), " " * mapping.value[0][0].start_mark.column
    above = [f"# {edit.above}"] if edit.above else []
    return at, at, "".join(f"{_break(text)}{indent}{line}" for line in (*above, new))


def _appended(text: str, values: yaml.Node, edit: Edit) -> tuple[int, int, str]:
    if not isinstance(values, yaml.SequenceNode) or not values.value:
        raise EditError(f"{edit.key} is not written as a list")
    last = _end(values.value[-1])
    if values.flow_style:
        return last, last, "".join(f", {each}" for each in edit.more)
    at, indent = _line_end(text, last), " " * values.start_mark.column
    return at, at, "".join(f"{_break(text)}{indent}- {each}" for each in edit.more)


def _removed(
    text: str, mapping: yaml.MappingNode, pair: tuple[yaml.Node, yaml.Node]
) -> tuple[int, int, str]:
    place = mapping.value.index(pair)
    if len(mapping.value) == 1:
        raise EditError("it would be empty")
    if not mapping.flow_style:
        start = text.rfind("\n", 0, pair[0].start_mark.index) + 1
        end = _line_end(text, _end(pair[1]))
        if place == 0 and text[start : pair[0].start_mark.index].strip():
            raise EditError("it begins on the line of another part")
        return start, min(len(text), text.find("\n", end) + 1 or len(text)), ""
    if place:
        return _end(mapping.value[place - 1][1]), _end(pair[1]), ""
    return pair[0].start_mark.index, mapping.value[1][0].start_mark.index, ""
