"""YAML files that people write, read into typed structures; every error names its place.

A line has the file, the line and column, the key, what was found and what is allowed.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from mlops_steps.errors import ConfigError

#: Bytes of a file that is written by hand; reading so many takes a minute.
LARGEST = 4_000_000
#: How msgspec introduces the place of an error.
_AT, _AT_A_KEY = " - at `$", " - at `key` in `$"

T = TypeVar("T")


def read_yaml(path: Path, kind: type[T], *, shown_as: str) -> T:
    """Read a YAML file into a typed structure.

    Raises:
        ConfigError: One line with file, line, column, key, what was found and what is allowed.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ConfigError(f"{shown_as}: is not a file")  # reading it might never end
        if path.stat().st_size > LARGEST:
            raise ConfigError(f"{shown_as}: is larger than {LARGEST:,} bytes")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{shown_as}: not found in {path.parent}") from None
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        found = f"byte 0x{error.object[error.start]:02x} is not UTF-8 text"
        raise ConfigError(f"{shown_as}:{_end_of(before)}: {found}") from None
    except OSError as error:
        raise ConfigError(f"{shown_as}: cannot be read: {error.strerror}") from None
    node, value = _parsed(text, shown_as)
    if node is None:
        raise ConfigError(f"{shown_as}:1:1: the file is empty")
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(shown_as, node, kind, _named(value, kind, error))) from None


def _parsed(text: str, shown_as: str) -> tuple[yaml.Node | None, Any]:
    try:
        node = yaml.compose(text, Loader=_Loader)
        return node, yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        problem = ", ".join(said for said in (error.context, error.problem) if said)
        raise ConfigError(f"{shown_as}:{where}: {problem}") from None
    except yaml.reader.ReaderError as error:
        sign = error.character if isinstance(error.character, int) else ord(error.character)
        where = _end_of(text[: error.position])
        raise ConfigError(f"{shown_as}:{where}: YAML has no character U+{sign:04X}") from None
    except RecursionError:
        raise ConfigError(f"{shown_as}:1:1: nested too deeply") from None


def _end_of(text: str) -> str:
    """Line and column, from 1, of what follows `text`."""
    return f"{text.count(chr(10)) + 1}:{len(text) - text.rfind(chr(10))}"


def at(path: Path, key_path: str, *, shown_as: str) -> str:
    """`file:line:column: key path`, for an error found after the schema was satisfied."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    if node is None:
        return f"{shown_as}:1:1: {key_path}"
    mark = _walk(node, re.findall(r"[^.\[\]]+", key_path))[1]
    return f"{shown_as}:{mark.line + 1}:{mark.column + 1}: {key_path}"


class _Loader(yaml.SafeLoader):
    """Refuses a key given twice, where the second would win in silence, and names each place."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - its interface
        try:
            if isinstance(node, yaml.ScalarNode):
                node.value.encode()  # an escape may write half a character
            return super().construct_object(node, deep)
        except (ValueError, TypeError, AttributeError, LookupError):
            # What looks like a date, a number or an escape, and is none.
            raise _refused(node, f"cannot be read as {node.tag.rpartition(':')[2]}") from None


