"""The Code Quality file: places, fingerprints, and nothing where nothing was found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.mlops_steps.small import become

from mlops_steps.record import Finding, Verdict
from mlops_steps.report import quality
from mlops_steps.spec import Status

Make = Callable[..., Any]


def found(*findings: Finding, step: str = "lint") -> Any:
    verdict = Verdict(step=step, status=Status.FAIL, line="", findings=list(findings))
    return json.loads(quality.render([verdict]))


def at(file: str | None, line: int | None = 3, message: str = "`x` is never used") -> Finding:
    return Finding(rule="ruff/F841", level="error", message=message, file=file, line=line)


def test_a_finding_with_a_place() -> None:
    (one,) = found(at("src/a b.py"))
    assert one.pop("fingerprint").isalnum()
    assert one == {
        "description": "`x` is never used",
        "check_name": "ruff/F841",
        "severity": "major",
        "location": {"path": "src/a b.py", "lines": {"begin": 3}},
    }


def test_nothing_found_is_an_empty_list() -> None:
    assert found() == found(at(None)) == []
    assert quality.render([]) == b"[]\n"


OUTSIDE = ["", "/etc/passwd", "../up.py", "a/../../b", "a\\b", "a\nb", "\ud800"]


@pytest.mark.parametrize("file", OUTSIDE)
def test_a_place_outside_the_project_is_none(file: str) -> None:
    assert found(at(file)) == []


@pytest.mark.parametrize("line", [None, 0, -4])
def test_a_finding_about_a_whole_file_stands_at_its_beginning(line: int | None) -> None:
    assert found(at("./a.csv", line))[0]["location"] == {"path": "a.csv", "lines": {"begin": 1}}


def test_fingerprints_follow_what_is_found_not_where_it_has_moved() -> None:
    def prints(*findings: Finding) -> list[str]:
        return [each["fingerprint"] for each in found(*findings)]

    assert prints(at("a.py", 3)) == prints(at("a.py", 30))
    assert prints(at("a.py")) != prints(at("b.py"))
    assert prints(at("a.py")) != prints(at("a.py", message="another"))
    twice = prints(at("a.py", 3), at("a.py", 9))
    assert len(set(twice)) == 2
    assert twice[0] == prints(at("a.py"))[0], "the second is the new one"


def test_levels() -> None:
    def severity(level: Any) -> str:
        return found(Finding(rule="r", level=level, message="m", file="f"))[0]["severity"]

    found_as = [severity(level) for level in ("error", "warning", "notice")]
    assert found_as == ["major", "minor", "info"]


def test_what_lint_and_validate_data_find_has_a_place(road: Make) -> None:
    walked = road()
    become(walked.project, "regression")
    walked.project.write("src/train.py", "import os\n\nx = 1\n")
    contract = walked.folder / "data" / "contract.yaml"
    contract.write_text(contract.read_text().replace("min: 5", "max: 20"))
    walked.project.commit("faults")
    assert walked.project.run("lint").code == 1
    assert walked.project.run("validate-data").code == 1
    assert walked.report().code == 0
    rules = {
        (each["check_name"], each["location"]["path"], each["location"]["lines"]["begin"])
        for each in json.loads(walked.text("codequality.json"))
    }
    assert ("ruff/F401", "src/train.py", 1) in rules
    assert ("data/range", "data/samples.csv", 1) in rules


def test_nothing_found_on_a_whole_road(road: Make) -> None:
    walked = road()
    walked.step("lint", line="0 findings in 3 files")
    assert walked.report().code == 0
    assert walked.text("codequality.json") == "[]\n"
