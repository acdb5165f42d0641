"""pandera: a schema of the project's own code, read in its environment, as a draft."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import Any

from mlops_steps import commands
from mlops_steps.errors import CommandError, ConfigError
from mlops_steps.validate_data.contract import ColumnType
from mlops_steps.validate_data.imports.conditions import Condition, Filled, OneOf, Range
from mlops_steps.validate_data.imports.draft import Draft
from mlops_steps.validate_data.imports.notes import Told
from mlops_steps.validate_data.imports.pandera_checks import CONDITIONS, values
from mlops_steps.validate_data.imports.values import UnfitError, require

#: Types by their names in lower case, of pandas, numpy, pyarrow and polars.
_TYPES: list[tuple[str, ColumnType]] = [
    (r"u?int(8|16|32|64|128)?(\[pyarrow\])?", "integer"),
    (r"float(16|32|64)?(\[pyarrow\])?|double\[pyarrow\]|decimal.*", "number"),
    (r"str|string.*|utf8|object|category|categorical.*|enum.*|large_string.*", "text"),
    (r"bool(ean)?(\[pyarrow\])?", "boolean"),
    (r"datetime.*|date|date32.*|timestamp.*", "timestamp"),
]
_WIDTH = re.compile(r"(u?)int(8|16|32|64)(\[pyarrow\])?")
_CHANGES = "a contract changes nothing"
#: Seconds in which a project's module is read: as long as importing a large framework takes.
_SECONDS = 300


def read(root: Path, wanted: str, environment: str) -> tuple[Draft, str]:
    """Read a schema; returns the draft, and what it was read from in words.

    Args:
        root: The project's folder.
        wanted: `module:name` of a DataFrameSchema or a DataFrameModel.
        environment: The project's lock.

    Raises:
        ConfigError: There is no such schema, or no pandera.
        CommandError: The module itself fails.
        InfrastructureError: The environment could not be built.
    """
    if not re.fullmatch(r"\w+(\.\w+)*:\w+(\.\w+)*", wanted):
        raise ConfigError(f"{wanted}: is no place of a schema. Allowed: module:name")
    schema = _described(root, wanted, commands.project_python(root, environment))
    if problem := schema.get("problem"):
        raise ConfigError(f"{wanted}: {problem}")
    if schema["library"] not in {"pandas", "polars"}:
        raise ConfigError(f"{wanted}: is a schema of {schema['library']}. Allowed: pandas, polars")
    draft = Draft(extra_columns=schema["strict"] is not True)
    for column in schema["columns"]:
        _column(draft, column)
    _whole_table(draft, schema)
    return draft, f"{wanted} (pandera {schema['pandera']}, {schema['library']})"


def _described(root: Path, wanted: str, python: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mlops-pandera-") as name:
        folder = Path(name)
        # A copy alone in a folder: nothing beside it is taken for one of the project's modules.
        program = shutil.copy(Path(__file__).with_name("in_project.py"), folder)
        answer, log = folder / "schema.json", folder / "log"
        words = shlex.join(["python", str(program), wanted, str(answer)])
        try:
            commands.run(words, folder=root, python=python, extra={}, log=log, seconds=_SECONDS)
        except CommandError:
            said = commands.tail(log)
            raise CommandError(
                f"{wanted}: cannot be read in the project's environment:\n{said}"
            ) from None
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found


def _column(draft: Draft, column: dict[str, Any]) -> None:
    name = column["name"]
    where = f"column {column['shown']!r}"
    kind = _type_of(column)
    if name is None or column["regex"] or kind == "unknown":
        why = f"a contract has no type for {column['dtype']}"
        if column["regex"] or name is None:
            why = "the name is a pattern, or no text; a contract names each column"
        draft.note("left out", Told(where, "column"), why, "each column with its type")
        if not draft.extra_columns:
            draft.extra_columns = True
            draft.note("differs", Told("schema", "strict"), "columns that the contract does not "
                       "name are let pass, since it cannot name all of the schema's")  # fmt: skip
        return
    draft.column(name, None if kind is None else kind)  # type: ignore[arg-type]
    draft.carried += kind is not None
    if column["categories"]:
        _ask(draft, name, OneOf(tuple(column["categories"])), Told(where, "categories"))
    if found := _WIDTH.fullmatch((column["dtype"] or "").lower()):
        _width(draft, name, found, where)
    if not column["nullable"]:
        _ask(draft, name, Filled(), Told(where, "nullable: False"))
    if column["unique"]:
        # pandas and polars take two empty cells for the same.
        draft.together([name], Told(where, "unique"), nulls_differ=True)
    for key, said in (("default", "a contract fills in nothing"), ("parsers", _CHANGES)):
        if column[key]:
            draft.note("left out", Told(where, key), said, "do it before the table is written")
    if not column["required"]:
        draft.note("differs", Told(where, "required: False"), "a column of a contract is there")
    for check in column["checks"]:
        _check(draft, name, check, where, nullable=column["nullable"])


def _type_of(column: dict[str, Any]) -> ColumnType | str | None:
    """The contract's type; None if the schema says none, `unknown` if the contract has none."""
    said = (column["dtype"] or "").lower()
    if not said or said == "none":
        return None
    if column["categories"] and not all(isinstance(each, str) for each in column["categories"]):
        return (
            "number"
            if all(type(each) in (int, float) for each in column["categories"])
            else "unknown"
        )
    return next((kind for words, kind in _TYPES if re.fullmatch(words, said)), "unknown")


