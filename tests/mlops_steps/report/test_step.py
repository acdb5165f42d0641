"""The step as a user meets it: the files of other steps in, three files out."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

Make = Callable[..., Any]


def one_screen(summary: str) -> bool:
    """What stands before the first fold fits on one."""
    return len(summary.partition("<details>")[0].splitlines()) <= 25


def test_a_whole_road(walk: Make, tmp_path: Path) -> None:
    walked = walk()
    walked.project.env["GITHUB_STEP_SUMMARY"] = str(tmp_path / "summary.md")
    ran = walked.report()
    assert ran.code == 0, ran.text
    assert ran.verdict["line"] == "pass: 9 steps"
    names = ("index.html", "summary.md", "junit.xml", "codequality.json")
    written = {f"out/report/{name}" for name in names}
    assert written <= set(ran.verdict["wrote"])
    assert "out/gate/rules.json" in ran.verdict["took"]
    page = walked.text("index.html")
    for part in ("rules", "models", "scores", "checks", "training", "drift", "canary", "lineage"):
        assert f'<section id="{part}">' in page, part
    for plot in ("ROC curve", "Calibration plot", "The canary over time"):
        assert f'aria-label="{plot}' in page
    for word in (
        "0 of 50",
        "Promote.",
        "4.9 ms",
        "worst_concave_points",
        "✗ drifted",
        "NVIDIA H200",
        "depth = 3",
        "393 of <code>data/samples.csv</code>; 176 withheld",
        "champion 1.0.0",
        "F841",
    ):
        assert word in page, word
    (finding,) = json.loads(walked.text("codequality.json"))
    assert finding["location"] == {"path": "src/tumour/train.py", "lines": {"begin": 12}}
    shown = (tmp_path / "summary.md").read_text()
    assert shown.startswith(walked.text("summary.md"))
    assert shown.count("### ") == 2, "the report's summary and the frame's line, once each"
    assert one_screen(shown)
    suites = {each.get("name"): each for each in ET.fromstring(walked.text("junit.xml"))}
    assert set(suites["gate"].find("testcase").attrib) == {"classname", "name", "time"}
    cases = {name: int(each.get("tests")) for name, each in suites.items()}
    assert cases == {
        "setup": 1, "lint": 1, "validate-data": 104, "train": 1, "evaluate": 1, "gate": 2,
        "register": 1, "deploy-canary": 1, "monitor": 30,
    }  # fmt: skip
    assert [each.get("failures") for each in suites.values()] == [*"00000000", "2"]


def test_nothing_to_report_on_is_undecided(road: Make) -> None:
    ran = road().report()
    assert ran.code == 3
    assert "no verdict under out/" in ran.text


def test_a_refusal_says_where_the_road_ended(road: Make, evaluated: Make) -> None:
    walked = road()
    evaluated(walked)
    walked.project.write(
        "mlops.yaml",
        (walked.folder / "mlops.yaml").read_text().replace("roc_auc >= 0.95", "accuracy >= 0.99"),
    )
    assert walked.project.run("gate").code == 1
    ran = walked.report()
    assert ran.code == 0
    assert ran.verdict["line"] == "fail: gate; 2 steps"
    summary = walked.text("summary.md")
    assert summary.startswith("### ✗ tumour: fail at gate\n")
    assert "**gate: accuracy &gt;= 0.99**" in summary
    assert "The road ended at gate; register and deploy-canary left no verdict." in summary
    assert one_screen(summary)
    assert "✗ fail at gate</h1>" in walked.text("index.html")


def test_an_unreadable_verdict_is_undecided(road: Make) -> None:
    walked = road()
    walked.step("lint", line="0 findings")
    walked.step("train").write_text('{"step": "train", "status": "pa')
    assert walked.report().verdict["line"] == "undecided: train; 2 steps"
    walked.step("train").write_bytes(b" " * 9_000_000)
    assert walked.report().verdict["line"] == "undecided: train; 2 steps"
    assert "more than 8 MiB" in walked.text("summary.md")


def test_a_verdict_of_another_commit_is_undecided(road: Make) -> None:
    walked = road()
    walked.step("gate", line="4 rules", commit="0" * 40)
    assert walked.report().verdict["line"] == "undecided: gate; 1 step"
    assert "is of commit 0000" in walked.text("index.html")


def test_a_step_that_could_not_be_entered_keeps_its_own_words(road: Make) -> None:
    walked = road()
    walked.step("train", "undecided", "installing train.txt failed", commit=None)
    assert walked.report().verdict["line"] == "undecided: train; 1 step"
    assert "installing train.txt failed" in walked.text("summary.md")


def test_a_file_that_was_changed_is_not_shown(walk: Make) -> None:
    walked = walk(to="gate")
    path = walked.folder / "out" / "gate" / "rules.json"
    path.write_text(path.read_text().replace("roc_auc", "roc_auc "))
    assert walked.report().code == 0
    page = walked.text("index.html")
    assert '<section id="rules">' not in page
    walked.report()
    same = re.sub(r"<dt>When</dt><dd>.*?</dd>", "", walked.text("index.html"))
    assert same == re.sub(r"<dt>When</dt><dd>.*?</dd>", "", page), "the same files, another page"
    assert "out/gate/rules.json: changed since step gate wrote it" in page


def test_a_link_is_not_followed(road: Make) -> None:
    walked = road()
    walked.step("lint", line="0 findings")
    (walked.folder / "out" / "gate").mkdir()
    (walked.folder / "out" / "gate" / "verdict.json").symlink_to("/etc/passwd")
    assert walked.report().verdict["line"] == "undecided: gate; 2 steps"
    assert "root:" not in walked.text("index.html")


def test_a_verdict_that_its_parts_do_not_explain_is_a_case_of_its_own(walk: Make) -> None:
    walked = walk(to="gate")
    found = walked.verdict("gate") | {"status": "undecided", "line": "stopped by SIGTERM"}
    (walked.folder / "out" / "gate" / "verdict.json").write_text(json.dumps(found))
    walked.report()
    gate = ET.fromstring(walked.text("junit.xml")).find("testsuite[@name='gate']")
    assert (gate.get("tests"), gate.get("errors"), gate.get("failures")) == ("3", "1", "0")
    assert gate.find("testcase/error").get("message") == "stopped by SIGTERM"
