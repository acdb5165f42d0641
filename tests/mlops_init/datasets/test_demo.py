"""The demonstrations: what scikit-learn ships, told truly, and fit for the steps."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from tests.mlops_init.datasets.checking import breaks
from tests.mlops_init.helpers import ROOT

from mlops_init.datasets import demo, images
from mlops_init.datasets.rules import MINIMUM_ROWS, part
from mlops_steps.gate.grammar import parse

TASKS = list(demo.DEMOS)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The root of a project by task, with its `data`."""
    roots = {}
    for task in TASKS:
        roots[task] = tmp_path_factory.mktemp(task)
        (roots[task] / "data").mkdir()
        demo.source(task).write(roots[task] / "data")
    return roots


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("datasets", ROOT / "scripts" / "datasets.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_what_the_script_writes(tmp_path: Path) -> None:
    made = script().write_all(tmp_path)
    assert len(made) == 3
    for path in made:
        committed = ROOT / "templates" / "data" / path.relative_to(tmp_path)
        assert path.read_bytes() == committed.read_bytes()


def test_the_first_demonstration_keeps_its_bytes(written: dict[str, Path]) -> None:
    found = hashlib.sha256((written["binary"] / "data" / "samples.csv").read_bytes()).hexdigest()
    assert found == "1decbc18045d59ca78d439466f1a4e8895596686f7d0779137987709b9e20b80"


@pytest.mark.parametrize("task", TASKS)
def test_every_row_satisfies_its_contract(written: dict[str, Path], task: str) -> None:
    assert breaks(written[task], demo.DEMOS[task]) == []


@pytest.mark.parametrize("task", TASKS)
def test_enough_rows_judge(written: dict[str, Path], task: str) -> None:
    dataset = demo.DEMOS[task]
    test, valid = float(dataset.test), float(dataset.valid)
    keys = [row[dataset.key] for row in rows(written[task] / dataset.path)]
    parts = [part(dataset.salt, key, test, valid) for key in keys]
    assert min(parts.count("test"), parts.count("valid")) >= MINIMUM_ROWS
    assert f"{len(keys):,}" in dataset.credit


@pytest.mark.parametrize("task", TASKS)
def test_the_gate_can_read_the_rules(task: str) -> None:
    dataset = demo.DEMOS[task]
    known = "multiclass" if task == "images" else task
    for split, texts in (("test", dataset.rules_test), ("valid", dataset.rules_valid)):
        for text in texts:
            assert parse(text, task=known, split=split).text == text


def test_an_image_is_the_digit_that_its_row_names(written: dict[str, Path]) -> None:
    folder = written["images"] / "data"
    digits = load_digits()
    manifest = rows(folder / "manifest.csv")
    assert len(manifest) == len(digits.images) == len(list((folder / "images").iterdir()))
    for row, shades, digit in zip(manifest, digits.images, digits.target, strict=True):
        with Image.open(folder / row["image"]) as image:
            image.load()
            assert (image.mode, image.size) == ("L", (8, 8))
            pixels = np.asarray(image, dtype=float)
        assert np.array_equal(np.round(pixels * 16 / 255), shades)
        assert row["digit"] == str(digit)
        assert float(row["brightness"]) == pytest.approx(shades.mean() / 16, abs=6e-5)
        assert float(row["contrast"]) == pytest.approx(shades.std() / 16, abs=6e-5)


def test_images_are_the_same_bytes_everywhere(written: dict[str, Path]) -> None:
    folder = written["images"] / "data"
    one = (folder / "images" / "0001.png").read_bytes()
    # 8 lines of a filter and 8 pixels, stored: nothing depends on a compressor's version.
    assert b"IDAT\x78\x01\x01\x48\x00\xb7\xff" in one
    assert (
        hashlib.sha256(one).hexdigest()
        == "db8eb7474a3095a68798c92f311a63da9d1ab77ed9ec2ae7a1c0342bc6fd68b0"
    )


def test_an_image_of_another_width() -> None:
    content = images.png([0, 128, 255, 7, 8, 9], 3)
    assert content[16:24] == b"\0\0\0\3\0\0\0\2"
    assert b"\0\0\x80\xff\0\x07\x08\x09" in content


def test_regression_holds_what_its_rules_were_chosen_for(written: dict[str, Path]) -> None:
    values = [float(row["progression"]) for row in rows(written["regression"] / "data/samples.csv")]
    mean = sum(values) / len(values)
    assert math.sqrt(sum((each - mean) ** 2 for each in values) / len(values)) > 75
