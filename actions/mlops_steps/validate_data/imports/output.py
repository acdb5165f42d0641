"""The contract as a file: the list of what is not carried over as comments, then the contract."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import yaml

from mlops_steps.config import TableInput, Task
from mlops_steps.errors import ConfigError
from mlops_steps.files import write_whole
from mlops_steps.validate_data.imports.notes import Note


class _Dumper(yaml.SafeDumper):
    """Never an anchor: equal lists are written twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - its interface
        return True


class _Line(dict[str, Any]):
    """A mapping that is written in one line."""


class _Row(list[Any]):
    """A list that is written in one line."""


_Dumper.add_representer(
    _Line,
    lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True),
)
_Dumper.add_representer(
    _Row,
    lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True),
)

_Dumper.add_representer(
    str,
    lambda dumper, data: dumper.represent_scalar(
        "tag:yaml.org,2002:str", data, style=None if data.isprintable() else '"'
    ),
)


def text_of(contract: dict[str, Any], title: str, notes: list[Note]) -> str:
    """The whole file.

    Args:
        contract: What is carried over.
        title: Where it comes from, in a line.
        notes: What is not; a comment line each.
    """
    head = [title, *(f"{each.kind}: {line(each)}" for each in notes)]
    comments = "".join(f"# {one_line(each)}\n" for each in head)
    shaped = dict(contract)
    if "rows" in contract:
        shaped["rows"] = _Line(contract["rows"])
    shaped["columns"] = {name: _Line(each) for name, each in contract["columns"].items()}
    for key, kind in (("unique", _Row), ("rules", _Line)):
        if key in contract:
            shaped[key] = [kind(each) for each in contract[key]]
    body = yaml.dump(shaped, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    # What cannot be seen stands in double quotes, where its number says the same.
    return comments + "".join(
        sign if sign.isprintable() or sign == "\n" else _escaped(sign) for sign in str(body)
    )


def _escaped(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"


def line(note: Note) -> str:
    """A note in a line."""
    instead = f". Instead: {note.instead}" if note.instead else ""
    return one_line(f"{note.where}: {note.what}: {note.why}{instead}")


def one_line(text: str) -> str:
    """What somebody else wrote, in one line: it neither ends a comment nor steers a terminal."""
    words = " ".join(text.split())
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in words)


def refused(text: str, table: TableInput, task: Task) -> str:
    """Why the steps would not accept a contract; empty if they do."""
    import msgspec

    from mlops_steps.validate_data import contract as contracts

    with tempfile.TemporaryDirectory(prefix="mlops-contract-") as folder:
        (Path(folder) / "contract.yaml").write_text(text, encoding="utf-8")
        here = msgspec.structs.replace(table, contract="contract.yaml")
        try:
            contracts.load(Path(folder), here, task=task)
        except ConfigError as error:
            return str(error)
    return ""


def place(path: Path, text: str, *, shown_as: str, force: bool) -> None:
    """Write the file as a whole, or not at all.

    Raises:
        ConfigError: It is there already and `force` is not given, or it cannot be written.
    """
    try:
        if force:
            write_whole(path, text)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".mlops-contract-") as folder:
            whole = Path(folder) / path.name
            write_whole(whole, text)
            os.link(whole, path)  # fails where something is, whatever came in between
    except FileExistsError:
        raise ConfigError(taken(shown_as)) from None
    except OSError as error:
        raise ConfigError(f"{shown_as}: cannot be written: {error.strerror}") from None


def taken(shown_as: str) -> str:
    """That a file is not overwritten."""
    return f"{shown_as}: is there already. Allowed: another --output, or --force to overwrite it"
