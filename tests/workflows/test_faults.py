"""What the engines hide, planted in a rendered project: each fault is found and named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.workflows import harness, mini

from mlops_init.engines import Start, act, ground

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]
ENGINES = ("native", "act", "gitlab")
CI = ".github/workflows/ci.yml"
GITLAB = ".gitlab/ci.yml"
#: One job of ci, without those that it does not need: a walk of a few seconds.
TEST = harness.only("test")
GATE = harness.only("gate", "validate-data", "train", "evaluate")
#: A file that GitHub's job `test` keeps: written before it is uploaded.
KEEP = "      - name: Keep what this job found\n"
LEAVER = """\
import subprocess, sys
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
left = subprocess.Popen(sleep, start_new_session=True)
print("1 passed, and", left.pid, "left")
"""


def walked(project: Path, engine: str, start: Start = TEST, **more: Any) -> harness.Walk:
    mini.commit(project)
    return harness.walk(project, engine, start, project.parent / "state", **more)


def insert(project: Path, job: str, steps: str, path: str = CI) -> None:
    """Put steps of a job of GitHub's before those that keep what it found."""
    text = (project / path).read_text()
    begin = text.index(f"  {job}:\n")
    place = text.index(KEEP, begin)
    (project / path).write_text(text[:place] + steps + text[place:])


def spoil_door(step: str, old: str, new: str) -> object:
    """Change a step's door in the tree that is under test."""

    def spoil(tree: Path) -> None:
        mini.edit(tree, f"actions/{step}/action.yml", old, new)

    return spoil


@pytest.mark.parametrize("engine", ENGINES)
def test_without_a_fault_nothing_is_found(project: Path, engine: str) -> None:
    found = walked(project, engine)
    assert found.problems == []
    assert found.trusted
    assert found.statuses() == {"test": "pass"}
    job = found.job("test")
    assert job.ended == "success"
    assert job.outputs["status"] == "pass"
    assert "verdict.json" in job.artifacts["setup"]
    assert set(job.steps.values()) == {"success"}


def test_an_action_without_a_stand_in_is_found_within_a_door(project: Path) -> None:
    unknown = "someone/else@0123456789abcdef0123456789abcdef01234567"
    fault = "  steps:\n    - name: More\n      uses: " + unknown + "\n"
    found = walked(project, "act", spoil=spoil_door("setup", "  steps:\n", fault))
    assert found.problems == [
        f"{unknown}: no stand-in for this action, so act would ask the network"
    ]


def test_an_input_that_the_stand_in_does_not_know_is_found(project: Path) -> None:
    mini.edit(project, CI, "          if-no-files-found: error", "          if-no-files: error")
    found = walked(project, "act")
    said = "test: actions/upload-artifact is given the input if-no-files, and knows: name, path,"
    assert any(problem.startswith(said) for problem in found.problems)


def test_an_input_that_is_required_and_not_given_is_found(project: Path) -> None:
    mini.edit(project, CI, "          name: setup\n", "")
    found = walked(project, "act")
    said = "test: actions/upload-artifact is not given the input name, which it requires"
    assert said in found.problems


def test_an_input_that_a_component_does_not_know_is_found(project: Path) -> None:
    mini.edit(project, GITLAB, "      run: test\n", "      runs: test\n")
    found = walked(project, "gitlab")
    (problem,) = found.problems
    assert problem.startswith("test: component setup is given the input runs, and knows: job,")


def test_a_component_of_somebody_else_is_found(project: Path) -> None:
    mini.edit(project, GITLAB, f"/lint@{mini.PIN}", "/lint@" + "1" * 40)
    found = walked(project, "gitlab")
    (problem,) = found.problems
    assert problem.endswith("not one of the steps, so gitlab-ci-local would ask the network")


def test_an_input_read_as_a_variable_is_found(project: Path) -> None:
    fault = spoil_door("setup", "run: python3", 'run: test "$INPUT_RUN" = test && python3')
    found = walked(project, "act", spoil=fault)
    (problem,) = found.problems
    assert "actions/setup: reads INPUT_RUN, which act sets" in problem


def test_an_input_read_in_disguise_is_not_there(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "INP'UT_RUN"
    fault = spoil_door("setup", "run: python3", f'run: test -n "$(printenv \'{name})" && python3')
    assert walked(project, "act", spoil=fault).statuses() == {"test": "undecided"}
    # That it is the shell in the place of act's own which takes it away:
    monkeypatch.setattr(act, "SHELL", '#!/bin/sh\nexec {real} "$@"\n')
    assert walked(project, "act", spoil=fault).statuses() == {"test": "pass"}


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (
            "      - run: 'true'\n        env: {X: '${{ steps.made.outputs.inner }}'}\n",
            "test: uses the output inner of step made, whose action declares none of this name",
        ),
        (
            "      - run: 'true'\n        env: {X: \"${{ steps['none'].outputs.status }}\"}\n",
            "test: uses the output status of step none, and there is no such step",
        ),
        (
            "      - run: 'true'\n        if: needs.lint.outputs.status == 'pass'\n",
            "test: uses the output status of job lint, which it does not need",
        ),
    ],
)
def test_an_output_that_nothing_declares_is_found(project: Path, steps: str, said: str) -> None:
    door = f"        uses: mlops-init/mlops-init/actions/setup@{mini.PIN}\n"
    mini.edit(project, CI, door, f"        id: made\n{door}")
    insert(project, "test", steps)
    assert said in walked(project, "act").problems


