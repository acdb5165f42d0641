"""The rendered project: sound files, its own linter and tests green, under any names."""

from __future__ import annotations

import ast
import csv
import fnmatch
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.template.conftest import (
    IN_THEIR_ENVIRONMENTS,
    KINDS,
    ROOT,
    TEMPLATE,
    render_own,
)

from mlops_steps import config

FRAMEWORKS = ROOT / "templates" / "frameworks"
Python = Callable[[Path, str], str]
Render = Callable[..., Path]
OTHERS = ("xgboost", "pytorch", "tensorflow")
OTHER = {
    "name": "liver-watch",
    "package": "zz_hepatic_unit",
    "model": "liver",
    "licence": "MIT",
    "python_version": "3.11",
    "ci": "gitlab",
    "registry": "oci:registry.example.org/models/liver",
}


#: Every framework and task, and once every other answer.
ALL = [*({"framework": framework, "task": task} for framework, task in KINDS), OTHER]


@pytest.fixture(scope="module", params=ALL, ids=lambda given: "-".join(given.values())[:40])
def project(request: pytest.FixtureRequest, render: Render) -> Path:
    return render(**request.param)


@pytest.fixture(scope="module")
def other(render: Render) -> Path:
    return render(**OTHER)


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def tool(name: str, *arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """A program of the environment that these tests run in."""
    return run(Path(sys.executable).parent / name, *arguments, folder=folder)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and ".pytest_cache" not in path.parts
    }


def test_it_passes_its_own_linter(project: Path) -> None:
    for verb in (["check"], ["format", "--check", "--diff"]):
        found = tool("ruff", *verb, "--no-cache", ".", folder=project)
        assert found.returncode == 0, found.stdout


def test_its_own_tests_pass_under_other_names(other: Path) -> None:
    own_tests(other, sys.executable)


