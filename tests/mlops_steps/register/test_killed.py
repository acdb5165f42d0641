"""Register, killed at every write of lasting state and at twenty other moments."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path

from tests.mlops_steps import killing
from tests.mlops_steps.conftest import Sample
from tests.mlops_steps.registry_server import running

from mlops_steps.registry.address import Registry
from mlops_steps.registry.folder import FolderRegistry
from mlops_steps.registry.oci import OciRegistry

Passed = Callable[..., Sample]


LEFTOVER = "an earlier run was stopped while it published 1.0.0"
PUBLISHED = "1.0.0 was published by an earlier run of the same records"


def nothing_is_half_there(registry: Registry, folder: Path) -> None:
    """After a kill: whatever can be seen is whole."""
    for version in registry.versions():
        registry.fetch(version, folder / version)
    alias = registry.alias("candidate")
    assert alias is None or alias.version in registry.versions()


def the_next_run_ends_right(project: Sample, registry: Registry) -> list[str]:
    """Returns what it said it found."""
    ran = project.run("register")
    assert ran.code == 0, ran.text
    assert ran.verdict["status"] == "pass"
    assert ran.verdict["outputs"]["version"] == "1.0.0"
    assert registry.versions() == ["1.0.0"]
    alias = registry.alias("candidate")
    assert alias
    assert alias.version == "1.0.0"
    assert alias.digest == ran.verdict["outputs"]["digest"]
    found = [each["message"].partition(";")[0] for each in ran.verdict["findings"]]
    assert all(message in ran.text for message in found)
    return found


def status(project: Sample) -> str:
    path = project.folder / "out" / "register" / "verdict.json"
    return str(json.loads(path.read_text())["status"])


def test_at_every_write_to_a_folder(passed: Passed, tmp_path: Path) -> None:
    project = passed()
    verdict = project.folder / "out" / "register" / "verdict.json"
    state = tmp_path / "state"
    project.env["MLOPS_STATE"] = str(state)
    writes = killing.count_writes(project, "register", under=[state, verdict])
    assert writes > 30
    seen: set[str] = set()
    for number in range(1, writes + 1):
        state = tmp_path / f"state-{number}"
        project.env["MLOPS_STATE"] = str(state)
        registry = FolderRegistry(state, "tumour")
        killing.kill_before_write(project, number, "register", under=[state, verdict])
        # The first write puts "started, not finished" in the place of the last run's verdict.
        assert number == 1 or status(project) == "undecided"
        nothing_is_half_there(registry, tmp_path / f"seen-{number}")
        expected = [PUBLISHED] if registry.versions() else []
        expected += [LEFTOVER] if (state / "versions" / ".1.0.0").exists() else []
        assert the_next_run_ends_right(project, registry) == expected
        assert not list((state / "versions").glob(".*"))
        seen.update(expected)
    assert seen == {LEFTOVER, PUBLISHED}


def test_at_every_request_that_changes_a_server(passed: Passed, tmp_path: Path) -> None:
    project = passed()
    verdict = project.folder / "out" / "register" / "verdict.json"
    seen: set[str] = set()
    with running(tmp_path / "server") as server:
        address = f"{server.host}/owner/tumour"
        project.env["MLOPS_REGISTRY"] = f"oci+http:{address}"
        writes = killing.count_writes(project, "register", under=[verdict])
        assert writes > 15
        for number in range(1, writes + 1):
            project.env["MLOPS_REGISTRY"] = f"oci+http:{address}-{number}"
            registry = OciRegistry(server.host, f"owner/tumour-{number}", "tumour", plain=True)
            killing.kill_before_write(project, number, "register", under=[verdict])
            assert number == 1 or status(project) == "undecided"
            nothing_is_half_there(registry, tmp_path / f"seen-{number}")
            published = registry.versions() != []
            found = the_next_run_ends_right(project, registry)
            assert found == [PUBLISHED] if published else found in ([], [LEFTOVER])
            seen.update(found)
    assert seen == {LEFTOVER, PUBLISHED}


def test_at_twenty_other_moments(passed: Passed, tmp_path: Path) -> None:
    project = passed()
    begun = time.monotonic()
    assert project.run("register").code == 0
    whole = time.monotonic() - begun
    verdict = project.folder / "out" / "register" / "verdict.json"
    moments = random.Random(20)
    killed = 0
    for number in range(20):
        state = tmp_path / f"state-{number}"
        project.env["MLOPS_STATE"] = str(state)
        registry = FolderRegistry(state, "tumour")
        before = verdict.read_bytes()
        # It starts and reads for a third of its time; from then on it writes.
        killed += killing.kill_after(project, moments.uniform(0.3, 1.0) * whole, "register")
        unseen = verdict.read_bytes() == before
        nothing_is_half_there(registry, tmp_path / f"seen-{number}")
        # Either it had not begun, or it is undecided, or everything was done by then.
        done = registry.alias("candidate") is not None
        assert status(project) == "undecided" or (done if not unseen else not state.exists())
        the_next_run_ends_right(project, registry)
    assert killed
