"""A project whose train command is small and tells what it saw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TRAIN = """\
import csv, json, os
from pathlib import Path

rows = list(csv.DictReader(open(os.environ["MLOPS_INPUT_SAMPLES"])))
model = Path(os.environ["MLOPS_MODEL"])
(model / "model.json").write_text(json.dumps({
    "keys": [row["id"] for row in rows],
    "params": json.loads(Path(os.environ["MLOPS_PARAMS"]).read_text()),
    "seed": os.environ["MLOPS_SEED"],
    "files": sorted(str(path) for path in Path().rglob("*") if path.is_file()),
    "folder": os.getcwd(),
    "variables": sorted(os.environ),
}))
print("trained on", len(rows))
"""
SECTION = """\
train:
  seed: 7
  params: {depth: 3, name: tree}
  quick: {depth: 1}
"""


@pytest.fixture
def project(sample: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Make a project with a train command; its environment holds nothing."""

    def make(train: str = TRAIN, section: str = SECTION) -> Any:
        made = sample()
        config = made.folder / "mlops.yaml"
        config.write_text(config.read_text() + section)
        made.write("train.py", train)
        made.write("requirements.txt", "")
        made.commit("train")
        scratch = tmp_path / "tmp"
        scratch.mkdir(exist_ok=True)
        made.env["TMPDIR"] = str(scratch)
        return made

    return make
