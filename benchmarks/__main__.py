"""Run one benchmark or all: `python -m benchmarks [NAME ...]`.

Prints a line of JSON for each figure; ends with 1 if a goal is not kept.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys

from benchmarks.measure import ROOT, Figure, line

NAMES = ("startup", "engines", "validate", "drift")


def main(wanted: list[str]) -> int:
    """Run those that are wanted; of all, also write RESULTS.md."""
    for name in wanted:
        if name not in NAMES:
            print(f"unknown benchmark {name!r}. Known: {', '.join(NAMES)}", file=sys.stderr)
            return 2
    figures: list[Figure] = []
    for name in wanted or NAMES:
        for figure in importlib.import_module(f"benchmarks.{name}").run():
            print(line(figure), flush=True)
            figures.append(figure)
    if not wanted:
        (ROOT / "benchmarks" / "RESULTS.md").write_text(page(figures), encoding="utf-8")
    return 0 if all(figure.holds is not False for figure in figures) else 1


def page(figures: list[Figure]) -> str:
    """The figures as a page, with the machine that they were measured on."""
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    head = f"""\
<!-- Written by `make bench`. Do not edit. -->
# What the benchmarks measured

`make bench B=<name>` runs one, `make bench` all and writes this page. Medians; each figure and
those beside it come from one run, in turns. Measured on {machine}, Python \
{platform.python_version()}; the machine was shared, so read ratios, not seconds.

| benchmark | figure | value | goal | holds | beside |
| --- | --- | --- | --- | --- | --- |
"""
    return head + "".join(_row(figure) for figure in figures)


def _row(figure: Figure) -> str:
    holds = {True: "yes", False: "no", None: ""}[figure.holds]
    beside = ", ".join(f"{name} {value:g}" for name, value in (figure.beside or {}).items())
    cells = (figure.bench, figure.figure, f"{figure.value:g}", figure.goal, holds, beside)
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
