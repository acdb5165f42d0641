"""OCI images whose layers are plain tar archives: the same bytes for the same files."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import msgspec

from mlops_steps.errors import UndecidedError

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"


class Descriptor(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """Points to a blob, in the words of the OCI image specification."""

    media_type: str
    digest: str
    size: int
    annotations: dict[str, str] = {}


class Image(msgspec.Struct, kw_only=True, rename="camel"):
    """An OCI image manifest."""

    config: Descriptor
    layers: list[Descriptor]
    annotations: dict[str, str] = {}
    schema_version: int = 2
    media_type: str = MANIFEST_TYPE


def pack(root: Path, names: Iterable[str], target: Path) -> None:
    """Write the named files below `root` to a tar archive.

    Times and owners are left out, and of the mode all but "may be executed", so that the
    same files give the same digest and a registry keeps an unchanged part once.
    """
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(names):
            path = root / name
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            entry.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            with path.open("rb") as stream:
                archive.addfile(entry, stream)


def unpack(source: Path, root: Path, *, where: str) -> None:
    """Unpack an archive below `root`: regular files only, never outside, never over another.

    Raises:
        UndecidedError: It is no archive of that kind.
    """
    try:
        with tarfile.open(source, "r:") as archive:
            for entry in archive:
                path = PurePosixPath(entry.name)
                if not entry.isreg() or path.is_absolute() or ".." in path.parts:
                    raise UndecidedError(
                        f"{where}: {entry.name} is not a plain file of its own; it is not used"
                    )
                target = root / path
                target.parent.mkdir(parents=True, exist_ok=True)
                content = archive.extractfile(entry)
                with target.open("xb") as stream:
                    shutil.copyfileobj(content or io.BytesIO(), stream)
                target.chmod(0o755 if entry.mode & 0o100 else 0o644)
    except (tarfile.TarError, FileExistsError, NotADirectoryError) as error:
        raise UndecidedError(f"{where}: an archive cannot be unpacked: {error}") from None
