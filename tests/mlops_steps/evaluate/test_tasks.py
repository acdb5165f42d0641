"""Several classes told from files, and a number: train, evaluate and gate, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.mlops_steps import tasks

Make = Callable[..., Any]


@pytest.fixture
def shapes(sample: Make) -> Any:
    made = tasks.shapes(sample)
    assert made.run("train").code == 0
    return made


@pytest.fixture
def sizes(sample: Make) -> Any:
    made = tasks.sizes(sample)
    assert made.run("train").code == 0
    return made


def crown(made: Any, folder: Path, model: str, name: str, predict: str | None = None) -> None:
    """Make a version of the project the champion."""
    from mlops_steps.registry.folder import FolderRegistry

    texts = {
        "model/model.json": model,
        "source/predict.py": predict or (made.folder / "predict.py").read_text(),
        "source/mlops.yaml": (made.folder / "mlops.yaml").read_text(),
        "source/requirements.txt": "# nothing but the standard library\n",
        "records/gate/verdict.json": "{}",
    }
    for path, text in texts.items():
        place = folder / "version" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    registry = FolderRegistry(Path(made.env["MLOPS_STATE"]).resolve(), name)
    registry.publish("1.0.0", folder / "version")
    registry.set_alias("champion", "1.0.0", expected=None, reason="a test")


def metrics_of(made: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((made.folder / "out/evaluate/metrics.json").read_text())
    return found


def columns_of(made: Any) -> dict[str, str]:
    path = made.folder / "out/evaluate/predictions.parquet"
    with duckdb.connect() as connection:
        return {row[0]: row[1] for row in connection.sql(f"DESCRIBE FROM '{path}'").fetchall()}


def test_classes_are_measured_and_judged_beside_a_champion(shapes: Any, tmp_path: Path) -> None:
    always = (
        shapes.folder.joinpath("predict.py")
        .read_text()
        .replace('(manifest.parent / row["image"]).read_text().split()[0]', '"star"')
    )
    crown(shapes, tmp_path, "{}", "shapes", always)
    ran = shapes.run("evaluate")
    assert ran.code == 0, ran.text
    metrics = metrics_of(shapes)
    assert (metrics["task"], metrics["classes"], metrics["positives"]) == ("multiclass", 3, None)
    ours, theirs = metrics["candidate"], metrics["champion"]["metrics"]
    assert set(ours) == {"accuracy", "balanced_accuracy", "macro_f1"}
    assert theirs["balanced_accuracy"]["value"] == pytest.approx(1 / 3)
    assert ours["macro_f1"]["low"] is None
    for name in ("accuracy", "balanced_accuracy"):
        for each in (ours[name], theirs[name], metrics["difference"][name]):
            assert each["low"] < each["value"] < each["high"]
            assert len(each["holm"]) == 2
    assert columns_of(shapes) == {
        "key": "VARCHAR",
        "label": "VARCHAR",
        "score": "DOUBLE",
        "prediction": "VARCHAR",
        "champion_score": "DOUBLE",
        "champion_prediction": "VARCHAR",
    }
    judged = shapes.run("gate")
    assert (judged.code, judged.verdict["status"]) == (0, "pass"), judged.text


def test_numbers_are_measured_and_judged(sizes: Any) -> None:
    ran = sizes.run("evaluate")
    assert ran.code == 0, ran.text
    metrics = metrics_of(sizes)
    assert (metrics["task"], metrics["classes"], metrics["positives"]) == ("regression", None, None)
    assert metrics["target_sd"] > 50
    ours = metrics["candidate"]
    assert set(ours) == {"mae", "r2", "rmse"}
    assert ours["rmse"]["low"] < 10 < ours["rmse"]["high"]
    assert ours["r2"]["value"] > 0.9
    assert ours["r2"]["low"] is None
    assert columns_of(sizes) == {
        "key": "VARCHAR",
        "label": "DOUBLE",
        "prediction": "DOUBLE",
        "champion_prediction": "DOUBLE",
    }
    judged = sizes.run("gate", first_release="true")
    assert judged.code == 0, judged.text
    assert "rmse <= 14: rmse " in judged.text
    assert "points" not in judged.text


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ('{"slope": 3.0, "shift": 1.0}', 0),  # the very same predictions
        ('{"slope": 3.01, "shift": 1.0}', 0),
        ('{"slope": 3.0, "shift": 40.0}', 0),  # the candidate is far better
        ('{"slope": 3.0, "shift": 0.0}', 0),
    ],
)
def test_a_candidate_that_is_no_worse_passes(
    sizes: Any, tmp_path: Path, model: str, code: int
) -> None:
    crown(sizes, tmp_path, model, "sizes")
    assert sizes.run("evaluate").code == 0
    judged = sizes.run("gate")
    assert judged.code == code, judged.text


def test_a_worse_candidate_fails_with_figures_in_the_targets_unit(
    sizes: Any, tmp_path: Path
) -> None:
    crown(sizes, tmp_path, '{"slope": 3.0, "shift": 1.0}', "sizes")
    sizes.write("train.py", tasks.NUMBERS_TRAIN.replace('"shift": 1.0', '"shift": 9.0'))
    sizes.commit("a worse model")
    assert sizes.run("train").code == 0
    assert sizes.run("evaluate").code == 0
    judged = sizes.run("gate")
    assert (judged.code, judged.verdict["status"]) == (1, "fail")
    assert "rmse <= champion + 1" in judged.text
    assert "the rule allows 1; the whole interval lies above it" in judged.text
    assert "the champion is still 1.0.0" in judged.text


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('model["slope"] * float(row["x"])', 'float("nan")', "no finite number: 0: nan, "),
        ('model["slope"] * float(row["x"])', 'float("inf")', "no finite number: 0: inf, "),
        ('model["slope"] * float(row["x"]) + model["shift"]', '"big"', "no finite number: 0: big"),
        ('model["slope"] * float(row["x"]) + model["shift"]', '""', "number: 0: nothing"),
        ('"prediction"]', '"guess"]', "no column prediction. Wanted: id, prediction"),
        ("in rows:", "in rows[1:]:", "rows without a prediction: "),
    ],
)
def test_wrong_numbers_fail(sizes: Any, old: str, new: str, words: str) -> None:
    text = (sizes.folder / "predict.py").read_text()
    assert old in text
    sizes.write("predict.py", text.replace(old, new))
    ran = sizes.run("evaluate")
    assert (ran.code, ran.verdict["status"]) == (1, "fail"), ran.text
    assert words in ran.verdict["line"]
    assert not (sizes.folder / "out/evaluate/metrics.json").exists()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"score", ', "", "no column score. Wanted: id, score, prediction"),
        ("0.9, ", 'float("nan"), ', "scores that are no number from 0 to 1: "),
        ("0.9, ", "1.5, ", "scores that are no number from 0 to 1: "),
        (".split()[0]", ".split()[0].upper()", "no value of the target (circle, square, star): "),
        (".split()[0]", "[:0]", "no value of the target (circle, square, star): "),
    ],
)
def test_wrong_classes_fail(shapes: Any, old: str, new: str, words: str) -> None:
    text = (shapes.folder / "predict.py").read_text()
    assert old in text
    shapes.write("predict.py", text.replace(old, new))
    ran = shapes.run("evaluate")
    assert (ran.code, ran.verdict["status"]) == (1, "fail"), ran.text
    assert words in ran.verdict["line"]


def test_a_file_that_changed_since_training_cannot_judge(shapes: Any) -> None:
    shapes.write("data/images/3.img", "star 3\n")
    ran = shapes.run("evaluate")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert ran.verdict["line"] == (
        "data/manifest.csv#image: are not the files that the model was trained on"
    )


def test_a_file_that_is_gone_cannot_judge(shapes: Any) -> None:
    (shapes.folder / "data/images/3.img").unlink()
    ran = shapes.run("evaluate")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert "data/manifest.csv: 'images/3.img' is not there" in ran.verdict["line"]


def test_a_champion_of_another_task_is_not_no_champion(sizes: Any, tmp_path: Path) -> None:
    crown(sizes, tmp_path, "{}", "sizes")
    text = (sizes.folder / "mlops.yaml").read_text().replace("regression", "multiclass")
    sizes.write("mlops.yaml", text.split("gate:")[0] + "gate: {test: [accuracy >= 0.1], valid: []}")
    text = (
        (sizes.folder / "mlops.yaml").read_text().replace("valid: []", "valid: [accuracy >= 0.1]")
    )
    sizes.write("mlops.yaml", text)
    sizes.commit("another task")
    assert sizes.run("train").code == 0
    ran = sizes.run("evaluate")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert "its task is regression, here it is multiclass: not comparable" in ran.verdict["line"]


def test_a_class_without_a_judging_row_leaves_its_averages_out(sample: Make) -> None:
    made = tasks.shapes(sample)
    manifest = made.folder / "data/manifest.csv"
    rare = next(number for number in range(400) if f"{number}.img" in _trained(made))
    lines = manifest.read_text().splitlines()
    lines[rare + 1] = f"{rare},images/{rare}.img,triangle"
    manifest.write_text("\n".join(lines) + "\n")
    made.commit("a rare class")
    assert made.run("train").code == 0
    ran = made.run("evaluate")
    assert ran.code == 0, ran.text
    assert set(metrics_of(made)["candidate"]) == {"accuracy"}
    assert "no test row of triangle" in ran.verdict["findings"][0]["message"]
    judged = made.run("gate", first_release="true")
    assert (judged.code, judged.verdict["status"]) == (3, "undecided")
    assert "balanced_accuracy: not among the figures that evaluate wrote" in judged.text


def _trained(made: Any) -> list[str]:
    assert made.run("train").code == 0
    model = json.loads((made.folder / "out/train/model/model.json").read_text())
    return [Path(name).name for name in model["images"]]
