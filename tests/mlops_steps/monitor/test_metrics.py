"""The figures as text: Prometheus's own tool reads it, whatever the columns are called."""

from __future__ import annotations

from typing import get_args

import pytest
from tests.mlops_steps.monitor.facts import HOSTILE, NOW, drift, facts
from tests.prometheus import check_metrics

from mlops_steps.monitor.metrics import COLUMNS, text
from mlops_steps.monitor.retraining import Hold
from mlops_steps.record import Figure
from mlops_steps.spec import Status


def series(found: str) -> dict[str, float]:
    """Value by name and labels."""
    lines = [line.rpartition(" ") for line in found.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def of(found: str, name: str, labels: str = "") -> float | None:
    return series(found).get(f'mlops_monitor_{name}{{model="churn"{labels}}}')


def test_promtool_reads_it_and_finds_nothing_to_mend() -> None:
    check_metrics(text(facts()))
    nothing = facts(status=Status.UNDECIDED, figures={}, drift=None, performance=None, ledger=None)
    check_metrics(text(nothing))


def test_it_says_what_the_run_found() -> None:
    found = text(facts())
    assert of(found, "last_run_timestamp_seconds") == NOW.timestamp()
    verdicts = [of(found, "status", f',status="{each}"') for each in Status]
    assert verdicts == [1, 0, 0]
    assert of(found, "champion_info", ',version="1.2.0"') == 1
    rows = ("recent_rows", "new_rows", "reference_rows", "logged_requests", "minimum_rows")
    assert [of(found, each) for each in rows] == [900, 300, 5000, 1000, 100]
    assert (of(found, "columns"), of(found, "drifted_columns")) == (3, 2)
    assert of(found, "allowed_effect_sd") == 0.1
    each = ("column_drifted", "column_effect_sd", "column_effect_bound_sd", "column_null_ratio")
    assert [of(found, name, ',column="moved"') for name in each] == [1, 0.4, 0.3, 0.25]
    assert [of(found, name, ',column="gone"') for name in each] == [1, None, None, None]
    states = [of(found, "retrainings", f',state="{s}"') for s in ("starting", "started", "failed")]
    assert states == [0, 1, 1]  # of this year
    assert (of(found, "retrainings_allowed"), of(found, "retrainings_in_vain")) == (12, 2)
    assert of(found, "last_retraining_timestamp_seconds") == 1769904000
    assert of(text(facts(due=True)), "retraining_due") == 1
    assert of(found, "retraining_due") == 0


def test_what_labels_say_is_told() -> None:
    found = text(facts())
    names = ("labelled_rows", "labels_undecided", "dropped_metrics")
    assert [of(found, each) for each in names] == [600, 0, 1]
    metric = ("value", "low", "high", "evaluated")
    values = [of(found, f"metric_{each}", ',metric="accuracy"') for each in metric]
    assert values == [0.8, 0.77, 0.83, 0.95]


def test_the_budget_is_what_a_run_would_find_now() -> None:
    found = text(facts())
    assert of(found, "false_alarm_budget_ratio") == 0.05
    assert of(found, "false_alarm_budget_spent_ratio") == pytest.approx(0.006, abs=1e-12)
    earned = 0.05 / 365  # on day 61, after the 60th
    available = of(found, "false_alarm_budget_available_ratio")
    assert available == pytest.approx(0.002 + earned, abs=1e-12)
    new_year = text(facts(now=NOW.replace(year=2027, month=1, day=2)))
    assert of(new_year, "false_alarm_budget_spent_ratio") == pytest.approx(0, abs=1e-12)
    assert of(new_year, "false_alarm_budget_available_ratio") == pytest.approx(0.1 / 365)


@pytest.mark.parametrize("reason", get_args(Hold))
def test_one_reason_holds(reason: str) -> None:
    found = text(facts(figures={"held": Figure(value=reason)}))
    shown = [each for each, value in series(found).items() if "_held{" in each and value]
    assert shown == [f'mlops_monitor_retraining_held{{model="churn",reason="{reason}"}}']


def test_what_is_not_known_has_no_line() -> None:
    """A zero would say that there is no drift, or that nothing was spent."""
    found = text(
        facts(status=Status.UNDECIDED, figures={}, drift=None, performance=None, ledger=None)
    )
    assert of(found, "status", ',status="undecided"') == 1
    known = {name.partition("{")[0].removeprefix("mlops_monitor_") for name in series(found)}
    assert known == {
        "last_run_timestamp_seconds",
        "status",
        "minimum_rows",
        "allowed_effect_sd",
        "retraining_due",
        "retraining_held",
    }
    assert "# HELP mlops_monitor_column" not in found


@pytest.mark.parametrize("columns", [100, 10_000])
def test_there_are_few_series(columns: int) -> None:
    names = [f"c{number}" for number in range(columns)]
    found = series(text(facts(drift=drift(*names), performance=None)))
    assert len(found) == 4 * min(columns, COLUMNS) + 30
    assert found['mlops_monitor_drifted_columns{model="churn"}'] == columns


def test_any_name_of_a_column_is_read() -> None:
    long = "x" * 5000
    names = (HOSTILE, "\\", '"', "", "\ud800", "é\u2028", long, f"{long}y")
    found = text(facts(drift=drift(*names)))
    check_metrics(found)
    assert max(map(len, found.splitlines())) < 300
    assert found.count("mlops_monitor_column_drifted{") == len(names)


def test_two_values_of_one_series_are_refused() -> None:
    with pytest.raises(ValueError, match="column_drifted: two values have the same labels"):
        text(facts(drift=drift("twice", "twice")))
