"""The step on projects of the other tasks, with the log and the profile that the steps write."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.small import ROWS, become

from mlops_steps.config import load
from mlops_steps.data.profile import write_profile
from mlops_steps.deploy_canary import rows
from mlops_steps.registry.folder import FolderRegistry
from mlops_steps.registry.version import describe

Road = Callable[..., Any]
NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)


@pytest.fixture
def watched(sample: Callable[..., Any], tmp_path: Path) -> Road:
    """A project with a champion that was asked about the rows as `changed` leaves them."""

    def make(task: str, changed: Callable[[list[str]], str] = ",".join) -> Any:
        made = become(sample(), task)
        config = load(made.folder)
        table, source = config.table, made.folder / config.table.path
        registry = FolderRegistry(Path(made.env["MLOPS_STATE"]), config.model.name)
        folder = tmp_path / "version"
        for part in ("model", "source"):
            (folder / part).mkdir(parents=True)
            (folder / part / "file").write_text("x")
        left_out = [name for name in (table.key, table.target, table.file) if name]
        profile = folder / "records" / "train" / "profile.json"
        write_profile(source, profile, leave_out=left_out)
        manifest = describe(folder, model=config.model.name, version="1.0.0")
        (folder / "version.json").write_bytes(manifest.encoded())
        registry.publish("1.0.0", folder)
        registry.set_alias("champion", "1.0.0", expected=None, reason="first")
        head, *lines = source.read_text().splitlines()
        asked = tmp_path / "asked.csv"
        asked.write_text("\n".join([head, *(changed(line.split(",")) for line in lines)]) + "\n")
        answers = [
            rows.Logged(number, NOON, "1.0.0", 150.5 if task == "regression" else 0.5, "x")
            for number in range(ROWS)
        ]
        rows.write_log(asked, table, answers, tmp_path / "log.parquet")
        registry.append_log(tmp_path / "log.parquet")
        return made

    return make


def shifted(cells: list[str]) -> str:
    """The first feature that is a number, in other units."""
    place = 2 if cells[1].startswith("images/") else 1
    cells[place] = f"{float(cells[place]) * 25:.2f}"
    return ",".join(cells)


COLUMNS = {
    "multiclass": ["petal_length", "petal_width"],
    "regression": ["bmi", "age"],
    "files": ["exposure"],
}


@pytest.mark.parametrize("task", COLUMNS)
def test_features_are_watched_and_nothing_else(watched: Road, task: str) -> None:
    made = watched(task)
    ran = made.run("monitor")
    assert (ran.code, ran.verdict["outputs"]["retrain"]) == (0, "false"), ran.text
    found = json.loads((made.folder / "out/monitor/drift.json").read_text())
    assert {each["name"] for each in found["columns"]} == set(COLUMNS[task])
    assert (found["rows"], found["reference_rows"]) == (ROWS, ROWS)


@pytest.mark.parametrize("task", COLUMNS)
def test_drift_is_seen(watched: Road, task: str) -> None:
    ran = watched(task, shifted).run("monitor")
    assert (ran.code, ran.verdict["outputs"]["retrain"]) == (0, "true"), ran.text
    assert ran.verdict["findings"][0]["details"]["column"] == COLUMNS[task][0]


def without_numbers(monkeypatch: pytest.MonkeyPatch, *, camera: bool) -> None:
    def bare(project: Any) -> list[str]:
        cells = "images/{0}.pgm,wide" if camera else "images/{0}.pgm"
        lines = [f"{number},{cells.format(number)},dark" for number in range(ROWS)]
        return ["id,image,camera,shade" if camera else "id,image,shade", *lines]

    monkeypatch.setattr("tests.mlops_steps.small.images", bare)


def test_no_column_to_watch_is_undecided(watched: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    without_numbers(monkeypatch, camera=False)
    ran = watched("files").run("monitor", start="ct")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided"), ran.text
    assert ran.verdict["line"].startswith("the training rows of 1.0.0 have no column to watch")
    assert ran.verdict["outputs"]["retrain"] == "false"


def test_a_column_of_words_is_watched(watched: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    without_numbers(monkeypatch, camera=True)
    ran = watched("files", lambda cells: ",".join(cells).replace("wide", "tele")).run("monitor")
    assert (ran.code, ran.verdict["outputs"]["retrain"]) == (0, "true"), ran.text
    assert ran.verdict["outputs"]["reason"].startswith("drift in camera: ")
