"""This repository's own pipelines and forms: the same on both platforms, valid, pinned."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.mlops_init.helpers import ROOT, run, tool

GITHUB = ROOT / ".github" / "workflows" / "check.yml"
GITLAB = ROOT / ".gitlab-ci.yml"
CHECKS = ["make lint", "make test", "make test-all"]


def test_both_pipelines_and_the_script_run_the_same_checks() -> None:
    workflow, pipeline = (yaml.safe_load(path.read_text()) for path in (GITHUB, GITLAB))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert [step["run"] for step in steps if step.get("run") in CHECKS] == CHECKS
    jobs = [pipeline[name] for name in ("lint", "test", "test-all")]
    assert [line for job in jobs for line in job["script"]] == CHECKS
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    # One machine has no time for the long tests besides.
    assert [line for line in script if line.startswith("make ")] == CHECKS[:2]


def test_gitlab_reads_the_pipeline_as_it_is_meant(tmp_path: Path) -> None:
    shutil.copy(GITLAB, tmp_path)
    shutil.copy(ROOT / "requirements" / "dev.txt", tmp_path)
    git = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.org")
    remote = ("remote", "add", "origin", "git@gitlab.local:team/steps.git")
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "a"), remote):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    found = run(tool("gitlab-ci-local"), "--list-csv", folder=tmp_path)
    assert found.returncode == 0, found.stderr
    rows = [line.split(";") for line in found.stdout.splitlines()[1:]]
    assert {row[0]: row[1] for row in rows} == {
        "engines": "engines",
        "lint": "check",
        "test": "check",
        "test-all": "check",
    }


def test_images_are_pinned_and_the_tools_are_the_ones_that_make_builds() -> None:
    pipeline = yaml.safe_load(GITLAB.read_text())
    images = [each["image"] for each in (pipeline["default"], pipeline["engines"])]
    assert all(re.fullmatch(r"[a-z]+:[\w.-]+@sha256:[0-9a-f]{64}", image) for image in images)
    (kept,) = pipeline["engines"]["artifacts"]["paths"]
    line = 'export XDG_CACHE_HOME="$PWD/build/cache"'
    assert pipeline["engines"]["script"][0] == pipeline[".check"]["before_script"][0] == line
    env = {"PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": "/checkout/build/cache"}
    asked = run("make", "--dry-run", "--always-make", "go-engines", folder=ROOT, env=env)
    built = re.findall(r"GOBIN=(\S+) go install", asked.stdout)
    assert len(built) == 2
    assert all(folder.startswith(f"/checkout/{kept}") for folder in built)


@pytest.mark.parametrize(
    ("schema", "path", "more"),
    [
        ("gitlab-ci", GITLAB, ["--data-transform", "gitlab-ci"]),
        ("github-issue-forms", ROOT / ".github" / "ISSUE_TEMPLATE" / "defect.yml", []),
        ("github-issue-config", ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml", []),
        ("dependabot", ROOT / ".github" / "dependabot.yml", []),
    ],
)
def test_what_a_platform_reads_keeps_its_schema(schema: str, path: Path, more: list[str]) -> None:
    options = ("--builtin-schema", f"vendor.{schema}", *more)
    found = run(tool("check-jsonschema"), *options, path, folder=ROOT)
    assert found.returncode == 0, found.stdout + found.stderr


def test_who_proposes_a_change_is_asked_the_same_on_both_platforms() -> None:
    asked = (ROOT / ".github" / "pull_request_template.md").read_text()
    assert (ROOT / ".gitlab" / "merge_request_templates" / "Default.md").read_text() == asked


def test_what_has_an_owner_is_there() -> None:
    lines = (ROOT / ".github" / "CODEOWNERS").read_text().splitlines()
    rules = [line.split() for line in lines if line and not line.startswith("#")]
    assert rules[0][0] == "*"
    for path, *owners in rules:
        assert owners
        assert path == "*" or (ROOT / path.strip("/")).exists(), path
