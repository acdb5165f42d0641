"""Whatever happens in a step: the verdict on disk, the exit code and what the platform is told."""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAD = """\
import os, signal, sys, threading, time
from mlops_steps import errors
from mlops_steps.spec import Output, Status, Step

STEP = Step("gate", "Do as the test says.", outputs=(Output("reason", "A text."),))


def stop(number=signal.SIGTERM):
    os.kill(os.getpid(), number)


def run(record):
"""


class Stage:
    """A project, and a copy of the steps in which gate does what the test says."""

    def __init__(self, project: Any, folder: Path) -> None:
        self.folder, self.env, self.steps = project.folder, project.env, folder
        shutil.copytree(
            ROOT / "actions" / "mlops_steps", folder, ignore=shutil.ignore_patterns("__pycache__")
        )

    def run(self, body: str, **env: str) -> tuple[int, str, dict[str, Any]]:
        """Let a body run where the last run has passed."""
        out = self.folder / "out" / "gate"
        out.mkdir(parents=True, exist_ok=True)
        old = {"step": "gate", "status": "pass", "line": "old", "exit_code": 0}
        (out / "verdict.json").write_text(json.dumps(old))
        (out / "left-over").touch()
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        (self.steps / "gate" / "step.py").write_text(HEAD + lines)
        found = subprocess.run(
            [sys.executable, "-I", "-B", str(self.steps / "enter.py"), "--inside", "gate"],
            cwd=self.folder,
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        verdict = json.loads((out / "verdict.json").read_bytes())
        assert not (out / "left-over").exists() or found.returncode < 0
        return found.returncode, found.stdout + found.stderr, verdict


@pytest.fixture
def stage(sample: Callable[..., Any], tmp_path: Path) -> Stage:
    return Stage(sample(), tmp_path / "steps")


def obeyed(text: str) -> list[str]:
    """The lines that GitHub's runner takes for commands."""
    lines = re.split(r"\r\n|\r|\n", text)
    return [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


@pytest.mark.parametrize(
    ("body", "code", "status", "line"),
    [
        ("return Status.PASS", 0, "pass", ""),
        ("return Status.FAIL", 1, "fail", ""),
        ("return Status.UNDECIDED", 3, "undecided", ""),
        ("raise errors.ConfigError('a')", 2, "undecided", "a"),
        ("raise errors.CommandError('a')", 1, "fail", "a"),
        ("raise errors.UndecidedError('a')", 3, "undecided", "a"),
        ("raise errors.InfrastructureError('a')", 4, "undecided", "a"),
        ("raise errors.MlopsError", 3, "undecided", "MlopsError"),
        ("raise ValueError('a')", 3, "undecided", "ValueError: a"),
        ("sys.exit(0)", 3, "undecided", "SystemExit: 0"),
        ("raise KeyboardInterrupt", 3, "undecided", "KeyboardInterrupt: "),
        ("return run(record)", 3, "undecided", "RecursionError: maximum"),
        ("return 'pass!'", 3, "undecided", "is not a valid Status"),
        ("return None", 3, "undecided", "is not a valid Status"),
        ("import missing_module", 3, "undecided", "ModuleNotFoundError: "),
        ("raise OSError(28, 'No space left on device')", 4, "undecided", "[Errno 28] No space"),
        ("record.figure('auc', float('nan'))", 3, "undecided", "auc is nan: not a number"),
        ("record.figure('auc', 0.5, interval=(0.1, float('inf')))", 3, "undecided", "auc is inf"),
        ("record.output('status2', 'a')", 3, "undecided", 'KeyError: "step gate declares no'),
    ],
)
def test_each_end_has_its_code_and_status(
    stage: Stage, body: str, code: int, status: str, line: str
) -> None:
    ended, text, verdict = stage.run(body)
    assert (ended, verdict["status"], verdict["exit_code"]) == (code, status, code), text
    assert verdict["outputs"]["status"] == status
    assert line in verdict["line"]
    assert "Traceback" not in text


def test_numpys_numbers_are_judged_as_numbers(stage: Stage) -> None:
    body = "import numpy as np\nrecord.find('a', 'b', bound=float('nan'))\n"
    body += "record.figure('auc', np.float32({}), n=np.int64(3).item())\nreturn Status.PASS"
    assert stage.run(body.format("0.5"))[2]["figures"]["auc"]["value"] == 0.5
    code, _, verdict = stage.run(body.format("'nan'"))
    assert (code, verdict["line"]) == (3, "auc is nan: not a number that can be judged")
    assert verdict["findings"][0]["details"] == {"bound": "nan"}


def test_a_traceback_only_when_asked_for(stage: Stage) -> None:
    code, text, _ = stage.run("raise ValueError('a')", MLOPS_DEBUG="1")
    assert code == 3
    assert "Traceback (most recent call last)" in text


def test_killed_the_verdict_says_undecided(stage: Stage) -> None:
    code, _, verdict = stage.run("stop(signal.SIGKILL)")
    assert code == -signal.SIGKILL
    assert (verdict["status"], verdict["line"]) == ("undecided", "started, not finished")


WAITING = "try:\n    stop(); time.sleep(60)\n"
STOPPED = {
    "as it waits": "stop()\ntime.sleep(60)",
    "by SIGINT": "stop(signal.SIGINT)\ntime.sleep(60)",
    "and swallowed": WAITING + "except BaseException: pass\nreturn Status.PASS",
    "where a library swallows errors": WAITING + "except Exception: pass\ntime.sleep(60)",
    "and made another error": WAITING + "except BaseException: raise RuntimeError from None",
    "and made a judgement": WAITING
    + "except BaseException: raise errors.CommandError('it failed') from None",
    "as something is destroyed": "class Thing:\n    def __del__(self):\n        stop()\n"
    "thing = Thing()\ndel thing\ntime.sleep(60)",
    "as DuckDB computes": "import duckdb\nthreading.Timer(0.2, stop).start()\n"
    "while True:\n"
    "    duckdb.connect().execute('SELECT sum(hash(range)) FROM range(10000000)').fetchall()",
    "twice": WAITING
    + "finally:\n    stop(signal.SIGINT); stop(); time.sleep(0.1); record.figure('cleaned', 1)",
}


@pytest.mark.parametrize("body", STOPPED.values(), ids=STOPPED)
def test_stopped_it_keeps_its_figures_and_is_undecided(stage: Stage, body: str) -> None:
    code, text, verdict = stage.run("record.figure('rows', 5)\n" + body)
    assert (code, verdict["status"], verdict["exit_code"]) == (4, "undecided", 4), text
    assert re.match(r"stopped by SIG(TERM|INT); figures so far are kept$", verdict["line"])
    assert verdict["figures"]["rows"]["value"] == 5
    assert ("finally" in body) == ("cleaned" in verdict["figures"])
    assert "Traceback" not in text


def test_a_stop_waits_for_an_import_to_end(stage: Stage) -> None:
    (stage.steps / "gate" / "slow.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(0.1)\n"
    )
    body = "from mlops_steps.gate import slow\nrecord.figure('imported', 1)\ntime.sleep(60)"
    code, text, verdict = stage.run(body)
    assert (code, verdict["line"][:18]) == (4, "stopped by SIGTERM"), text
    # The exception came after the import: before the figure, or just behind it.
    assert "This is a defect" not in text


def test_a_stop_amid_the_import_of_a_compiled_module_breaks_nothing(stage: Stage) -> None:
    body = """\
class Finder:
    seen = 0
    def find_spec(self, name, path=None, target=None):
        self.seen += 1
        if self.seen == {}:
            stop()
finder = Finder()
sys.meta_path.insert(0, finder)
import duckdb, numpy
record.figure('modules', finder.seen)
time.sleep(0 if {} else 60)
return Status.PASS"""
    code, text, verdict = stage.run(body.format(0, 1))
    assert code == 0, text
    modules = verdict["figures"]["modules"]["value"]
    assert modules > 50
    for number in random.Random(20240502).sample(range(1, modules + 1), 6):
        code, text, verdict = stage.run(body.format(number, 0))
        assert (code, verdict["line"][:18]) == (4, "stopped by SIGTERM"), (number, text)


def test_a_stop_while_the_verdict_is_written_changes_nothing(stage: Stage) -> None:
    body = """\
def watch(event, values):
    if event == 'os.rename' and str(values[1]).endswith('verdict.json'):
        stop(); stop(signal.SIGINT)
sys.addaudithook(watch)
return Status.PASS"""
    code, text, verdict = stage.run(body)
    assert (code, verdict["status"]) == (0, "pass"), text


def as_runner_reads(path: Path) -> list[tuple[str, str]]:
    """The outputs in a GITHUB_OUTPUT file: NAME<<MARK, lines, MARK."""
    found, lines = [], iter(path.read_text().split("\n"))
    for line in lines:
        if line:
            name, _, mark = line.partition("<<")
            assert mark
            value: list[str] = []
            for inner in lines:
                if inner == mark:
                    break
                value.append(inner)
            found.append((name, "\n".join(value)))
    return found


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "",
        "a\nstatus=pass",
        "EOF\nstatus<<EOF\npass\nEOF",
        "mlops-\n<<",
        "a\r\nb",
        "é\u2028",
    ],
)
def test_github_reads_each_output_as_it_is(stage: Stage, tmp_path: Path, value: str) -> None:
    target = tmp_path / "outputs"
    body = f"record.output('reason', {value!r})\nreturn Status.FAIL"
    code, text, _ = stage.run(body, GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(target))
    assert code == 1, text
    with target.open(newline="") as stream:
        assert value in stream.read()
    shown = [("reason", value.replace("\r\n", "\n")), ("status", "fail")]
    assert as_runner_reads(target) == shown


