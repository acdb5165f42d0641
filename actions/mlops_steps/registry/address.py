"""Where the registry is: addresses in words, and the registry behind one."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mlops_steps import ci
from mlops_steps.errors import ConfigError
from mlops_steps.registry.folder import FolderRegistry

if TYPE_CHECKING:
    from mlops_steps.record import Record
    from mlops_steps.registry.version import Alias, Manifest

ALLOWED = "Allowed: platform, oci:HOST/PATH, oci+http:HOST/PATH (loopback only), folder:PATH"
_OCI = re.compile(
    r"(?P<host>(\[[0-9a-f:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?)"
    r"/(?P<path>[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*)"
)
_LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?")


class Registry(Protocol):
    """What both kinds of registry do; see `folder.py` for each promise."""

    address: str
    found: list[str]

    def versions(self) -> list[str]:
        """The numbers of all versions, the lowest first."""

    def manifest(self, version: str) -> Manifest:
        """The list of a version's files."""

    def publish(self, version: str, folder: Path) -> str:
        """Publish the version that lies in `folder`: whole or not at all. Returns its digest."""

    def fetch(self, version: str, folder: Path, *, digest: str = "") -> None:
        """Copy a version to `folder`, verified file by file."""

    def alias(self, name: str) -> Alias | None:
        """Where an alias points, if it was ever set."""

    def set_alias(self, name: str, version: str, *, expected: str | None, reason: str) -> None:
        """Point an alias to a version, if it still points to `expected`."""

    def append_log(self, file: Path) -> str:
        """Add a Parquet file of requests; the same file twice is one. Returns its name."""

    def read_log(self, folder: Path) -> list[Path]:
        """Copy all files of the log to `folder`, verified; sorted by name."""

    def read_state(self, name: str) -> bytes:
        """What was last kept under a name; empty if nothing ever was."""

    def write_state(self, name: str, content: bytes, *, expected: bytes) -> None:
        """Keep JSON under a name, if what is there is still `expected`."""


def open_registry(record: Record) -> Registry:
    """The registry that the environment names, else mlops.yaml.

    `MLOPS_REGISTRY` is an address; `MLOPS_STATE` is the folder that a local run keeps.

    Raises:
        ConfigError: The address cannot be read, or is a folder that is lost with the job.
    """
    model = record.config.model.name
    state = os.environ.get("MLOPS_STATE")
    address = os.environ.get("MLOPS_REGISTRY")
    if not address and state:
        return FolderRegistry(Path(state).resolve(), model)
    address = address or record.config.registry
    address = platform_address(model) if address == "platform" else address
    kind, _, place = address.partition(":")
    if kind == "folder" and place:
        root = (record.root / Path(place).expanduser()).resolve()
        refuse_lost(root)
        return FolderRegistry(root, model)
    found = _oci(address)
    # Imported here so that a registry in a folder does not pay for a network client.
    from mlops_steps.registry.oci import OciRegistry

    return OciRegistry(found["host"], found["path"], model, plain=kind == "oci+http")


def check_address(address: str) -> None:
    """Refuse an address at which no registry can be, wherever a job runs.

    Raises:
        ConfigError: As `open_registry`, for what the address itself says.
    """
    kind, _, place = address.partition(":")
    if address != "platform" and not (kind == "folder" and place):
        _oci(address)


def _oci(address: str) -> re.Match[str]:
    """Host and path of an address of a container registry."""
    kind, _, place = address.partition(":")
    found = _OCI.fullmatch(place)
    if "@" in address:  # not shown: what stands before it may be a password
        raise ConfigError(
            "the registry's address holds a user or password; these are named by "
            f"MLOPS_REGISTRY_USER and MLOPS_REGISTRY_PASSWORD. {ALLOWED}"
        )
    if kind not in {"oci", "oci+http"} or not found:
        raise ConfigError(f"registry {address!r} cannot be read. {ALLOWED}")
    if kind == "oci+http" and not _LOOPBACK.fullmatch(found["host"]):
        raise ConfigError(
            f"registry {address!r}: without encryption only on this machine. "
            f"Use oci:{place}, or a loopback address"
        )
    return found


def platform_address(model: str) -> str:
    """The container registry beside the repository; on a laptop a folder of the user's.

    Raises:
        ConfigError: The platform has none.
    """
    env = os.environ
    if ci.platform() == "github":
        server = env.get("GITHUB_SERVER_URL", "https://github.com")
        if server != "https://github.com":
            raise ConfigError(
                f"registry platform: {server} has no container registry that is known here. "
                "Name one: oci:HOST/PATH"
            )
        return f"oci:ghcr.io/{env.get('GITHUB_REPOSITORY', '').lower()}/{model}"
    if ci.platform() == "gitlab":
        if not env.get("CI_REGISTRY_IMAGE"):
            raise ConfigError(
                "registry platform: this project's container registry is switched off "
                "(CI_REGISTRY_IMAGE is not set). Switch it on, or name another: oci:HOST/PATH"
            )
        return f"oci:{env['CI_REGISTRY_IMAGE']}/{model}"
    home = env.get("XDG_STATE_HOME") or "~/.local/state"
    return f"folder:{home}/mlops-init/{model}"


def refuse_lost(root: Path) -> None:
    """Refuse a folder that is gone when the job ends.

    Raises:
        ConfigError: It is, and these are the alternatives.
    """
    if ci.platform() == "local":
        return
    names = ("GITHUB_WORKSPACE", "RUNNER_TEMP", "CI_PROJECT_DIR", "CI_BUILDS_DIR")
    places = [os.environ[name] for name in names if os.environ.get(name)]
    inside = [
        place for place in [*places, tempfile.gettempdir()] if root.is_relative_to(_resolved(place))
    ]
    if ci.hosted() or inside:
        why = f"it lies in {inside[0]}" if inside else "the machine is a hosted runner's"
        raise ConfigError(
            f"registry folder:{root} is lost when this job ends: {why}. Use platform or "
            "oci:HOST/PATH, or folder:PATH on a runner of your own with a disk that lasts"
        )


def _resolved(place: str) -> Path:
    return Path(place).resolve()
