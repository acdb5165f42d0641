"""What both kinds of registry promise, on a real folder and on a real server."""

from __future__ import annotations

import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import oras.client
import pytest
from tests.mlops_steps.registry_server import Server, running

from mlops_steps.errors import ConfigError, UndecidedError
from mlops_steps.registry.address import Registry
from mlops_steps.registry.folder import FolderRegistry
from mlops_steps.registry.oci import OciRegistry
from mlops_steps.registry.version import AliasMovedError, VersionExistsError

Opened = Callable[..., Registry]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(params=["folder", "oci"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """Opens the same registry again and again, each time as another run would."""
    if request.param == "folder":
        return lambda model="tumour": FolderRegistry(tmp_path / "state", model)
    server = request.getfixturevalue("server")
    path = request.node.name.replace("[", "-").rstrip("]").replace("_", "-")
    return lambda model="tumour": OciRegistry(server.host, path, model, plain=True)


def version(folder: Path, model: str = "weights") -> Path:
    """A version's folder, ready to be published."""
    for name, text in {
        "model/weights.bin": model,
        "model/deep/er/vocabulary.txt": "a\nb\n",
        "source/serve.py": "print()\n",
        "source/run.sh": "#!/bin/sh\n",
        "records/gate/verdict.json": "{}",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "source" / "run.sh").chmod(0o755)
    return folder


def listing(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_version_comes_back_as_it_went(opened: Opened, tmp_path: Path) -> None:
    folder = version(tmp_path / "v")
    assert opened().versions() == []
    digest = opened().publish("1.0.0", folder)
    assert opened().versions() == ["1.0.0"]
    assert opened().manifest("1.0.0").digest == digest
    opened().fetch("1.0.0", tmp_path / "deep" / "fetched", digest=digest)
    found = listing(tmp_path / "deep" / "fetched")
    assert found.pop("version.json").encode() == opened().manifest("1.0.0").encoded()
    assert found == listing(folder)
    assert (tmp_path / "deep" / "fetched" / "source" / "run.sh").stat().st_mode & 0o100
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["fetched"]


def test_versions_are_in_order_of_numbers(opened: Opened, tmp_path: Path) -> None:
    folder = version(tmp_path / "v")
    for number in ("1.10.0", "1.9.0", "2.0.0"):
        opened().publish(number, folder)
    opened().set_alias("candidate", "1.9.0", expected=None, reason="first")
    assert opened().versions() == ["1.9.0", "1.10.0", "2.0.0"]


def test_a_version_never_changes(opened: Opened, tmp_path: Path) -> None:
    digest = opened().publish("1.0.0", version(tmp_path / "v"))
    with pytest.raises(VersionExistsError, match=r"1\.0\.0 exists in"):
        opened().publish("1.0.0", version(tmp_path / "other", "other"))
    assert opened().manifest("1.0.0").digest == digest


def test_what_is_no_version_is_refused(opened: Opened, tmp_path: Path) -> None:
    folder = version(tmp_path / "v")
    for number in ("1.0", "v1.0.0", "1.0.0-rc.1", "../1.0.0", "01.0.0", "1.0.0\n"):
        with pytest.raises(ConfigError, match="three numbers"):
            opened().publish(number, folder)
    (folder / "model" / "link").symlink_to("weights.bin")
    with pytest.raises(ConfigError, match="model/link is a symbolic link"):
        opened().publish("1.0.0", folder)
    shutil.rmtree(folder / "model")
    with pytest.raises(ConfigError, match="model/ is empty"):
        opened().publish("1.0.0", folder)
    assert opened().versions() == []


def test_an_unknown_version(opened: Opened, tmp_path: Path) -> None:
    opened().publish("1.0.0", version(tmp_path / "v"))
    for ask in (
        lambda: opened().fetch("1.1.0", tmp_path / "fetched"),
        lambda: opened().manifest("1.1.0"),
        lambda: opened().set_alias("champion", "1.1.0", expected=None, reason=""),
    ):
        with pytest.raises(UndecidedError, match=r"no version '1\.1\.0'\. Versions: 1\.0\.0"):
            ask()
    assert not (tmp_path / "fetched").exists()
    assert opened().alias("champion") is None


def test_another_digest_or_model_is_refused(opened: Opened, tmp_path: Path) -> None:
    opened().publish("1.0.0", version(tmp_path / "v"))
    with pytest.raises(UndecidedError, match="wanted sha256:00"):
        opened().fetch("1.0.0", tmp_path / "fetched", digest="sha256:00")
    with pytest.raises(UndecidedError, match=r"wanted heart 1\.0\.0, found tumour 1\.0\.0"):
        opened("heart").fetch("1.0.0", tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()


def test_an_alias_remembers(opened: Opened, tmp_path: Path) -> None:
    digests = [
        opened().publish(number, version(tmp_path / number, number))
        for number in ("1.0.0", "1.1.0")
    ]
    assert opened().alias("champion") is None
    opened().set_alias("champion", "1.0.0", expected=None, reason="the first")
    opened().set_alias("champion", "1.1.0", expected="1.0.0", reason='better: "é"\n')
    alias = opened().alias("champion")
    assert alias
    assert (alias.version, alias.previous, alias.reason) == ("1.1.0", "1.0.0", 'better: "é"\n')
    assert alias.digest == digests[1]
    assert alias.since.endswith("+00:00")
    for expected in (None, "1.0.0"):
        with pytest.raises(AliasMovedError, match=r"points to 1\.1\.0, expected"):
            opened().set_alias("champion", "1.0.0", expected=expected, reason="late")
    assert opened().alias("champion") == alias
    assert opened().versions() == ["1.0.0", "1.1.0"]


def test_the_plain_oras_client_can_pull_an_alias(server: Server, tmp_path: Path) -> None:
    registry = OciRegistry(server.host, "plain/oras", "tumour", plain=True)
    registry.publish("1.0.0", version(tmp_path / "v"))
    registry.set_alias("champion", "1.0.0", expected=None, reason="the first")
    client = oras.client.OrasClient(insecure=True)
    client.pull(target=f"{server.host}/plain/oras:champion", outdir=str(tmp_path / "pulled"))
    with tarfile.open(tmp_path / "pulled" / "model.tar") as archive:
        assert archive.getnames() == ["model/deep/er/vocabulary.txt", "model/weights.bin"]


def test_the_log_keeps_each_file_once(opened: Opened, tmp_path: Path) -> None:
    assert opened().read_log(tmp_path / "none") == []
    one, two, again = (tmp_path / name for name in ("one", "two", "again"))
    one.write_bytes(b"PAR1 one")
    two.write_bytes(b"PAR1 two")
    again.write_bytes(b"PAR1 one")
    names = [opened().append_log(path) for path in (one, two, again)]
    assert names[0] == names[2]
    files = opened().read_log(tmp_path / "read")
    assert [path.stem for path in files] == sorted(set(names))
    assert {path.read_bytes() for path in files} == {b"PAR1 one", b"PAR1 two"}
    assert sorted((tmp_path / "read").iterdir()) == files
    assert opened().versions() == []


def test_of_two_in_a_folder_at_once_one_wins(tmp_path: Path) -> None:
    registry = FolderRegistry(tmp_path / "state", "tumour")
    numbers = [f"1.{n}.0" for n in range(8)]
    for number in numbers:
        registry.publish(number, version(tmp_path / number, number))
    start = threading.Barrier(len(numbers))
    outcomes: dict[str, str] = {}

    def race(number: str) -> None:
        own = FolderRegistry(tmp_path / "state", "tumour")
        start.wait()
        try:
            own.set_alias("champion", number, expected=None, reason=f"by {number}")
            outcomes[number] = "set"
        except AliasMovedError:
            outcomes[number] = "moved"

    threads = [threading.Thread(target=race, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for number, outcome in outcomes.items() if outcome == "set"]
    alias = registry.alias("champion")
    assert len(outcomes) == 8
    assert alias
    assert winners == [alias.version]
