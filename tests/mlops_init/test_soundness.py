"""A description that no platform could run, or that asks for too much, is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.mlops_init.helpers import PIN, VARIANTS, answers_of

from mlops_init import project
from mlops_init.answers import complete
from mlops_init.errors import DescriptionError
from mlops_init.pipeline import Job, Workflow, describe
from mlops_init.renderers import doors
from mlops_init.soundness import problems

STEPS = {step.name: step for step in doors.declarations()}
OWN = {
    "registry": "oci:registry.example.org/models/liver",
    "source_secrets": "DATA_KEY,DATA_SECRET",
    "fork_reports": "on",
}


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_what_is_described_is_sound(variant: str) -> None:
    assert problems(describe(answers_of(variant)), STEPS) == []


def changed(workflow: str, job: str, **values: Any) -> list[str]:
    """The problems of a description in which one job is another."""
    described = describe(complete({"name": "liver", **OWN}))
    return problems(
        tuple(
            replace(
                each,
                jobs=tuple(replace(j, **values) if j.name == job else j for j in each.jobs),
            )
            if each.name == workflow
            else each
            for each in described
        ),
        STEPS,
    )


@pytest.mark.parametrize(
    ("workflow", "job", "values", "words"),
    [
        ("ct", "evaluate", {"needs": ("trian",)}, "needs trian, which is no job"),
        ("ct", "train", {"needs": ("evaluate",)}, "which does not come before it"),
        ("ct", "train", {"needs": ("train",)}, "which does not come before it"),
        ("ct", "gate", {"needs": ("train",)}, "reads out/evaluate/"),
        ("ct", "register", {"needs": ("gate",)}, "reads out/train/"),
        ("ct", "report", {"needs": ("gate",)}, "does not need register"),
        ("ct", "train", {"minutes": 0}, "a time-out of 0 minutes"),
        ("ct", "train", {"minutes": 361}, "a time-out of 361 minutes"),
        ("ct", "train", {"step": "trian"}, "there is no step trian"),
        ("ct", "train", {"inputs": {"splt": "test"}}, "no input splt"),
        ("ct", "gate", {"parameters": ("forks",)}, "no input forks"),
        ("cd", "deploy-canary", {"inputs": {"version": "1"}, "parameters": ("reason",)}, "no inp"),
        ("ct", "evaluate", {"environment": ""}, "environment '', where 'registry' is to be"),
        ("cd", "deploy-canary", {"environment": "registry"}, "where 'production' is to be"),
        ("ct", "gate", {"environment": "production"}, "where '' is to be"),
        ("ci", "validate-data", {"environment": ""}, "environment '', where 'data' is to be"),
        ("ct", "train", {"secrets": ("DATA_KEY",)}, "gets secrets of the data's source"),
        ("ct", "evaluate", {"registry": "write"}, "its step asks 'read'"),
        ("ci", "evaluate", {"registry": "read"}, "its step asks ''"),
        ("ct", "gate", {"login": "platform"}, "signs in to a registry"),
        ("ct", "register", {"registry": ""}, "its step asks 'write'"),
        ("ct", "gate", {"scopes": ("comment",)}, "scopes comment; its step asks "),
        ("cd", "deploy-canary", {"scopes": ()}, "its step asks read-environment"),
        ("ci", "comment", {"own_change": False}, "that may be a fork's"),
        ("ci", "gate", {"gpu": True}, "asks for a GPU"),
        ("ct", "register", {"starts": ""}, "its step starts cd, and the job may not"),
        ("ct", "register", {"inputs": {}}, "its step is not told to"),
        ("ct", "register", {"starts": "dc", "inputs": {"start": "dc"}}, "which is no workflow"),
        ("ct", "register", {"starts": "ci", "inputs": {"start": "ci"}}, "cannot be started so"),
        ("ct", "register", {"starts": "monitor", "inputs": {"start": "monitor"}}, "no such param"),
        ("ct", "gate", {"name": "train"}, "two jobs are named train"),
        ("ct", "gate", {"step": "train"}, "two jobs keep out/train/"),
    ],
)
def test_what_is_wrong_is_said(workflow: str, job: str, values: dict[str, Any], words: str) -> None:
    found = changed(workflow, job, **values)
    assert any(f"{workflow}" in line and words in line for line in found), found


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"on_change": False}, "ci: nothing starts it"),
        ({"jobs": ()}, "ci: has no jobs"),
        ({"name": "ct"}, "ct: described twice"),
        ({"retries": 3}, "ci: retries 3"),
    ],
)
def test_a_workflow_that_makes_no_sense(values: dict[str, Any], words: str) -> None:
    first, *rest = describe(complete({"name": "liver"}))
    assert words in "\n".join(problems((replace(first, **values), *rest), STEPS))


@pytest.mark.parametrize("workflow", ["ci", "ct", "cd"])
def test_all_who_read_the_data_get_its_secrets(workflow: str) -> None:
    job = "deploy-canary" if workflow == "cd" else "validate-data"
    found = changed(workflow, job, secrets=("DATA_KEY",))
    assert "jobs read the data's source with different secrets" in found


def test_a_newer_run_may_not_cancel_what_writes() -> None:
    ct = describe(complete({"name": "liver"}))[1]
    assert "may cancel it midway" in "\n".join(problems((replace(ct, supersede=True),), STEPS))


def test_nothing_is_rendered_from_what_is_unsound(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = Workflow("ci", "CI", "About.", (Job("lint", "lint", "Lint", 0),), on_change=True)
    monkeypatch.setattr(project, "describe", lambda _answers: (bad,))
    with pytest.raises(DescriptionError, match="ci/lint: a time-out of 0 minutes") as error:
        project.ci_files(complete({"name": "liver"}), PIN)
    assert error.value.exit_code == 3
