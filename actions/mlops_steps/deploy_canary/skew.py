"""Training-serving skew: does a version's serve answer rows as its own predict does?

Both are asked about the same rows before any traffic is shifted. The predict command runs now,
on the rows as they are now: what evaluate recorded is of the table as it was then, and where a
row has changed since, an honest service would seem to disagree.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_steps.config import Task
from mlops_steps.data.attached import copy_files
from mlops_steps.data.parts import Table
from mlops_steps.data.split import SPLITS
from mlops_steps.data.tables import column_names, connect, identifier, literal, reading, scan
from mlops_steps.data.withhold import write_rows
from mlops_steps.deploy_canary.protocol import TOLERANCE, canonical
from mlops_steps.deploy_canary.results import Skew
from mlops_steps.deploy_canary.rows import Row
from mlops_steps.deploy_canary.servers import Release
from mlops_steps.errors import CommandError, UndecidedError
from mlops_steps.evaluate.predict import Given, Model, predict

if TYPE_CHECKING:
    from mlops_steps.deploy_canary.results import Canary, Journal
    from mlops_steps.deploy_canary.rollout import Stage, Traffic
    from mlops_steps.deploy_canary.traffic import Answer
    from mlops_steps.record import Record

#: So many rows are asked: one that a twentieth of the rows would show is missed once in 170 times.
ROWS = 100
#: With fewer rows answered by both, equal answers say nothing.
MINIMUM = 10
#: Seconds: a server that ends refuses requests a moment before it is gone.
ENDING = 2.0
#: Relative: six digits of the largest prediction, which is what single precision keeps.
_SINGLE = 1e-6
_SHOWN = 3


@dataclass(frozen=True)
class Expected:
    """Rows, and what predict said of them.

    Attributes:
        task: Of the model.
        rows: At most `ROWS`, each with a key that no other row has.
        said: Score and prediction by key; for a regression the score is the prediction.
    """

    task: Task
    rows: Sequence[Row]
    said: Mapping[str, tuple[float, str]]

    @property
    def tolerance(self) -> float:
        """How far apart two scores may be.

        A score is a probability, and may differ by `TOLERANCE`. A prediction of a regression may
        differ by `TOLERANCE` standard deviations of what was predicted for these rows, or by a
        millionth of the largest of them where that is more.
        """
        if self.task != "regression":
            return TOLERANCE
        values = [value for value, _ in self.said.values()]
        return max(TOLERANCE * statistics.pstdev(values), _SINGLE * max(map(abs, values)))


def ask_predict(
    record: Record, release: Release, rows: Sequence[Row], data: Table, work: Path
) -> Expected:
    """Let a version's predict command answer the first rows of the traffic.

    Args:
        record: Of this run; the command's output is kept beside the journal.
        release: The version.
        rows: As they will be sent.
        data: The labelled table that they come from.
        work: A folder for them; absent.

    Raises:
        CommandError: The command failed, or did not answer every row.
        UndecidedError: There are not `MINIMUM` rows to ask about.
    """
    table = record.config.table
    chosen = _chosen(data, table.key, rows)
    if len(chosen) < MINIMUM:
        raise UndecidedError(
            f"{data.name}: {len(chosen)} rows with a key of their own; to see whether serve "
            f"answers as predict does, {MINIMUM} are needed"
        )
    given = Given(work / "given", table.path)
    target = given.folder / given.path
    write_rows(data, target, table, splits=SPLITS, leave_out=[table.target], keys=list(chosen))
    files = [row.file.relative_to(record.root).as_posix() for row in chosen.values() if row.file]
    copy_files(record.root, given.folder, files)
    model = Model(release.folder / "model", release.folder / "source", release.config)
    (work / "answers").mkdir()
    found = predict(model, given, work=work / "answers", log=record.folder / "predict.log")
    task = release.config.model.task
    said = _read(found, release.config.table.key, task)
    if said.keys() != chosen.keys():
        answered = len(said.keys() & chosen.keys())
        raise CommandError(
            f"`{release.config.commands.predict}` was asked about {len(chosen)} rows and answered "
            f"{answered} of them well"
        )
    return Expected(task, list(chosen.values()), said)


def ask_serve(
    running: Stage, traffic: Traffic, expected: Expected, canary: Canary, journal: Journal
) -> bool:
    """Ask the candidate's server, not through the proxy, and say whether it may get traffic.

    `canary` is filled with what was compared and, where it may not, with the reason.

    Raises:
        UndecidedError: A file that belongs to a row has gone.
    """
    from mlops_steps.deploy_canary import words
    from mlops_steps.deploy_canary.traffic import Replay

    asked = len(expected.rows)
    journal.note("comparing", f"ask {canary.candidate} about {asked} rows that predict answered")
    model = running.candidate.release.config.model.name
    replay = Replay(expected.rows, running.candidate.port, model, traffic.wanted)
    canary.skew = compare(expected, replay.send(asked))
    died = running.candidate.died(within=ENDING if canary.skew.compared < asked else 0)
    agrees = words.compared(canary, canary.skew, died)
    if not agrees:
        journal.note("rolled back", canary.words, weight=0)
    return agrees


def compare(expected: Expected, answers: Sequence[Answer]) -> Skew:
    """Hold what serve answered against what predict said.

    An answer that is an error is not compared: whether there are too many is the judge's business.
    """
    keys = {row.number: row.key or "" for row in expected.rows}
    good = {
        keys[each.number]: (each.score, each.prediction)
        for each in answers
        if each.score is not None and each.prediction is not None
    }
    apart, other = {}, set()
    for key, (score, prediction) in good.items():
        wanted, said = expected.said[key]
        apart[key] = abs(score - wanted)
        if expected.task != "regression" and canonical(prediction) != canonical(said):
            other.add(key)
    far = {key for key, distance in apart.items() if distance > expected.tolerance}
    # The worst first: these are the ones to look at.
    differing = sorted(far | other, key=lambda key: (-apart[key], key))
    return Skew(
        asked=len(expected.rows),
        compared=len(good),
        differing=len(differing),
        other_class=len(other),
        furthest=max(apart.values(), default=None),
        tolerance=expected.tolerance,
        keys=differing[:_SHOWN],
        failures=dict(Counter(each.error for each in answers if each.error)),
    )


def _chosen(data: Table, key: str, rows: Sequence[Row]) -> dict[str, Row]:
    """The first rows by their key, without those whose key other rows of the table have, too."""
    first = {row.key: row for row in rows[:ROWS] if row.key is not None}
    text = f"CAST({identifier(key)} AS VARCHAR)"
    listed = ", ".join(map(literal, first)) or "NULL"
    with connect() as connection, reading(data.name):
        found = connection.execute(
            f"SELECT {text} FROM {scan(data, text=True)} WHERE {text} IN ({listed}) "
            "GROUP BY 1 HAVING count(*) = 1"
        ).fetchall()
    alone = {name for (name,) in found}
    return {name: row for name, row in first.items() if name in alone}


def _read(path: Path, key: str, task: Task) -> dict[str, tuple[float, str]]:
    """Score and prediction by key, of the rows that have both, once."""
    score = "prediction" if task == "regression" else "score"
    try:
        names = column_names(path)
        missing = [name for name in (key, score, "prediction") if name not in names]
        if missing:
            raise CommandError(f"the predictions have no column {', '.join(missing)}")
        with connect() as connection, reading("the predictions"):
            found = connection.execute(
                f"SELECT CAST({identifier(key)} AS VARCHAR) AS key, "
                f"any_value(TRY_CAST({score} AS DOUBLE)) AS score, "
                "any_value(CAST(prediction AS VARCHAR)) AS prediction "
                f"FROM {scan(path, text=True)} GROUP BY 1 "
                "HAVING count(*) = 1 AND isfinite(score) AND prediction IS NOT NULL"
            ).fetchall()
    except UndecidedError as error:
        raise CommandError(str(error)) from None
    return {name: (value, text) for name, value, text in found if name is not None}
