"""What is built from its source: the one package that a step names, by what its lock has."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from mlops_steps import environments

#: A build system in the source itself: it notes that it ran, and writes a wheel.
BACKEND = """\
import pathlib, zipfile
for each in NEEDS:
    __import__(each)
def build_wheel(folder, settings=None, metadata=None):
    pathlib.Path(MARK).write_text("ran")
    name = NAME + "-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        for inner, text in WHEEL.items():
            wheel.writestr(inner, text)
    return name
"""


def wheel(name: str) -> dict[str, str]:
    """The files of a wheel."""
    info = f"{name}-1.0.dist-info"
    tags = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    return {
        f"{name}.py": "answer = 42\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": tags,
        f"{info}/RECORD": "",
    }


class Shelf:
    """A folder of packages, the only one that uv sees."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pins: list[str] = []

    def put(self, name: str, requires: str = "") -> None:
        """A source of a package, whose build needs `requires`."""
        quoted = f'"{requires}"' if requires else ""
        project = (
            f'[build-system]\nrequires = [{quoted}]\nbuild-backend = "b"\nbackend-path = ["."]\n'
            f'[project]\nname = "{name}"\nversion = "1.0"\n'
        )
        head = f"NAME = {name!r}\nMARK = {str(self.mark(name))!r}\nWHEEL = {wheel(name)!r}\n"
        head += f"NEEDS = {[requires] if requires else []!r}\n"
        files = {
            "pyproject.toml": project,
            "b.py": head + BACKEND,
            "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        }
        path = self.folder / f"{name}-1.0.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for inner, text in files.items():
                found = tarfile.TarInfo(f"{name}-1.0/{inner}")
                found.size = len(text.encode())
                archive.addfile(found, io.BytesIO(text.encode()))
        self.pin(name, hashlib.sha256(path.read_bytes()).hexdigest())

    def put_wheel(self, name: str) -> str:
        """A wheel of a package; its digest."""
        path = self.folder / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for inner, text in wheel(name).items():
                archive.writestr(inner, text)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def pin(self, name: str, digest: str) -> None:
        self.pins.append(f"{name}==1.0 --hash=sha256:{digest}\n")

    def mark(self, name: str) -> Path:
        return self.folder / f"{name}.ran"

    def lock(self, head: str = "") -> str:
        path = self.folder / "some.txt"
        path.write_text(head + "".join(self.pins))
        return str(path)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("MLOPS_ENV_DIR", str(tmp_path / "envs"))
    monkeypatch.setenv("MLOPS_CACHE", str(tmp_path / "cache"))
    return Shelf(tmp_path)


def test_the_one_that_a_step_names_is_built(shelf: Shelf) -> None:
    shelf.put("small")
    python = environments.build(shelf.lock(), from_source="small")
    assert Path(python).parent.parent.joinpath(".complete").is_file()
    assert shelf.mark("small").read_text() == "ran"


def test_no_comment_of_a_lock_asks_for_it(shelf: Shelf) -> None:
    shelf.put("small")
    with pytest.raises(environments.BuildError):
        environments.build(shelf.lock("# No wheel: small\n"))
    assert not shelf.mark("small").exists()


def test_no_other_package_of_the_lock_is_built(shelf: Shelf) -> None:
    shelf.put("small")
    shelf.put("other")
    with pytest.raises(environments.BuildError):
        environments.build(shelf.lock(), from_source="small")
    assert not shelf.mark("other").exists()


@pytest.mark.parametrize("pinned", [True, False])
def test_what_builds_it_is_no_source_either(shelf: Shelf, pinned: bool) -> None:
    shelf.put("helper")
    if not pinned:
        shelf.pins.clear()
    shelf.put("small", requires="helper")
    with pytest.raises(environments.BuildError):
        environments.build(shelf.lock(), from_source="small")
    assert not shelf.mark("helper").exists()


@pytest.mark.parametrize("pinned", ["right", "wrong", "not"])
def test_what_builds_it_is_held_against_its_hash(shelf: Shelf, pinned: str) -> None:
    digest = shelf.put_wheel("helper")
    shelf.put("small", requires="helper")
    if pinned != "not":
        shelf.pin("helper", digest if pinned == "right" else "0" * 64)
    if pinned == "right":
        environments.build(shelf.lock(), from_source="small")
    else:
        with pytest.raises(environments.BuildError):
            environments.build(shelf.lock(), from_source="small")
    assert shelf.mark("small").exists() == (pinned == "right")


def test_a_source_with_another_hash_is_refused(shelf: Shelf) -> None:
    shelf.put("small")
    shelf.pins.clear()
    shelf.pin("small", "0" * 64)
    with pytest.raises(environments.BuildError):
        environments.build(shelf.lock(), from_source="small")
    assert not shelf.mark("small").exists()
