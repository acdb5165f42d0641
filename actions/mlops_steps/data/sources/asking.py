"""Ask a reader that needs packages of its own, in an environment built from its own lock.

A step's environment stays small: what reads S3, Delta, Iceberg or PostgreSQL is installed only
where mlops.yaml names such a source, by hash, as everything.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from mlops_steps import environments
from mlops_steps.data.sources import asked
from mlops_steps.errors import (
    ConfigError,
    InfrastructureError,
    MlopsError,
    UndecidedError,
)

HERE = Path(__file__).resolve().parent
#: What of the job's variables a reader sees; no credential comes by this way.
_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
         "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")  # fmt: skip
#: Characters of a message that are kept: a server may answer with a page.
_LONGEST = 500


def ask(reader: str, request: asked.Request, root: Path) -> asked.Answer:
    """What a reader answers about a project's source; messages name files relative to `root`.

    Raises:
        ConfigError: It was refused, or asked for what it cannot read.
        UndecidedError: What is there cannot be read.
        InfrastructureError: The source does not answer, or the reader cannot be installed.
    """
    try:
        python = environments.build(str(HERE / f"{reader}.txt"))
    except environments.BuildError as error:
        raise InfrastructureError(f"the reader of {reader}: {error}") from None
    found = subprocess.run(
        [python, "-I", str(HERE / "inside.py"), reader],
        input=asked.to_json(request),
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    try:
        told = json.loads(found.stdout)
        if found.returncode == 0 and "error" not in told:
            return asked.answer(found.stdout)
        words, code = str(told["error"]), int(told["code"])
    except (ValueError, KeyError, TypeError):
        last = (found.stderr.strip().splitlines() or ["nothing"])[-1]
        words, code = f"its reader ended with {found.returncode} and said: {last}", 3
    raise trouble(words.replace(f"{root.resolve()}/", ""), code, request.credentials)


def trouble(words: str, code: int, credentials: dict[str, str]) -> MlopsError:
    """An error for a step to end with, on one short line from which every secret is taken."""
    for value in sorted(credentials.values(), key=len, reverse=True):
        words = words.replace(value, "***")
    words = " ".join(words.split())
    words = words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
    kinds: dict[int, type[MlopsError]] = {2: ConfigError, 4: InfrastructureError}
    return kinds.get(code, UndecidedError)(words)