def test_gitlab_gets_a_dotenv_file_or_nothing(stage: Stage) -> None:
    dotenv = stage.folder / "out" / "gate" / "outputs.env"
    body = "record.output('reason', {!r})\nreturn Status.PASS"
    assert stage.run(body.format("a=b #c"), GITLAB_CI="false")[0] == 0
    assert dotenv.read_text() == "REASON=a=b #c\nSTATUS=pass\n"
    for value in ("a\nSTATUS=pass", "a\rb", " a"):
        code, text, verdict = stage.run(body.format(value), GITLAB_CI="true")
        assert (code, verdict["status"], verdict["exit_code"]) == (2, "undecided", 2), text
        assert "output reason: GitLab's dotenv format" in verdict["line"]
        assert not dotenv.exists()


def test_a_verdict_that_cannot_be_handed_over_is_no_pass(stage: Stage, tmp_path: Path) -> None:
    code, text, verdict = stage.run("return Status.PASS", GITHUB_OUTPUT="/dev/full")
    assert (code, verdict["status"], verdict["outputs"]["status"]) == (4, *["undecided"] * 2), text
    # A summary is only looked at.
    code, text, verdict = stage.run("return Status.PASS", GITHUB_STEP_SUMMARY=str(tmp_path))
    assert (code, verdict["status"]) == (0, "pass")
    assert "gate: no summary: " in text


