"""The rendered project: sound files, its own linter and tests green, under any names."""

from __future__ import annotations

import fnmatch
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_steps import config

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "templates" / "project"
Render = Callable[..., Path]
OTHER = {
    "name": "liver-watch",
    "package": "zz_hepatic_unit",
    "model": "liver",
    "licence": "MIT",
    "python_version": "3.11",
    "ci": "gitlab",
    "registry": "oci:registry.example.org/models/liver",
}


@pytest.fixture(scope="module", params=[{}, OTHER], ids=["defaults", "other-names"])
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
    found = run(sys.executable, "-m", "pytest", "-q", "-W", "error", folder=other)
    assert found.returncode == 0, found.stdout


def test_nothing_of_the_template_is_left(project: Path) -> None:
    for name, content in files(project).items():
        assert b"cookiecutter" not in content, name
        assert b"{{" not in content, name
        assert b"{%" not in content, name


def test_the_same_answers_give_the_same_bytes(render: Render, other: Path) -> None:
    assert files(render(**OTHER)) == files(other)


def test_what_holds_jinja_is_rendered_and_nothing_else_is() -> None:
    patterns = json.loads((TEMPLATE / "cookiecutter.json").read_text())["_copy_without_render"]
    names = files(TEMPLATE)
    del names["cookiecutter.json"]
    for name, content in names.items():
        copied = any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
        assert copied != (b"{{" in content or b"{%" in content), name
    for pattern in patterns:
        assert any(fnmatch.fnmatch(name, pattern) for name in names), pattern


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


def test_yaml_is_clean(project: Path) -> None:
    rules = "{extends: default, rules: {line-length: {max: 140}, truthy: {check-keys: false}}}"
    paths = [name for name in files(project) if name.endswith((".yaml", ".yml"))]
    assert "mlops.yaml" in paths
    found = tool("yamllint", "--strict", "-d", rules, *paths, folder=project)
    assert found.returncode == 0, found.stdout


def test_dependency_updates_are_sound_and_wait(project: Path) -> None:
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