def own_tests(project: Path, python: str) -> None:
    # Not among pytest's folders of other runs, which it clears up as it starts.
    scratch = f"--basetemp={project.parent / 'scratch'}"
    command = (python, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", scratch)
    found = run(*command, folder=project)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("kind", IN_THEIR_ENVIRONMENTS)
def test_its_own_tests_pass(render: Render, python: Python, kind: tuple[str, str]) -> None:
    framework, task = kind
    project = render(framework=framework, task=task, gpu="none")
    own_tests(project, python(project, framework))


@pytest.fixture(scope="module")
def own_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table as people have it: texts, gaps, truth values, a name that has to be quoted."""
    path = tmp_path_factory.mktemp("own") / "churn.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            ["customer", "months", 'the "plan"', "active", "fee, EUR", "leaves", "visits"]
        )
        for number in range(900):
            months = (number * 37) % 61
            plan = ("basic", "plus", "")[number % 3]
            fee = "" if number % 11 == 0 else f"{(number * 13) % 97 + 0.5}"
            leaves = "yes" if (months < 20) != (number % 17 == 0) else "no"
            active = "TRUE" if number % 2 else "FALSE"
            visits = months * 2 + number % 7
            writer.writerow([f"c{number}", months, plan, active, fee, leaves, visits])
    return path


@pytest.mark.parametrize("target", ["leaves", 'the "plan"', "visits"])
@pytest.mark.parametrize(
    "framework", ["scikit-learn", *(pytest.param(each, marks=pytest.mark.all) for each in OTHERS)]
)
def test_a_project_of_a_table_of_ones_own_is_as_sound(
    tmp_path: Path, own_table: Path, python: Python, framework: str, target: str
) -> None:
    table = own_table
    if "plan" in target:  # nothing can be learnt of rows without a target
        table = tmp_path / "plans.csv"
        lines = own_table.read_text().splitlines()
        table.write_text(
            "\n".join(
                [lines[0], *(each for each in lines if ",basic," in each or ",plus," in each)]
            )
        )
    project = render_own(tmp_path, table, framework, target)
    for verb in (["check"], ["format", "--check", "--diff"]):
        found = tool("ruff", *verb, "--no-cache", ".", folder=project)
        assert found.returncode == 0, found.stdout
    assert config.load(project).table.target == target
    own_tests(project, python(project, framework))


def test_nothing_of_the_template_is_left(project: Path) -> None:
    texts = {name: each for name, each in files(project).items() if not name.startswith("data/")}
    assert "README.md" in texts
    for name, content in texts.items():
        assert b"cookiecutter" not in content, name
        assert b"{{" not in content, name
        assert b"{%" not in content, name


def test_the_same_answers_give_the_same_bytes(render: Render, other: Path) -> None:
    assert files(render(**OTHER)) == files(other)


def test_what_holds_jinja_is_rendered_and_nothing_else_is() -> None:
    patterns = json.loads((TEMPLATE / "cookiecutter.json").read_text())["_copy_without_render"]
    seen = set()
    for template in (TEMPLATE, *sorted(FRAMEWORKS.iterdir())):
        for name, content in files(template / "{{cookiecutter.name}}").items():
            copied = [pattern for pattern in patterns if fnmatch.fnmatch(name, pattern)]
            seen.update(copied)
            holds = b"{{" in content or b"{%" in content
            # What one template copies another may have to render: then it is rendered in both.
            assert not (copied and holds), name
            if template == TEMPLATE and name not in RENDERED_FOR_ANOTHER:
                assert bool(copied) != holds, name
    assert seen == set(patterns)


#: Without Jinja here, and with it where images are read.
RENDERED_FOR_ANOTHER = {"src/{{cookiecutter.package}}/features.py"}


def test_mlops_yaml_says_what_was_answered(render: Render, other: Path) -> None:
    mine = config.load(other)
    assert (mine.model.name, mine.registry) == ("liver", "oci:registry.example.org/models/liver")
    assert mine.commands.train == "python -m zz_hepatic_unit.train"
    defaults = config.load(render())
    assert (defaults.registry, defaults.monitor.log) == ("platform", "state")
    # Words that YAML reads as something else than text.
    odd = config.load(render(model="no", inference_log="data/requests.parquet"))
    assert (odd.model.name, odd.monitor.log) == ("no", "data/requests.parquet")
    assert defaults.gate.test == ["roc_auc >= 0.95", "accuracy >= champion - 0.05"]
    assert defaults.gate.valid == ["roc_auc >= 0.90"]
    first = (other / "mlops.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=.mlops/mlops.schema.json"


@pytest.mark.parametrize(("framework", "task"), KINDS)
def test_mlops_yaml_says_what_is_to_be_told(render: Render, framework: str, task: str) -> None:
    folder = render(framework=framework, task=task, gpu="none")
    mine = config.load(folder)
    assert mine.model.task == ("multiclass" if task == "images" else task)
    assert (mine.table.kind, mine.table.file) == (
        ("files", "image") if task == "images" else ("table", None)
    )
    assert (mine.table.positive is None) == (task != "binary")
    assert mine.train.gpu == "none"
    # What is overridden where a model is only tried is a parameter, and another value of it.
    assert set(mine.train.quick) <= set(mine.train.params)
    assert all(mine.train.params[name] != value for name, value in mine.train.quick.items())
    with (folder / mine.table.path).open(newline="") as stream:
        header = next(csv.reader(stream))
    assert {mine.table.key, mine.table.target} <= set(header)


def test_the_parameters_of_mlops_yaml_are_those_of_the_model(project: Path) -> None:
    (source,) = project.glob("src/*/model.py")
    (defaults,) = (
        node.value
        for node in ast.parse(source.read_text()).body
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "DEFAULTS"
    )
    assert defaults is not None
    assert config.load(project).train.params == ast.literal_eval(defaults)


def test_yaml_is_clean(project: Path) -> None:
    rules = "{extends: default, rules: {line-length: {max: 140}, truthy: {check-keys: false}}}"
    paths = [name for name in files(project) if name.endswith((".yaml", ".yml"))]
    assert "mlops.yaml" in paths
    found = tool("yamllint", "--strict", "-d", rules, *paths, folder=project)
    assert found.returncode == 0, found.stdout


def test_dependency_updates_are_sound_and_wait(render: Render) -> None:
    project = render()
    for schema, name in (("dependabot", ".github/dependabot.yml"), ("renovate", "renovate.json")):
        found = tool(
            "check-jsonschema", "--builtin-schema", f"vendor.{schema}", name, folder=project
        )
        assert found.returncode == 0, found.stdout
    found = tool(
        "zizmor", "--persona", "auditor", "--offline", "--no-config", "--quiet", ".", folder=project
    )
    assert found.returncode == 0, found.stdout
    assert json.loads((project / "renovate.json").read_text())["minimumReleaseAge"] == "7 days"


@pytest.mark.parametrize(
    ("licence", "first"),
    [
        ("Apache-2.0", "Apache License"),
        ("MIT", "MIT License"),
        ("BSD-3-Clause", "BSD 3-Clause License"),
        ("Proprietary", "Copyright (c) the authors of tumour. All rights reserved."),
    ],
)
def test_the_licence_is_the_one_asked_for(render: Render, licence: str, first: str) -> None:
    folder = render(licence=licence)
    lines = (folder / "LICENSE").read_text().splitlines()
    assert lines[0].strip() == first
    assert (licence.lower() in (folder / "README.md").read_text().lower()) is True


@pytest.mark.parametrize(
    ("ci", "github", "gitlab"),
    [("both", True, True), ("github", True, False), ("gitlab", False, True)],
)
def test_the_readme_speaks_of_the_platforms_asked_for(
    render: Render, ci: str, github: bool, gitlab: bool
) -> None:
    text = (render(ci=ci, gpu_runner="big") / "README.md").read_text()
    assert "`big`" in text
    assert ("On GitHub, before it" in text, "On GitLab, before it" in text) == (github, gitlab)
    assert "\n\n\n" not in text


def test_git_keeps_what_belongs_and_ignores_what_does_not(other: Path) -> None:
    run("git", "init", "-q", folder=other)
    ignored = ["out/train/verdict.json", ".mlops/envs/a/b", ".mlops/downloads/c", ".venv/d"]
    kept = [".mlops/mlops.schema.json", "src/zz_hepatic_unit/out/x", *files(other)]
    found = run("git", "check-ignore", *ignored, *kept, folder=other)
    assert found.stdout.splitlines() == ignored


def test_no_file_of_the_template_is_hidden_from_git() -> None:
    found = run(
        "git", "ls-files", "--others", "--ignored", "--exclude-standard", TEMPLATE, folder=ROOT
    )
    assert [name for name in found.stdout.splitlines() if "__pycache__" not in name] == []
