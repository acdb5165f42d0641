"""What is built holds its commit, the template and the doors' source, and the same bytes twice."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STAMP = "mlops_init/_commit.txt"


def git(folder: Path, *arguments: str) -> str:
    return subprocess.check_output(["git", "-C", str(folder), *arguments], text=True).strip()


def build(folder: Path, target: str) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (built,) = (folder / "dist").glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


def stamp(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(STAMP).decode().strip() if STAMP in archive.namelist() else ""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", ROOT.as_uri(), str(folder)], check=True)
    return folder


def test_wheel_and_sdist_know_their_commit_and_are_the_same_bytes(
    clone: Path, tmp_path: Path
) -> None:
    wheel, sdist = build(clone, "wheel"), build(clone, "sdist")
    assert stamp(wheel) == git(clone, "rev-parse", "HEAD")
    assert not git(clone, "status", "--porcelain")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "sdist", filter="data")
    (unpacked,) = (tmp_path / "sdist").iterdir()
    assert build(unpacked, "wheel").read_bytes() == wheel.read_bytes()
