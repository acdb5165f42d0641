"""A whole workflow on each engine, as a multiple of the native run."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Cost, Figure, at_most, cost, medians

NAME = "engines"
TIMES = 3
BIN = Path(sys.executable).parent
GIT = ("git", "-c", "user.name=Bench", "-c", "user.email=bench@example.org")
LIMITS = {"act": 1.3, "gitlab": 2.0}


def run() -> Iterator[Figure]:
    """Ci of the default project, from a committed tree to its report."""
    version = f"python_version={sys.version_info[0]}.{sys.version_info[1]}"
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as folder:
        place = Path(folder)
        cost([str(BIN / "mlops-init"), "new", "tumour", "--defaults", "-c", version], place)
        project = place / "tumour"
        for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "Start")):
            subprocess.run([*GIT, *arguments], cwd=project, check=True)

        def walk(engine: str) -> Cost:
            state = str(place / engine)
            command = [str(BIN / "mlops-init"), "run", "ci", "--engine", engine, "--state", state]
            return cost(command, project)

        found = medians(
            {
                "native": lambda: walk("native"),
                "act": lambda: walk("act"),
                "gitlab": lambda: walk("gitlab"),
            },
            TIMES,
        )
    walls = {f"{name}, wall s": each.wall for name, each in found.items()}
    for name, limit in LIMITS.items():
        ratio = found[name].wall / found["native"].wall
        yield at_most(NAME, f"ci by {name}, as a multiple of native", ratio, limit, walls)
