"""What GitLab's files say, as facts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from tests.workflows.facts.said import UNSAID, Facts, Job, Workflow

from mlops_init.engines import gitlab_check

_GITLAB_PARAMETER = re.compile(r"^\$([A-Z_]+)$")


def gitlab(files: Mapping[str, str], components: Mapping[str, str]) -> Facts:
    """What GitLab's files say: text by path, and the text of the steps' components by name."""
    doors = gitlab_check.components(components)
    entry = yaml.safe_load(files[".gitlab-ci.yml"])
    found = {}
    for each in entry["include"]:
        name = re.fullmatch(r"\.gitlab/([\w-]+)\.yml", each["local"])
        assert name
        found[name[1]] = _gitlab(name[1], entry, files[each["local"]], doors)
    return found


def _gitlab(
    name: str, entry: dict[str, Any], text: str, doors: Mapping[str, gitlab_check.Door]
) -> Workflow:
    body = yaml.safe_load(text)
    pipeline = gitlab_check.read(text, doors)
    default = body.get("default") or {}
    retry = default.get("retry") or {}
    causes = {"runner_system_failure", "stuck_or_timeout_failure"} <= set(retry.get("when") or [])
    offers = (entry.get("variables") or {}).get("WORKFLOW") or {}
    # The first is what is chosen when nobody chooses.
    listed = offers.get("options", []) if offers.get("value") == _first(entry) else []
    variables = body.get("variables") or {}
    parameters = {key: each for key, each in variables.items() if isinstance(each, dict)}
    person = _runs(entry, name, {"CI_PIPELINE_SOURCE": "web", "WORKFLOW": name})
    unset = _runs(entry, name, {"CI_PIPELINE_SOURCE": "web"})
    inputs = {
        entry["inputs"]["job"]: entry["inputs"]
        for entry in body.get("include") or []
        if "component" in entry
    }
    return Workflow(
        changes=frozenset(_gitlab_changes(entry, name)),
        cron=UNSAID,
        person=UNSAID if unset else person,
        parameters=frozenset(
            f"{_parameter(key)}: flag" if each["value"] in {"true", "false"} else _parameter(key)
            for key, each in parameters.items()
            if key not in {"RUNNER", "GPU_RUNNER"}
        ),
        supersede=default.get("interruptible"),
        by_branch=UNSAID,
        retries=int(retry.get("max", 0)) if causes and 4 in retry.get("exit_codes", []) else 0,
        python=str(variables.get("MLOPS_PYTHON", "")),
        default_token=UNSAID,
        offered=person and name in listed,
        jobs={
            job: _gitlab_job(job, pipeline, body, inputs.get(job, {}), doors)
            for job in pipeline.jobs
        },
    )


def _first(entry: dict[str, Any]) -> str:
    return str(entry["include"][0]["local"]).removeprefix(".gitlab/").removesuffix(".yml")


def _gitlab_changes(entry: dict[str, Any], name: str) -> Iterable[str]:
    branch = {"CI_DEFAULT_BRANCH": "main", "CI_PIPELINE_SOURCE": "push"}
    events = {
        "push to main": {**branch, "CI_COMMIT_BRANCH": "main"},
        "push to a branch": {**branch, "CI_COMMIT_BRANCH": "other"},
        "change request": {**branch, "CI_PIPELINE_SOURCE": "merge_request_event"},
    }
    for event, variables in events.items():
        if _runs(entry, name, variables):
            yield event


def _runs(entry: dict[str, Any], name: str, variables: dict[str, str]) -> bool:
    """Whether a pipeline with these variables is made and has this workflow's jobs."""
    variables = {"CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main", **variables}
    if variables["CI_PIPELINE_SOURCE"] == "merge_request_event":
        del variables["CI_COMMIT_BRANCH"]
    include = next(each for each in entry["include"] if each["local"] == f".gitlab/{name}.yml")
    return _decides(entry["workflow"]["rules"], variables) and _decides(include["rules"], variables)


