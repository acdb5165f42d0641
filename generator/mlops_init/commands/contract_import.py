"""`mlops-init contract import`: checks that a project already has, turned into its contract.

The steps' own code does it, in the environment of step validate-data, which is built once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click

from mlops_init.engines import downloads
from mlops_init.errors import visible
from mlops_init.renderers import doors


def contract_import(source: str, kind: str, output: str, *, force: bool, strict: bool) -> int:
    """Write the contract and print what is not in it; returns 0 to 4 as the steps do.

    Args:
        source: A file, or `module:name` of a schema in the project's own code.
        kind: pandera, great-expectations or tfdv; empty, it is told by the source's looks.
        output: The contract's path; empty for the one that mlops.yaml names.
        force: Overwrite a contract that is there.
        strict: Return 1 if something could not be carried over.
    """
    options = {"source": source, "kind": kind, "output": output, "force": force, "strict": strict}
    command = [sys.executable, "-I", str(doors.PACKAGE / "enter.py"), "--import-contract"]
    command += [str(Path.cwd()), json.dumps(options)]
    env = {name: value for name, value in os.environ.items() if name != "MLOPS_PYTHON"}
    env["MLOPS_CACHE"] = str(downloads.folder())
    found = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    # Both name what stands in files that somebody else may have written.
    click.echo(visible(found.stdout), nl=False)
    click.echo(visible(found.stderr), nl=False, err=True)
    return found.returncode
