"""Layers of an OCI image: plain tar archives, the same bytes for the same files."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from mlops_steps.errors import UndecidedError


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