def _width(draft: Draft, name: str, found: re.Match[str], where: str) -> None:
    """What fits in the type's bits, where that is less than all that a file's integers are."""
    unsigned, bits = bool(found[1]), int(found[2])
    low = 0 if unsigned else -(2 ** (bits - 1))
    high = 2 ** (bits - (not unsigned)) - 1
    if bits == 64:
        if unsigned:
            _ask(draft, name, Range(low=low), Told(where, found[0]))
        return
    _ask(draft, name, Range(low, high), Told(where, found[0]))


def _ask(draft: Draft, name: str, condition: Condition, told: Told) -> None:
    try:
        draft.ask(name, condition, told)
    except UnfitError as error:
        draft.note("left out", told, str(error))


def _whole_table(draft: Draft, schema: dict[str, Any]) -> None:
    if schema["unique"]:
        told = Told("schema", "unique")
        names = schema["unique"]
        if set(names) <= set(draft.columns):
            draft.together(names, told, nulls_differ=True)
        else:
            draft.note("left out", told, "it names a column that the contract does not")
    for check in schema["checks"]:
        told = Told("schema", _called(check))
        draft.note(
            "left out", told, "it is about the whole table", "a rule, or a check of a column"
        )
    for name in schema["index"]:
        draft.note("left out", Told("schema", f"index {name!r}"), "a file has no index",
                   "a column of that name")  # fmt: skip
    said = {
        "ordered": "a contract names columns, and not their order",
        "parsers": _CHANGES,
        "add_missing_columns": "a contract adds nothing",
        "drop_invalid_rows": "a contract drops no rows: it refuses the table",
    }
    for key, why in said.items():
        if schema[key]:
            draft.note("left out", Told("schema", key), why)
    if coerced := [each["shown"] for each in schema["columns"] if each["coerce"]]:
        told = Told("schema", f"coerce of {', '.join(coerced)}")
        draft.note("differs", told, "a contract changes nothing: a cell of CSV or JSON lines is "
                   "read as its type, a column of Parquet has to be of it")  # fmt: skip
    if schema["strict"] == "filter":
        draft.note(
            "differs", Told("schema", "strict: filter"), "other columns are let pass, and stay"
        )


def _called(check: dict[str, Any]) -> str:
    place = f" at {check['place']}" if check["place"] else ""
    return f"check {check['name']}{place}"


def _check(draft: Draft, name: str, check: dict[str, Any], where: str, *, nullable: bool) -> None:
    told = Told(where, _called(check), "warn" if check["warns"] else "error")
    builtin = check["builtin"]
    try:
        require(builtin is not None, "it is a function of Python")
        require(not check["grouped"], "it is about groups of rows")
        require(check["ignore_na"] or not nullable, "it looks at empty cells, too")
        told = Told(where, builtin, told.severity)
        if builtin == "unique_values_eq":
            found = values(check["statistics"]["values"])
            count = len(set(found))
            draft.ask_whole(name, "distinct", {"min": count, "max": count}, told)
            draft.ask(name, OneOf(found), told)
        else:
            require(builtin in CONDITIONS, "no part of a contract says this")
            draft.ask(name, CONDITIONS[builtin](check["statistics"]), told)
    except KeyError as error:
        draft.note("left out", told, f"this version of pandera does not say its {error}")
    except UnfitError as error:
        instead = "a rule: an SQL expression" if builtin is None else ""
        draft.note("left out", told, str(error), instead)
