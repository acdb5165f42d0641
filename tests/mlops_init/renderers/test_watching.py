"""Alert rules and dashboard, judged by Prometheus itself: each alert red and green."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.mlops_init.helpers import YAMLLINT, run, tool
from tests.mlops_steps.monitor.facts import facts
from tests.prometheus import api, prometheus, promtool, pushgateway, query, until

from mlops_init.renderers import watching
from mlops_steps.config import Metrics
from mlops_steps.monitor import metrics
from mlops_steps.monitor.exporting import to_pushgateway
from mlops_steps.monitor.retraining import IN_VAIN
from mlops_steps.record import Figure

HOURS = 30
DAY = 0.05 / 365


def hours(*spans: tuple[float, int]) -> str:
    """Values as promtool reads them, one a minute: each for so many hours."""
    return " ".join(f"{value!r}x{60 * length - 1}" for value, length in spans)


LONG = 75
#: Of a model that is well; it ran in this very minute.
HEALTHY = {
    "last_run_timestamp_seconds": f"0+60x{60 * LONG}",
    "drifted_columns": hours((0, LONG)),
    "dropped_metrics": hours((0, LONG)),
    "status|status=undecided": hours((0, LONG)),
    "false_alarm_budget_ratio": hours((0.05, LONG)),
    "false_alarm_budget_available_ratio": hours((DAY, LONG)),
    "retraining_held|reason=loop_breaker": hours((0, LONG)),
    "retrainings_in_vain": hours((0, LONG)),
}
ALERTS = (
    "MlopsDrift",
    "MlopsPerformanceDropped",
    "MlopsMonitorSilent",
    "MlopsMonitorUndecided",
    "MlopsMonitorBudgetSpent",
    "MlopsRetrainingStopped",
)
GONE: dict[str, str] = dict.fromkeys(HEALTHY, "")
#: What is changed, when it is looked at, and what then fires.
LAST, HELD, VAIN = (
    "last_run_timestamp_seconds",
    "retraining_held|reason=loop_breaker",
    "retrainings_in_vain",
)
UNDECIDED, LEFT = "status|status=undecided", "false_alarm_budget_available_ratio"
CASES: list[tuple[str, dict[str, str], str, str]] = [
    ("well", {}, "74h", ""),
    ("one column", {"drifted_columns": hours((0, 1), (1, 2))}, "90m", "MlopsDrift"),
    ("no longer", {"drifted_columns": hours((1, 10), (0, 2))}, "11h", ""),
    ("a metric", {"dropped_metrics": hours((1, 2))}, "90m", "MlopsPerformanceDropped"),
    ("no run for 30 hours", {LAST: hours((0, LONG))}, "30h", ""),
    ("9 minutes more", {LAST: hours((0, LONG))}, "1809m", ""),
    ("31 hours", {LAST: hours((0, LONG))}, "31h", "MlopsMonitorSilent"),
    ("never", GONE, "12m", "MlopsMonitorSilent"),
    ("a Prometheus that just began", GONE, "9m", ""),
    ("undecided for 59 hours", {UNDECIDED: hours((1, LONG))}, "59h", ""),
    ("for 61", {UNDECIDED: hours((1, LONG))}, "61h", "MlopsMonitorUndecided"),
    ("not always", {UNDECIDED: hours((1, 40), (0, 1), (1, 34))}, "74h", ""),
    ("little left", {LEFT: hours((DAY / 99, 6))}, "5h", ""),
    ("less", {LEFT: hours((DAY / 101, 6))}, "5h", "MlopsMonitorBudgetSpent"),
    ("two started, none held", {VAIN: hours((2, 6))}, "5h", ""),
    ("held", {VAIN: hours((2, 6)), HELD: hours((1, 6))}, "5h", "MlopsRetrainingStopped"),
    (
        "held, and then a run that judged nothing",
        {VAIN: hours((2, LONG)), HELD: hours((1, 5), (0, 70))},
        "60h",
        "MlopsRetrainingStopped",
    ),
    (
        "held, and then without drift",
        {VAIN: hours((2, 5), (0, 2)), HELD: hours((1, 5), (0, 2))},
        "6h",
        "",
    ),
]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "alerts.yml"
    path.write_text(watching.alerts("churn", HOURS))
    return path


def unit_test(rules: Path, case: tuple[str, dict[str, str], str, str]) -> dict[str, Any]:
    """A test as promtool reads it: nothing but the expected alert fires."""
    name, changed, at, fires = case
    written = yaml.safe_load(rules.read_text())["groups"][0]["rules"]
    declared = {each["alert"]: each for each in written}
    series = []
    for key, values in (HEALTHY | changed).items():
        metric, _, more = key.partition("|")
        label, _, value = more.partition("=")
        labels = 'model="churn"' + (f',{label}="{value}"' if label else "")
        # What another model's monitor says is no business of this one's rules.
        for other in (labels, labels.replace("churn", "other")):
            shown = values if other == labels else hours((1, LONG))
            if shown:
                series.append({"series": f"mlops_monitor_{metric}{{{other}}}", "values": shown})
    expected = []
    for alert in ALERTS:
        found: list[dict[str, Any]] = []
        if alert == fires:
            said = {
                key: text.replace("{{ $labels.model }}", "churn").replace("{{ $value }}", "1")
                for key, text in declared[alert]["annotations"].items()
            }
            labels_of = declared[alert]["labels"] | {"model": "churn"}
            found = [{"exp_labels": labels_of, "exp_annotations": said}]
        expected.append({"eval_time": at, "alertname": alert, "exp_alerts": found})
    return {
        "name": name,
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": expected,
    }


def test_promtool_accepts_the_rules(rules: Path) -> None:
    found = promtool("check", "rules", rules)
    assert found.returncode == 0, found.stderr
    assert f"{len(ALERTS)} rules found" in found.stdout
    linted = run(tool("yamllint"), "--strict", "-d", YAMLLINT, rules, folder=rules.parent)
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_an_alert_fires_when_it_should_and_no_other(
    rules: Path, case: tuple[str, dict[str, str], str, str]
) -> None:
    suite = {
        "rule_files": [str(rules)],
        "evaluation_interval": "3m",
        "tests": [unit_test(rules, case)],
    }
    path = rules.parent / "test.yml"
    path.write_text(yaml.safe_dump(suite))
    found = promtool("test", "rules", path)
    assert found.returncode == 0, found.stdout + found.stderr


def test_every_alert_is_seen_red_and_a_wrong_one_is_noticed(rules: Path) -> None:
    assert {case[3] for case in CASES} - {""} == set(ALERTS)
    case = ("wrong", {"drifted_columns": hours((1, 6))}, "5h", "")
    path = rules.parent / "test.yml"
    suite = {"rule_files": [str(rules)], "tests": [unit_test(rules, case)]}
    path.write_text(yaml.safe_dump(suite))
    found = promtool("test", "rules", path)
    assert found.returncode == 1
    assert "MlopsDrift" in found.stdout + found.stderr


def test_a_prometheus_answers_every_expression_with_what_a_run_told(
    rules: Path, tmp_path: Path
) -> None:
    board = json.loads(watching.dashboard("churn", HOURS))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(asked) == 24
    with (
        pushgateway(tmp_path / "gateway") as gateway,
        prometheus(tmp_path / "prometheus", gateway, rules=rules) as server,
    ):
        told = metrics.text(facts())
        assert to_pushgateway(Metrics(pushgateway=f"http://{gateway}"), "churn", told) == ""
        assert until(lambda: query(server, 'mlops_monitor_status{model="churn"}'))
        for expression in asked:
            assert query(server, expression), expression
        # Those that the figures ask for, and the two that fire at once, are told so.
        found = until(lambda: states(server).get("MlopsRetrainingStopped") == "firing")
        assert found
        assert states(server) == {
            "MlopsDrift": "firing",
            "MlopsPerformanceDropped": "firing",
            "MlopsMonitorSilent": "pending",  # those figures are of March 2026
            "MlopsMonitorUndecided": "inactive",
            "MlopsMonitorBudgetSpent": "inactive",
            "MlopsRetrainingStopped": "firing",
        }


def states(server: str) -> dict[str, str]:
    """What a Prometheus makes of each rule, as soon as it has evaluated it."""
    (group,) = api(server, "rules")["groups"]
    return {each["name"]: each["state"] for each in group["rules"] if each["health"] == "ok"}


def test_the_rules_speak_of_what_the_step_writes(rules: Path) -> None:
    """Else an alert would stay green for ever, by a name that is not there."""
    told = metrics.text(facts(figures={"held": Figure(value="loop_breaker")}))
    told = told.replace("churn", "other")
    for key in HEALTHY:
        metric, _, more = key.partition("|")
        label, _, value = more.partition("=")
        labels = 'model="other"' + (f',{label}="{value}"' if label else "")
        assert f"mlops_monitor_{metric}{{{labels}}} " in told
        assert f"mlops_monitor_{metric}{{" in rules.read_text()
    assert watching.IN_VAIN == IN_VAIN


def test_the_dashboard_is_laid_out_without_overlap() -> None:
    board = json.loads(watching.dashboard("a" * 63, HOURS))
    assert len(board["uid"]) <= 40
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
