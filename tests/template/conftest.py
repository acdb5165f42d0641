"""Projects of every framework and task, rendered the way the generator renders them."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_init import project
from mlops_init.answers import complete
from mlops_init.datasets import Source, demo, own

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "templates" / "project"
FRAMEWORKS = ("scikit-learn", "xgboost", "pytorch", "tensorflow")
TASKS = ("binary", "multiclass", "regression")
KINDS = (*itertools.product(FRAMEWORKS, TASKS), ("pytorch", "images"))
#: The same, each with the marker of what has to be installed for it first.
IN_THEIR_ENVIRONMENTS = [
    pytest.param(
        kind, id="-".join(kind), marks=[] if kind[0] == "scikit-learn" else pytest.mark.all
    )
    for kind in KINDS
]


def render_project(into: Path, source: Source | None = None, **given: str) -> Path:
    """Render a project with its data under `into`; returns its folder."""
    answers = complete({"name": "tumour", **given})
    source = source or demo.source(answers.task)
    project.render(answers, source.dataset, into)
    folder = into / answers.name
    (folder / "data").mkdir(exist_ok=True)
    source.write(folder / "data")
    return folder


def render_own(into: Path, table: Path, framework: str, target: str) -> Path:
    """Render a project for a table of somebody's own."""
    found = own.study(table, {"target": target}, "tumour")
    return render_project(into, found.source, framework=framework, gpu="none", **found.answers)


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Render with some answers given, each time into a new folder."""

    def make(**given: str) -> Path:
        return render_project(tmp_path_factory.mktemp("rendered"), **given)

    return make


@pytest.fixture(scope="session")
def python() -> Callable[[Path, str], str]:
    """The Python of a project's environment, by its folder and framework; built where need be."""

    def find(folder: Path, framework: str) -> str:
        if framework == "scikit-learn":
            return sys.executable  # our own environment holds what its lock does
        enter = ROOT / "actions" / "mlops_steps" / "enter.py"
        command = [sys.executable, "-I", enter, "--build", folder / "requirements.txt"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
        assert found.returncode == 0, found.stderr
        return found.stdout.strip()

    return find
