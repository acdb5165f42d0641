"""The GitLab pipeline says what the description says, as the GitHub workflows do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_init.helpers import PIN, ROOT, VARIANTS, answers_of, documents

from mlops_init.pipeline import Workflow, describe, on

Pairs = list[tuple[Workflow, dict[str, Any]]]
RESERVED = {"stages", "variables", "default", "include", "workflow"}


@pytest.fixture(params=[name for name in VARIANTS if not name.startswith("github")])
def variant(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def pairs(projects: dict[str, Path], variant: str) -> Pairs:
    """Each workflow beside what was rendered from it."""
    folder = projects[variant] / ".gitlab"
    workflows = on(describe(answers_of(variant)), "gitlab")
    return [(each, documents(folder / f"{each.name}.yml")[0]) for each in workflows]


def component(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs of a component, and the job that it makes."""
    header, body = documents(ROOT / "templates" / f"{name}.yml")
    (job,) = body.values()
    return header["spec"]["inputs"], job


def test_jobs_order_and_time_outs(pairs: Pairs) -> None:
    for workflow, file in pairs:
        chains = [f"start-{job.starts}" for job in workflow.jobs if job.starts]
        made = [name for name in file if name not in RESERVED]
        assert made == [*(job.name for job in workflow.jobs), *chains]
        for job in workflow.jobs:
            each = file[job.name]
            assert each["timeout"] == f"{job.minutes} minutes"
            assert each.get("when") == ("always" if job.always else None)
            assert "allow_failure" not in each
            if not job.always:
                assert each["needs"] == list(job.needs)


def test_every_job_that_is_always_run_comes_after_all_it_reads(pairs: Pairs) -> None:
    for workflow, file in pairs:
        stage = {each["inputs"]["job"]: each["inputs"]["stage"] for each in file["include"]}
        assert set(stage.values()) <= set(file["stages"])
        order = file["stages"].index
        for job in workflow.jobs:
            for name in job.needs:
                if job.always:  # without `needs`, it has the artifacts of all stages before
                    assert order(stage[name]) < order(stage[job.name])
                else:
                    assert order(stage[name]) <= order(stage[job.name])


def test_components_are_ours_by_commit_with_inputs_that_they_declare(
    pairs: Pairs, variant: str
) -> None:
    steps = answers_of(variant).steps
    for workflow, file in pairs:
        parameters = {each.name.upper().replace("-", "_") for each in workflow.parameters}
        assert len(file["include"]) == len(workflow.jobs)
        for job, include in zip(workflow.jobs, file["include"], strict=True):
            assert include["component"] == f"$CI_SERVER_FQDN/{steps}/{job.step}@{PIN}"
            given = dict(include["inputs"])
            inputs, made = component(job.step)
            assert set(given) <= set(inputs)
            assert re.fullmatch(inputs["job"]["regex"], given.pop("job")) is not None
            assert given.pop("source") == f"$CI_SERVER_URL/{steps}.git"
            given.pop("stage")
            assert set(given) == {*job.inputs, *job.parameters}
            for name in job.parameters:
                assert given[name].removeprefix("$") in parameters
            for name, value in job.inputs.items():
                assert value in inputs[name].get("options", [value])
            assert made["artifacts"]["paths"] == [f"out/{job.step}/"]
            assert made["artifacts"]["when"] == "always"


def test_variables_and_queues(pairs: Pairs, variant: str) -> None:
    answers = answers_of(variant)
    for workflow, file in pairs:
        assert file["variables"]["MLOPS_PYTHON"] == answers.python_version
        for each in workflow.parameters:
            variable = file["variables"][each.name.upper().replace("-", "_")]
            assert variable["value"] == ("false" if each.flag else "")
        assert file["default"]["interruptible"] == workflow.supersede
        for job in workflow.jobs:
            made = file[job.name]
            assert ("resource_group" in made) == (job.registry == "write")
            deploys = {} if job.step == "deploy-canary" else {"action": "access"}
            assert made.get("environment") == (
                {"name": job.environment, **deploys} if job.environment else None
            )
            tagged = job.gpu and answers.gpu_runner
            assert made.get("tags") == (["$GPU_RUNNER"] if tagged else None)
            if tagged:
                assert file["variables"]["GPU_RUNNER"]["value"] == answers.gpu_runner


def test_chains(pairs: Pairs) -> None:
    for workflow, file in pairs:
        for job in workflow.jobs:
            if job.starts:
                trigger = file[f"start-{job.starts}"]
                assert trigger["needs"] == [job.name, "report"]
                (include,) = trigger["trigger"]["include"]
                assert include == {"artifact": f"out/{job.step}/next.yml", "job": job.name}


def test_the_entry_chooses_one_workflow(projects: dict[str, Path], variant: str) -> None:
    (entry,) = documents(projects[variant] / ".gitlab-ci.yml")
    names = [workflow.name for workflow in on(describe(answers_of(variant)), "gitlab")]
    assert entry["variables"]["WORKFLOW"]["options"] == names
    assert [each["local"] for each in entry["include"]] == [f".gitlab/{name}.yml" for name in names]
    for name, include in zip(names, entry["include"], strict=True):
        rules = [rule["if"] for rule in include["rules"]]
        assert rules[-1] == f'$WORKFLOW == "{name}"'
        assert (rules[:-1] == ["$WORKFLOW == null"]) == (name == "ci")
    head = (projects[variant] / ".gitlab-ci.yml").read_text()
    for workflow in on(describe(answers_of(variant)), "gitlab"):
        schedule = f"# Schedule for {workflow.name}: {workflow.schedule}\n"
        assert (schedule in head) == bool(workflow.schedule)


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name.startswith("both")])
def test_both_platforms_give_the_same_inputs(projects: dict[str, Path], variant: str) -> None:
    for workflow in on(describe(answers_of(variant)), "gitlab"):
        here = documents(projects[variant] / ".gitlab" / f"{workflow.name}.yml")[0]
        there = documents(projects[variant] / ".github/workflows" / f"{workflow.name}.yml")[0]
        for job, include in zip(workflow.jobs, here["include"], strict=True):
            inputs = {
                key: value
                for key, value in include["inputs"].items()
                if key not in {"job", "stage", "source"}
            }
            given = there["jobs"][job.name]["steps"][-2].get("with", {})
            assert set(inputs) == set(given)
            assert {inputs[name] for name in job.inputs} == {given[name] for name in job.inputs}
