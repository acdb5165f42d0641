"""How long the generator and a step take to start, and a whole project beside its peers.

The peers get the same template with the same answers, in environments of their own: the
cookiecutter command line as it is, copier with a questions file and the same sources.
"""

from __future__ import annotations

import fnmatch
import json
import re
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
COPIED = "_copy_without_render"
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
    """The template and its answers for each peer; both write the files that we write.

    What we make otherwise than from the template (the pipeline's files, the data) they copy.
    """
    answers = complete({"name": "tumour"})
    theirs = folder / "cookiecutter"
    own = [project.template_folder()]
    own += [project.overlay_folder() / name for name in project.overlays(answers)]
    plain: list[str] = json.loads((own[0] / "cookiecutter.json").read_text())[COPIED]
    for each in own:
        shutil.copytree(each, theirs, dirs_exist_ok=True)
    inner = theirs / "{{cookiecutter.name}}"
    for path in inner.rglob("*"):
        if path.is_file():
            # They know of one context only, and none of our functions.
            text = path.read_text().replace("dataset.", "cookiecutter.dataset.")
            text = re.sub(r"\bcode\((cookiecutter[\w.]+)\)", r"'`' ~ \1 ~ '`'", text)
            path.write_text(re.sub(r"quoted\(([\w.]+)\)", r"\1|tojson", text))
    made = project.create(answers, PIN, folder)
    for path in made.rglob("*"):
        name = path.relative_to(made).as_posix()
        if path.is_file() and not (inner / _named(name)).exists():
            (inner / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, inner / name)
            plain.append(name)
    dataset = asdict(demo.source(answers.task).dataset)
    context = {**asdict(answers), "dataset": dataset}
    settings = {**context, COPIED: plain}
    (theirs / "cookiecutter.json").write_text(json.dumps(settings))
    copier = folder / "copier"
    shutil.copytree(theirs, copier)
    (copier / "cookiecutter.json").unlink()
    questions = {
        "_templates_suffix": "",
        "cookiecutter": {"type": "yaml", "default": json.dumps(context)},
    }
    # It renders every file or none of a kind: what is only copied is marked as raw.
    for path in copier.rglob("*"):
        if path.is_file() and _is_plain(path.relative_to(copier / inner.name), plain):
            path.write_text("{% raw %}" + path.read_text() + "{% endraw %}")
    (copier / "copier.yml").write_text(yaml.safe_dump(questions))
    return folder


def _named(name: str) -> str:
    return name.replace("src/tumour/", "src/{{cookiecutter.package}}/")


def _is_plain(name: Path, plain: list[str]) -> bool:
    return any(fnmatch.fnmatch(name.as_posix(), each) for each in plain)


def _step(place: Path) -> Figure:
    """A step without a heavy library, from its door to its verdict.

    Gate without an evaluation: it reads and checks mlops.yaml and its rules, and says that it
    cannot judge (3).
    """
    project.create(complete({"name": "project"}), PIN, place)
    enter = ROOT / "actions" / "mlops_steps" / "enter.py"
    command = [sys.executable, "-I", str(enter), "gate"]
    found = medians({"gate": lambda: cost(command, place / "project", allowed=3)}, TIMES)["gate"]
    return at_most(NAME, "a step without a heavy library, CPU s", found.cpu, 0.15, {})
