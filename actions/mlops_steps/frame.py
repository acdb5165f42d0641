"""The frame around every step: inputs in, verdict, outputs, annotations and exit code out."""

from __future__ import annotations

import contextlib
import errno
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

from mlops_steps import attempts, ci, commands, config, doors
from mlops_steps.errors import InfrastructureError, MlopsError, StoppedError
from mlops_steps.record import Record
from mlops_steps.spec import STEP_NAMES, Status, Step
from mlops_steps.yaml_file import did_you_mean

#: Popen's functions that know a new process before their caller does.
_STARTING = {"__init__", "_execute_child"}
EXIT_CODES = {Status.PASS: 0, Status.FAIL: 1, Status.UNDECIDED: 3}


def main(arguments: list[str]) -> int:
    """Run one step: `STEP [--INPUT VALUE …]`. Returns the exit code."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(doors.overview([load(name).STEP for name in STEP_NAMES]))
        return 0 if arguments else 2
    name, *rest = arguments
    if name not in STEP_NAMES:
        near = did_you_mean(name, list(STEP_NAMES))
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
        print(ci.quiet_commands(f"{name}: {error}"), file=sys.stderr)
        ci.annotate("error", str(error))
        attempts.leave_undecided(name, str(error), error.exit_code)
        return error.exit_code
    commands.withhold(record.config.credentials)
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
    stop = Stop()
    try:
        stop.listen()
        record.verdict.commit = record.verdict.commit or _head(record.root)
        # Undecided, "started, not finished": what a kill leaves behind. It comes before the
        # last run's files go, or a kill among them would leave the last run's verdict.
        record.write()
        _empty(record.folder)
        status = Status(load(step.name).run(record))
        stop.raises = False  # from here on a stop only leaves its name
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is not a pass
        stop.raises = False
        code = _explain(record, error, stop)
    else:
        record.verdict.status = status
        # Whatever swallowed the stop, what came after it is no verdict.
        code = _explain(record, stop.error(), stop) if stop.name else EXIT_CODES[status]
    if code == InfrastructureError.exit_code and not stop.name and attempts.retries():
        record.write()  # undecided, and why, should the next attempt never begin
        attempts.again(f"{step.name}: {record.verdict.line}", lambda: bool(stop.name))
        code = _explain(record, stop.error(), stop)  # it came in the pause
    stop.over()
    code = _finish(record, code)
    _show(record)
    return code


def _explain(record: Record, error: BaseException, stop: Stop) -> int:
    """Put into the verdict why the step ended early; returns the exit code."""
    if stop.name and not isinstance(error, StoppedError):
        # What was stopped may make another error of it: DuckDB says "Query interrupted".
        error = stop.error()
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        error = InfrastructureError(str(error))
    if not isinstance(error, (MlopsError, StoppedError)):
        record.verdict.status = Status.UNDECIDED
        record.say(f"{type(error).__name__}: {error}", "This is a defect of the step itself.")
        record.find("internal", f"{type(error).__name__}: {error}")
        if os.environ.get("MLOPS_DEBUG"):
            traceback.print_exception(error)
        return 3
    record.verdict.status = Status.FAIL if error.exit_code == 1 else Status.UNDECIDED
    first, *more = str(error).splitlines() or [type(error).__name__]
    record.say(first, *more)
    record.find(type(error).__name__.removesuffix("Error").lower(), str(error))
    return error.exit_code


def _finish(record: Record, code: int) -> int:
    """Write the verdict, then the outputs that a later job acts on; returns the exit code."""
    verdict = record.verdict
    verdict.exit_code = code
    verdict.outputs["status"] = str(verdict.status)
    try:
        record.write()
        ci.write_outputs(verdict.outputs, record.folder)
    except (MlopsError, OSError) as error:
        # Later jobs cannot learn of a verdict whose outputs could not be handed over.
        code = error.exit_code if isinstance(error, MlopsError) else 4
        verdict.status, verdict.exit_code = Status.UNDECIDED, code
        verdict.outputs["status"] = str(verdict.status)
        record.say(f"the verdict could not be handed over: {error}", verdict.line, *verdict.lines)
        record.find("handed-over", str(error))
        with contextlib.suppress(OSError):  # else "started, not finished" stays
            record.write()
    return code


def _empty(folder: Path) -> None:
    """Remove what the last run left, but for the verdict, which is this run's already."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != "verdict.json":
            entry.unlink()


class Stop:
    """SIGTERM and SIGINT, raised as StoppedError once, where that does no harm.

    Attributes:
        name: Of the signal that came first, or empty.
        raises: Whether a signal raises; else it only leaves its name.
    """

    def __init__(self) -> None:
        """Listen from now on."""
        self.name = ""
        self.raises = True
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(number, self._come)

    def listen(self) -> None:
        """Hear what came since the last attempt ended, which blocked it."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})

    def error(self) -> StoppedError:
        """What the stop is raised as."""
        return StoppedError(f"stopped by {self.name}; figures so far are kept")

    def over(self) -> None:
        """The end is near, and nothing may come between: not while Python winds up either."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)

    def _come(self, number: int, frame: FrameType | None) -> None:
        if number != signal.SIGALRM:
            self.name = self.name or signal.Signals(number).name
        if not self.name or not self.raises:
            return
        if _delicate(frame):
            signal.setitimer(signal.ITIMER_REAL, 0.02)  # ask again then
            return
        # A second signal must not interrupt what the first one sets off.
        self.raises = False
        raise self.error()


def _delicate(frame: FrameType | None) -> bool:
    """Whether an exception would do harm here.

    A compiled module that is being imported aborts the process, or is left half made; a
    destructor's exception is dropped; a program that was just started would not be known yet.
    """
    while frame is not None:
        code = frame.f_code
        importing = code.co_filename.startswith("<frozen importlib")
        starting = code.co_filename == subprocess.__file__ and code.co_name in _STARTING
        if importing or starting or code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


def _head(root: Path) -> str | None:
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or None


def _show(record: Record) -> None:
    verdict = record.verdict
    print(ci.quiet_commands(doors.verdict_text(verdict)), flush=True)
    order = {"error": 0, "warning": 1, "notice": 2}
    findings = sorted(verdict.findings, key=lambda finding: order[finding.level])
    for finding in findings[: ci.ANNOTATION_LIMIT]:
        ci.annotate(finding.level, finding.message, finding.file, finding.line)
    try:
        ci.write_summary(doors.verdict_markdown(verdict))
    except OSError as error:  # a page to look at; the verdict stands
        print(f"{verdict.step}: no summary: {error}", file=sys.stderr)
