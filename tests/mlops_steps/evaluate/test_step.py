from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

Publish = Callable[..., None]


def metrics_of(project: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.folder / "out/evaluate/metrics.json").read_text())
    return found


def champion_model(**changed: Any) -> dict[str, Any]:
    return {"column": "worst_perimeter", "middle": 107.0, "slope": 0.12} | changed


def test_a_candidate_is_scored_on_the_test_rows(trained: Any) -> None:
    ran = trained.run("evaluate")
    assert ran.code == 0, ran.text
    assert ran.verdict["line"] == "176 rows, no champion"
    metrics = metrics_of(trained)
    assert (metrics["rows"], metrics["positives"], metrics["champion"]) == (176, 69, None)
    area = metrics["candidate"]["roc_auc"]
    assert area["low"] < area["value"] < area["high"]
    assert area["method"] == "Newcombe"
    # One wider interval, since two rules judge by the test rows.
    assert len(area["holm"]) == 1
    assert area["holm"][0][0] < area["low"]
    assert ran.verdict["figures"]["roc_auc"]["n"] == 176
    assert set(ran.verdict["wrote"]) == {
        "out/evaluate/metrics.json",
        "out/evaluate/predict.log",
        "out/evaluate/predictions.parquet",
    }


def test_the_champion_answers_for_the_same_rows(trained: Any, publish: Publish) -> None:
    # Its own command and its own model: it looks at another column.
    publish(trained, "1.0.0", champion_model(column="worst_texture", middle=26.0))
    ran = trained.run("evaluate")
    assert ran.code == 0, ran.text
    assert ran.verdict["line"] == "176 rows, champion 1.0.0 paired"
    metrics = metrics_of(trained)
    ours, theirs = metrics["candidate"], metrics["champion"]["metrics"]
    for name, each in metrics["difference"].items():
        assert each["value"] == pytest.approx(ours[name]["value"] - theirs[name]["value"])
    path = trained.folder / "out/evaluate/predictions.parquet"
    query = (
        "SELECT count(*), avg((label = prediction)::INT), avg((label = champion_prediction)::INT)"
    )
    with duckdb.connect() as connection:
        rows, right, others = connection.sql(f"{query} FROM '{path}'").fetchall()[0]
    assert rows == 176
    assert right == pytest.approx(ours["accuracy"]["value"])
    assert others == pytest.approx(theirs["accuracy"]["value"])


def test_a_champion_that_cannot_predict_is_not_no_champion(trained: Any, publish: Publish) -> None:
    publish(trained, "1.0.0", champion_model(), predict="raise SystemExit('no such column')")
    ran = trained.run("evaluate")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert "champion 1.0.0: `python predict.py` ended with exit code 1" in ran.verdict["line"]
    assert "no such column" in ran.text
    assert not (trained.folder / "out/evaluate/metrics.json").exists()


def test_a_champion_that_was_changed_is_not_no_champion(trained: Any, publish: Publish) -> None:
    publish(trained, "1.0.0", champion_model())
    state = Path(trained.env["MLOPS_STATE"])
    (changed,) = state.rglob("model.json")
    changed.chmod(0o644)
    changed.write_text(json.dumps(champion_model(slope=-1.0)))
    ran = trained.run("evaluate")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert "model/model.json was changed" in ran.text


def test_on_valid_rows_the_registry_is_never_touched(project: Any) -> None:
    assert project.run("train", split="valid").code == 0
    # This address would be refused if anybody asked for it.
    project.env["MLOPS_REGISTRY"] = "nonsense"
    ran = project.run("evaluate", split="valid")
    assert ran.code == 0, ran.text
    assert ran.verdict["line"] == "111 rows, valid split, no champion asked for"
    assert project.run("gate", split="valid").code == 0


def test_a_model_is_not_judged_by_rows_it_may_have_seen(trained: Any) -> None:
    ran = trained.run("evaluate", split="valid")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert "it may have seen them" in ran.verdict["line"]


def test_wrong_predictions_fail_with_the_row(project: Any) -> None:
    text = (project.folder / "predict.py").read_text()
    project.write("predict.py", text.replace("score = 1 /", "score = 2 /"))
    project.commit("wrong scores")
    assert project.run("train").code == 0
    ran = project.run("evaluate")
    assert (ran.code, ran.verdict["status"]) == (1, "fail")
    assert "candidate: scores that are no number from 0 to 1" in ran.verdict["line"]


@pytest.mark.parametrize(
    "last",
    [
        'os.symlink("/etc/passwd", place)',
        'os.symlink(os.environ["MLOPS_INPUT_SAMPLES"], place)',
        "os.mkfifo(place)",
        "os.mkdir(place)",
    ],
)
@pytest.mark.timeout(60)
def test_predictions_are_a_file_of_their_own(project: Any, last: str) -> None:
    text = (project.folder / "predict.py").read_text()
    more = f'\nplace = os.environ["MLOPS_PREDICTIONS"]\nos.remove(place)\n{last}\n'
    project.write("predict.py", text + more)
    project.commit("no file")
    assert project.run("train").code == 0
    ran = project.run("evaluate")
    assert ran.code == 1, ran.text
    assert "wrote no file at $MLOPS_PREDICTIONS" in ran.verdict["line"]


@pytest.mark.timeout(60)
def test_predictions_without_an_end_are_refused(project: Any) -> None:
    text = (project.folder / "predict.py").read_text()
    project.write("predict.py", text + 'os.truncate(os.environ["MLOPS_PREDICTIONS"], 1 << 40)\n')
    project.commit("a terabyte of nothing")
    assert project.run("train").code == 0
    ran = project.run("evaluate")
    assert ran.code == 1, ran.text
    assert "wrote 1,099,511,627,776 bytes to $MLOPS_PREDICTIONS; for a table" in ran.verdict["line"]


def test_a_table_that_changed_since_training_cannot_judge(trained: Any) -> None:
    path = trained.folder / "data/samples.csv"
    path.write_text(path.read_text().replace("malignant", "benign", 1))
    ran = trained.run("evaluate")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert ran.verdict["line"] == (
        "data/samples.csv: is not the table that the model was trained on"
    )
