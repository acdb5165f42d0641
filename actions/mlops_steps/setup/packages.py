"""What is installed in the project's environment, as that environment itself tells it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from mlops_steps import environments
from mlops_steps.errors import UndecidedError

# Run by the project's interpreter. -I keeps the folder and the user's packages out.
_ASK = """
import importlib.metadata as m, json
print(json.dumps({d.metadata["Name"]: d.version for d in m.distributions()}))
"""


def installed(python: Path) -> dict[str, str]:
    """Name (normalized) to version of every distribution beside an interpreter.

    Raises:
        UndecidedError: The interpreter does not answer.
    """
    found = subprocess.run(
        [python, "-I", "-c", _ASK], capture_output=True, text=True, check=False, timeout=120
    )
    if found.returncode:
        raise UndecidedError(f"{python} does not run: {found.stderr.strip()}")
    versions: dict[str, str] = json.loads(found.stdout)
    return {normalize(name): version for name, version in sorted(versions.items())}


def direct(lock: Path) -> list[str]:
    """The distributions asked for by name, from the `.in` file beside the lock.

    Without such a file, those of the lock, of which nobody can tell which were asked for.
    """
    source = lock.with_suffix(".in")
    text = (source if source.is_file() else lock).read_text(encoding="utf-8")
    found = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", text, flags=re.MULTILINE)
    return sorted({normalize(name) for name in found})


def uv_version() -> str:
    """The version of the installer: of the one on PATH, else the pinned one."""
    program = shutil.which("uv")
    if program:
        found = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        words = found.stdout.split()
        if found.returncode == 0 and len(words) > 1:
            return words[1]
    lock = Path(environments.LOCKS) / "uv.txt"
    pin = re.search(r"^uv==(\S+)", lock.read_text(), flags=re.MULTILINE)
    return pin[1] if pin else "unknown"


def normalize(name: str) -> str:
    """A distribution's name as the index writes it: `Ruamel_yaml` is `ruamel-yaml`."""
    return re.sub(r"[-_.]+", "-", name).lower()
