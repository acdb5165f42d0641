"""The rendered project's commands as the steps run them: train, predict, serve, end."""

from __future__ import annotations

import contextlib
import csv
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def project(render: Callable[..., Path]) -> Path:
    return render(name="liver-watch", package="hepatic", model="liver")


@pytest.fixture(scope="module")
def trained(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model and what train was given."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "model").mkdir()
    (folder / "params.json").write_text(json.dumps({"C": 1.0, "max_iter": 1000}))
    env = environment(
        project,
        MLOPS_INPUT_SAMPLES=project / "data" / "samples.csv",
        MLOPS_PARAMS=folder / "params.json",
        MLOPS_SEED="20",
        MLOPS_MODEL=folder / "model",
    )
    run_module("hepatic.train", project, env)
    return folder


def environment(project: Path, **extra: object) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    given = {name: str(value) for name, value in extra.items()}
    return kept | {"PYTHONPATH": str(project / "src")} | given


def run_module(name: str, project: Path, env: dict[str, str]) -> None:
    found = subprocess.run(
        [sys.executable, "-m", name],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert found.returncode == 0, found.stderr


def test_predict_tells_most_rows_right(project: Path, trained: Path, tmp_path: Path) -> None:
    with (project / "data" / "samples.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    truth = {row["id"]: row.pop("diagnosis") for row in rows}
    with (tmp_path / "rows.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    env = environment(
        project,
        MLOPS_INPUT_SAMPLES=tmp_path / "rows.csv",
        MLOPS_MODEL=trained / "model",
        MLOPS_PREDICTIONS=tmp_path / "predictions.csv",
    )
    run_module("hepatic.predict", project, env)
    with (tmp_path / "predictions.csv").open(newline="") as stream:
        predictions = list(csv.DictReader(stream))
    assert [row["id"] for row in predictions] == [row["id"] for row in rows]
    right = sum(row["prediction"] == truth[row["id"]] for row in predictions)
    assert right > 0.95 * len(rows)


def test_serve_answers_on_its_port_and_ends_on_sigterm(project: Path, trained: Path) -> None:
    with serving(project, trained) as (process, port):
        wait_until_ready(process, port)
        status, described = ask(port, "GET", "/v2/models/liver")
        assert (status, described["versions"]) == (200, ["1.0.0"])
        tensors = [
            {"name": each["name"], "datatype": "FP64", "shape": [1], "data": [0.5]}
            for each in described["inputs"]
        ]
        body = {"id": "7", "inputs": tensors}
        status, answer = ask(port, "POST", "/v2/models/liver/infer", body)
        assert (status, answer["id"], answer["model_version"]) == (200, "7", "1.0.0")
        assert 0 <= answer["outputs"][0]["data"][0] <= 1
        assert answer["outputs"][1]["data"][0] in {"malignant", "benign"}
        # A connection that is kept alive must not keep the server from ending.
        idle = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        idle.request("GET", "/v2/health/live")
        idle.getresponse().read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) in {0, -signal.SIGTERM}
        idle.close()


@contextlib.contextmanager
def serving(project: Path, trained: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = environment(project, MLOPS_MODEL=trained / "model", MLOPS_VERSION="1.0.0", PORT=port)
    process = subprocess.Popen([sys.executable, "-m", "hepatic.serve"], cwd=project, env=env)
    try:
        yield process, port
    finally:
        process.kill()
        process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None
        with contextlib.suppress(OSError):
            if ask(port, "GET", "/v2/health/ready")[0] == 200:
                return
        time.sleep(0.05)
    pytest.fail("not ready after 60 s")


def ask(port: int, method: str, path: str, body: object = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
