"""Every two answers that change a pipeline, really run together; and every framework and task.

What is covered in pairs is walked on act and on gitlab-ci-local and held against the native
engine, which knows no CI file. The version of Python is none of the options here: it is one
variable of the files, and a machine has the versions that it has.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_init import product
from tests.mlops_init.helpers import call
from tests.mlops_steps import registry_server
from tests.workflows import cover, harness, mini

from mlops_init import answers, questions
from mlops_init.engines import Start
from mlops_init.errors import UsageError

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

CHOICES = {each.name: each.choices for each in questions.OPTIONS}
#: The options that change a file of CI and that a machine can walk.
CI = {name: values for name, values in product.OPTIONS.items() if name != "python_version"}
KINDS = {name: CHOICES[name] for name in ("framework", "task")}
EVERYTHING = {**product.OPTIONS, **KINDS, "ci": CHOICES["ci"]}
ENGINE = {"engine": ("act", "gitlab")}

FIRST = Start("ct", "manual", {"first-release": "true"})
#: What happens. Where ct passes it starts cd.
STARTS = (Start("ci", "push"), Start("ci", "pull_request"), FIRST)
JOBS = {
    "ci": {"lint", "test", "validate-data", "train", "evaluate", "gate", "report"},
    "ct": {"validate-data", "train", "evaluate", "gate", "register", "report"},
    "cd": {"deploy-canary", "report"},
}
#: The driver's program, with one GPU or none: the same on every machine.
NVIDIA_SMI = """\
#!/bin/sh
echo "{says}"
"""
ONE_GPU = "0, Stand-in, 16384, 550.54"
NO_GPU = "No devices were found"


def allowed(case: cover.Case) -> bool:
    """Whether a project can have these answers."""
    given = {name: value for name, value in case.items() if name not in ENGINE}
    try:
        answers.complete({"name": "small", **given})
    except UsageError:
        return False
    return True


CASES = cover.cover(CI, allowed)
REAL = cover.cover({**CI, **KINDS, **ENGINE}, allowed)


@pytest.fixture(autouse=True)
def _one_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    show_gpu(tmp_path, monkeypatch, ONE_GPU)


def show_gpu(folder: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    """Put a driver's program on PATH that says this."""
    program = folder / "driver" / "nvidia-smi"
    program.parent.mkdir(exist_ok=True)
    program.write_text(NVIDIA_SMI.format(says=says))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry_server.Server]:
    """A real registry."""
    with registry_server.running(tmp_path_factory.mktemp("registry")) as running:
        yield running


def make(folder: Path, case: cover.Case) -> Path:
    """A tiny project with these answers, committed."""
    made = mini.make(folder, **case)
    mini.edit(made, "mlops.yaml", "registry: platform", f"registry: {case['registry']}")
    mini.edit(made, "mlops.yaml", "gate:\n", f"train: {{gpu: {case['gpu']}}}\ngate:\n")
    mini.commit(made)
    return made


def name_of(case: cover.Case) -> str:
    """What a case is called among the tests."""
    words = (each.split(":")[0] for name, each in case.items() if name not in {"steps", "engine"})
    return "-".join(word for word in words if word)


def walk(project: Path, engine: str, start: Start, registry: str = "") -> harness.Walk:
    """Run what happens, all of which has to pass, with every job of it."""
    state = project.parent / f"state-{engine}-{start.workflow}-{start.event}"
    found = harness.walk(project, engine, start, state, registry=registry)
    assert found.problems == [], found.text()
    follows = ("cd",) if start is FIRST else ()
    assert [each.start.workflow for each in found.outcomes] == [start.workflow, *follows]
    for each in found.outcomes:
        statuses = {result.job: result.status for result in each.results}
        # A comment on a pull request is GitHub's alone.
        if engine == "act" and start.event == "pull_request":
            assert statuses.pop("comment") == "pass"
        assert statuses == dict.fromkeys(JOBS[each.start.workflow], "pass"), found.text()
    return found


def facts(found: harness.Walk) -> dict[str, Any]:
    """What was judged, without what follows from the machine's GPU or is GitHub's alone."""
    judged = harness.judged(found.state / "runs")
    return {name: each for name, each in judged.items() if "/comment " not in name}


def gpus(found: harness.Walk, workflow: str) -> list[str]:
    """The GPUs that were there to train on."""
    training = found.state / "runs" / workflow / "train" / "training.json"
    return [gpu["name"] for gpu in json.loads(training.read_text())["gpus"]]


@functools.cache
def native(folder: Path, workflow: str) -> dict[str, Any]:
    """What the native engine judges: of the answers, nothing changes it."""
    project = make(folder, CASES[0])
    start = FIRST if workflow == "ct" else Start("ci", "push")
    return facts(walk(project, "native", start))


Judge = Callable[[str], dict[str, Any]]


