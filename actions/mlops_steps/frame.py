"""The frame around every step: inputs in, verdict, outputs, annotations and exit code out."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Protocol, cast

from mlops_steps import ci, config, doors, enter
from mlops_steps.errors import ConfigError, MlopsError, StoppedError
from mlops_steps.record import Record
from mlops_steps.spec import STEP_NAMES, Status, Step

EXIT_CODES = {Status.PASS: 0, Status.FAIL: 1, Status.UNDECIDED: 3}


def main(arguments: list[str]) -> int:
    """Run one step: `STEP [--INPUT VALUE …]`. Returns the exit code."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(doors.overview([load(name).STEP for name in STEP_NAMES]))
        return 0 if arguments else 2
    name, *rest = arguments
    if name not in STEP_NAMES:
        near = config.did_you_mean(name, list(STEP_NAMES))
        print(f"unknown step {name!r}{near}. Steps: {', '.join(STEP_NAMES)}", file=sys.stderr)
        return 2
    step = load(name).STEP
    if "-h" in rest or "--help" in rest:
        print(doors.help_text(step))
        return 0
    root = Path.cwd()
    try:
        inputs = doors.read_inputs(step, rest, os.environ)
        record = Record(step, root, config.load(root), inputs)
    except MlopsError as error:
        print(f"{name}: {error}", file=sys.stderr)
        ci.annotate("error", str(error))
        enter.leave_undecided(name, str(error), error.exit_code)
        return error.exit_code
    return run(step, record)


class Room(Protocol):
    """What a step's `step.py` holds."""

    STEP: Step

    def run(self, record: Record) -> Status:
        """Do the job; note everything in the record."""


def load(name: str) -> Room:
    """A step's room, by the step's name."""
    room = importlib.import_module(f"mlops_steps.{name.replace('-', '_')}.step")
    return cast("Room", room)


def run(step: Step, record: Record) -> int:
    """Run a step's body so that its verdict file is true at every moment."""
    record.verdict.commit = record.verdict.commit or _head(record.root)
    # Undecided, "started, not finished": what a kill leaves behind. It comes before the last
    # run's files go, or a kill among them would leave the last run's verdict.
    record.write()
    _empty(record.folder)
    code = 3
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        status = load(step.name).run(record)
        record.verdict.status = status
        code = EXIT_CODES[status]
    except MlopsError as error:
        record.verdict.status = Status.FAIL if error.exit_code == 1 else Status.UNDECIDED
        code = error.exit_code
        first, *more = str(error).splitlines() or [type(error).__name__]
        record.say(first, *more)
        record.find(type(error).__name__.removesuffix("Error").lower(), str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not a pass
        record.say(f"{type(error).__name__}: {error}", "This is a defect of the step itself.")
        record.find("internal", f"{type(error).__name__}: {error}")
        if os.environ.get("MLOPS_DEBUG"):
            traceback.print_exc()
    record.verdict.exit_code = code
    record.verdict.outputs["status"] = str(record.verdict.status)
    record.write()
    _show(record)
    return code


def _empty(folder: Path) -> None:
    """Remove what the last run left, but for the verdict, which is this run's already."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != "verdict.json":
            entry.unlink()


def _stop(number: int, _frame: FrameType | None) -> None:
    # A second signal must not interrupt the writing of what the first one left.
    signal.signal(number, signal.SIG_IGN)
    raise StoppedError(f"stopped by {signal.Signals(number).name}; figures so far are kept")


def _head(root: Path) -> str | None:
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or None


def _show(record: Record) -> None:
    verdict = record.verdict
    print(doors.verdict_text(verdict), flush=True)
    order = {"error": 0, "warning": 1, "notice": 2}
    findings = sorted(verdict.findings, key=lambda finding: order[finding.level])
    for finding in findings[: ci.ANNOTATION_LIMIT]:
        ci.annotate(finding.level, finding.message, finding.file, finding.line)
    ci.write_summary(doors.verdict_markdown(verdict))
    try:
        ci.write_outputs(verdict.outputs, record.folder)
    except ConfigError as error:
        print(f"{verdict.step}: {error}", file=sys.stderr)
