"""What a run took, wrote, measured and found: the record a step fills and its verdict file.

A step never opens another step's file by itself: `Record.take` digests it and compares it
with what the step that wrote it had recorded, so the chain of verdicts is the audit trail.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import msgspec

from mlops_steps import ci
from mlops_steps.config import Config
from mlops_steps.errors import UndecidedError
from mlops_steps.files import digest_of, write_json
from mlops_steps.spec import Status, Step

OUT = "out"
Level = Literal["error", "warning", "notice"]


class Figure(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A number with what is needed to believe it."""

    value: float | int | str
    unit: str = ""
    n: int | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""


class Finding(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One reason: `rule` is its stable id, `message` whole words with figure and bound."""

    rule: str
    level: Level
    message: str
    file: str | None = None
    line: int | None = None
    details: dict[str, str | int | float | None] = {}


class Verdict(msgspec.Struct, kw_only=True):
    """`out/<step>/verdict.json`. Digests are by path relative to the project."""

    step: str
    status: Status
    line: str
    lines: list[str] = []
    figures: dict[str, Figure] = {}
    findings: list[Finding] = []
    took: dict[str, str] = {}
    wrote: dict[str, str] = {}
    inputs: dict[str, str] = {}
    outputs: dict[str, str] = {}
    versions: dict[str, str] = {}
    commit: str | None = None
    run: str | None = None
    started: str = ""
    seconds: float = 0.0
    exit_code: int = 3
    format: Literal[1] = 1


class Record:
    """Handed to a step's `run`; whatever happens, `finish` writes what is in it.

    Attributes:
        root: The project's folder; every path in the verdict is relative to it.
        folder: Where this step writes: `<root>/out/<step>/`.
        config: mlops.yaml.
        inputs: The declared inputs, every one present, defaults filled in.
        verdict: What will be written.
    """

    def __init__(self, step: Step, root: Path, config: Config, inputs: dict[str, str]) -> None:
        """Start a record; nothing is written yet."""
        self.step = step
        self.root = root
        self.folder = root / OUT / step.name
        self.config = config
        self.inputs = inputs
        self._clock = time.monotonic()
        now = dt.datetime.now(dt.UTC)
        self.verdict = Verdict(
            step=step.name,
            status=Status.UNDECIDED,
            line="started, not finished",
            inputs=inputs,
            versions={"python": sys.version.split()[0]},
            commit=ci.commit(),
            run=ci.run_address(),
            started=now.isoformat(timespec="seconds"),
        )

    def relative(self, path: Path | str) -> str:
        """A path as the verdict names it: relative to the project, with forward slashes."""
        # One name for each file: `data/../out/x` is a file of `out` and is judged as one.
        full = Path(os.path.normpath(self.root / path))
        return (
            full.relative_to(self.root).as_posix() if full.is_relative_to(self.root) else str(full)
        )

    def take(self, path: Path | str) -> Path:
        """Note that a file or folder is read; what another step wrote must be as it left it.

        Raises:
            UndecidedError: It is missing, or changed since the step that wrote it.
        """
        full, name = self.root / path, self.relative(path)
        try:
            digest = digest_of(full)
        except OSError as error:
            reason = "not found" if isinstance(error, FileNotFoundError) else str(error)
            raise UndecidedError(f"{name}: {reason}") from None
        parts = Path(name).parts
        if (
            len(parts) > 2
            and parts[0] == OUT
            and parts[1] != self.step.name
            and parts[2] != "verdict.json"
        ):
            expected = self.read_verdict(parts[1]).wrote.get(name)
            if expected is None:
                raise UndecidedError(f"{name}: step {parts[1]} has no record of writing it")
            if expected != digest:
                raise UndecidedError(
                    f"{name}: changed since step {parts[1]} wrote it: {expected} then, {digest} now"
                )
        self.verdict.took[name] = digest
        return full

    @contextlib.contextmanager
    def taking(self, path: Path | str) -> Iterator[Path]:
        """The same; a file is digested beside what reads it in the block, and noted at its end.

        Raises:
            UndecidedError: As `take`, at the end of the block at the latest.
        """
        if not (self.root / path).is_file():
            yield self.take(path)
            return
        with ThreadPoolExecutor(1) as beside:
            noted = beside.submit(self.take, path)
            yield self.root / path
            noted.result()

    def read_verdict(self, step: str) -> Verdict:
        """The verdict of an earlier step of the same commit, digested like any other file.

        Raises:
            UndecidedError: Missing, unreadable, or of another commit.
        """
        path = self.root / OUT / step / "verdict.json"
        name = self.relative(path)
        try:
            verdict = msgspec.json.decode(path.read_bytes(), type=Verdict)
        except FileNotFoundError:
            raise UndecidedError(f"{name}: not found; step {step} has to run first") from None
        except (msgspec.MsgspecError, OSError) as error:
            raise UndecidedError(f"{name}: not a verdict ({error})") from None
        if verdict.step != step or verdict.commit != self.verdict.commit:
            raise UndecidedError(
                f"{name}: is of step {verdict.step} at commit {verdict.commit}, "
                f"wanted step {step} at commit {self.verdict.commit}"
            )
        self.verdict.took[name] = digest_of(path)
        return verdict

    def wrote(self, path: Path | str) -> None:
        """Note a file or folder as this step's work, with its digest as of now."""
        self.verdict.wrote[self.relative(path)] = digest_of(self.root / path)

    def figure(
        self,
        name: str,
        value: float | str,
        *,
        unit: str = "",
        n: int | None = None,
        interval: tuple[float, float] | None = None,
        method: str = "",
    ) -> None:
        """Note a number with its sample size, interval and method.

        Raises:
            UndecidedError: The value or the interval is NaN or infinite: such a thing is
                never compared with a bound.
        """
        if not isinstance(value, (str, int)):
            value = float(value)  # also what NumPy calls a float
        for number in (value, *(interval or ())):
            if not isinstance(number, str) and not math.isfinite(number):
                raise UndecidedError(f"{name} is {number}: not a number that can be judged")
        low, high = interval or (None, None)
        self.verdict.figures[name] = Figure(
            value=value, unit=unit, n=n, low=low, high=high, method=method
        )

    def find(
        self,
        rule: str,
        message: str,
        *,
        level: Level = "error",
        file: str | None = None,
        line: int | None = None,
        **details: str | float | None,
    ) -> None:
        """Note one finding; it becomes a line, an annotation and a row of the report."""
        for key, value in details.items():
            if isinstance(value, float) and not math.isfinite(value):
                details[key] = str(value)  # JSON has no such number
            elif isinstance(value, str):
                details[key] = _whole(value)
        message, file = _whole(message), _whole(file) if file else file
        self.verdict.findings.append(
            Finding(rule=rule, level=level, message=message, file=file, line=line, details=details)
        )

    def say(self, line: str, *more: str) -> None:
        """The one line that explains the verdict, and what stands below it."""
        self.verdict.line = _whole(line)
        self.verdict.lines = [_whole(each) for each in more]

    def output(self, name: str, value: str) -> None:
        """Set a declared output.

        Raises:
            KeyError: The step does not declare it.
        """
        if name not in {output.name for output in self.step.outputs}:
            raise KeyError(f"step {self.step.name} declares no output {name!r}")
        self.verdict.outputs[name] = _whole(value)

    def write(self) -> None:
        """Put the verdict on disk, whole."""
        self.verdict.seconds = round(time.monotonic() - self._clock, 3)
        write_json(self.folder / "verdict.json", msgspec.to_builtins(self.verdict))


def _whole(text: str) -> str:
    """Half a character, as in a file's name that is no UTF-8, by its number: no file takes it."""
    return text.encode(errors="backslashreplace").decode()
