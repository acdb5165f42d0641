"""No linter finds anything in the examples; they pin one commit that there is; README names all."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.examples.walking import EXAMPLES, GITHUB, GITLAB, PINS, third_party
from tests.mlops_init.helpers import ROOT, YAMLLINT, run, tool

LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The example repository with all workflows where GitHub and the linters look for them."""
    folder = tmp_path / "pumps"
    shutil.copytree(EXAMPLES / "repository", folder)
    shutil.copytree(EXAMPLES / "github", folder / ".github" / "workflows")
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


def clean(found: subprocess.CompletedProcess[str], words: str = "") -> None:
    assert found.returncode == 0, found.stdout + found.stderr
    assert words in found.stdout + found.stderr


def test_zizmor(repository: Path) -> None:
    options = ("--persona", "auditor", "--offline", "--no-config", "--no-progress")
    found = run(tool("zizmor"), *options, ".", folder=repository)
    clean(found, "No findings to report")
    assert found.stderr.count("completed ./.github/workflows/") == len(GITHUB)


def test_actionlint(repository: Path) -> None:
    found = run(tool("actionlint"), "-no-color", *GITHUB, folder=repository)
    clean(found)
    assert found.stdout == ""


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("vendor.github-workflows", GITHUB),
        ("custom.github-workflows-require-timeout", GITHUB),
        ("vendor.gitlab-ci", GITLAB),
    ],
)
def test_the_schemas(schema: str, paths: list[Path]) -> None:
    more = ("--data-transform", "gitlab-ci") if "gitlab" in schema else ()
    command = (tool("check-jsonschema"), "--builtin-schema", schema, *more, *paths)
    clean(run(*command, folder=ROOT))


def test_yamllint() -> None:
    found = run(tool("yamllint"), "--strict", "-d", YAMLLINT, EXAMPLES, folder=ROOT)
    clean(found)
    assert found.stdout == ""


def test_the_repository_keeps_the_schema_of_mlops_yaml() -> None:
    (schema,) = (ROOT / "templates" / "project").glob("*/.mlops/mlops.schema.json")
    path = EXAMPLES / "repository" / "mlops.yaml"
    clean(run(tool("check-jsonschema"), "--schemafile", schema, path, folder=ROOT))


def test_its_own_tests_pass() -> None:
    folder = EXAMPLES / "repository"
    clean(run(sys.executable, "-B", "-m", "unittest", "-q", folder=folder), "Ran 2 tests")


def test_one_commit_is_pinned_and_this_history_holds_it() -> None:
    (pin,) = PINS
    assert re.fullmatch("[0-9a-f]{40}", pin)
    asked = run("git", "rev-parse", "--is-shallow-repository", folder=ROOT)
    if asked.stdout.strip() == "true":
        return  # a history that was cut off cannot tell
    clean(run("git", "merge-base", "--is-ancestor", pin, "HEAD", folder=ROOT))
    for path in ("action.yml", "templates/gate.yml", "actions/mlops_steps/enter.py"):
        clean(run("git", "cat-file", "-e", f"{pin}:{path}", folder=ROOT))


def test_third_party_actions_are_the_pinned_ones() -> None:
    for path in GITHUB:
        used = set(re.findall(r"uses: (actions/[a-z-]+@[0-9a-f]+)", path.read_text()))
        assert used
        assert used <= third_party(), path


def test_the_readme_names_every_file() -> None:
    text = (EXAMPLES / "README.md").read_text()
    linked = {(EXAMPLES / link).resolve() for link in LINK.findall(text)}
    assert all(path.exists() for path in linked)
    assert {*GITHUB, *GITLAB} <= linked
