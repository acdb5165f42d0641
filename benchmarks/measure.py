"""What the benchmarks share: a command's time and memory, and a figure as a line of JSON."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
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
    bench: str, figure: str, value: float, limit: float, beside: Mapping[str, float]
) -> Figure:
    """A figure whose goal is an upper limit."""
    rounded = {name: round(each, 3) for name, each in beside.items()}
    return Figure(bench, figure, round(value, 3), f"<= {limit:g}", value <= limit, rounded)


def cost(
    command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None, allowed: int = 0
) -> Cost:
    """Run a command to its end, as a whole process.

    Raises:
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
        said = process.stdout.read() if process.stdout else b""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode != allowed:
        raise RuntimeError(f"{' '.join(command)}: {process.returncode}\n{said.decode()[-2000:]}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def medians(runs: Mapping[str, Callable[[], Cost]], times: int) -> dict[str, Cost]:
    """Each run `times` times after one that warms up, in turns, so that noise meets all alike."""
    found: dict[str, list[Cost]] = {name: [] for name in runs}
    for turn in range(times + 1):
        for name, run in runs.items():
            measured = run()
            if turn:
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


def line(figure: Figure) -> str:
    """A figure as one line of JSON."""
    return json.dumps({name: value for name, value in asdict(figure).items() if value is not None})
