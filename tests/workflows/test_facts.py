"""What both platforms' files say is what the description says; mutated, it is not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.workflows import facts

from mlops_init.answers import Answers, complete
from mlops_init.pipeline import Job, Workflow, describe
from mlops_init.renderers import doors, github, gitlab

ROOT = Path(__file__).resolve().parents[2]
PIN = "0123456789abcdef0123456789abcdef01234567"
COMPONENTS = {step.name: doors.component(step) for step in doors.declarations()}
VARIANTS = {
    "plain": {},
    "own registry": {"registry": "oci:registry.example.org/models/liver", "schedule": "off"},
    "folder": {"registry": "folder:/srv/models", "inference_log": "log.csv"},
    "vendored": {"vendor": "on", "gpu_runner": "big-gpu", "python_version": "3.11"},
    "runners": {"runner": "ours", "gpu_runner": "big-gpu", "gpu": "required"},
    "server": {
        "github_server": "github.example.org",
        "registry": "folder:/srv/models",
        "runner": "ours",
        "gpu": "none",
    },
    "forks": {"fork_reports": "on"},
    "private": {"source_secrets": "DATA_KEY,DATA_SECRET"},
}


def answers_of(variant: str) -> Answers:
    return complete({"name": "model", **VARIANTS[variant]})


def read(platform: str, workflows: tuple[Workflow, ...], answers: Answers) -> facts.Facts:
    if platform == "github":
        return facts.github(github.render(workflows, answers, PIN))
    return facts.gitlab(gitlab.render(workflows, answers, PIN), COMPONENTS)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_the_files_say_what_the_description_says(variant: str, platform: str) -> None:
    answers = answers_of(variant)
    workflows = describe(answers)
    found = read(platform, workflows, answers)
    assert facts.differences(facts.described(workflows, answers, platform), found) == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_platforms_say_the_same(variant: str) -> None:
    answers = answers_of(variant)
    both = facts.described(describe(answers), answers, "gitlab")
    one = read("github", describe(answers), answers)
    other = read("gitlab", describe(answers), answers)
    # GitHub alone has jobs that comment, and a workflow for it.
    common = {
        name: dataclasses.replace(
            workflow, jobs={job: workflow.jobs[job] for job in both[name].jobs}
        )
        for name, workflow in one.items()
        if name in both
    }
    assert facts.differences(common, other) == []


def test_what_is_unsaid_is_deliberate_and_documented() -> None:
    document = (ROOT / "docs" / "workflows.md").read_text()
    for platform in ("github", "gitlab"):
        found: set[str] = set()
        for variant in VARIANTS:
            answers = answers_of(variant)
            found |= facts.unsaid(read(platform, describe(answers), answers))
        reasons = {fact: why for (on, fact), why in facts.DELIBERATE.items() if on == platform}
        assert set(reasons) == found
        for why in reasons.values():
            assert why in document, why


def job(name: str, workflow: str = "ct", **change: object) -> Callable[[Workflow], Workflow]:
    def mutate(each: Workflow) -> Workflow:
        if each.name != workflow:
            return each
        jobs = tuple(
            dataclasses.replace(one, **change) if one.name == name else one for one in each.jobs
        )
        return dataclasses.replace(each, jobs=jobs)

    return mutate


def workflow(name: str, **change: object) -> Callable[[Workflow], Workflow]:
    return lambda each: dataclasses.replace(each, **change) if each.name == name else each


EVERYWHERE = ("github", "gitlab")
#: A change of the description, where it must show, and what is then said.
MUTATIONS = [
    (job("train", minutes=7), EVERYWHERE, "ct train minutes"),
    (job("gate", needs=("train",)), EVERYWHERE, "ct gate needs"),
    (job("gate", always=True), EVERYWHERE, "ct gate always"),
    (job("gate", parameters=()), EVERYWHERE, "ct gate inputs"),
    (job("gate", inputs={"split": "valid"}), EVERYWHERE, "ct gate inputs"),
    (job("evaluate", step="gate"), EVERYWHERE, "ct evaluate step"),
    (job("gate", environment="production"), EVERYWHERE, "ct gate environment"),
    (job("register", starts=""), EVERYWHERE, "ct register starts"),
    (job("register", registry="read"), EVERYWHERE, "ct register"),
    (job("evaluate", login=""), ("github",), "ct evaluate login"),
    (job("deploy-canary", "cd", scopes=()), ("github",), "cd deploy-canary token"),
    (job("comment", "ci", own_change=False), ("github",), "ci comment own_change"),
    (workflow("ct", schedule="1 2 3 4 5"), ("github",), "ct cron"),
    (workflow("ct", manual=False), ("github",), "ct person"),
    (workflow("ct", parameters=()), EVERYWHERE, "ct parameters"),
    (workflow("ct", supersede=True), EVERYWHERE, "ct supersede"),
    (workflow("ct", on_change=True), EVERYWHERE, "ct changes"),
    (workflow("ci", on_change=False), EVERYWHERE, "ci changes"),
    (workflow("cd", retries=2), EVERYWHERE, "cd retries"),
    (lambda each: None if each.name == "monitor" else each, EVERYWHERE, "monitor: not in both"),
]


@pytest.mark.parametrize(("mutate", "platforms", "said"), MUTATIONS)
def test_a_changed_description_shows(
    mutate: Callable[[Workflow], Workflow | None], platforms: tuple[str, ...], said: str
) -> None:
    answers = answers_of("plain")
    right = describe(answers)
    wrong = tuple(each for each in map(mutate, right) if each is not None)
    for platform in platforms:
        found = facts.differences(
            facts.described(right, answers, platform), read(platform, wrong, answers)
        )
        assert any(each.startswith(said) for each in found), (platform, found)


def test_a_changed_file_shows() -> None:
    answers = answers_of("plain")
    right = describe(answers)
    said = facts.described(right, answers)
    files = github.render(right, answers, PIN)
    for path, old, new, fact in [
        ("ct", "permissions: {}", "permissions: write-all", "ct default_token"),
        ("ct", "      packages: write", "      id-token: write", "ct register token"),
        ("ct", "  cancel-in-progress: false", "  cancel-in-progress: true", "ct supersede"),
        ("ci", "    branches: [main]", "    branches: [main, dev]", "ci changes"),
        ("ci", "        if: ${{ !cancelled() }}\n", "", "ci lint keeps_always"),
        ("ci", "          path: out/gate/", "          path: out/", "ci gate keeps"),
        ("ci", "  pull_request: {}\n", "  pull_request_target: {}\n", "ci changes"),
        ("cd", "    environment: production\n", "", "cd deploy-canary environment"),
    ]:
        name = f".github/workflows/{path}.yml"
        assert old in files[name]
        found = facts.differences(
            said, facts.github({**files, name: files[name].replace(old, new)})
        )
        assert any(each.startswith(fact) for each in found), (fact, found)
    said = facts.described(right, answers, "gitlab")
    files = gitlab.render(right, answers, PIN)
    for path, old, new, fact in [
        (".gitlab/ct.yml", "  resource_group: register\n", "", "ct register alone"),
        (
            ".gitlab/ct.yml",
            "      - artifact: out/reg",
            "      - artifact: out/x",
            "ct register starts",
        ),
        (".gitlab/ci.yml", "  interruptible: true", "  interruptible: false", "ci supersede"),
        (".gitlab/ct.yml", "    exit_codes: [4]", "    exit_codes: [1]", "ct retries"),
        (".gitlab-ci.yml", "      when: never\n", "", "ci changes"),
        (".gitlab-ci.yml", '$WORKFLOW == "ct"', "$WORKFLOW == null", "ct changes"),
        (".gitlab/cd.yml", "    name: production\n", "    name: staging\n", "cd deploy-canary env"),
    ]:
        assert old in files[path], (path, old)
        mutated = facts.gitlab({**files, path: files[path].replace(old, new)}, COMPONENTS)
        found = facts.differences(said, mutated)
        assert any(each.startswith(fact) for each in found), (fact, found)


def test_a_job_of_the_description_is_wholly_compared() -> None:
    """A new attribute of a job or a workflow needs a fact, or a line here."""
    named = {field.name for field in dataclasses.fields(Job)}
    assert named - {field.name for field in dataclasses.fields(facts.Job)} == {
        "name",  # the key
        "title",  # for people
        "parameters",  # inputs
        "registry",  # token, alone
        "scopes",  # token
    }
    named = {field.name for field in dataclasses.fields(Workflow)}
    assert named - {field.name for field in dataclasses.fields(facts.Workflow)} == {
        "name",
        "title",
        "about",
        "on_change",  # changes
        "schedule",  # cron
        "manual",  # person
        "only",  # which files there are
    }