def _decides(rules: list[dict[str, str]], variables: dict[str, str]) -> bool:
    """The first rule that fits decides; none: no."""
    for rule in rules:
        if all(_holds(part.strip(), variables) for part in rule["if"].split("&&")):
            return rule.get("when") != "never"
    return False


def _holds(clause: str, variables: dict[str, str]) -> bool:
    def value(word: str) -> str | None:
        if word == "null":
            return None
        return variables.get(word[1:]) if word.startswith("$") else word.strip('"')

    words = re.fullmatch(r'(\$\w+)(?: (==|!=) (null|\$\w+|"[^"]*"))?', clause)
    assert words, f"a clause that this reader does not know: {clause}"
    if not words[2]:
        return bool(value(words[1]))
    return (value(words[1]) == value(words[3])) == (words[2] == "==")


def _parameter(variable: str) -> str:
    return variable.lower().replace("_", "-")


def _gitlab_job(
    name: str,
    pipeline: gitlab_check.Pipeline,
    body: dict[str, Any],
    given: dict[str, Any],
    doors: Mapping[str, gitlab_check.Door],
) -> Job:
    job, step = pipeline.jobs[name], pipeline.steps[name]
    if given:
        own = {"job", "stage", "image", "source"}
        inputs = {key: value for key, value in given.items() if key not in own}
    else:
        inputs = {
            _parameter(key.removeprefix("MLOPS_STEP_")): value
            for key, value in (job.get("variables") or {}).items()
            if key.startswith("MLOPS_STEP_")
        }
    before = pipeline.needs(name)
    environment = job.get("environment") or {}
    tags = job.get("tags", (body.get("default") or {}).get("tags")) or []
    variables = [str(tag).removeprefix("$") for tag in tags]
    labels = [body["variables"][variable]["value"] for variable in variables]
    starts = [
        trigger.removeprefix("start-")
        for trigger, each in pipeline.triggers.items()
        if each.get("stage") in body["stages"]
        and each.get("needs") == [name, "report"]
        and each["trigger"]
        == {
            "include": [{"artifact": f"out/{step}/next.yml", "job": name}],
            "strategy": "depend",
        }
    ]
    return Job(
        step=step,
        inputs=frozenset(f"{key}={_gitlab_value(value)}" for key, value in inputs.items()),
        needs=frozenset(before),
        fetches=frozenset(path for each in before for path in pipeline.kept(each)),
        keeps=frozenset(pipeline.kept(name)),
        keeps_always=(job.get("artifacts") or {}).get("when") == "always",
        always=job.get("when") == "always",
        own_change=UNSAID,
        minutes=_minutes(str(job.get("timeout", "0 minutes"))),
        gpu="GPU_RUNNER" in variables if tags else UNSAID,
        runner=" ".join(labels),
        environment=environment.get("name", ""),
        token=UNSAID,
        login=UNSAID,
        secrets=UNSAID,
        starts=" and ".join(starts),
        alone=bool(job.get("resource_group")),
        source=_source(name, step, body),
        checkout=UNSAID,
        hands_token=UNSAID,
        told_environment="MLOPS_ENVIRONMENT_JWT" in (job.get("id_tokens") or {}),
        by_need="needs" in job,
    )


def _source(name: str, step: str, body: dict[str, Any]) -> str:
    """The project of the component, if the steps are fetched from the same one."""
    for entry in body.get("include") or []:
        if (entry.get("inputs") or {}).get("job") == name:
            address = entry["component"].rpartition("@")[0]
            project = address.removeprefix("$CI_SERVER_FQDN/").removesuffix(f"/{step}")
            same = entry["inputs"].get("source") == f"$CI_SERVER_URL/{project}.git"
            return str(project) if same else f"{project}, and its steps from elsewhere"
    return ""


def _gitlab_value(value: object) -> str:
    found = _GITLAB_PARAMETER.match(str(value))
    return f"<{_parameter(found[1])}>" if found else str(value)


def _minutes(text: str) -> int:
    words = re.fullmatch(r"(\d+) ?(minutes|h)", text, re.ASCII)
    assert words, f"a time that this reader does not know: {text}"
    return int(words[1]) * (60 if words[2] == "h" else 1)
