"""Nothing third-party is named but by commit or digest, and all of it is in pins.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from tests.mlops_init.helpers import PIN, ROOT, STANDINS, ci_paths, documents, stand_in_takes, walk

from mlops_init import pins, project
from mlops_init.answers import complete

PINS = tomllib.loads((ROOT / "generator" / "mlops_init" / "pins.toml").read_text())
DOORS = [*(ROOT / "actions").glob("*/action.yml"), *(ROOT / "templates").glob("*.yml")]
OWN = sorted((ROOT / ".github").glob("**/*.yml"))


def test_every_pin_is_a_commit_or_a_digest_with_its_source() -> None:
    assert set(PINS) == {"actions", "images"}
    for pin in PINS["actions"].values():
        assert re.fullmatch(r"[0-9a-f]{40}", pin["commit"])
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", pin["uses"])
        assert re.fullmatch(r"v\d+\.\d+\.\d+", pin["version"])
        assert pin["read_in"]
    for pin in PINS["images"].values():
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", pin["digest"])
        assert ":" in pin["image"]
        assert pin["read_in"]


@pytest.mark.parametrize("name", [pin["uses"] for pin in PINS["actions"].values()])
def test_every_pinned_action_has_a_stand_in(name: str) -> None:
    (action,) = documents(STANDINS / name / "action.yml")
    assert action["runs"]["using"] == "composite"
    assert name in pins.actions().values()


def test_there_is_no_stand_in_for_anything_else() -> None:
    known = {STANDINS / name / "action.yml" for name in pins.actions().values()}
    assert set(STANDINS.glob("**/action.yml")) == known


def test_whatever_is_used_is_pinned(projects: dict[str, Path]) -> None:
    allowed = pins.actions()
    seen = set()
    for path in [*DOORS, *STANDINS.glob("**/action.yml")]:
        for mapping in (each for document in documents(path) for each in walk(document)):
            if isinstance(mapping.get("uses"), str):
                seen.add(mapping["uses"])
                assert mapping["uses"] in allowed, path
                stand_in_takes(allowed[mapping["uses"]], mapping.get("with", {}))
            image = mapping.get("image")
            if isinstance(image, str) and not image.startswith("$[["):
                assert re.search(r"@sha256:[0-9a-f]{64}$", image), path
    assert seen
    for folder in projects.values():
        for path in ci_paths(folder):
            for mapping in (each for document in documents(path) for each in walk(document)):
                assert "image" not in mapping, path


def test_this_repositorys_own_workflows_pin_the_same_commits() -> None:
    assert OWN
    for path in OWN:
        for mapping in (each for document in documents(path) for each in walk(document)):
            if isinstance(mapping.get("uses"), str):
                name, commit = mapping["uses"].split("@")
                assert re.fullmatch(r"[0-9a-f]{40}", commit), path
                ours = name in pins.actions().values()
                assert not ours or mapping["uses"] in pins.actions(), path
        lines = [line for line in path.read_text().splitlines() if "uses: " in line]
        assert all(re.search(r"  # v\d+\.\d+\.\d+$", line) for line in lines), path


def test_the_image_of_the_components_is_the_pinned_one() -> None:
    image = pins.image("python")
    for path in (ROOT / "templates").glob("*.yml"):
        header, _ = documents(path)
        assert header["spec"]["inputs"]["image"]["default"] == image


def test_a_version_stands_beside_every_commit(projects: dict[str, Path]) -> None:
    texts = [path.read_text() for path in (ROOT / "actions").glob("*/action.yml")]
    texts += [path.read_text() for folder in projects.values() for path in ci_paths(folder)]
    enterprise = {"name": "a", "github_server": "git.example.org", "registry": "folder:/srv/m"}
    texts += project.ci_files(complete(enterprise), PIN).values()
    known = {
        f"{pin['uses']}@{pin['commit']}  # {pin['version']}" for pin in PINS["actions"].values()
    }
    lines = [line.partition("uses: ")[2] for text in texts for line in text.splitlines()]
    found = {line for line in lines if line.startswith("actions/")}
    assert found == known
