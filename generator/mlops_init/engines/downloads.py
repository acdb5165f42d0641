"""The cache of downloads: filled before a run begins, only read while it lasts."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from mlops_init.errors import RunError


def folder() -> Path:
    """The user's own; the steps use the same one outside of runs."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("MLOPS_CACHE") or Path(home) / "mlops-init" / "downloads")


def fill(cache: Path, locks: list[Path], enter: Path, env: dict[str, str]) -> None:
    """Fill the cache with what the steps' and the project's locks name, each lock once.

    What was downloaded is compiled where it lies, since every job builds its environments
    anew from links into the cache: scikit-learn then starts in a third of the time.

    Args:
        cache: The folder to fill.
        locks: Requirements with hashes.
        enter: The steps' `enter.py`.
        env: For it, with `MLOPS_PYTHON` and an `MLOPS_ENV_DIR` that nobody needs afterwards.

    Raises:
        RunError: It could not be had.
    """
    env = {name: value for name, value in env.items() if name != "UV_OFFLINE"}
    version = env["MLOPS_PYTHON"]
    marks = {cache / "locks" / f"{_digest(lock)}-{version}": lock for lock in locks}
    missing = {mark: lock for mark, lock in marks.items() if not mark.exists()}
    if missing:
        # To stderr: it takes minutes, and nothing else is said meanwhile.
        print(
            f"  the first time for Python {version}: packages of {len(missing)} "
            f"lock{'s' * (len(missing) > 1)} are fetched and compiled",
            file=sys.stderr,
            flush=True,
        )
    python = ""
    for lock in missing.values():
        python = _call([sys.executable, "-I", str(enter), "--build", str(lock)], env).strip()
    if python:
        # Some packages hold files for other versions of Python; what fails stays uncompiled.
        compiler = [python, "-I", "-m", "compileall", "-q", "-j", "0", str(cache / "archive-v0")]
        # What a wheel keeps in its folder `.data` is moved when it is installed, file by file as
        # its RECORD says: one more is refused then.
        compiler += ["-x", r"\.data[/\\]"]
        subprocess.run(compiler, env=env, capture_output=True, check=False)
    for marker in missing:
        marker.parent.mkdir(exist_ok=True)
        marker.touch()


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:16]


def _call(command: list[str], env: dict[str, str]) -> str:
    found = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if found.returncode:
        raise RunError(found.stderr.strip())
    return found.stdout
