"""A server that speaks the part of GitHub's API that the step uses, and keeps what it is told."""

from __future__ import annotations

import copy
import io
import json
import re
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mlops_steps.files import digest_of

TOKEN = "ghs_0123456789NEVERSHOWN"
OURS, THEIRS = 7, 8
BOT = "github-actions[bot]"
MERGE = "f" * 40
HEAD = "a" * 40

FACTS: dict[str, Any] = {
    "format": 1,
    "project": "tumour",
    "workflow": "ci",
    "commit": HEAD,
    "task": "binary",
    "split": "valid",
    "rows": 398,
    "champion": None,
    "steps": [
        {"step": name, "status": "pass", "seconds": 1.5, "errors": 0, "warnings": 1}
        for name in ("lint", "validate-data", "train", "evaluate", "gate")
    ],
    "rules": [
        {
            "metric": "roc_auc", "operator": ">=", "against": "bound", "bound": 0.95,
            "status": "pass", "passed_over": False, "value": 0.989, "low": 0.966, "high": 0.997,
            "n": 398, "method": "Newcombe", "candidate": 0.989, "champion": None,
        }
    ],
    "checks": {"passed": 22, "failed": 0, "undecided": 0},
    "training": {"seconds": 12.4, "rows": 227, "gpus": 0},
}  # fmt: skip


def facts(**changes: Any) -> dict[str, Any]:
    """What a report leaves, with some parts changed."""
    return copy.deepcopy(FACTS) | changes


def archive(content: bytes | str | dict[str, Any], name: str = "facts.json") -> bytes:
    """A report's artifact: its facts, and what else a report has."""
    text = json.dumps(content) if isinstance(content, dict) else content
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("index.html", "<!doctype html>" + "figures " * 1000)
        packed.writestr(name, text)
    return stream.getvalue()


@dataclass
class Fault:
    """What a server says, for once, instead of an answer; `status` 0 hangs up at once."""

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    #: The request is carried out all the same, as when a line breaks on the way back.
    after: bool = False
    #: Seconds before the answer.
    wait: float = 0