def test_act_leaks_an_undeclared_output_and_the_account_does_not(project: Path) -> None:
    fault = spoil_door("setup", "run: python3", "run: echo inner=1 >> $GITHUB_OUTPUT; python3")
    found = walked(project, "act", spoil=fault)
    log = (found.state / "runs" / "ci" / "act.log").read_text()
    assert '"name":"inner"' in log
    assert set(found.job("test").outputs) == {"status"}


def show_environment(project: Path) -> None:
    """Every job that a walk of `test` has shows all its variables."""
    insert(project, "test", "      - run: env\n")
    mini.edit(
        project,
        GITLAB,
        "test:\n  needs: []\n",
        "test:\n  needs: []\n  before_script: [env]\n",
    )
    show = 'import os\nprint(dict(os.environ))\nprint("1 passed")\n'
    mini.write(project, "src/check.py", show)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_job_sees_no_variable_of_the_developer(
    project: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_environment(project)
    with harness.developer():
        found = walked(project, engine)
        assert found.statuses() == {"test": "pass"}
        assert found.text().count("MLOPS_RUN") == (2 if engine == "native" else 3)  # it is shown
        assert harness.leaks(found) == []
        # Let one through, and it is found.
        monkeypatch.setattr(ground, "PASSED_ON", (*ground.PASSED_ON, "MLOPS_DEVELOPER"))
        assert harness.leaks(walked(project, engine)) != []


@pytest.mark.parametrize("engine", ENGINES)
def test_what_works_by_a_variable_of_the_developer_does_not_work_here(
    project: Path, engine: str
) -> None:
    mini.write(project, "src/check.py", 'import os\nprint(os.environ["MLOPS_DEVELOPER"])\n')
    with harness.developer():
        found = walked(project, engine)
    assert found.statuses() == {"test": "fail"}


def test_an_artifact_that_no_needed_job_keeps_is_found(project: Path) -> None:
    mini.edit(project, CI, "    needs: [evaluate]\n", "    needs: [lint]\n")
    found = walked(project, "act")
    said = "gate: fetches the artifact evaluate, which no job that it needs keeps"
    assert found.problems == [said]


def test_a_job_that_does_not_need_another_has_none_of_its_files(project: Path) -> None:
    mini.edit(project, GITLAB, "  needs: [evaluate]\n", "  needs: [lint]\n")
    found = walked(project, "gitlab", harness.only("gate", "lint"))
    assert found.statuses() == {"lint": "pass", "gate": "undecided"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "artifact: out/register/next.yml",
            "artifact: out/registered/next.yml",
            "start-cd: takes out/registered/next.yml, which register does not keep",
        ),
        (
            "needs: [register, report]",
            "needs: [report]",
            "start-cd: takes out/register/next.yml of register, which it does not need",
        ),
    ],
)
def test_a_pipeline_that_nobody_keeps_is_found(
    project: Path, old: str, new: str, said: str
) -> None:
    mini.edit(project, ".gitlab/ct.yml", old, new)
    found = walked(project, "gitlab", Start("ct", "manual"))
    assert found.problems == [said]


def test_a_file_from_a_folder_that_only_this_machine_shares_is_found_on_act(
    project: Path,
) -> None:
    text = (project / CI).read_text()
    begin = text.index("  gate:\n")
    old = text[text.index("      - name: Fetch", begin) : text.index("      - name: Gate", begin)]
    new = '      - run: mkdir out && cp -R "$MLOPS_ARTIFACTS/evaluate" out/\n'
    (project / CI).write_text(text[:begin] + text[begin:].replace(old, new, 1))
    found = walked(project, "act", GATE)
    assert "gate: read out/evaluate/metrics.json, which no job that it needs keeps" in (
        found.problems
    )


def test_a_file_from_a_folder_that_only_this_machine_shares_is_found_on_gitlab(
    project: Path,
) -> None:
    mini.edit(
        project,
        GITLAB,
        "gate:\n  needs: [evaluate]\n",
        "gate:\n  needs: [{job: evaluate, artifacts: false}]\n"
        "  before_script: [cp -R ../../artifacts/evaluate/out .]\n",
    )
    found = walked(project, "gitlab", GATE)
    assert "gate: read out/evaluate/metrics.json, which no job that it needs keeps" in (
        found.problems
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_surviving_process_is_ended_with_its_job(project: Path, engine: str) -> None:
    mini.write(project, "src/check.py", LEAVER)
    found = walked(project, engine)
    (problem,) = found.problems
    assert problem.startswith("test: process ")
    assert problem.endswith(" was left running")
    assert not found.trusted


def test_a_job_that_never_starts_is_no_success(project: Path) -> None:
    mini.edit(project, GITLAB, "gate:\n", "gate:\n  rules: [{when: never}]\n")
    found = walked(project, "gitlab", harness.Start("ci", "push"))
    assert found.statuses()["gate"] == "skipped"
    assert not found.trusted


def test_a_job_without_a_runner_is_no_success(project: Path) -> None:
    mini.edit(project, CI, "runs-on: ubuntu-24.04", "runs-on: somewhere-else")
    found = walked(project, "act")
    assert "test: skipped, no runner has its label" in found.problems
