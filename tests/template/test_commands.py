"""A project's commands as the steps run them: train, predict, serve, end; for every kind."""

from __future__ import annotations

import base64
import contextlib
import csv
import http.client
import json
import math
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.template.conftest import IN_THEIR_ENVIRONMENTS

from mlops_steps import config
from mlops_steps.data.withhold import write_rows

Python = Callable[[Path, str], str]


@dataclass(frozen=True)
class Trained:
    """A project, its Python, and a folder with the rows handed over and the trained model."""

    task: str
    project: Path
    python: str
    folder: Path

    @property
    def samples(self) -> config.TableInput:
        return config.load(self.project).table

    def run(self, module: str, **extra: object) -> None:
        found = subprocess.run(
            [self.python, "-m", f"hepatic.{module}"],
            cwd=self.project,
            env=environment(self.project, **extra),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert found.returncode == 0, found.stderr

    def train(self, model: Path) -> None:
        model.mkdir()
        params = self.folder / "params.json"
        params.write_text(json.dumps(config.load(self.project).train.params))
        rows = self.folder / "train.csv"
        self.run(
            "train", MLOPS_INPUT_SAMPLES=rows, MLOPS_PARAMS=params, MLOPS_SEED=20, MLOPS_MODEL=model
        )

    def predict(self, model: Path, to: Path) -> list[dict[str, str]]:
        rows = self.folder / "rows.csv"
        self.run("predict", MLOPS_INPUT_SAMPLES=rows, MLOPS_MODEL=model, MLOPS_PREDICTIONS=to)
        with to.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))


@pytest.fixture(scope="module", params=IN_THEIR_ENVIRONMENTS)
def trained(
    request: pytest.FixtureRequest,
    render: Callable[..., Path],
    python: Python,
    tmp_path_factory: pytest.TempPathFactory,
) -> Trained:
    framework, task = request.param
    names = {"name": "liver-watch", "package": "hepatic", "model": "liver"}
    project = render(framework=framework, task=task, gpu="none", **names)
    folder = tmp_path_factory.mktemp("trained")
    table = config.load(project).table
    source = project / table.path
    write_rows(source, folder / "train.csv", table, splits=["train", "valid"])
    write_rows(source, folder / "rows.csv", table, splits=["test"], leave_out=[table.target])
    if table.kind == "files":
        (folder / "images").symlink_to(source.parent / "images")
    made = Trained(task, project, python(project, framework), folder)
    made.train(folder / "model")
    return made


def environment(project: Path, **extra: object) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    given = {name: str(value) for name, value in extra.items()}
    return kept | {"PYTHONPATH": str(project / "src"), "CUDA_VISIBLE_DEVICES": ""} | given


def test_it_tells_most_rows_right_that_it_was_not_trained_on(
    trained: Trained, tmp_path: Path
) -> None:
    table = trained.samples
    with (trained.project / table.path).open(newline="") as stream:
        truth = {row[table.key]: row[table.target] for row in csv.DictReader(stream)}
    predictions = trained.predict(trained.folder / "model", tmp_path / "predictions.csv")
    with (trained.folder / "rows.csv").open(newline="") as stream:
        asked = [row[table.key] for row in csv.DictReader(stream)]
    assert len(asked) > 100
    assert [row[table.key] for row in predictions] == asked
    if trained.task == "regression":
        assert set(predictions[0]) == {table.key, "prediction"}
        errors = [float(row["prediction"]) - float(truth[row[table.key]]) for row in predictions]
        assert math.sqrt(sum(each * each for each in errors) / len(errors)) < 64
        return
    assert set(predictions[0]) == {table.key, "score", "prediction"}
    assert all(0 <= float(row["score"]) <= 1 for row in predictions)
    right = sum(row["prediction"] == truth[row[table.key]] for row in predictions)
    assert right > 0.93 * len(asked)
    if trained.task == "binary":  # the score is that of the positive class
        positive = [row["prediction"] == table.positive for row in predictions]
        assert positive == [float(row["score"]) >= 0.5 for row in predictions]
        ill = [
            float(row["score"]) for row in predictions if truth[row[table.key]] == table.positive
        ]
        well = [
            float(row["score"]) for row in predictions if truth[row[table.key]] != table.positive
        ]
        above = sum((one > other) + (one == other) / 2 for one in ill for other in well)
        # From about here on the whole interval (Newcombe) of so many rows lies above 0.95.
        assert above / (len(ill) * len(well)) > 0.985


def test_the_same_seed_gives_the_same_predictions(trained: Trained, tmp_path: Path) -> None:
    trained.train(tmp_path / "model")
    trained.predict(tmp_path / "model", tmp_path / "again.csv")
    trained.predict(trained.folder / "model", tmp_path / "before.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "before.csv").read_bytes()


def test_a_model_holds_no_pickle(trained: Trained) -> None:
    names = {path.name for path in (trained.folder / "model").rglob("*") if path.is_file()}
    assert "model.json" in names
    assert {Path(name).suffix for name in names} <= {
        *(".json", ".skops", ".safetensors"),
        *(".pb", ".index", ".data-00000-of-00001"),  # a SavedModel
    }


def test_serve_answers_on_its_port_and_ends_on_sigterm(trained: Trained, tmp_path: Path) -> None:
    predictions = trained.predict(trained.folder / "model", tmp_path / "predictions.csv")
    with (trained.folder / "rows.csv").open(newline="") as stream:
        row = next(csv.DictReader(stream))
    with serving(trained) as (process, port):
        wait_until_ready(process, port)
        status, described = ask(port, "GET", "/v2/models/liver")
        assert (status, described["versions"]) == (200, ["1.0.0"])
        tensors = [tensor(each, row, trained.folder) for each in described["inputs"]]
        body = {"id": "7", "inputs": tensors}
        status, answer = ask(port, "POST", "/v2/models/liver/infer", body)
        assert (status, answer["id"], answer["model_version"]) == (200, "7", "1.0.0")
        for output in answer["outputs"]:
            (value,) = output["data"]
            expected = predictions[0][output["name"]]
            near = output["datatype"] == "FP64"
            assert value == (pytest.approx(float(expected), rel=1e-4) if near else expected)
        # A connection that is kept alive must not keep the server from ending.
        idle = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        idle.request("GET", "/v2/health/live")
        idle.getresponse().read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in {0, -signal.SIGTERM}
        idle.close()


def tensor(described: dict[str, Any], row: dict[str, str], folder: Path) -> dict[str, Any]:
    name = described["name"]
    if described["datatype"] == "FP64":
        value: float | str = float(row[name])
    else:
        value = base64.b64encode((folder / row[name]).read_bytes()).decode()
    return {"name": name, "datatype": described["datatype"], "shape": [1], "data": [value]}


@contextlib.contextmanager
def serving(trained: Trained) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = environment(
        trained.project, MLOPS_MODEL=trained.folder / "model", MLOPS_VERSION="1.0.0", PORT=port
    )
    command = [trained.python, "-m", "hepatic.serve"]
    process = subprocess.Popen(command, cwd=trained.project, env=env)
    try:
        yield process, port
    finally:
        process.kill()
        process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + 180
    while time.monotonic() < end:
        assert process.poll() is None
        with contextlib.suppress(OSError):
            if ask(port, "GET", "/v2/health/ready")[0] == 200:
                return
        time.sleep(0.05)
    pytest.fail("not ready after 180 s")


def ask(port: int, method: str, path: str, body: object = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
