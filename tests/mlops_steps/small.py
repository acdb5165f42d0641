"""Small projects of the other tasks: flowers (multiclass), patients (regression), images."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from tests.mlops_steps.conftest import Sample

from mlops_steps.registry.folder import FolderRegistry

ROWS = 420
SPECIES = ("setosa", "versicolor", "virginica")
NAMES = {"multiclass": "flower", "regression": "progress", "files": "shade"}
SHADES = ("dark", "grey", "light")

CONFIG = """\
model: {{name: {name}, task: {task}}}
data:
  inputs:
    samples: {{{table}, split: {{by: hash, salt: s, test: 0.3, valid: 0.2}}}}
commands:
  train: python train.py
  predict: python predict.py
  serve: python serve.py
  test: python -m pytest -q
gate:
  test: [{rules}]
  valid: [{rule}]
"""
PATH = "path: data/samples.csv, contract: data/contract.yaml, key: id"
CONFIGS = {
    "multiclass": CONFIG.format(
        name=NAMES["multiclass"],
        task="multiclass",
        table=f"{PATH}, target: species",
        rule="accuracy >= 0.7",
        rules="accuracy >= 0.7, accuracy >= champion - 0.05",
    ),
    "regression": CONFIG.format(
        name=NAMES["regression"],
        task="regression",
        table=f"{PATH}, target: progression",
        rule="rmse <= 70",
        rules="rmse <= 70, rmse <= champion + 1",
    ),
    "files": CONFIG.format(
        name=NAMES["files"],
        task="multiclass",
        table=f"kind: files, file: image, {PATH}, target: shade",
        rule="accuracy >= 0.7",
        rules="accuracy >= 0.7, accuracy >= champion - 0.05",
    ),
}
CONTRACTS = {
    "multiclass": "petal_length: {type: number}, petal_width: {type: number}, "
    "species: {type: text}",
    "regression": "bmi: {type: number, min: 5}, age: {type: integer}, progression: {type: number}",
    "files": "image: {type: text}, exposure: {type: number}, shade: {type: text}",
}

#: One program for all three, with nothing but the standard library: the means of each class, or
#: a line through the first feature. `weak` in the model makes it worse.
MODEL = """\
import csv, json, math, os, pathlib, statistics

folder = pathlib.Path(os.environ["MLOPS_MODEL"])

def rows():
    path = pathlib.Path(os.environ["MLOPS_INPUT_SAMPLES"])
    with path.open(newline="") as stream:
        for row in csv.DictReader(stream):
            if "image" in row:
                row["light"] = statistics.mean((path.parent / row.pop("image")).read_bytes()[-16:])
            key, label = row.pop("id"), None
            for name in ("species", "progression", "shade"):
                label = row.pop(name, label)
            yield key, [float(cell) for cell in row.values()], label

def train():
    found = list(rows())
    if os.environ.get("REGRESSION"):
        line = statistics.linear_regression(*zip(*((v[0], float(y)) for _, v, y in found)))
        model = {"slope": line.slope, "intercept": line.intercept}
    else:
        model = {}
        for label in sorted({y for *_, y in found}):
            columns = zip(*(v for _, v, y in found if y == label))
            model[label] = [statistics.mean(column) for column in columns]
    (folder / "model.json").write_text(json.dumps(model))

def predict():
    model = json.loads((folder / "model.json").read_text())
    weak = model.pop("weak", 0)
    with open(os.environ["MLOPS_PREDICTIONS"], "w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["id", "prediction"] if "slope" in model else ["id", "score", "prediction"])
        for key, values, _ in rows():
            if "slope" in model:
                out.writerow([key, model["intercept"] + model["slope"] * values[0] + weak])
                continue
            near = {y: 1 / (1e-9 + math.dist(values, v)) for y, v in model.items()}
            best = max(near, key=near.get)
            score = near[best] / sum(near.values())
            if weak and int(key) % weak == 0:
                best = min(near, key=near.get)
            out.writerow([key, score, best])
"""


def become(project: Sample, task: str) -> Sample:
    """Turn a project into a small one of another task; `files` is multiclass on images."""
    project.write("mlops.yaml", CONFIGS[task])
    lines = {"multiclass": flowers, "regression": patients, "files": images}[task](project)
    project.write("data/samples.csv", "".join(f"{line}\n" for line in lines))
    columns = f"{{id: {{type: integer}}, {CONTRACTS[task]}}}"
    project.write("data/contract.yaml", f"rows: {{min: 100}}\ncolumns: {columns}\n")
    head = 'import os\nos.environ["REGRESSION"] = "1"\n' if task == "regression" else ""
    project.write("model.py", MODEL)
    project.write("train.py", f"{head}import model\nmodel.train()\n")
    project.write("predict.py", "import model\nmodel.predict()\n")
    project.write("requirements.txt", "# nothing but the standard library\n")
    project.commit(f"{task} instead")
    return project


def flowers(_project: Sample) -> list[str]:
    chance = random.Random(1)
    lines = ["id,petal_length,petal_width,species"]
    for number in range(ROWS):
        kind = number % 3
        length, width = chance.gauss(1.5 + 2 * kind, 0.9), chance.gauss(0.3 + kind, 0.5)
        lines.append(f"{number},{length:.2f},{width:.2f},{SPECIES[kind]}")
    return lines


def patients(_project: Sample) -> list[str]:
    chance = random.Random(2)
    lines = ["id,bmi,age,progression"]
    for number in range(ROWS):
        bmi, age = chance.gauss(26, 4), chance.randrange(20, 80)
        lines.append(f"{number},{bmi:.1f},{age},{8 * bmi - 60 + chance.gauss(0, 40):.0f}")
    return lines


def images(project: Sample) -> list[str]:
    """Grey images (PGM, 4 by 4) of three shades; the name of an image is text, like `007.pgm`."""
    chance = random.Random(3)
    folder = project.folder / "data" / "images"
    folder.mkdir()
    lines = ["id,image,exposure,shade"]
    for number in range(ROWS):
        shade = number % 3
        points = bytes(chance.randrange(80 * shade, 80 * shade + 60) for _ in range(16))
        (folder / f"{number:03}.pgm").write_bytes(b"P5 4 4 255\n" + points)
        exposure = chance.gauss(1, 0.1)
        lines.append(f"{number},images/{number:03}.pgm,{exposure:.2f},{SHADES[shade]}")
    return lines


def crown(project: Sample, task: str, place: Path, *, weak: float) -> None:
    """Make version 1.0.0, the project's own model made worse, the champion."""
    trained = json.loads((project.folder / "out/train/model/model.json").read_text())
    folder = place / "version"
    for name in ("model.py", "predict.py", "mlops.yaml", "requirements.txt"):
        (folder / "source").mkdir(parents=True, exist_ok=True)
        shutil.copy(project.folder / name, folder / "source" / name)
    (folder / "model").mkdir()
    (folder / "model" / "model.json").write_text(json.dumps({**trained, "weak": weak}))
    (folder / "records" / "gate").mkdir(parents=True)
    (folder / "records" / "gate" / "verdict.json").write_text("{}")
    registry = FolderRegistry(Path(project.env["MLOPS_STATE"]).resolve(), NAMES[task])
    registry.publish("1.0.0", folder)
    registry.set_alias("champion", "1.0.0", expected=None, reason="a test")
