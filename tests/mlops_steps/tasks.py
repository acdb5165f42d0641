"""Small projects of the other tasks: several classes told from files, and a number."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

FILES_YAML = """\
model: {name: shapes, task: multiclass}
data:
  inputs:
    shapes:
      kind: files
      file: image
      path: data/manifest.csv
      key: id
      target: shape
      split: {by: hash, salt: s, test: 0.4, valid: 0.2}
      contract: data/contract.yaml
commands:
  train: python train.py
  predict: python predict.py
  serve: python serve.py
  test: python -m pytest -q
gate:
  test: [accuracy >= 0.7, accuracy >= champion - 0.1, balanced_accuracy >= 0.7]
  valid: [accuracy >= 0.5]
"""
FILES_CONTRACT = """\
columns:
  id: {type: integer, unique: true}
  image: {type: text}
  shape: {type: text, allowed: [circle, square, star]}
"""
FILES_TRAIN = """\
import csv, json, os
from pathlib import Path

manifest = Path(os.environ["MLOPS_INPUT_SHAPES"])
rows = list(csv.DictReader(open(manifest)))
for row in rows:
    assert (manifest.parent / row["image"]).read_text().startswith(("circle", "square", "star"))
Path(os.environ["MLOPS_MODEL"], "model.json").write_text(json.dumps({
    "files": sorted(str(path) for path in Path().rglob("*.img")),
    "images": sorted(row["image"] for row in rows),
    "devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
}))
"""
FILES_PREDICT = """\
import csv, os
from pathlib import Path

manifest = Path(os.environ["MLOPS_INPUT_SHAPES"])
rows = list(csv.DictReader(open(manifest)))
assert "shape" not in rows[0], "the target can be seen"
assert not list(Path().rglob("*.img")) + list(Path().rglob("manifest*")), "withheld files"
beside = sorted(path.relative_to(manifest.parent) for path in manifest.parent.rglob("*.img"))
assert beside == sorted(Path(row["image"]) for row in rows), "files of other rows"
with open(os.environ["MLOPS_PREDICTIONS"], "w", newline="") as stream:
    writer = csv.writer(stream)
    writer.writerow(["id", "score", "prediction"])
    for row in rows:
        writer.writerow([row["id"], 0.9, (manifest.parent / row["image"]).read_text().split()[0]])
"""

NUMBERS_YAML = """\
model: {name: sizes, task: regression}
data:
  inputs:
    sizes:
      path: data/sizes.csv
      key: id
      target: size
      split: {by: hash, salt: s, test: 0.4, valid: 0.2}
      contract: data/contract.yaml
commands:
  train: python train.py
  predict: python predict.py
  serve: python serve.py
  test: python -m pytest -q
gate:
  test: [rmse <= 14, mae <= 12, rmse <= champion + 1]
  valid: [rmse <= 20]
"""
NUMBERS_CONTRACT = """\
columns:
  id: {type: integer, unique: true}
  x: {type: number}
  size: {type: number, min: -1000, max: 1000}
"""
NUMBERS_TRAIN = """\
import json, os
from pathlib import Path

Path(os.environ["MLOPS_MODEL"], "model.json").write_text(json.dumps({"slope": 3.0, "shift": 1.0}))
"""
NUMBERS_PREDICT = """\
import csv, json, os
from pathlib import Path

model = json.loads(Path(os.environ["MLOPS_MODEL"], "model.json").read_text())
rows = list(csv.DictReader(open(os.environ["MLOPS_INPUT_SIZES"])))
assert "size" not in rows[0], "the target can be seen"
with open(os.environ["MLOPS_PREDICTIONS"], "w", newline="") as stream:
    writer = csv.writer(stream)
    writer.writerow(["id", "prediction"])
    for row in rows:
        writer.writerow([row["id"], model["slope"] * float(row["x"]) + model["shift"]])
"""
SHAPES = ("circle", "square", "star")


def shapes(make: Callable[..., Any], rows: int = 400) -> Any:
    """A committed project whose rows are files; one in twelve shows another shape than its own."""
    made = make(FILES_YAML)
    lines = ["id,image,shape"]
    for number in range(rows):
        shape = SHAPES[number % 3]
        shown = SHAPES[(number + 1) % 3] if number % 12 == 5 else shape
        made.write(f"data/images/{number}.img", f"{shown} {number}\n")
        lines.append(f"{number},images/{number}.img,{shape}")
    made.write("data/manifest.csv", "\n".join(lines) + "\n")
    return _with(made, FILES_CONTRACT, FILES_TRAIN, FILES_PREDICT)


def sizes(make: Callable[..., Any], rows: int = 400) -> Any:
    """A committed project that predicts a number, with normal errors of deviation 10."""
    made, noise = make(NUMBERS_YAML), random.Random(7)
    lines = ["id,x,size"]
    for number in range(rows):
        x = noise.uniform(0, 100)
        lines.append(f"{number},{x:.3f},{3 * x + noise.gauss(0, 10):.3f}")
    made.write("data/sizes.csv", "\n".join(lines) + "\n")
    return _with(made, NUMBERS_CONTRACT, NUMBERS_TRAIN, NUMBERS_PREDICT)


def _with(made: Any, contract: str, train: str, predict: str) -> Any:
    (made.folder / "data" / "samples.csv").unlink()
    made.write("data/contract.yaml", contract)
    made.write("train.py", train)
    made.write("predict.py", predict)
    made.write("requirements.txt", "# nothing but the standard library\n")
    made.commit("a project")
    return made