def _refused(node: yaml.Node, problem: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            raise _refused(key_node, "merge keys (<<) are not read; write the keys out")
        if not isinstance(key_node, yaml.ScalarNode):
            raise _refused(key_node, "a key must be a plain word")
        key = loader.construct_object(key_node)
        if key in seen:
            raise _refused(key_node, f"the key {key!r} is given twice")
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _named(value: Any, kind: Any, error: msgspec.ValidationError) -> str:
    """The error's text with the dict's key where msgspec writes `[...]` or only "a key"."""
    text = str(error)
    message, in_key, after = text.partition(_AT_A_KEY)
    before, dots, _ = text.partition("[...]")
    if not in_key and not dots:
        return text
    place = re.findall(r"[^.\[\]`]+", after if in_key else before.partition(_AT)[2])
    inner = value
    for part in place:
        inner = inner.get(part) if isinstance(inner, dict) else None
    for key in inner if isinstance(inner, dict) else ():  # the key is the one that fails alone
        trial: Any = {key: inner[key]}
        for part, outer in reversed(list(zip(place, _along(value, place), strict=True))):
            trial = outer | {part: trial}
        try:
            msgspec.convert(trial, kind, strict=True)
        except msgspec.ValidationError as alone:
            if str(alone) == text and in_key:
                return f"the key: {message}, found {key!r}{_AT}{after[:-1]}.{key}`"
            if str(alone) == text:
                return text.replace("[...]", f".{key}", 1)
    return text


def _along(value: Any, place: list[str]) -> list[dict[Any, Any]]:
    """The mappings that a path goes through, the outermost first."""
    found = []
    for part in place:
        found.append(value)
        value = value[part]
    return found


def _explain(shown_as: str, node: yaml.Node, kind: type, error: str) -> str:
    # msgspec ends its message with " - at `$.gate.test[2]`" (nothing when at the root).
    message, _, place = error.rpartition(_AT) if _AT in error else (error, "", "")
    key_path = place.rstrip("`").lstrip(".")
    parts = re.findall(r"[^.\[\]]+", key_path)
    unknown = re.search(r"unknown field `(.*)`", message, re.DOTALL)
    allowed = _type_at(kind, parts)
    found, mark = _walk(node, parts)
    if unknown:
        known = _fields(allowed)
        message = f"unknown key {unknown[1]!r}{did_you_mean(unknown[1], known)}"
        if known:
            message += f". Allowed here: {', '.join(known)}"
        key_path = f"{key_path}.{unknown[1]}".lstrip(".")
        mark = _walk(node, [*parts, unknown[1]])[1]
    elif isinstance(allowed, msgspec.inspect.LiteralType):
        message += f". Allowed: {', '.join(str(each) for each in allowed.values)}"
    elif message.startswith("Expected") and "credentials" in parts:
        # Not shown: it may be the secret itself.
        message = "names no variable of the job, as in DATA_TOKEN; the value never stands here"
    elif message.startswith("Expected") and isinstance(found, yaml.ScalarNode):
        message += f", found {found.value[:80]!r}"
    where = f"{shown_as}:{mark.line + 1}:{mark.column + 1}"
    return " ".join(f"{where}: {key_path + ': ' if key_path else ''}{message}".splitlines())


def did_you_mean(found: str, known: list[str]) -> str:
    """` (did you mean "accuracy"?)`, or nothing when no known word is near."""
    near = difflib.get_close_matches(found, known, n=1)
    return f' (did you mean "{near[0]}"?)' if near else ""


def _type_at(kind: Any, parts: list[str]) -> msgspec.inspect.Type:
    info = _bare(msgspec.inspect.type_info(kind))
    for part in parts:
        if isinstance(info, msgspec.inspect.StructType):
            info = next((f.type for f in info.fields if f.encode_name == part), info)
        elif isinstance(info, msgspec.inspect.DictType):
            info = info.value_type
        elif isinstance(info, msgspec.inspect.ListType):
            info = info.item_type
        info = _bare(info)
    return info


def _bare(info: msgspec.inspect.Type) -> msgspec.inspect.Type:
    if isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    if isinstance(info, msgspec.inspect.UnionType):
        info = next((t for t in info.types if isinstance(t, msgspec.inspect.StructType)), info)
    return info


def _fields(info: msgspec.inspect.Type) -> list[str]:
    if isinstance(info, msgspec.inspect.StructType):
        return [field.encode_name for field in info.fields]
    return []


def _walk(node: yaml.Node, parts: list[str]) -> tuple[yaml.Node | None, yaml.Mark]:
    """The node at a path, or none, and where the deepest part of the path begins in the file."""
    mark = node.start_mark
    inner: yaml.Node | None = node
    for part in parts:
        if isinstance(inner, yaml.MappingNode):
            found = [(k, v) for k, v in inner.value if k.value == part]
            if not found:
                return None, mark
            mark, inner = found[0][0].start_mark, found[0][1]
        elif isinstance(inner, yaml.SequenceNode) and part in map(str, range(len(inner.value))):
            inner = inner.value[int(part)]
            mark = inner.start_mark
        else:
            return None, mark
    return inner, mark
