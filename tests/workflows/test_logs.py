"""Who opens the log of a failing job reads the cause in its last lines."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.workflows import harness, mini

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

LAST = 20
NOISE = "for number in range(1000):\n    print('line', number)\n"


@dataclass(frozen=True)
class Fault:
    """What is wrong with a project, which job finds it, and the words that say so."""

    job: str
    needs: tuple[str, ...]
    file: str
    old: str
    new: str
    cause: str


PREPARED = ("validate-data", "train", "evaluate")
FAULTS = (
    Fault("lint", (), "src/train.py", "import os\n", "import os, sys\n", "F401"),
    Fault("test", (), "src/check.py", "print", f"{NOISE}assert 1 == 2, 'odd'\nprint", "odd"),
    Fault("validate-data", (), "data/contract.yaml", "max: 1}", "max: 0.5}", "light: range"),
    Fault("train", PREPARED[:1], "src/train.py", "folder = ", f"{NOISE}1 / 0\n#", "by zero"),
    Fault(
        "evaluate", PREPARED[:2], "src/predict.py", "threshold = ", f"{NOISE}1 / 0\n#", "by zero"
    ),
    Fault("gate", PREPARED, "src/train.py", '"0.5"', '"0.9"', "accuracy >= 0.9"),
)


def printed(walk: harness.Walk, job: str) -> list[str]:
    """What a job itself printed, read from the engine's own log."""
    log = (
        walk.state
        / "runs"
        / "ci"
        / {"act": "act.log", "gitlab": "gitlab-ci-local.log"}[walk.engine]
    )
    lines = log.read_text(encoding="utf-8").splitlines()
    if walk.engine == "gitlab":
        marked = (re.fullmatch(rf"{job} +> ?(.*)", line) for line in lines)
        return [found[1] for found in marked if found]
    entries = (json.loads(line) for line in lines if line.startswith("{"))
    return [
        each["msg"].rstrip("\n")
        for each in entries
        if each.get("raw_output") and each.get("jobID") == job
    ]


@pytest.mark.parametrize("engine", ["act", "gitlab"])
@pytest.mark.parametrize("fault", FAULTS, ids=[each.job for each in FAULTS])
def test_a_failing_job_ends_with_the_cause(
    fault: Fault, engine: str, project: Path, tmp_path: Path
) -> None:
    mini.edit(project, fault.file, fault.old, fault.new)
    mini.commit(project)
    walk = harness.walk(project, engine, harness.only(fault.job, *fault.needs), tmp_path / "state")
    assert walk.statuses()[fault.job] == "fail"
    lines = printed(walk, fault.job)
    assert any(fault.cause in line for line in lines[-LAST:]), "\n".join(lines)
