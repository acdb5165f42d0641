"""What a project asks of its repository on GitHub or a GitHub Enterprise Server.

Shapes of the calls: GitHub's REST API, version 2022-11-28: deployment environments and their
branch policies, Actions permissions and variables, repository rulesets.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from ruamel.yaml import YAML

from mlops_init.answers import Kept
from mlops_init.pipeline import Workflow, describe, on
from mlops_init.renderers import github
from mlops_init.settings import Body, Lookup, Plan, Setting

BRANCH = "main"
RULESET = "mlops-init"
#: The number of the app GitHub Actions on github.com: nobody else's check of that name counts.
ACTIONS_APP = 15368
#: What a job that deploys asks of its token: whether its environment is protected.
ASKED = "read-environment"
NEEDS = (
    "Needs a token of an administrator: classic with the scope repo, or fine-grained with "
    "Administration, Environments and Variables: write, Actions: read."
)
#: `_seen_environment` and `_with_those` for a shell.
WITH_THOSE = """\
rules = {rule["type"]: rule for rule in found["protection_rules"]}
asked = rules.get("required_reviewers", {"reviewers": []})
there = [{"type": each["type"], "id": each["reviewer"]["id"]} for each in asked["reviewers"]]
body = {
    "wait_timer": rules.get("wait_timer", {}).get("wait_timer", 0),
    "prevent_self_review": bool(asked.get("prevent_self_review")),
    **wanted,
    "reviewers": there + [each for each in wanted.get("reviewers", []) if each not in there],
}"""


def address(host: str) -> str:
    """Of the API of github.com, or of a GitHub Enterprise Server."""
    return "https://api.github.com" if host == "github.com" else f"https://{host}/api/v3"


def plan(kept: Kept, repository: str, *, reviewers: tuple[str, ...], api: str = "") -> Plan:
    """The settings that follow from the pipelines as they are rendered.

    Args:
        kept: How the project was made.
        repository: OWNER/NAME.
        reviewers: Users who are asked before cd begins; any one of them may agree.
        api: Address of the API, if it is not the server's usual one.
    """
    host = kept.answers.github_server
    workflows = on(describe(kept.answers), "github")
    files = github.render(workflows, kept.answers, kept.pin)
    jobs = [job for text in files.values() for job in _load(text)["jobs"].values()]
    root = f"repos/{repository}"
    deploys = {job.environment for each in workflows for job in each.jobs if ASKED in job.scopes}
    lookups = tuple(
        Lookup(f"the number of {name}", f"users/{quote(name)}", f"REVIEWER_{number}")
        for number, name in enumerate(reviewers, 1)
    )
    settings: list[Setting] = []
    # A pull request's jobs run on no branch: whose environment names some would never begin.
    changes = {job.environment for each in workflows if each.on_change for job in each.jobs}
    for name in _environments(jobs):
        who = lookups if name in deploys else ()
        settings.append(_environment(root, name, who, of_changes=name in changes))
        settings += [] if name in changes else [_branch_policy(root, name)]
    settings.append(_job_tokens(root))
    settings += _variables(root, kept, files)
    settings.append(_ruleset(root, _checks(workflows), host))
    return Plan(
        platform="github",
        repository=repository,
        host=host,
        api=api or address(host),
        path=root,
        needs=NEEDS,
        steps=(*lookups, *settings),
        by_hand=_by_hand(
            # A name alone means github.com.
            jobs,
            repository if host == "github.com" else f"{host}/{repository}",
            asks=bool(reviewers),
        ),
    )


def _load(text: str) -> dict[str, Any]:
    return dict(YAML(typ="safe", pure=True).load(text))


def _environments(jobs: list[dict[str, Any]]) -> list[str]:
    """The environments that jobs are in, each once."""
    named = [job["environment"] for job in jobs if "environment" in job]
    names = [each["name"] if isinstance(each, dict) else str(each) for each in named]
    return sorted(set(names))


def _environment(
    root: str, name: str, reviewers: tuple[Lookup, ...], *, of_changes: bool
) -> Setting:
    named = {"protected_branches": False, "custom_branch_policies": True}
    wanted: Body = {"deployment_branch_policy": None if of_changes else named}
    title = f"environment {name}: "
    title += "every branch, since ci uses it" if of_changes else "only named branches deploy"
    if reviewers:
        wanted["reviewers"] = [{"type": "User", "id": f"${each.gives}"} for each in reviewers]
        title += f", {len(reviewers)} reviewer{'s' if len(reviewers) > 1 else ''} asked before"
    if len(reviewers) > 1:  # one alone could never release a change of their own
        wanted["prevent_self_review"] = True
    path = f"{root}/environments/{quote(name, safe='')}"
    put = ("PUT", path)
    return Setting(
        title,
        path,
        put,
        wanted,
        make=put,
        view=_seen_environment,
        mend=_with_those,
        mend_in_shell=WITH_THOSE,
    )


def _seen_environment(found: Any) -> Body:
    """An environment in the words in which it is set."""
    rules = {rule["type"]: rule for rule in found["protection_rules"]}
    reviewed = rules.get("required_reviewers", {})
    return {
        "wait_timer": rules.get("wait_timer", {}).get("wait_timer", 0),
        "prevent_self_review": bool(reviewed.get("prevent_self_review")),
        "reviewers": [
            {"type": each["type"], "id": each["reviewer"]["id"]}
            for each in reviewed.get("reviewers", [])
        ],
        "deployment_branch_policy": found["deployment_branch_policy"],
    }


def _with_those(now: Body, wanted: Body) -> Body:
    """What is wanted, and what is there beside it: a call sets all of an environment anew."""
    added = [each for each in wanted.get("reviewers", []) if each not in now["reviewers"]]
    return now | wanted | {"reviewers": now["reviewers"] + added}


def _branch_policy(root: str, name: str) -> Setting:
    path = f"{root}/environments/{quote(name, safe='')}/deployment-branch-policies"
    return Setting(
        f"environment {name}: {BRANCH} may deploy",
        path,
        ("PUT", path),  # never: it is left as it is
        {"name": BRANCH},
        make=("POST", path),
        first={"type": "branch"},
        named="name",
        inside="branch_policies",
        left=True,
    )


def _job_tokens(root: str) -> Setting:
    path = f"{root}/actions/permissions/workflow"
    wanted = {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False}
    title = "jobs' tokens only read by default, and approve no pull request"
    return Setting(title, path, ("PUT", path), wanted)


def _variables(root: str, kept: Kept, files: dict[str, str]) -> list[Setting]:
    """Labels of runners, where the answers name one; what a variable says already is kept."""
    used = set(re.findall(r"\bvars\.(\w+)", "\n".join(files.values())))
    labels = {"GPU_RUNNER": kept.answers.gpu_runner, "RUNNER": kept.answers.runner}
    return [
        Setting(
            f"variable {name}, unless it is set: {label}",
            f"{root}/actions/variables/{name}",
            ("PATCH", f"{root}/actions/variables/{name}"),
            {"name": name},
            make=("POST", f"{root}/actions/variables"),
            first={"value": label},
            left=True,
        )
        for name, label in labels.items()
        if label and name in used
    ]


def _checks(workflows: tuple[Workflow, ...]) -> list[str]:
    """The names under which the jobs report that judge a change; a comment judges nothing."""
    return [
        job.title
        for workflow in workflows
        if workflow.on_change
        for job in workflow.jobs
        if "comment" not in job.scopes
    ]


def _ruleset(root: str, checks: list[str], host: str) -> Setting:
    app = {"integration_id": ACTIONS_APP} if host == "github.com" else {}
    wanted: Body = {
        "name": RULESET,
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": [f"refs/heads/{BRANCH}"], "exclude": []}},
        "rules": [
            {"type": "deletion"},
            {"type": "non_fast_forward"},
            {
                "type": "pull_request",
                "parameters": {
                    "required_approving_review_count": 0,
                    "dismiss_stale_reviews_on_push": True,
                    "require_code_owner_review": False,
                    "require_last_push_approval": False,
                    "required_review_thread_resolution": False,
                },
            },
            {
                "type": "required_status_checks",
                "parameters": {
                    "strict_required_status_checks_policy": False,
                    "required_status_checks": [{"context": each, **app} for each in checks],
                },
            },
        ],
    }
    return Setting(
        f"ruleset {RULESET}: {BRANCH} changes by pull requests that pass {', '.join(checks)}",
        f"{root}/rulesets",
        ("PUT", f"{root}/rulesets/$RULESET"),
        wanted,
        make=("POST", f"{root}/rulesets"),
        named="name",
        item=f"{root}/rulesets/$RULESET",
        gives="RULESET",
    )


def _by_hand(
    jobs: list[dict[str, Any]], repository: str, *, asks: bool
) -> tuple[tuple[str, str], ...]:
    rows = []
    for environment in _environments(jobs):
        inside = [job for job in jobs if environment in _environments([job])]
        for kind, word in (("secrets", "secret"), ("vars", "variable")):
            for name in sorted(set(re.findall(rf"\b{kind}\.(\w+)", str(inside)))):
                if name not in {"GPU_RUNNER", "RUNNER"}:
                    command = f"gh {word} set {name} --env {environment} --repo {repository}"
                    rows.append((command, "asks for its value"))
    if not asks:
        rows.append(("--reviewer USER", "nobody is asked before cd begins; this names who is"))
    return tuple(rows)
