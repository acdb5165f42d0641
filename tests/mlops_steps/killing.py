"""Kill a step before a chosen write, or at a chosen moment.

The step runs as it is, in a process that watches itself: an audit hook counts what Python is
about to do to files below some folders (`out/`, unless `under` names others), and what it is
about to send over HTTP to change something, and ends the process by SIGKILL before the n-th.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

ENTER = Path(__file__).resolve().parents[2] / "actions" / "mlops_steps" / "enter.py"
#: Audit events that change a folder, and the places among their arguments of each path and of
#: the open folder that it is relative to.
CHANGES = {
    "os.chmod": ((0, 2),),
    "os.link": ((0, 2), (1, 3)),
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.rmdir": ((0, 1),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, 2),),
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

READING = (b"GET ", b"HEAD ")


class Project(Protocol):
    """A project in a folder, and the variables of its steps."""

    @property
    def folder(self) -> Path: ...
    @property
    def env(self) -> dict[str, str]: ...


def count_writes(project: Project, step: str, *, under: Sequence[Path] = (), **inputs: str) -> int:
    """Run a step to its end; returns the number of its writes."""
    found = _finish(_start(project, step, 0, under, inputs))
    assert found.returncode == 0, found.stdout
    return int(found.stdout.splitlines()[-1])


def kill_before_write(
    project: Project, number: int, step: str, *, under: Sequence[Path] = (), **inputs: str
) -> None:
    """Kill a step before its n-th write, counted from 1."""
    found = _finish(_start(project, step, number, under, inputs))
    assert found.returncode == -signal.SIGKILL, found.stdout


def kill_after(project: Project, seconds: float, step: str, **inputs: str) -> bool:
    """Kill a step so many seconds after its start; whether it was still running."""
    process = _start(project, step, 0, (), inputs)
    time.sleep(seconds)
    process.kill()
    return _finish(process).returncode == -signal.SIGKILL


def _start(
    project: Project, step: str, number: int, under: Sequence[Path], inputs: dict[str, str]
) -> subprocess.Popen[str]:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in inputs.items()]
    places = os.pathsep.join(str(place.resolve()) for place in under or [project.folder / "out"])
    command = [sys.executable, "-I", __file__, str(number), places]
    return subprocess.Popen(
        [*command, step, *options],
        cwd=project.folder,
        env=project.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    try:
        text, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, text)


def _main(number: int, places: list[str], arguments: list[str]) -> int:
    """In the watched process: run the step, count, and die in time."""
    spec = importlib.util.spec_from_file_location("enter", ENTER)
    assert spec is not None
    assert spec.loader is not None
    enter = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(enter)
    count = 0

    def watch(event: str, values: tuple[Any, ...]) -> None:
        nonlocal count
        if event == "open":
            changes = isinstance(values[2], int) and values[2] & WRITING and _below(values[0], -1)
        elif event == "http.client.send":
            changes = not (isinstance(values[1], bytes) and values[1].startswith(READING))
        else:
            pairs = CHANGES.get(event, ())
            changes = any(_below(values[path], *values[at : at + 1]) for path, at in pairs)
        if changes:
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    def _below(path: object, folder: int = -1) -> bool:
        if not isinstance(path, (str, bytes, os.PathLike)):
            return False
        start = Path.cwd() if folder == -1 else Path(f"/proc/self/fd/{folder}").readlink()
        full = Path(os.path.normpath(start / os.fsdecode(path)))
        return any(full.is_relative_to(place) for place in places)

    sys.addaudithook(watch)
    code: int = enter.inside(arguments)
    print(count)
    return code


if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1]), sys.argv[2].split(os.pathsep), sys.argv[3:]))
