"""Environments by hash, whoever asks at once or dies, and nothing of the folder around gets in."""

from __future__ import annotations

import fcntl
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_steps import enter, environments

ROOT = Path(__file__).resolve().parents[2]


class House:
    """A copy of the steps, a project, and environments of its own."""

    def __init__(self, project: Any, folder: Path) -> None:
        self.project, self.folder, self.env = project, folder, dict(project.env)
        shutil.copytree(
            ROOT / "actions" / "mlops_steps", folder, ignore=shutil.ignore_patterns("__pycache__")
        )
        self.envs = folder.parent / "envs"
        self.env["MLOPS_ENV_DIR"] = str(self.envs)
        # The installer has to be the one that the steps fetch, whatever lies on this PATH.
        places = self.env["PATH"].split(os.pathsep)
        self.env["PATH"] = os.pathsep.join(p for p in places if not (Path(p) / "uv").exists())
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, python: str = sys.executable) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [python, "-I", str(self.folder / "enter.py"), *arguments],
            cwd=self.project.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, *arguments: str, python: str = sys.executable) -> tuple[int, str]:
        process = self.start(*arguments, python=python)
        text, _ = process.communicate(timeout=120)
        return process.returncode, text

    def verdict(self, step: str = "setup") -> dict[str, Any]:
        path = self.project.folder / "out" / step / "verdict.json"
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found

    def passed(self, step: str = "setup") -> None:
        """Leave what a run that passed leaves."""
        text = json.dumps({"step": step, "status": "pass", "line": "all is well", "exit_code": 0})
        self.project.write(f"out/{step}/verdict.json", text)
        self.project.write(f"out/{step}/outputs.env", "STATUS=pass\n")

    def breaks_off(self, step: str, code: int) -> str:
        """Run a step that cannot begin; returns its output."""
        ended, text = self.run(step)
        assert ended == code, text
        assert "Traceback" not in text
        found = self.verdict(step)
        assert (found["status"], found["exit_code"]) == ("undecided", code)
        assert not (self.project.folder / "out" / step / "outputs.env").exists()
        return text


