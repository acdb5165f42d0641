"""`mlops-init run`: what cannot be walked is told in one line, before anything begins."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.mlops_init.helpers import call, run

from mlops_init import answers

Here = Callable[..., tuple[int, str, str]]


@pytest.fixture
def start(projects: dict[str, Path], tmp_path: Path) -> Callable[[str], None]:
    """Copy a rendered project to where the command runs, and commit it."""

    def copy(variant: str, *, commit: bool = True) -> None:
        shutil.copytree(projects[variant], tmp_path, dirs_exist_ok=True)
        run("git", "init", "-q", "-b", "main", folder=tmp_path)
        if commit:
            run("git", "add", "-A", folder=tmp_path)
            user = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
            found = run("git", *user, "commit", "-qm", "Start", folder=tmp_path)
            assert found.returncode == 0, found.stderr

    return copy


def refused(here: Here, tmp_path: Path, *arguments: str) -> str:
    """The one line, without the name of the program."""
    before = sorted(tmp_path.rglob("*"))
    code, out, err = here("run", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("mlops-init: ")
    assert err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before
    return err.removeprefix("mlops-init: ").rstrip("\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cx"], "unknown workflow 'cx'. Known: ci, ct, cd, monitor"),
        (["ci", "--engine", "docker"], "'docker' is not allowed. Allowed: auto, native, act"),
        (["ci", "--event", "tag"], "Allowed: push, pull_request, schedule, manual"),
        (["ci", "--event", "manual"], "ci is not started by 'manual'. Allowed: push, pull_request"),
        (["ct", "--event", "push"], "ct is not started by 'push'. Allowed: schedule, manual"),
        (["cd", "--event", "schedule"], "cd is not started by 'schedule'. Allowed: manual"),
        (["ct", "-i", "reson=x"], "--input reson=x: write NAME=VALUE. ct takes: reason, first-rel"),
        (["ct", "-i", "reason"], "--input reason: write NAME=VALUE"),
        (["ci", "-i", "reason=x"], "ci takes: none"),
        (["--event", "push"], "--event and --input go with a workflow: ci, ct, cd or monitor"),
        (["-i", "a=b"], "--event and --input go with a workflow"),
        (["ci", "--job", "gaet"], "ci has no job 'gaet' (did you mean 'gate'?). Its jobs: lint, t"),
        (["cd", "--job", "gate"], "cd has no job 'gate'. Its jobs: deploy-canary, report"),
        (["ci", "--engine", "native", "--job", "comment"], "native has no job 'comment'"),
        (["--job", "gate"], "--job goes with a workflow: ci, ct, cd or monitor"),
        (["fork-reports"], "unknown workflow 'fork-reports'. Known: ci, ct, cd, monitor"),
        (["ci", "--engin", "act"], "No such option"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_bad_input(
    here: Here, start: Callable[[str], None], tmp_path: Path, arguments: list[str], words: str
) -> None:
    start("both-plain")
    assert words in refused(here, tmp_path, *arguments)


def test_a_folder_without_a_project(here: Here, tmp_path: Path) -> None:
    words = refused(here, tmp_path, "ci")
    assert words.startswith(".mlops-init.toml: not found in ")
    assert words.endswith("made by `mlops-init new`")


def test_a_project_without_a_commit(here: Here, start: Callable[..., None], tmp_path: Path) -> None:
    start("both-plain", commit=False)
    words = refused(here, tmp_path, "ci", "--engine", "native")
    assert words.startswith("this project has no commit yet; first: git init -b main && git add")


@pytest.mark.parametrize("around", [False, True], ids=["alone", "in-another-repository"])
def test_a_project_that_is_no_repository(
    here: Here, projects: dict[str, Path], tmp_path: Path, around: bool
) -> None:
    if around:
        run("git", "init", "-q", folder=tmp_path)
        user = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        run("git", *user, "commit", "-qm", "x", "--allow-empty", folder=tmp_path)
    inside = tmp_path / "inside"
    shutil.copytree(projects["both-plain"], inside)
    os.chdir(inside)  # `here` goes back
    words = refused(here, tmp_path, "ci", "--engine", "native")
    assert words.startswith("this project has no commit yet")


def test_a_spoilt_record(here: Here, start: Callable[[str], None], tmp_path: Path) -> None:
    start("both-plain")
    record = tmp_path / answers.FILE_NAME
    record.write_text(record.read_text().replace('ci = "both"', 'ci = "all"'))
    assert "Allowed: github, gitlab, both" in refused(here, tmp_path, "ci")


@pytest.mark.parametrize(("engine", "platform"), [("gitlab", "github"), ("act", "gitlab")])
def test_an_engine_for_the_other_platform(
    here: Here, start: Callable[[str], None], tmp_path: Path, engine: str, platform: str
) -> None:
    start(f"{platform}-plain")
    other = "github" if platform == "gitlab" else "gitlab"
    words = refused(here, tmp_path, "ci", "--engine", engine)
    assert words == f"--engine {engine}: this project has no pipeline for {other}"


@pytest.mark.parametrize(
    ("engine", "program", "how"),
    [
        ("act", "act is not on PATH", "go install -tags WITHOUT_DOCKER github.com/nektos/act@v"),
        (
            "gitlab",
            "gitlab-ci-local and rsync not on PATH",
            "npm install --global gitlab-ci-local@4.73.0",
        ),
    ],
)
def test_a_missing_engine(
    start: Callable[[str], None], tmp_path: Path, engine: str, program: str, how: str
) -> None:
    start("both-plain")
    programs = tmp_path / "programs"
    programs.mkdir()
    git = shutil.which("git")
    assert git
    (programs / "git").symlink_to(git)
    env = os.environ | {"PATH": str(programs)}
    found = call("run", "ci", "--engine", engine, folder=tmp_path, env=env)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith(f"mlops-init: --engine {engine}: {program}. Get it: {how}")
    assert found.stderr.count("\n") == 1
