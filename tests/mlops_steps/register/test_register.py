"""What register lets in, what it refuses, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.mlops_steps.conftest import Sample
from tests.mlops_steps.register.conftest import leave, registry_folder

from mlops_steps.registry.folder import FolderRegistry
from mlops_steps.spec import Status

Passed = Callable[..., Sample]


def opened(project: Sample) -> FolderRegistry:
    return FolderRegistry(registry_folder(project), "tumour")


def test_a_first_and_a_second_version(passed: Passed, tmp_path: Path) -> None:
    project = passed()
    ran = project.run("register")
    assert ran.code == 0, ran.text
    address = f"folder:{registry_folder(project)}"
    assert ran.verdict["line"] == f"1.0.0 in {address}"
    assert "candidate: none -> 1.0.0" in ran.verdict["lines"]
    assert ran.verdict["outputs"]["version"] == "1.0.0"
    assert ran.verdict["findings"] == []
    opened(project).fetch("1.0.0", tmp_path / "one", digest=ran.verdict["outputs"]["digest"])
    names = {
        path.relative_to(tmp_path / "one").as_posix()
        for path in (tmp_path / "one").rglob("*")
        if path.is_file()
    }
    assert names == {
        "version.json",
        "model/weights.bin",
        "source/.gitignore",
        "source/mlops.yaml",
        "source/src/serve.py",
        "records/validate-data/verdict.json",
        "records/train/verdict.json",
        "records/train/training.json",
        "records/evaluate/verdict.json",
        "records/evaluate/metrics.json",
        "records/gate/verdict.json",
        "records/gate/rules.json",
    }
    assert not (project.folder / "out" / "register" / "version").exists()

    for step in ("train", "evaluate", "gate"):
        leave(project, step, model="better weights")
    ran = project.run("register")
    assert ran.verdict["line"] == f"1.1.0 in {address}"
    assert "candidate: 1.0.0 -> 1.1.0" in ran.verdict["lines"]
    alias = opened(project).alias("candidate")
    assert alias
    assert (alias.version, alias.previous) == ("1.1.0", "1.0.0")
    assert alias.digest == ran.verdict["outputs"]["digest"]
    assert "gate says so" in alias.reason


@pytest.mark.parametrize(
    ("step", "status", "code"),
    [
        ("gate", Status.FAIL, 1),
        ("gate", Status.UNDECIDED, 3),
        ("evaluate", Status.UNDECIDED, 3),
        ("validate-data", Status.FAIL, 1),
    ],
)
def test_what_has_not_passed(passed: Passed, step: str, status: Status, code: int) -> None:
    project = passed()
    leave(project, step, status=status)
    ran = project.run("register", start="cd")
    assert ran.code == code
    assert ran.verdict["status"] == status
    assert ran.verdict["line"] == f"{step} has not passed; nothing was registered"
    assert ran.verdict["lines"][0] == f"{step} ended {status}: {step} says so"
    assert "version" not in ran.verdict["outputs"]
    assert not registry_folder(project).exists()


def test_what_only_the_valid_rows_judged(passed: Passed) -> None:
    project = passed()
    leave(project, "gate", split="valid")
    ran = project.run("register")
    assert ran.code == 3
    assert ran.verdict["line"] == "judged by valid rows; nothing was registered"
    assert not registry_folder(project).exists()


def test_a_missing_verdict_and_one_of_another_commit(passed: Passed) -> None:
    project = passed()
    project.write("src/serve.py", "print(1)\n")
    project.commit()
    ran = project.run("register")
    assert ran.code == 3
    assert "out/gate/verdict.json: is of step gate at commit" in ran.text
    (project.folder / "out" / "gate" / "verdict.json").unlink()
    ran = project.run("register")
    assert ran.code == 3
    assert "step gate has to run first" in ran.text


def test_a_model_or_record_that_was_changed(passed: Passed) -> None:
    for name in ("out/train/model/weights.bin", "out/evaluate/metrics.json"):
        project = passed()
        project.write(name, "other")
        ran = project.run("register")
        assert ran.code == 3
        assert "changed since step" in ran.text
        assert not registry_folder(project).exists()


def test_a_tree_that_is_not_the_commit(passed: Passed) -> None:
    project = passed()
    project.write("src/serve.py", "print(1)\n")
    ran = project.run("register")
    assert ran.code == 2
    assert "not committed: src/serve.py" in ran.text
    assert not registry_folder(project).exists()


def test_a_link_in_the_source_becomes_what_it_leads_to(passed: Passed) -> None:
    project = passed()
    (project.folder / "src" / "link.py").symlink_to("serve.py")
    project.commit()
    for step in ("validate-data", "train", "evaluate", "gate"):
        leave(project, step)
    assert project.run("register").code == 0
    source = registry_folder(project) / "versions" / "1.0.0" / "source" / "src"
    assert (source / "link.py").read_text() == "print()\n"
    assert not (source / "link.py").is_symlink()


def test_a_number_of_ones_own(passed: Passed) -> None:
    project = passed()
    ran = project.run("register", version="2.0")
    assert ran.code == 2
    assert "input version: '2.0' is not written as it has to be, as in 1.4.0" in ran.text
    assert project.run("register", version="2.0.0").code == 0
    leave(project, "train", model="other")
    ran = project.run("register", version="2.0.0")
    assert ran.code == 2
    assert "2.0.0 exists in folder:" in ran.text
    assert project.run("register").verdict["outputs"]["version"] == "2.1.0"


def test_run_again_it_finds_its_own_version(passed: Passed) -> None:
    project = passed()
    first = project.run("register")
    again = project.run("register")
    assert again.code == 0
    assert again.verdict["outputs"] == first.verdict["outputs"]
    assert "1.0.0 was published by an earlier run of the same records" in again.text
    assert "candidate is 1.0.0 already" in again.text
    assert opened(project).versions() == ["1.0.0"]


def test_the_next_workflow(passed: Passed, tmp_path: Path) -> None:
    project = passed()
    project.env["MLOPS_DISPATCH"] = str(tmp_path / "dispatch.jsonl")
    ran = project.run("register", start="cd")
    assert "cd starts next" in ran.verdict["lines"]
    asked = json.loads((tmp_path / "dispatch.jsonl").read_text())
    assert asked == {"workflow": "cd", "inputs": {"version": "1.0.0"}}

    project.env |= {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(project.folder)}
    assert project.run("register", start="cd").code == 0
    child = json.loads((project.folder / "out" / "register" / "next.yml").read_text())
    assert child["variables"] == {"VERSION": {"value": "1.0.0", "expand": False}}
    leave(project, "gate", status=Status.FAIL)
    assert project.run("register", start="cd").code == 1
    child = json.loads((project.folder / "out" / "register" / "next.yml").read_text())
    assert list(child) == ["nothing-to-start"]
