"""Run a predict command where it can see the rows but not the labels."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from mlops_steps import commands
from mlops_steps.config import Config
from mlops_steps.errors import CommandError


@dataclass(frozen=True)
class Model:
    """A trained model and what is needed to ask it.

    Attributes:
        files: What the train command put in `$MLOPS_MODEL`.
        source: The source tree it belongs to, with its lock.
        config: Its own mlops.yaml.
    """

    files: Path
    source: Path
    config: Config


@dataclass(frozen=True)
class Given:
    """What both models are asked: a folder, and in it the table without the target.

    Attributes:
        folder: Holds the table and, for a manifest, the files of its rows; nothing else.
        path: Of the table, relative to the folder.
    """

    folder: Path
    path: str


def predict(model: Model, given: Given, *, work: Path, log: Path) -> Path:
    """Run the model's own predict command in its own environment.

    Args:
        model: Whom to ask.
        given: The table without the target, and its files.
        work: A folder for its copy of them and its predictions.
        log: Keeps what the command printed.

    Returns:
        The file of predictions, not yet checked.

    Raises:
        CommandError: The command failed, or wrote no predictions, or a file far too large.
        ConfigError: It cannot be started, or there is no lock.
        InfrastructureError: Its environment could not be installed.
    """
    config = model.config
    # A copy for each model: what one does to its rows must not reach the other.
    shutil.copytree(given.folder, work / "rows")
    predictions = work / "predictions"
    commands.run(
        config.commands.predict,
        folder=model.source,
        python=commands.project_python(model.source, config.environment),
        extra={
            "MLOPS_MODEL": str(model.files),
            f"MLOPS_INPUT_{config.table_name.upper().replace('-', '_')}": str(
                work / "rows" / given.path
            ),
            "MLOPS_PREDICTIONS": str(predictions),
        },
        log=log,
        seconds=config.train.timeout_minutes * 60,
    )
    commands.show(log)
    if predictions.is_symlink() or not predictions.is_file():
        raise CommandError(
            f"`{config.commands.predict}` ended well but wrote no file at $MLOPS_PREDICTIONS\n"
            f"{commands.tail(log)}".rstrip()
        )
    # Sparse, it costs whoever writes it nothing, and would take for ever to read.
    allowed = 10**9 + 100 * (given.folder / given.path).stat().st_size
    size = predictions.stat().st_size
    if size > allowed:
        raise CommandError(
            f"`{config.commands.predict}` wrote {size:,} bytes to $MLOPS_PREDICTIONS; for a table "
            f"of this size {allowed:,} are allowed"
        )
    return predictions
