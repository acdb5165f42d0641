"""How long validate-data takes, beside reading the table and beside libraries with the same checks.

40 checks of 20 columns (`checks.py`), whole processes. validate-data also digests the table
(sha256, given beside), looks at split and target, and names the first failing rows of each check;
a library does none of this as it is called here.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.checks import checks, contract
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
from benchmarks.tables import FAULTS, SPOILT, Table, file

NAME = "validate"
MILLION = 1_000_000
STEPS = ROOT / "actions" / "mlops_steps"
LOCK = STEPS / "locks" / "validate-data.txt"
PEERS = ROOT / "benchmarks" / "peers"
#: The libraries, with what each needs in its environment to look at the data at all.
LIBRARIES = {
    "pandera": {"PANDERA_VALIDATION_DEPTH": "SCHEMA_AND_DATA"},
    "pointblank": {},
    "soda": {},
    "dataframely": {},
}
#: A library that takes more in its first run is left out; later runs may be unlucky.
LIMIT, UNLUCKY = Limit(seconds=60, gib=20), Limit(seconds=240, gib=20)
#: By million rows: the most that we may take of the read, the least that we are faster by.
OF_READ = {10: 1.5, 50: 1.8}
FASTER = {10: 2.0, 50: 2.5}
PEAK = 400  # MB
PLANTED_ROWS = 20_000

MLOPS_YAML = """\
model: {{name: orders, task: binary}}
data:
  inputs:
    orders:
      path: data/orders.{suffix}
      key: id
      target: label
      positive: "yes"
      split: {{by: hash, salt: orders-1, test: 0.2, valid: 0.1}}
      contract: data/contract.yaml
