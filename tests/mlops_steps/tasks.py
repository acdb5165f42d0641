"""Small projects of the other tasks: flowers (multiclass), patients (regression), images."""

from __future__ import annotations

import random

from tests.mlops_steps.conftest import Sample

ROWS = 240
SPECIES = ("setosa", "versicolor", "virginica")
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
  test: [{rule}]
  valid: [{rule}]
"""
PATH = "path: data/samples.csv, contract: data/contract.yaml, key: id"
CONFIGS = {
    "multiclass": CONFIG.format(
        name="flower", task="multiclass", table=f"{PATH}, target: species", rule="accuracy >= 0.8"
    ),
    "regression": CONFIG.format(
        name="progress", task="regression", table=f"{PATH}, target: progression", rule="rmse <= 70"
    ),
    "files": CONFIG.format(
        name="shade",
        task="multiclass",
        table=f"kind: files, file: image, {PATH}, target: shade",
        rule="accuracy >= 0.8",
    ),
}


def become(project: Sample, task: str) -> Sample:
    """Turn a project into a small one of another task; `files` is multiclass on images."""
    project.write("mlops.yaml", CONFIGS[task])
    lines = {"multiclass": flowers, "regression": patients, "files": images}[task](project)
    project.write("data/samples.csv", "".join(f"{line}\n" for line in lines))
    project.commit(f"{task} instead")
    return project


def flowers(_project: Sample) -> list[str]:
    chance = random.Random(1)
    lines = ["id,petal_length,petal_width,species"]
    for number in range(ROWS):
        kind = number % 3
        length, width = chance.gauss(1.5 + 2 * kind, 0.4), chance.gauss(0.3 + kind, 0.2)
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
