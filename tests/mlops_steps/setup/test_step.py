"""The environment that stands, what is recorded of it, and a command run in it."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops_steps.setup.packages import direct, installed

Make = Callable[..., Any]
LOCKS = Path(__file__).resolve().parents[3] / "actions" / "mlops_steps" / "locks"


@pytest.fixture
def project(sample: Make) -> Make:
    """Make a project whose environment is small: the one of the steps themselves."""

    def make(test: str = "python -c \"print('one');print('2 passed')\"") -> Any:
        made = sample()
        config = made.folder / "mlops.yaml"
        text = config.read_text().replace(
            "python -m pytest -q", "'" + test.replace("'", "''") + "'"
        )
        config.write_text(text)
        made.write("requirements.in", "# what we ask for\nmsgspec>=0.18\nPyYAML\n")
        made.write("requirements.txt", (LOCKS / "gate.txt").read_text())
        made.commit("environment")
        return made

    return make


def test_the_environment_is_built_and_recorded(project: Make) -> None:
    made = project()
    ran = made.run("setup")
    assert (ran.code, ran.verdict["status"]) == (0, "pass"), ran.text
    version = platform.python_version()
    assert ran.verdict["line"] == f"Python {version}, 2 packages, no GPU"
    versions = ran.verdict["versions"]
    assert set(versions) == {"msgspec", "platform", "python", "pyyaml", "uv"}
    pins = (LOCKS / "gate.txt").read_text()
    assert f"msgspec=={versions['msgspec']} " in pins
    assert versions["uv"][0].isdigit()
    assert "requirements.txt" in ran.verdict["took"]


def test_a_command_runs_in_the_environment_and_its_last_line_is_told(project: Make) -> None:
    made = project()
    ran = made.run("setup", run="test")
    assert (ran.code, ran.verdict["line"]) == (0, "2 passed")
    assert "one\n2 passed\n" in ran.text
    assert ran.verdict["lines"] == [f"Python {platform.python_version()}, 2 packages, no GPU"]


def test_a_failing_command_fails_with_its_last_words(project: Make) -> None:
    made = project("python -c \"print('E  assert 1 == 2'); raise SystemExit(1)\"")
    ran = made.run("setup", run="test")
    assert (ran.code, ran.verdict["status"]) == (1, "fail")
    assert "ended with exit code 1" in ran.verdict["line"]
    assert "E  assert 1 == 2" in ran.verdict["lines"]


def test_only_commands_that_are_offered_are_run(project: Make) -> None:
    ran = project().run("setup", run="serve")
    assert ran.code == 2
    assert "input run: 'serve'. Allowed: test" in ran.text


def test_a_wrong_hash_is_never_installed(project: Make) -> None:
    made = project()
    lock = (made.folder / "requirements.txt").read_text()
    made.write("requirements.txt", re.sub(r"sha256:[0-9a-f]{64}", "sha256:" + "0" * 64, lock))
    ran = made.run("setup")
    assert (ran.code, ran.verdict["status"]) == (4, "undecided")
    assert "installing requirements.txt failed" in ran.verdict["line"]


def test_a_lock_without_hashes_is_refused(project: Make) -> None:
    made = project()
    made.write("requirements.txt", "msgspec==0.19.0\n")
    assert made.run("setup").code == 4


def test_a_missing_lock_is_told(project: Make) -> None:
    made = project()
    (made.folder / "requirements.txt").unlink()
    ran = made.run("setup")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert "requirements.txt: not found" in ran.verdict["line"]


def test_direct_requirements_come_from_the_in_file(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("a==1 \\\n    --hash=sha256:0\nb_c==2 ; python_version > '3'\n")
    assert direct(tmp_path / "r.txt") == ["a", "b-c"]
    (tmp_path / "r.in").write_text("# b\nB.c[extra]>=2  # why\n\n-r other.txt\n")
    assert direct(tmp_path / "r.txt") == ["b-c"]


def test_an_interpreter_that_does_not_run_is_told(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(Exception, match="does not run: broken"):
        installed(program)
