"""What a project asks of itself on GitLab.

Shapes of the calls: GitLab's REST API v4, 18.6 and newer: projects, protected branches, job
token scope, pipeline schedules, protected environments.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from mlops_init.answers import Kept
from mlops_init.pipeline import Workflow, describe, on
from mlops_init.settings import Body, Lookup, Plan, Setting

BRANCH = "main"
MAINTAINER = 40
#: What a job that deploys asks of its token: whether its environment is protected.
ASKED = "read-environment"
NEEDS = "Needs a token of a maintainer, with the scope api."
#: `_missing_rules` for a shell.
MISSING_RULES = """\
def who(rule): return rule.get("user_id"), rule.get("access_level")
there = [who(rule) for rule in found["approval_rules"]]
missing = [rule for rule in wanted["approval_rules"] if who(rule) not in there]
body = {"approval_rules": missing} if missing else None"""


def plan(
    kept: Kept, repository: str, *, reviewers: tuple[str, ...], server: str, premium: bool
) -> Plan:
    """The settings that follow from the answers and the description.

    Args:
        kept: How the project was made.
        repository: GROUP/NAME, or groups within groups.
        reviewers: Users who each have to agree before cd begins; none: any one maintainer.
        server: Address of the GitLab server.
        premium: Whether to ask for what only Premium and Ultimate have.
    """
    root = f"projects/{quote(repository, safe='')}"
    workflows = on(describe(kept.answers), "gitlab")
    lookups = tuple(
        Lookup(
            f"the number of {name}", f"users?username={quote(name, safe='')}", f"REVIEWER_{number}"
        )
        for number, name in enumerate(reviewers if premium else (), 1)
    )
    settings = [_project(root), _branch(root), _job_token(root)]
    for workflow in workflows:
        if workflow.schedule:
            settings += _schedule(root, workflow.name, workflow.schedule)
    if premium:
        # Last: a server without Premium refuses these, and everything else is done by then.
        jobs = [job for each in workflows for job in each.jobs if ASKED in job.scopes]
        names = dict.fromkeys(job.environment for job in jobs)
        settings += [_environment(root, name, lookups) for name in names]
    return Plan(
        platform="gitlab",
        repository=repository,
        host=urlsplit(server).netloc,
        api=f"{server.rstrip('/')}/api/v4",
        path=root,
        needs=NEEDS,
        steps=(*lookups, *settings),
        by_hand=_by_hand(workflows, kept, f"{server.rstrip('/')}/{repository}", premium=premium),
    )


def _project(root: str) -> Setting:
    wanted: Body = {
        "only_allow_merge_if_pipeline_succeeds": True,
        "allow_merge_on_skipped_pipeline": False,
        # Who may set WORKFLOW by hand. New projects on gitlab.com let nobody.
        "ci_pipeline_variables_minimum_override_role": "maintainer",
    }
    title = "pipelines must succeed before a merge; maintainers may start workflows by hand"
    return Setting(title, root, ("PUT", root), wanted)


def _branch(root: str) -> Setting:
    return Setting(
        f"branch {BRANCH} is protected, no force push",
        f"{root}/protected_branches/{BRANCH}",
        ("PATCH", f"{root}/protected_branches/{BRANCH}"),
        {"name": BRANCH, "allow_force_push": False},
        make=("POST", f"{root}/protected_branches"),
        first={"push_access_level": MAINTAINER, "merge_access_level": MAINTAINER},
    )


def _job_token(root: str) -> Setting:
    path = f"{root}/job_token_scope"
    return Setting(
        "job tokens of other projects have no access, but for those on the list",
        path,
        ("PATCH", path),
        {"enabled": True},
        view=lambda found: {"enabled": found["inbound_enabled"]},
    )


def _schedule(root: str, workflow: str, cron: str) -> list[Setting]:
    """A schedule known by its description, and the variable that makes it start a workflow."""
    name = f"SCHEDULE_{workflow.upper().replace('-', '_')}"
    path = f"{root}/pipeline_schedules"
    schedule = Setting(
        f"schedule of {workflow}: {cron} UTC",
        path,
        ("PUT", f"{path}/${name}"),
        {
            "description": f"mlops-init: {workflow}",
            "ref": f"refs/heads/{BRANCH}",
            "cron": cron,
            "cron_timezone": "UTC",
        },
        make=("POST", path),
        first={"active": True},  # one that somebody has switched off stays off
        named="description",
        item=f"{path}/${name}",
        gives=name,
    )
    variable = Setting(
        f"schedule of {workflow}: WORKFLOW={workflow}",
        f"{path}/${name}",
        ("PUT", f"{path}/${name}/variables/WORKFLOW"),
        {"key": "WORKFLOW", "value": workflow},
        make=("POST", f"{path}/${name}/variables"),
        view=_seen_workflow,
    )
    return [schedule, variable]


def _seen_workflow(found: Any) -> Body | None:
    return next((dict(each) for each in found["variables"] if each["key"] == "WORKFLOW"), None)


def _environment(root: str, name: str, reviewers: tuple[Lookup, ...]) -> Setting:
    agree: list[Body] = [{"user_id": f"${each.gives}"} for each in reviewers]
    rules = [each | {"required_approvals": 1} for each in agree or [{"access_level": MAINTAINER}]]
    who = f"{len(reviewers)} named" if reviewers else "a maintainer"
    path = f"{root}/protected_environments"
    return Setting(
        f"environment {name}: maintainers deploy, after {who} agreed (needs Premium)",
        f"{path}/{quote(name, safe='')}",
        ("PUT", f"{path}/{quote(name, safe='')}"),
        {"name": name, "approval_rules": rules},
        make=("POST", path),
        first={"deploy_access_levels": [{"access_level": MAINTAINER}]},
        view=_seen_environment,
        mend=_missing_rules,
        mend_in_shell=MISSING_RULES,
    )


def _seen_environment(found: Any) -> Body:
    rules = [
        dict(each) | {"required_approvals": min(each["required_approvals"], 1)}
        for each in found["approval_rules"]
    ]
    return {"name": found["name"], "approval_rules": rules}


def _missing_rules(now: Body, wanted: Body) -> Body:
    """Only what is not there yet: a rule that is sent again would be there twice."""
    there = [
        {key: rule.get(key) for key in ("user_id", "access_level") if rule.get(key) is not None}
        for rule in now["approval_rules"]
    ]
    missing = [
        rule
        for rule in wanted["approval_rules"]
        if {key: value for key, value in rule.items() if key != "required_approvals"} not in there
    ]
    return {"approval_rules": missing}


def _by_hand(
    workflows: tuple[Workflow, ...], kept: Kept, project: str, *, premium: bool
) -> tuple[tuple[str, str], ...]:
    """What is left to a person; `project` is its whole address, since a name means gitlab.com."""
    rows = []
    for job in [job for each in workflows for job in each.jobs]:
        for name in job.secrets:
            command = f"glab variable set {name} --masked --scope {job.environment}"
            row = (f"{command} --repo {project} < FILE", "reads its value from a file")
            rows += [] if row in rows else [row]
    if kept.answers.registry.startswith("oci:"):
        jobs = [job for each in workflows for job in each.jobs if job.login]
        for scope in dict.fromkeys(job.environment for job in jobs):
            # A user's name is not masked: GitLab refuses to where it has fewer than 8 signs.
            for name, how in (("USER", "--protected"), ("PASSWORD", "--masked --protected")):
                command = f"glab variable set MLOPS_REGISTRY_{name} {how} --scope {scope}"
                rows.append((f"{command} --repo {project} < FILE", "reads its value from a file"))
    push = f"Maintainers may still push to {BRANCH}, past its pipelines. To let nobody push: "
    rows.append(("", push + "Settings, Repository, Protected branches."))
    if kept.answers.registry == "platform":
        rows.append(("", "Settings, General, Visibility: the container registry has to be on."))
    if not premium:
        rows.append(("", "Without Premium nobody is asked before cd begins."))
    return tuple(rows)
