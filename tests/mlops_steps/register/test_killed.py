"""Register, killed at every write of lasting state and at twenty other moments."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from pathlib import Path

from tests.mlops_steps.conftest import Sample
from tests.mlops_steps.register.dying import killed_after, killed_at_write, was_killed
from tests.mlops_steps.registry_server import running

from mlops_steps.registry.address import Registry
from mlops_steps.registry.folder import FolderRegistry
from mlops_steps.registry.oci import OciRegistry

Passed = Callable[..., Sample]


#: The first three writes (folder, file, renaming) are those that replace the last run's verdict by "not finished".
TAKING_OVER = 3
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


def test_at_every_write_to_a_folder(passed: Passed, tmp_path: Path) -> None:
    project = passed()
    seen: set[str] = set()
    for number in itertools.count(1):
        state = tmp_path / f"state-{number}"
        project.env["MLOPS_STATE"] = str(state)
        registry = FolderRegistry(state, "tumour")
        ran = killed_at_write(
            project, "register", number, under=[state, project.folder / "out" / "register"]
        )
        if not was_killed(ran):
            break
        assert number <= TAKING_OVER or ran.verdict["status"] == "undecided"
        nothing_is_half_there(registry, tmp_path / f"seen-{number}")
        expected = [PUBLISHED] if registry.versions() else []
        expected += [LEFTOVER] if (state / "versions" / ".1.0.0").exists() else []
        assert the_next_run_ends_right(project, registry) == expected
        assert not list((state / "versions").glob(".*"))
        seen.update(expected)
    assert ran.code == 0
    assert number > 40
    assert seen == {LEFTOVER, PUBLISHED}


def test_at_every_request_that_changes_a_server(passed: Passed, tmp_path: Path) -> None:
    project = passed()
    seen: set[str] = set()
    with running(tmp_path / "server") as server:
        for number in itertools.count(1):
            path = f"owner/tumour-{number}"
            project.env["MLOPS_REGISTRY"] = f"oci+http:{server.host}/{path}"
            registry = OciRegistry(server.host, path, "tumour", plain=True)
            ran = killed_at_write(project, "register", number, under=[])
            if not was_killed(ran):
                break
            assert ran.verdict["status"] == "undecided"
            nothing_is_half_there(registry, tmp_path / f"seen-{number}")
            published = registry.versions() != []
            found = the_next_run_ends_right(project, registry)
            assert not published or found == [PUBLISHED]
            seen.update(found)
    assert ran.code == 0
    assert number > 10
    assert seen == {LEFTOVER, PUBLISHED}


def test_at_twenty_other_moments(passed: Passed, tmp_path: Path) -> None:
    project = passed()
    begun = time.monotonic()
    assert project.run("register").code == 0
    whole = time.monotonic() - begun
    moments = random.Random(20)
    killed = 0
    for number in range(20):
        state = tmp_path / f"state-{number}"
        project.env["MLOPS_STATE"] = str(state)
        registry = FolderRegistry(state, "tumour")
        # The last third is where it writes; before that it starts and reads.
        ran = killed_after(project, "register", moments.uniform(0.3, 1.0) * whole)
        nothing_is_half_there(registry, tmp_path / f"seen-{number}")
        if was_killed(ran):
            killed += 1
            done = registry.alias("candidate") is not None
            begun_writing = state.exists()
            assert done or not begun_writing or ran.verdict["status"] == "undecided"
        the_next_run_ends_right(project, registry)
    assert killed
