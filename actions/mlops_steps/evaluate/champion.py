"""Fetch the model in production, so that it can be asked about the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_steps import config
from mlops_steps.errors import InfrastructureError, MlopsError, UndecidedError
from mlops_steps.evaluate.predict import Given, Model, predict
from mlops_steps.registry.address import open_registry

if TYPE_CHECKING:
    from mlops_steps.record import Record


@dataclass(frozen=True)
class Asked:
    """The champion's version and the file of its predictions."""

    version: str
    predictions: Path


def ask_champion(record: Record, given: Given, work: Path) -> Asked | None:
    """Let the champion predict by its own source, lock and command.

    Returns:
        None only when the registry answers that there is no champion.

    Raises:
        UndecidedError: There is one, and it cannot be fetched, compared or run.
        InfrastructureError: The registry does not answer.
        ConfigError: The registry's address is wrong.
    """
    registry = open_registry(record)
    alias = registry.alias("champion")
    if alias is None:
        return None
    try:
        registry.fetch(alias.version, work / "version", digest=alias.digest)
        model = _model(record, work / "version")
        log = record.folder / "champion.log"
        return Asked(alias.version, predict(model, given, work=work, log=log))
    except InfrastructureError:
        raise
    except MlopsError as error:
        raise UndecidedError(f"champion {alias.version}: {error}") from None


def _model(record: Record, version: Path) -> Model:
    theirs = config.load(version / "source")
    if theirs.model.task != record.config.model.task:
        raise UndecidedError(
            f"its task is {theirs.model.task}, here it is {record.config.model.task}: "
            "not comparable"
        )
    for name in ("key", "target", "positive", "kind", "file"):
        ours, other = getattr(record.config.table, name), getattr(theirs.table, name)
        if ours != other:
            raise UndecidedError(f"its {name} is {other!r}, here it is {ours!r}: not comparable")
    return Model(version / "model", version / "source", theirs)
