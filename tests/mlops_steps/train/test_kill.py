"""Killed anywhere, train leaves no pass behind, and the next run ends right."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps import killing


class Passed:
    """A project in which train has passed, and which can be put back to that."""

    def __init__(self, made: Any) -> None:
        self.made = made
        self.out = made.folder / "out" / "train"
        self.ends_right()
        self.kept = made.folder.parent / "kept"
        shutil.copytree(self.out, self.kept)
        self.seen: set[tuple[object, ...]] = set()
        self.found: set[str] = set()

    def put_back(self) -> None:
        shutil.rmtree(self.out)
        shutil.copytree(self.kept, self.out)

    def verdict(self) -> dict[str, Any]:
        verdict: dict[str, Any] = json.loads((self.out / "verdict.json").read_bytes())
        return verdict

    def untouched(self) -> bool:
        mine, kept = (folder / "verdict.json" for folder in (self.out, self.kept))
        return bool(mine.read_bytes() == kept.read_bytes())

    def left_over(self) -> list[Path]:
        return list(Path(self.made.env["TMPDIR"]).glob("mlops-train-*"))

    def next_run_ends_right(self) -> None:
        """Run to the end, unless just this was left by an earlier kill: names and verdict."""
        names = tuple(sorted(path.name for path in self.out.iterdir() if path.name[0] != "."))
        state = (names, self.verdict()["status"], bool(self.left_over()))
        if state not in self.seen:
            self.seen.add(state)
            self.ends_right()

    def ends_right(self) -> None:
        left_over = bool(self.left_over())
        ran = self.made.run("train")
        assert (ran.code, ran.verdict["status"]) == (0, "pass"), ran.text
        rules = {finding["rule"] for finding in ran.verdict["findings"]}
        assert rules == ({"left-over"} if left_over else set())
        assert ("left by a run that was killed; removed" in ran.text) == left_over
        assert self.left_over() == []
        # All is there, and nothing half written beside it.
        names = {path.name for path in self.out.iterdir()}
        assert names == {"model", "profile.json", "train.log", "training.json", "verdict.json"}


@pytest.fixture
def passed(project: Callable[..., Any]) -> Passed:
    made = project()
    rows = (f"{key},{key % 7},{'malignant' if key % 3 else 'benign'}" for key in range(100))
    made.write("data/samples.csv", "\n".join(["id,a,diagnosis", *rows]) + "\n")
    made.commit("a small table, because train runs many times")
    return Passed(made)


def test_killed_before_every_write(passed: Passed) -> None:
    writes = killing.count_writes(passed.made, "train")
    assert writes > 10
    for number in range(1, writes + 1):
        passed.put_back()
        killing.kill_before_write(passed.made, number, "train")
        if passed.untouched():
            # Folder, temporary file, its mode, the rename: nothing of the run is to be seen yet.
            assert number <= 4
        else:
            assert passed.verdict()["status"] == "undecided", number
        passed.next_run_ends_right()
    assert len(passed.seen) > 5


def test_killed_at_random_moments(passed: Passed) -> None:
    started = time.monotonic()
    killing.count_writes(passed.made, "train")
    duration = time.monotonic() - started
    moments = random.Random(20)
    killed = 0
    for _ in range(20):
        passed.put_back()
        killed += killing.kill_after(passed.made, moments.uniform(0, duration), "train")
        verdict = passed.verdict()
        # Before its first write and after its last there is a whole verdict.
        ended = "status" in verdict["outputs"]
        assert ended or verdict["status"] == "undecided"
        passed.next_run_ends_right()
    assert killed > 0


def test_stopped_by_sigterm_it_ends_its_command_and_says_so(
    project: Callable[..., Any], tmp_path: Path
) -> None:
    made = project(
        "import os, time; from pathlib import Path\n"
        f"Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()) + '.')\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen(made.command("train"), cwd=made.folder, env=made.env)
    end = time.monotonic() + 60
    while not (tmp_path / "pid").exists() or "." not in (tmp_path / "pid").read_text():
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.02)
    process.terminate()
    assert process.wait(30) == 4
    verdict = json.loads((made.folder / "out" / "train" / "verdict.json").read_text())
    assert (verdict["status"], verdict["exit_code"]) == ("undecided", 4)
    assert verdict["line"].startswith("stopped by SIGTERM")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text().rstrip(".")), 0)
    assert list(Path(made.env["TMPDIR"]).glob("mlops-train-*")) == []