commands: {{train: "true", predict: "true", serve: "true", test: "true"}}
gate: {{test: [roc_auc >= 0.5], valid: [roc_auc >= 0.5]}}
"""


def run() -> Iterator[Figure]:
    """All figures; BENCH_ROWS (millions, as `1,10,50`) and BENCH_TIMES make it shorter."""
    sizes = [int(each) for each in os.environ.get("BENCH_ROWS", "1,10,50").split(",")]
    times = int(os.environ.get("BENCH_TIMES", "5"))
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as folder:
        place = Path(folder)
        yield _planted(place)
        for millions in sizes:
            yield from _parquet(place, millions, times)
        yield _gaps(place, min(10, max(sizes)), times)
        yield _csv(place, min(10, max(sizes)), times)


def _planted(place: Path) -> Figure:
    """Whether each program finds a single violation of each kind, and nothing in good data."""
    kinds = [*FAULTS, "rows"]
    tables = {kind: file(Table(kind="orders", rows=PLANTED_ROWS, faults=(kind,))) for kind in kinds}
    good = file(Table(kind="orders", rows=PLANTED_ROWS))

    def found(judge: Callable[[Path, int], Cost]) -> int:
        judge(good, 0)
        return sum(_is_red(judge, table) for table in tables.values())

    beside = {name: float(found(partial(_library, place, name))) for name in LIBRARIES}
    beside["pandera without its depth set"] = found(partial(_library, place, "pandera", env={}))
    value = found(_ours)
    figure = f"planted violations found, of {len(kinds)} kinds in {PLANTED_ROWS:,} rows"
    return at_least(NAME, figure, value, len(kinds), beside)


def _is_red(judge: Callable[[Path, int], Cost], table: Path) -> bool:
    try:
        judge(table, 1)
    except RuntimeError:
        judge(table, 0)  # it passes what is wrong; any other end is no verdict
        return False
    return True


def _parquet(place: Path, millions: int, times: int) -> Iterator[Figure]:
    rows = millions * MILLION
    good = file(Table(kind="orders", rows=rows))
    bad = file(Table(kind="orders", rows=rows, faults=tuple(FAULTS), share=SPOILT))
    runs: dict[str, Callable[[], Cost]] = {
        "read": lambda: reading(LOCK, good, place),
        "sha256 of the file": lambda: _digest(good),
        "ours": lambda: _ours(good, 0, rows=rows),
        "ours, failing": lambda: _ours(bad, 1, rows=rows),
    }
    left_out = []
    for name in LIBRARIES:
        try:
            _library(place, name, good, 0, rows=rows, limit=LIMIT)
        except TooMuchError as error:
            left_out.append(f"{name}: {error}")
        else:
            runs[name] = partial(_library, place, name, good, 0, rows=rows)
    found = medians(runs, times)
    walls = {f"{name}, s": each.wall for name, each in found.items()}
    peaks = {name: each.peak * 1.048576 for name, each in found.items()}
    ours, read = found["ours"].wall, found["read"].wall
    size = f"{millions} M rows"
    figure = f"{size}, as a multiple of reading every value"
    yield at_most(NAME, figure, ours / read, OF_READ.get(millions), walls)
    libraries = {name: found[name].wall for name in found if name in LIBRARIES}
    if libraries:
        fastest = min(libraries, key=lambda name: libraries[name])
        note = "".join(f" ({each})" for each in left_out)
        figure = f"{size}, times as fast as the fastest library, {fastest}{note}"
        value = libraries[fastest] / ours
        yield at_least(NAME, figure, value, FASTER.get(millions), libraries)
    yield at_most(NAME, f"{size}, peak MB, passing", peaks.pop("ours"), PEAK, peaks)
    failing = peaks.pop("ours, failing")
    yield at_most(NAME, f"{size}, peak MB, failing", failing, PEAK, {})
    figure = f"{size}, failing data as a multiple of passing data"
    yield at_most(NAME, figure, found["ours, failing"].wall / ours, 2, {})


def _gaps(place: Path, millions: int, times: int) -> Figure:
    """With keys that are any 32-bit numbers; above, they are those below the number of rows."""
    table = file(Table(kind="orders", rows=millions * MILLION, gaps=True))
    figure = f"{millions} M rows, keys with gaps, as a multiple of reading every value"
    return _of_read(place, table, millions, times, figure=figure, goal=None)


def _csv(place: Path, millions: int, times: int) -> Figure:
    table = file(Table(kind="orders", rows=millions * MILLION, suffix="csv"))
    figure = f"CSV of {millions} M rows, as a multiple of DuckDB's own read"
    return _of_read(place, table, millions, times, figure=figure, goal=OF_READ.get(millions))


def _of_read(
    place: Path, table: Path, millions: int, times: int, *, figure: str, goal: float | None
) -> Figure:
    runs = {
        "read": lambda: reading(LOCK, table, place),
        "ours": lambda: _ours(table, 0, rows=millions * MILLION),
    }
    found = medians(runs, times)
    beside = {f"{name}, s": each.wall for name, each in found.items()}
    beside["peak MB"] = found["ours"].peak * 1.048576
    return at_most(NAME, figure, found["ours"].wall / found["read"].wall, goal, beside)


def _digest(table: Path) -> Cost:
    code = "import hashlib, sys; hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256')"
    return cost([sys.executable, "-I", "-c", code, str(table)], table.parent)


def _ours(table: Path, allowed: int, *, rows: int = PLANTED_ROWS) -> Cost:
    """validate-data, from its door to its verdict, in a project that holds the table."""
    environment(LOCK)
    with tempfile.TemporaryDirectory(dir=table.parent) as folder:
        project = Path(folder)
        (project / "data").mkdir()
        # A link to the file itself; a step refuses a symbolic one.
        (project / "data" / f"orders{table.suffix}").hardlink_to(table)
        (project / "data" / "contract.yaml").write_text(json.dumps(contract(rows)))
        (project / "mlops.yaml").write_text(MLOPS_YAML.format(suffix=table.suffix[1:]))
        command = [sys.executable, "-I", str(STEPS / "enter.py"), "validate-data"]
        return cost(command, project, allowed=allowed)


def _library(
    place: Path,
    name: str,
    table: Path,
    allowed: int,
    *,
    rows: int = PLANTED_ROWS,
    env: dict[str, str] | None = None,
    limit: Limit = UNLUCKY,
) -> Cost:
    python = environment(PEERS / f"{name}.txt")
    wanted = place / f"checks-{rows}.json"
    wanted.write_text(json.dumps(checks(rows)))
    command = [str(python), "-I", str(PEERS / f"{name}.py"), str(table), str(wanted)]
    settings = LIBRARIES[name] if env is None else env
    return cost(command, place, settings, allowed=allowed, limit=limit)
