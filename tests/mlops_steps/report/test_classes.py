"""Classes against scikit-learn's figures, many of them, and files that hold no such thing."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from sklearn import metrics

from mlops_steps.errors import UndecidedError
from mlops_steps.report import classes, matrix


def write(path: Path, label: Any, said: Any, score: Any = None, champion: Any = None) -> Path:
    rows = len(label)
    none = np.full(rows, None)
    columns = {
        "key": np.arange(rows).astype(str),
        "label": np.array(label, dtype=object),
        "score": np.full(rows, 0.5) if score is None else np.array(score, dtype=float),
        "prediction": np.array(said, dtype=object),
        "champion_score": none if champion is None else np.full(rows, 0.5),
        "champion_prediction": none if champion is None else np.array(champion, dtype=object),
    }
    with duckdb.connect() as database:
        database.register("predictions", columns)
        database.execute(
            f"""copy (select key, label::varchar as label, score::double as score,
                prediction::varchar as prediction, champion_score::double as champion_score,
                champion_prediction::varchar as champion_prediction from predictions)
                to '{path}' (format parquet)"""
        )
    return path


@pytest.mark.parametrize("rows", [30, 5000])
def test_the_figures_are_those_of_scikit_learn(tmp_path: Path, rows: int) -> None:
    random = np.random.default_rng(7)
    names = np.array(["10", "9", "2", "1e1x"] if rows == 30 else ["10", "9", "2", "-1"])
    label = random.choice(names, rows)
    said = np.where(random.random(rows) < 0.7, label, random.choice(names, rows))
    score = random.random(rows)
    found, champion = classes.read(write(tmp_path / "p.parquet", label, said, score))
    assert champion is None
    order = ["10", "1e1x", "2", "9"] if rows == 30 else ["-1", "2", "9", "10"]
    assert found.shown == [each.name for each in found.classes] == order
    assert found.matrix == metrics.confusion_matrix(label, said, labels=order).tolist()
    recall = metrics.recall_score(label, said, labels=order, average=None)
    precision = metrics.precision_score(label, said, labels=order, average=None)
    assert [each.recall for each in found.classes] == pytest.approx(recall.tolist())
    assert [each.precision for each in found.classes] == pytest.approx(precision.tolist())
    for each in found.classes:
        assert each.low is not None
        assert each.high is not None
        assert each.recall is not None
        assert each.low < each.recall <= each.high
        row = found.matrix[order.index(each.name)].copy()
        row[order.index(each.name)] = 0
        most = row[order.index(each.taken_for)] if each.taken_for else 0
        assert most == max(row)
    for pair in found.pairs:
        cell = found.matrix[order.index(pair.label)][order.index(pair.prediction)]
        assert pair.rows == cell
    assert sum(each.rows for each in found.pairs) == int((label != said).sum())
    assert sum(each.rows for each in found.bins) == rows
    right = sum(each.observed * each.rows for each in found.bins)
    assert right == pytest.approx((label == said).sum())


def test_both_models_share_the_places(tmp_path: Path) -> None:
    path = write(tmp_path / "p.parquet", list("aabb"), list("abbb"), champion=list("azbb"))
    found, champion = classes.read(path)
    assert champion is not None
    assert found.shown == ["a", "b"]
    # What only the champion says has no place of its own.
    assert champion.shown == ["a", "b", classes.OTHERS]
    assert champion.matrix == [[1, 0, 1], [0, 2, 0], [0, 0, 0]]
    assert [each.name for each in champion.classes] == ["a", "b", "z"]
    z = champion.classes[2]
    assert (z.rows, z.said, z.recall, z.precision, z.low) == (0, 1, None, 0.0, None)


def test_of_many_classes_those_that_are_found_least_are_shown(tmp_path: Path) -> None:
    names = np.repeat(list(string.ascii_letters), 20)
    said = names.copy()
    for place, name in enumerate("qwertyuiopa"):  # q is found least
        rows = np.flatnonzero(names == name)[: 15 - place]
        said[rows] = "Z"
    found, _ = classes.read(write(tmp_path / "p.parquet", names, said))
    assert found.shown == [*"qwertyuiopa", classes.OTHERS]
    assert len(found.classes) == 52
    assert [len(row) for row in found.matrix] == [classes.SHOWN] * classes.SHOWN
    assert sum(map(sum, found.matrix)) == 52 * 20
    assert found.matrix[0] == [5, *[0] * 10, 15]
    assert found.matrix[-1] == [*[0] * 11, 41 * 20]
    assert found.pairs[0] == classes.Pair("q", "Z", 15)


def test_a_thousand_classes_make_a_bounded_answer(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    label, said = (random.integers(0, 1000, 50_000).astype(str) for _ in range(2))
    found, _ = classes.read(write(tmp_path / "p.parquet", label, said))
    assert (len(found.matrix), len(found.pairs)) == (classes.SHOWN, classes.PAIRS)
    assert len(found.classes) == 1000


def test_what_is_no_prediction_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    for label, said, score in (
        (["a", None], ["a", "b"], [0.5, 0.5]),
        (["a", "b"], ["a", None], [0.5, 0.5]),
        (["a", "b"], ["a", "b"], [0.5, np.nan]),
        (["a", "b"], ["a", "b"], [0.5, 1.5]),
    ):
        with pytest.raises(UndecidedError, match="1 of 2 rows have no score from 0 to 1, no label"):
            classes.read(write(path, label, said, score))
    with pytest.raises(UndecidedError, match="1 of 2 rows have no champion_score"):
        classes.read(write(path, ["a", "b"], ["a", "b"], champion=["a", None]))
    with pytest.raises(UndecidedError, match="holds no predictions"):
        classes.read(write(path, [], []))
    duckdb.execute(f"copy (select 1 as label) to '{path}' (format parquet)")
    with pytest.raises(UndecidedError, match="cannot be read"):
        classes.read(path)


@pytest.mark.parametrize(
    ("count", "few", "many"),
    [
        (7, "7", "7"),
        (999, "999", "999"),
        (1782, "1,782", "1.8k"),
        (56_123, "56k", "56k"),
        (1_250_000, "1.2M", "1.2M"),
        (3_000_000_000, "3.0G", "3.0G"),
    ],
)
def test_a_count_fits_into_its_cell(count: int, few: str, many: str) -> None:
    for places, shown in ((3, few), (12, many)):
        counts = [[count] * places for _ in range(places)]
        drawn = matrix.draw(counts, "candidate", others=False)
        assert drawn.count(f">{shown}</text>") >= places**2
