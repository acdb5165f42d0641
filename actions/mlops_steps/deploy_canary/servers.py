"""A registered version, served as its own source says, in its own environment."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlops_steps import commands
from mlops_steps.config import Config, Task, load
from mlops_steps.errors import ConfigError, UndecidedError
from mlops_steps.registry.address import Registry

LOOPBACK = "127.0.0.1"
READY = "/v2/health/ready"


@dataclass(frozen=True)
class Release:
    """A fetched and verified version. `role` is champion or candidate."""

    role: str
    version: str
    config: Config
    folder: Path
    python: Path


def fetch(
    registry: Registry, role: str, version: str, digest: str, *, folder: Path, task: Task
) -> Release:
    """Fetch a version, verified, and build the environment that its own lock describes.

    Args:
        registry: Where it is.
        role: champion or candidate.
        version: Its number.
        digest: What the alias said its digest is; empty if no alias named it.
        folder: Where to put it; absent.
        task: What it has to answer.

    Raises:
        UndecidedError: It is not as it was published, its source declares no way to serve it,
            or it was made for another task.
        InfrastructureError: The registry or the installer failed.
    """
    registry.fetch(version, folder, digest=digest)
    source = folder / "source"
    try:
        config = load(source)
        python = commands.project_python(source, config.environment)
    except ConfigError as error:
        raise UndecidedError(f"{role} {version}: {error}") from None
    if config.model.task != task:
        raise UndecidedError(
            f"{role} {version}: its task is {config.model.task}, here it is {task}: "
            "their answers cannot be judged alike"
        )
    return Release(role, version, config, folder, python)


@contextlib.contextmanager
def serving(release: Release, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a version's serve command on a loopback port; end it, and its children, on leaving."""
    extra = {
        "PORT": str(port),
        "MLOPS_MODEL": str(release.folder / "model"),
        "MLOPS_VERSION": release.version,
    }
    with commands.start(
        release.config.commands.serve,
        folder=release.folder / "source",
        python=release.python,
        extra=extra,
        log=log,
    ) as process:
        yield process


def why_not_ready(
    process: subprocess.Popen[bytes], port: int, seconds: float, log: Path
) -> str | None:
    """Wait until a server says that it is ready: None, or why it never was, in words."""
    end = time.monotonic() + seconds
    seen = "nothing listened"
    while time.monotonic() < end:
        if process.poll() is not None:
            return f"its server ended by itself before it was ready\n{commands.tail(log)}"
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
        try:
            connection.request("GET", READY)
            status = connection.getresponse().status
            if status == http.HTTPStatus.OK:
                return None
            seen = f"{READY} answered {status}"
        except (OSError, http.client.HTTPException) as error:
            seen = f"{READY}: {error or type(error).__name__}"
        finally:
            connection.close()
        time.sleep(0.05)
    return f"its server was not ready after {seconds:g} s ({seen})\n{commands.tail(log)}".rstrip()


def free_ports(count: int) -> list[int]:
    """Different ports on loopback that nothing listens on at this moment."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
