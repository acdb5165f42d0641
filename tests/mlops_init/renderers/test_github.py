"""The GitHub workflows say what the description says, and ask for no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.mlops_init.helpers import PIN, VARIANTS, answers_of, documents, stand_in_takes

from mlops_init import pins
from mlops_init.pipeline import Job, Workflow, describe
from mlops_init.renderers import doors

STEPS = {step.name: step for step in doors.declarations()}


@pytest.fixture(params=[name for name in VARIANTS if not name.startswith("gitlab")])
def variant(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def pairs(projects: dict[str, Path], variant: str) -> list[tuple[Workflow, dict[Any, Any]]]:
    """Each workflow beside what was rendered from it."""
    folder = projects[variant] / ".github" / "workflows"
    workflows = describe(answers_of(variant))
    return [(each, documents(folder / f"{each.name}.yml")[0]) for each in workflows]


def using(job: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The steps of a job that use an action."""
    return [step for step in job["steps"] if step.get("uses", "").startswith(f"{name}@")]


def test_jobs_order_and_time_outs(pairs: list[tuple[Workflow, dict[Any, Any]]]) -> None:
    for workflow, file in pairs:
        assert list(file["jobs"]) == [job.name for job in workflow.jobs]
        for job in workflow.jobs:
            made = file["jobs"][job.name]
            assert made["timeout-minutes"] == job.minutes
            assert tuple(made.get("needs", ())) == job.needs
            assert ("!cancelled()" in made.get("if", "")) == job.always
            assert ("head.repo.full_name == github.repo" in made.get("if", "")) == job.own_change
            assert "continue-on-error" not in made


def test_triggers(pairs: list[tuple[Workflow, dict[Any, Any]]]) -> None:
    for workflow, file in pairs:
        triggers = file[True]  # `on`, to PyYAML
        assert ("push" in triggers, "pull_request" in triggers) == (workflow.on_change,) * 2
        assert [each["cron"] for each in triggers.get("schedule", [])] == (
            [workflow.schedule] if workflow.schedule else []
        )
        assert ("workflow_dispatch" in triggers) == workflow.manual
        inputs = (triggers.get("workflow_dispatch") or {}).get("inputs", {})
        assert list(inputs) == [each.name for each in workflow.parameters]
        assert file["concurrency"]["cancel-in-progress"] == workflow.supersede
        assert ("${{ github.ref }}" in file["concurrency"]["group"]) == workflow.on_change
        dangerous = {"pull_request_target", "workflow_run", "issue_comment"}
        assert not dangerous & set(triggers)


def expected_permissions(job: Job, registry: str) -> dict[str, str]:
    packages = {"packages": job.registry} if job.registry and registry == "platform" else {}
    starts = {"actions": "write"} if job.starts else {}
    named = {
        "read-environment": {"actions": "read"},
        "read-runs": {"actions": "read"},
        "comment": {"pull-requests": "write"},
    }
    scopes = {name: access for scope in job.scopes for name, access in named[scope].items()}
    return {"contents": "read", **packages, **starts, **scopes}


def test_no_permission_that_was_not_asked_for(
    pairs: list[tuple[Workflow, dict[Any, Any]]], variant: str
) -> None:
    registry = answers_of(variant).registry
    for workflow, file in pairs:
        assert file["permissions"] == {}
        for job in workflow.jobs:
            made = file["jobs"][job.name]
            assert made["permissions"] == expected_permissions(job, registry)
            env = made["steps"][-2].get("env", {})
            assert ("MLOPS_TOKEN" in env) == bool(job.starts or job.scopes)
            assert ("MLOPS_REGISTRY_PASSWORD" in env) == (
                bool(job.registry) and not registry.startswith("folder:")
            )
            own = registry.startswith("oci:")
            assert ("secrets." in str(made)) == (own and bool(job.registry))
            # A secret is only ever in a job with an environment.
            environment = job.environment or ("registry" if own and job.registry else None)
            assert made.get("environment") == environment


def test_each_job_runs_its_step_with_inputs_that_it_declares(
    pairs: list[tuple[Workflow, dict[Any, Any]]], variant: str
) -> None:
    for workflow, file in pairs:
        for job in workflow.jobs:
            name = f"{answers_of(variant).steps}/actions/{job.step}"
            step, *more = using(file["jobs"][job.name], name)
            assert not more
            assert step["uses"] == f"{name}@{PIN}"
            given = step.get("with", {})
            assert set(given) == {*job.inputs, *job.parameters}
            assert set(given) <= {each.name for each in STEPS[job.step].inputs}
            for parameter in job.parameters:
                assert given[parameter] == f"${{{{ inputs.{parameter} }}}}"
                assert parameter in {each.name for each in workflow.parameters}
            for each in STEPS[job.step].inputs:
                if each.choices and each.name in job.inputs:
                    assert job.inputs[each.name] in each.choices


def test_artifacts_go_to_the_jobs_that_need_them(
    pairs: list[tuple[Workflow, dict[Any, Any]]],
) -> None:
    for workflow, file in pairs:
        for job in workflow.jobs:
            made = file["jobs"][job.name]
            upload = using(made, "actions/upload-artifact")[0]
            assert upload["with"]["name"] == job.step
            assert upload["with"]["path"] == f"out/{job.step}/"
            assert upload["if"] == "${{ !cancelled() }}"
            assert made["steps"][-1] == upload
            download = using(made, "actions/download-artifact")
            assert len(download) == bool(job.needs)
            if job.needs:
                names = download[0]["with"]["pattern"].strip("{}").split(",")
                assert names == [workflow.job(name).step for name in job.needs]
                assert download[0]["with"]["path"] == "out"


def test_the_gpu_runner_is_a_variable_with_a_fall_back(
    pairs: list[tuple[Workflow, dict[Any, Any]]], variant: str
) -> None:
    label = answers_of(variant).gpu_runner or "ubuntu-24.04"
    for workflow, file in pairs:
        for job in workflow.jobs:
            runner = file["jobs"][job.name]["runs-on"]
            if job.gpu:
                assert "fromJSON(vars.GPU_RUNNER)" in runner
                assert runner.endswith(f"|| vars.GPU_RUNNER || '{label}' }}}}")
            else:
                assert runner == "ubuntu-24.04"


def test_third_party_actions_are_pinned_and_have_stand_ins(
    pairs: list[tuple[Workflow, dict[Any, Any]]], variant: str
) -> None:
    ours = {f"{answers_of(variant).steps}/actions/{name}@{PIN}" for name in STEPS}
    theirs = pins.actions()
    for _, file in pairs:
        for job in file["jobs"].values():
            for step in job["steps"]:
                assert step["uses"] in ours | theirs.keys()
                if step["uses"] in theirs:
                    stand_in_takes(theirs[step["uses"]], step.get("with", {}))
