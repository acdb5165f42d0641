"""Which jobs run on which event: the same on act and on gitlab-ci-local, observed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.workflows import harness, mini

from mlops_init.engines import Start

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
CI = ("evaluate", "gate", "lint", "report", "test", "train", "validate-data")
CT = ("evaluate", "gate", "register", "report", "train", "validate-data")
CD = ("deploy-canary", "report")
MONITOR = ("monitor", "report")
FIRST = {"first-release": "true"}
#: What happens, in this order, and every workflow with the jobs that then run. A champion is
#: there after the first; monitor finds drift, ct registers, so each starts the next.
TABLE: list[tuple[Start, list[tuple[str, tuple[str, ...]]]]] = [
    (Start("ct", "manual", FIRST), [("ct", CT), ("cd", CD)]),
    (Start("ci", "push"), [("ci", CI)]),
    (Start("ci", "pull_request"), [("ci", CI)]),
    (Start("monitor", "schedule"), [("monitor", MONITOR), ("ct", CT), ("cd", CD)]),
]
#: The rest, as long as the others: for whoever has a quarter of an hour.
MORE: list[tuple[Start, list[tuple[str, tuple[str, ...]]]]] = [
    (Start("ct", "manual", FIRST), [("ct", CT), ("cd", CD)]),
    (Start("ct", "schedule"), [("ct", CT), ("cd", CD)]),
    (Start("monitor", "manual"), [("monitor", MONITOR), ("ct", CT), ("cd", CD)]),
    # Last: while a younger candidate than the champion is there, monitor starts nothing.
    (Start("cd", "manual", {"version": "1.0.0"}), [("cd", CD)]),
]
#: Jobs that comment on a pull request are GitHub's alone.
ON_GITHUB_ALONE = {("ci", "pull_request"): ("comment",)}


def observe(project: Path, engine: str, table: list[tuple[Start, object]]) -> list[object]:
    """What ran for each start, each on what those before it have left."""
    seen = []
    for start, _ in table:
        found = harness.walk(project, engine, start, project.parent / f"state-{engine}")
        assert found.problems == []
        assert found.trusted, [outcome.results for outcome in found.outcomes]
        more = ON_GITHUB_ALONE.get((start.workflow, start.event), ())
        ran = [
            (workflow, tuple(job for job in jobs if job not in more))
            for workflow, jobs in found.ran
        ]
        if more and engine == "act":
            assert set(more) <= set(found.of(start.workflow).accounts)
        seen.append((start, ran))
    return seen


@pytest.mark.parametrize("engine", ["act", "gitlab"])
def test_an_event_starts_its_jobs(tmp_path: Path, engine: str) -> None:
    project = mini.make(tmp_path, drift=True, inference_log="data/requests.csv")
    mini.commit(project)
    assert observe(project, engine, TABLE) == TABLE


@pytest.mark.all
@pytest.mark.parametrize("engine", ["act", "gitlab"])
def test_every_other_event_starts_its_jobs(tmp_path: Path, engine: str) -> None:
    project = mini.make(tmp_path, drift=True, inference_log="data/requests.csv")
    mini.commit(project)
    assert observe(project, engine, MORE) == MORE


@pytest.mark.parametrize("engine", ["act", "gitlab"])
def test_a_workflow_that_was_started_and_refused_is_told_to_its_end(
    tmp_path: Path, engine: str
) -> None:
    project = mini.make(tmp_path, drift=True, inference_log="data/requests.csv")
    mini.commit(project)
    state = tmp_path / "state"
    assert harness.walk(project, engine, Start("ct", "manual", FIRST), state).trusted
    mini.edit(project, "data/samples.csv", ",no\n2,", ",unclear\n2,")
    mini.commit(project, "Spoil the data")
    found = harness.walk(project, engine, Start("monitor", "manual"), state)
    assert found.ran == [("monitor", MONITOR), ("ct", ("report", "validate-data"))]
    assert found.statuses("ct")["validate-data"] == "fail"
    assert found.statuses("ct")["report"] == "pass"
    assert found.statuses("ct")["register"] == "skipped"
    # What the monitor said came with it, as it was.
    reason = found.job("monitor", "monitor").outputs["reason"]
    assert reason.startswith("drift in light")
    assert found.of("ct").start.inputs["reason"] == reason
