"""What the benchmarks share: a command's time and memory, and a figure as a line of JSON."""

from __future__ import annotations

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Cost:
    """What one run of a command cost, its children included.

    Attributes:
        wall: Seconds by the clock.
        cpu: Seconds of processors, user and system.
        peak: MiB of the largest process.
    """

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Limit:
    """What a peer may cost at most, lest it take the machine from the others."""

    seconds: float
    gib: float


class TooMuchError(RuntimeError):
    """A command was ended because it took more than it may."""


@dataclass(frozen=True)
class Figure:
    """One figure of a benchmark, beside its goal.

    Attributes:
        bench: The benchmark's name.
        figure: What was measured, with its unit.
        value: The median.
        goal: In words; empty where there is none.
        holds: Whether the goal is kept; None where there is none.
        beside: Other figures of the same run, by name.
    """

    bench: str
    figure: str
    value: float
    goal: str = ""
    holds: bool | None = None
    beside: Mapping[str, float] | None = None


def at_most(
    bench: str, figure: str, value: float, limit: float | None, beside: Mapping[str, float]
) -> Figure:
    """A figure whose goal is an upper limit, if it has a goal."""
    rounded = {name: round(each, 3) for name, each in beside.items()}
    if limit is None:
        return Figure(bench, figure, round(value, 3), beside=rounded)
    return Figure(bench, figure, round(value, 3), f"<= {limit:g}", value <= limit, rounded)


def at_least(
    bench: str, figure: str, value: float, limit: float | None, beside: Mapping[str, float]
) -> Figure:
    """A figure whose goal is a lower limit, if it has a goal."""
    rounded = {name: round(each, 3) for name, each in beside.items()}
    if limit is None:
        return Figure(bench, figure, round(value, 3), beside=rounded)
    return Figure(bench, figure, round(value, 3), f">= {limit:g}", value >= limit, rounded)


def cost(
    command: Sequence[str],
    folder: Path,
    env: Mapping[str, str] | None = None,
    allowed: int = 0,
    limit: Limit | None = None,
) -> Cost:
    """Run a command to its end, as a whole process.

    On Linux a process inherits the peak of the one that starts it, across exec: whoever
    measures memory keeps small.

    Raises:
        TooMuchError: It took more than `limit`, and was killed.
        RuntimeError: It ended with another code than `allowed`.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        list(command),
        cwd=folder,
        env=dict(os.environ) | dict(env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        ended, reasons = threading.Event(), list[str]()
        if limit:
            watched = (process.pid, limit, ended, reasons)
            threading.Thread(target=_watch, args=watched, daemon=True).start()
        said = process.stdout.read() if process.stdout else b""
        _, status, used = os.wait4(process.pid, 0)
        ended.set()
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if reasons:
        raise TooMuchError(reasons[0])
    if process.returncode != allowed:
        raise RuntimeError(f"{' '.join(command)}: {process.returncode}\n{said.decode()[-2000:]}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _watch(pid: int, limit: Limit, ended: threading.Event, reasons: list[str]) -> None:
    """Kill a process when it takes too much; its memory is only seen where there is /proc."""
    end = time.monotonic() + limit.seconds
    statm = Path(f"/proc/{pid}/statm")
    page = os.sysconf("SC_PAGE_SIZE")
    while not ended.wait(0.1):
        try:
            held = int(statm.read_text().split()[1]) * page / 1024**3
        except (OSError, IndexError):
            held = 0.0
        late = time.monotonic() > end
        if late or held > limit.gib:
            reasons.append(f"over {limit.seconds:g} s" if late else f"over {limit.gib:g} GiB")
            os.kill(pid, signal.SIGKILL)
            return


def medians(
    runs: Mapping[str, Callable[[], Cost]], times: int, *, warm: int = 1
) -> dict[str, Cost]:
    """Each run `times` times after `warm` ones, in turns, so that noise meets all alike."""
    found: dict[str, list[Cost]] = {name: [] for name in runs}
    for turn in range(warm + times):
        for name, run in runs.items():
            measured = run()
            if turn >= warm:
                found[name].append(measured)
    return {
        name: Cost(
            statistics.median(each.wall for each in costs),
            statistics.median(each.cpu for each in costs),
            statistics.median(each.peak for each in costs),
        )
        for name, costs in found.items()
    }


def environment(lock: Path) -> Path:
    """The interpreter of an environment that a lock describes, built if it does not stand."""
    enter = ROOT / "actions" / "mlops_steps" / "enter.py"
    command = [sys.executable, "-I", str(enter), "--build", str(lock)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return Path(found.stdout.strip().splitlines()[-1])


def reading(lock: Path, table: Path, folder: Path) -> Cost:
    """What it costs DuckDB to read every value of a table, under the steps' memory limit."""
    # As text: to import it would load DuckDB, and every process started from here would seem
    # to have needed that memory.
    steps = (ROOT / "actions" / "mlops_steps" / "data" / "tables.py").read_text()
    (limit,) = re.findall(r'^MEMORY_LIMIT = "(.*)"$', steps, re.MULTILINE)
    program = str(ROOT / "benchmarks" / "reading.py")
    return cost([str(environment(lock)), "-I", program, str(table), limit], folder)


def line(figure: Figure) -> str:
    """A figure as one line of JSON."""
    return json.dumps({name: value for name, value in asdict(figure).items() if value is not None})
