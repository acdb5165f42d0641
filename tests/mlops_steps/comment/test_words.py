"""What a comment says, as a Markdown reader sees it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from markdown_it import MarkdownIt
from tests.mlops_steps.comment.server import FACTS, facts

from mlops_steps.comment import words
from mlops_steps.comment.posting import LARGEST
from mlops_steps.report.facts import Facts, read
from mlops_steps.spec import STEP_NAMES

RUN = "https://github.example/team/tumour/actions/runs/1"
RULE = FACTS["rules"][0]
AGAINST = RULE | {
    "metric": "accuracy", "against": "champion", "bound": -0.05, "value": -0.006, "low": -0.034,
    "high": 0.022, "method": "Tango", "champion": 0.985, "candidate": 0.979,
}  # fmt: skip


def made(**changes: Any) -> Facts:
    return read(json.dumps(facts(**changes)).encode())


def comment(**changes: Any) -> str:
    return words.comment(made(**changes), run=RUN)


def ended(step: str, status: str) -> list[dict[str, Any]]:
    return [
        each | {"status": status if each["step"] == step else "pass"} for each in FACTS["steps"]
    ]


def test_a_comment_as_it_is_read() -> None:
    found = comment(champion="1.0.0", split="test", rows=171, rules=[RULE, AGAINST])
    head, _, folds = found.partition("<details>")
    assert head == (
        "### ✓ tumour: pass, candidate may ship\n\n"
        f"ci · `aaaaaaa` · [run]({RUN}) · 7.5 s\n\n"
        "| rule | candidate | champion 1.0.0 | verdict |\n"
        "| --- | --- | --- | --- |\n"
        "| `roc_auc >= 0.95` | 0.989 [0.966, 0.997] |  | ✓ pass |\n"
        "| `accuracy >= champion - 0.05` | -0.6 points [-3.4, 2.2] | 0.985 | ✓ pass |\n\n"
        "n = 171 rows of the test split, paired with the champion. "
        "The smallest drop in `accuracy` that they can show: about 2.8 points.\n\n"
    )
    titles = re.findall("<summary>(.*)</summary>", folds)
    assert titles == ["5 steps", "2 rules", "Data: 22 checks", "Training: 12.4 s, no GPU"]
    assert "| `accuracy >= champion - 0.05` | 398 | Tango |" in folds
    tokens = [each.type for each in MarkdownIt("commonmark").enable("table").parse(found)]
    assert tokens.count("table_open") == 3
    assert tokens.count("heading_open") == 1


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "✓ tumour: pass, the trial holds"),
        ({"steps": ended("lint", "fail")}, "✗ tumour: fail at lint"),
        ({"steps": ended("evaluate", "undecided")}, "? tumour: undecided at evaluate"),
        (
            {"steps": [*ended("lint", "undecided")[:2], *ended("train", "fail")[2:]]},
            "✗ tumour: fail at train",
        ),
        ({"steps": FACTS["steps"][:2], "rules": []}, "✓ tumour: pass, 2 steps"),
    ],
)
def test_the_worst_verdict_is_said_first_and_then_what_did_not_happen(
    changes: dict[str, Any], title: str
) -> None:
    found = comment(**changes)
    assert found.startswith(f"### {title}\n")
    assert ("Nothing was registered" in found) == ("pass" not in title)


def test_after_a_deployment_nobody_is_told_that_nothing_happened() -> None:
    steps = [FACTS["steps"][0] | {"step": name} for name in ("gate", "register", "deploy-canary")]
    assert "pass, deployed" in comment(steps=steps)
    steps[-1]["status"] = "fail"
    found = comment(steps=steps)
    assert "fail at deploy-canary" in found
    assert "Nothing was registered" not in found


def test_figures_in_the_unit_of_the_target_have_no_points() -> None:
    rule = AGAINST | {"metric": "rmse", "operator": "<=", "bound": 1.0, "value": -2.25, "low": -4.0,
                      "high": -0.5, "method": "Student", "champion": 57.1}  # fmt: skip
    found = comment(task="regression", split="test", champion="1.2.0", rules=[rule])
    assert "| `rmse <= champion + 1` | -2.25 [-4, -0.5] | 57.1 | ✓ pass |" in found
    assert "The smallest rise in `rmse` that they can show: about 1.75." in found
    assert "points" not in found


def test_of_many_rules_those_that_did_not_pass_are_counted_above_the_fold() -> None:
    rules = [RULE | {"bound": 0.5 + number / 100} for number in range(40)]
    rules[30] |= {"status": "undecided"}
    steps = ended("gate", "undecided")
    found = comment(rules=rules, steps=steps)
    screen = found.partition("<details>")[0]
    assert screen.count("roc_auc") == words.SCREEN_LIMIT
    assert "28 more rules, 1 of them not passed: see below." in screen
    assert len(screen.splitlines()) < 30
    assert found.count("`roc_auc >= ") == 52
    rules[30] |= {"status": "pass"}
    assert "28 more rules, all passed: see below." in comment(rules=rules)


def test_a_rule_without_a_figure_and_one_passed_over_are_shown_as_that() -> None:
    none = {"value": None, "low": None, "high": None, "n": None, "method": "", "candidate": None}
    over = AGAINST | none | {"passed_over": True, "champion": None}
    found = comment(rules=[RULE, over], split="test")
    assert "| `accuracy >= champion - 0.05` |  |  | not judged: first release |" in found
    assert "| `accuracy >= champion - 0.05` |  |  |" in found.partition("2 rules")[2]
    assert "smallest" not in found


def test_a_fork_is_named_before_anything_it_says() -> None:
    own = comment()
    fork = words.comment(made(), run=RUN, from_fork=True)
    assert "verified" not in own
    assert fork.startswith("### ✓ tumour: the fork's run says: pass")
    assert fork.index("nobody has verified it") < fork.index("roc_auc")


def test_the_largest_facts_make_a_comment_that_github_takes() -> None:
    many = [RULE | {"bound": 0.1 + number * 1.23456789e-7, "n": 10**12} for number in range(50)]
    steps = [
        {"step": name, "status": "undecided", "seconds": 1e9, "errors": 10**12, "warnings": 10**12}
        for name in STEP_NAMES
    ]
    found = words.comment(made(rules=many, steps=steps), run=RUN * 5, from_fork=True)
    assert len(found) < LARGEST / 4
