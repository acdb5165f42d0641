"""train: the project's train command, run without the rows that will judge its model."""

from __future__ import annotations

import os
import platform
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_steps.errors import CommandError, InfrastructureError, UndecidedError
from mlops_steps.spec import Input, Status, Step

if TYPE_CHECKING:
    from mlops_steps.config import Params
    from mlops_steps.record import Record
    from mlops_steps.train.training import Handed

STEP = Step(
    name="train",
    summary="Run the train command in a copy of the project from which the judging rows are gone.",
    requires=("duckdb",),
    inputs=(
        Input(
            "split",
            "The split that will judge; for `valid` train.quick and the train rows alone.",
            choices=("test", "valid"),
            default="test",
        ),
    ),
)


def run(record: Record) -> Status:
    """Copy the tree, withhold rows, prove it, train, keep the model and its records."""
    from mlops_steps import commands
    from mlops_steps.setup import gpu
    from mlops_steps.train.scratch import scratch

    config, judge = record.config, record.inputs["split"]
    params: Params = config.train.params | (config.train.quick if judge == "valid" else {})
    gpus = _gpus(config.train.gpu, judge)
    record.take("mlops.yaml")
    record.take(config.environment)
    python = commands.project_python(record.root, config.environment)
    with scratch(record.root) as place:
        if place.left_over:
            record.find(
                "left-over",
                f"{place.left_over}: left by a run that was killed; removed",
                level="notice",
            )
        handed = _hand_over(record, place.folder / "tree", judge)
        seconds = _train(record, place.folder, python, params)
        _keep_model(record, place.folder / "model")
    _write_training(record, params, handed, gpus, seconds)

    record.figure("rows", handed.rows)
    record.figure("seconds", seconds, unit="s")
    tried = "quick, " if judge == "valid" else ""
    headline = f"{tried}{handed.rows:,} rows, {seconds:.1f} s, {gpu.in_words(gpus)}"
    record.say(headline, *(finding.message for finding in record.verdict.findings))
    return Status.PASS


def _gpus(wanted: str, judge: str) -> list[dict[str, str | int]]:
    """The GPUs that the command may use; asked for before anything takes time.

    Raises:
        InfrastructureError: One is required to train for the test split, and none can be used.
    """
    from mlops_steps.setup import gpu

    if wanted == "none":
        return []
    if wanted == "preferred" or judge != "test":
        return gpu.facts()
    look = (
        "Look at the label of the runner that this job asked for (the variable GPU_RUNNER, in "
        "generated pipelines), or say `gpu: preferred` under `train` in mlops.yaml"
    )
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    # CUDA reads the list up to the first entry that names no device.
    if hidden is not None and hidden.split(",")[0].strip() in {"", "-1"}:
        raise InfrastructureError(
            f"train.gpu is required, but CUDA_VISIBLE_DEVICES={hidden!r} hides every GPU from this "
            f"job; nothing was trained. {look}"
        )
    try:
        found = gpu.facts()
    except UndecidedError as error:
        raise InfrastructureError(
            f"train.gpu is required, and whether there is one cannot be told: {error}; nothing "
            f"was trained. {look}"
        ) from None
    if not found:
        raise InfrastructureError(
            "train.gpu is required, and nvidia-smi finds no GPU on this machine; nothing was "
            f"trained. {look}"
        )
    return found


