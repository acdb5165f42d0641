"""TensorFlow Data Validation: a schema (`schema.pbtxt`), read as a draft.

What a field means is stated in the comments of `schema.proto` of tensorflow/metadata.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from mlops_steps.errors import ConfigError
from mlops_steps.validate_data.contract import ColumnType, Environment
from mlops_steps.validate_data.imports import text_format
from mlops_steps.validate_data.imports.conditions import Filled, OneOf, Range
from mlops_steps.validate_data.imports.draft import Draft
from mlops_steps.validate_data.imports.notes import Told
from mlops_steps.validate_data.imports.text_format import Message, Word
from mlops_steps.validate_data.imports.values import UnfitError, require
from mlops_steps.yaml_file import LARGEST

_TYPES: dict[str, ColumnType] = {"BYTES": "text", "INT": "integer", "FLOAT": "number"}
#: Stages in which a feature is not validated; fields that ask nothing of the data.
_UNWATCHED = {"PLANNED", "ALPHA", "DEPRECATED", "DEBUG_ONLY", "DISABLED", "VALIDATION_DERIVED"}
_SILENT = {"annotation", "lifecycle_stage", "tensor_representation_group", "deprecated",
           "represent_variable_length_as_ragged", "validation_derived_source",
           "generate_legacy_feature_spec"}  # fmt: skip
_READ = {"name", "type", "presence", "shape", "value_count", "domain", "int_domain", "float_domain",
         "string_domain", "bool_domain", "distribution_constraints", "unique_constraints",
         "in_environment", "not_in_environment"}  # fmt: skip
_DRIFT = (
    "a contract looks at one table, not at two",
    "monitor.distance in mlops.yaml: what the model is asked, against what it was trained on",
)
_OTHERS: dict[str, tuple[str, str]] = {
    "skew_comparator": _DRIFT,
    "drift_comparator": _DRIFT,
    "num_examples_drift_comparator": ("a contract does not look at another table", "rows"),
    "num_examples_version_comparator": ("a contract does not look at another table", "rows"),
    "time_domain": ("a contract reads ISO times", "type: timestamp"),
    "url_domain": ("a contract has no kind of text", "regex of the column"),
    "sparse_feature": ("a column of a table holds one value", ""),
    "weighted_feature": ("a contract has no weights", ""),
    "struct_domain": ("a column of a table holds one value", ""),
    "value_counts": ("a column of a table holds one value", ""),
}


def read(path: Path, shown_as: str) -> tuple[Draft, str]:
    """Read a schema; returns the draft, and what it was read from in words.

    Raises:
        ConfigError: The file is missing, is no text format, or is no schema.
    """
    try:
        if not path.is_file():
            raise ConfigError(f"{shown_as}: not found, or is no file")
        if path.stat().st_size > LARGEST:
            raise ConfigError(f"{shown_as}: is larger than {LARGEST:,} bytes")
        schema = text_format.read(path.read_text(encoding="utf-8"))
    except (text_format.TextError, UnicodeDecodeError) as error:
        raise ConfigError(f"{shown_as}: is no text format: {error}") from None
    except OSError as error:
        raise ConfigError(f"{shown_as}: cannot be read: {error.strerror}") from None
    features = _messages(schema, "feature")
    if not features:
        raise ConfigError(f"{shown_as}: is no schema: it has no feature")
    draft = Draft()
    domains = {field: {_text(each, "name"): each for each in _messages(schema, field)}
               for field in ("string_domain", "int_domain", "float_domain")}  # fmt: skip
    standing = [str(each) for each in schema.get("default_environment", [])]
    for feature in features:
        _feature(draft, feature, domains, standing)
    for constraints in _messages(schema, "dataset_constraints"):
        _rows(draft, constraints)
    known = {"feature", "default_environment", "dataset_constraints", *domains}
    _others(draft, schema, known, "schema")
    return draft, f"{shown_as} (TensorFlow Data Validation)"


def _feature(
    draft: Draft, feature: Message, domains: dict[str, dict[str, Message]], standing: list[str]
) -> None:
    name = _text(feature, "name")
    where = f"feature {name!r}"
    stage = _text(feature, "lifecycle_stage")
    if stage in _UNWATCHED or feature.get("deprecated") == [Word("true")]:
        draft.note("left out", Told(where, stage or "deprecated"), "nothing is asked of it; a "
                   "contract refuses columns that it does not name",
                   "name it with its type, if the table has it")  # fmt: skip
        return
    kind = _text(feature, "type")
    if kind == "STRUCT" or not name:
        draft.note("left out", Told(where, kind or "name"), "a column of a table holds one value")
        return
    draft.column(name, _TYPES.get(kind))
    draft.carried += kind in _TYPES
    _presence(draft, name, feature, where)
    _shape(draft, feature, where)
    tolerate = 0.0
    for constraints in _messages(feature, "distribution_constraints"):
        tolerate = float(1 - Decimal(str(_one(constraints, "min_domain_mass", 1))))
    told = Told(where, "domain", tolerate=tolerate)
    try:
        require(0 <= tolerate < 1, "its min_domain_mass lets everything pass, or nothing")
        for field, domain in _domains_of(feature, domains):
            _domain(draft, name, field, domain, Told(where, field, tolerate=tolerate))
    except UnfitError as error:
        draft.note("left out", told, str(error))
    for constraints in _messages(feature, "unique_constraints"):
        bounds = {key: int(constraints[key][0]) for key in ("min", "max")  # type: ignore[arg-type]
                  if key in constraints}  # fmt: skip
        if bounds:
            draft.ask_whole(name, "distinct", bounds, Told(where, "unique_constraints"))
    _environments(draft, name, feature, standing, where)
    _others(draft, feature, _READ, where)


def _presence(draft: Draft, name: str, feature: Message, where: str) -> None:
    told = Told(where, "presence")
    presence = next(iter(_messages(feature, "presence")), {})
    fraction, count = _one(presence, "min_fraction", 0), int(_one(presence, "min_count", 0))
    if fraction >= 1:
        draft.ask(name, Filled(), told)
        if count > 1:
            draft.rows["min"] = max(count, draft.rows.get("min", 1))
        return
    if fraction > 0:
        share = float(1 - Decimal(str(fraction)))
        draft.ask(name, Filled(), Told(where, "presence", tolerate=share))
    if count == 1 and "unique_constraints" not in feature:
        draft.ask_whole(name, "distinct", {"min": 1}, told)
    elif count > 1:
        draft.note("left out", Told(where, f"min_count: {count}"), "a contract bounds a share of "
                   "rows", "a rule with tolerate")  # fmt: skip
    if not fraction and not count:
        draft.note("differs", told, "it may be missing as a whole; a column of a contract is "
                   "there, though each cell may be empty")  # fmt: skip


def _shape(draft: Draft, feature: Message, where: str) -> None:
    for counts in _messages(feature, "value_count"):
        if (_one(counts, "min", 0), _one(counts, "max", 0)) != (1, 1):
            draft.note(
                "left out", Told(where, "value_count"), "a column of a table holds one value"
            )
    for shape in _messages(feature, "shape"):
        if any(_one(dim, "size", 1) != 1 for dim in _messages(shape, "dim")):
            draft.note("left out", Told(where, "shape"), "a column of a table holds one value")


def _domains_of(
    feature: Message, domains: dict[str, dict[str, Message]]
) -> list[tuple[str, Message]]:
    """The feature's domains: its own, and the schema's that it names."""
    found = [(field, each) for field in (*domains, "bool_domain")
             for each in _messages(feature, field)]  # fmt: skip
    if wanted := _text(feature, "domain"):
        named = [(field, known[wanted]) for field, known in domains.items() if wanted in known]
        if not named:
            raise UnfitError(f"the schema has no domain {wanted!r}")
        found += named
    return found


def _domain(draft: Draft, name: str, field: str, domain: Message, told: Told) -> None:
    match field:
        case "string_domain":
            values = tuple(str(each) for each in domain.get("value", []))
            if not values:
                raise UnfitError("it lists no value")
            draft.ask(name, OneOf(values), told)
        case "bool_domain":
            words = [_text(domain, key) for key in ("true_value", "false_value")]
            known: tuple[Any, ...] = tuple(each for each in words if each)
            if draft.declared.get(name) == "integer":
                known = (0, 1)
            if not known:
                raise UnfitError("it says of no value that it is true or false")
            draft.ask(name, OneOf(known), told)
        case _:
            low, high = _one(domain, "min", None), _one(domain, "max", None)
            if low is not None or high is not None:
                draft.ask(name, Range(low, high), told)
            elif field != "float_domain":
                return  # a name, or that it is categorical
            if _text(domain, "disallow_nan") == "true":
                draft.note("differs", told, "NaN is an empty cell in a contract: refused where "
                           "the column may not be empty")  # fmt: skip


def _environments(
    draft: Draft, name: str, feature: Message, standing: list[str], where: str
) -> None:
    without = {str(each) for each in feature.get("not_in_environment", [])}
    within = [each for each in standing if each not in without]
    within += [str(each) for each in feature.get("in_environment", [])]
    everywhere = {*standing, *without, *within}
    if not without and not feature.get("in_environment"):
        return
    told = Told(where, "environments")
    strange = sorted(each for each in everywhere if _environment(each) is None)
    if strange:
        draft.note("left out", Told(where, f"environment {', '.join(strange)}"),
                   "a contract knows training and serving")  # fmt: skip
    found: list[Environment] = [
        each for each in ("training", "serving") if each in map(_environment, within)
    ]
    if found:
        draft.columns[name]["environments"] = found
        draft.carried += 1
    else:
        draft.note("differs", told, "it is in neither training nor serving; here it is in both")


def _environment(name: str) -> Environment | None:
    if name.lower().startswith("train"):
        return "training"
    return "serving" if name.lower().startswith("serv") else None


def _rows(draft: Draft, constraints: Message) -> None:
    low = int(_one(constraints, "min_examples_count", 0))
    high = int(_one(constraints, "max_examples_count", 0))
    if low:
        draft.rows["min"] = max(low, draft.rows.get("min", 1))
    if high:
        draft.rows["max"] = high
    draft.carried += bool(low) + bool(high)
    known = {"min_examples_count", "max_examples_count"}
    _others(draft, constraints, known, "dataset_constraints")


def _others(draft: Draft, message: Message, known: set[str], where: str) -> None:
    for field in message:
        if field not in known | _SILENT:
            why, instead = _OTHERS.get(field, ("no part of a contract says this", ""))
            draft.note("left out", Told(where, field), why, instead)


def _messages(message: Message, field: str) -> list[Message]:
    return [each for each in message.get(field, []) if isinstance(each, dict)]


def _text(message: Message, field: str) -> str:
    value = message.get(field, [""])[-1]
    return value if isinstance(value, str) else ""


def _one(message: Message, field: str, default: Any) -> Any:
    """A number of a message; the last, if it is given twice."""
    value = message.get(field, [default])[-1]
    return value if isinstance(value, int | float) else default
