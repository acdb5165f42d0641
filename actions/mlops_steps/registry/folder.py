"""A registry in a folder: for a laptop, a local run, a runner with a lasting disk.

versions/1.0.0/      a version; it appears by one rename, complete
versions/.1.1.0/     one that is being published, or was when its run was killed
aliases/NAME.json    where an alias points
log/SHA256.parquet   requests and answers, each file named by its content
state/NAME.json      what a step remembers from run to run
.lock                held while something is written
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from mlops_steps.errors import InfrastructureError, UndecidedError
from mlops_steps.files import digest_of, write_json, write_whole
from mlops_steps.registry.version import (
    MANIFEST,
    Alias,
    Manifest,
    VersionExistsError,
    check_expected,
    check_state,
    decode,
    describe,
    in_order,
    verify,
)


class FolderRegistry:
    """Versions, aliases and inference log in one folder.

    Attributes:
        address: `folder:` and the absolute path.
        found: What earlier runs had left unfinished, in words.
    """

    def __init__(self, root: Path, model: str) -> None:
        """Nothing is read or written yet."""
        self.address = f"folder:{root}"
        self.found: list[str] = []
        self._root = root
        self._model = model
        self._versions = root / "versions"

    def versions(self) -> list[str]:
        """The numbers of all versions, the lowest first."""
        with self._explained():
            if not self._versions.is_dir():
                return []
            return in_order([entry.name for entry in self._versions.iterdir()])

    def manifest(self, version: str) -> Manifest:
        """The list of a version's files.

        Raises:
            UndecidedError: There is no such version, or its list cannot be read.
        """
        with self._explained():
            self._require(version)
            path = self._versions / version / MANIFEST
            content = path.read_bytes() if path.is_file() else b""
        return decode(content, where=self.address, model=self._model, version=version)

    def publish(self, version: str, folder: Path) -> str:
        """Publish the version that lies in `folder`: whole or not at all. Returns its digest.

        Raises:
            VersionExistsError: The number is taken.
            ConfigError: The folder does not hold a version.
        """
        manifest = describe(folder, model=self._model, version=version)
        staged = self._versions / f".{version}"
        with self._locked():
            self._clear()
            if (self._versions / version).exists():
                raise VersionExistsError(
                    f"{version} exists in {self.address} already, and versions never change"
                )
            # The list of what is about to be copied comes first: it is the plan.
            write_whole(staged / MANIFEST, manifest.encoded())
            _copy(folder, staged, manifest)
            verify(staged, where=self.address, model=self._model, version=version)
            staged.rename(self._versions / version)
            _flush(self._versions)
        return manifest.digest

    def fetch(self, version: str, folder: Path, *, digest: str = "") -> None:
        """Copy a version to `folder` (absent or empty), verified file by file.

        Raises:
            UndecidedError: There is no such version, or it is not as it was published, or it
                has another digest than the one given.
        """
        with self._explained():
            self._require(version)
            folder.parent.mkdir(parents=True, exist_ok=True)
            staged = folder.parent / f".{folder.name}.part"
            shutil.rmtree(staged, ignore_errors=True)
            try:
                # Links are copied as links, so that the check below sees them.
                shutil.copytree(self._versions / version, staged, symlinks=True)
                verify(
                    staged, where=self.address, model=self._model, version=version, digest=digest
                )
                staged.rename(folder)
            finally:
                shutil.rmtree(staged, ignore_errors=True)

    def alias(self, name: str) -> Alias | None:
        """Where an alias points, if it was ever set.

        Raises:
            UndecidedError: Its file cannot be read.
        """
        with self._explained():
            path = self._root / "aliases" / f"{name}.json"
            if not path.exists():
                return None
            try:
                return msgspec.json.decode(path.read_bytes(), type=Alias)
            except msgspec.MsgspecError as error:
                raise UndecidedError(f"{self.address}: alias {name}: {error}") from None

    def set_alias(self, name: str, version: str, *, expected: str | None, reason: str) -> None:
        """Point an alias to a version, if it still points to `expected` (None: not set).

        Raises:
            AliasMovedError: It points elsewhere by now.
            UndecidedError: There is no such version.
        """
        with self._locked():
            current = self.alias(name)
            check_expected(self.address, name, current, expected)
            alias = Alias(
                version=version,
                digest=self.manifest(version).digest,
                reason=reason,
                since=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                previous=expected,
            )
            write_json(self._root / "aliases" / f"{name}.json", msgspec.to_builtins(alias))
            _flush(self._root / "aliases")

    def append_log(self, file: Path) -> str:
        """Add a Parquet file of requests; the same file twice is one. Returns its name."""
        with self._locked():
            name = digest_of(file).removeprefix("sha256:")
            write_whole(self._root / "log" / f"{name}.parquet", file.read_bytes())
            _flush(self._root / "log")
        return name

    def read_log(self, folder: Path) -> list[Path]:
        """Copy all files of the log to `folder`, verified; sorted by name.

        Raises:
            UndecidedError: A file is not what its name says.
        """
        files = []
        with self._explained():
            folder.mkdir(parents=True, exist_ok=True)
            for path in sorted((self._root / "log").glob("[!.]*.parquet")):
                target = folder / path.name
                shutil.copyfile(path, target, follow_symlinks=False)
                if target.is_symlink() or digest_of(target) != f"sha256:{path.stem}":
                    target.unlink()
                    raise UndecidedError(f"{self.address}: log/{path.name} was changed")
                files.append(target)
        return files

    def read_state(self, name: str) -> bytes:
        """What was last kept under a name; empty if nothing ever was."""
        with self._explained():
            path = self._root / "state" / f"{name}.json"
            return path.read_bytes() if path.exists() else b""

    def write_state(self, name: str, content: bytes, *, expected: bytes) -> None:
        """Keep JSON under a name, if what is there is still `expected`: under a lock, whole.

        Raises:
            StateMovedError: Another run has written in the meantime.
        """
        with self._locked():
            check_state(self.address, name, self.read_state(name), expected)
            write_whole(self._root / "state" / f"{name}.json", content)
            _flush(self._root / "state")

    def _require(self, version: str) -> None:
        if version not in self.versions():
            known = ", ".join(self.versions()) or "none"
            raise UndecidedError(f"{self.address}: no version {version!r}. Versions: {known}")

    def _clear(self) -> None:
        """Remove what a killed run had not finished: the lock is ours, so nobody is at it."""
        for left in sorted(self._versions.glob(".*")):
            self.found.append(
                f"an earlier run was stopped while it published {left.name[1:]}; "
                "what it had copied was removed"
            )
            shutil.rmtree(left)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._explained():
            self._versions.mkdir(parents=True, exist_ok=True)
            with (self._root / ".lock").open("w") as guard:
                fcntl.flock(guard, fcntl.LOCK_EX)
                yield

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            name = f": {error.filename}" if error.filename else ""
            raise InfrastructureError(f"{self.address}: {error.strerror or error}{name}") from error


def _copy(folder: Path, target: Path, manifest: Manifest) -> None:
    """Copy the listed files to the disk itself, not only into its cache."""
    for name in manifest.files:
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / name, copy)
        _flush(copy)
    for place, _, _ in os.walk(target):
        _flush(Path(place))


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
