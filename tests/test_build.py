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


def test_a_tree_with_changes_claims_no_commit(clone: Path) -> None:
    (clone / "actions" / "mlops_steps" / "added.py").touch()
    assert stamp(build(clone, "wheel")) == ""


def test_the_wheel_holds_every_tracked_file_of_packages_and_template(clone: Path) -> None:
    places = {
        "actions/mlops_steps/": "mlops_steps/",
        "generator/mlops_init/": "mlops_init/",
        "templates/project/": "mlops_init/template/",
    }
    wanted = {
        place + name.removeprefix(source)
        for name in git(clone, "ls-files", "-z").split("\0")
        for source, place in places.items()
        if name.startswith(source)
    }
    with zipfile.ZipFile(build(clone, "wheel")) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == wanted | {STAMP}
