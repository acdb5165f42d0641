"""`mlops-init protect`: shown for a shell and for programs, and set on a server with a memory."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_init import settings_server
from tests.mlops_init.helpers import ROOT, call, documents, run, tool
from tests.mlops_init.settings_server import TOKEN, Server

from mlops_init.settings import api

Here = Callable[..., tuple[int, str, str]]
GITHUB = ("--platform", "github", "--repository", "team/tumour")
GITLAB = ("--platform", "gitlab", "--repository", "team/tumour")


@pytest.fixture
def server() -> Iterator[Server]:
    with settings_server.running() as state:
        yield state


@pytest.fixture
def start(
    projects: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Copy a rendered project to where the command runs."""
    monkeypatch.setenv("MLOPS_PROTECT_TOKEN", TOKEN)
    for name in ("GH_TOKEN", "GITLAB_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def copy(variant: str) -> None:
        shutil.copytree(projects[variant], tmp_path, dirs_exist_ok=True)

    return copy


def applied(here: Here, server: Server, *options: str) -> tuple[int, str]:
    code, out, err = here("protect", "--apply", "--server", server.address, *options)
    assert err == ""
    assert TOKEN not in out
    return code, out


def shown(here: Here, *options: str) -> dict[str, Any]:
    code, out, err = here("protect", "--json", *options)
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


# --- shown ---------------------------------------------------------------------------------


def test_github_as_json(here: Here, start: Callable[[str], None], tmp_path: Path) -> None:
    start("both-own")
    found = shown(here, *GITHUB, "--reviewer", "ann")
    calls = [(each["method"], each["url"]) for each in found["calls"]]
    root = "https://api.github.com/repos/team/tumour"
    assert calls == [
        ("GET", "https://api.github.com/users/ann"),
        ("PUT", f"{root}/environments/production"),
        ("POST", f"{root}/environments/production/deployment-branch-policies"),
        ("PUT", f"{root}/environments/registry"),
        ("POST", f"{root}/environments/registry/deployment-branch-policies"),
        ("PUT", f"{root}/actions/permissions/workflow"),
        ("POST", f"{root}/actions/variables"),
        ("POST", f"{root}/rulesets"),
    ]
    production, registry = found["calls"][1]["body"], found["calls"][3]["body"]
    assert production["reviewers"] == [{"type": "User", "id": "$REVIEWER_1"}]
    assert "reviewers" not in registry  # ct reads its secret every week; nobody is asked
    assert found["calls"][6]["body"] == {"name": "GPU_RUNNER", "value": "big-gpu"}
    assert found["calls"][6]["if_there"] is None  # what it says already is kept
    rules = {each["type"]: each for each in found["calls"][7]["body"]["rules"]}
    checks = rules["required_status_checks"]["parameters"]["required_status_checks"]
    assert {each["integration_id"] for each in checks} == {15368}
    (ci,) = documents(tmp_path / ".github" / "workflows" / "ci.yml")
    judges = [job["name"] for job in ci["jobs"].values()
              if "pull-requests" not in job["permissions"]]  # fmt: skip
    assert [each["context"] for each in checks] == judges
    assert {"Lint", "Gate", "Report"} <= set(judges)
    by_hand = [each["command"] for each in found["by_hand"]]
    assert "gh secret set MLOPS_REGISTRY_PASSWORD --env production --repo team/tumour" in by_hand
    assert "gh variable set MLOPS_REGISTRY_USER --env registry --repo team/tumour" in by_hand


def test_gitlab_as_json(here: Here, start: Callable[[str], None]) -> None:
    start("gitlab-own")
    found = shown(here, *GITLAB, "--reviewer", "ann", "--server", "https://git.example.org")
    root = "https://git.example.org/api/v4/projects/team%2Ftumour"
    calls = [(each["method"], each["url"].removeprefix(root)) for each in found["calls"]]
    assert calls == [
        ("GET", "https://git.example.org/api/v4/users?username=ann"),
        ("PUT", ""),
        ("POST", "/protected_branches"),
        ("PATCH", "/job_token_scope"),
        ("POST", "/pipeline_schedules"),
        ("POST", "/pipeline_schedules/$SCHEDULE_CT/variables"),
        ("POST", "/pipeline_schedules"),
        ("POST", "/pipeline_schedules/$SCHEDULE_MONITOR/variables"),
        ("POST", "/protected_environments"),
    ]
    schedules = [each["body"] for each in found["calls"] if each["url"].endswith("_schedules")]
    assert [(each["cron"], each["ref"]) for each in schedules] == [
        ("17 3 * * 1", "refs/heads/main"),
        ("47 5 * * *", "refs/heads/main"),
    ]
    assert found["calls"][-1]["body"]["approval_rules"] == [
        {"user_id": "$REVIEWER_1", "required_approvals": 1}
    ]
    assert found["calls"][4]["if_there"] == {
        "method": "PUT",
        "url": f"{root}/pipeline_schedules/$SCHEDULE_CT",
    }
    by_hand = [each["command"] for each in found["by_hand"]]
    for scope in ("production", "registry"):
        ending = f"--scope {scope} --repo https://git.example.org/team/tumour < FILE"
        password = "glab variable set MLOPS_REGISTRY_PASSWORD --masked --protected"
        assert f"{password} {ending}" in by_hand
        assert f"glab variable set MLOPS_REGISTRY_USER --protected {ending}" in by_hand


def test_only_what_the_answers_ask_for(here: Here, start: Callable[[str], None]) -> None:
    start("both-plain")
    github, gitlab = shown(here, *GITHUB), shown(here, *GITLAB, "--no-premium")
    urls = [each["url"] for each in github["calls"] + gitlab["calls"]]
    assert not [url for url in urls if "variables" in url and "schedules" not in url]
    assert not [url for url in urls if "environments/registry" in url or "protected_env" in url]
    assert [each["url"].rpartition("/")[2] for each in gitlab["calls"]].count(
        "pipeline_schedules"
    ) == 1  # no log of its own, so no daily monitor
    assert "nobody is asked before cd begins" in json.dumps(github["by_hand"])


#: `gh api` and `glab api`, as far as the text needs them: forwards to the test's server, and
#: says a refusal as they do, the whole of it on stdout and one line on stderr.
FORWARD = """\
#!{python} -IS
import http.client, json, os, sys
words = sys.argv[1:]
assert words.pop(0) == "api"
options = {{}}
while "--" in " ".join(words):
    at = next(n for n, word in enumerate(words) if word.startswith("--"))
    options[words[at]] = words[at + 1]
    del words[at : at + 2]
(path,) = words
data = sys.stdin.buffer.read() if options.get("--input") == "-" else None
if data is not None:
    json.loads(data)
    assert options["--header"] == "Content-Type: application/json"
server, _, root = os.environ["API"].partition("/")
http_ = http.client.HTTPConnection(server)
http_.request(options.get("--method", "GET"), "/" + root + "/" + path, data,
    {{"Authorization": "Bearer {token}", "Content-Type": "application/json"}})
answer = http_.getresponse()
whole = answer.read()
sys.stdout.buffer.write(whole)
if answer.status > 299:
    sys.exit("%s: %s (HTTP %d)" % ("{name}", json.loads(whole)["message"], answer.status))
"""
Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def script(here: Here, server: Server, tmp_path: Path) -> Script:
    """What `protect` prints, run by a shell."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("gh", "glab"):
        program = programs / name
        program.write_text(FORWARD.format(python=sys.executable, token=TOKEN, name=name))
        program.chmod(0o755)

    def run_it(*options: str, shell: str = "sh") -> subprocess.CompletedProcess[str]:
        code, text, _ = here("protect", *options)
        assert code == 0
        assert TOKEN not in text
        (tmp_path / "protect.sh").write_text(text)
        api_ = f"{server.address}/api/{'v3' if 'github' in options else 'v4'}"
        env = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "API": api_.removeprefix("http://"),
        }
        return run(shell, tmp_path / "protect.sh", folder=tmp_path, env=env)

    return run_it


def memory(server: Server) -> dict[str, Any]:
    """All that was set, without the calls that set it."""
    whole = dataclasses.asdict(server)
    return {key: value for key, value in whole.items() if key not in {"calls", "faults"}}


TEAM = ("--reviewer", "ann", "--reviewer", "bob")


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("options", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_a_shell_runs_the_text_twice(
    here: Here,
    start: Callable[[str], None],
    server: Server,
    script: Script,
    *,
    options: tuple[str, ...],
    shell: str,
) -> None:
    start("both-own")
    first = script(*options, *TEAM, shell=shell)
    assert first.returncode == 0, first.stderr
    # What the text has made is what --apply wants: it finds nothing to do.
    before = len(server.changes)
    code, out = applied(here, server, *options, *TEAM)
    assert code == 0, out
    assert server.changes[before:] == []
    made = memory(server)
    again = script(*options, *TEAM, shell=shell)
    assert again.returncode == 0, again.stderr
    assert "HTTP" not in again.stderr
    assert memory(server) == made


def test_a_shell_keeps_what_others_have_set_on_github(
    here: Here, start: Callable[[str], None], server: Server, script: Script
) -> None:
    start("both-own")
    server.environments["production"] = {
        "wait_timer": 30,
        "prevent_self_review": True,
        "reviewers": [{"type": "User", "id": 12}],
        "deployment_branch_policy": None,
    }
    server.variables["GPU_RUNNER"] = "ours"
    server.rulesets[1] = {"name": "ours", "enforcement": "active", "rules": []}
    assert script(*GITHUB, "--reviewer", "ann").returncode == 0
    found = server.environments["production"]
    assert [each["id"] for each in found["reviewers"]] == [12, 11]
    assert (found["wait_timer"], found["prevent_self_review"]) == (30, True)
    assert found["deployment_branch_policy"]["custom_branch_policies"] is True
    assert server.variables == {"GPU_RUNNER": "ours"}
    assert [each["name"] for each in server.rulesets.values()] == ["ours", "mlops-init"]
    before = len(server.changes)
    assert applied(here, server, *GITHUB, "--reviewer", "ann")[0] == 0
    assert server.changes[before:] == []


def test_a_shell_mends_what_is_there_on_gitlab(
    here: Here, start: Callable[[str], None], server: Server, script: Script
) -> None:
    start("both-own")
    assert script(*GITLAB).returncode == 0
    # A first push makes GitLab protect the default branch, and somebody has changed the rest.
    server.branches["main"]["allow_force_push"] = True
    schedule = next(iter(server.schedules.values()))
    schedule |= {"cron": "0 0 * * *", "active": False}
    schedule["variables"][0]["value"] = "cd"
    assert script(*GITLAB, *TEAM).returncode == 0
    assert server.branches["main"]["allow_force_push"] is False
    assert (schedule["cron"], schedule["active"]) == ("17 3 * * 1", False)
    assert schedule["variables"][0]["value"] == "ct"
    rules = server.protected["production"]["approval_rules"]
    assert [each["access_level"] or each["user_id"] for each in rules] == [40, 11, 12]
    before = len(server.changes)
    assert applied(here, server, *GITLAB, *TEAM)[0] == 0
    assert server.changes[before:] == []


#: A call of each kind: of a number, of what is there, of a list, and of each that sets something.
REFUSABLE = [
    (GITHUB, "GET /api/v3/users/ann"),
    (GITHUB, "GET /api/v3/repos/team/tumour/environments/production"),
    (GITHUB, "PUT /api/v3/repos/team/tumour/environments/production"),
    (GITHUB, "POST /api/v3/repos/team/tumour/environments/production/deployment-branch-policies"),
    (GITHUB, "GET /api/v3/repos/team/tumour/actions/variables/GPU_RUNNER"),
    (GITHUB, "GET /api/v3/repos/team/tumour/rulesets"),
    (GITLAB, "GET /api/v4/users"),
    (GITLAB, "PUT /api/v4/projects/team%2Ftumour"),
    (GITLAB, "PATCH /api/v4/projects/team%2Ftumour/protected_branches/main"),
    (GITLAB, "POST /api/v4/projects/team%2Ftumour/protected_branches"),
    (GITLAB, "GET /api/v4/projects/team%2Ftumour/pipeline_schedules"),
    (GITLAB, "GET /api/v4/projects/team%2Ftumour/protected_environments/production"),
]


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(("options", "call_"), REFUSABLE, ids=[call_ for _, call_ in REFUSABLE])
def test_a_shell_stops_at_the_first_refusal(
    start: Callable[[str], None],
    server: Server,
    script: Script,
    *,
    options: tuple[str, ...],
    call_: str,
    shell: str,
) -> None:
    start("both-own")
    server.faults[call_] = 403
    found = script(*options, *TEAM, shell=shell)
    assert found.returncode == 1
    told, words = found.stderr.splitlines()[-2:]
    assert told.partition("?")[0] in re.sub(r"/api/v\d/", "", call_)
    assert words.endswith("(HTTP 403)")
    assert server.calls[-1] == call_, "it went on"


@pytest.mark.parametrize("status", [401, 409, 422, 500])
@pytest.mark.parametrize(
    "call_", [REFUSABLE[1], REFUSABLE[2], REFUSABLE[8]], ids=lambda each: each[-1]
)
def test_a_shell_takes_only_404_for_nothing_there(
    start: Callable[[str], None],
    server: Server,
    script: Script,
    *,
    call_: tuple[tuple[str, ...], str],
    status: int,
) -> None:
    start("both-own")
    options, refused = call_
    server.faults[refused] = status
    found = script(*options)
    assert found.returncode == 1
    assert f"(HTTP {status})" in found.stderr
    assert server.calls[-1] == refused, "it went on"


@pytest.mark.parametrize(
    ("options", "call_"), [REFUSABLE[3], REFUSABLE[11]], ids=["github", "gitlab"]
)
def test_a_shell_goes_on_where_it_was_stopped(
    here: Here,
    start: Callable[[str], None],
    server: Server,
    script: Script,
    *,
    options: tuple[str, ...],
    call_: str,
) -> None:
    start("both-own")
    server.faults[call_] = 500
    assert script(*options).returncode == 1
    server.faults.clear()
    assert script(*options).returncode == 0
    before = len(server.changes)
    assert applied(here, server, *options)[0] == 0
    assert server.changes[before:] == []


@pytest.mark.parametrize("options", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_a_shell_stops_where_nothing_can_be_made(
    start: Callable[[str], None], server: Server, script: Script, options: tuple[str, ...]
) -> None:
    start("both-own")
    unknown = (*options[:3], "team/unknown", *TEAM)
    found = script(*unknown)
    assert found.returncode == 1
    assert "Not Found (HTTP 404)" in found.stderr
    assert len(server.changes) == 1
    nobody = script(*options, "--reviewer", "nobody")
    assert nobody.returncode == 1
    assert len(server.changes) == 1


def test_a_shell_reads_one_page_and_says_so(
    start: Callable[[str], None], server: Server, script: Script
) -> None:
    start("both-own")
    for number in range(100):
        server.rulesets[number] = {"name": f"r{number}", "enforcement": "active", "rules": []}
    found = script(*GITHUB)
    assert found.returncode == 1
    assert "a list of 100 and perhaps more: --apply reads on" in found.stderr
    assert len(server.rulesets) == 100


@pytest.mark.parametrize("options", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_a_linter_of_shells_finds_nothing(
    here: Here, start: Callable[[str], None], tmp_path: Path, options: tuple[str, ...]
) -> None:
    start("both-own")
    for more in ((), TEAM):
        (tmp_path / "protect.sh").write_text(here("protect", *options, *more)[1])
        found = run(tool("shellcheck"), tmp_path / "protect.sh", folder=tmp_path)
        assert found.returncode == 0, found.stdout


def test_nothing_in_the_text_is_obeyed_by_a_shell() -> None:
    from mlops_init.settings import Plan, Setting, text

    hostile = '\'; touch /tmp/x; \'"$(id)"`id` $HOME \\"$NAME\\" "$NAME"'
    body = {"value": hostile, "id": "$NAME"}
    setting = Setting("a title", "x", ("PUT", "a b;$(id)/$NAME"), body)
    plan = Plan("github", "a/b", "h", "https://h", "x", "needs", (setting,), ())
    line = text.as_shell(plan).splitlines()[-1]
    code = "import json, sys; print(json.dumps(sys.argv[1:]))"
    send = f"send() {{ {sys.executable} -c '{code}' \"$@\"; }}"
    found = run("sh", "-c", f"{send}\nNAME=7; {line}", folder=ROOT)
    method, path, sent = json.loads(found.stdout)
    assert (method, path) == ("PUT", "a b;$(id)/7")
    assert json.loads(sent) == {"value": hostile, "id": 7}


# --- applied -------------------------------------------------------------------------------


def test_github_is_set_once(here: Here, start: Callable[[str], None], server: Server) -> None:
    start("both-own")
    server.variables["OTHER"] = "untouched"
    options = (*GITHUB, "--reviewer", "ann")
    code, out = applied(here, server, *options)
    assert code == 0, out
    assert out.count("6 made, 1 changed") == 1
    production = server.environments["production"]
    assert production["reviewers"] == [{"type": "User", "id": 11}]
    assert server.policies["production"] == [{"name": "main", "type": "branch", "id": 70}]
    assert server.environments["registry"]["reviewers"] == []
    assert server.tokens == {
        "default_workflow_permissions": "read",
        "can_approve_pull_request_reviews": False,
    }
    assert server.variables == {"OTHER": "untouched", "GPU_RUNNER": "big-gpu"}
    assert [each["name"] for each in server.rulesets.values()] == ["mlops-init"]
    assert "gh secret set MLOPS_REGISTRY_PASSWORD" in out

    before = len(server.changes)
    code, out = applied(here, server, *options)
    assert (code, server.changes[before:]) == (0, [])
    assert re.search(r"^  \d+ as it was$", out, re.MULTILINE)
    assert not re.search(r"^  (made|changed)", out, re.MULTILINE)


def test_what_others_have_set_is_kept(
    here: Here, start: Callable[[str], None], server: Server
) -> None:
    start("both-own")
    server.environments["production"] = {
        "wait_timer": 30,
        "prevent_self_review": True,
        "reviewers": [{"type": "User", "id": 12}],
        "deployment_branch_policy": None,
    }
    server.variables["GPU_RUNNER"] = '["self-hosted", "gpu"]'
    server.rulesets[1] = {"name": "ours", "enforcement": "active", "rules": []}
    assert applied(here, server, *GITHUB)[0] == 0
    found = server.environments["production"]
    assert found["reviewers"] == [{"type": "User", "id": 12}]  # none named, none lost
    assert (found["wait_timer"], found["prevent_self_review"]) == (30, True)
    assert found["deployment_branch_policy"]["custom_branch_policies"] is True
    assert applied(here, server, *GITHUB, "--reviewer", "ann")[0] == 0
    assert [each["id"] for each in server.environments["production"]["reviewers"]] == [12, 11]
    assert server.variables["GPU_RUNNER"] == '["self-hosted", "gpu"]'
    assert server.rulesets[1] == {"name": "ours", "enforcement": "active", "rules": []}


def test_a_ruleset_that_lost_a_check_is_mended(
    here: Here, start: Callable[[str], None], server: Server
) -> None:
    start("both-plain")
    assert applied(here, server, *GITHUB)[0] == 0
    (number,) = server.rulesets
    good = json.loads(json.dumps(server.rulesets[number]))
    server.rulesets[number]["rules"][-1]["parameters"]["required_status_checks"].pop()
    code, out = applied(here, server, *GITHUB)
    assert (code, server.rulesets) == (0, {number: good})
    assert re.search(r"^  changed +ruleset", out, re.MULTILINE)
    server.rulesets[number]["enforcement"] = "disabled"
    assert applied(here, server, *GITHUB)[0] == 0
    assert server.rulesets == {number: good}


def test_a_ruleset_on_the_second_page_is_found(
    here: Here, start: Callable[[str], None], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    start("both-plain")
    monkeypatch.setattr(api, "PAGE", 2)
    for number in range(3):
        server.rulesets[number] = {"name": f"r{number}", "enforcement": "active", "rules": []}
    assert applied(here, server, *GITHUB)[0] == 0
    assert applied(here, server, *GITHUB)[0] == 0
    assert [each["name"] for each in server.rulesets.values()].count("mlops-init") == 1


def test_gitlab_is_set_once(here: Here, start: Callable[[str], None], server: Server) -> None:
    start("both-own")
    options = (*GITLAB, "--reviewer", "ann")
    code, out = applied(here, server, *options)
    assert code == 0, out
    assert server.project["only_allow_merge_if_pipeline_succeeds"] is True
    assert server.project["ci_pipeline_variables_minimum_override_role"] == "maintainer"
    assert server.branches["main"]["allow_force_push"] is False
    assert server.inbound is True
    told = [
        (each["description"], each["cron"], each["cron_timezone"], each["variables"][0]["value"])
        for each in server.schedules.values()
    ]
    assert told == [
        ("mlops-init: ct", "17 3 * * 1", "UTC", "ct"),
        ("mlops-init: monitor", "47 5 * * *", "UTC", "monitor"),
    ]
    (rule,) = server.protected["production"]["approval_rules"]
    assert (rule["user_id"], rule["required_approvals"]) == (11, 1)

    before = len(server.changes)
    assert applied(here, server, *options)[0] == 0
    assert server.changes[before:] == []


def test_a_schedule_is_not_made_twice(
    here: Here, start: Callable[[str], None], server: Server
) -> None:
    start("both-plain")
    # An earlier run was stopped between the two calls; somebody changed the time, and paused it.
    server.schedules[4] = {
        "id": 4,
        "description": "mlops-init: ct",
        "ref": "refs/heads/main",
        "cron": "0 0 * * *",
        "cron_timezone": "UTC",
        "active": False,
        "variables": [],
    }
    assert applied(here, server, *GITLAB)[0] == 0
    assert list(server.schedules) == [4]
    found = server.schedules[4]
    assert (found["cron"], found["active"]) == ("17 3 * * 1", False)
    assert [(each["key"], each["value"]) for each in found["variables"]] == [("WORKFLOW", "ct")]
    found["variables"][0]["value"] = "cd"
    assert applied(here, server, *GITLAB)[0] == 0
    assert found["variables"][0]["value"] == "ct"


def test_approvers_are_added_once(here: Here, start: Callable[[str], None], server: Server) -> None:
    start("both-plain")
    assert applied(here, server, *GITLAB)[0] == 0
    for _ in range(2):
        assert applied(here, server, *GITLAB, "--reviewer", "ann", "--reviewer", "bob")[0] == 0
    rules = server.protected["production"]["approval_rules"]
    assert [(each["access_level"], each["user_id"]) for each in rules] == [
        (40, None),
        (None, 11),
        (None, 12),
    ]


# --- refused -------------------------------------------------------------------------------


def test_without_premium_all_the_rest_is_done(
    here: Here, start: Callable[[str], None], server: Server
) -> None:
    start("both-plain")
    server.premium = False
    code, out = applied(here, server, *GITLAB)
    assert code == 4
    assert "refused     environment production: maintainers deploy" in out
    assert "(needs Premium)" in out
    assert "HTTP 403: 403 Forbidden" in out
    assert server.schedules
    assert applied(here, server, *GITLAB, "--no-premium")[0] == 0


POLICY = "POST /api/v3/repos/team/tumour/environments/production/deployment-branch-policies"
RULES = "GET /api/v3/repos/team/tumour/rulesets"


@pytest.mark.parametrize(
    "planted",
    [
        (401, "HTTP 401: refused"),
        (403, "HTTP 403: refused"),
        (404, "HTTP 404: refused"),
        (422, "HTTP 422: refused"),
        (302, "HTTP 302: it leads elsewhere, where the token is not sent"),
        (500, "HTTP 500: refused"),
        ("slow", "no answer"),
        ("html", "the answer is not JSON"),
        ("ignored", "the server accepted it and did not do it"),
    ],
)
def test_it_stops_at_the_first_refusal(
    here: Here,
    start: Callable[[str], None],
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    planted: tuple[Any, str],
) -> None:
    start("both-plain")
    fault, words = planted
    monkeypatch.setattr(api, "PATIENCE", 0.3)
    server.faults[POLICY] = fault
    code, out = applied(here, server, *GITHUB)
    assert code == 4
    assert words in out
    kinds = re.findall(r"^  (made|refused|not tried) +(\w+)", out, re.MULTILINE)
    assert kinds == [
        ("made", "environment"),
        ("refused", "environment"),
        ("not tried", "jobs"),
        ("not tried", "ruleset"),
    ]
    assert server.rulesets == {}
    assert not [call for call in server.calls if "elsewhere" in call]
    server.faults.clear()
    assert applied(here, server, *GITHUB)[0] == 0  # the same command goes on from there


@pytest.mark.parametrize("answer", [[], {}, [{"name": 3}], [3], {"message": "x"}], ids=str)
def test_an_answer_of_another_shape(
    here: Here,
    start: Callable[[str], None],
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
) -> None:
    start("both-plain")
    path = "/api/v3/repos/team/tumour/environments/production"
    real = server.answer

    def other(method: str, at: str, query: Any, body: Any) -> Any:
        return answer if (method, at) == ("GET", path) else real(method, at, query, body)

    monkeypatch.setattr(server, "answer", other)
    code, out = applied(here, server, *GITHUB)
    assert code == 4
    assert "the answer is not what was asked" in out


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_repository_that_the_token_cannot_see(
    here: Here, start: Callable[[str], None], server: Server, status: int
) -> None:
    start("both-plain")
    server.faults["GET /api/v3/repos/team/tumour"] = status
    code, out = applied(here, server, *GITHUB)
    assert code == 4
    assert f"repository team/tumour: GET {server.address}/api/v3/repos/team/tumour: HTTP" in out
    assert "refused  " not in out
    assert server.changes == []


def test_a_token_that_is_no_administrators(
    here: Here, start: Callable[[str], None], server: Server
) -> None:
    start("both-plain")
    server.admin = False
    code, out = applied(here, server, *GITHUB)
    assert code == 4
    assert "the token may not administer it. Needs a token of an administrator" in out
    assert server.changes == []


@pytest.mark.parametrize("options", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_an_unknown_reviewer(
    here: Here, start: Callable[[str], None], server: Server, options: tuple[str, ...]
) -> None:
    start("both-plain")
    code, out = applied(here, server, *options, "--reviewer", "nobody")
    assert code == 4
    assert "the server knows no such user" in out
    assert server.changes == []


def test_nobody_listens(here: Here, start: Callable[[str], None]) -> None:
    start("both-plain")
    code, out, _ = here("protect", "--apply", "--server", "http://127.0.0.1:9", *GITLAB)
    assert code == 4
    assert "no answer" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--repository", "team/tumour"], "both platforms: --platform github or --platform"),
        (["--platform", "bitbucket"], "'bitbucket' is not allowed. Allowed here: github, gitlab"),
        (["--platform", "github"], "no remote `origin` to tell the project: --repository"),
        ([*GITHUB[:2], "--repository", "tumour"], "'tumour' is not allowed. Allowed: OWNER/NAME"),
        ([*GITHUB[:2], "--repository", "a/b;id"], "is not allowed"),
        ([*GITHUB[:2], "--repository", "../b"], "is not allowed"),
        ([*GITHUB, "--reviewer", "$(id)"], "'$(id)' is not allowed. Allowed: a user's name"),
        ([*GITHUB, "--reviewer", "a", "--reviewer", "a"], "somebody is named twice"),
        ([*GITHUB, "--server", "https://git.example.org"], "is not github.com, the answer"),
        ([*GITLAB, "--server", "http://git.example.org"], "Allowed: https://HOST"),
        ([*GITLAB, "--server", "https://u:p@git.example.org"], "Allowed: https://HOST"),
        ([*GITLAB, "--server", "git.example.org"], "Allowed: https://HOST"),
        ([*GITHUB, "--json", "--apply"], "one of both"),
        ([*GITHUB, "--token", "x"], "No such option"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_bad_input(
    here: Here, start: Callable[[str], None], arguments: list[str], words: str
) -> None:
    start("both-plain")
    code, out, err = here("protect", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("platform", "names"),
    [("github", "MLOPS_PROTECT_TOKEN or GH_TOKEN"), ("gitlab", "TOKEN or GITLAB_TOKEN")],
)
def test_no_token(
    here: Here,
    start: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    names: str,
) -> None:
    start(f"{platform}-plain")
    monkeypatch.delenv("MLOPS_PROTECT_TOKEN")
    code, out, err = here("protect", "--apply", "--repository", "team/tumour")
    assert (code, out) == (2, "")
    assert names in err


def test_a_token_that_is_none(
    here: Here, start: Callable[[str], None], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    start("both-plain")
    for spoilt in ("two words", "split\nX-Other: y", "caf\u00e9"):
        monkeypatch.setenv("MLOPS_PROTECT_TOKEN", spoilt)
        code, _, err = here("protect", "--apply", "--server", server.address, *GITHUB)
        assert code == 2
        assert "holds characters that no token has" in err
        assert spoilt.split()[0] not in err.replace("two", "")
    assert server.calls == []


def test_each_platform_has_its_own_variable(
    here: Here, start: Callable[[str], None], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    start("both-plain")
    monkeypatch.delenv("MLOPS_PROTECT_TOKEN")
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    assert applied(here, server, *GITLAB)[0] == 0
    code, _, err = here("protect", "--apply", "--server", server.address, *GITHUB)
    assert code == 2, err  # GitLab's token is not GitHub's


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ("git@github.com:team/tumour.git", ("github", "team/tumour")),
        ("https://github.com/team/tumour", ("github", "team/tumour")),
        ("ssh://git@github.com/team/tumour.git", ("github", "team/tumour")),
        ("https://user:secret@gitlab.com/group/a/tumour.git", ("gitlab", "group/a/tumour")),
    ],
)
def test_origin_tells_which_repository(
    here: Here, start: Callable[[str], None], tmp_path: Path, origin: str, told: tuple[str, str]
) -> None:
    start("both-plain")
    run("git", "init", "-q", folder=tmp_path)
    run("git", "remote", "add", "origin", origin, folder=tmp_path)
    found = shown(here)
    assert (found["platform"], found["repository"]) == told
    assert "secret@" not in json.dumps(found)


def test_origin_somewhere_else(here: Here, start: Callable[[str], None], tmp_path: Path) -> None:
    start("both-plain")
    run("git", "init", "-q", folder=tmp_path)
    run("git", "remote", "add", "origin", "git@git.example.org:team/x.git", folder=tmp_path)
    code, _, err = here("protect", "--platform", "gitlab")
    assert code == 2
    assert "origin is on git.example.org, not on gitlab.com" in err
    assert "--server https://git.example.org" in err
    found = shown(here, "--platform", "gitlab", "--server", "https://git.example.org")
    assert found["repository"] == "team/x"


def test_an_enterprise_server(here: Here, tmp_path: Path) -> None:
    answers = ("-c", "ci=github", "-c", "github_server=git.example.org")
    answers += ("-c", "registry=oci:registry.example.org/models")
    pin = ("--pin", "0" * 40)
    made = call("new", "tumour", "--defaults", *answers, *pin, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    os.chdir(tmp_path / "tumour")
    code, out, _ = here("protect", "--repository", "team/tumour")
    assert code == 0
    assert "gh api --hostname git.example.org" in out
    assert "integration_id" not in out  # another number there
    assert "gh secret set MLOPS_REGISTRY_PASSWORD --env registry --repo git.example.org/" in out
    found = shown(here, "--repository", "team/tumour")
    assert found["calls"][0]["url"].startswith("https://git.example.org/api/v3/repos/team/tumour/")
    assert {"name": "RUNNER", "value": "self-hosted"} in [each["body"] for each in found["calls"]]


def test_secrets_of_the_data(here: Here, tmp_path: Path) -> None:
    answers = ("-c", "source_secrets=DATA_KEY,DATA_SECRET", "--pin", "0" * 40)
    made = call("new", "tumour", "--defaults", *answers, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "DATA_KEY and DATA_SECRET, in the environments data and production" in made.stdout
    os.chdir(tmp_path / "tumour")
    found = shown(here, *GITHUB)
    calls = {
        each["url"].partition("/environments/")[2]: each["body"]
        for each in found["calls"]
        if "/environments/" in each["url"]
    }
    # A pull request's jobs run on no branch, and ci reads the data.
    assert calls["data"] == {"deployment_branch_policy": None}
    assert "data/deployment-branch-policies" not in calls
    assert "production/deployment-branch-policies" in calls
    by_hand = [each["command"] for each in found["by_hand"]]
    for scope in ("data", "production"):
        assert f"gh secret set DATA_KEY --env {scope} --repo team/tumour" in by_hand
    by_hand = [each["command"] for each in shown(here, *GITLAB)["by_hand"]]
    for scope in ("data", "production"):
        command = f"glab variable set DATA_SECRET --masked --scope {scope} --repo "
        assert any(each.startswith(command) for each in by_hand), by_hand
    assert not any("MLOPS_REGISTRY" in each for each in by_hand)
