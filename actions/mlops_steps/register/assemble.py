"""What goes into a version, and what keeps a model from becoming one."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_steps.data.attached import attached
from mlops_steps.data.sources.taking import FOLDER as COPY
from mlops_steps.data.sources.taking import own_files
from mlops_steps.data.split import SPLITS
from mlops_steps.errors import ConfigError
from mlops_steps.record import OUT, Verdict
from mlops_steps.source import copy_tracked, end_of, uncommitted
from mlops_steps.spec import Status

if TYPE_CHECKING:
    from mlops_steps.record import Record

#: The steps that let a model in; their records become part of the version.
STEPS = ("gate", "evaluate", "train", "validate-data")
MODEL = f"{OUT}/train/model"


@dataclass(frozen=True)
class Refusal:
    """Why nothing is registered, and with which status that ends."""

    status: Status
    line: str
    lines: tuple[str, ...]


def refusal(verdicts: Mapping[str, Verdict]) -> Refusal | None:
    """The first reason not to register, the gate's before all others; None if there is none."""
    for step in STEPS:
        verdict = verdicts[step]
        if verdict.status is not Status.PASS:
            status = Status.FAIL if verdict.status is Status.FAIL else Status.UNDECIDED
            lines = (f"{step} ended {verdict.status}: {verdict.line}", *verdict.lines)
            return Refusal(status, f"{step} has not passed; nothing was registered", lines)
    for step in STEPS:
        split = verdicts[step].inputs.get("split")
        if split != "test":
            line = f"judged by {split or 'no'} rows; nothing was registered"
            why = f"{step} ran with split {split}: only what the test rows judged is registered"
            return Refusal(Status.UNDECIDED, line, (why,))
    return None


@contextmanager
def version_folder(record: Record, verdicts: Mapping[str, Verdict]) -> Iterator[Path]:
    """The version, assembled below the step's own folder and removed from there in the end.

    Raises:
        ConfigError: The working tree is not the commit.
        UndecidedError: Something is missing, or changed since the step that wrote it.
    """
    folder = record.folder / "version"
    try:
        shutil.copytree(record.take(MODEL), folder / "model", symlinks=True)
        _source(record, folder / "source")
        for step, verdict in verdicts.items():
            _records(record, step, verdict, folder / "records" / step)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _source(record: Record, target: Path) -> None:
    """The commit's files without the data; a link becomes a copy of what it leads to of them."""
    changed = uncommitted(record.root)
    if changed:
        shown = ", ".join(changed[:5]) + (" and more" if len(changed) > 5 else "")
        raise ConfigError(
            f"not committed: {shown}. A version holds the source of its commit: commit, then "
            "train again; nothing was registered"
        )
    data = {
        path
        for table in record.config.data.inputs.values()
        for path in (
            *own_files(record.root, table),
            *attached(record.root, table, splits=SPLITS).all,
        )
    }
    names = copy_tracked(record.root, target, without=data)
    for name in names:
        if (target / name).is_symlink():
            _follow(record.root, target, name, names, data)


def _follow(
    root: Path, target: Path, name: str, names: Sequence[str], data: Collection[str]
) -> None:
    """Put in the place of a link what it leads to, as far as that is in the version itself.

    Raises:
        ConfigError: It leads to what is not of the commit: git's own folder, a step's output.
    """
    copy, end = target / name, end_of(root / name).relative_to(root.resolve()).as_posix()
    copy.unlink()
    if end in data:
        return
    files = [each for each in names if not (root / each).is_symlink()]
    if end in files:
        shutil.copy(root / end, copy)
        return
    below = [each for each in files if end == "." or each.startswith(f"{end}/")]
    if not below and not any(each.startswith(f"{end}/") for each in data):
        raise ConfigError(
            f"{name}: is a link to {end}, which is no file of the commit. A version holds the "
            "source of its commit: take the link out of the repository; nothing was registered"
        )
    for each in below:
        place = copy / each.removeprefix(f"{end}/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / each, place)


def _records(record: Record, step: str, verdict: Verdict, target: Path) -> None:
    """A step's verdict, and what it noted as its work, each file as that step left it."""
    home = f"{OUT}/{step}"
    for name in verdict.wrote:
        if not name.startswith(f"{home}/") or f"{name}/".startswith((f"{MODEL}/", f"{COPY}/")):
            continue
        taken, copy = record.take(name), target / name.removeprefix(f"{home}/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        if taken.is_dir():
            shutil.copytree(taken, copy, dirs_exist_ok=True)
        else:
            shutil.copy(taken, copy)
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(record.root / home / "verdict.json", target / "verdict.json")
