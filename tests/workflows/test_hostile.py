"""Names, messages and values that mean harm, many at once, in real runs: they stay text."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from tests.workflows import harness, mini

from mlops_init.engines import Annotation, Start
from mlops_steps import ci

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
ENGINES = ("act", "gitlab")
#: Executed anywhere, in a job or in the engine, it leaves a file beside the state.
TOUCH = "touch${IFS}${MLOPS_STATE}PWNED"
#: Without a space, so that it can be the name of a branch, a tag or a file, too.
NAME = f"x\"'$({TOUCH})`{TOUCH}`;{TOUCH};|{TOUCH}&{{a,b}}!<b>%0A%3A%3Aerror%3A%3Aforged"
#: What a runner obeys at the beginning of a line, after any kind of line end.
COMMANDS = (
    "::error file=forged.py,line=1::forged",
    "::warning::forged",
    "::set-output name=status::forged",
    "::set-env name=FORGED::forged",
    "::add-path::/forged",
    "::add-mask::pass",
    "::stop-commands::forged",
    "##[error]forged",
    "##vso[task.setvariable variable=FORGED]forged",
)
MARKDOWN = ("# forged", "| forged | forged |", "<script>forged</script>", "```", "</details>")
LINES = [*COMMANDS, *MARKDOWN, "lint          finished in 1 ms", "lint exported artifacts in 1 ms"]
HOSTILE = "\n".join([NAME, *LINES]) + "\n" + "\r".join(["", *LINES]) + "\n" + "A" * 10_000
#: A file's name: any sign but a slash.
FILE = f"src/{NAME}\n::error file=forged.py::forged\r##[error]forged.py".replace("</b>", "")
#: A program of the project that prints all of it, and fails.
PROGRAM = f"import sys\nsys.stdout.write({HOSTILE!r})\nsys.exit(1)\n"


@pytest.fixture
def hostile(project: Path) -> Path:
    """Everything that somebody who proposes a change can name."""
    mini.write(project, FILE, "import os\n")  # not used: a finding with this file's name
    mini.write(project, "src/check.py", PROGRAM)
    column = f"{NAME} ::error::forged"
    path = project / "data" / "samples.csv"
    head, *rows = path.read_text().splitlines()
    quoted = '"' + column.replace('"', '""') + '"'
    path.write_text("\n".join([f"{head},{quoted}", *(f"{row},1" for row in rows)]) + "\n")
    mini.edit(project, "data/contract.yaml", "columns:\n", "extra_columns: false\ncolumns:\n")
    mini.commit(project, f"{NAME} ::error::forged\n\n{HOSTILE}", branch=NAME)
    mini.git(project, "tag", f"v1-{NAME}")
    return project


def untouched(folder: Path) -> None:
    """Nothing was executed."""
    assert not list(folder.glob("*PWNED*"))


def verdict(found: harness.Walk, step: str, workflow: str = "ci") -> dict[str, object]:
    text = (found.state / "runs" / workflow / step / "verdict.json").read_text()
    said = json.loads(text)
    assert isinstance(said, dict)
    return said


@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_proposal_names_stays_text(hostile: Path, engine: str) -> None:
    found = harness.walk(hostile, engine, Start("ci", "pull_request"), hostile.parent / "state")
    untouched(hostile.parent)
    assert found.problems == []
    statuses = found.statuses()
    assert {name: statuses[name] for name in ("lint", "test", "validate-data", "report")} == {
        "lint": "fail",
        "test": "fail",
        "validate-data": "fail",
        "report": "pass",
    }
    assert len(found.of("ci").accounts) == (5 if engine == "act" else 4)
    for job, step in (("lint", "lint"), ("test", "setup"), ("validate-data", "validate-data")):
        account, said = found.job(job), verdict(found, step)
        assert account.ended == "failure"
        assert account.outputs == said["outputs"] == {"status": "fail"}
        if engine == "act":
            # What is marked is what was found, and nothing besides.
            assert account.annotations == marks(said)
            assert account.annotations or job == "test"
        lines = account.summary.splitlines()
        assert not [line for line in lines if line.lstrip().startswith(MARKDOWN)]
    if engine == "act":
        obeyed(found)


def marks(said: dict[str, object]) -> list[Annotation]:
    """The annotations that a verdict's findings make."""
    findings = said["findings"]
    assert isinstance(findings, list)
    return [
        Annotation(each["level"], each["message"], each.get("file") or "", each.get("line") or 0)
        for each in findings[: ci.ANNOTATION_LIMIT]
    ]


def obeyed(found: harness.Walk) -> None:
    """No command was obeyed that we have not given: not by act, and GitHub's runner would not.

    GitHub takes any line end, and any space before `::`; act does not.
    """
    log = found.state / "runs" / "ci" / "act.log"
    for line in log.read_text(encoding="utf-8", errors="replace").split("\n"):
        entry = json.loads(line) if line.startswith("{") else {}
        # act takes a later `::` in a message for the end of the command.
        command = str(entry.get("command", "")).partition("::")[0]
        assert command in {"", "error", "warning", "notice", "summary", "set-output", "set-env"}
        assert entry.get("arg") not in {"forged", "/forged"}, line
        for printed in re.split(r"[\r\n]", entry["msg"] if entry.get("raw_output") else ""):
            assert not printed.lstrip().startswith("::"), printed
            assert "##[" not in printed, printed


