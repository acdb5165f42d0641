"""`mlops-init monitoring`: two files for the model of mlops.yaml, and never over somebody's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.mlops_init.helpers import call
from tests.prometheus import promtool

START = "model: {name: churn, task: binary}\n"


def test_it_writes_rules_and_dashboard(tmp_path: Path) -> None:
    (tmp_path / "mlops.yaml").write_text(f"{START}monitor: {{metrics: {{textfile: /srv/prom}}}}\n")
    made = call("monitoring", folder=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    folder = tmp_path / "monitoring"
    assert sorted(each.name for each in folder.iterdir()) == ["alerts.yml", "dashboard.json"]
    assert promtool("check", "rules", folder / "alerts.yml").returncode == 0
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    again = call("monitoring", folder=tmp_path)
    assert again.returncode == 0
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == before


def test_it_says_when_nothing_reaches_prometheus(tmp_path: Path) -> None:
    (tmp_path / "mlops.yaml").write_text(START)
    made = call("monitoring", folder=tmp_path)
    assert made.returncode == 0
    assert "mlops.yaml has no monitor.metrics" in made.stderr


def test_another_bound_is_in_the_rule(tmp_path: Path) -> None:
    (tmp_path / "mlops.yaml").write_text(START)
    assert call("monitoring", "--hours", "200", folder=tmp_path).returncode == 0
    rules = yaml.safe_load((tmp_path / "monitoring" / "alerts.yml").read_text())["groups"][0]
    silent = next(each for each in rules["rules"] if each["alert"] == "MlopsMonitorSilent")
    assert f"> {200 * 3600}\n" in silent["expr"]
    assert "for 200 hours" in silent["annotations"]["summary"]


def test_what_somebody_changed_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mlops.yaml").write_text(START)
    own = tmp_path / "monitoring" / "dashboard.json"
    own.parent.mkdir()
    own.write_text("{}")
    refused = call("monitoring", folder=tmp_path)
    assert refused.returncode == 2
    assert "dashboard.json: is there and reads otherwise. --force overwrites it" in refused.stderr
    assert [each.name for each in own.parent.iterdir()] == ["dashboard.json"]
    assert own.read_text() == "{}"
    assert call("monitoring", "--force", folder=tmp_path).returncode == 0
    assert own.read_text() != "{}"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "mlops.yaml: No such file or directory"),
        ("", "mlops.yaml: model.name: None is not allowed. Allowed: lower-case letters"),
        ("- a\n", "mlops.yaml: model.name: None is not allowed"),
        ('model: {name: "a\\"} or vector(1)"}\n', "is not allowed"),
        ("model: {name: [a]}\n", "mlops.yaml: model.name: ['a'] is not allowed"),
        ("model: {name: a\n", "mlops.yaml: cannot be read as YAML: "),
        ("model: {name: a}\nmodel: {name: b}\n", "mlops.yaml: cannot be read as YAML: "),
        ("[" * 5000, "mlops.yaml: "),
        ("a: &a [x]\nb: *c\n", "mlops.yaml: cannot be read as YAML: "),
        ("when: 2026-99-99\n", "mlops.yaml: cannot be read as YAML: "),
    ],
)
def test_without_a_model_nothing_is_written(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    if content is not None:
        (tmp_path / "mlops.yaml").write_text(content)
    made = call("monitoring", folder=tmp_path)
    assert made.returncode == 2, made.stderr
    assert problem in made.stderr
    assert len(made.stderr.splitlines()) == 1
    assert not (tmp_path / "monitoring").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "mlops.yaml").write_text(START)
    (tmp_path / "monitoring").write_text("a file")
    made = call("monitoring", folder=tmp_path)
    assert (made.returncode, len(made.stderr.splitlines())) == (2, 1)
    assert "monitoring: cannot be written: " in made.stderr
