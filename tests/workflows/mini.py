"""A rendered project whose own part is tiny: the pipeline is the real one, walked in seconds.

Only what a user owns is replaced: table, contract, mlops.yaml, and programs of the standard
library alone, so that no environment has to be installed. Every file of CI is as rendered.
"""

from __future__ import annotations

import csv
import random
import shutil
import subprocess
import sys
from pathlib import Path

from mlops_init import project
from mlops_init.answers import complete

GIT = (
    *("git", "-c", "user.name=Test", "-c", "user.email=test@example.org"),
    *("-c", "commit.gpgsign=false"),
)
#: The commit that the files name; the engines put the tree under test in its place.
PIN = "0123456789abcdef0123456789abcdef01234567"
ROWS = 600

CONFIG = """\
model: {name: small, task: binary}
data:
  inputs:
    samples:
      path: data/samples.csv
      key: id
      target: grown
      positive: "yes"
      split: {by: hash, salt: s, test: 0.3, valid: 0.2}
      contract: data/contract.yaml
commands:
  train: python src/train.py
  predict: python src/predict.py
  serve: python src/serve.py
  test: python src/check.py
gate:
  minimum_rows: 50
  test:
    - accuracy >= 0.9
    - accuracy >= champion - 0.05
  valid:
    - accuracy >= 0.9
registry: platform
deploy: {weights: [50], requests: 400}
monitor: {log: state, distance: 0.1}
"""
CONTRACT = """\
rows: {min: 100}
columns:
  id: {type: integer, min: 1, unique: true}
  light: {type: number, min: 0, max: 1}
  water: {type: number, min: 0, max: 1}
  grown: {type: text, allowed: ["yes", "no"]}
"""
TRAIN = '''\
"""Nothing has to be learned: what grows had light."""

import os
from pathlib import Path

assert Path(os.environ["MLOPS_INPUT_SAMPLES"]).is_file()
folder = Path(os.environ["MLOPS_MODEL"])
folder.mkdir(parents=True, exist_ok=True)
(folder / "threshold").write_text("0.5")
'''
PREDICT = '''\
"""More light than the threshold: it has grown."""

import csv
import os
from pathlib import Path

threshold = float((Path(os.environ["MLOPS_MODEL"]) / "threshold").read_text())
with Path(os.environ["MLOPS_INPUT_SAMPLES"]).open(newline="") as stream:
    rows = list(csv.DictReader(stream))
with Path(os.environ["MLOPS_PREDICTIONS"]).open("w", newline="") as stream:
    writer = csv.writer(stream)
    writer.writerow(["id", "score", "prediction"])
    for row in rows:
        grown = float(row["light"]) > threshold
        writer.writerow([row["id"], row["light"], "yes" if grown else "no"])
'''
SERVE = '''\
"""The same over the Open Inference Protocol."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

THRESHOLD = float((Path(os.environ["MLOPS_MODEL"]) / "threshold").read_text())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet

    def do_GET(self):
        self.answer({"live": True, "ready": True})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        (light,) = (each["data"][0] for each in request["inputs"] if each["name"] == "light")
        outputs = [
            {"name": "score", "datatype": "FP64", "shape": [1], "data": [light]},
            {
                "name": "prediction",
                "datatype": "BYTES",
                "shape": [1],
                "data": ["yes" if light > THRESHOLD else "no"],
            },
        ]
        self.answer({"model_name": "small", "id": request.get("id"), "outputs": outputs})

    def answer(self, body):
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, *_arguments):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
'''
CHECK = 'print("1 passed")\n'


def make(folder: Path, *, drift: bool = False, **more: str) -> Path:
    """Render a project below `folder` and put the tiny part in its place.

    Args:
        folder: Where to.
        drift: Whether the model is asked about other rows than it has seen.
        **more: Answers that are not the defaults.
    """
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    answers = {"name": "small", "python_version": version, **more}
    made = project.create(complete(answers), PIN, folder)
    for name in ("src", "tests", "data"):
        shutil.rmtree(made / name)
    config = CONFIG.replace("log: state", "log: data/requests.csv") if drift else CONFIG
    texts = {
        "mlops.yaml": config,
        "requirements.txt": "# None.\n",
        "data/contract.yaml": CONTRACT,
        "src/train.py": TRAIN,
        "src/predict.py": PREDICT,
        "src/serve.py": SERVE,
        "src/check.py": CHECK,
    }
    for name, text in texts.items():
        write(made, name, text)
    rows = _rows()
    _table(made / "data" / "samples.csv", rows)
    if drift:
        asked = [
            {"key": row["id"], "time": "2026-01-05 08:00:00", "light": "0.9", "water": row["water"]}
            for row in rows
        ]
        _table(made / "data" / "requests.csv", asked)
    return made


def write(made: Path, name: str, text: str) -> None:
    """Write a file of the project, whatever folder it is in."""
    path = made / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def edit(made: Path, name: str, old: str, new: str) -> None:
    """Change a place of a file, wherever it occurs in it."""
    text = (made / name).read_text(encoding="utf-8")
    assert old in text, f"{name} does not hold {old!r}"
    (made / name).write_text(text.replace(old, new), encoding="utf-8")


def commit(made: Path, message: str = "Start", *, branch: str = "main") -> None:
    """Commit everything; the first time also make the repository."""
    if not (made / ".git").exists():
        git(made, "init", "-q", "-b", branch)
    git(made, "add", "-A")
    git(made, "commit", "-q", "--allow-empty", "-m", message)


def git(made: Path, *arguments: str) -> None:
    """Git, with a name of its own."""
    subprocess.run([*GIT, *arguments], cwd=made, check=True, timeout=60)


def _rows() -> list[dict[str, str]]:
    chance = random.Random(7)
    rows = []
    for number in range(1, ROWS + 1):
        light, water = round(chance.random(), 3), round(chance.random(), 3)
        grown = "yes" if light > 0.5 else "no"
        rows.append({"id": str(number), "light": f"{light}", "water": f"{water}", "grown": grown})
    return rows


def _table(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
