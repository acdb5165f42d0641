"""`mlops-init contract prove`: step validate-data with `--prove`, in a project's folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from mlops_init.engines import downloads
from mlops_init.errors import UsageError, visible
from mlops_init.renderers import doors


def contract_prove(folder: str, *, split: str) -> int:
    """Run the step and say what it said; returns its exit code."""
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"{folder}: no such folder")
    command = [sys.executable, "-I", str(doors.PACKAGE / "enter.py"), "validate-data"]
    command += ["--prove=true", f"--split={split}"]
    env = {name: value for name, value in os.environ.items() if name != "MLOPS_PYTHON"}
    env["MLOPS_CACHE"] = str(downloads.folder())
    found = subprocess.run(
        command, cwd=root, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    click.echo(visible(found.stdout.decode(errors="backslashreplace")), nl=False)
    click.echo(visible(found.stderr.decode(errors="backslashreplace")), nl=False, err=True)
    return found.returncode
