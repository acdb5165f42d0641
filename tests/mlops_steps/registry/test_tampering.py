"""What a reader does when somebody has been at the files of a registry."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.mlops_steps.registry_server import Server, running

from mlops_steps.errors import InfrastructureError, UndecidedError
from mlops_steps.registry import wire
from mlops_steps.registry.folder import FolderRegistry
from mlops_steps.registry.layers import pack, unpack
from mlops_steps.registry.oci import OciRegistry


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path / "server") as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("model/weights.bin", "source/serve.py", "records/gate/verdict.json"):
        path = tmp_path / "v" / name
        path.parent.mkdir(parents=True)
        path.write_text(name)
    return tmp_path / "v"


def changed(root: Path) -> None:
    (root / "model" / "weights.bin").write_text("other")


def missing(root: Path) -> None:
    (root / "source" / "serve.py").unlink()


def added(root: Path) -> None:
    (root / "source" / "sitecustomize.py").write_text("print('hello')")


def linked(root: Path) -> None:
    (root / "model" / "weights.bin").unlink()
    (root / "model" / "weights.bin").symlink_to("/etc/hostname")


def linked_folder(root: Path) -> None:
    (root / "model" / "more").symlink_to("/etc")


def list_missing(root: Path) -> None:
    (root / "version.json").unlink()


def list_spoilt(root: Path) -> None:
    (root / "version.json").write_text('{"model": "tumour"}')


def list_rewritten(root: Path) -> None:
    """The most careful intruder: changes a file and its digest in the list."""
    changed(root)
    path = root / "version.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["model/weights.bin"] = "sha256:" + hashlib.sha256(b"other").hexdigest()
    path.write_text(json.dumps(manifest))


SPOILS = {
    changed: r"model/weights\.bin was changed",
    missing: r"source/serve\.py is missing",
    added: r"source/sitecustomize\.py was added",
    linked: r"model/weights\.bin is a symbolic link",
    linked_folder: "model/more is a symbolic link",
    list_missing: r"1\.0\.0",
    list_spoilt: "1.0.0",
    list_rewritten: "has digest sha256:.*, wanted sha256:",
}


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_a_folder_that_was_changed(
    tmp_path: Path, folder: Path, spoil: Callable[[Path], None]
) -> None:
    registry = FolderRegistry(tmp_path / "state", "tumour")
    digest = registry.publish("1.0.0", folder)
    spoil(tmp_path / "state" / "versions" / "1.0.0")
    with pytest.raises(UndecidedError, match=SPOILS[spoil]):
        registry.fetch("1.0.0", tmp_path / "fetched", digest=digest)
    assert not list(tmp_path.glob("*fetched*"))


def test_a_log_or_alias_file_that_was_changed(tmp_path: Path, folder: Path) -> None:
    registry = FolderRegistry(tmp_path / "state", "tumour")
    registry.publish("1.0.0", folder)
    registry.set_alias("champion", "1.0.0", expected=None, reason="first")
    name = registry.append_log(folder / "model" / "weights.bin")
    (tmp_path / "state" / "log" / f"{name}.parquet").write_text("other")
    (tmp_path / "state" / "aliases" / "champion.json").write_text('{"version": 1}')
    with pytest.raises(UndecidedError, match="was changed"):
        registry.read_log(tmp_path / "read")
    with pytest.raises(UndecidedError, match="alias champion"):
        registry.alias("champion")


def test_every_blob_on_the_server_matters(
    tmp_path: Path, folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "BACKOFF", (0.01,))
    registry = OciRegistry(server.host, "owner/tumour", "tumour", plain=True)
    registry.publish("1.0.0", folder)
    image = json.loads(
        wire.Wire("test", server.host, "owner/tumour", plain=True).manifest("1.0.0") or b""
    )
    # The image's own configuration is never read: it only makes the whole an image.
    unread = server.blob(image["config"]["digest"])
    blobs = [path for path in server.blobs.rglob("data") if path != unread]
    assert len(blobs) == 5  # the image manifest, version.json, model, source, records
    for blob in blobs:
        content = blob.read_bytes()
        old, new = (b"model", b"modem") if b"model" in content else (b"e", b"f")
        blob.write_bytes(content.replace(old, new))
        with pytest.raises(UndecidedError, match="was changed"):
            registry.fetch("1.0.0", tmp_path / "fetched")
        blob.unlink()
        # The server itself calls a lost manifest an error of its own: no verdict either way.
        with pytest.raises((UndecidedError, InfrastructureError), match=r"missing|500"):
            registry.fetch("1.0.0", tmp_path / "fetched")
        blob.write_bytes(content)
    assert not list(tmp_path.glob("*fetched*"))
    registry.fetch("1.0.0", tmp_path / "fetched")


@pytest.mark.parametrize(
    "spoil",
    [changed, missing, added, list_missing, list_spoilt, list_rewritten],
    ids=lambda spoil: spoil.__name__,
)
def test_a_version_pushed_anew_by_somebody(
    tmp_path: Path, folder: Path, server: Server, spoil: Callable[[Path], None]
) -> None:
    registry = OciRegistry(server.host, "owner/tumour", "tumour", plain=True)
    digest = registry.publish("1.0.0", folder)
    copy = tmp_path / "copy"
    registry.fetch("1.0.0", copy)
    spoil(copy)
    names = [path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()]
    pack(copy, names, tmp_path / "version.tar")
    registry._tag("1.0.0", [registry._send(tmp_path / "version.tar")])
    with pytest.raises(UndecidedError, match=SPOILS[spoil]):
        registry.fetch("1.0.0", tmp_path / "fetched", digest=digest)
    assert not list(tmp_path.glob("*fetched*"))


def test_a_version_under_another_number(tmp_path: Path, folder: Path, server: Server) -> None:
    registry = OciRegistry(server.host, "owner/tumour", "tumour", plain=True)
    registry.publish("1.0.0", folder)
    content = registry._wire.manifest("1.0.0")
    assert content
    registry._wire.put_manifest("9.0.0", content)
    with pytest.raises(UndecidedError, match=r"wanted tumour 9\.0\.0, found tumour 1\.0\.0"):
        registry.fetch("9.0.0", tmp_path / "fetched")


@pytest.mark.parametrize(
    ("name", "kind", "target"),
    [
        ("model/link", tarfile.SYMTYPE, "/etc/hostname"),
        ("model/link", tarfile.LNKTYPE, "../../secret"),
        ("../outside", tarfile.REGTYPE, ""),
        ("/outside", tarfile.REGTYPE, ""),
        ("model/pipe", tarfile.FIFOTYPE, ""),
    ],
)
def test_an_archive_that_reaches_outside(
    tmp_path: Path, name: str, kind: bytes, target: str
) -> None:
    with tarfile.open(tmp_path / "part.tar", "w") as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, target
        archive.addfile(entry)
    with pytest.raises(UndecidedError, match="not a plain file"):
        unpack(tmp_path / "part.tar", tmp_path / "deep" / "fetched", where="test")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part.tar"]


def test_an_archive_that_is_none_or_says_a_thing_twice(tmp_path: Path) -> None:
    (tmp_path / "part.tar").write_bytes(b"no archive" * 100)
    with pytest.raises(UndecidedError, match="cannot be unpacked"):
        unpack(tmp_path / "part.tar", tmp_path / "one", where="test")
    with tarfile.open(tmp_path / "part.tar", "w") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("model/same"))
    with pytest.raises(UndecidedError, match="cannot be unpacked"):
        unpack(tmp_path / "part.tar", tmp_path / "two", where="test")
