"""The lasting part of register: each action is announced on disk, and can be taken up again.

What an earlier run did before it was stopped is told by content: a version of the same model,
source and records is that run's version. Nothing else has to be remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_steps.errors import InfrastructureError
from mlops_steps.record import Verdict
from mlops_steps.registry.version import Manifest, VersionExistsError, describe

if TYPE_CHECKING:
    from mlops_steps.record import Record
    from mlops_steps.registry.address import Registry

CANDIDATE = "candidate"
FIRST = "1.0.0"


@dataclass
class Published:
    """A version in the registry, and what there is to say about how it got there."""

    version: str
    digest: str
    lines: list[str] = field(default_factory=list)


def publish(record: Record, registry: Registry, folder: Path) -> Published:
    """Publish the version in `folder`, unless a run that was stopped has done so already.

    Raises:
        VersionExistsError: The number asked for is taken by something else.
        InfrastructureError: Another run took the next number in this moment.
    """
    there = registry.versions()
    asked = record.inputs["version"]
    number = asked or next_minor(there)
    manifest = describe(folder, model=record.config.model.name, version=number)
    size = sum((folder / name).stat().st_size for name in manifest.files)
    record.figure("files", len(manifest.files))
    record.figure("size", size, unit="bytes")
    # A stopped run's version has the number that was asked for, else the highest.
    for earlier in [asked] if asked in there else there[-1:]:
        found = registry.manifest(earlier)
        if found.files == manifest.files:
            _note(record, f"{earlier} was published by an earlier run of the same records")
            return Published(earlier, found.digest, _lines(record, found, size))
    _announce(record, f"about to publish {number} in {registry.address}")
    try:
        digest = registry.publish(number, folder)
    except VersionExistsError as error:
        if asked:
            raise
        raise InfrastructureError(f"{error}; another run took that number: run again") from None
    for line in registry.found:
        _note(record, line)
    return Published(number, digest, _lines(record, manifest, size))


def point_candidate(
    record: Record, registry: Registry, published: Published, gate: Verdict
) -> None:
    """Let the alias name the version, unless it does.

    Raises:
        AliasMovedError: Another run moved it in this moment.
    """
    current = registry.alias(CANDIDATE)
    before = current.version if current else None
    if before == published.version:
        published.lines.append(f"{CANDIDATE} is {before} already")
        return
    _announce(record, f"{published.version} is published; about to let {CANDIDATE} name it")
    registry.set_alias(
        CANDIDATE,
        published.version,
        expected=before,
        reason=f"passed the gate at commit {gate.commit}: {gate.line}",
    )
    published.lines.append(f"{CANDIDATE}: {before or 'none'} -> {published.version}")


def next_minor(versions: list[str]) -> str:
    """The number after the highest: 1.0.0, 1.1.0, 1.2.0 and so on."""
    if not versions:
        return FIRST
    major, minor, _ = versions[-1].split(".")
    return f"{major}.{int(minor) + 1}.0"


def _announce(record: Record, line: str) -> None:
    """On disk before it is done: what a run that was stopped had been about to do."""
    record.say(line)
    record.write()


def _note(record: Record, line: str) -> None:
    record.find("resumed", line, level="notice")


def _lines(record: Record, manifest: Manifest, size: int) -> list[str]:
    found = [each.message for each in record.verdict.findings]
    return [*found, f"{manifest.digest}, {len(manifest.files)} files, {size:,} bytes"]
