"""The README that a project comes with, followed to the letter by somebody new to it."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
from scripts import examples
from tests.mlops_init.helpers import BIN, clean, run, tool

pytestmark = [pytest.mark.engine, pytest.mark.timeout(3600)]
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Both of what a README says to type, in its order.
TOLD = ("mlops-init run", "mlops-step train")


def typed(readme: Path) -> str:
    """All blocks of a README as they would be typed into one shell, each line said beforehand."""
    lines = [line for block in BLOCK.findall(readme.read_text()) for line in block.splitlines()]
    assert {line.partition("  #")[0].strip() for line in lines} >= set(TOLD)
    script = []
    for number, line in enumerate(lines):
        # In braces, since what the line sets has to last; a comment ends with the line.
        script += [
            f"echo '>>> {number}'",
            f"{{ {line}",
            f"}} || {{ echo 'stopped: {number}'; exit 9; }}",
        ]
    return "\n".join(script) + "\n"


def somebody(folder: Path, *, engines: bool) -> dict[str, str]:
    """The environment of a person with git, Python, mlops-init, and engines or none."""
    env = {word: value for word, value in os.environ.items() if not word.startswith("PYTHON")}
    env.pop("VIRTUAL_ENV", None)
    (folder / "gitconfig").write_text("[user]\nname = New\nemail = new@example.org\n")
    names = ("act", "gitlab-ci-local")
    places = [each for each in env["PATH"].split(os.pathsep) if each != str(BIN)]
    places = [each for each in places if not any((Path(each) / name).exists() for name in names)]
    if engines:
        places = [*(str(Path(tool(name)).parent) for name in names), *places]
    env["PATH"] = os.pathsep.join([str(BIN), *places])
    return env | {
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "XDG_STATE_HOME": str(folder / "home"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@pytest.mark.all
@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("tumour-github", "native"),
        ("tumour-github", "act"),
        ("churn-both", "native"),
    ],
)
def test_followed_to_the_letter(tmp_path: Path, name: str, engine: str) -> None:
    env = somebody(tmp_path, engines=engine != "native")
    (tmp_path / examples.TABLE).write_text(examples.customers(), newline="")
    command = examples.command(name).replace("python_version=3.11", f"python_version={PYTHON}")
    clean(run("bash", "-c", command, folder=tmp_path, env=env))
    project = tmp_path / name
    script = f"exec 2>&1 </dev/null\n{typed(project / 'README.md')}"
    found = run("bash", "-c", script, folder=project, env=env, timeout=3000)
    said = found.stdout
    assert found.returncode == 0, said
    assert f"  engine {engine}, " in said
    walked = re.findall(r"^  (\w+) +passed, \d+ jobs", said, re.MULTILINE)
    assert walked == ["ci", "ct", "cd", "monitor"]
    (report,) = re.findall(r"^  (/\S+/report/index\.html)$", said, re.MULTILINE)
    assert Path(report).is_file()
    assert re.search(r"^=+ \d+ passed in .* =+$", said, re.MULTILINE), "its own tests"
    assert (project / ".git" / "hooks" / "pre-commit").is_file()
    verdict = json.loads((project / "out" / "train" / "verdict.json").read_text())
    assert (verdict["status"], verdict["line"] in said) == ("pass", True)
    # What came of it is nothing that git would take.
    assert run("git", "status", "--porcelain", folder=project).stdout == ""


def test_a_line_that_fails_would_be_found(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("```\nmlops-init run\nfalse && true  # a comment\nmlops-step train\n```\n")
    script = "mlops-init() { :; }\nmlops-step() { :; }\n" + typed(readme)
    found = run("bash", "-c", script, folder=tmp_path)
    assert (found.returncode, found.stdout.splitlines()[-1]) == (9, "stopped: 1")
