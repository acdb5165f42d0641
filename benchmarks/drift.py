"""How long the monitor takes, beside reading the requests and beside libraries that find drift.

20 columns, of which three have moved by half a standard deviation or alike. The monitor reads
the stored profile of the training rows and the requests of a week, each key once; a library
reads both tables. Whole processes; a library's defaults.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import (
    ROOT,
    Cost,
    Figure,
    Limit,
    TooMuchError,
    at_least,
    at_most,
    cost,
    environment,
    medians,
    reading,
)
from benchmarks.tables import MOVED, Table, file

NAME = "drift"
MILLION = 1_000_000
STEPS = ROOT / "actions" / "mlops_steps"
PEERS = ROOT / "benchmarks" / "peers"
#: Those of which we are to be so many times as fast.
LIBRARIES = {"alibi_detect": 40.0, "nannyml": 40.0, "evidently": None}
#: What takes more than LIMIT with all rows, or is known to, gets so many millions.
FEWER, SLOW = 1, ("evidently",)
LIMIT = Limit(seconds=360, gib=20)
#: A library that takes so many seconds is run once.
LONG = 30
#: What some columns of the requests have moved by.
DRIFT = 0.5

MLOPS_YAML = """\
model: {name: orders, task: binary}
data:
  inputs:
    orders:
      path: data/orders.parquet
      key: key
      target: target
      positive: "yes"
      split: {by: hash, salt: orders-1, test: 0.2, valid: 0.1}
      contract: data/contract.yaml
commands: {train: "true", predict: "true", serve: "true", test: "true"}
gate: {test: [roc_auc >= 0.5], valid: [roc_auc >= 0.5]}
monitor: {log: data/requests.parquet}
"""


class Data(NamedTuple):
    """The tables of one size, and a registry whose champion was trained on the reference."""

    millions: int
    reference: Path
    same: Path
    moved: Path
    state: Path


def run() -> Iterator[Figure]:
    """All figures; BENCH_ROWS (millions: the largest counts, up to 10) and BENCH_TIMES cut it."""
    sizes = [int(each) for each in os.environ.get("BENCH_ROWS", "10").split(",")]
    times = int(os.environ.get("BENCH_TIMES", "5"))
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as folder:
        place = Path(folder)
        data = _data(place, min(10, max(sizes)))
        found = medians(
            {
                "read": partial(_read, place, data.moved),
                "ours, nothing moved": partial(_ours, place, data, data.same),
                "ours": partial(_ours, place, data, data.moved),
            },
            times,
        )
        yield from _of_the_read(data, found)
        judged = _judged("ours", place / "moved.json")
        judged |= {"ours, nothing moved": float(len(_drifted(place / "same.json")))}
        ours = {data.millions: found["ours"]}
        for name, least in LIBRARIES.items():
            theirs, millions, note = _library(place, name, data, times)
            if millions not in ours:
                fewer = _data(place, millions)
                runs = {"ours": partial(_ours, place, fewer, fewer.moved)}
                ours |= {millions: medians(runs, times)["ours"]}
            yield _times_as_fast(f"{name}, {millions} M{note}", theirs, ours[millions], least)
            judged |= _judged(name, place / f"{name}.json")
        value = judged.pop("ours")
        figure = f"moved columns found, of {len(MOVED)}; beside: unmoved ones called drifted, too"
        yield at_least(NAME, figure, value, len(MOVED), judged)


def _data(place: Path, millions: int) -> Data:
    rows = millions * MILLION
    data = Data(
        millions=millions,
        reference=file(Table(kind="reference", rows=rows)),
        same=file(Table(kind="requests", rows=rows)),
        moved=file(Table(kind="requests", rows=rows, drift=DRIFT)),
        state=place / f"state-{millions}",
    )
    project = place / f"trained-{millions}"
    if not project.exists():
        project.mkdir()
        (project / "mlops.yaml").write_text(MLOPS_YAML)
        arguments = [str(data.reference), str(project), str(data.state)]
        command = [sys.executable, "-m", "benchmarks.champion", *arguments]
        subprocess.run(command, cwd=ROOT, check=True)
    return data


def _of_the_read(data: Data, found: dict[str, Cost]) -> Iterator[Figure]:
    size = f"{data.millions} M requests"
    walls = {f"{name}, s": each.wall for name, each in found.items()}
    value = found["ours"].wall / found["read"].wall
    goal = 4.0 if data.millions == 10 else None
    yield at_most(NAME, f"{size}, as a multiple of reading every value", value, goal, walls)
    peaks = {name: each.peak * 1.048576 for name, each in found.items()}
    yield at_most(NAME, f"{size}, peak MB", peaks.pop("ours"), 500, peaks)


def _times_as_fast(name: str, theirs: Cost, ours: Cost, least: float | None) -> Figure:
    value = theirs.wall / ours.wall
    beside = {
        "theirs, s": theirs.wall,
        "ours, s": ours.wall,
        "their peak MB": theirs.peak * 1.048576,
    }
    return at_least(NAME, f"times as fast as {name}", value, least, beside)


def _judged(name: str, found: Path) -> dict[str, float]:
    """Of the columns that it calls drifted: those that have moved, and those that have not."""
    drifted = _drifted(found)
    right = drifted.intersection(MOVED)
    return {name: float(len(right)), f"{name}, unmoved": float(len(drifted - right))}


def _drifted(found: Path) -> set[str]:
    return set(json.loads(found.read_text()))


def _library(place: Path, name: str, data: Data, times: int) -> tuple[Cost, int, str]:
    """Cost, million rows, and a note where they had to be fewer."""
    if name not in SLOW:
        try:
            return _repeated(place, name, data, times), data.millions, ""
        except TooMuchError as error:
            note = f" ({error} with {data.millions} M)"
    else:
        note = ""
    data = _data(place, min(FEWER, data.millions))
    return _repeated(place, name, data, times), data.millions, note


def _repeated(place: Path, name: str, data: Data, times: int) -> Cost:
    python = environment(PEERS / f"{name}.txt")
    tables = [str(data.reference), str(data.moved)]
    found = str(place / f"{name}.json")
    command = [str(python), "-I", str(PEERS / f"{name}.py"), *tables, found]
    first = cost(command, place, limit=LIMIT)
    if first.wall > LONG:
        return first
    return medians({name: lambda: cost(command, place, limit=LIMIT)}, times, warm=0)[name]


def _read(place: Path, table: Path) -> Cost:
    return reading(STEPS / "locks" / "monitor.txt", table, place)


def _ours(place: Path, data: Data, table: Path) -> Cost:
    """The step monitor, from its door to its verdict, as if it had never run before."""
    environment(STEPS / "locks" / "monitor.txt")
    with tempfile.TemporaryDirectory(dir=table.parent) as folder:
        project = Path(folder)
        (project / "data").mkdir()
        (project / "data" / "requests.parquet").hardlink_to(table)
        (project / "mlops.yaml").write_text(MLOPS_YAML)
        # It remembers what it has seen, and what it may spend on false alarms.
        shutil.copytree(data.state, project / "state")
        command = [sys.executable, "-I", str(STEPS / "enter.py"), "monitor"]
        measured = cost(command, project, {"MLOPS_STATE": str(project / "state")})
        columns = json.loads((project / "out" / "monitor" / "drift.json").read_text())["columns"]
    drifted = [each["name"] for each in columns if each["drifted"]]
    target = place / f"{'same' if table == data.same else 'moved'}.json"
    target.write_text(json.dumps(drifted))
    return measured
