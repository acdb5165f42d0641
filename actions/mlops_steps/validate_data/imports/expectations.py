"""Great Expectations: a suite, as its JSON file says it (of 0.x and of 1.x), read as a draft."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from mlops_steps.errors import ConfigError
from mlops_steps.validate_data.contract import Severity
from mlops_steps.validate_data.imports.draft import Draft
from mlops_steps.validate_data.imports.expectation_kinds import (
    IN_PART,
    OF_CELLS,
    OF_COLUMNS,
    Expectation,
)
from mlops_steps.validate_data.imports.expectation_tables import HINTS, OF_TABLES
from mlops_steps.validate_data.imports.notes import Told
from mlops_steps.validate_data.imports.values import UnfitError, require
from mlops_steps.yaml_file import LARGEST

#: Keywords that say how a result is shown, not what is asked.
_SHOWING = {"result_format", "include_config", "catch_exceptions", "batch_id", "meta", "notes",
            "auto", "profiler_config", "description", "rendered_content", "id", "severity",
            "windows"}  # fmt: skip


def read(path: Path, shown_as: str) -> tuple[Draft, str]:
    """Read a suite; returns the draft, and what it was read from in words.

    Raises:
        ConfigError: The file is missing, is no JSON, or is no suite.
    """
    suite = _load(path, shown_as)
    entries = suite.get("expectations") if isinstance(suite, dict) else None
    if not isinstance(entries, list):
        raise ConfigError(f"{shown_as}: is no suite: a suite has a list `expectations`")
    draft = Draft(extra_columns=True)
    for place, entry in enumerate(entries):
        where = f"expectations[{place}]"
        kind, kwargs = _parts(entry)
        if kind is None or kwargs is None:
            raise ConfigError(f"{shown_as}: {where}: has no type (or expectation_type) and kwargs")
        about = kwargs.get("column")
        if isinstance(about, str):
            where += f" ({about})"
        _carry(draft, kind, kwargs, where, _severity(entry, kwargs))
    name = suite.get("name") or suite.get("expectation_suite_name") or "without a name"
    return draft, f"{shown_as} (Great Expectations, suite {name})"


def _load(path: Path, shown_as: str) -> Any:
    try:
        if not path.is_file():
            raise ConfigError(f"{shown_as}: not found, or is no file")
        if path.stat().st_size > LARGEST:
            raise ConfigError(f"{shown_as}: is larger than {LARGEST:,} bytes")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # among them a byte that is not UTF-8
        raise ConfigError(f"{shown_as}: is no JSON: {error}") from None
    except OSError as error:
        raise ConfigError(f"{shown_as}: cannot be read: {error.strerror}") from None


def _parts(entry: Any) -> tuple[str | None, dict[str, Any] | None]:
    if not isinstance(entry, dict):
        return None, None
    kind, kwargs = entry.get("type", entry.get("expectation_type")), entry.get("kwargs", {})
    return kind if isinstance(kind, str) else None, kwargs if isinstance(kwargs, dict) else None


def _severity(entry: dict[str, Any], kwargs: dict[str, Any]) -> str:
    return str(entry.get("severity") or kwargs.get("severity") or "critical")


def _carry(draft: Draft, kind: str, kwargs: dict[str, Any], where: str, severity: str) -> None:
    told = Told(where, kind)
    try:
        require(not any(map(_is_parameter, kwargs.values())), "a value is given by a run only")
        level: Severity = "error" if severity == "critical" else "warn"
        told = Told(where, kind, level, _tolerate(kwargs))
        each = Expectation(kwargs, told)
        if kind in OF_CELLS:
            condition, words = OF_CELLS[kind]
            _all_read(kwargs, words)
            draft.ask(each.column, condition(each), told)
            if kwargs.get(part := IN_PART.get(kind, "")) is not None:
                draft.note("differs", told, f"its {part} asks for some value beyond that bound, "
                           "which a contract does not", "quantiles of the column")  # fmt: skip
        elif kind in OF_COLUMNS:
            key, value, words, differs = OF_COLUMNS[kind]
            _all_read(kwargs, words)
            draft.ask_whole(each.column, key, value(each), told)
            if differs:
                draft.note("differs", told, differs)
            if key != "distinct" and (kwargs.get("strict_min") or kwargs.get("strict_max")):
                draft.note("differs", told, "a figure on the bound itself passes in a contract")
        elif kind in OF_TABLES:
            handler, words = OF_TABLES[kind]
            _all_read(kwargs, words)
            handler(draft, each)
        else:
            why, instead = HINTS.get(kind, ("no part of a contract says this", ""))
            draft.note("left out", told, why, instead)
    except UnfitError as error:
        draft.note("left out", told, str(error))


def _all_read(kwargs: dict[str, Any], words: str) -> None:
    """Nothing that narrows or changes an expectation may be passed over in silence."""
    known = {*words.split(), "mostly", *_SHOWING}
    more = [name for name, value in kwargs.items()
            if name not in known and value not in (None, False)]  # fmt: skip
    found = more[0] if more else ""
    require(not more, f"its {found} narrows or changes it; a contract has no word for that")


def _is_parameter(value: Any) -> bool:
    return isinstance(value, dict) and any(str(key).startswith("$PARAMETER") for key in value)


def _tolerate(kwargs: dict[str, Any]) -> float:
    """The share that `mostly` lets fail, as exact as the decimals that stand there."""
    mostly = kwargs.get("mostly", 1)
    words = f"its mostly is {mostly!r}, which is no share"
    require(not isinstance(mostly, bool) and isinstance(mostly, int | float | None), words)
    share = 1 - Decimal(str(1 if mostly is None else mostly))
    require(0 <= share <= 1, words)
    require(share < 1, "its mostly is 0, so that it cannot fail")
    return float(share)
