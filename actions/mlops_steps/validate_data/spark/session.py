"""A conversation with Spark: a process in an environment of its own, one JSON line each way."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mlops_steps import environments
from mlops_steps.data.sources.asking import trouble
from mlops_steps.errors import InfrastructureError, UndecidedError

HERE = Path(__file__).resolve().parent
LOCK = HERE / "pyspark.txt"
#: What of the job's variables Spark sees.
_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "USER", "JAVA_HOME", "SPARK_CONF_DIR",
         "HADOOP_CONF_DIR", "PYSPARK_PYTHON", "SPARK_LOCAL_IP")  # fmt: skip


@dataclass(frozen=True)
class Session:
    """Spark, started; `version` is its own."""

    process: subprocess.Popen[str]
    version: str

    def ask(self, query: str) -> list[list[Any]]:
        """The rows of a query.

        Raises:
            UndecidedError: Spark could not run it.
        """
        found: list[list[Any]] = _say(self.process, {"ask": query})["rows"]
        return found

    def open(self, **table: Any) -> dict[str, Any]:
        """Read a table; see `worker.open_table`.

        Raises:
            UndecidedError: It cannot be read.
        """
        return _say(self.process, {"open": table})


@contextlib.contextmanager
def session(address: str) -> Iterator[Session]:
    """Spark at an address; a local one is started for the time.

    Raises:
        InfrastructureError: It cannot be installed, or it does not answer.
    """
    try:
        python = environments.build(str(LOCK), from_source="pyspark")
    except environments.BuildError as error:
        raise InfrastructureError(f"pyspark: {error}") from None
    variables = {name: os.environ[name] for name in _KEPT if name in os.environ}
    if address.startswith("local"):
        variables["PYSPARK_PYTHON"] = python
    with tempfile.TemporaryDirectory(prefix="mlops-spark-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log"
        with log.open("w") as stream, subprocess.Popen(
            [python, "-I", str(HERE / "worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            cwd=folder,
            env=variables | {"PYSPARK_DRIVER_PYTHON": python},
            encoding="utf-8",
        ) as process:  # fmt: skip
            try:
                version = _say(process, {"start": {"address": address, "folder": folder}})
                yield Session(process, version["version"])
            finally:
                _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(OSError):
        _pipe(process.stdin).close()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()


def _say(process: subprocess.Popen[str], request: dict[str, Any]) -> dict[str, Any]:
    with contextlib.suppress(BrokenPipeError):
        _pipe(process.stdin).write(json.dumps(request) + "\n")
        _pipe(process.stdin).flush()
    line = _pipe(process.stdout).readline()
    if not line:
        code = process.wait()
        raise (InfrastructureError if "start" in request else UndecidedError)(
            f"Spark: its process ended with {code}"
        )
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise trouble(f"Spark: {answer['error']}", int(answer["code"]), {})
    return answer


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # noqa: S101 - it was asked for
    return stream
