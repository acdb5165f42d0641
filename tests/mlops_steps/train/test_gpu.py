"""train.gpu: required means required, none means none, and both are said at once."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Any]

#: Tells what the command is allowed to use.
TRAIN = """\
import json, os
from pathlib import Path

Path(os.environ["MLOPS_MODEL"], "model.json").write_text(
    json.dumps({"devices": os.environ.get("CUDA_VISIBLE_DEVICES", "not set")})
)
"""


def with_driver(made: Any, folder: Path, says: str) -> None:
    """Put a program in front of PATH that answers as the driver's own does."""
    program = folder / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    made.env["PATH"] = f"{program.parent}{os.pathsep}{made.env['PATH']}"


def devices(made: Any) -> str:
    model = json.loads((made.folder / "out/train/model/model.json").read_text())
    found: str = model["devices"]
    return found


ONE = "echo '0, NVIDIA H200, 143771, 570.124'"


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("echo 'No devices were found'", "nvidia-smi finds no GPU on this machine"),
        ("echo 'driver mismatch' >&2; exit 18", "whether there is one cannot be told: "),
    ],
)
def test_required_without_a_gpu_ends_at_once_as_infrastructure(
    project: Make, tmp_path: Path, says: str, words: str
) -> None:
    made = project("import time; time.sleep(60)", "train: {gpu: required}\n")
    with_driver(made, tmp_path, says)
    # Not even the environment is built: a lock that no index could satisfy is not looked at.
    made.write("requirements.txt", "no-such-package==0.0.0 --hash=sha256:" + "0" * 64 + "\n")
    started = time.monotonic()
    ran = made.run("train")
    assert time.monotonic() - started < 30
    assert (ran.code, ran.verdict["status"]) == (4, "undecided"), ran.text
    assert words in ran.verdict["line"]
    assert "nothing was trained" in ran.verdict["line"]
    assert "GPU_RUNNER" in ran.verdict["line"]


@pytest.mark.parametrize("hidden", ["", " ", "-1", "-1,0"])
def test_a_gpu_that_the_job_hides_is_none(project: Make, tmp_path: Path, hidden: str) -> None:
    made = project(TRAIN, "train: {gpu: required}\n")
    with_driver(made, tmp_path, ONE)
    made.env["CUDA_VISIBLE_DEVICES"] = hidden
    ran = made.run("train")
    assert ran.code == 4
    assert f"CUDA_VISIBLE_DEVICES={hidden!r} hides every GPU" in ran.verdict["line"]


@pytest.mark.parametrize("visible", ["0", "1", "1,-1", "GPU-8932f937-d72c"])
def test_required_with_a_gpu_trains_and_records_it(
    project: Make, tmp_path: Path, visible: str
) -> None:
    made = project(TRAIN, "train: {gpu: required}\n")
    with_driver(made, tmp_path, ONE)
    made.env["CUDA_VISIBLE_DEVICES"] = visible
    ran = made.run("train")
    assert ran.code == 0, ran.text
    assert ran.verdict["line"].endswith(", NVIDIA H200")
    assert devices(made) == visible


def test_a_try_asks_for_no_gpu(project: Make, tmp_path: Path) -> None:
    made = project(TRAIN, "train: {gpu: required}\n")
    with_driver(made, tmp_path, "echo 'No devices were found'")
    ran = made.run("train", split="valid")
    assert ran.code == 0, ran.text
    assert ran.verdict["line"].endswith(", no GPU")


def test_none_hides_every_gpu_and_asks_nobody(project: Make, tmp_path: Path) -> None:
    made = project(TRAIN, "train: {gpu: none}\n")
    with_driver(made, tmp_path, "exit 18")
    made.env["CUDA_VISIBLE_DEVICES"] = "0"
    ran = made.run("train")
    assert ran.code == 0, ran.text
    assert devices(made) == ""
    assert ran.verdict["line"].endswith(", no GPU")


def test_preferred_leaves_the_choice_to_the_command(project: Make, tmp_path: Path) -> None:
    made = project(TRAIN, "train: {gpu: preferred}\n")
    with_driver(made, tmp_path, ONE)
    made.env.pop("CUDA_VISIBLE_DEVICES", None)
    assert made.run("train").code == 0
    assert devices(made) == "not set"
