"""GPU facts from what nvidia-smi prints; a program of that name stands for the driver's."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_steps.errors import UndecidedError
from mlops_steps.setup.gpu import facts, in_words


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH; write `nvidia-smi` into it."""
    monkeypatch.setenv("PATH", f"{tmp_path}")
    return tmp_path


def driver(folder: Path, printed: str, code: int = 0) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n/bin/cat <<'END'\n{printed}\nEND\nexit {code}\n")
    program.chmod(0o755)


def test_no_program_means_no_gpu(says: Path) -> None:
    assert facts() == []
    assert in_words([]) == "no GPU"


def test_each_gpu_is_told(says: Path) -> None:
    driver(says, "0, NVIDIA H200, 143771, 570.86.15\n1, NVIDIA H200, 143771, 570.86.15")
    gpu = {"name": "NVIDIA H200", "memory_total": 143771, "driver_version": "570.86.15"}
    assert facts() == [{"index": 0, **gpu}, {"index": 1, **gpu}]
    assert in_words(facts()) == "2 x NVIDIA H200"
    assert in_words(facts()[:1]) == "NVIDIA H200"


def test_what_the_driver_cannot_tell_is_kept_as_its_word(says: Path) -> None:
    driver(says, "0, NVIDIA A100, [N/A], 570.86.15")
    assert facts()[0]["memory_total"] == "[N/A]"


def test_no_devices_is_an_answer(says: Path) -> None:
    driver(says, "No devices were found", code=6)
    assert facts() == []


@pytest.mark.parametrize(
    ("printed", "code", "words"),
    [
        ("NVIDIA-SMI has failed: no driver", 9, "exit code 9: NVIDIA-SMI has failed: no driver"),
        ("", 255, "exit code 255: no output"),
        ("0, NVIDIA H200", 0, "wanted index, name, memory.total, driver_version"),
    ],
)
def test_a_driver_that_fails_leaves_it_undecided(
    says: Path, printed: str, code: int, words: str
) -> None:
    driver(says, printed, code)
    with pytest.raises(UndecidedError, match=words.replace(".", r"\.")):
        facts()
