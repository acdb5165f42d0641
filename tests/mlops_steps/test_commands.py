"""The project's programs: ended with all they started, told no secret, their failures in words."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
import time
from pathlib import Path

import pytest

from mlops_steps import commands
from mlops_steps.commands import words_of
from mlops_steps.errors import CommandError, ConfigError, InfrastructureError

SECRETS = [
    "ACTIONS_CACHE_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_RESULTS_URL",
    "ACTIONS_RUNTIME_TOKEN",
    "CI_BUILD_TOKEN",
    "CI_DEPENDENCY_PROXY_PASSWORD",
    "CI_DEPLOY_PASSWORD",
    "CI_JOB_JWT",
    "CI_JOB_JWT_V2",
    "CI_JOB_TOKEN",
    "CI_REGISTRY_PASSWORD",
    "CI_REPOSITORY_URL",
    "DOCKER_AUTH_CONFIG",
    "GH_TOKEN",
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "INPUT_TOKEN",
    "MLOPS_DISPATCH",
    "MLOPS_INPUTS",
    "MLOPS_REGISTRY_PASSWORD",
    "MLOPS_TOKEN",
]
HERE = Path(sys.executable)


class Runner:
    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "out" / "log.txt"

    def __call__(self, command: str, seconds: float | None = None, **extra: str) -> str:
        commands.run(
            command, folder=self.folder, python=HERE, extra=extra, log=self.log, seconds=seconds
        )
        return self.log.read_text(errors="replace")

    def python(self, code: str, seconds: float | None = None, **extra: str) -> str:
        return self(f"python -c {shlex.quote(code)}", seconds, **extra)


@pytest.fixture
def runs(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return False


def gone(pid: int) -> bool:
    for _ in range(1000):
        if not alive(pid):
            return True
        time.sleep(0.01)
    return False


def test_no_secret_of_the_job_is_handed_on(runs: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the project's own")
    monkeypatch.setenv("GITHUB_SHA", "abc")
    seen = json.loads(runs.python("import json, os; print(json.dumps(dict(os.environ)))", A="b"))
    assert "secret" not in seen.values()
    assert (seen["AWS_ACCESS_KEY_ID"], seen["GITHUB_SHA"]) == ("the project's own", "abc")
    assert (seen["A"], seen["PYTHONPATH"]) == ("b", str(runs.folder / "src"))
    assert seen["PATH"].split(os.pathsep)[0] == str(HERE.parent)


def test_a_program_runs_in_its_folder_and_reads_nothing(runs: Runner) -> None:
    said = runs.python("import os, sys; print(os.getcwd(), repr(sys.stdin.read()))")
    assert said == f"{runs.folder} ''\n"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no-such-program --now", "`no-such-program --now`: No such file or directory: no-such-pr"),
        ("./data", "`./data`: Permission denied: ./data"),
        ("python -c 'open", 'cannot read the command "python -c \'open": No closing quotation'),
        ("  ", "the command '  ' names no program"),
        ("python -V | tee log", "runs without a shell, to which alone '|' means something"),
        ("python -V > log", "to which alone '>' means something"),
        ("python -V --port $PORT", "to which alone '$PORT' means something"),
        ('python -V "${PORT}"', "to which alone '${PORT}' means something"),
        ("python -V $(nproc)", "to which alone '$(' means something"),
        ("bash serve.sh $PORT", "to which alone '$PORT' means something"),
        ("A=1 python -V", "to which alone 'A=1' means something"),
        ("# all of it", "No such file or directory: #"),
        ("python \0", "embedded null byte"),
    ],
)
def test_what_cannot_be_started_is_the_configurations_fault(
    runs: Runner, command: str, words: str
) -> None:
    (runs.folder / "data").mkdir()
    with pytest.raises(ConfigError) as caught:
        runs(command)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "command",
    [
        "sh -c 'serve --port $PORT | tee log'",
        'bash -ec "serve --port $PORT"',
        "python -c 'print(\"$PORT\")'",
        "python -V \\$PORT",
        "grep -q a$ log",
        "env A=1 python -V --name=B=2",
    ],
)
def test_what_no_shell_would_change_is_read(command: str) -> None:
    assert words_of(command)[0] == command.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("print('last words'); raise SystemExit(3)", "ended with exit code 3\nlast words"),
        ("import os; os.kill(os.getpid(), 9)", "ended with signal SIGKILL"),
        ("import os; os.kill(os.getpid(), 40)", "ended with signal 40"),
    ],
)
def test_a_failure_names_its_code_and_the_last_words(runs: Runner, code: str, words: str) -> None:
    with pytest.raises(CommandError) as caught:
        runs.python(code)
    assert words in str(caught.value)


LEAVES_A_CHILD = """\
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', '{child}'], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
{then}
"""
STUBBORN = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(99)"
)


@pytest.mark.parametrize("then", ["", "raise SystemExit(1)", "import os; os.kill(os.getpid(), 9)"])
def test_what_a_program_leaves_running_is_ended(runs: Runner, then: str) -> None:
    with contextlib.suppress(CommandError):
        runs.python(LEAVES_A_CHILD.format(child=STUBBORN, then=then))
    assert gone(int(runs.log.read_text().split()[0]))


def test_a_program_that_takes_too_long_is_ended_with_its_children(runs: Runner) -> None:
    child = "import time; print(1, flush=True); time.sleep(99)"
    with pytest.raises(CommandError, match=r"stopped after 2 s\n\d+$"):
        runs.python(LEAVES_A_CHILD.format(child=child, then="time.sleep(99)"), seconds=2)
    assert gone(int(runs.log.read_text().split()[0]))


def test_an_exception_ends_the_program_that_was_started(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with (
        pytest.raises(ZeroDivisionError),
        commands.start("sleep 99", folder=tmp_path, python=HERE, extra={}, log=log) as process,
    ):
        raise ZeroDivisionError
    assert process.returncode == -15


def test_the_tail_is_defused_and_short(runs: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    code = (
        "print('first'); [print('::set-output name=a::b') for _ in range(20)]; raise SystemExit(1)"
    )
    with pytest.raises(CommandError) as caught:
        runs.python(code)
    lines = str(caught.value).splitlines()[1:]
    assert lines == [": :set-output name=a::b"] * 20


def test_a_log_that_is_no_text_is_shown(runs: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    runs.python(r"import sys; sys.stdout.buffer.write(b'a\xff\x00b\n')")
    commands.show(runs.log)
    assert capsys.readouterr().out == "a\ufffd\0b\n"


def test_a_projects_lock_has_to_be_there_and_whole(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"requirements\.txt: not found"):
        commands.project_python(tmp_path, "requirements.txt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLOPS_ENV_DIR", str(tmp_path / "envs"))
        patch.setenv("MLOPS_CACHE", str(Path.home() / ".cache" / "mlops-init" / "downloads"))
        (tmp_path / "requirements.txt").write_text("msgspec==0.22.0\n")
        with pytest.raises(InfrastructureError, match=r"(?s)requirements\.txt: .*hash"):
            commands.project_python(tmp_path, "requirements.txt")
