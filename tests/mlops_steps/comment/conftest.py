"""A job of GitHub's, and the server that it talks to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.comment.server import HEAD, MERGE, OURS, TOKEN, GitHub, Handler


@pytest.fixture
def hub() -> Iterator[GitHub]:
    """A repository without pull requests, on a server of its own; the archives on another."""
    hub = GitHub()
    servers = []
    for store in (False, True):
        kind = type("Own", (Handler,), {"hub": hub, "store": store})
        server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
    hub.address, hub.storage = (f"http://127.0.0.1:{each.server_address[1]}" for each in servers)
    yield hub
    for server in servers:
        server.shutdown()
        server.server_close()
    assert not hub.strange
    # The token is for the API alone.
    assert not [each for _, each in hub.stored if "Authorization" in each]


@pytest.fixture
def job(hub: GitHub, sample: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """A job of GitHub's in a fresh project; of a pull request, if its number is given."""

    def make(number: int = 0, sha: str = HEAD, *, repo: int = OURS) -> Any:
        project = sample()
        event = project.folder.parent / f"event{number}.json"
        pull = {"number": number, "head": {"sha": sha, "repo": {"id": repo}}}
        pull["base"] = {"repo": {"id": OURS}}
        event.write_text(json.dumps({"pull_request": pull} if number else {}))
        project.env |= {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": f"{hub.address}/api/v3",
            "GITHUB_EVENT_NAME": "pull_request" if number else "schedule",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_GRAPHQL_URL": f"{hub.address}/api/graphql",
            "GITHUB_REPOSITORY": "team/tumour",
            "GITHUB_RUN_ID": "4711",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_SHA": MERGE,
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            "GITHUB_WORKFLOW_REF": "team/tumour/.github/workflows/ci.yml@refs/pull/1/merge",
            "MLOPS_TOKEN": TOKEN,
            "NO_PROXY": "127.0.0.1",
        }
        return project

    return make
