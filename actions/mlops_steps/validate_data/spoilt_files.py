"""Prove the checks of files: rows that name wrong ones, and copies of a file that are spoilt."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from mlops_steps.config import Config
from mlops_steps.data.attached import flaw, located
from mlops_steps.data.split import split_sql
from mlops_steps.data.tables import identifier
from mlops_steps.validate_data.contract import Counts
from mlops_steps.validate_data.files import check_files
from mlops_steps.validate_data.planting import Sample, Unplanted, must_fail
from mlops_steps.validate_data.whole import FORMS

_FILE_WORDS = {
    "size": "a file that is too small, or too large",
    "whole": "the first half of a file",
    "once": "a copy of a file",
}
_LARGEST = 100_000_000
#: Rows of a manifest whose files are looked at.
_FILES = 50


def checks_of_files(sample: Sample) -> list[str]:
    """The kinds of checks that there are of the files of a manifest."""
    asked = [kind for kind in _FILE_WORDS if getattr(sample.cells.contract.files, kind, None)]
    return ["file", "listed", "leak", *asked]


def spoil_files(sample: Sample, config: Config, root: Path, kind: str) -> str:
    """Plant what breaks a check of files; returns what it was.

    Raises:
        Unplanted: Nothing could be planted.
        Missed: What was planted did not turn red.
    """
    table = config.table
    name, key = identifier(table.file or ""), identifier(table.key)
    split = split_sql(table.key, table.split)
    words = {
        "file": "a file that is not there",
        "listed": "one file in all rows",
        "leak": "one file on two sides of the split",
        **_FILE_WORDS,
    }[kind]
    if not sample.base(f"{name} IS NOT NULL AND {key} IS NOT NULL AND ({split}) IS NOT NULL"):
        raise Unplanted("no row names a file")
    view = sample.based()
    (sides,) = view.ask(f"SELECT count(DISTINCT {split}) FROM {view.table}")
    if kind == "leak" and sides < 2:
        raise Unplanted("all rows that were tried are on one side of the split")
    first = f"(SELECT any_value({name}) FROM proof_base)"
    (original,) = view.ask(f"SELECT CAST({first} AS VARCHAR)")
    if kind in _FILE_WORDS:
        if problem := flaw(root, table, original):
            raise Unplanted(f"the file to spoil cannot be read: {problem}")
        _spoilt_file(sample, config, root / located(table, original), kind)
        return words
    value = "'not-there/at all'" if kind == "file" else first
    chosen = f"(FROM proof_base QUALIFY row_number() OVER (PARTITION BY {split}) <= {_FILES})"
    view = sample.filled(table.file or "", value, source=chosen)
    results = check_files(view, table, root, list(sample.cells.kinds))
    must_fail(next(each for each in results if each.check == kind), words)
    return words


def _spoilt_file(sample: Sample, config: Config, file: Path, kind: str) -> None:
    """Judge a project of two files: one as it is in the user's, and one that is spoilt."""
    table, files = config.table, sample.cells.contract.files
    if files:
        files = msgspec.structs.replace(files, tolerate=0)  # one file of two is spoilt
    size = (files and files.size) or Counts()
    if max(size.max or 0, file.stat().st_size) > _LARGEST:
        raise Unplanted(f"a file of more than {_LARGEST:,} bytes is needed")
    content = file.read_bytes()
    if kind == "size":
        spoilt = content[: (size.min or 1) - 1] if size.max is None else bytes(size.max + 1)
    else:
        spoilt = content[: len(content) // 2] if kind == "whole" else content
    with tempfile.TemporaryDirectory(prefix="mlops-proof-") as folder:
        place = Path(folder) / table.path
        place.parent.mkdir(parents=True)
        place.write_bytes(b"")
        names = [f"proof-{number}{file.suffix}" for number in (1, 2)]
        for name, each in zip(names, (content, spoilt), strict=True):
            (place.parent / name).write_bytes(each)
        view = sample.fill(table.file or "", [names[0], names[1]])
        results = check_files(view, table, Path(folder), list(sample.cells.kinds), files)
    found = next(each for each in results if each.check == kind)
    if kind == "whole" and found.status != "fail" and file.suffix.lower() not in FORMS:
        raise Unplanted(f"nothing tells whether a file {file.suffix} is whole")
    must_fail(found, _FILE_WORDS[kind])
