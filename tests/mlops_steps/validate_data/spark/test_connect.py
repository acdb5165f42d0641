"""Spark Connect: the same checks by a server of another process, which no Java here asks."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.validate_data.conftest import CONTRACT, good_rows

from mlops_steps import environments
from mlops_steps.errors import InfrastructureError
from mlops_steps.validate_data.spark.session import LOCK, session

Judge = Callable[..., Any]

SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as found:
        return found.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def server(fast: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a server that runs until the test ends."""
    python = Path(environments.build(str(LOCK), from_source="pyspark"))
    (home,) = python.parent.parent.glob("lib/python*/site-packages/pyspark")
    port = free_port()
    settings = {
        "spark.connect.grpc.binding.port": str(port),
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(tmp_path),
    }
    command = [str(home / "bin" / "spark-submit"), "--class", SERVER, "--master", "local[2]"]
    command += [part for each in settings.items() for part in ("--conf", "=".join(each))]
    variables = {
        "SPARK_HOME": str(home),
        "SPARK_CONF_DIR": str(fast),
        "PYSPARK_PYTHON": str(python),
    }
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(
            [*command, "spark-internal"], env=os.environ | variables, stdout=log, stderr=log,
            cwd=tmp_path,
        ) as process,
    ):  # fmt: skip
        until = time.monotonic() + 60
        while not answers(port):
            assert process.poll() is None, (tmp_path / "log").read_text()[-2000:]
            assert time.monotonic() < until
            time.sleep(0.2)
        yield f"sc://127.0.0.1:{port}"
        process.terminate()


def test_the_same_verdict_by_spark_connect(
    both: Judge, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    rows = [row | {"note": f"mail to anna.{row['id']}@example.org"} for row in good_rows()]
    rows[40] |= {"size": "11", "id": "7"}
    groups = "groups: [{name: even, by: [grade], sql: count(*) = 40}]\n"
    with session(server) as spark:
        assert spark.version.startswith("4.")
        for kind in ("jsonl", "parquet"):
            found = both(rows, CONTRACT + groups, kind=kind, on=spark)
            assert (found.unlike(), found.undecided()) == ([], set())
            red = {name for name, each in found.spark.items() if each.status == "fail"}
            assert red == {"note: personal", "size: range", "id: unique", "id: twice"}
            assert found.spark["size: range"].rows == [41]


def test_an_address_where_nobody_is() -> None:
    with pytest.raises(InfrastructureError), session(f"sc://127.0.0.1:{free_port()}"):
        pass
