"""Somebody's own table, from `new --data` to a registered version."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.mlops_init.datasets import tables

COMMAND = Path(sys.executable).parent / "mlops-init"
GIT = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.org")

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1500)]


def do(*command: str | Path, folder: Path) -> str:
    found = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def walk(folder: Path, rows: list[list[str]], target: str) -> dict[str, dict[str, object]]:
    """Make the project of a table, walk ci and a first release; verdicts by workflow and step."""
    tables.write(folder / "table.csv", rows)
    version = f"python_version={sys.version_info[0]}.{sys.version_info[1]}"
    new = (COMMAND, "new", "own", "--data", "table.csv", "--target", target)
    do(*new, "--defaults", "-c", version, folder=folder)
    project, state = folder / "own", folder / "state"
    do("git", "init", "-q", "-b", "main", folder=project)
    do("git", "add", "-A", folder=project)
    do(*GIT, "commit", "-qm", "Start", folder=project)
    run = (COMMAND, "run", "--engine", "native", "--state", state)
    do(*run, "ci", folder=project)
    do(*run, "ct", "-i", "first-release=true", folder=project)
    return {
        path.parent.relative_to(state / "runs").as_posix(): json.loads(path.read_text())
        for path in (state / "runs").glob("*/*/verdict.json")
    }


def test_a_table_of_text_gaps_and_odd_names_becomes_a_version(tmp_path: Path) -> None:
    rows, target = tables.odd()
    found = walk(tmp_path, rows, target)
    assert {name: each["status"] for name, each in found.items()} == dict.fromkeys(found, "pass")
    for step in ("ci/validate-data", "ci/gate", "ct/evaluate", "ct/gate", "ct/register"):
        assert step in found
    assert "cd/deploy-canary" in found
    metrics = json.loads((tmp_path / "state/runs/ct/evaluate/metrics.json").read_text())
    # It learns from the text and despite the gaps: the numbers alone reach about 0.75.
    assert metrics["candidate"]["roc_auc"]["value"] > 0.85
