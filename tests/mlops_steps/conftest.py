"""A small real project for the tests of the steps: breast cancer data, a real model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENTER = ROOT / "actions" / "mlops_steps" / "enter.py"
DATA = ROOT / "templates" / "data" / "binary" / "samples.csv"

MLOPS_YAML = """\
model: {name: tumour, task: binary}
data:
  inputs:
    samples:
      path: data/samples.csv
      key: id
      target: diagnosis
      positive: malignant
      split: {by: hash, salt: tumour-1, test: 0.3, valid: 0.2}
      contract: data/contract.yaml
commands:
  train: python train.py
  predict: python predict.py
  serve: python serve.py
  test: python -m pytest -q
gate:
  test: [roc_auc >= 0.95, accuracy >= champion - 0.05]
  valid: [roc_auc >= 0.9]
"""


@dataclass
class Ran:
    """How one run of a step ended."""

    code: int
    text: str
    verdict: dict[str, Any]


@dataclass
class Sample:
    """A project in a folder, and the means to run a step in it."""

    folder: Path
    env: dict[str, str]

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commit(self, message: str = "change") -> None:
        git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org"]
        subprocess.run([*git, "add", "-A"], cwd=self.folder, check=True)
        subprocess.run([*git, "commit", "-qm", message], cwd=self.folder, check=True)

    def command(self, step: str, **inputs: str) -> list[str]:
        # --inside: in this very environment, which holds what every step needs.
        options = [f"--{name.replace('_', '-')}={value}" for name, value in inputs.items()]
        return [sys.executable, "-I", str(ENTER), "--inside", step, *options]

    def run(self, step: str, **inputs: str) -> Ran:
        found = subprocess.run(
            self.command(step, **inputs),
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        path = self.folder / "out" / step / "verdict.json"
        verdict = json.loads(path.read_text()) if path.exists() else {}
        return Ran(found.returncode, found.stdout + found.stderr, verdict)


@pytest.fixture
def sample(tmp_path: Path) -> Callable[..., Sample]:
    """Make a project; every call a new folder, nothing shared but the download cache."""
    count = 0

    def make(config: str = MLOPS_YAML) -> Sample:
        nonlocal count
        count += 1
        folder = tmp_path / f"project{count}"
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "samples.csv").write_bytes(DATA.read_bytes())
        (folder / "mlops.yaml").write_text(config)
        subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
        cache = Path.home() / ".cache" / "mlops-init"
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MLOPS_", "GITHUB_", "CI_", "GITLAB_", "RUNNER_"))
        }
        env |= {
            "HOME": str(tmp_path),
            "MLOPS_STATE": str(tmp_path / f"state{count}"),
            "MLOPS_CACHE": str(cache / "downloads"),
            "MLOPS_ENV_DIR": str(cache / "envs"),
        }
        made = Sample(folder, env)
        made.write(".gitignore", "out/\n__pycache__/\n")
        made.commit("start")
        return made

    return make
