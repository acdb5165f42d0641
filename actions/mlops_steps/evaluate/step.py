"""Ask a trained model about rows it has not seen, and measure its answers."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_steps.errors import UndecidedError
from mlops_steps.spec import Input, Status, Step

if TYPE_CHECKING:
    from mlops_steps.data.attached import Attached
    from mlops_steps.evaluate.join import Judged
    from mlops_steps.evaluate.predict import Model
    from mlops_steps.record import Record
    from mlops_steps.stats.results import Metrics

STEP = Step(
    name="evaluate",
    summary="Score the candidate, and the champion, on rows that training has not seen.",
    requires=("duckdb", "numpy", "scikit-learn", "scipy", "oras"),
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
#: Figures that are shown below the verdict.
HEADLINES = {"accuracy", "roc_auc", "balanced_accuracy", "rmse", "mae"}
PREDICTIONS_FILE = "out/evaluate/predictions.parquet"


def run(record: Record) -> Status:
    """Withhold the labels, let both models predict, check, join and measure."""
    from mlops_steps.config import FILE_NAME
    from mlops_steps.data.attached import attached, copy_files
    from mlops_steps.data.sources.taking import take
    from mlops_steps.data.withhold import write_labels, write_rows
    from mlops_steps.evaluate.champion import ask_champion
    from mlops_steps.evaluate.join import join
    from mlops_steps.evaluate.predict import Given, predict
    from mlops_steps.stats.results import METRICS_FILE, write

    split, table, task = record.inputs["split"], record.config.table, record.config.model.task
    record.take(FILE_NAME)
    record.take(record.config.environment)
    data = take(record)
    files = attached(record.root, table, splits=[split])
    _require_trained_for(record, split, files)
    with tempfile.TemporaryDirectory(prefix="mlops-evaluate-") as folder:
        work = Path(folder)
        given = Given(work / "given", table.path)
        rows = given.folder / given.path
        if not write_rows(data, rows, table, splits=[split], leave_out=[table.target]):
            raise UndecidedError(f"{table.path}: has no {split} rows")
        copy_files(record.root, given.folder, files.given)
        labels = work / "labels" / "labels.parquet"
        model = _candidate(record, work / "candidate", files)
        predictions = predict(
            model, given, work=work / "candidate", log=record.folder / "predict.log"
        )
        # On valid the registry is never touched: pull requests run without its credentials.
        (work / "champion").mkdir()
        champion = ask_champion(record, given, work / "champion") if split == "test" else None
        # Only now do the labels lie anywhere but in the project itself.
        write_labels(data, labels, table, task=task, splits=[split])
        judged = join(
            labels,
            predictions,
            champion.predictions if champion else None,
            data=data,
            table=table,
            task=task,
            to=record.root / PREDICTIONS_FILE,
        )
    metrics = _measure(record, judged, champion.version if champion else None)
    write(record.root / METRICS_FILE, metrics)
    logs = sorted(record.folder.glob("*.log"))
    for path in (record.root / PREDICTIONS_FILE, record.root / METRICS_FILE, *logs):
        record.wrote(path)
    _note(record, metrics)
    return Status.PASS


def _require_trained_for(record: Record, split: str, files: Attached) -> None:
    """The rows that judge must not be among those that the model was trained on."""
    from mlops_steps.data.attached import digest_of_all, digests, named
    from mlops_steps.data.sources.taking import name_of

    trained = record.read_verdict("train")
    if trained.status is not Status.PASS:
        raise UndecidedError(f"train ended {trained.status}: {trained.line}")
    if trained.inputs.get("split") != split:
        raise UndecidedError(
            f"the model was trained to be judged by {trained.inputs.get('split')}, "
            f"so the {split} rows cannot judge it: it may have seen them"
        )
    path = record.config.table.path
    name = name_of(record)
    if trained.took.get(name) != record.verdict.took[name]:
        raise UndecidedError(f"{path}: is not the table that the model was trained on")
    if record.config.table.file is None:
        return
    name = named(record.config.table)
    record.verdict.took[name] = digest_of_all(digests(record.root, files.all))
    if trained.took.get(name) != record.verdict.took[name]:
        raise UndecidedError(f"{name}: are not the files that the model was trained on")


def _candidate(record: Record, work: Path, files: Attached) -> Model:
    """The model in a source tree of its own, from which the table and its files are missing."""
    from mlops_steps.data.sources.taking import own_files
    from mlops_steps.evaluate.predict import Model
    from mlops_steps.source import copy_tracked

    own = own_files(record.root, record.config.table)
    copy_tracked(record.root, work / "source", without={*own, *files.all})
    shutil.copytree(record.take(MODEL), work / "model")
    return Model(work / "model", work / "source", record.config)


def _measure(record: Record, judged: Judged, version: str | None) -> Metrics:
    from mlops_steps.evaluate.measure import Levels, compare, describe, measure
    from mlops_steps.stats.results import Champion, Metrics

    gate, task = record.config.gate, record.config.model.task
    test = record.inputs["split"] == "test"
    levels = Levels(gate.confidence, len(gate.test if test else gate.valid))
    ours = measure(judged, judged.candidate, levels, task=task)
    champion, difference = None, {}
    if judged.champion and version:
        theirs = measure(judged, judged.champion, levels, task=task)
        champion = Champion(version=version, metrics=theirs)
        difference = compare(judged, judged.champion, (ours, theirs), levels, task=task)
    rows = describe(judged, task=task)
    if rows.unseen:
        record.find(
            "classes-unseen",
            f"no {record.inputs['split']} row of {', '.join(rows.unseen[:10])}"
            f"{' and more' if len(rows.unseen) > 10 else ''}: figures that average over the "
            "classes are not known",
            level="warning",
        )
    return Metrics(
        split="test" if test else "valid",
        task=task,
        rows=len(judged.label),
        positives=rows.positives,
        classes=rows.classes,
        target_sd=rows.target_sd,
        confidence=gate.confidence,
        candidate=ours,
        champion=champion,
        difference=difference,
    )


def _note(record: Record, metrics: Metrics) -> None:
    """Figures and headline."""
    from mlops_steps.stats.known import TASKS
    from mlops_steps.stats.words import number

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
        f"{name} {number(each.value, scale)} [{number(each.low, scale)}, "
        f"{number(each.high, scale)}]"
        for name, each in metrics.candidate.items()
        if name in HEADLINES and each.low is not None and each.high is not None
        for scale in [TASKS[metrics.task][name].scale]
    ]
    record.say(f"{metrics.rows:,} rows, {against}", *lines)
