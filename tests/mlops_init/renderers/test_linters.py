"""Rendered projects and this repository's own files: no linter finds anything, none is silenced."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML
from tests.mlops_init.helpers import (
    ROOT,
    STANDINS,
    YAMLLINT,
    ci_paths,
    clean,
    documents,
    files,
    run,
    scripts,
    tool,
)

from mlops_steps.spec import STEP_NAMES

DOORS = [ROOT / "action.yml", *sorted((ROOT / "actions").glob("*/action.yml"))]
COMPONENTS = sorted((ROOT / "templates").glob("*.yml"))
ACTIONS = [*DOORS, *sorted(STANDINS.glob("**/action.yml"))]
OWN = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
#: Files that would tell a linter to look away.
SILENCING = re.compile(
    r"(^|/)(\.?zizmor\.ya?ml|\.?actionlint\.ya?ml|\.yamllint(\.ya?ml)?|\.shellcheckrc)$"
)
IGNORING = re.compile(
    r"zizmor:\s*ignore|yamllint\s+(disable|enable)|yaml-language-server: \$schema=$|"
    r"actionlint\s+-ignore|shellcheck\s+disable|check-jsonschema\s+.*--disable"
)


@pytest.fixture(scope="session")
def rendered(projects: dict[str, Path]) -> Path:
    """The folder that holds every variant."""
    return next(iter(projects.values())).parent


@pytest.fixture(scope="session")
def workflows(rendered: Path) -> list[Path]:
    """Every GitHub workflow: rendered ones, and this repository's own."""
    return [*sorted(rendered.glob("*/.github/workflows/*.yml")), *OWN]


def tracked() -> list[Path]:
    """This repository's files, also those about to be added."""
    found = run("git", "ls-files", "-co", "--exclude-standard", folder=ROOT)
    return [ROOT / name for name in found.stdout.splitlines() if (ROOT / name).is_file()]


def zizmor(folder: Path) -> subprocess.CompletedProcess[str]:
    options = ("--persona", "auditor", "--offline", "--no-config", "--no-progress")
    return run(tool("zizmor"), *options, ".", folder=folder)


def test_zizmor_on_every_variant(rendered: Path) -> None:
    found = zizmor(rendered)
    clean(found)
    # It looked at what it was meant to: four workflows and dependabot.yml in eight variants,
    # .pre-commit-config.yaml in all twelve.
    assert found.stderr.count("completed") == 8 * 5 + 12
    assert "No findings to report" in found.stdout


def test_zizmor_on_this_repository() -> None:
    found = zizmor(ROOT)
    clean(found)
    for path in [*ACTIONS, *OWN]:
        assert f"completed ./{path.relative_to(ROOT).as_posix()}" in found.stderr
    assert "No findings to report" in found.stdout


def test_actionlint(workflows: list[Path]) -> None:
    assert len(workflows) > 32
    found = run(tool("actionlint"), "-no-color", *workflows, folder=ROOT)
    clean(found)
    assert found.stdout == ""


@pytest.mark.parametrize(
    "schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"]
)
def test_the_workflows_schema(workflows: list[Path], schema: str) -> None:
    clean(run(tool("check-jsonschema"), "--builtin-schema", schema, *workflows, folder=ROOT))


def test_the_actions_schema() -> None:
    assert len(DOORS) - 1 == len(COMPONENTS) == len(STEP_NAMES)
    options = ("--builtin-schema", "vendor.github-actions")
    clean(run(tool("check-jsonschema"), *options, *ACTIONS, folder=ROOT))


def test_the_gitlab_schema(rendered: Path, tmp_path: Path) -> None:
    pipelines = [*rendered.glob("*/.gitlab-ci.yml"), *rendered.glob("*/.gitlab/*.yml")]
    assert len(pipelines) == 8 * 5
    jobs = []
    for path in COMPONENTS:
        # The schema knows no header; the second document is an ordinary job.
        _, body = path.read_text().removeprefix("---\n").split("\n---\n")
        jobs.append(tmp_path / path.name)
        jobs[-1].write_text(body)
    options = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    clean(run(tool("check-jsonschema"), *options, *pipelines, *jobs, folder=ROOT))


def test_yamllint(rendered: Path) -> None:
    own = [path for path in tracked() if path.suffix in {".yml", ".yaml"}]
    own = [path for path in own if "cookiecutter" not in str(path)]  # Jinja, linted as rendered
    assert set(COMPONENTS) <= set(own)
    paths = [*rendered.glob("**/*.yml"), *rendered.glob("**/*.yaml"), *own]
    found = run(tool("yamllint"), "--strict", "-d", YAMLLINT, *paths, folder=ROOT)
    clean(found)
    assert found.stdout == ""


def test_no_linter_is_told_to_look_away(projects: dict[str, Path]) -> None:
    for folder in projects.values():
        for name, content in files(folder).items():
            assert not SILENCING.search(name), name
            assert not IGNORING.search(content.decode()), name
            if not name.startswith(("LICENSE", "data/", "requirements")):
                assert "noqa" not in content.decode(), name
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        assert not SILENCING.search(name), name
        if path.suffix in {".yml", ".yaml", ".sh", ".toml"} or path.name == "Makefile":
            assert not IGNORING.search(path.read_text()), name


def everything_emitted(projects: dict[str, Path]) -> list[Path]:
    pipelines = [path for folder in projects.values() for path in ci_paths(folder)]
    return [*pipelines, *DOORS, *COMPONENTS]


def test_yaml_1_1_and_1_2_read_the_same(projects: dict[str, Path]) -> None:
    seen = set()
    for path in everything_emitted(projects):
        text = path.read_text()
        if text in seen:
            continue
        seen.add(text)
        old = list(yaml.safe_load_all(text))
        new = list(YAML(typ="safe", pure=True).load_all(text))
        for document in old:
            if True in document:
                document["on"] = document.pop(True)  # GitHub's own key, and no other
        assert old == new, path
        assert not re.search(r"[ \t]$", text, re.MULTILINE), path
        assert not re.search(r"[^ ] # ", re.sub(r"(?m)^ *#.*$", "", text)), path
        assert text.startswith("---\n# "), path


def test_nothing_is_pasted_into_a_script(projects: dict[str, Path]) -> None:
    count = 0
    for path in [*everything_emitted(projects), *ACTIONS, *OWN]:
        for document in documents(path):
            for script in scripts(document):
                count += 1
                assert "${{" not in script, path
                assert "$[[" not in script, path
    assert count >= 30
