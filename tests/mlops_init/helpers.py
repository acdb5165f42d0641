"""What the generator's tests share: the command, real linters, and every kind of project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mlops_init import project
from mlops_init.answers import Answers, complete

ROOT = Path(__file__).resolve().parents[2]
STANDINS = ROOT / "generator" / "mlops_init" / "standins"
BIN = Path(sys.executable).parent
COMMAND = BIN / "mlops-init"
PIN = "0123456789abcdef0123456789abcdef01234567"
YAMLLINT = "{extends: default, rules: {line-length: {max: 140}, truthy: {check-keys: false}}}"

OWN = {"registry": "oci:registry.example.org/models/liver"}
WATCHED = {
    "gpu_runner": "big-gpu",
    "inference_log": "data/requests.parquet",
    "python_version": "3.11",
    "steps": "platform-team/steps.mirror",
}
#: By name, the answers that change what is rendered.
VARIANTS: dict[str, dict[str, str]] = {
    f"{ci}-{kind}": {"ci": ci, **more}
    for ci in ("github", "gitlab", "both")
    for kind, more in (
        ("plain", {}),
        ("own", OWN | WATCHED),
        ("folder", {"registry": "folder:/srv/models", "inference_log": "log.csv"}),
        ("label", {"gpu_runner": "on"}),
    )
}


def answers_of(variant: str) -> Answers:
    """A variant's answers."""
    return complete({"name": variant, **VARIANTS[variant]})


def render_all(parent: Path) -> dict[str, Path]:
    """Every variant, each in a folder of its own name."""
    return {name: project.create(answers_of(name), PIN, parent) for name in VARIANTS}


def call(
    *arguments: str | Path, folder: Path, env: Mapping[str, str] | None = None, **more: Any
) -> subprocess.CompletedProcess[str]:
    """The installed command, as a user calls it."""
    return run(COMMAND, *arguments, folder=folder, env=env, **more)


def run(
    *command: str | Path,
    folder: Path,
    env: Mapping[str, str] | None = None,
    timeout: float = 120,
    **more: Any,
) -> subprocess.CompletedProcess[str]:
    """A program, with what it printed."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=None if env is None else dict(env),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        **more,
    )


def tool(name: str) -> str:
    """A program of the developers' environment, or one that `make test` has built."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    built = sorted(Path(cache, "mlops-init", "tools").glob("*"), reverse=True)
    places = [str(BIN), os.environ["PATH"], *map(str, built)]
    found = shutil.which(name, path=os.pathsep.join(places))
    assert found, f"{name} is not there; `make test` sets it up"
    return found


def files(folder: Path) -> dict[str, bytes]:
    """Content by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def documents(path: Path) -> list[Any]:
    """What a YAML file holds, as GitLab's and most other readers read it."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def ci_paths(folder: Path) -> list[Path]:
    """The pipeline's files in a rendered project."""
    found = [*folder.glob(".github/workflows/*.yml"), *folder.glob(".gitlab/*.yml")]
    return sorted([*found, *folder.glob(".gitlab-ci.yml")])


def walk(value: Any) -> Iterator[dict[Any, Any]]:
    """Every mapping in plain data."""
    if isinstance(value, dict):
        yield value
    children: Iterable[Any] = value.values() if isinstance(value, dict) else value
    if isinstance(value, (dict, list)):
        for child in children:
            yield from walk(child)


def stand_in_takes(name: str, given: dict[str, Any]) -> None:
    """Check that an action's stand-in knows all that it is given, and is given all it needs."""
    (action,) = documents(STANDINS / name / "action.yml")
    inputs = action.get("inputs", {})
    assert set(given) <= set(inputs), name
    assert {key for key, each in inputs.items() if each.get("required")} <= set(given), name


def clean(found: subprocess.CompletedProcess[str]) -> None:
    """Require that a linter found nothing."""
    assert found.returncode == 0, found.stdout + found.stderr


def scripts(document: Any) -> Iterator[str]:
    """Everything that a shell gets to read."""
    for mapping in walk(document):
        for key in ("run", "script", "before_script", "after_script"):
            value = mapping.get(key, [])
            yield from [value] if isinstance(value, str) else filter(None, value or [])
