"""`mlops-init contract import`: checks of another tool, written as the project's contract.

    python3 -I enter.py --import-contract FOLDER OPTIONS

OPTIONS is JSON: `source`, `kind`, `output`, `force` and `strict`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_steps import config as configs
from mlops_steps.config import Config, TableInput
from mlops_steps.errors import ConfigError, MlopsError, UndecidedError
from mlops_steps.validate_data.imports import output
from mlops_steps.validate_data.imports.draft import Draft
from mlops_steps.validate_data.imports.notes import Note, Told

if TYPE_CHECKING:
    from mlops_steps.validate_data.contract import ColumnType

KINDS = ("pandera", "great-expectations", "tfdv")


def main(arguments: list[str]) -> int:
    """Import; returns 0, with `strict` 1 where not all is carried over, or 2 to 4."""
    try:
        return run(Path(arguments[0]), json.loads(arguments[1]))
    except MlopsError as error:
        sys.stderr.write(f"contract import: {error}\n")
        return error.exit_code


def run(root: Path, options: dict[str, Any]) -> int:
    """Read the checks, write the contract, print what is not in it.

    Raises:
        ConfigError: mlops.yaml or the source cannot be read, the contract is there already, or
            it would not be accepted beside mlops.yaml. Nothing is written.
        CommandError: The project's own module fails.
    """
    config = configs.load(root)
    shown_as = options["output"] or config.table.contract
    target = root / shown_as
    if not options["force"] and (target.exists() or target.is_symlink()):
        raise ConfigError(output.taken(shown_as))
    draft, title = _read(root, config, options["source"], options["kind"])
    types = _types_of(root, config.table)
    _name_roles(draft, config.table)
    contract = draft.finish(types)
    head = f"From {title}: {_counts(draft)}"
    text = output.text_of(contract, head, draft.notes)
    if problem := output.refused(text, config.table, config.model.task):
        raise ConfigError(f"{shown_as} is not written, since no step would accept it: {problem}")
    output.place(target, text, shown_as=shown_as, force=options["force"])
    print(f"{shown_as}: {_counts(draft)}")
    for note in draft.notes:
        print(f"  {note.kind}: {output.line(note)}")
    return 1 if options["strict"] and _lossy(draft.notes) else 0


def _read(root: Path, config: Config, source: str, kind: str) -> tuple[Draft, str]:
    match kind or _kind_of(root / source, source):
        case "pandera":
            from mlops_steps.validate_data.imports import pandera_schema

            return pandera_schema.read(root, source, config.environment)
        case "great-expectations":
            from mlops_steps.validate_data.imports import expectations

            return expectations.read(root / source, source)
        case "tfdv":
            from mlops_steps.validate_data.imports import tfdv

            return tfdv.read(root / source, source)
        case other:
            raise ConfigError(f"--kind {other}: unknown. Allowed: {', '.join(KINDS)}")


def _kind_of(path: Path, source: str) -> str:
    """What a source is, by its looks: module:name, a JSON file, a pbtxt file."""
    if path.suffix == ".json":
        return "great-expectations"
    if path.suffix in {".pbtxt", ".textproto", ".txtpb"}:
        return "tfdv"
    if ":" in source and not path.exists():
        return "pandera"
    allowed = "module:name of pandera, a .json file of Great Expectations, a .pbtxt file of TFDV"
    raise ConfigError(f"{source}: what it is cannot be told. Allowed: {allowed}; or --kind")


def _types_of(root: Path, table: TableInput) -> dict[str, ColumnType]:
    """The types of the project's table, as wide as its values let them be; none if unreadable."""
    from mlops_steps.data.profile import column_types
    from mlops_steps.data.tables import connect, reading, scan
    from mlops_steps.validate_data.cells import unreadable

    path = root / table.path
    if not path.is_file():
        return {}
    try:
        with connect() as connection, reading(table.path):
            kinds = column_types(connection, scan(path))
    except UndecidedError:
        return {}
    wide: tuple[ColumnType, ...] = ("number", "boolean", "timestamp", "text")
    found = {}
    for name, kind in kinds.items():
        fitting = [each for each in wide if not unreadable(each, kind)]
        if fitting:
            found[name] = fitting[0]
        if fitting == ["number"] and name == table.key:
            found[name] = "integer" if not kind.startswith(("DOUBLE", "FLOAT", "DEC")) else "number"
    return found


def _name_roles(draft: Draft, table: TableInput) -> None:
    """A contract speaks of the columns that mlops.yaml names, whatever the source does."""
    for role in ("key", "target", "file"):
        name = getattr(table, role)
        if name is not None and name not in draft.columns:
            draft.column(name)
            told = Told(f"columns.{name}", "column")
            draft.note("added", told, f"the source says nothing of the {role} of mlops.yaml")


def _lossy(notes: list[Note]) -> bool:
    return any(note.kind != "added" for note in notes)


def _counts(draft: Draft) -> str:
    parts = [f"{draft.carried} checks carried over"]
    for kind, words in (("left out", "left out"), ("differs", "not the same"), ("added", "added")):
        count = sum(note.kind == kind for note in draft.notes)
        if count:
            parts.append(f"{count} {words}")
    return ", ".join(parts)
