"""The wheel: everything a project is made from, and the same bytes wherever it is built."""

from __future__ import annotations

import compileall
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from tests.mlops_init.helpers import BIN, PIN, ROOT, call, files, run

from mlops_init import answers

STAMP = "mlops_init/_commit.txt"


def sources() -> list[str]:
    """What git holds, or is about to hold: what a clone has."""
    found = run("git", "ls-files", "-co", "--exclude-standard", folder=ROOT)
    return [name for name in found.stdout.splitlines() if (ROOT / name).is_file()]


def copy(folder: Path, umask: int) -> Path:
    """The sources without their repository, as of now, under a umask."""
    before = os.umask(umask)
    try:
        for name in sources():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    finally:
        os.umask(before)
    return folder


def build(folder: Path, umask: int = 0o022) -> Path:
    """The wheel of the sources in a folder."""
    dist = folder / "dist"
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "TZ": f"UTC-{umask % 12}"}
    command = (BIN / "hatchling", "build", "-t", "wheel", "-d", dist)
    found = run(*command, folder=folder, env=env, umask=umask)
    assert found.returncode == 0, found.stderr
    (wheel,) = dist.glob("*.whl")
    return wheel


def stamp(wheel: Path) -> str:
    """The commit that a wheel says it was built from."""
    with zipfile.ZipFile(wheel) as archive:
        if STAMP not in archive.namelist():
            return ""
        return archive.read(STAMP).decode().strip()


def new_from(wheel: Path, place: Path, *options: str) -> Path:
    """A project made by what is in a wheel, and by nothing else of ours."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place / "installed")
    # As pip does after it: what it leaves beside the templates must not end up in a project.
    compileall.compile_dir(place / "installed", quiet=2, maxlevels=20)
    for templates in ("template", "frameworks"):
        assert [*(place / "installed/mlops_init" / templates).rglob("__pycache__/*.pyc")]
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "import mlops_init; assert mlops_init.__file__.startswith(sys.path[0])\n"
        "from mlops_init.main import main; main()"
    )
    python = (sys.executable, "-c", code, str(place / "installed"))
    found = run(*python, "new", "tumour", *options, folder=place)
    assert (found.returncode, found.stderr) == (0, "")
    return place / "tumour"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(copy(tmp_path_factory.mktemp("sources"), 0o022))


def test_two_builds_are_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    other = build(copy(tmp_path / "somewhere else", 0o077), 0o077)
    assert other.name == wheel.name
    assert other.read_bytes() == wheel.read_bytes()


def test_it_holds_both_packages_and_the_whole_template(wheel: Path) -> None:
    moved = {
        "generator/mlops_init/": "mlops_init/",
        "actions/mlops_steps/": "mlops_steps/",
        "templates/project/": "mlops_init/template/",
        "templates/frameworks/": "mlops_init/frameworks/",
        "templates/data/": "mlops_init/data/",
    }
    folder = wheel.parents[1]
    wanted = {}
    for name in files(folder):
        for source, place in moved.items():
            if name.startswith(source):
                wanted[place + name.removeprefix(source)] = (folder / name).read_bytes()
    assert {
        "mlops_init/data/regression/samples.csv",
        "mlops_init/pins.toml",
        "mlops_init/standins/actions/checkout/action.yml",
        "mlops_init/template/cookiecutter.json",
        "mlops_init/template/{{cookiecutter.name}}/.mlops/contract.schema.json",
        "mlops_init/template/{{cookiecutter.name}}/.mlops/mlops.schema.json",
        "mlops_init/template/{{cookiecutter.name}}/.gitignore",
        "mlops_steps/locks/gate.txt",
    } <= wanted.keys()
    with zipfile.ZipFile(wheel) as archive:
        held = {
            name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name
        }
    assert held == wanted


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "images"])
def test_it_makes_the_same_project(wheel: Path, tmp_path: Path, task: str) -> None:
    framework = "pytorch" if task == "images" else "scikit-learn"
    settings = ("-c", f"task={task}", "-c", f"framework={framework}")
    options = ("--defaults", "--pin", PIN, *settings)
    theirs = new_from(wheel, tmp_path, *options)
    (tmp_path / "ours").mkdir()
    assert call("new", "tumour", *options, folder=tmp_path / "ours").returncode == 0
    assert files(theirs) == files(tmp_path / "ours" / "tumour")


def test_a_wheel_is_stamped_with_the_commit_that_it_was_built_from(
    wheel: Path, tmp_path: Path
) -> None:
    assert stamp(wheel) == ""  # built from no repository
    folder = copy(tmp_path / "repository", 0o022)
    git = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.org")
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "All")):
        found = run(*git, *arguments, folder=folder)
        assert found.returncode == 0, found.stderr
    commit = run("git", "rev-parse", "HEAD", folder=folder).stdout.strip()
    stamped = build(folder)
    assert stamp(stamped) == commit
    assert answers.load(new_from(stamped, tmp_path, "--defaults")).pin == commit
    (folder / "README.md").write_text("changed")
    assert stamp(build(folder)) == ""


def test_git_ignores_nothing_of_what_is_shipped() -> None:
    for folder in ("templates", "generator", "actions"):
        command = ("git", "ls-files", "--others", "--ignored", "--exclude-standard", folder)
        hidden = run(*command, folder=ROOT).stdout.splitlines()
        assert [name for name in hidden if "__pycache__/" not in name] == []
