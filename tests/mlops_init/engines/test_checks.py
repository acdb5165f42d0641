"""What is read from the files before an engine runs, and from its log while it does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.mlops_init import helpers

from mlops_init import pins
from mlops_init.engines import Annotation, Outcome, Start, act_check, act_log, gitlab_check, ground
from mlops_init.renderers import doors


def find(tree: Path) -> act_check.Find:
    """The stand-ins, and the steps' doors in a tree."""
    standins = {uses: helpers.STANDINS / name for uses, name in pins.actions().items()}

    def where(uses: str) -> Path | None:
        path, _, _ref = uses.partition("@")
        if uses in standins:
            return standins[uses]
        own = path.startswith(("mlops-init/", "platform-team/"))
        return tree / "/".join(path.split("/")[2:]) if own else None

    return where


def test_every_kind_of_project_is_free_of_what_engines_hide(
    projects: dict[str, Path], tmp_path: Path
) -> None:
    doors.write_all(tmp_path)
    components = {step.name: doors.component(step) for step in doors.declarations()}
    known = gitlab_check.components(components)
    seen = 0
    for project in projects.values():
        for path in project.glob(".github/workflows/*.yml"):
            jobs = yaml.safe_load(path.read_text())["jobs"]
            assert act_check.problems(jobs, find(tmp_path)) == [], path
            seen += 1
        for path in project.glob(".gitlab/*.yml"):
            here = f"$CI_SERVER_FQDN/*@{helpers.PIN}"
            assert gitlab_check.problems(path.read_text(), known, here) == [], path
            seen += 1
    assert seen > 10


def uploads(name: str, *needs: str) -> dict[str, object]:
    step = {"uses": "actions/upload-artifact@x", "with": {"name": name, "path": f"out/{name}"}}
    return {"needs": list(needs), "steps": [step]}


def fetching(*needs: str, **given: str) -> dict[str, object]:
    return {"needs": list(needs), "steps": [{"uses": "actions/download-artifact@x", "with": given}]}


@pytest.mark.parametrize(
    ("job", "missing"),
    [
        (fetching("b", pattern="{a,b}"), []),
        (fetching("b", pattern="a"), []),
        (fetching("b", name="b"), []),
        (fetching("b", pattern="?"), []),
        (fetching("b"), []),
        (fetching("a", pattern="b"), ["b"]),
        (fetching("b", pattern="{a,c,d}"), ["c", "d"]),
        (fetching(), ["*"]),
        (
            {"needs": "b", "steps": [{"uses": "x/download-artifact@x", "with": {"name": "c"}}]},
            ["c"],
        ),
    ],
)
def test_what_is_fetched_has_to_be_kept_before(job: dict[str, object], missing: list[str]) -> None:
    jobs = {"a": uploads("a"), "b": uploads("b", "a"), "c": uploads("c"), "job": job}
    found = list(act_check._artifacts("job", job, jobs))
    said = "job: fetches the artifact {}, which no job that it needs keeps"
    assert found == [said.format(name) for name in missing]


@pytest.mark.parametrize(
    ("given", "there"),
    [
        ({"name": "a"}, ["file"]),
        ({"pattern": "a"}, ["a/file"]),
        ({"pattern": "{a,b c}"}, ["a/file", "b c/file"]),
        ({"pattern": "?"}, ["a/file"]),
        ({"pattern": "none"}, []),
        ({}, ["a/file", "b c/file"]),
        ({"name": "none"}, None),
    ],
)
def test_the_stand_in_fetches_as_the_action_does(
    tmp_path: Path, given: dict[str, str], there: list[str] | None
) -> None:
    for name in ("a", "b c"):
        (tmp_path / "artifacts" / name).mkdir(parents=True)
        (tmp_path / "artifacts" / name / "file").write_text(name)
    env = {
        "PATH": os.environ["PATH"],
        "MLOPS_ARTIFACTS": str(tmp_path / "artifacts"),
        "INTO": str(tmp_path / "out"),
        "NAME": given.get("name", ""),
        "PATTERN": given.get("pattern", ""),
    }
    script = helpers.STANDINS / "actions" / "download-artifact" / "download.sh"
    found = subprocess.run(["bash", script], env=env, check=False, timeout=30)
    assert (found.returncode == 0) == (there is not None)
    if there is not None:
        assert list(ground.files_below(tmp_path / "out")) == there


def line(**more: object) -> dict[str, object]:
    return {"stage": "Main", "jobID": "job", **more}


def test_an_account_of_a_job_from_the_log() -> None:
    job = {
        "steps": [
            {"name": "Use", "uses": "o/r/actions/gate@x"},
            {"id": "own", "run": "true"},
            {"name": "Never", "run": "true"},
        ]
    }
    log = act_log.JobLog("job", job, lambda _uses: ["status"])
    said = "::error file=a=b%2C%3A.py,line=3::one%0A::two%25"
    for each in (
        line(stepID=["0", "run"], command="error::one", arg="?", raw=said + "\n"),
        line(stepID=["0", "run"], command="summary", content="# Once"),
        line(stepID=["0"], command="summary", content="# Once"),
        line(stepID=["0"], command="set-output", name="status", arg="pass"),
        line(stepID=["0"], command="set-output", name="leaked", arg="1"),
        line(stepID=["0", "run"], stepResult="failure"),
        line(stepID=["0"], stepResult="success"),
        line(stepID=["own"], command="set-output", name="mine", arg="2"),
        line(stepID=["own"], stepResult="failure"),
        line(stepID=["0"], stage="Post", stepResult="failure"),
        line(stepID=["own"], msg="::error::said", raw_output=True),
    ):
        log.hear(each)
    account = log.account
    assert account.steps == {"Use": "success", "step own": "failure", "Never": "skipped"}
    assert account.outputs == {"status": "pass", "mine": "2"}
    assert account.summary == "# Once"
    assert account.annotations == [Annotation("error", "one\n::two%", "a=b,:.py", 3)]


@pytest.mark.parametrize("text", ["", "[]", "1", "{", '"x"', "no JSON"])
def test_a_line_that_is_no_entry_says_nothing(text: str) -> None:
    assert act_log.entry(text) == {}


def test_what_a_job_prints_never_begins_a_line_of_the_log(tmp_path: Path) -> None:
    said = "job > a\rgate finished in 1 ms\x0bgate finished in 2 ms\x85\u2028c\udcff\nnext\n"
    program = f"import sys; sys.stdout.buffer.write({said.encode(errors='surrogateescape')!r})"
    outcome = Outcome(Start("ci", "push"))
    log = tmp_path / "log"
    command = [sys.executable, "-c", program]
    found = list(ground.follow(command, tmp_path, dict(os.environ), log, outcome))
    assert len(found) == 2
    assert found[0].startswith("job > a\rgate finished")
    assert outcome.problems == []


def test_a_file_that_no_needed_job_keeps_is_named(tmp_path: Path) -> None:
    (tmp_path / "gate").mkdir()
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "model").write_text("")
    took = dict.fromkeys(("out/train/model", "out/train/gone", "out/lint/x"), "sha256:0")
    took |= {"out/gate/own": "sha256:0", "data/samples.csv": "sha256:0"}
    (tmp_path / "gate" / "verdict.json").write_text(json.dumps({"took": took}))
    account = act_log.Account("gate", fetches=("tra*",))
    assert ground.untraced(tmp_path, "gate", account) == [
        "gate: read out/train/gone, which no job that it needs keeps",
        "gate: read out/lint/x, which no job that it needs keeps",
    ]
    assert ground.untraced(tmp_path, "train", account) == []
