"""A registry in a container registry: what a hosted runner can reach and does not lose.

A version is an ordinary image without a program, because every registry takes one of those
(some refuse media types they do not know): four plain tar layers, `version.json` by itself
so that a list of files can be read without the files. Its tag is its number. An alias is a
tag of the same name on the same layers, and says in an annotation why it is there. A log
file is an image of one layer, tagged `log-` and its digest; a state likewise, `state-NAME`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from mlops_steps.errors import InfrastructureError, UndecidedError
from mlops_steps.files import digest_of
from mlops_steps.registry.layers import CONFIG_TYPE, LAYER_TYPE, Descriptor, Image, pack, unpack
from mlops_steps.registry.version import (
    MANIFEST,
    PARTS,
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
from mlops_steps.registry.wire import Wire

_ALIAS = "io.mlops-init.alias"
_TITLE = "org.opencontainers.image.title"
_LIST = "version.tar"


class OciRegistry:
    """Versions, aliases and inference log in one repository of a container registry.

    Attributes:
        address: `oci:HOST/PATH` (`oci+http:` without encryption, on loopback only).
        found: What earlier runs had left unfinished, in words.
    """

    def __init__(self, host: str, path: str, model: str, *, plain: bool) -> None:
        """Nothing is sent yet."""
        self.address = f"{'oci+http' if plain else 'oci'}:{host}/{path}"
        self.found: list[str] = []
        self._model = model
        self._wire = Wire(self.address, host, path, plain=plain)

    def versions(self) -> list[str]:
        """The numbers of all versions, the lowest first."""
        return in_order(self._wire.tags())

    def manifest(self, version: str) -> Manifest:
        """The list of a version's files.

        Raises:
            UndecidedError: There is no such version, or its list cannot be read.
        """
        image = self._require(version)
        with self._workspace() as space:
            for layer in image.layers:
                if layer.annotations.get(_TITLE) == _LIST:
                    self._unpack(layer, space, space / "list")
            path = space / "list" / MANIFEST
            content = path.read_bytes() if path.is_file() else b""
        return decode(content, where=self.address, model=self._model, version=version)

    def publish(self, version: str, folder: Path) -> str:
        """Publish the version that lies in `folder`: whole or not at all. Returns its digest.

        That the number is free is looked up before anything is sent; between two runs at
        the same moment it is the platform's lock on the workflow that decides.

        Raises:
            VersionExistsError: The number is taken.
            ConfigError: The folder does not hold a version.
        """
        manifest = describe(folder, model=self._model, version=version)
        if version in self.versions():
            raise VersionExistsError(
                f"{version} exists in {self.address} already, and versions never change"
            )
        with self._workspace(folder.parent) as space:
            # The list of what is about to be sent comes first: it is the plan.
            (space / MANIFEST).write_bytes(manifest.encoded())
            pack(space, [MANIFEST], space / _LIST)
            if self._wire.has_blob(digest_of(space / _LIST)):
                self.found.append(
                    f"an earlier run was stopped while it published {version}; "
                    "what it had sent was used"
                )
            layers = [self._send(space / _LIST)]
            for part in PARTS:
                archive = space / f"{part}.tar"
                pack(folder, [n for n in manifest.files if n.startswith(f"{part}/")], archive)
                layers.append(self._send(archive))
                archive.unlink()
            self._tag(version, layers)
        return manifest.digest

    def fetch(self, version: str, folder: Path, *, digest: str = "") -> None:
        """Copy a version to `folder` (absent or empty), verified file by file.

        Raises:
            UndecidedError: There is no such version, or it is not as it was published, or it
                has another digest than the one given.
        """
        image = self._require(version)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with self._workspace(folder.parent) as space:
            for layer in image.layers:
                self._unpack(layer, space, space / "version")
            verify(
                space / "version",
                where=self.address,
                model=self._model,
                version=version,
                digest=digest,
            )
            (space / "version").rename(folder)

    def alias(self, name: str) -> Alias | None:
        """Where an alias points, if it was ever set.

        Raises:
            UndecidedError: The tag of that name is no alias.
        """
        image = self._image(name)
        if image is None:
            return None
        try:
            return msgspec.json.decode(image.annotations.get(_ALIAS, ""), type=Alias)
        except msgspec.MsgspecError as error:
            raise UndecidedError(f"{self.address}: alias {name}: {error}") from None

    def set_alias(self, name: str, version: str, *, expected: str | None, reason: str) -> None:
        """Point an alias to a version, if it still points to `expected` (None: not set).

        A registry cannot compare and set in one request: this looks, then sets, under the
        platform's lock on the workflow.

        Raises:
            AliasMovedError: It points elsewhere by now.
            UndecidedError: There is no such version.
        """
        layers = self._require(version).layers
        digest = self.manifest(version).digest
        check_expected(self.address, name, self.alias(name), expected)
        alias = Alias(
            version=version,
            digest=digest,
            reason=reason,
            since=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            previous=expected,
        )
        self._tag(name, layers, {_ALIAS: msgspec.json.encode(alias).decode()})

    def append_log(self, file: Path) -> str:
        """Add a Parquet file of requests; the same file twice is one. Returns its name."""
        name = digest_of(file).removeprefix("sha256:")
        if self._wire.manifest(f"log-{name}") is None:
            with self._workspace() as space:
                shutil.copyfile(file, space / f"{name}.parquet")
                pack(space, [f"{name}.parquet"], space / "log.tar")
                self._tag(f"log-{name}", [self._send(space / "log.tar")])
        return name

    def read_log(self, folder: Path) -> list[Path]:
        """Copy all files of the log to `folder`, verified; sorted by name.

        Raises:
            UndecidedError: A file is not what its name says.
        """
        files = []
        folder.mkdir(parents=True, exist_ok=True)
        for tag in sorted(tag for tag in self._wire.tags() if tag.startswith("log-")):
            name = tag.removeprefix("log-")
            with self._workspace(folder) as space:
                for layer in self._require(tag).layers:
                    self._unpack(layer, space, space / "log")
                path = space / "log" / f"{name}.parquet"
                if not path.is_file() or digest_of(path) != f"sha256:{name}":
                    raise UndecidedError(f"{self.address}: {tag} was changed")
                files.append(path.replace(folder / path.name))
        return files

    def read_state(self, name: str) -> bytes:
        """What was last kept under a name; empty if nothing ever was.

        Raises:
            UndecidedError: The tag of that name is no state.
        """
        image = self._image(f"state-{name}")
        if image is None:
            return b""
        with self._workspace() as space:
            for layer in image.layers:
                self._unpack(layer, space, space / "state")
            path = space / "state" / f"{name}.json"
            if not path.is_file():
                raise UndecidedError(f"{self.address}: state-{name} is no state")
            return path.read_bytes()

    def write_state(self, name: str, content: bytes, *, expected: bytes) -> None:
        """Keep JSON under a name, if what is there is still `expected`.

        A registry cannot compare and set in one request: this looks, then sets, then looks
        again. Two runs within that moment may both believe that they were first; what keeps
        them apart is the platform's lock on the workflow.

        Raises:
            StateMovedError: Another run has written in the meantime.
        """
        check_state(self.address, name, self.read_state(name), expected)
        with self._workspace() as space:
            (space / f"{name}.json").write_bytes(content)
            pack(space, [f"{name}.json"], space / "state.tar")
            self._tag(f"state-{name}", [self._send(space / "state.tar")])
        check_state(self.address, name, self.read_state(name), content)

    def _image(self, tag: str) -> Image | None:
        content = self._wire.manifest(tag)
        if content is None:
            return None
        try:
            return msgspec.json.decode(content, type=Image)
        except msgspec.MsgspecError as error:
            raise UndecidedError(f"{self.address}: {tag} is no image: {error}") from None

    def _require(self, tag: str) -> Image:
        image = self._image(tag)
        if image is None:
            tags = self._wire.tags()
            if tag in tags:
                raise UndecidedError(f"{self.address}: the manifest of {tag} is missing")
            known = ", ".join(in_order(tags)) or "none"
            raise UndecidedError(f"{self.address}: no version {tag!r}. Versions: {known}")
        return image

    def _send(self, archive: Path) -> Descriptor:
        digest = digest_of(archive)
        with archive.open("rb") as stream:
            self._wire.put_blob(stream, digest)
        return Descriptor(
            media_type=LAYER_TYPE,
            digest=digest,
            size=archive.stat().st_size,
            annotations={_TITLE: archive.name},
        )

    def _tag(
        self, tag: str, layers: list[Descriptor], annotations: dict[str, str] | None = None
    ) -> None:
        """The last request: before it nothing of what was sent can be seen."""
        system = {"architecture": "unknown", "os": "linux", "config": {}}
        rootfs = {"type": "layers", "diff_ids": [layer.digest for layer in layers]}
        config = msgspec.json.encode({**system, "rootfs": rootfs}, order="sorted")
        digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
        self._wire.put_blob(config, digest)
        pointer = Descriptor(media_type=CONFIG_TYPE, digest=digest, size=len(config))
        image = Image(config=pointer, layers=layers, annotations=annotations or {})
        self._wire.put_manifest(tag, msgspec.json.encode(image))

    def _unpack(self, layer: Descriptor, space: Path, target: Path) -> None:
        self._wire.get_blob(layer.digest, space / "part.tar")
        unpack(space / "part.tar", target, where=self.address)

    @contextmanager
    def _workspace(self, beside: Path | None = None) -> Iterator[Path]:
        """A folder for what is on its way: beside its goal, where the room and the disk are."""
        try:
            with tempfile.TemporaryDirectory(dir=beside, prefix=".registry.") as space:
                yield Path(space)
        except OSError as error:
            raise InfrastructureError(f"{self.address}: {error}") from error