@pytest.fixture
def house(sample: Callable[..., Any], tmp_path: Path) -> Iterator[House]:
    project = sample()
    project.write("requirements.txt", "")
    project.commit("nothing is needed")
    made = House(project, tmp_path / "steps")
    yield made
    for process in made.started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def python_of(version: str) -> Path:
    """A Python that this machine has, on PATH or among pyenv's; a shim alone does not count."""
    folders = [Path(each) for each in os.get_exec_path()]
    folders += (Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin")
    for folder in folders:
        found = folder / f"python{version}"
        if found.exists() and environments._says([str(found), "-V"]):
            return found
    raise AssertionError(f"this test needs a Python {version}")


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


def is_held(lock: Path) -> bool:
    with lock.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_four_at_once_one_killed_while_it_builds(house: House) -> None:
    moments = random.Random(20240501)
    for turn in range(5):
        house.env["MLOPS_ENV_DIR"] = str(house.envs / str(turn))
        first = house.start("gate", "--help")
        others = [house.start("gate", "--help") for _ in range(3)]
        if turn == 0:  # half an environment, for certain
            wait_for(lambda: list((house.envs / "0").glob("gate-*/pyvenv.cfg")))
        else:
            time.sleep(moments.uniform(0.05, 0.5))
        first.kill()
        for each in others:
            text, _ = each.communicate(timeout=60)
            assert each.returncode == 0, text
            assert text.startswith("Usage: mlops-step gate")
        assert house.run("gate", "--help")[0] == 0
        (built,) = (house.envs / str(turn)).glob("gate-*/.complete")
        code = "import msgspec, yaml"
        subprocess.run([built.parent / "bin" / "python", "-I", "-c", code], check=True)


def test_four_at_once_with_nothing_downloaded(house: House, tmp_path: Path) -> None:
    house.env["MLOPS_CACHE"] = str(tmp_path / "downloads")
    all_four = [house.start("gate", "--help") for _ in range(4)]
    wait_for(lambda: list((tmp_path / "downloads").glob("uv-*/pyvenv.cfg")))
    all_four[0].kill()
    for each in all_four[1:]:
        text, _ = each.communicate(timeout=120)
        assert each.returncode == 0, text
    assert len(list((tmp_path / "downloads").glob("uv-*/.complete"))) == 1


@pytest.fixture
def slow_uv(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real installer, which begins only when the file `go` is there."""
    monkeypatch.setenv("MLOPS_CACHE", house.env["MLOPS_CACHE"])
    folder = tmp_path / "slow"
    folder.mkdir()
    script = f"""#!/bin/sh
[ "$1" = --version ] && exec {environments._uv()} --version
touch {folder}/asked
while [ ! -e {folder}/go ]; do sleep 0.05; done
exec {environments._uv()} "$@"
"""
    (folder / "uv").write_text(script)
    (folder / "uv").chmod(0o755)
    house.env["PATH"] = f"{folder}{os.pathsep}{house.env['PATH']}"
    return folder


def test_an_installer_that_outlives_its_builder_keeps_the_others_waiting(
    house: House, slow_uv: Path
) -> None:
    house.passed()
    builder = house.start("setup")
    wait_for((slow_uv / "asked").exists)
    builder.kill()
    builder.wait()
    (lock,) = house.envs.glob("setup-*.lock")
    assert is_held(lock)
    # The last run's pass did not survive the kill either.
    assert house.verdict()["status"] == "undecided"
    following = house.start("setup")
    (slow_uv / "go").touch()
    text, _ = following.communicate(timeout=60)
    assert following.returncode == 0, text
    assert house.verdict()["status"] == "pass"
    wait_for(lambda: not is_held(lock))


def spoil(lock: Path) -> None:
    lock.write_text(re.sub(r"(sha256:)(\w{8})", r"\g<1>00000000", lock.read_text()))


def test_a_wrong_hash_stops_the_step_also_when_the_right_environment_stands(house: House) -> None:
    assert house.run("setup")[0] == 0
    spoil(house.folder / "locks" / "setup.txt")
    text = house.breaks_off("setup", 4)
    assert "setup: installing setup.txt failed" in text
    assert "hash" in text.lower()
    assert not [each for each in house.envs.glob("setup-*/.complete") if is_of_spoilt(each)]
    # A second try does not take what the first one left.
    house.breaks_off("setup", 4)


def is_of_spoilt(marker: Path) -> bool:
    return not list(marker.parent.glob("lib/python3*/site-packages/msgspec"))


def test_a_wrong_hash_of_the_installer_stops_the_step(house: House, tmp_path: Path) -> None:
    house.env["MLOPS_CACHE"] = str(tmp_path / "downloads")
    spoil(house.folder / "locks" / "uv.txt")
    text = house.breaks_off("setup", 4)
    assert "the installer could not be fetched" in text
    assert "hash" in text.lower()
    assert not list((tmp_path / "downloads").glob("uv-*/bin/uv"))


def test_an_old_pass_does_not_survive_a_run_that_cannot_begin(house: House) -> None:
    assert house.run("setup")[0] == 0
    config = house.project.folder / "mlops.yaml"
    right = config.read_text()
    for broken in ("model: [", right + "surplus: 1\n", None):
        house.passed()
        config.unlink() if broken is None else config.write_text(broken)
        assert "mlops.yaml" in house.breaks_off("setup", 2)
    config.write_text(right)
    house.passed()
    house.env["MLOPS_PYTHON"] = "2.7"
    assert "MLOPS_PYTHON is '2.7'. Allowed: 3.11, 3.12, 3.13, 3.14" in house.breaks_off("setup", 4)
    del house.env["MLOPS_PYTHON"]
    house.passed()
    house.env["MLOPS_ENV_DIR"] = str(config)
    assert str(config) in house.breaks_off("setup", 4)


def test_an_environment_that_lost_its_python_is_built_again(house: House) -> None:
    assert house.run("setup")[0] == 0
    (python,) = house.envs.glob("setup-*/bin/python")
    python.unlink()
    assert house.run("setup")[0] == 0
    # Help judges nothing, and so leaves no verdict.
    shutil.rmtree(house.envs)
    assert house.run("setup", "--help")[0] == 0
    assert house.verdict()["status"] == "pass"


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_another_python_is_wanted_and_had(house: House, version: str) -> None:
    house.env |= {
        "MLOPS_PYTHON": version,
        "PATH": f"{python_of(version).parent}{os.pathsep}{house.env['PATH']}",
    }
    assert house.run("setup")[0] == 0
    assert house.verdict()["versions"]["python"].startswith(version)


def test_started_by_python_3_8(house: House) -> None:
    old, new = python_of("3.8"), python_of("3.12")
    assert house.run("nonsense", python=str(old))[0] == 2
    house.env["MLOPS_PYTHON"] = "3.12"
    house.env["PATH"] = f"{new.parent}{os.pathsep}{house.env['PATH']}"
    assert house.run("setup", python=str(old))[0] == 0
    assert house.verdict()["versions"]["python"].startswith("3.12")


@pytest.mark.parametrize("step", ["gates", "uv", "", "../locks/gate", "gate.txt", "Gate", "."])
def test_an_unknown_step_is_named_with_the_known_ones(house: House, step: str) -> None:
    code, text = house.run(step)
    known = f"unknown step {step!r}. Steps: comment, deploy-canary,"
    assert (code, text[: len(known)]) == (2, known)
    assert not (house.project.folder / "out").exists()
    assert not house.envs.exists()


def test_no_module_of_the_folder_the_path_or_the_user_gets_in(house: House, tmp_path: Path) -> None:
    intruder = f"open({str(tmp_path / 'intruded')!r}, 'a').write(__name__ + chr(10))\n"
    own = tmp_path / ".local/lib" / f"python3.{sys.version_info[1]}" / "site-packages"
    own.mkdir(parents=True)
    names = ("json", "msgspec", "yaml", "mlops_steps", "sitecustomize", "usercustomize", "signal")
    for folder in (house.project.folder, own):
        for name in names:
            (folder / f"{name}.py").write_text(intruder)
    (own / "own.pth").write_text(f"import sys; exec({intruder!r})\n")
    house.env |= {
        "PYTHONPATH": str(house.project.folder),
        "PYTHONSTARTUP": str(house.project.folder / "json.py"),
        "PYTHONUSERBASE": str(tmp_path / ".local"),
    }
    for _ in range(2):  # once to build, once with all there
        code, text = house.run("setup")
        assert code == 0, text
    assert not (tmp_path / "intruded").exists()


def test_a_projects_settings_of_the_installer_do_not_steer_a_steps(house: House) -> None:
    house.project.write("uv.toml", 'required-version = "==0.0.1"\n')
    assert house.run("setup", "--help")[0] == 0


def test_an_installer_on_path_that_runs_nothing_is_passed_over(
    house: House, tmp_path: Path
) -> None:
    shim = tmp_path / "shims" / "uv"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    house.env["PATH"] = f"{shim.parent}{os.pathsep}{house.env['PATH']}"
    assert house.run("setup", "--help")[0] == 0


def test_only_the_standard_library_is_imported_before_the_environment() -> None:
    command = [sys.executable, "-I", "-S", "-X", "importtime", enter.__file__, "nonsense"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    names = re.findall(r"\| +([\w.]+)$", found.stderr, re.MULTILINE)
    assert "hashlib" in names
    tops = {name.partition(".")[0] for name in names}
    assert tops <= {*sys.stdlib_module_names, "__main__", "mlops_steps"}


def test_where_there_are_no_wheels_is_said_first(monkeypatch: pytest.MonkeyPatch) -> None:
    environments._refuse_unsupported()
    monkeypatch.setattr(environments, "_libc", lambda: "")
    with pytest.raises(environments.BuildError, match="only glibc is supported"):
        environments._refuse_unsupported()


def test_runners_do_not_share_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLOPS_ENV_DIR", "GITLAB_CI", "GITHUB_EVENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    lock = str(Path(environments.LOCKS) / "gate.txt")
    places = set()
    monkeypatch.setenv("RUNNER_TOOL_CACHE", "/opt/tools")
    for repository, event in (("a/b", "push"), ("a/b", "pull_request"), ("a/c", "push")):
        monkeypatch.setenv("GITHUB_REPOSITORY", repository)
        monkeypatch.setenv("GITHUB_EVENT_NAME", event)
        places.add(environments.environment(lock))
    monkeypatch.delenv("RUNNER_TOOL_CACHE")
    monkeypatch.setenv("GITLAB_CI", "false")
    monkeypatch.setenv("CI_PROJECT_DIR", "/builds/a/b")
    places.add(environments.environment(lock))
    assert len(places) == 4
    assert environments.environment(lock).startswith("/builds/a/b/.mlops/envs/gate-")


def test_killed_by_a_signal_it_has_no_verdict_of_its_own(house: House, slow_uv: Path) -> None:
    process = house.start("setup")
    wait_for((slow_uv / "asked").exists)
    process.send_signal(signal.SIGTERM)
    process.wait()
    (slow_uv / "go").touch()
    assert house.verdict()["line"] == "its environment was being built, not finished"
    assert house.run("setup")[0] == 0


def test_stopped_at_the_keyboard_it_says_so_in_one_line(house: House, slow_uv: Path) -> None:
    # Whoever was started in the background ignores it, and so would the child.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = house.start("setup")
    finally:
        signal.signal(signal.SIGINT, before)
    wait_for((slow_uv / "asked").exists)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert (process.returncode, text) == (4, "\nsetup: stopped before the step began\n")
    assert house.verdict()["line"] == "its environment was being built, not finished"
