"""Whether the job's environment is protected: asked of a real server, and fails closed."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlops_steps.config import Deploy, load
from mlops_steps.deploy_canary import protection
from mlops_steps.deploy_canary.step import STEP
from mlops_steps.errors import MlopsError
from mlops_steps.record import Record

SECRET = "ghs_never-shown"
OPEN: dict[str, Any] = {"protection_rules": [], "deployment_branch_policy": None}
REVIEWED = {
    "type": "required_reviewers",
    "reviewers": [{"type": "User", "reviewer": {"login": "a", "id": 1}}] * 2,
}
POLICY = {"protected_branches": False, "custom_branch_policies": True}
CONFIG = """\
model: {name: tumour, task: binary}
data: {inputs: {s: {path: s.csv, key: id, target: y, positive: 1, contract: c.yaml,
  split: {by: hash, salt: a, test: 0.3, valid: 0.2}}}}
commands: {train: t, predict: p, serve: s, test: t}
gate: {test: [roc_auc >= 0.9], valid: [roc_auc >= 0.9]}
"""


@dataclass
class Platform:
    """What the server answers, and what it was asked."""

    address: str = ""
    status: int = 200
    body: Any = field(default_factory=lambda: dict(OPEN))
    wait: float = 0
    asked: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def platform() -> Iterator[Platform]:
    state = Platform()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers.get("Authorization", "")))
            time.sleep(state.wait)
            text = state.body if isinstance(state.body, str) else json.dumps(state.body)
            if state.wait:
                return  # nobody waits any longer
            self.send_response(state.status)
            if 300 <= state.status < 400:
                self.send_header("Location", f"{state.address}/elsewhere")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield state
        server.shutdown()
        thread.join()


@pytest.fixture
def github(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """This process is a job of GitHub's, in the environment `production`."""
    _nowhere(monkeypatch)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_API_URL", platform.address)
    monkeypatch.setenv("GITHUB_REPOSITORY", "team/tumour")
    monkeypatch.setenv("MLOPS_ENVIRONMENT", "production")
    monkeypatch.setenv("MLOPS_TOKEN", SECRET)
    return platform


def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "MLOPS_RUN", "MLOPS_TOKEN", "MLOPS_STATE"):
        monkeypatch.delenv(name, raising=False)


def look() -> protection.Protection:
    found = protection.look()
    assert found is not None
    assert SECRET not in found.words
    return found


@pytest.mark.parametrize(
    ("rules", "policy", "state", "words"),
    [
        ([REVIEWED], None, "protected", "2 required reviewers, one has to agree"),
        ([], POLICY, "protected", "only certain branches may deploy"),
        (
            [REVIEWED, {"type": "branch_policy"}],
            {"protected_branches": True, "custom_branch_policies": False},
            "protected",
            "one has to agree, only protected branches may deploy",
        ),
        ([], None, "unprotected", "no required reviewers, and any branch may deploy"),
        ([{"type": "wait_timer", "wait_timer": 30}], None, "unprotected", "is not protected"),
        ([REVIEWED | {"reviewers": []}], None, "unprotected", "is not protected"),
    ],
)
def test_what_counts_on_github(
    github: Platform, rules: list[object], policy: object, state: str, words: str
) -> None:
    github.body = {"protection_rules": rules, "deployment_branch_policy": policy}
    found = look()
    assert (found.state, github.asked) == (
        state,
        [("/repos/team/tumour/environments/production", f"Bearer {SECRET}")],
    )
    assert words in found.words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (301, "HTTP 301"),
        (401, "the token is not valid"),
        (403, "the job needs the permission `actions: read`"),
        (404, "may not see it (permission `actions: read`)"),
        (500, "HTTP 500"),
    ],
)
def test_a_refusal_is_no_answer(github: Platform, status: int, words: str) -> None:
    github.status = status
    github.body = {"protection_rules": [REVIEWED], "deployment_branch_policy": None}
    found = look()
    assert found.state == "unknown"
    assert words in found.words
    assert len(github.asked) == 1  # the token went nowhere else


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        "null",
        "{}",
        {"protection_rules": None, "deployment_branch_policy": None},
        {"protection_rules": [{}], "deployment_branch_policy": None},
        {"protection_rules": [{"type": "required_reviewers"}], "deployment_branch_policy": None},
        {"protection_rules": [], "deployment_branch_policy": 3},
        {"protection_rules": []},
    ],
    ids=str,
)
def test_an_answer_that_says_nothing(github: Platform, body: Any) -> None:
    github.body = body
    assert look().state == "unknown"


def test_a_server_that_does_not_answer(github: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "PATIENCE", 0.2)
    github.wait = 0.6
    assert look().state == "unknown"
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    assert look().state == "unknown"


