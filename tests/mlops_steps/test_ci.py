"""What a platform is told, and what of its credentials nobody is told."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_steps import ci
from mlops_steps.errors import InfrastructureError

TOKEN = "ghs_0123456789abcdefSECRET"


@pytest.fixture(autouse=True)
def _no_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("CI", "GITHUB_", "GITLAB_", "RUNNER_", "MLOPS_")):
            monkeypatch.delenv(name)


class Api(ThreadingHTTPServer):
    """A server that speaks GitHub's call to start a workflow."""

    daemon_threads = True
    answer: int | None = 204
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    server: Api

    def answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, dict(self.headers), content))
        if self.server.answer is None:
            self.close_connection = True  # no answer at all
            return
        self.send_response(self.server.answer)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "team/tumour",
        "GITHUB_REF": "refs/heads/main",
        "MLOPS_TOKEN": TOKEN,
    }.items():
        monkeypatch.setenv(name, value)
    with Api() as server:
        monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_workflow_is_started_by_the_call_that_github_documents(api: Api, tmp_path: Path) -> None:
    assert ci.start_workflow("cd", {"version": "1.4.0"}, tmp_path) == "cd was started"
    ((method, path, headers, content),) = api.asked
    assert (method, path) == ("POST", "/repos/team/tumour/actions/workflows/cd.yml/dispatches")
    assert json.loads(content) == {"ref": "refs/heads/main", "inputs": {"version": "1.4.0"}}
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Accept"] == "application/vnd.github+json"
    assert headers["X-Github-Api-Version"] == "2022-11-28"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (401, "HTTP 401 Unauthorized: the token is not valid"),
        (403, "`actions: write`"),
        (404, "no such workflow"),
        (422, "workflow_dispatch"),
        (500, "HTTP 500 Internal Server Error"),
        (302, "HTTP 302 Found"),
        (307, "HTTP 307 Temporary Redirect"),
        (None, "closed connection without response"),
    ],
)
def test_a_refusal_is_said_in_words_without_the_token(
    api: Api, tmp_path: Path, answer: int | None, words: str
) -> None:
    api.answer = answer
    with Api() as elsewhere:
        thread = threading.Thread(target=elsewhere.serve_forever, args=(0.01,))
        thread.start()
        api.headers = {"Location": f"http://127.0.0.1:{elsewhere.server_port}/"}
        with pytest.raises(InfrastructureError, match=re.escape(words)) as caught:
            ci.start_workflow("cd", {}, tmp_path)
        elsewhere.shutdown()
        thread.join()
    assert str(caught.value).startswith("cd could not be started: ")
    assert caught.value.exit_code == 4
    assert TOKEN not in str(caught.value)
    assert elsewhere.asked == []  # where the token would have been shown


