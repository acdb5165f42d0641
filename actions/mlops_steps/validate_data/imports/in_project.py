"""Runs in the project's own environment: says as JSON what a schema of pandera holds.

    python in_project.py MODULE:NAME FILE

Nothing of the steps is here. pandera's own `to_json` leaves out the checks that are functions,
and needs packages of its own, so the schema's attributes are read. What the user's module prints
does not matter: the answer goes to FILE.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any


def main(wanted: str, answer: str) -> None:
    """Write what was found, or why there is nothing."""
    sys.path[0] = os.getcwd()  # noqa: PTH109 - as for a command of the project
    found = _describe(wanted)
    with open(answer, "w", encoding="utf-8") as stream:  # noqa: PTH123 - any Python
        json.dump(found, stream)


def _describe(wanted: str) -> dict[str, Any]:
    try:
        pandera = importlib.import_module("pandera")
    except ModuleNotFoundError:
        return {"problem": "the project's environment has no pandera"}
    module_name, _, name = wanted.partition(":")
    found: Any
    try:
        found = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name + ".").startswith(error.name + "."):
            return {"problem": f"there is no module {error.name!r} in src or in this folder"}
        raise
    for part in name.split("."):
        if not hasattr(found, part):
            return {"problem": f"{module_name} has no {name!r}"}
        found = getattr(found, part)
    if isinstance(found, type) and hasattr(found, "to_schema"):
        found = found.to_schema()
    if type(found).__name__ != "DataFrameSchema":
        return {"problem": f"{name} is a {type(found).__name__}, not a DataFrameSchema or "
                "DataFrameModel"}  # fmt: skip
    return {"pandera": getattr(pandera, "__version__", ""), **_schema(found)}


def _schema(schema: Any) -> dict[str, Any]:
    index = getattr(schema, "index", None)
    levels = getattr(index, "indexes", None) or ([index] if index is not None else [])
    unique = getattr(schema, "unique", None) or []
    return {
        "library": next((each for each in ("polars", "pandas")
                         if f".{each}" in type(schema).__module__), type(schema).__module__),
        "name": str(getattr(schema, "name", None) or ""),
        "strict": schema.strict,
        "ordered": bool(schema.ordered),
        "unique": [unique] if isinstance(unique, str) else list(unique),
        "checks": [_check(each) for each in schema.checks or []],
        "parsers": [_name(each) for each in getattr(schema, "parsers", None) or []],
        "index": [str(level.name or "without a name") for level in levels],
        "add_missing_columns": bool(getattr(schema, "add_missing_columns", False)),
        "drop_invalid_rows": bool(getattr(schema, "drop_invalid_rows", False)),
        "columns": [_column(name, each, schema) for name, each in schema.columns.items()],
    }  # fmt: skip


def _column(name: Any, column: Any, schema: Any) -> dict[str, Any]:
    kind = column.dtype if column.dtype is not None else getattr(schema, "dtype", None)
    inner = getattr(kind, "type", None)
    categories = getattr(kind, "categories", None)
    if categories is None:
        categories = getattr(inner, "categories", None)
    default = getattr(column, "default", None)
    return {
        "name": name if isinstance(name, str) else None,
        "shown": str(name),
        "regex": bool(getattr(column, "regex", False)),
        "dtype": None if kind is None else str(kind),
        "categories": None if categories is None else [_plain(each) for each in categories],
        "nullable": bool(column.nullable),
        "unique": bool(column.unique),
        "coerce": bool(column.coerce or schema.coerce),
        "required": bool(column.required),
        "default": None if default is None else _plain(default),
        "parsers": [_name(each) for each in getattr(column, "parsers", None) or []],
        "checks": [_check(each) for each in column.checks or []],
    }


def _check(check: Any) -> dict[str, Any]:
    function = getattr(check, "_check_fn", None)
    # A schema copies its checks: the function is known by its kind and name, not by identity.
    known = getattr(type(check), "CHECK_FUNCTION_REGISTRY", {})
    name = getattr(function, "__name__", "")
    builtin = isinstance(function, tuple({type(each) for each in known.values()}))
    return {
        "name": str(check.name),
        "place": _place(function),
        "builtin": name if builtin and name in known else None,
        "statistics": {str(key): _plain(each) for key, each in (check.statistics or {}).items()},
        "ignore_na": bool(getattr(check, "ignore_na", True)),
        "grouped": getattr(check, "groupby", None) is not None,
        "warns": bool(getattr(check, "raise_warning", False)),
    }


def _place(function: Any) -> str:
    code = getattr(function, "__code__", None)
    if code is None:
        return ""
    return f"{os.path.relpath(code.co_filename)}:{code.co_firstlineno}"


def _name(parser: Any) -> str:
    return str(getattr(parser, "name", None) or "a function")


def _plain(value: Any) -> Any:
    """A value as JSON: numbers, texts, truth values, lists; else what it is."""
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        value = value.item()  # of numpy
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "isoformat"):
        return {"time": value.isoformat()}
    if hasattr(value, "pattern"):
        return {"pattern": value.pattern, "flags": int(value.flags)}
    if isinstance(value, (set, frozenset)):
        # A set has no order of its own; twice the same schema is twice the same contract.
        value = sorted(value, key=_place_in_set)
    if isinstance(value, (list, tuple)) or hasattr(value, "__array__"):
        return [_plain(each) for each in value]
    if type(value).__name__ == "Decimal":
        return float(value)
    return {"other": repr(value)[:100]}


def _place_in_set(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value if isinstance(value, (int, float, str)) else repr(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
