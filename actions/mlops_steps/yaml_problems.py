"""All the problems of a YAML file at once, where `read_yaml` ends at the first."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from pathlib import Path
from types import GenericAlias
from typing import Any

import msgspec

from mlops_steps.errors import ConfigError
from mlops_steps.yaml_file import read_yaml


def schema_problems(path: Path, kind: type[msgspec.Struct], *, shown_as: str) -> list[str]:
    """Everything by which a YAML file breaks a schema, in the words of `read_yaml`.

    The whole is read first. Only if that fails, so are pieces of the schema, each of which
    knows one key of it, since a reading ends at its first problem.
    """
    try:
        read_yaml(path, kind, shown_as=shown_as)
    except ConfigError as error:
        found = [str(error)]
    else:
        return []
    for piece in _pieces(kind):
        try:
            read_yaml(path, piece, shown_as=shown_as)
        except ConfigError as error:
            found.append(str(error))
    return list(dict.fromkeys(found))


def _pieces(kind: Any) -> Iterator[Any]:
    """Types that each know one part of a type, and together all of it."""
    bare = typing.get_args(kind)[0] if typing.get_origin(kind) is typing.Annotated else kind
    if typing.get_origin(bare) is dict and _is_struct(typing.get_args(bare)[1]):
        yield kind
        for piece in _pieces(typing.get_args(bare)[1]):
            yield GenericAlias(dict, (str, piece))
    elif _is_struct(bare):
        fields = msgspec.structs.fields(bare)
        keys = [(each.name, Any, None) for each in fields]
        yield msgspec.defstruct(bare.__name__, keys, forbid_unknown_fields=True)
        for each in fields:
            if each.required:
                yield msgspec.defstruct(bare.__name__, [(each.name, Any)])
            for piece in _pieces(each.type):
                yield msgspec.defstruct(bare.__name__, [(each.name, piece, None)])
    else:
        yield kind


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
