"""Run one benchmark or all: `python -m benchmarks [NAME ...]`.

Prints a line of JSON for each figure, and puts them on the page RESULTS.md in the place of those
of the same benchmark; ends with 1 if a goal is not kept.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from pathlib import Path

from benchmarks.measure import ROOT, Figure, line

NAMES = ("startup", "engines", "validate", "drift")
#: What makes a run shorter, and its figures none for the page.
SHORTER = {"BENCH_ROWS", "BENCH_TIMES"}
PAGE = ROOT / "benchmarks" / "RESULTS.md"


def main(wanted: list[str]) -> int:
    """Run those that are wanted, and write their part of RESULTS.md."""
    for name in wanted:
        if name not in NAMES:
            print(f"unknown benchmark {name!r}. Known: {', '.join(NAMES)}", file=sys.stderr)
            return 2
    figures: list[Figure] = []
    for name in wanted or NAMES:
        for figure in importlib.import_module(f"benchmarks.{name}").run():
            print(line(figure), flush=True)
            figures.append(figure)
    if not SHORTER & os.environ.keys():
        write(figures)
    return 0 if all(figure.holds is not False for figure in figures) else 1


def write(figures: list[Figure], path: Path = PAGE) -> None:
    """Put figures on the page; what it says of other benchmarks stays."""
    before = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    measured = {figure.bench for figure in figures}
    rows: list[str] = []
    for name in NAMES:
        if name in measured:
            rows += [_row(figure) for figure in figures if figure.bench == name]
        else:
            rows += [row for row in before if row.startswith(f"| {name} |")]
    path.write_text(_head() + "".join(rows), encoding="utf-8")


def _head() -> str:
    """What stands above the figures, with the machine that they were measured on."""
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    return f"""\
<!-- Written by `make bench`. Do not edit. -->
# What the benchmarks measured

`make bench` runs all and writes this page, `make bench B=<name>` one and its rows. Medians; each
figure and those beside it come from one run, in turns. Measured on {machine}, Python \
{platform.python_version()}; the machine was shared, so read ratios, not seconds.

| benchmark | figure | value | goal | holds | beside |
| --- | --- | --- | --- | --- | --- |
"""


def _row(figure: Figure) -> str:
    holds = {True: "yes", False: "no", None: ""}[figure.holds]
    beside = ", ".join(f"{name} {value:g}" for name, value in (figure.beside or {}).items())
    cells = (figure.bench, figure.figure, f"{figure.value:g}", figure.goal, holds, beside)
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