def test_a_name_cannot_leave_its_place(github: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_ENVIRONMENT", "../../x?y#z")
    look()
    assert github.asked[0][0] == "/repos/team/tumour/environments/..%2F..%2Fx%3Fy%23z"


@pytest.mark.parametrize("name", ["MLOPS_ENVIRONMENT", "GITHUB_API_URL", "GITHUB_REPOSITORY"])
def test_what_the_job_does_not_say(
    github: Platform, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)
    found = look()
    assert found.state == "unknown"
    assert name in found.words


def test_a_token_is_not_sent_in_the_clear(
    github: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://git.example.org/api/v3")
    assert "not https" in look().words
    monkeypatch.setenv("GITHUB_API_URL", github.address)
    monkeypatch.setenv("MLOPS_TOKEN", f"{SECRET}\nX-Other: y")
    assert "characters that no token has" in look().words
    assert github.asked == []


def test_a_public_repository_needs_no_token(
    github: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLOPS_TOKEN")
    assert look().state == "unprotected"
    assert github.asked[0][1] == ""


def jwt(**claims: Any) -> str:
    told = {
        "environment": "production",
        "job_id": "7",
        "environment_protected": "true",
        # Made when the tests are collected; the last of them runs much later.
        "exp": time.time() + 24 * 3600,
    }
    payload = json.dumps({k: v for k, v in (told | claims).items() if v is not None})
    middle = base64.urlsafe_b64encode(payload.encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{middle}.{SECRET}"


@pytest.mark.parametrize(
    ("token", "state", "words"),
    [
        (jwt(), "protected", "is protected, says GitLab"),
        (jwt(environment_protected="false"), "unprotected", "Premium has them"),
        (jwt(environment_protected=True), "unprotected", "is not a protected"),
        (jwt(environment="review/x"), "unknown", "of another job or environment"),
        (jwt(job_id="8"), "unknown", "of another job or environment"),
        (jwt(exp=1), "unknown", "has expired"),
        (jwt(environment_protected=None), "unknown", "no ID token of a job with an environment"),
        (jwt(exp="soon"), "unknown", "no ID token"),
        ("a.b", "unknown", "no ID token"),
        ("a.!!!.c", "unknown", "no ID token"),
        ("a.W10.c", "unknown", "no ID token"),  # []
        ("", "unknown", "the job needs it among its id_tokens"),
    ],
)
def test_what_gitlab_tells_a_job(
    monkeypatch: pytest.MonkeyPatch, token: str, state: str, words: str
) -> None:
    _nowhere(monkeypatch)
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CI_ENVIRONMENT_NAME", "production")
    monkeypatch.setenv("CI_JOB_ID", "7")
    monkeypatch.setenv("MLOPS_ENVIRONMENT_JWT", token)
    found = look()
    assert found.state == state
    assert words in found.words
    if token:
        assert token not in found.words


def test_a_job_of_gitlab_in_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    _nowhere(monkeypatch)
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.delenv("CI_ENVIRONMENT_NAME", raising=False)
    assert look() == protection.Protection("unprotected", "this job is in no environment")


def record(folder: Path, **deploy: Any) -> Record:
    (folder / "mlops.yaml").write_text(CONFIG)
    config = msgspec.structs.replace(load(folder), deploy=Deploy(**deploy))
    return Record(STEP, folder, config, {"version": ""})


@pytest.mark.parametrize(
    ("answer", "unprotected", "outcome"),
    [
        ((200, [REVIEWED]), "refused", ("notice", "environment-protected")),
        ((200, []), "refused", 1),
        ((403, [REVIEWED]), "refused", 3),
        ((200, []), "allowed", ("warning", "environment-unprotected")),
        ((403, []), "allowed", ("warning", "environment-unknown")),
    ],
)
def test_a_real_target(
    github: Platform,
    tmp_path: Path,
    answer: tuple[int, list[object]],
    unprotected: str,
    outcome: int | tuple[str, str],
) -> None:
    github.status, rules = answer
    github.body = OPEN | {"protection_rules": rules}
    # No target but local exists yet; the check is written for those that will.
    made = record(tmp_path, target="kubernetes", unprotected=unprotected)
    if isinstance(outcome, int):
        with pytest.raises(MlopsError) as refused:
            protection.require(made)
        assert refused.value.exit_code == outcome
        assert "deploy.unprotected: allowed" in str(refused.value)
        assert str(refused.value).endswith("Nothing was served, and no alias moved.")
        assert SECRET not in str(refused.value)
        assert made.verdict.findings == []
    else:
        protection.require(made)
        (finding,) = made.verdict.findings
        assert (finding.level, finding.rule) == outcome


@pytest.mark.parametrize(("status", "rule"), [(200, "unprotected"), (404, "unknown")])
def test_a_rehearsal_is_never_refused(
    github: Platform, tmp_path: Path, status: int, rule: str
) -> None:
    github.status = status
    made = record(tmp_path)
    protection.require(made)
    (finding,) = made.verdict.findings
    assert (finding.level, finding.rule) == ("notice", f"environment-{rule}")
    assert finding.message.endswith("A target other than local would have been refused.")


@pytest.mark.parametrize("local", ["laptop", "run"])
def test_where_there_is_no_server_nothing_is_asked(
    github: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: str
) -> None:
    if local == "run":
        monkeypatch.setenv("MLOPS_RUN", "mark")
    else:
        monkeypatch.delenv("GITHUB_ACTIONS")
    made = record(tmp_path)
    protection.require(made)
    assert (made.verdict.findings, github.asked) == ([], [])
