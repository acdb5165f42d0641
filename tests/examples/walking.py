"""What the tests of the examples share: their repository, the tree under test, the engines."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mlops_init.helpers import ROOT, STANDINS, tool

from mlops_init.engines import downloads, ground

EXAMPLES = ROOT / "examples" / "actions"
GITHUB = sorted((EXAMPLES / "github").glob("*.yml"))
GITLAB = sorted((EXAMPLES / "gitlab").glob("*.yml"))
STEPS = "mlops-init/mlops-init"
HOST = "gitlab.local"
OWN = "team/pumps"
#: What the examples pin. Here the tree under test answers to it.
PINS = {
    pin
    for path in (*GITHUB, *GITLAB)
    for pin in re.findall(rf"{STEPS}\S*@(\S+)$", path.read_text(), re.MULTILINE)
}


@dataclass(frozen=True)
class Ground:
    """What all walks of a test stand on.

    Attributes:
        folder: Scratch.
        tree: The steps and their doors, as published.
        state: Registry and inference log; they outlive a job, and nothing else does.
    """

    folder: Path
    tree: Path
    state: Path

    def environment(self, **more: str) -> dict[str, str]:
        """What an engine gets: nothing of the environment around us but ways and proxies."""
        env = {name: os.environ[name] for name in ground.PASSED_ON if name in os.environ}
        folders = [str(Path(tool(name)).parent) for name in ("act", "gitlab-ci-local")]
        env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), *folders, env["PATH"]])
        env |= {"CI": "true", "UV_OFFLINE": "1", "MLOPS_CACHE": str(downloads.folder())}
        env |= {ground.MARK: "examples"}  # a local run, which talks to nobody
        return env | {"MLOPS_STATE": str(self.state)} | more

    def repository(self, name: str) -> Path:
        """A new repository with the example's files and every GitHub workflow, committed."""
        folder = self.folder / name
        shutil.copytree(EXAMPLES / "repository", folder)
        shutil.copytree(EXAMPLES / "github", folder / ".github" / "workflows")
        commit(folder)
        ground.git(folder, "remote", "add", "origin", f"https://github.com/{OWN}.git")
        return folder


def commit(folder: Path) -> None:
    """Commit whatever lies in a folder, as its repository's newest commit."""
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    first = [] if (folder / ".git").exists() else [("init", "-q", "-b", "main")]
    for arguments in (*first, ("add", "-A"), ("commit", "-qm", "Change")):
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def prepare(folder: Path) -> Ground:
    """The tree, and every package that a step needs, downloaded."""
    made = Ground(folder, folder / "tree", folder / "state")
    made.state.mkdir()
    ground.export_tree(made.tree)
    package = made.tree / "actions" / "mlops_steps"
    locks = [lock for lock in (package / "locks").glob("*.txt") if lock.name != "uv.txt"]
    cache = downloads.folder()
    cache.mkdir(parents=True, exist_ok=True)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    env = made.environment(
        HOME=str(folder), MLOPS_ENV_DIR=str(folder / "warm"), MLOPS_PYTHON=version
    )
    downloads.fill(cache, sorted(locks), package / "enter.py", env)
    return made


def third_party() -> set[str]:
    """Every action with its commit that is pinned in pins.toml, and so has a stand-in."""
    text = (ROOT / "generator" / "mlops_init" / "pins.toml").read_text()
    return {f"{each['uses']}@{each['commit']}" for each in tomllib.loads(text)["actions"].values()}


@dataclass(frozen=True)
class Ran:
    """How a walk ended: exit code, all that was printed, and the verdict of each step."""

    code: int
    text: str
    verdicts: dict[str, str]


#: How a step's verdict begins in a log.
VERDICT = re.compile(r"^([a-z-]+) +(pass|fail|undecided) +\S")


def act(base: Ground, repository: Path, workflow: str, **inputs: str) -> Ran:
    """Run one workflow file, unchanged, by act."""
    file = repository / ".github" / "workflows" / f"{workflow}.yml"
    artifacts = base.folder / f"artifacts-{repository.name}"
    artifacts.mkdir(exist_ok=True)
    command = ["act", "workflow_dispatch", "--json", "--no-cache-server", "--no-skip-checkout"]
    if "workflow_dispatch" not in file.read_text():
        # From a branch of the repository itself.
        event = base.folder / "event.json"
        event.write_text(json.dumps({"pull_request": {"head": {"repo": {"full_name": OWN}}}}))
        command[1:2] = ["pull_request", "--eventpath", str(event)]
    command += ["--workflows", str(file), "--platform", "ubuntu-24.04=-self-hosted"]
    known = {uses: STANDINS / uses.partition("@")[0] for uses in third_party()}
    known |= {f"{STEPS}@{pin}": base.tree for pin in PINS}
    for reference, folder in known.items():
        command += ["--local-repository", f"{reference}={folder}"]
    for name, value in inputs.items():
        command += ["--input", f"{name.replace('_', '-')}={value}"]
    env = base.environment(
        HOME=str(base.folder / "act-home"),
        MLOPS_CHECKOUT=repository.as_uri(),
        MLOPS_ARTIFACTS=str(artifacts),
        MLOPS_DISPATCH=str(base.folder / "dispatch.jsonl"),
    )
    found = _run(command, repository, env)
    said = [str(entry.get("msg", "")) for entry in _entries(found.stdout)]
    text = "\n".join(line for message in said for line in message.splitlines())
    assert "Skipping unsupported platform" not in text, text
    return Ran(found.returncode, text + found.stderr, _verdicts(text))


def _entries(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry


def gitlab(base: Ground, repository: Path, pipeline: Path | str, **variables: str) -> Ran:
    """Run one pipeline by gitlab-ci-local, each job in a home of its own."""
    text = pipeline if isinstance(pipeline, str) else pipeline.read_text()
    (repository / ".gitlab-ci.yml").write_text(text)
    commit(repository)
    ground.git(repository, "remote", "set-url", "origin", f"git@{HOST}:{OWN}.git")
    ground.git(repository, "update-ref", "refs/remotes/origin/main", "HEAD")
    ground.git(repository, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    for pin in PINS:
        place = repository / ".gitlab-ci-local" / "includes" / HOST / STEPS / pin / "templates"
        shutil.copytree(base.tree / "templates", place)
    source = "merge_request_event" if "merge_request_event" in text else "push"
    source = "web" if '"web"' in text else source
    given = {"CI_PIPELINE_SOURCE": source, **variables}
    command = ["gitlab-ci-local", "--shell-isolation", "--no-artifacts-to-source"]
    command += ["--force-shell-executor", "--no-color"]
    command += ["--ignore-predefined-vars", "CI_PIPELINE_SOURCE"]
    for name, value in given.items():
        command += ["--variable", f"{name}={value}"]
    home = base.folder / f"home-{repository.name}"
    home.mkdir()
    env = base.environment(
        HOME=str(home), MLOPS_STEPS=str(base.tree), MLOPS_ENV_DIR=str(home / "envs")
    )
    found = _run(command, repository, env)
    said = found.stdout + found.stderr
    return Ran(found.returncode, said, _verdicts(re.sub(r"(?m)^.*? > ", "", said)))


def _verdicts(text: str) -> dict[str, str]:
    found = (VERDICT.match(line.strip()) for line in text.splitlines())
    return {each[1]: each[2] for each in found if each}


def _run(command: list[str], folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=600,
        check=False,
    )