def _hand_over(record: Record, tree: Path, judge: str) -> Handed:
    """Make the tree that the command gets; profile its rows before a command can touch them."""
    from mlops_steps.data.attached import attached, copy_files, digest_of_all, named
    from mlops_steps.data.profile import write_profile
    from mlops_steps.data.sources.taking import name_of, own_files, take
    from mlops_steps.data.split import training_splits
    from mlops_steps.data.withhold import count_splits, write_rows
    from mlops_steps.files import digest_of
    from mlops_steps.source import copy_tracked
    from mlops_steps.train.leaks import prove, prove_files
    from mlops_steps.train.training import Handed

    table = record.config.table
    source, target = take(record), tree / table.path
    splits = training_splits(judge)
    files = attached(record.root, table, splits=splits)
    own = own_files(record.root, table)
    others = copy_tracked(record.root, tree, without={*own, *files.all})
    rows = write_rows(source, target, table, splits=splits)
    copy_files(record.root, tree, files.given)
    counts = count_splits(source, table)
    expected = sum(counts[name] for name in splits)
    if not rows:
        raise UndecidedError(f"{table.path}: no rows are left to train on, of {counts}")
    others = [*others, *files.given]
    if not rows == expected == prove(tree, source, table, judge=judge, others=others):
        raise UndecidedError(f"{table.path}: {rows} rows handed over, {expected} are to be")
    if table.file:
        digests = prove_files(record.root, tree, table, judge=judge)
        record.verdict.took[named(table)] = digest_of_all(digests)
    kept_out = [name for name in (table.key, table.target, table.file) if name]
    write_profile(target, record.folder / "profile.json", leave_out=kept_out)
    record.wrote(record.folder / "profile.json")
    return Handed(
        path=table.path,
        rows=rows,
        withheld=sum(counts.values()) - rows,
        digest=digest_of(target),
        whole=record.verdict.took[name_of(record)],
        files=len(files.given),
    )


def _train(record: Record, folder: Path, python: Path, params: Params) -> float:
    """Run the command, within its time; returns the seconds it took."""
    from mlops_steps import commands
    from mlops_steps.files import write_json

    config = record.config
    (folder / "model").mkdir()
    write_json(folder / "params.json", params)
    name = config.table_name.upper().replace("-", "_")
    extra = {
        f"MLOPS_INPUT_{name}": str(folder / "tree" / config.table.path),
        "MLOPS_PARAMS": str(folder / "params.json"),
        "MLOPS_SEED": str(config.train.seed),
        "MLOPS_MODEL": str(folder / "model"),
    }
    if config.train.gpu == "none":
        extra["CUDA_VISIBLE_DEVICES"] = ""
    log = record.folder / "train.log"
    started = time.monotonic()
    try:
        commands.run(
            config.commands.train,
            folder=folder / "tree",
            python=python,
            extra=extra,
            log=log,
            seconds=config.train.timeout_minutes * 60,
        )
    finally:
        if log.exists():
            record.wrote(log)
    seconds = round(time.monotonic() - started, 3)
    commands.show(log)
    return seconds


def _keep_model(record: Record, model: Path) -> None:
    """Take what the command put into `$MLOPS_MODEL`: files, at least one, and no links."""
    entries = sorted(model.rglob("*"))
    for entry in entries:
        if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
            name = entry.relative_to(model)
            raise CommandError(f"$MLOPS_MODEL/{name}: is neither a file nor a folder (a link?)")
    if not any(entry.is_file() for entry in entries):
        raise CommandError(f"`{record.config.commands.train}` left no file in $MLOPS_MODEL")
    shutil.move(model, record.folder / "model")
    record.wrote(record.folder / "model")


def _write_training(
    record: Record,
    params: Params,
    handed: Handed,
    gpus: list[dict[str, str | int]],
    seconds: float,
) -> None:
    import msgspec

    from mlops_steps.files import write_json
    from mlops_steps.source import uncommitted
    from mlops_steps.train.training import Training

    changed = uncommitted(record.root)
    if changed:
        listed = ", ".join(changed[:5]) + (", …" if len(changed) > 5 else "")
        record.find("uncommitted", f"trained with uncommitted changes: {listed}", level="warning")
    training = Training(
        judge=record.inputs["split"],
        parameters=params,
        seed=record.config.train.seed,
        commit=record.verdict.commit,
        uncommitted=changed,
        data=handed,
        environment=record.verdict.took[record.config.environment],
        python=platform.python_version(),
        gpus=gpus,
        seconds=seconds,
    )
    path = record.folder / "training.json"
    write_json(path, msgspec.to_builtins(training))
    record.wrote(path)