@dataclass
class GitHub:
    """The repository team/tumour: pull requests with comments, runs with artifacts."""

    address: str = ""
    storage: str = ""
    login: str = BOT
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[int, tuple[dict[str, Any], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    stored: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    #: Called before each request of the API is carried out.
    watch: Callable[[str, str], None] = lambda method, path: None

    def pull(self, number: int, sha: str = HEAD, *, repo: int | None = THEIRS, **more: Any) -> None:
        """An open pull request; from a fork, unless `repo` is ours."""
        head = {"sha": sha, "ref": "x", "repo": None if repo is None else {"id": repo}}
        base = {"sha": "b" * 40, "ref": "main", "repo": {"id": OURS}}
        self.pulls[number] = {
            "number": number, "state": "open", "locked": False, "head": head, "base": base,
            "title": "<b>@everyone</b> ::error::POISON", **more,
        }  # fmt: skip

    def run(self, number: int, content: bytes | None, sha: str = HEAD, **more: Any) -> None:
        """A run that has ended, and the archive that it left."""
        self.runs.append(
            {
                "id": number, "head_sha": sha, "event": "pull_request", "status": "completed",
                "conclusion": "success", "head_repository": {"id": THEIRS, "full_name": "x/y"},
                "head_branch": "POISON", "pull_requests": [], "display_title": "POISON", **more,
            }
        )  # fmt: skip
        if content is not None:
            self.artifacts[number * 10] = (
                {
                    "id": number * 10, "name": "report", "size_in_bytes": len(content),
                    "expired": False, "archive_download_url": "https://elsewhere.example/POISON",
                    "workflow_run": {"id": number, "head_sha": sha},
                },
                content,
            )  # fmt: skip

    def fork(self, number: int, content: bytes | None = None, sha: str = HEAD) -> None:
        """A pull request from a fork, and the run of it that has the hundredfold number."""
        self.pull(number, sha)
        self.run(number * 100, archive(facts(commit=sha)) if content is None else content, sha)

    def write(self, number: int, body: str, login: str = BOT) -> int:
        """Somebody's comment."""
        made = max(self.comments, default=5000) + 1
        self.comments[made] = {"id": made, "user": {"login": login}, "body": body, "on": number}
        return made

    def on(self, number: int) -> list[str]:
        """The comments on a pull request."""
        return [each["body"] for each in self.comments.values() if each["on"] == number]

    def fail(self, what: str, *faults: Fault) -> None:
        """Let the next requests for which `METHOD PATH` matches `what` fail."""
        self.faults += [(what, fault) for fault in faults]

    def count(self, what: str) -> int:
        """How many requests matched."""
        return sum(
            re.search(what, f"{method} {path}") is not None for method, path, _ in self.asked
        )

    def fault(self, line: str) -> Fault | None:
        for number, (what, fault) in enumerate(self.faults):
            if re.search(what, line):
                del self.faults[number]
                return fault
        return None

    def answer(self, method: str, address: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        """Carry out one request of the API."""
        parts = urlsplit(address)
        query = dict(parse_qsl(parts.query))
        if (method, parts.path) == ("POST", "/api/graphql"):
            assert body == {"query": "{viewer{login}}"}
            return 200, {"data": {"viewer": {"login": self.login}}}, {}
        path = parts.path.removeprefix("/api/v3/repos/team/tumour/")
        for (verb, pattern), do in self.routes().items():
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                return self.paged(*do(body, query, *map(int, found.groups())), parts.path, query)
        self.strange.append(f"{method} {address}")
        return 404, {"message": "Not Found"}, {}

    def routes(self) -> dict[tuple[str, str], Callable[..., tuple[int, Any]]]:
        return {
            ("GET", "pulls"): self.list_pulls,
            ("GET", r"pulls/(\d+)"): lambda b, q, n: (200, self.pulls[n]),
            ("GET", r"issues/(\d+)/comments"): self.list_comments,
            ("POST", r"issues/(\d+)/comments"): self.post,
            ("PATCH", r"issues/comments/(\d+)"): self.patch,
            ("DELETE", r"issues/comments/(\d+)"): self.delete,
            ("GET", "actions/workflows/ci.yml/runs"): self.list_runs,
            ("GET", r"actions/runs/(\d+)/artifacts"): self.list_artifacts,
            ("GET", r"actions/artifacts/(\d+)/zip"): lambda b, q, n: (302, n),
        }

    def list_pulls(self, _: Any, query: dict[str, str]) -> tuple[int, Any]:
        assert query["state"] == "open"
        return 200, [each for each in self.pulls.values() if each["state"] == "open"]

    def list_comments(self, _: Any, query: dict[str, str], number: int) -> tuple[int, Any]:
        found = [each for each in self.comments.values() if each["on"] == number]
        return 200, sorted(found, key=lambda each: each["id"])

    def post(self, body: Any, _: Any, number: int) -> tuple[int, Any]:
        assert number in self.pulls
        return 201, self.comments[self.write(number, body["body"], self.login)]

    def patch(self, body: Any, _: Any, comment: int) -> tuple[int, Any]:
        assert self.comments[comment]["user"]["login"] == self.login
        self.comments[comment]["body"] = body["body"]
        return 200, self.comments[comment]

    def delete(self, _: Any, __: Any, comment: int) -> tuple[int, Any]:
        assert self.comments.pop(comment)["user"]["login"] == self.login
        return 204, None

    def list_runs(self, _: Any, query: dict[str, str]) -> tuple[int, Any]:
        assert (query["event"], query["status"]) == ("pull_request", "completed")
        assert re.fullmatch(r">=\d{4}-\d\d-\d\d", query["created"])
        return 200, {"total_count": len(self.runs), "workflow_runs": self.runs[::-1]}

    def list_artifacts(self, _: Any, query: dict[str, str], run: int) -> tuple[int, Any]:
        found = [each for each, _ in self.artifacts.values() if each["workflow_run"]["id"] == run]
        found = [each for each in found if each["name"] == query["name"]]
        return 200, {"total_count": len(found), "artifacts": found}

    def paged(
        self, status: int, value: Any, path: str, query: dict[str, str]
    ) -> tuple[int, Any, dict[str, str]]:
        """A page of a list with the link to the next; or where an artifact lies."""
        if status == 302:
            return 302, None, {"Location": f"{self.storage}/{value}?signature=s"}
        lists = {"workflow_runs", "artifacts"} & set(value) if isinstance(value, dict) else set()
        if not isinstance(value, list) and not lists:
            return status, value, {}
        key = lists.pop() if lists else ""
        whole = value[key] if key else value
        size, page = int(query["per_page"]), int(query["page"])
        assert 1 <= size <= 100
        part = whole[size * (page - 1) : size * page]
        more = size * page < len(whole)
        # As GitHub's does, it says where to go next; a client must not need it.
        link = {"Link": f'<{self.address}{path}?POISON>; rel="next"'} if more else {}
        return status, ({**value, key: part} if key else part), link


class Handler(BaseHTTPRequestHandler):
    """The server; `store` answers for the other host, where the archives lie."""

    hub: GitHub
    store = False

    def handle_any(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        if len(body) < size:
            self.close_connection = True  # whoever asked was killed
            return None
        headers = dict(self.headers.items())
        hub, line = self.hub, f"{self.command} {self.path}"
        if self.store:
            hub.stored.append((self.path, headers))
            line = f"STORE {self.path}"
        else:
            hub.asked.append((self.command, self.path, headers))
            hub.watch(self.command, self.path)
        fault = hub.fault(line)
        if fault and not fault.after:
            return self.say(fault)
        if self.store:
            found = hub.artifacts[int(urlsplit(self.path).path[1:])][1]
            return self.reply(200, found, {})
        return self.carry_out(body, line, fault)

    def carry_out(self, body: bytes, line: str, fault: Fault | None) -> None:
        hub = self.hub
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.reply(401, b"{}", {})
        try:
            status, value, more = hub.answer(self.command, self.path, json.loads(body or "null"))
        except (AssertionError, LookupError, TypeError, ValueError) as error:
            hub.strange.append(f"{line}: {error!r}")
            return self.reply(500, b"{}", {})
        if fault:
            return self.say(fault)
        return self.reply(status, b"" if value is None else json.dumps(value).encode(), more)

    def say(self, fault: Fault) -> None:
        time.sleep(fault.wait)
        if fault.status:
            self.reply(fault.status, fault.body, fault.headers)
        else:
            self.close_connection = True

    def reply(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - its interface

    def log_message(self, *_: object) -> None:
        pass


def report(project: Any, found: dict[str, Any] | str) -> None:
    """What the step report leaves, for a job that comments on its own run."""
    folder = project.folder / "out" / "report"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "facts.json").write_text(found if isinstance(found, str) else json.dumps(found))
    wrote = {"out/report/facts.json": digest_of(folder / "facts.json")}
    verdict = {"step": "report", "status": "pass", "line": "", "wrote": wrote, "commit": MERGE}
    (folder / "verdict.json").write_text(json.dumps(verdict))