def test_annotations_are_escaped_and_programs_words_defused(stage: Stage) -> None:
    body = """\
record.find('a', '50%\\n::error::no\\r::x', file='a,b:c%.py', line=3)
record.say('fine\\r::add-mask::a', '::set-output name=status::pass', 'b ##[add-path]/tmp', '\\t:::')
return Status.FAIL"""
    _, text, _ = stage.run(body, GITHUB_ACTIONS="true")
    mark = "::error file=a%2Cb%3Ac%25.py,line=3::50%25%0A::error::no%0D::x"
    assert obeyed(text) == [mark]
    assert ": :set-output name=status::pass" in text
    # Elsewhere nothing obeys, and nothing is changed.
    assert "  ::set-output name=status::pass" in stage.run(body)[1]


def test_refusals_before_the_step_are_defused_too(stage: Stage) -> None:
    config = stage.folder / "mlops.yaml"
    config.write_text(config.read_text() + '"a\\n::set-output name=status::pass": 1\n')
    out = stage.folder / "out" / "gate"
    code, text, verdict = stage_refuses(stage)
    assert (code, verdict["status"], verdict["exit_code"]) == (2, "undecided", 2)
    assert [line[:8] for line in obeyed(text)] == ["::error:"]
    assert out.exists()


def stage_refuses(stage: Stage) -> tuple[int, str, dict[str, Any]]:
    (stage.folder / "out" / "gate").mkdir(parents=True)
    (stage.folder / "out" / "gate" / "verdict.json").write_text('{"status": "pass"}')
    found = subprocess.run(
        [sys.executable, "-I", str(stage.steps / "enter.py"), "--inside", "gate"],
        cwd=stage.folder,
        env=stage.env | {"GITHUB_ACTIONS": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    path = stage.folder / "out" / "gate" / "verdict.json"
    return found.returncode, found.stdout + found.stderr, json.loads(path.read_bytes())


def test_a_summary_stays_below_the_platforms_limit(stage: Stage, tmp_path: Path) -> None:
    target = tmp_path / "summary.md"
    target.write_text("before\n")
    body = "record.say('much', *(['é' * 1000] * 1000))\nreturn Status.PASS"
    assert stage.run(body, GITHUB_STEP_SUMMARY=str(target))[0] == 0
    text = target.read_text()
    assert text.startswith("before\n### gate: pass\n")
    assert text.rstrip().endswith("(cut)")
    assert len(text.encode()) < 1_000_000


def test_signs_that_the_log_does_not_have_are_written_otherwise(stage: Stage) -> None:
    body = "record.say('\\u20ac \\udcff')\nreturn Status.PASS"
    code, text, _ = stage.run(body, PYTHONIOENCODING="latin-1", LC_ALL="C", PYTHONUTF8="0")
    assert code == 0, text


def test_a_broken_environment_is_no_judgement(stage: Stage) -> None:
    (stage.steps / "doors.py").write_text("import not_there\n")
    code, text, verdict = stage_refuses(stage)
    assert (code, verdict["status"]) == (3, "undecided")
    assert "ModuleNotFoundError" in text
    assert "Traceback" not in text


#: Fails as its file of remaining failures says, one word a line.
FAILING = """\
from pathlib import Path
left = Path("left.txt").read_text().splitlines()
Path("left.txt").write_text("\\n".join(left[1:]))
record.say(f"{len(left)} left")
if left:
    raise getattr(errors, left[0])("no route to the registry\\n::error::forged")
return Status.PASS
"""


@pytest.mark.parametrize(
    ("failures", "retries", "code", "tried"),
    [
        (1, "1", 0, 2),
        (2, "1", 4, 2),
        (2, "2", 0, 3),
        (1, "", 4, 1),
        (1, "0", 4, 1),
        (1, "-1", 4, 1),
        (1, "many", 4, 1),
    ],
)
def test_infrastructure_is_tried_again_as_often_as_the_workflow_says(
    stage: Stage, failures: int, retries: str, code: int, tried: int
) -> None:
    left = ["InfrastructureError"] * failures
    (stage.folder / "left.txt").write_text("\n".join(left))
    ended, text, verdict = stage.run(FAILING, MLOPS_RETRIES=retries)
    assert ended == code, text
    assert verdict["status"] == ("pass" if code == 0 else "undecided")
    assert text.count("trying again") == tried - 1
    assert "\n::error::forged" not in text.replace("\r", "\n")


def test_a_stop_in_the_pause_before_another_attempt_is_not_lost(stage: Stage) -> None:
    (stage.folder / "left.txt").write_text("InfrastructureError\nInfrastructureError")
    code, text, verdict = stage.run(
        f"threading.Timer(1, stop).start()\n{FAILING}", MLOPS_RETRIES="2"
    )
    assert (code, verdict["status"]) == (4, "undecided")
    assert verdict["line"] == "stopped by SIGTERM; figures so far are kept"
    assert text.count("trying again") == 1
    assert (stage.folder / "left.txt").read_text() == "InfrastructureError"


def test_a_stop_between_two_attempts_reaches_the_second(stage: Stage) -> None:
    # As it is after the last look: blocked, and kept by the kernel beyond execv.
    steps = stage.steps / "attempts.py"
    text = steps.read_text()
    spoilt = "        os.kill(os.getpid(), signal.SIGTERM)\n        if False:\n            return\n"
    assert text.count("        if stopped():\n            return\n") == 1
    steps.write_text(text.replace("        if stopped():\n            return\n", spoilt))
    (stage.folder / "left.txt").write_text("InfrastructureError")
    code, _, verdict = stage.run(FAILING, MLOPS_RETRIES="2")
    assert (code, verdict["status"]) == (4, "undecided")
    assert verdict["line"] == "stopped by SIGTERM; figures so far are kept"


def test_why_it_is_tried_again_is_no_command(stage: Stage) -> None:
    (stage.folder / "left.txt").write_text("InfrastructureError")
    body = FAILING.replace("no route", "::error::##[add-mask]pass no route")
    code, text, _ = stage.run(body, MLOPS_RETRIES="1", GITHUB_ACTIONS="true")
    assert code == 0
    assert "gate: ::error::## [add-mask]pass no route to" in text
    assert obeyed(text) == []


@pytest.mark.parametrize("platform", ["GITHUB_ACTIONS", "GITLAB_CI"])
def test_half_a_character_is_handed_over_by_its_number(
    stage: Stage, tmp_path: Path, platform: str
) -> None:
    half = "a\\udcff"  # as in a file's name that is no UTF-8
    body = (
        f'record.find("r", "m {half}", file="{half}", level="warning", name="{half}")\n'
        f'record.output("reason", "{half}")\nrecord.say("{half}", "{half}")\nreturn Status.PASS'
    )
    files = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    code, text, verdict = stage.run(body, **{platform: "true"}, **files)
    assert (code, verdict["status"]) == (0, "pass"), text
    (finding,) = verdict["findings"]
    assert verdict["line"] == verdict["outputs"]["reason"] == finding["file"] == "a\\udcff"
    assert "a\\udcff" in (tmp_path / "GITHUB_STEP_SUMMARY").read_text().replace("\\\\", "\\")


def test_a_verdict_steers_no_terminal(stage: Stage) -> None:
    body = 'record.say("\\x1b[31m\\x1b]0;x\\x07", "a\\u202eb\\rc")\nreturn Status.PASS'
    code, text, _ = stage.run(body)
    assert code == 0
    assert "\\x1b[31m\\x1b]0;x\\x07" in text
    assert "a\\u202eb\\rc" in text
    assert all(sign.isprintable() or sign == "\n" for sign in text)


@pytest.mark.parametrize("kind", ["CommandError", "ConfigError", "UndecidedError"])
def test_nothing_else_is_tried_again(stage: Stage, kind: str) -> None:
    (stage.folder / "left.txt").write_text(kind)
    ended, text, _ = stage.run(FAILING, MLOPS_RETRIES="2")
    assert ended in {1, 2, 3}
    assert "trying again" not in text


def test_a_stop_is_not_tried_again(stage: Stage) -> None:
    code, text, verdict = stage.run("stop()\ntime.sleep(5)", MLOPS_RETRIES="2")
    assert (code, verdict["status"]) == (4, "undecided")
    assert "trying again" not in text
