"""What a version is: a folder, and a list of every file in it with its digest.

    version.json   model, version number, digest of each file below
    model/         what the train command put in $MLOPS_MODEL
    source/        the committed source, without the data tables
    records/STEP/  the verdicts that let it in, and what those steps wrote

The digest of a version is the SHA-256 of `version.json`, so it covers all the rest.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Literal

import msgspec

from mlops_steps.errors import ConfigError, MlopsError, UndecidedError
from mlops_steps.files import digest_of

MANIFEST = "version.json"
PARTS = ("model", "source", "records")
_NUMBER = re.compile(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})")


class VersionExistsError(MlopsError):
    """The number is taken, and a published version never changes."""

    exit_code = 2


class AliasMovedError(MlopsError):
    """Another run moved the alias in the meantime; looking again may help."""

    exit_code = 4


class StateMovedError(MlopsError):
    """Another run wrote a state in the meantime; looking again may help."""

    exit_code = 4


class Alias(msgspec.Struct, kw_only=True, frozen=True):
    """A name that points to one version, and why.

    Attributes:
        version: Its number.
        digest: Its digest, as it was when the alias was set.
        reason: Why the alias points here, in words.
        since: When it was set: UTC, ISO 8601, to the second.
        previous: The version it pointed to before, if any.
    """

    version: str
    digest: str
    reason: str
    since: str
    previous: str | None = None


class Manifest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`version.json`. `files` holds `sha256:…` by path relative to the version's folder."""

    model: str
    version: str
    files: dict[str, str]
    format: Literal[1] = 1

    def encoded(self) -> bytes:
        """The bytes of `version.json`: the same manifest gives the same bytes."""
        compact = msgspec.json.encode(self, order="sorted")
        return msgspec.json.format(compact, indent=2) + b"\n"

    @property
    def digest(self) -> str:
        """The digest of the version."""
        return f"sha256:{hashlib.sha256(self.encoded()).hexdigest()}"


def is_number(text: str) -> bool:
    """Whether this is a version number: three numbers, as in 1.4.0."""
    return _NUMBER.fullmatch(text) is not None


def in_order(numbers: list[str]) -> list[str]:
    """Version numbers, the lowest first; whatever is no version number is left out."""
    return sorted(
        (number for number in numbers if is_number(number)),
        key=lambda number: [int(part) for part in number.split(".")],
    )


def check_expected(address: str, name: str, current: Alias | None, expected: str | None) -> None:
    """Compare where an alias points with where the caller believes it points.

    Raises:
        AliasMovedError: They differ.
    """
    found = current.version if current else None
    if found != expected:
        raise AliasMovedError(
            f"{address}: alias {name} points to {found or 'nothing'}, "
            f"expected {expected or 'nothing'}: another run moved it; it was left alone"
        )


def check_state(address: str, name: str, current: bytes, expected: bytes) -> None:
    """Compare a state with what the caller has read.

    Raises:
        StateMovedError: They differ.
    """
    if current != expected:
        raise StateMovedError(
            f"{address}: the state {name} was written by another run in the meantime; "
            "it was left alone"
        )


def describe(folder: Path, *, model: str, version: str) -> Manifest:
    """List and digest the parts of a version that lie in `folder`.

    Raises:
        ConfigError: The number is not one, a part is missing, or something there is neither
            a file nor a folder.
    """
    if not is_number(version):
        raise ConfigError(f"{version!r} is not a version. Allowed: three numbers, as in 1.4.0")
    files: dict[str, str] = {}
    for part in PARTS:
        try:
            names = _files(folder / part, folder)
        except OSError as error:
            raise ConfigError(f"{error}; a version holds nothing but files and folders") from None
        if not names:
            raise ConfigError(f"{part}/ is empty; a version needs a model, its source and records")
        files |= {name: digest_of(folder / name) for name in names}
    return Manifest(model=model, version=version, files=files)


def decode(content: bytes, *, where: str, model: str, version: str) -> Manifest:
    """Read `version.json`.

    Raises:
        UndecidedError: It is not one, or not that of this model and version.
    """
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UndecidedError(f"{where}: {MANIFEST} of {version} is not readable: {error}") from None
    if (manifest.model, manifest.version) != (model, version):
        raise UndecidedError(
            f"{where}: wanted {model} {version}, found {manifest.model} {manifest.version}"
        )
    return manifest


def verify(folder: Path, *, where: str, model: str, version: str, digest: str = "") -> Manifest:
    """Compare a version's folder with its `version.json`, file by file.

    Args:
        folder: A copy that nobody else writes to.
        where: The registry it came from, for messages.
        model: The model it has to be of.
        version: The number it has to have.
        digest: What its digest has to be, where the caller knows (an alias does).

    Raises:
        UndecidedError: A file is missing, changed or not listed, or is a symbolic link.
    """
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        raise UndecidedError(f"{where}: {version} has no {MANIFEST}")
    content = path.read_bytes()
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if digest and found != digest:
        raise UndecidedError(f"{where}: {version} has digest {found}, wanted {digest}")
    manifest = decode(content, where=where, model=model, version=version)
    try:
        present = set(_files(folder, folder)) - {MANIFEST}
    except OSError as error:
        raise UndecidedError(f"{where}: {version} is not as it was published: {error}") from None
    wrong = [f"{name} is missing" for name in sorted(set(manifest.files) - present)]
    wrong += [f"{name} was added" for name in sorted(present - set(manifest.files))]
    wrong += [
        f"{name} was changed"
        for name in sorted(present & set(manifest.files))
        if digest_of(folder / name) != manifest.files[name]
    ]
    if wrong:
        shown = wrong[:5] + ([f"and {len(wrong) - 5} more"] if len(wrong) > 5 else [])
        raise UndecidedError(
            f"{where}: {version} is not as it was published: {', '.join(shown)}; it is not used"
        )
    return manifest


def _files(folder: Path, root: Path) -> list[str]:
    """Every file below `folder`, named relative to `root`.

    Raises:
        OSError: Something is a symbolic link, or neither file nor folder.
    """
    names = []
    for place, folders, files in os.walk(folder):
        for entry in (Path(place) / name for name in [*folders, *files]):
            name = entry.relative_to(root).as_posix()
            if entry.is_symlink():
                raise OSError(f"{name} is a symbolic link")
            if entry.is_file():
                names.append(name)
            elif not entry.is_dir():
                raise OSError(f"{name} is neither a file nor a folder")
    return sorted(names)
