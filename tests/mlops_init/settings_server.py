"""A server on loopback that speaks the calls of `protect`: GitHub's and GitLab's, with a memory.

It is strict where the real ones are: a body with a key that the call does not know, or without
one that it needs, is refused; what was not made is not there; a thing that is there cannot be
made again. Faults are planted by method and path.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "token-that-nobody-may-see"
Body = dict[str, Any]


class RefusedError(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: Any) -> None:
        super().__init__(status)
        self.status, self.message = status, message


@dataclass
class Server:
    """What it has been told; `faults` maps `METHOD PATH` to a status, or slow, mute, ignored."""

    address: str = ""
    calls: list[str] = field(default_factory=list)
    faults: dict[str, Any] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=lambda: {"ann": 11, "bob": 12})
    admin: bool = True
    premium: bool = True
    # GitHub
    environments: dict[str, Body] = field(default_factory=dict)
    policies: dict[str, list[Body]] = field(default_factory=dict)
    tokens: Body = field(
        default_factory=lambda: {
            "default_workflow_permissions": "write",
            "can_approve_pull_request_reviews": True,
        }
    )
    variables: dict[str, str] = field(default_factory=dict)
    rulesets: dict[int, Body] = field(default_factory=dict)
    # GitLab
    project: Body = field(
        default_factory=lambda: {
            "id": 5,
            "only_allow_merge_if_pipeline_succeeds": False,
            "allow_merge_on_skipped_pipeline": None,
            "ci_pipeline_variables_minimum_override_role": "no_one_allowed",
        }
    )
    branches: dict[str, Body] = field(default_factory=dict)
    inbound: bool = False
    schedules: dict[int, Body] = field(default_factory=dict)
    protected: dict[str, Body] = field(default_factory=dict)

    @property
    def changes(self) -> list[str]:
        """The calls that were to change something."""
        return [call for call in self.calls if not call.startswith("GET ")]

    def let_in(self, authorization: str | None, fault: Any) -> None:
        if authorization != f"Bearer {TOKEN}":
            raise RefusedError(401, f"Bad credentials: {authorization}")
        if isinstance(fault, int):
            raise RefusedError(fault, f"refused, and here is your {TOKEN}")

    def answer(self, method: str, path: str, query: Body, body: Body) -> Any:
        for pattern, does in ROUTES:
            verb, _, form = pattern.partition(" ")
            found = re.fullmatch(form, path)
            if found and verb == method:
                groups = [unquote(group) for group in found.groups()]
                return does(self, groups, body, query)
        raise RefusedError(404, "Not Found")


def _keys(body: Body, needed: str, allowed: str = "") -> None:
    """Refuse a body as the real servers do."""
    missing = set(needed.split()) - set(body)
    unknown = set(body) - set(needed.split()) - set(allowed.split())
    if missing or unknown:
        raise RefusedError(422, f"missing {sorted(missing)}, not permitted {sorted(unknown)}")


def _repository(server: Server, _: list[str], __: Body, ___: Body) -> Body:
    return {"id": 1, "permissions": {"admin": server.admin, "pull": True}}


def _github_user(server: Server, names: list[str], _: Body, __: Body) -> Body:
    if names[0] not in server.users:
        raise RefusedError(404, "Not Found")
    return {"login": names[0], "id": server.users[names[0]]}


def _get_environment(server: Server, names: list[str], _: Body, __: Body) -> Body:
    if names[0] not in server.environments:
        raise RefusedError(404, "Not Found")
    kept = server.environments[names[0]]
    rules: list[Body] = []
    if kept["wait_timer"]:
        rules.append({"type": "wait_timer", "wait_timer": kept["wait_timer"]})
    if kept["reviewers"]:
        logins = {number: login for login, number in server.users.items()}
        reviewers = [
            {"type": each["type"], "reviewer": {"login": logins[each["id"]], "id": each["id"]}}
            for each in kept["reviewers"]
        ]
        rules.append(
            {
                "type": "required_reviewers",
                "prevent_self_review": kept["prevent_self_review"],
                "reviewers": reviewers,
            }
        )
    if kept["deployment_branch_policy"]:
        rules.append({"type": "branch_policy"})
    return {
        "id": 3,
        "name": names[0],
        "protection_rules": rules,
        "deployment_branch_policy": kept["deployment_branch_policy"],
    }


def _put_environment(server: Server, names: list[str], body: Body, query: Body) -> Body:
    _keys(body, "", "wait_timer prevent_self_review reviewers deployment_branch_policy")
    known = set(server.users.values())
    if any(each["id"] not in known for each in body.get("reviewers") or []):
        raise RefusedError(422, "Failed to create the environment: reviewers")
    # What a call leaves out is set back, as on the real one.
    empty = {
        "wait_timer": 0,
        "prevent_self_review": False,
        "reviewers": [],
        "deployment_branch_policy": None,
    }
    server.environments[names[0]] = empty | body
    return _get_environment(server, names, body, query)


def _get_policies(server: Server, names: list[str], _: Body, __: Body) -> Body:
    if names[0] not in server.environments:
        raise RefusedError(404, "Not Found")
    found = server.policies.get(names[0], [])
    return {"total_count": len(found), "branch_policies": found}


def _post_policy(server: Server, names: list[str], body: Body, _: Body) -> Body:
    _keys(body, "name", "type")
    policy = server.environments[names[0]]["deployment_branch_policy"]
    if not (policy and policy["custom_branch_policies"]):
        raise RefusedError(404, "custom branch policies are not switched on")
    made = body | {"id": 70 + len(server.policies)}
    server.policies.setdefault(names[0], []).append(made)
    return made


def _put_tokens(server: Server, _: list[str], body: Body, __: Body) -> None:
    _keys(body, "", "default_workflow_permissions can_approve_pull_request_reviews")
    server.tokens |= body


def _get_variable(server: Server, names: list[str], _: Body, __: Body) -> Body:
    if names[0] not in server.variables:
        raise RefusedError(404, "Not Found")
    return {"name": names[0], "value": server.variables[names[0]]}


def _post_variable(server: Server, _: list[str], body: Body, __: Body) -> Body:
    _keys(body, "name value")
    if body["name"] in server.variables:
        raise RefusedError(409, "Already exists - Variable already exists")
    server.variables[body["name"]] = body["value"]
    return {}


def _list_rulesets(server: Server, _: list[str], __: Body, query: Body) -> list[Body]:
    entries = [
        {"id": number, "name": body["name"], "enforcement": body["enforcement"]}
        for number, body in server.rulesets.items()
    ]
    return _page(entries, query)


def _page(entries: list[Body], query: Body) -> list[Body]:
    size, page = int(query.get("per_page", 20)), int(query.get("page", 1))
    return entries[(page - 1) * size : page * size]


def _get_ruleset(server: Server, names: list[str], _: Body, __: Body) -> Body:
    if int(names[0]) not in server.rulesets:
        raise RefusedError(404, "Not Found")
    found = server.rulesets[int(names[0])]
    # The real one tells more than it was told.
    rules = [rule | {"parameters": {"automatic_copilot": False, **rule["parameters"]}}
             if "parameters" in rule else rule for rule in found["rules"]]  # fmt: skip
    return found | {"id": int(names[0]), "source": "team/tumour", "rules": rules}


def _set_ruleset(server: Server, names: list[str], body: Body, query: Body) -> Body:
    _keys(body, "name target enforcement conditions rules", "bypass_actors")
    for rule in body["rules"]:
        if rule["type"] == "required_status_checks":
            _keys(
                rule["parameters"],
                "required_status_checks strict_required_status_checks_policy",
                "do_not_enforce_on_create",
            )
    if not names and any(each["name"] == body["name"] for each in server.rulesets.values()):
        raise RefusedError(422, "Name must be unique")
    number = int(names[0]) if names else 900 + len(server.rulesets)
    server.rulesets[number] = body
    return _get_ruleset(server, [str(number)], body, query)


def _put_project(server: Server, _: list[str], body: Body, __: Body) -> Body:
    _keys(body, "", " ".join(server.project))
    server.project |= body
    return server.project


def _get_branch(server: Server, names: list[str], _: Body, __: Body) -> Body:
    if names[0] not in server.branches:
        raise RefusedError(404, "404 Not found")
    return server.branches[names[0]]


def _post_branch(server: Server, _: list[str], body: Body, __: Body) -> Body:
    _keys(body, "name", "push_access_level merge_access_level allow_force_push")
    if body["name"] in server.branches:
        raise RefusedError(409, f"Protected branch '{body['name']}' already exists")
    server.branches[body["name"]] = {
        "id": 100,
        "name": body["name"],
        "push_access_levels": [{"access_level": body.get("push_access_level", 40)}],
        "merge_access_levels": [{"access_level": body.get("merge_access_level", 40)}],
        "allow_force_push": body.get("allow_force_push", False),
    }
    return server.branches[body["name"]]


def _patch_branch(server: Server, names: list[str], body: Body, query: Body) -> Body:
    _keys(body, "", "name allow_force_push")
    found = _get_branch(server, names, body, query)
    found["allow_force_push"] = body["allow_force_push"]
    return found


def _patch_scope(server: Server, _: list[str], body: Body, __: Body) -> None:
    _keys(body, "enabled")
    server.inbound = body["enabled"]


def _list_schedules(server: Server, _: list[str], __: Body, query: Body) -> list[Body]:
    told = [
        {key: value for key, value in each.items() if key != "variables"}
        for each in server.schedules.values()
    ]
    return _page(told, query)


def _get_schedule(server: Server, names: list[str], _: Body, __: Body) -> Body:
    if int(names[0]) not in server.schedules:
        raise RefusedError(404, "404 Pipeline Schedule Not Found")
    return server.schedules[int(names[0])]


def _post_schedule(server: Server, _: list[str], body: Body, __: Body) -> Body:
    _keys(body, "description ref cron", "cron_timezone active")
    number = 13 + len(server.schedules)
    server.schedules[number] = {"id": number, "active": True, "variables": [], **body}
    return server.schedules[number]


def _put_schedule(server: Server, names: list[str], body: Body, query: Body) -> Body:
    _keys(body, "", "description ref cron cron_timezone active")
    found = _get_schedule(server, names, body, query)
    found |= body
    return found


def _post_schedule_variable(server: Server, names: list[str], body: Body, query: Body) -> Body:
    _keys(body, "key value", "variable_type")
    variables = _get_schedule(server, names, body, query)["variables"]
    if any(each["key"] == body["key"] for each in variables):
        raise RefusedError(400, {"variables": [f"{body['key']} has already been taken"]})
    variables.append(body | {"variable_type": "env_var", "raw": False})
    return body


def _put_schedule_variable(server: Server, names: list[str], body: Body, query: Body) -> Body:
    _keys(body, "value", "key variable_type")
    for each in _get_schedule(server, names, body, query)["variables"]:
        if each["key"] == names[1]:
            each["value"] = body["value"]
            return dict(each)
    raise RefusedError(404, "404 Variable Not Found")


def _gitlab_users(server: Server, _: list[str], __: Body, query: Body) -> list[Body]:
    name = query["username"]
    return [{"id": server.users[name], "username": name}] if name in server.users else []


def _get_protected(server: Server, names: list[str], _: Body, __: Body) -> Body:
    if not server.premium:
        raise RefusedError(403, "403 Forbidden")
    if names[0] not in server.protected:
        raise RefusedError(404, "404 Not found")
    return server.protected[names[0]]


def _rules(body: Body) -> list[Body]:
    empty = {"user_id": None, "group_id": None, "access_level": None, "required_approvals": 1}
    return [empty | {"id": 1 + n} | rule for n, rule in enumerate(body.get("approval_rules", []))]


def _post_protected(server: Server, _: list[str], body: Body, __: Body) -> Body:
    _keys(body, "name deploy_access_levels", "approval_rules")
    if body["name"] in server.protected:
        raise RefusedError(409, "is already protected")
    server.protected[body["name"]] = {"name": body["name"], "approval_rules": _rules(body)}
    return server.protected[body["name"]]


def _put_protected(server: Server, names: list[str], body: Body, query: Body) -> Body:
    _keys(body, "", "deploy_access_levels approval_rules")
    found = _get_protected(server, names, body, query)
    found["approval_rules"] += _rules(body)
    return found


def _told(name: str) -> Callable[..., Any]:
    return lambda server, *_: getattr(server, name)


_GH, _GL = "/api/v3/repos/team/tumour", "/api/v4/projects/team%2Ftumour"
_PRODUCTION = rf"{_GH}/environments/([^/]+)"
_SCHEDULE = rf"{_GL}/pipeline_schedules"
ROUTES: list[tuple[str, Callable[..., Any]]] = [
    (f"GET {_GH}", _repository),
    ("GET /api/v3/users/([^/]+)", _github_user),
    (f"GET {_PRODUCTION}", _get_environment),
    (f"PUT {_PRODUCTION}", _put_environment),
    (f"GET {_PRODUCTION}/deployment-branch-policies", _get_policies),
    (f"POST {_PRODUCTION}/deployment-branch-policies", _post_policy),
    (f"GET {_GH}/actions/permissions/workflow", _told("tokens")),
    (f"PUT {_GH}/actions/permissions/workflow", _put_tokens),
    (f"GET {_GH}/actions/variables/([^/]+)", _get_variable),
    (f"POST {_GH}/actions/variables", _post_variable),
    (f"GET {_GH}/rulesets", _list_rulesets),
    (f"POST {_GH}/rulesets", _set_ruleset),
    (rf"GET {_GH}/rulesets/(\d+)", _get_ruleset),
    (rf"PUT {_GH}/rulesets/(\d+)", _set_ruleset),
    (f"GET {_GL}", _told("project")),
    (f"PUT {_GL}", _put_project),
    ("GET /api/v4/users", _gitlab_users),
    (f"GET {_GL}/protected_branches/([^/]+)", _get_branch),
    (f"POST {_GL}/protected_branches", _post_branch),
    (f"PATCH {_GL}/protected_branches/([^/]+)", _patch_branch),
    (f"GET {_GL}/job_token_scope", lambda s, *_: {"inbound_enabled": s.inbound}),
    (f"PATCH {_GL}/job_token_scope", _patch_scope),
    (f"GET {_SCHEDULE}", _list_schedules),
    (f"POST {_SCHEDULE}", _post_schedule),
    (rf"GET {_SCHEDULE}/(\d+)", _get_schedule),
    (rf"PUT {_SCHEDULE}/(\d+)", _put_schedule),
    (rf"POST {_SCHEDULE}/(\d+)/variables", _post_schedule_variable),
    (rf"PUT {_SCHEDULE}/(\d+)/variables/(\w+)", _put_schedule_variable),
    (f"GET {_GL}/protected_environments/([^/]+)", _get_protected),
    (f"POST {_GL}/protected_environments", _post_protected),
    (f"PUT {_GL}/protected_environments/([^/]+)", _put_protected),
]


@contextmanager
def running() -> Iterator[Server]:
    """The server, until the context ends."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            parts = urlsplit(self.path)
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else {}
            call = f"{self.command} {parts.path}"
            state.calls.append(call)
            fault = state.faults.get(call)
            try:
                state.let_in(self.headers.get("Authorization"), fault)
                if fault == "slow":
                    time.sleep(0.8)
                    return
                found: Any = {}
                if fault != "ignored":
                    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                    found = state.answer(self.command, parts.path, query, body)
                self._say(200, "<html>" if fault == "html" else json.dumps(found))
            except RefusedError as refused:
                self._say(refused.status, json.dumps({"message": refused.message}))

        def do_GET(self) -> None:
            self._do()

        def do_PUT(self) -> None:
            self._do()

        def do_POST(self) -> None:
            self._do()

        def do_PATCH(self) -> None:
            self._do()

        def _say(self, status: int, text: str) -> None:
            data = b"" if text == "null" else text.encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{state.address}/elsewhere")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield state
        server.shutdown()
        thread.join()