def test_a_command_that_is_obeyed_is_seen(project: Path) -> None:
    def spoil(tree: Path) -> None:
        old = '    if platform() != "github":\n        return text\n'
        mini.edit(tree, "actions/mlops_steps/ci.py", old, "    return text\n")

    mini.write(project, "src/check.py", PROGRAM)
    mini.commit(project)
    state = project.parent / "state"
    found = harness.walk(project, "act", harness.only("test"), state, spoil=spoil)
    with pytest.raises(AssertionError):
        obeyed(found)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_person_hands_over_stays_text(project: Path, engine: str) -> None:
    mini.commit(project)
    reason = HOSTILE.replace("${IFS}", " ").replace("${MLOPS_STATE}", str(project.parent / "x"))
    start = Start("ct", "manual", {"reason": reason}, job="validate-data", jobs=("validate-data",))
    found = harness.walk(project, engine, start, project.parent / "state")
    untouched(project.parent)
    assert found.problems == []
    assert found.statuses("ct") == {"validate-data": "pass"}
    assert found.job("validate-data", "ct").annotations == []


@pytest.mark.parametrize("engine", ENGINES)
def test_the_reason_of_a_drift_reaches_the_next_workflow_as_text(
    tmp_path: Path, engine: str
) -> None:
    project = mini.make(tmp_path, drift=True)
    column = f"{NAME} ::error::forged"
    for name in ("samples", "requests"):
        path = project / "data" / f"{name}.csv"
        path.write_text(path.read_text().replace("water", '"' + column.replace('"', '""') + '"', 1))
    mini.edit(project, "data/contract.yaml", "  water:", f"  {json.dumps(column)}:")
    # It is the hostile column that drifts.
    text = (project / "data" / "requests.csv").read_text()
    rows = [line.rsplit(",", 1)[0] + ",0.95" for line in text.splitlines()[1:]]
    (project / "data" / "requests.csv").write_text("\n".join([text.splitlines()[0], *rows]) + "\n")
    keep = 'printf %s "$REASON" > "${MLOPS_STATE}REASON"'
    mini.edit(
        project,
        ".gitlab/ct.yml",
        "validate-data:\n",
        f"validate-data:\n  before_script: [{json.dumps(keep)}]\n",
    )
    ct = project / ".github" / "workflows" / "ct.yml"
    step = f"      - run: {keep}\n        env: {{REASON: '${{{{ inputs.reason }}}}'}}\n"
    place = ct.read_text().index("      - name: Validate data\n")
    ct.write_text(ct.read_text()[:place] + step + ct.read_text()[place:])
    mini.commit(project)
    state = tmp_path / "state"
    first = Start("ct", "manual", {"first-release": "true"})
    assert harness.walk(project, engine, first, state).trusted
    mini.edit(project, "data/samples.csv", ",no\n2,", ",unclear\n2,")  # so that ct ends soon
    mini.commit(project, "Spoil the data")
    found = harness.walk(project, engine, Start("monitor", "manual"), state)
    untouched(tmp_path)
    assert found.problems == []
    assert found.ran == [
        ("monitor", ("monitor", "report")),
        ("ct", ("report", "validate-data")),
    ]
    reason = found.job("monitor", "monitor").outputs["reason"]
    assert "forged" in reason
    assert (tmp_path / "stateREASON").read_text() == reason


def test_a_child_pipeline_gets_a_value_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = "\n".join([f"$HOME ${{HOME}} $$ $({TOUCH}) `{TOUCH}` %HOME% \\ \"'", *LINES])
    made = tmp_path / "made"
    with monkeypatch.context() as patch:
        patch.setenv("GITLAB_CI", "true")
        (made / "out").mkdir(parents=True)
        ci.start_workflow("next", {"the-reason": value}, made / "out")
    mini.write(
        made,
        ".gitlab-ci.yml",
        "make:\n  script: ['true']\n  artifacts: {paths: [out/next.yml]}\n"
        "start:\n  needs: [make]\n  trigger: {include: [{artifact: out/next.yml, job: make}]}\n",
    )
    mini.write(
        made,
        ".gitlab/next.yml",
        "variables:\n  THE_REASON: {value: '', description: Why.}\n"
        "use:\n  variables: {MLOPS_STEP_REASON: $THE_REASON}\n"
        '  script: [\'printf %s "$MLOPS_STEP_REASON" > "${MLOPS_STATE}REASON"\']\n',
    )
    mini.commit(made)
    for arguments in (
        ("remote", "add", "origin", "git@gitlab.local:local/made.git"),
        ("update-ref", "refs/remotes/origin/main", "HEAD"),
        ("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"),
    ):
        mini.git(made, *arguments)
    monkeypatch.setenv("MLOPS_STATE", str(tmp_path / "state"))
    command = ["gitlab-ci-local", "--shell-isolation", "--force-shell-executor"]
    command += ["--no-artifacts-to-source"]
    found = subprocess.run(
        command, cwd=made, capture_output=True, text=True, timeout=120, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert (tmp_path / "stateREASON").read_text() == value
    untouched(tmp_path)