@pytest.fixture
def expected(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """`native`, in a folder that outlives a test."""

    def find(workflow: str) -> dict[str, Any]:
        folder = tmp_path_factory.getbasetemp() / f"native-{workflow}"
        folder.mkdir(exist_ok=True)
        return native(folder, workflow)

    return find


def address(case: cover.Case, start: Start, server: registry_server.Server, name: str) -> str:
    """A real registry where the project has one of its own, and something is kept in it."""
    wanted = start is FIRST and case["registry"].startswith("oci:")
    return f"oci+http:{server.host}/{name}" if wanted else ""


@dataclass(frozen=True)
class Turn:
    """A case of the cover, an engine, and what happens."""

    case: int
    engine: str
    start: Start

    def __str__(self) -> str:
        words = (self.engine, self.start.workflow, self.start.event, name_of(CASES[self.case]))
        return "-".join(words)


#: Of three starts each case meets two, one on each engine; each engine meets all.
TURNS = [
    Turn(number, engine, STARTS[(number + later) % len(STARTS)])
    for number in range(len(CASES))
    for later, engine in enumerate(ENGINE["engine"])
]
EVERY = itertools.starmap(Turn, itertools.product(range(len(CASES)), ENGINE["engine"], STARTS))
ALL_TURNS = [
    *TURNS,
    *(pytest.param(each, marks=pytest.mark.all) for each in EVERY if each not in TURNS),
]


@pytest.mark.parametrize("turn", ALL_TURNS, ids=str)
def test_every_two_answers_together_walk_their_road(
    turn: Turn, tmp_path: Path, server: registry_server.Server, expected: Judge
) -> None:
    case = CASES[turn.case]
    project = make(tmp_path, case)
    name = f"case/{turn.case}-{turn.engine}"
    registry = address(case, turn.start, server, name)
    found = walk(project, turn.engine, turn.start, registry)
    assert facts(found) == expected(turn.start.workflow)
    # Where no GPU is wanted the command sees none.
    assert gpus(found, turn.start.workflow) == ([] if case["gpu"] == "none" else ["Stand-in"])
    if turn.start is FIRST:
        assert (found.state / "versions").is_dir() == (not registry)
        tags = server.storage / "docker/registry/v2/repositories" / name / "_manifests/tags"
        assert (tags / "1.0.0").is_dir() == bool(registry)


def test_a_real_registry_is_among_them() -> None:
    met = {
        each.engine
        for each in TURNS
        if each.start is FIRST and CASES[each.case]["registry"].startswith("oci:")
    }
    assert met


@pytest.mark.all
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case", REAL, ids=[f"{case['engine']}-{name_of(case)}" for case in REAL])
def test_a_project_of_every_framework_and_task_walks_its_road(
    case: cover.Case, tmp_path: Path, server: registry_server.Server
) -> None:
    engine = case["engine"]
    given = {name: value for name, value in case.items() if name not in ENGINE}
    given["python_version"] = f"{sys.version_info[0]}.{sys.version_info[1]}"
    options = [word for pair in given.items() for word in ("-c", "=".join(pair))]
    made = call("new", "real", "--defaults", *options, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    project = tmp_path / "real"
    mini.commit(project)
    for start in (STARTS[0], FIRST):
        registry = address(case, start, server, f"real/{REAL.index(case)}")
        found = facts(walk(project, engine, start, registry))
        assert found == facts(walk(project, "native", start))
        assert any(name.endswith("metrics.json") for name in found)


@pytest.mark.parametrize("engine", ["native", "act", "gitlab"])
def test_a_gpu_that_is_required_and_not_there_stops_ct_before_it_trains(
    project: Path, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_gpu(tmp_path, monkeypatch, NO_GPU)
    mini.edit(project, "mlops.yaml", "gate:\n", "train: {gpu: required}\ngate:\n")
    mini.commit(project)
    start = harness.only("train", "validate-data", workflow="ct", event="manual")
    found = harness.walk(project, engine, start, tmp_path / "state")
    assert found.statuses("ct") == {"validate-data": "pass", "train": "undecided"}
    kept = found.state / "runs" / "ct" / "train"
    verdict = json.loads((kept / "verdict.json").read_text())
    assert verdict["exit_code"] == 4
    assert "nvidia-smi finds no GPU on this machine; nothing was trained" in verdict["line"]
    assert [path.name for path in kept.iterdir() if path.suffix == ".log"] == []


@pytest.mark.parametrize("engine", ["native", "act", "gitlab"])
def test_a_project_runs_the_copy_of_the_steps_that_it_holds(engine: str, tmp_path: Path) -> None:
    project = mini.make(tmp_path, vendor="on")
    step = ".mlops/steps/mlops_steps/setup/step.py"
    mini.edit(project, step, 'f"Python {platform', 'f"Our Python {platform')
    mini.commit(project)
    found = harness.walk(project, engine, harness.only("test"), tmp_path / "state")
    assert found.problems == []
    (result,) = found.of("ci").results
    assert result.status == "pass"
    assert result.lines[0].startswith("Our Python ")


def test_every_two_values_that_are_allowed_together_stand_together(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cases = cover.cover(EVERYTHING, allowed)
    assert all(map(allowed, cases))
    met = set().union(*map(cover.pairs, cases))
    missing = [pair for pair in cover.all_pairs(EVERYTHING) if pair not in met]
    for pair in missing:
        assert not any(map(allowed, cover.completions(EVERYTHING, pair))), pair
    with capsys.disabled():
        print(f"\n{len(met)} pairs in {len(cases)} cases; refused: {len(missing)}")
    assert len(missing) == 7
    assert len(cases) <= 25
