"""What makes a local run worthless whatever its verdicts say: each fault planted, each found."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.mlops_init.helpers import call, tool

from mlops_init.engines import downloads

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
GIT = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.org")
#: A program that outlives the job that started it.
LEAVER = """\
import subprocess, sys
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
left = subprocess.Popen(sleep, start_new_session=True)
print("1 passed, and", left.pid, "left")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose data are refused at once, so that a walk is short."""
    version = f"python_version={sys.version_info[0]}.{sys.version_info[1]}"
    assert call("new", "small", "--defaults", "-c", version, folder=tmp_path).returncode == 0
    folder = tmp_path / "small"
    path = folder / "data" / "samples.csv"
    path.write_text(path.read_text().replace("malignant", "unclear", 1))
    return folder


def edit(project: Path, name: str, old: str, new: str) -> None:
    text = (project / name).read_text()
    assert old in text
    (project / name).write_text(text.replace(old, new))


def walk(project: Path, engine: str, *more: str) -> tuple[int, str]:
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "Start")):
        subprocess.run([*GIT, *arguments], cwd=project, check=True)
    state = project.parent / "state"
    # The first walk on a machine downloads and compiles what all later ones use.
    options = ("--engine", engine, "--state", state)
    found = call("run", "ci", *options, *more, folder=project, timeout=800)
    return found.returncode, found.stdout + found.stderr


@pytest.mark.parametrize("engine", ["native", "act", "gitlab"])
def test_a_process_that_outlives_its_job_is_ended_and_told(
    project: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool_path(monkeypatch)
    (project / "leave.py").write_text(LEAVER)
    edit(project, "mlops.yaml", "test: python -m pytest -q", "test: python leave.py")
    code, text = walk(project, engine)
    assert code == 3
    assert "was left running" in text
    assert "ci      cannot be trusted" in text
    log = project.parent / "state" / "runs" / "ci"
    pids = [
        int(line.split("and ")[1].split()[0])
        for path in log.rglob("*.log")
        for line in path.read_text(errors="replace").splitlines()
        if "1 passed, and " in line and " left" in line and "verdict" not in line
    ]
    assert pids
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_job_that_no_runner_takes_is_no_success(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool_path(monkeypatch)
    edit(project, ".github/workflows/ci.yml", "runs-on: ubuntu-24.04", "runs-on: somewhere-else")
    code, text = walk(project, "act")
    assert code == 3
    assert "skipped, no runner has its label" in text


def test_an_action_without_a_stand_in_stops_the_run_before_it_begins(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool_path(monkeypatch)
    unknown = "someone/else@0123456789abcdef0123456789abcdef01234567"
    path = ".github/workflows/ci.yml"
    line = next(
        line for line in (project / path).read_text().splitlines() if "actions/checkout@" in line
    )
    edit(project, path, line, f"        uses: {unknown}")
    code, text = walk(project, "act")
    assert code == 3
    assert f"{unknown}: no stand-in for this action" in text


def test_edited_files_are_named_and_nothing_but_downloads_is_left(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = project.parent / "cache" / "mlops-init"
    cache.mkdir(parents=True)
    edit(project, ".gitlab/ci.yml", "10 minutes", "11 minutes")
    # The real downloads, in a place where nobody else's run can be.
    (cache / "downloads").symlink_to(downloads.folder())
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parent))
    code, text = walk(project, "native")
    assert code == 1, text
    assert "edited by hand, and not what the native engine walks: .gitlab/ci.yml" in text
    assert [entry.name for entry in cache.iterdir()] == ["downloads"]


def tool_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engines that `make test` has built, wherever pytest was started from."""
    folders = {str(Path(tool(name)).parent) for name in ("act", "gitlab-ci-local")}
    for folder in folders:
        monkeypatch.setenv("PATH", folder, prepend=":")


@pytest.mark.parametrize("engine", ["native", "act", "gitlab"])
def test_one_job_runs_with_those_that_it_needs(
    project: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool_path(monkeypatch)
    # What an earlier walk has left is not what this one leads to.
    old = project.parent / "state" / "runs" / "ct" / "report" / "index.html"
    old.parent.mkdir(parents=True)
    old.touch()
    # Its data are refused, so train is asked for, and does not begin.
    code, text = walk(project, engine, "--job", "train")
    assert code == 1, text
    assert "index.html" not in text
    assert re.findall(r"^    ([a-z-]+) +(?:pass|fail|undecided)", text, re.MULTILINE) == [
        "validate-data"
    ]
    assert "ci      stopped at validate-data, 1 job," in text
    kept = project.parent / "state" / "runs" / "ci"
    assert sorted(path.name for path in kept.iterdir() if path.is_dir()) == ["validate-data"]
