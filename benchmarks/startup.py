"""How long the generator and a step take to start, and a whole project beside its peers.

The peers get the same template with the same answers, in environments of their own: the
cookiecutter command line as it is, copier with a questions file and the same sources.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import yaml

from benchmarks.measure import ROOT, Cost, Figure, at_most, cost, environment, medians
from mlops_init import project
from mlops_init.answers import complete
from mlops_init.datasets import demo

NAME = "startup"
TIMES = 7
PIN = "0123456789abcdef0123456789abcdef01234567"
BIN = Path(sys.executable).parent


def run() -> Iterator[Figure]:
    """All figures of this benchmark."""
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as folder:
        place = Path(folder)
        yield from _generator(place)
        yield _step(place)


def _generator(place: Path) -> Iterator[Figure]:
    cookiecutter = environment(ROOT / "benchmarks" / "peers" / "cookiecutter.txt")
    copier = environment(ROOT / "benchmarks" / "peers" / "copier.txt")
    template = _template(place / "template")
    count = iter(range(1000))

    def ours(*arguments: str) -> Cost:
        return cost([str(BIN / "mlops-init"), *arguments], place)

    def output(name: str) -> str:
        folder = place / f"{name}-{next(count)}"
        folder.mkdir()
        return str(folder)

    def new() -> Cost:
        return ours("new", "tumour", "--defaults", "--pin", PIN, "--output", output("ours"))

    def theirs(python: Path, *arguments: str) -> Cost:
        return cost([str(python), "-m", *arguments], place)

    found = medians(
        {
            "mlops-init --help": lambda: ours("--help"),
            "cookiecutter --help": lambda: theirs(cookiecutter, "cookiecutter", "--help"),
            "copier --help": lambda: theirs(copier, "copier", "--help"),
            "mlops-init new": new,
            "cookiecutter": lambda: theirs(
                cookiecutter,
                "cookiecutter",
                "--no-input",
                "--output-dir",
                output("cookiecutter"),
                str(template / "cookiecutter"),
            ),
            "copier copy": lambda: theirs(
                copier,
                "copier",
                "copy",
                "--defaults",
                "--quiet",
                "--vcs-ref=HEAD",
                str(template / "copier"),
                output("copier"),
            ),
        },
        TIMES,
    )
    helps = {name: each.cpu for name, each in found.items() if "--help" in name}
    value = helps.pop("mlops-init --help")
    yield at_most(NAME, "mlops-init --help, CPU s", value, 0.12, helps)
    makes = {name: each.cpu for name, each in found.items() if "--help" not in name}
    ratio = makes["mlops-init new"] / makes["cookiecutter"]
    yield at_most(NAME, "a whole project, CPU as a part of cookiecutter's", ratio, 1.0, makes)
    ratio = makes["mlops-init new"] / makes["copier copy"]
    yield Figure(NAME, "a whole project, CPU as a part of copier's", round(ratio, 3))


def _template(folder: Path) -> Path:
    """The template with its answers as defaults, once for each peer."""
    answers = complete({"name": "tumour"})
    source = project.template_folder()
    context = project.context(answers, demo.source(answers.task).dataset)
    theirs = folder / "cookiecutter"
    shutil.copytree(source, theirs)
    for name in project.overlays(answers):
        shutil.copytree(project.overlay_folder() / name, theirs, dirs_exist_ok=True)
    raw = json.loads((theirs / "cookiecutter.json").read_text())
    own = {key: value for key, value in raw.items() if key.startswith("_")}
    (theirs / "cookiecutter.json").write_text(json.dumps(asdict(answers) | context | own))
    copier = folder / "copier"
    shutil.copytree(theirs, copier)
    (copier / "cookiecutter.json").unlink()
    questions = {
        "_templates_suffix": "",
        "_envops": {"keep_trailing_newline": True},
        "cookiecutter": {"type": "yaml", "default": json.dumps(asdict(answers) | context)},
    }
    (copier / "copier.yml").write_text(yaml.safe_dump(questions))
    return folder


def _step(place: Path) -> Figure:
    """A step without a heavy library, from its door to its verdict."""
    folder = place / "project"
    project.create(complete({"name": "project"}), PIN, place)
    enter = ROOT / "actions" / "mlops_steps" / "enter.py"
    command = [sys.executable, "-I", str(enter), "setup", "--help"]
    found = medians({"setup --help": lambda: cost(command, folder)}, TIMES)
    value = found["setup --help"].wall
    return at_most(NAME, "a step without a heavy library, wall s", value, 0.15, {})
