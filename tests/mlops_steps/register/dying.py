"""Kill a step at its n-th write, or after some time, to see what that leaves behind.

    for number in itertools.count(1):
        ran = killed_at_write(sample, "train", number, under=[sample.folder / "out" / "train"])
        if not was_killed(ran):
            break  # it ended before it came to write that often
        ...

A write is counted before it happens, by Python's own audit events, so that the step runs
unchanged: a file opened for writing, and anything made, moved or removed below one of the
folders in `under`, and what is sent over HTTP to change something.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.mlops_steps.conftest import Ran, Sample

_MOVING = {"os.rename", "os.link", "os.symlink"}
#: Events, and where each tells the open folder that its path is relative to.
_CHANGING = {"os.mkdir": 2, "os.remove": 1, "os.rmdir": 1, "os.truncate": 2}


def killed_at_write(
    sample: Sample, step: str, number: int, *, under: Sequence[Path], **inputs: str
) -> Ran:
    """Run a step and let it die by SIGKILL just before its n-th write (from 1)."""
    python, _, *rest = sample.command(step, **inputs)
    places = [str(place.resolve()) for place in under]
    command = [python, "-I", "-B", __file__, json.dumps([number, places]), *rest]
    return _run(sample, step, command, None)


def killed_after(sample: Sample, step: str, seconds: float, **inputs: str) -> Ran:
    """Run a step and let it die by SIGKILL after some time, if it still runs then."""
    return _run(sample, step, sample.command(step, **inputs), seconds)


def was_killed(ran: Ran) -> bool:
    """Whether the step died; else it came to its own end."""
    return ran.code == -signal.SIGKILL


def _run(sample: Sample, step: str, command: list[str], seconds: float | None) -> Ran:
    from tests.mlops_steps.conftest import Ran

    process = subprocess.Popen(
        command,
        cwd=sample.folder,
        env=sample.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        text, _ = process.communicate(timeout=300 if seconds is None else seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        text, _ = process.communicate(timeout=60)
    path = sample.folder / "out" / step / "verdict.json"
    verdict = json.loads(path.read_text()) if path.exists() else {}
    return Ran(process.returncode, text, verdict)


def _watch(number: int, places: list[str]) -> None:
    """From here on every write is counted; the n-th does not happen any more."""
    left = number

    def below(path: object, folder: object = -1) -> bool:
        if not isinstance(path, str | os.PathLike):
            return False
        start = Path.cwd() if folder == -1 else Path(f"/proc/self/fd/{folder}").readlink()
        full = Path(os.path.normpath(start / path))
        return any(full.is_relative_to(place) for place in places)

    def is_write(event: str, arguments: tuple[object, ...]) -> bool:
        if event == "open":
            path, _, flags = arguments
            return isinstance(flags, int) and flags & os.O_ACCMODE != os.O_RDONLY and below(path)
        if event in _MOVING:
            return below(arguments[0]) or below(arguments[1])
        if event in _CHANGING:
            return below(arguments[0], *arguments[_CHANGING[event] :][:1])
        if event == "http.client.send":
            block = arguments[1]
            return not (isinstance(block, bytes) and block.startswith((b"GET ", b"HEAD ")))
        return False

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if is_write(event, arguments):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


if __name__ == "__main__":
    _watch(*json.loads(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
