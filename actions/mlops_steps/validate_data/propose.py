"""Propose a contract, or a change of one, from the rows that a model may learn from.

The test rows are never looked at. What the data contradict is loosened, each with the rows that
do; new columns are added; nothing is tightened, which is only suggested.

    python3 -I enter.py --propose-contract FOLDER [--apply]
"""

from __future__ import annotations

import posixpath
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mlops_steps.config import Config, load
from mlops_steps.data.parts import Table
from mlops_steps.data.profile import column_types
from mlops_steps.data.split import split_sql
from mlops_steps.data.tables import connect, format_of, reading, scan
from mlops_steps.errors import ConfigError, MlopsError, UndecidedError
from mlops_steps.files import write_json, write_whole
from mlops_steps.validate_data import contract as contracts
from mlops_steps.validate_data.cells import Cells
from mlops_steps.validate_data.change import Change, Left, changes
from mlops_steps.validate_data.contract import Contract
from mlops_steps.validate_data.draft import draft, hints, of_rows
from mlops_steps.validate_data.edit import EditError, apply, patch
from mlops_steps.validate_data.infer import study
from mlops_steps.validate_data.sense import misfits
from mlops_steps.validate_data.tighter import suggestions
from mlops_steps.validate_data.view import View
from mlops_steps.yaml_file import read_yaml

if TYPE_CHECKING:
    from mlops_steps.record import Record


#: What a generated project holds for editors.
SCHEMA = ".mlops/contract.schema.json"


class Proposal(msgspec.Struct, kw_only=True):
    """A contract as it could be.

    Attributes:
        file: The contract's path, relative to the project.
        before: Its text as it is; None if there is none.
        text: As it could be.
        rows: Rows from which it was inferred.
        changes: What the text changes, each with its reason.
        left: What the data contradict and the text does not change, each with the reason.
        tighter: What could be asked for besides, by what was seen; not in the text.
    """

    file: str
    before: str | None
    text: str
    rows: int
    changes: list[Change] = []
    left: list[Left] = []
    tighter: list[Left] = []

    @property
    def patch(self) -> str:
        """What `git apply` takes, in the project's folder; empty if nothing changes."""
        return patch(self.file, self.before, self.text)

    def told(self) -> list[str]:
        """Lines for people."""
        if self.before is None:
            lines = [f"{self.file}: inferred from {self.rows:,} rows, none of the test split"]
        else:
            count = f"{len(self.changes) or 'no'} change{'s' if len(self.changes) != 1 else ''}"
            lines = [f"{self.file}: {count}, by {self.rows:,} rows, none of the test split"]
        lines += [f"  {each}" for each in self.changes]
        for title, listed in (
            ("contradicted by the data, and left alone:", self.left),
            ("could be tighter (not in the patch):", self.tighter),
        ):
            lines += [title, *(f"  {each}" for each in listed)] if listed else []
        return lines


def main(arguments: list[str]) -> int:
    """Print the patch, and on standard error what it does and why; `--apply` writes it instead.

    Returns:
        0; 2 where mlops.yaml or the contract cannot be meant; 3 where the table cannot be read.
    """
    root = Path(arguments[0]).resolve()
    try:
        config = load(root)
        with tempfile.TemporaryDirectory(prefix="mlops-table-") as folder:
            proposal = propose(root, config, _table(root, config, Path(folder)))
        if "--apply" in arguments[1:] and proposal.text != proposal.before:
            write_whole(root / proposal.file, proposal.text)
    except MlopsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 3
    if "--apply" not in arguments[1:]:
        sys.stdout.write(proposal.patch)
        sys.stdout.flush()
    sys.stderr.write("".join(f"{line}\n" for line in proposal.told()))
    return 0


def _table(root: Path, config: Config, folder: Path) -> Table:
    """The table where it lies, or a copy in a folder of what lies elsewhere."""
    from mlops_steps.data.sources import copying, local, taking

    source = config.table.source
    if source is not None and taking.is_local(source):
        return local.find(root, source.address)
    if source is not None:
        return copying.copy_of(root, config, folder)[0]
    if not (root / config.table.path).is_file():
        raise UndecidedError(f"{config.table.path}: not found")
    return root / config.table.path


