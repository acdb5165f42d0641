"""Tell from its hours and its pressure whether a pump will fail. The standard library suffices.

python pumps.py train | predict | serve
"""

import csv
import json
import math
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FEATURES = ("hours", "bar")


def train() -> None:
    """`$MLOPS_INPUT_PUMPS` and `$MLOPS_PARAMS` to `$MLOPS_MODEL`: a logistic regression."""
    params = json.loads(Path(os.environ["MLOPS_PARAMS"]).read_text())
    rows = read()
    values = [[float(row[name]) for name in FEATURES] for row in rows]
    failed = [float(row["state"] == "failed") for row in rows]
    means = [sum(column) / len(column) for column in zip(*values, strict=True)]
    model = {"means": means, "weights": [0.0] * len(FEATURES), "bias": 0.0}
    for _ in range(params["rounds"]):
        for row, label in zip(values, failed, strict=True):
            error = label - score(model, row)
            model["bias"] += 0.01 * error
            for at, value in enumerate(row):
                model["weights"][at] += 0.01 * error * (value - means[at])
    Path(os.environ["MLOPS_MODEL"], "model.json").write_text(json.dumps(model))
    print(f"{len(rows)} pumps, {params['rounds']} rounds")


def predict() -> None:
    """`$MLOPS_INPUT_PUMPS` by `$MLOPS_MODEL` to `$MLOPS_PREDICTIONS`."""
    model = load()
    with Path(os.environ["MLOPS_PREDICTIONS"]).open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["pump", "score", "prediction"])
        for row in read():
            found = score(model, [float(row[name]) for name in FEATURES])
            writer.writerow([row["pump"], found, tell(found)])


def serve() -> None:
    """Answer on `$PORT` by the Open Inference Protocol, version 2."""
    model = load()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def do_GET(self) -> None:
            self.answer({"ready": True})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            columns = {tensor["name"]: tensor["data"] for tensor in asked["inputs"]}
            rows = zip(*(columns[name] for name in FEATURES), strict=True)
            scores = [score(model, list(row)) for row in rows]
            told = [tell(each) for each in scores]
            outputs = [
                {"name": "score", "datatype": "FP64", "shape": [len(scores)], "data": scores},
                {"name": "prediction", "datatype": "BYTES", "shape": [len(told)], "data": told},
            ]
            self.answer({"model_name": "pumps", "outputs": outputs})

        def answer(self, content: dict) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()


def read() -> list[dict[str, str]]:
    """The rows of the table."""
    with Path(os.environ["MLOPS_INPUT_PUMPS"]).open(newline="") as stream:
        return list(csv.DictReader(stream))


def load() -> dict:
    """The model that train has left."""
    return json.loads(Path(os.environ["MLOPS_MODEL"], "model.json").read_text())


def score(model: dict, row: list[float]) -> float:
    """The probability that the pump fails."""
    moved = zip(model["weights"], row, model["means"], strict=True)
    total = model["bias"] + sum(weight * (value - mean) for weight, value, mean in moved)
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def tell(probability: float) -> str:
    """The value of the target that it stands for."""
    return "failed" if probability >= 0.5 else "sound"


if __name__ == "__main__":
    {"train": train, "predict": predict, "serve": serve}[sys.argv[1]]()