def test_nobody_there(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Api() as gone:
        address = f"http://127.0.0.1:{gone.server_port}"
    for wrong in (address, "http://127.0.0.1:x"):
        monkeypatch.setenv("GITHUB_API_URL", wrong)
        with pytest.raises(InfrastructureError, match="cd could not be started: "):
            ci.start_workflow("cd", {}, tmp_path)


@pytest.mark.parametrize("token", ["", " ", f"{TOKEN}\nX-Other: a", f"{TOKEN}\x00", f"{TOKEN}é"])
def test_a_token_that_is_none_is_not_sent_and_not_shown(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    if "\0" not in token:
        monkeypatch.setenv("MLOPS_TOKEN", token)
        with pytest.raises(InfrastructureError, match="MLOPS_TOKEN") as caught:
            ci.start_workflow("cd", {}, tmp_path)
        assert "SECRET" not in str(caught.value)
        assert api.asked == []


def test_a_token_with_a_line_end_is_sent_without_it(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_TOKEN", f"{TOKEN}\n")
    ci.start_workflow("cd", {}, tmp_path)
    assert api.asked[0][2]["Authorization"] == f"Bearer {TOKEN}"


def test_a_local_run_leaves_its_request_for_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "was not started" in ci.start_workflow("cd", {}, tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("MLOPS_DISPATCH", str(tmp_path / "dispatch"))
    ci.start_workflow("cd", {"version": "1\n2"}, tmp_path)
    ci.start_workflow("ct", {}, tmp_path)
    lines = (tmp_path / "dispatch").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"workflow": "cd", "inputs": {"version": "1\n2"}},
        {"workflow": "ct", "inputs": {}},
    ]


@given(
    value=st.text() | st.sampled_from(["a: b", "}\nscript: [x]", "\u2028", "\x7f", "\U0001f600"])
)
@settings(max_examples=200, deadline=None)
def test_gitlabs_child_pipeline_keeps_every_value(
    tmp_path_factory: pytest.TempPathFactory, value: str
) -> None:
    folder = tmp_path_factory.mktemp("next")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITLAB_CI", "false")
        ci.start_workflow("ct", {"the-reason": value}, folder)
    text = (folder / "next.yml").read_text(encoding="utf-8")
    read = yaml.safe_load(text)
    assert read == {
        "include": [{"local": ".gitlab/ct.yml"}],
        "variables": {"THE_REASON": {"value": value, "expand": False}},
    }
    assert json.loads(text) == read  # JSON still


def test_gitlabs_trigger_job_always_finds_a_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ci.no_next_workflow(tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("GITLAB_CI", "true")
    ci.no_next_workflow(tmp_path)
    (job,) = yaml.safe_load((tmp_path / "next.yml").read_text()).values()
    assert job["script"] == ["echo 'Nothing to start.'"]


def obeyed(text: str) -> list[str]:
    lines = re.split(r"\r\n|\r|\n", text)
    return [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


PIECES = ["::", ":", "##[", "#", "[", "\n", "\r", " ", "\t", "\u2003", "set-output name=a::b", "a"]


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=12))
@settings(max_examples=300, deadline=None)
def test_no_line_of_a_program_is_obeyed(pieces: list[str]) -> None:
    text = "".join(pieces)
    with pytest.MonkeyPatch.context() as patch:
        assert ci.quiet_commands(text) == text
        patch.setenv("GITHUB_ACTIONS", "true")
        quiet = ci.quiet_commands(text)
    assert obeyed(quiet) == []
    assert re.sub(r"\s", "", quiet) == re.sub(r"\s", "", text)  # all is still there to read


def test_act_obeys_no_line_of_a_program_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    hostile = "::set-output name=a::b\n  ::add-mask::visible\n##[set-output name=a]b\nvisible\n"
    (tmp_path / "raw.txt").write_text(hostile)
    (tmp_path / "quiet.txt").write_text(ci.quiet_commands(hostile))
    workflow = tmp_path / ".github" / "workflows" / "a.yml"
    workflow.parent.mkdir(parents=True)
    job = "  {0}:\n    runs-on: here\n    steps: [{{run: cat {1}/{0}.txt}}]\n"
    jobs = "".join(job.format(name, tmp_path) for name in ("raw", "quiet"))
    workflow.write_text(f"on: push\njobs:\n{jobs}")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    found = {
        name: subprocess.run(
            [tool("act"), "push", "--json", "-P", "here=-self-hosted", "-j", name],
            cwd=tmp_path,
            env=os.environ | {"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for name in ("raw", "quiet")
    }
    assert '"command":"set-output"' in found["raw"]
    assert '"command":' not in found["quiet"]


def tool(name: str) -> str:
    places = [str(Path.home() / ".cache" / "mlops-init" / "tools" / "bin"), *os.get_exec_path()]
    found = shutil.which(name, path=os.pathsep.join(places))
    assert found, f"{name} is missing; `make test` gets it"
    return found


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({"GITHUB_ACTIONS": "true"}, True),
        ({"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "github-hosted"}, True),
        ({"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "self-hosted"}, False),
        ({"GITLAB_CI": "true", "CI_RUNNER_TAGS": '["saas-linux-small-amd64"]'}, True),
        ({"GITLAB_CI": "true", "CI_RUNNER_TAGS": '["gpu"]'}, False),
        (
            {
                "GITLAB_CI": "true",
                "CI_SERVER_HOST": "gitlab.com",
                "CI_DISPOSABLE_ENVIRONMENT": "true",
            },
            True,
        ),
        ({"GITLAB_CI": "true", "CI_SERVER_HOST": "gitlab.com"}, False),
        ({"GITLAB_CI": "true", "CI_DISPOSABLE_ENVIRONMENT": "true"}, False),
        ({"GITLAB_CI": "false"}, False),
        ({"GITHUB_ACTIONS": "true", "MLOPS_STATE": "/kept"}, False),
        ({"GITLAB_CI": "true", "CI_RUNNER_TAGS": '["saas-x"]', "MLOPS_STATE": "/kept"}, False),
    ],
)
def test_a_hosted_machine_is_told_by_the_platforms_variables(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, Any], expected: bool
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ci.hosted() is expected


def test_a_platform_is_told_by_its_variable_not_by_the_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (ci.platform(), ci.commit(), ci.run_address()) == ("local", None, None)
    monkeypatch.setenv("GITLAB_CI", "false")
    monkeypatch.setenv("CI_COMMIT_SHA", "ab")
    monkeypatch.setenv("CI_JOB_URL", "https://gitlab.example.org/-/jobs/1")
    assert ci.platform() == "gitlab"
    assert (ci.commit(), ci.run_address()) == ("ab", "https://gitlab.example.org/-/jobs/1")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_RUN_ID", "7")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example.org")
    monkeypatch.setenv("GITHUB_REPOSITORY", "a/b")
    assert ci.run_address() == "https://github.example.org/a/b/actions/runs/7"