def write(record: Record, source: Table) -> None:
    """Propose beside the verdict: contract.yaml, contract.patch, proposal.json. Decides nothing."""
    proposal = propose(record.root, record.config, source)
    parts = {"contract.yaml": proposal.text, "contract.patch": proposal.patch}
    for name, text in parts.items():
        if text:
            write_whole(record.folder / name, text)
            record.wrote(record.folder / name)
    changes_ = [
        {name: getattr(each, name) for name in ("column", "key", "was", "now", "why")}
        for each in proposal.changes
    ]
    other = {"file": proposal.file, "rows": proposal.rows, "changes": changes_}
    other |= msgspec.to_builtins({"left": proposal.left, "tighter": proposal.tighter})
    write_json(record.folder / "proposal.json", other)
    record.wrote(record.folder / "proposal.json")
    first, *_ = proposal.told()
    place = "contract.patch" if proposal.patch else "proposal.json"
    message = f"proposed for {first}: out/validate-data/{place}"
    record.find("data/proposal", message, level="notice", file=proposal.file)


def propose(root: Path, config: Config, source: Table) -> Proposal:
    """The contract that the rows allow, or the change that they ask for.

    Args:
        root: The project's folder.
        config: Its mlops.yaml.
        source: The table.

    Raises:
        ConfigError: There is a contract, and it cannot be meant.
        UndecidedError: The table cannot be read, or has no row that may be looked at.
    """
    table, task = config.table, config.model.task
    path = root / table.contract
    contract = contracts.load(root, table, task=task) if path.exists() else None
    before = None
    if contract is not None:
        before = path.read_bytes().decode()  # with its own line ends
    with connect() as connection, reading(table.path):
        scanned = scan(source, text=True)
        kinds = column_types(connection, scanned)
        for name in (table.key, table.target, *([table.file] if table.file else [])):
            if name not in kinds:
                raise UndecidedError(f"{table.path}: has no column {name!r}")
        # A row without a key belongs to no split, and the contract is to see it.
        where = f"coalesce({split_sql(table.key, table.split)} <> 'test', true)"
        view = View(connection, scanned, where)
        (rows,) = view.one("count(*)")
        if not rows:
            raise UndecidedError(f"{table.path}: no row that is not of the test split")
        (all_rows,) = view.ask(f"SELECT count(*) FROM {scanned}")
        typed = format_of(source) == "parquet"
        held = view if typed else _held(view)
        facts = study(held, kinds, typed=typed, key=table.key, target=table.target)
        about = hints(held, source, table, kinds, contract)
        for name in set(about) - {table.target}:  # no part of a value of theirs is written down
            facts[name] = replace(facts[name], regex="", values=None)
        if contract is None or before is None:
            schema = _schema(root, table.contract)
            text = draft(table, task, facts, about, rows=all_rows, schema=schema)
            proposal = Proposal(file=table.contract, before=None, text=text, rows=rows)
            proposal.left = [Left(*each) for each in of_rows(facts)]
        else:
            cells = Cells(contract, kinds, typed=typed)
            made, left = changes(view, cells, config, facts, about=about, all_rows=all_rows)
            text, made, left = _applied(before, made, left)
            tighter = suggestions(contract, config, facts)
            proposal = Proposal(
                file=table.contract, before=before, text=text, rows=rows, changes=made, left=left,
                tighter=tighter,
            )  # fmt: skip
    _check(proposal, config)
    return proposal


def _schema(root: Path, contract: str) -> str:
    """Where the schema lies, seen from the contract; empty if the project has none."""
    if not (root / SCHEMA).is_file():
        return ""
    return posixpath.relpath(SCHEMA, posixpath.dirname(contract) or ".")


def _held(view: View) -> View:
    """The rows in the database, which keeps on disk what is beyond its memory.

    Else every question about one column would read the whole file of texts again.
    """
    view.connection.execute(
        f"CREATE TEMP TABLE held AS SELECT * FROM {view.table} WHERE {view.where}"
    )
    return View(view.connection, "held", "true")


def _applied(
    text: str, made: list[Change], left: list[Left]
) -> tuple[str, list[Change], list[Left]]:
    """The text with the changes; one that its writing does not allow is left, and says so."""
    while True:
        try:
            return apply(text, [each.edit for each in made]), made, left
        except EditError as error:
            lost = next(each for each in made if each.edit is error.edit)
            made = [each for each in made if each is not lost]
            left = [*left, Left(lost.column, lost.key, f"{lost.why}; {error}")]


def _check(proposal: Proposal, config: Config) -> None:
    """That what is proposed is a contract; else this is a defect, and nothing is proposed."""
    with tempfile.TemporaryDirectory(prefix="mlops-contract-") as folder:
        path = Path(folder) / "contract.yaml"
        path.write_bytes(proposal.text.encode())
        try:
            contract = read_yaml(path, Contract, shown_as="the proposed contract")
        except ConfigError as error:
            raise UndecidedError(f"{error}. This is a defect of the step itself.") from None
    for key, problem in misfits(contract, config.table, task=config.model.task):
        raise UndecidedError(f"{proposal.file}: no contract can be proposed: {key}: {problem}")
