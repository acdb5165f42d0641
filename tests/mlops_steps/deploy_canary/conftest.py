"""Two registered versions served by a tiny model server that misbehaves as it is told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.mlops_steps.small import NAMES, become

from mlops_steps.registry.folder import FolderRegistry

# What the server does is in the model's file: `fail_every` answers 500 to every n-th request,
# `die_after` ends the process at the n-th, `delay` is in seconds, `crash` ends it at its start,
# `ready: false` never says that it is ready. `spoil` replaces outputs, `tensor` parts of
# the last one; `honest` answers come before. What it answers follows from the features of the
# request, so from the project. `scale` multiplies the first feature in serve alone, `digits` are
# those to which serve alone rounds, `class` is what serve alone answers beside the same score.
MODEL = """\
import json, os, pathlib

told = json.loads(pathlib.Path(os.environ["MLOPS_MODEL"], "model.json").read_text())

def answer(given, scale=1.0):
    if "mean_radius" in given:
        score = min(scale * given["mean_radius"] / 30, 1.0)
        return {"score": score, "prediction": "malignant"}
    if "bmi" in given:
        return {"prediction": scale * 8 * given["bmi"] - 60}
    if "petal_length" in given:
        kind = min(2, max(0, round((scale * given["petal_length"] - 1.5) / 2)))
        return {"score": 0.9, "prediction": ("setosa", "versicolor", "virginica")[kind]}
    image = given["image"]
    assert image.startswith(b"P5 4 4 255\\n") and len(image) == 27, image
    shade = scale * sum(image[-16:]) / 16 // 80
    return {"score": 0.8, "prediction": ("dark", "grey", "light")[min(2, int(shade))]}
"""
PREDICT = """\
import csv, os, pathlib, sys
import model

path = pathlib.Path(os.environ["MLOPS_INPUT_SAMPLES"])
out = []
for row in csv.DictReader(path.open(newline="")):
    numbers = {"mean_radius", "bmi", "petal_length"} & row.keys()
    given = {name: float(row[name]) for name in numbers}
    if "image" in row:
        given["image"] = (path.parent / row["image"]).read_bytes()
    out.append({"id": row["id"]} | model.answer(given))
if model.told.get("predict") == "fails":
    sys.exit("no such column: worst_radius")
if model.told.get("predict") == "forgets":
    out.pop()
with open(os.environ["MLOPS_PREDICTIONS"], "w", newline="") as stream:
    writer = csv.DictWriter(stream, list(out[0]))
    writer.writeheader()
    writer.writerows(out)
"""
SERVER = """\
import base64, http.server, itertools, json, os, sys, time
from model import answer, told

count = itertools.count(1)

def predict(given):
    found = {}
    for name, (datatype, value) in given.items():
        if name == "image":
            assert datatype == "BYTES"
            value = base64.b64decode(value, validate=True)
        found[name] = value
    said = answer(found, told.get("scale", 1.0))
    if "digits" in told:
        said = {n: round(v, told["digits"]) if isinstance(v, float) else v for n, v in said.items()}
    return said | ({"prediction": told["class"]} if "class" in told else {})

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.say(200 if told.get("ready", True) else 503, b"{}")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        n = next(count)
        time.sleep(told.get("delay", 0))
        if n == told.get("die_after"):
            os._exit(7)
        if told.get("fail_every") and n % told["fail_every"] == 0:
            return self.say(500, b"{}")
        spoilt = told if n > told.get("honest", 0) else {}
        assert all(t["shape"] == [1] and len(t["data"]) == 1 for t in body["inputs"])
        given = {t["name"]: (t["datatype"], t["data"][0]) for t in body["inputs"]}
        outputs = [
            {"name": name, "datatype": "BYTES" if isinstance(value, str) else "FP64",
             "shape": [1], "data": [value]}
            for name, value in (predict(given) | spoilt.get("spoil", {})).items()
        ]
        outputs[-1] |= spoilt.get("tensor", {})
        answer = {"model_name": "a model", "model_version": os.environ["MLOPS_VERSION"],
                  "id": body["id"], "outputs": outputs}
        self.say(200, json.dumps(answer).encode())

    def say(self, status, body):
        head = f"HTTP/1.1 {status} X\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, *_):
        pass

print("serving", told, flush=True)
if told.get("crash"):
    sys.exit("no such file: weights.bin")
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
server.daemon_threads = True
server.serve_forever()
"""

DEPLOY = """\
deploy:
  requests: 100
  weights: [10, 25, 50]
  minimum_requests: 30
  start_timeout_seconds: 20
"""


@dataclass
class Shop:
    """A project with a registry beside it."""

    project: Any
    registry: FolderRegistry
    tmp: Path

    @property
    def state(self) -> Path:
        """The registry's folder."""
        return Path(self.project.env["MLOPS_STATE"])

    def publish(self, version: str, **told: object) -> None:
        """Register a version whose server behaves as told."""
        folder = self.tmp / f"version-{version}"
        for name in ("model", "source", "records/gate"):
            (folder / name).mkdir(parents=True)
        (folder / "model" / "model.json").write_text(json.dumps(told))
        programs = {"serve.py": SERVER, "predict.py": PREDICT, "model.py": MODEL}
        for name, text in programs.items():
            (folder / "source" / name).write_text(text)
        (folder / "source" / "requirements.txt").write_text("# nothing but the standard library\n")
        (folder / "source" / "mlops.yaml").write_text(
            (self.project.folder / "mlops.yaml").read_text()
        )
        (folder / "records" / "gate" / "verdict.json").write_text("{}")
        self.registry.publish(version, folder)

    def point(self, name: str, version: str) -> None:
        """Set an alias."""
        now = self.registry.alias(name)
        expected = now.version if now else None
        self.registry.set_alias(name, version, expected=expected, reason="test")

    def champion(self) -> str | None:
        """The version that alias champion points to."""
        alias = self.registry.alias("champion")
        return alias.version if alias else None

    def canary(self) -> Any:
        """What the step left for the report."""
        return json.loads((self.project.folder / "out/deploy-canary/canary.json").read_text())

    def journal(self) -> Any:
        """What the step noted before it did it."""
        return json.loads((self.project.folder / "out/deploy-canary/rollout.json").read_text())


def descendants(before: set[int]) -> set[int]:
    """Processes that a test started and that still run, also those that lost their parent.

    `before` are our children from before it: servers that all tests of a session share.
    """
    new = [child for child in psutil.Process().children() if child.pid not in before]
    mine = {each.pid for child in new for each in (child, *child.children(recursive=True))}
    return mine | {
        process.pid
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _marked(process)
    }


def _marked(process: psutil.Process) -> bool:
    try:
        return process.environ().get("MLOPS_TEST_MARK") == str(os.getpid())
    except psutil.Error:
        return False


@pytest.fixture
def shop(sample: Callable[..., Any], tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Make a project with its registry; afterwards nothing that it started may be left."""
    before = {child.pid for child in psutil.Process().children()}

    def make(deploy: str = DEPLOY, task: str = "binary") -> Shop:
        project = sample()
        model = NAMES.get(task, "tumour")
        if task != "binary":
            become(project, task)
        path = project.folder / "mlops.yaml"
        path.write_text(path.read_text() + deploy)
        project.commit()
        project.env["MLOPS_TEST_MARK"] = str(os.getpid())
        return Shop(project, FolderRegistry(Path(project.env["MLOPS_STATE"]), model), tmp_path)

    yield make
    assert descendants(before) == set()
