"""Write the projects of examples/: each is what one command makes, with the pin it was given.

    python scripts/examples.py

Run it after scripts/generate.py, as `make generate` does: each holds the schema of mlops.yaml.
A test regenerates them and compares, and examples/README.md shows the same commands.
"""

from __future__ import annotations

import contextlib
import csv
import io
import math
import random
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from mlops_init.main import cli

ROOT = Path(__file__).resolve().parent.parent
#: A commit of this repository that holds all that the examples use. Tests let the tree under
#: test answer to it, and ask the commit itself whether it knows what is in them.
PIN = "c8db5d1d77eb7f8a0830a31c3f64266fb5126a57"
#: The table of churn-both, as somebody has it before there is a project.
TABLE = "customers.csv"
COLUMNS = (
    "customer",
    "plan",
    "region",
    "months",
    "monthly_fee",
    "support_calls",
    "days_since_login",
    "pays_by_card",
    "churned",
)
#: What each is made with, by its name. Python 3.11 is what this repository's own tests have.
EXAMPLES: dict[str, tuple[str, ...]] = {
    "tumour-github": (
        *("-c", "ci=github"),
        *("-c", "package=tumour"),
        *("-c", "model=tumour"),
        *("-c", "python_version=3.11"),
    ),
    "digits-gitlab": (
        *("-c", "ci=gitlab"),
        *("-c", "framework=pytorch"),
        *("-c", "task=multiclass"),
        *("-c", "gpu_runner=gpu"),
        *("-c", "package=digits"),
        *("-c", "model=digits"),
        *("-c", "licence=BSD-3-Clause"),
        *("-c", "python_version=3.11"),
    ),
    "churn-both": (
        *("--data", TABLE),
        *("--target", "churned"),
        *("-c", "framework=xgboost"),
        *("-c", "gpu=none"),
        *("-c", "runner=build"),
        *("-c", "registry=oci:registry.example.org/ml/churn"),
        *("-c", "fork_reports=on"),
        *("-c", "package=churn"),
        *("-c", "model=churn"),
        *("-c", "licence=MIT"),
        *("-c", "python_version=3.11"),
    ),
}


def main() -> int:
    """Write them into the repository; returns 0."""
    for name in write_all(ROOT):
        print(name)
    return 0


def command(name: str) -> str:
    """What a reader types to get the example, but for the pin."""
    return shlex.join(["mlops-init", "new", name, "--defaults", *EXAMPLES[name]])


def write_all(folder: Path) -> list[Path]:
    """Write every example into `folder`/examples, in place of what is there under its name.

    Returns:
        The files, relative to `folder`.
    """
    written: list[Path] = []
    for name in EXAMPLES:
        with tempfile.TemporaryDirectory(prefix="examples-") as scratch:
            made = make(name, Path(scratch))
            target = folder / "examples" / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(made, target)
        found = (path for path in sorted(target.rglob("*")) if path.is_file())
        written += [path.relative_to(folder) for path in found]
    return written


def make(name: str, parent: Path) -> Path:
    """Make one example below `parent` by its command; returns its folder.

    Raises:
        InitError: The command refuses it.
    """
    table = parent / TABLE
    table.write_text(customers(), encoding="utf-8", newline="")
    given = [str(table) if each == TABLE else each for each in EXAMPLES[name]]
    arguments = ["new", name, "--defaults", *given, "--pin", PIN, "--output", str(parent)]
    with contextlib.redirect_stdout(io.StringIO()):
        cli.main(arguments, standalone_mode=False)
    return parent / name


def customers(count: int = 1600, seed: int = 20260105) -> str:
    """A table of customers who do not exist, some of whom leave; as CSV.

    Young contracts, calls for help and a long silence make leaving likelier. One cell in twelve
    of `region` and of `days_since_login` is missing, as in tables that people have. Only
    `Random.random` is drawn from, whose numbers are the same in every version of Python.
    """
    draw = random.Random(seed).random
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for number in range(1, count + 1):
        plan = ("basic", "basic", "plus", "family")[int(4 * draw())]
        months = int(72 * draw() ** 2)
        fee = {"basic": 9, "plus": 19, "family": 29}[plan] + int(8 * draw()) / 2
        calls = int(-1.5 * math.log(1 - draw()))
        silent = int(-12 * math.log(1 - draw()))
        card = draw() < 0.6
        leaning = 0.9 * calls + 0.07 * silent - 0.09 * months + 0.03 * fee - 0.8 * card - 0.9
        region = ("north", "east", "south", "west")[int(4 * draw())]
        cells = {
            "customer": f"c{number:04}",
            "plan": plan,
            "region": "" if draw() < 1 / 12 else region,
            "months": months,
            "monthly_fee": f"{fee:.2f}",
            "support_calls": calls,
            "days_since_login": "" if draw() < 1 / 12 else silent,
            "pays_by_card": "yes" if card else "no",
            "churned": "yes" if draw() < 1 / (1 + math.exp(-leaning)) else "no",
        }
        writer.writerow(cells)
    return stream.getvalue()


if __name__ == "__main__":
    sys.exit(main())
