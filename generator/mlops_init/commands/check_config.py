"""`mlops-init check-config`: mlops.yaml held against all that can be known before a push.

The steps' own code does it, in the environment of step validate-data, which is built once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click

from mlops_init import answers
from mlops_init.engines import downloads
from mlops_init.errors import UsageError, visible
from mlops_init.renderers import doors


def check_config(folder: str) -> int:
    """Print each problem on a line of its own; returns 0, 2, or 4 where it cannot be told."""
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"{folder}: no such folder")
    command = [sys.executable, "-I", str(doors.PACKAGE / "enter.py"), "--check-config"]
    command += [str(root.resolve()), json.dumps(_known(root))]
    env = {name: value for name, value in os.environ.items() if name != "MLOPS_PYTHON"}
    env["MLOPS_CACHE"] = str(downloads.folder())
    found = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    # Both name what stands in files that somebody else may have written.
    click.echo(visible(found.stdout), nl=False)
    click.echo(visible(found.stderr), nl=False, err=True)
    return found.returncode


def _known(root: Path) -> dict[str, str]:
    """What the answers say of the place where the pipelines run; nothing for other projects."""
    if not (root / answers.FILE_NAME).is_file():
        return {}
    kept = answers.load(root).answers
    return {
        "registry": kept.registry,
        "runner": kept.runner,
        "source_secrets": kept.source_secrets,
    }
