"""A project whose model has just passed the gate."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.mlops_steps.conftest import Sample

from mlops_steps.files import digest_of, write_json
from mlops_steps.record import Verdict
from mlops_steps.spec import Status

WROTE = {
    "validate-data": {},
    "train": {"out/train/model/weights.bin": "weights", "out/train/training.json": "{}"},
    "evaluate": {"out/evaluate/metrics.json": "{}"},
    "gate": {"out/gate/rules.json": "[]"},
}


def leave(
    project: Sample,
    step: str,
    *,
    status: Status = Status.PASS,
    split: str = "test",
    model: str = "weights",
) -> None:
    """What an earlier step leaves behind, as the real ones do."""
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project.folder, capture_output=True, text=True, check=True
    )
    wrote = {}
    for name, text in WROTE[step].items():
        project.write(name, model if name.endswith("weights.bin") else text)
        noted = "out/train/model" if "/model/" in name else name
        wrote[noted] = digest_of(project.folder / noted)
    verdict = Verdict(
        step=step,
        status=status,
        line=f"{step} says so",
        lines=["roc_auc 0.91 [0.88, 0.94], the rule wants 0.95"] if status is Status.FAIL else [],
        wrote=wrote,
        inputs={"split": split},
        commit=head.stdout.strip(),
        started="2026-01-01T00:00:00+00:00",
    )
    write_json(project.folder / "out" / step / "verdict.json", msgspec.to_builtins(verdict))


@pytest.fixture
def passed(sample: Callable[..., Sample]) -> Callable[..., Sample]:
    """Make a project and what the earlier steps left in it."""

    def make(model: str = "weights") -> Sample:
        project = sample()
        project.write("src/serve.py", "print()\n")
        project.commit("source")
        for step in WROTE:
            leave(project, step, model=model)
        return project

    return make


def registry_folder(project: Sample) -> Path:
    return Path(project.env["MLOPS_STATE"])
