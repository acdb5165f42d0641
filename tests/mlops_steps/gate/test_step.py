from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops_steps.stats.results import Champion, Estimate, Metrics, write


def figures(low: float, high: float, *, split: Any = "test", champion: bool = False) -> Metrics:
    sure = Estimate(
        value=(low + high) / 2, low=low, high=high, n=171, method="Newcombe", holm=[(low, high)]
    )
    lost = Estimate(
        value=-0.1, low=-0.15, high=-0.06, n=171, method="Tango", holm=[(-0.16, -0.055)]
    )
    return Metrics(
        split=split,
        rows=171,
        positives=60,
        confidence=0.95,
        candidate={"roc_auc": sure, "accuracy": sure},
        champion=Champion(version="1.0.0", metrics={"accuracy": sure}) if champion else None,
        difference={"accuracy": lost} if champion else {},
    )


@pytest.fixture
def project(sample: Callable[..., Any]) -> Any:
    return sample()


def evaluated(project: Any, metrics: Metrics, *, status: str = "pass") -> None:
    """Leave `out/evaluate/` as the step evaluate does, by the same record."""
    from mlops_steps import config
    from mlops_steps.evaluate.step import STEP
    from mlops_steps.frame import _head
    from mlops_steps.record import Record
    from mlops_steps.spec import Status

    folder: Path = project.folder
    record = Record(STEP, folder, config.load(folder), {"split": metrics.split})
    write(folder / "out/evaluate/metrics.json", metrics)
    record.wrote("out/evaluate/metrics.json")
    record.verdict.status = Status(status)
    record.verdict.commit = _head(folder)
    record.say("evaluated")
    record.write()


def test_a_first_release_passes_and_is_recorded(project: Any) -> None:
    evaluated(project, figures(0.96, 0.99))
    ran = project.run("gate", first_release="true")
    assert ran.code == 0, ran.text
    assert ran.verdict["line"] == "1 rule, 1 passed over (first release), 171 rows"
    assert [each["rule"] for each in ran.verdict["findings"]] == ["first-release"]
    rules = json.loads((project.folder / "out/gate/rules.json").read_text())
    assert [(each["rule"], each["status"], each["passed_over"]) for each in rules] == [
        ("roc_auc >= 0.95", "pass", False),
        ("accuracy >= champion - 0.05", "pass", True),
    ]
    assert "out/gate/rules.json" in ran.verdict["wrote"]


def test_without_a_champion_and_without_the_flag_it_is_undecided(project: Any) -> None:
    evaluated(project, figures(0.96, 0.99))
    ran = project.run("gate")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert ran.verdict["line"] == "accuracy >= champion - 0.05"
    assert "a first release needs the input first-release" in ran.verdict["lines"][0]
    assert ran.verdict["lines"][-1] == "Nothing was registered; there is still no champion."


def test_a_refusal_says_what_did_not_happen(project: Any) -> None:
    evaluated(project, figures(0.96, 0.99, champion=True))
    ran = project.run("gate", first_release="true")
    assert (ran.code, ran.verdict["status"]) == (1, "fail")
    assert ran.verdict["line"] == "accuracy >= champion - 0.05"
    assert "difference -10.0 points [-15.0, -6.0], 171 rows, paired (Tango)" in ran.text
    assert ran.verdict["lines"][-1] == "Nothing was registered; the champion is still 1.0.0."
    found = {each["rule"]: each for each in ran.verdict["findings"]}
    assert found["rule-fail"]["file"] == "mlops.yaml"
    assert found["rule-fail"]["line"] == 17
    assert "no effect: the champion is 1.0.0" in found["first-release"]["message"]


def test_valid_rows_are_judged_by_their_own_rules(project: Any) -> None:
    evaluated(project, figures(0.91, 0.99, split="valid"))
    ran = project.run("gate", split="valid")
    assert ran.code == 0, ran.text
    assert ran.verdict["line"] == "1 rule, 171 rows"


@pytest.mark.parametrize(
    ("metrics", "status", "message"),
    [
        (figures(0.96, 0.99, split="valid"), "pass", "is about the valid rows"),
        (figures(0.96, 0.99), "undecided", "evaluate ended undecided: evaluated"),
        (figures(0.96, 0.99), "fail", "evaluate ended fail: evaluated"),
    ],
)
def test_figures_of_something_else_are_not_judged(
    project: Any, metrics: Metrics, status: str, message: str
) -> None:
    evaluated(project, metrics, status=status)
    ran = project.run("gate", first_release="true")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert message in ran.verdict["line"]


def test_changed_figures_are_not_judged(project: Any) -> None:
    evaluated(project, figures(0.90, 0.99))
    write(project.folder / "out/evaluate/metrics.json", figures(0.96, 0.99))
    ran = project.run("gate", first_release="true")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert "changed since step evaluate wrote it" in ran.verdict["line"]


def test_a_mistake_in_either_list_has_its_place(project: Any) -> None:
    text = (project.folder / "mlops.yaml").read_text()
    project.write("mlops.yaml", text.replace("valid: [roc_auc", "valid: [acuracy"))
    evaluated(project, figures(0.96, 0.99))
    ran = project.run("gate")
    assert ran.code == 2
    assert ran.verdict["line"] == (
        'mlops.yaml:18:11: gate.valid[0]: unknown metric "acuracy". Did you mean "accuracy"? '
        "Known for task binary: accuracy, average_precision, brier, f1, log_loss, precision, "
        "recall, roc_auc"
    )
