"""Ask a trained model about rows it has not seen, and measure its answers."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_steps.errors import UndecidedError
from mlops_steps.spec import Input, Status, Step

if TYPE_CHECKING:
    from mlops_steps.evaluate.join import Judged
    from mlops_steps.evaluate.predict import Model
    from mlops_steps.record import Record
    from mlops_steps.stats.results import Metrics

STEP = Step(
    name="evaluate",
    summary="Score the candidate, and the champion, on rows that training has not seen.",
    requires=("duckdb", "numpy", "scikit-learn", "oras"),
    inputs=(
        Input(
            "split",
            "The rows that judge: test before a release, valid for a trial.",
            default="test",
            choices=("test", "valid"),
        ),
    ),
)

MODEL = "out/train/model"
PREDICTIONS_FILE = "out/evaluate/predictions.parquet"


def run(record: Record) -> Status:
    """Withhold the labels, let both models predict, check, join and measure."""
    from mlops_steps.config import FILE_NAME
    from mlops_steps.data.withhold import write_labels, write_rows
    from mlops_steps.evaluate.champion import ask_champion
    from mlops_steps.evaluate.join import join
    from mlops_steps.evaluate.predict import predict
    from mlops_steps.stats.results import METRICS_FILE, write

    split, table = record.inputs["split"], record.config.table
    record.take(FILE_NAME)
    record.take(record.config.environment)
    data = record.take(table.path)
    _require_trained_for(record, split)
    with tempfile.TemporaryDirectory(prefix="mlops-evaluate-") as folder:
        work = Path(folder)
        rows = work / "rows" / data.name
        if not write_rows(data, rows, table, splits=[split], leave_out=[table.target]):
            raise UndecidedError(f"{table.path}: has no {split} rows")
        labels = work / "labels" / "labels.parquet"
        model = _candidate(record, work / "candidate")
        predictions = predict(
            model, rows, work=work / "candidate", log=record.folder / "predict.log"
        )
        # On valid the registry is never touched: pull requests run without its credentials.
        (work / "champion").mkdir()
        champion = ask_champion(record, rows, work / "champion") if split == "test" else None
        # Only now do the labels lie anywhere but in the project itself.
        write_labels(data, labels, table, splits=[split])
        judged = join(
            labels,
            predictions,
            champion.predictions if champion else None,
            data=data,
            table=table,
            to=record.root / PREDICTIONS_FILE,
        )
    metrics = _measure(record, judged, champion.version if champion else None)
    write(record.root / METRICS_FILE, metrics)
    logs = sorted(record.folder.glob("*.log"))
    for path in (record.root / PREDICTIONS_FILE, record.root / METRICS_FILE, *logs):
        record.wrote(path)
    _note(record, metrics)
    return Status.PASS


def _require_trained_for(record: Record, split: str) -> None:
    """The rows that judge must not be among those that the model was trained on."""
    trained = record.read_verdict("train")
    if trained.status is not Status.PASS:
        raise UndecidedError(f"train ended {trained.status}: {trained.line}")
    if trained.inputs.get("split") != split:
        raise UndecidedError(
            f"the model was trained to be judged by {trained.inputs.get('split')}, "
            f"so the {split} rows cannot judge it: it may have seen them"
        )
    path = record.config.table.path
    if trained.took.get(path) != record.verdict.took[path]:
        raise UndecidedError(f"{path}: is not the table that the model was trained on")


def _candidate(record: Record, work: Path) -> Model:
    """The model in a source tree of its own, from which the labelled table is missing."""
    from mlops_steps.evaluate.predict import Model
    from mlops_steps.source import copy_tracked

    copy_tracked(record.root, work / "source", without=[record.config.table.path])
    shutil.copytree(record.take(MODEL), work / "model")
    return Model(work / "model", work / "source", record.config)


def _measure(record: Record, judged: Judged, version: str | None) -> Metrics:
    from mlops_steps.evaluate.measure import Levels, compare, measure
    from mlops_steps.stats.results import Champion, Metrics

    gate = record.config.gate
    test = record.inputs["split"] == "test"
    levels = Levels(gate.confidence, len(gate.test if test else gate.valid))
    ours = measure(judged, judged.candidate, levels)
    champion, difference = None, {}
    if judged.champion and version:
        theirs = measure(judged, judged.champion, levels)
        champion = Champion(version=version, metrics=theirs)
        difference = compare(judged, judged.champion, ours, theirs, levels)
    return Metrics(
        split="test" if test else "valid",
        rows=len(judged.label),
        positives=int(judged.label.sum()),
        confidence=gate.confidence,
        candidate=ours,
        champion=champion,
        difference=difference,
    )


def _note(record: Record, metrics: Metrics) -> None:
    """Figures and headline."""
    shown = dict(metrics.candidate)
    if metrics.champion:
        shown |= {f"champion {name}": each for name, each in metrics.champion.metrics.items()}
        shown |= {f"difference {name}": each for name, each in metrics.difference.items()}
    for name, each in shown.items():
        interval = None if each.low is None or each.high is None else (each.low, each.high)
        record.figure(name, each.value, n=each.n, interval=interval, method=each.method)
    against = "no champion"
    if metrics.champion:
        against = f"champion {metrics.champion.version} paired"
    elif metrics.split == "valid":
        against = "valid split, no champion asked for"
    lines = [
        f"{name} {each.value:.3f} [{each.low:.3f}, {each.high:.3f}]"
        for name, each in metrics.candidate.items()
        if name in {"accuracy", "roc_auc"} and each.low is not None and each.high is not None
    ]
    record.say(f"{metrics.rows} rows, {against}", *lines)
