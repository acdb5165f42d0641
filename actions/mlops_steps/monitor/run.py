"""One run of the monitor: reference, log, budget, comparison, and what is remembered of it."""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from mlops_steps.data.planning import keep
from mlops_steps.data.profile import Profile, read_profile
from mlops_steps.data.profiling import profile_of
from mlops_steps.data.tables import connect, format_of, identifier, literal, reading
from mlops_steps.errors import UndecidedError
from mlops_steps.monitor import drift, ledger, log, periods, retraining
from mlops_steps.monitor.apart import Periods
from mlops_steps.monitor.effects import effects
from mlops_steps.monitor.watched import assess, open_questions, proven, watch
from mlops_steps.registry.address import open_registry

if TYPE_CHECKING:
    import duckdb

    from mlops_steps.monitor.log import Seen
    from mlops_steps.monitor.performance import Performance
    from mlops_steps.record import Record
    from mlops_steps.registry.address import Registry
    from mlops_steps.registry.version import Alias

#: What evaluate wrote of the champion's answers to its test rows, by task.
PREDICTIONS = "records/evaluate/predictions.parquet"
_ANSWERS = {
    "binary": ("score", "score"),
    "multiclass": ("prediction", "prediction"),
    "regression": ("prediction", "score"),
}
#: Below this a run could call nothing drift, whatever it saw.
LEAST = 1e-12

#: By whether features and predictions have moved.
_SHIFTS: dict[tuple[bool, bool], Literal["none", "features", "predictions", "both"]] = {
    (False, False): "none",
    (True, False): "features",
    (False, True): "predictions",
    (True, True): "both",
}


@dataclass(frozen=True)
class Reference:
    """What requests are compared with: training rows, and the champion's answers if it has any."""

    version: str
    profile: Profile
    predictions: tuple[str, Profile] | None


@dataclass
class Judged:
    """What a run has found, and the means to act on it.

    Attributes:
        drift: For `drift.json`.
        performance: For `performance.json`, where there is anything to say in it.
    """

    drift: drift.Drift
    performance: Performance | None
    _record: Record = field(repr=False)
    _registry: Registry = field(repr=False)
    _until: float
    _key: str = ""

    def hold(self, reason: str, *, claim: bool) -> retraining.Held:
        """Why no retraining is to be started; empty if it is due.

        With `claim`, one that is due is written down in the same breath, so that of two
        monitors at the same moment one starts it.
        """
        columns = [each.name for each in self.drift.drifted if each.kind != "new"]
        columns += proven(self.performance)
        if not columns:
            words = "a column that training does not have is nothing that training anew brings in"
            return retraining.Held(words, "new_column")
        cause = retraining.Cause(self.drift.version, columns, reason, self._until)
        settings, candidate = self._record.config.monitor, self._registry.alias("candidate")
        now = dt.datetime.now(dt.UTC)

        def decide(found: ledger.Ledger) -> tuple[ledger.Ledger, retraining.Held]:
            held = retraining.held(found, cause, settings, candidate, now)
            return (found if held else retraining.claim(found, cause, now)), held

        if not claim:
            return decide(ledger.read(self._registry))[1]
        self._key = cause.key
        return ledger.update(self._registry, decide)

    def ended(self, *, started: bool) -> None:
        """Write down whether the retraining was started."""
        ledger.update(
            self._registry,
            lambda found: (retraining.ended(found, self._key, started=started), None),
        )


def judge(record: Record) -> Judged:
    """Compare the log with the champion's training profile.

    Raises:
        UndecidedError: No champion, no profile, nothing in it to compare, no readable log, not
            enough rows yet, or nothing left to spend today.
    """
    settings = record.config.monitor
    registry = open_registry(record)
    champion = registry.alias("champion")
    if champion is None:
        raise UndecidedError(f"no champion in {registry.address}: nothing to compare with")
    record.figure("champion", champion.version)
    with tempfile.TemporaryDirectory(prefix="mlops-monitor-") as name:
        reference = _reference(record, registry, champion, Path(name) / "champion")
        before = ledger.read(registry)
        log_file = "" if settings.log == "state" else settings.log
        beside = record.taking(log_file) if log_file else contextlib.nullcontext()
        with beside as path, connect() as connection, reading("inference log"):
            table = _requests(registry, connection, Path(name) / "log", path)
            seen = _seen(connection, table, reference, before) if table else log.NOTHING
            watched = watch(record, connection, table, Path(name) / "champion", champion.version)
            apart = Periods()
            if table:
                looked = ledger.looked_until(before, champion.version)
                apart = periods.compare(
                    connection, table, reference.profile, champion=champion.version, looked=looked
                )
    record.figure("rows", seen.recent.rows, unit="rows")
    wanted = settings.minimum_rows
    for rows, of in ((seen.recent.rows, "requests"), (reference.profile.rows, "training rows")):
        if rows < wanted:
            keys = f"different keys in {seen.logged:,} requests" if of == "requests" else of
            raise UndecidedError(
                f"not enough rows yet: {rows:,} {keys}, {wanted:,} are wanted\nNothing was started."
            )
    today = dt.datetime.now(dt.UTC).date()
    # On disk before the first look at what the rows hold.
    spent = ledger.update(registry, lambda found: ledger.grant(found, today, settings.alpha))
    if spent < LEAST:
        raise UndecidedError(
            f"today's part of this year's false alarms is spent: {ledger.read(registry).runs} runs "
            f"in {today.year}. Run the monitor again tomorrow\nNothing was started."
        )
    # With labels, half of the sum is theirs, whether there are enough of them or not.
    performance = assess(watched, settings, spent / 2 if settings.labels else spent)
    found = _compared(record, reference, seen, before, spent / 2 if settings.labels else spent)
    until = seen.until or 0.0
    look = _look(reference, seen, before, at_least=wanted)
    names = [each.name for each in found.drifted] + open_questions(performance)

    def remember(now: ledger.Ledger) -> tuple[ledger.Ledger, None]:
        return retraining.seen(ledger.looked(now, look) if look else now, names), None

    ledger.update(registry, remember)
    found = msgspec.structs.replace(found, periods=apart)
    return Judged(found, performance, record, registry, until)


def _reference(record: Record, registry: Registry, champion: Alias, folder: Path) -> Reference:
    """The champion's profile without the columns that are not watched."""
    settings = record.config.monitor
    registry.fetch(champion.version, folder, digest=champion.digest)
    found = read_profile(folder / "records" / "train" / "profile.json")
    columns = {name: at for name, at in found.columns.items() if name not in settings.ignore}
    if not columns:
        raise UndecidedError(
            f"the training rows of {champion.version} have no column to watch beside key, target "
            "and file: drift cannot be seen\nNothing was started."
        )
    answers, path = None, folder / PREDICTIONS
    if path.is_file() and log.PREDICTION not in columns:
        column, logged = _ANSWERS[record.config.model.task]
        table = (
            f"(SELECT {identifier(column)} AS {log.PREDICTION} FROM read_parquet({literal(path)}))"
        )
        with connect() as connection, reading(PREDICTIONS):
            like = profile_of(connection, table, leave_out=(), name=PREDICTIONS)
        if like.rows >= settings.minimum_rows:
            answers = (logged, like)
    return Reference(champion.version, Profile(rows=found.rows, columns=columns), answers)


def _requests(
    registry: Registry, connection: duckdb.DuckDBPyConnection, folder: Path, path: Path | None
) -> str:
    """SQL for the FROM clause that reads the inference log; empty where there is none yet.

    It is a file of the project, or lies in state, and is copied to `folder`.
    """
    if path is not None:
        table = log.scan_table(path)
        if format_of(path) != "parquet":  # where a column can be read by itself
            table = keep(connection, table, "*log*")
        return table
    files = registry.read_log(folder)
    return log.scan_files(files) if files else ""


def _seen(
    connection: duckdb.DuckDBPyConnection, table: str, reference: Reference, before: ledger.Ledger
) -> Seen:
    return log.read(
        connection,
        table,
        reference.profile,
        champion=reference.version,
        looked=ledger.looked_until(before, reference.version),
        predictions=reference.predictions,
    )


def _compared(
    record: Record, reference: Reference, seen: Seen, before: ledger.Ledger, spent: float
) -> drift.Drift:
    """Everything for `drift.json`; `spent` is shared between the spans and the columns."""
    settings, table = record.config.monitor, record.config.table
    since = (seen.until or 0.0) - log.RECENT_DAYS * log.DAY
    new = seen.new if seen.new and seen.new.rows >= settings.minimum_rows else None
    first = ledger.looked_until(before, reference.version) is None
    new_rows = seen.recent.rows if first else seen.new.rows if seen.new else 0
    parts = ledger.parts(before, reference.version, since, new_rows)
    each = spent / 2 if new else spent
    answers = seen.recent.predictions
    compared = bool(answers and answers.rows >= settings.minimum_rows and answers.columns)
    known = {*log.OWN, *settings.ignore, *reference.profile.columns}
    known |= {name for name in (table.key, table.target, table.file) if name}
    extra = [name for name in seen.columns if name not in known]
    judged = len(reference.profile.columns) + compared
    past = ledger.history(before, since)

    def against(like: Profile, role: drift.Role) -> list[drift.ColumnDrift]:
        spans: list[tuple[Literal["recent", "new"], log.Asked | None, float]] = [
            ("recent", seen.recent, parts),
            ("new", new, 1.0),
        ]
        looks = [
            drift.Look(window, now, wobbling, each)
            for window, asked, wobbling in spans
            if asked
            and (now := asked.predictions if role == "prediction" else asked.profile)
            and now.rows >= settings.minimum_rows
        ]
        return drift.compare(
            like, looks, allowed=settings.distance, judged=judged, history=past, role=role
        )

    columns = against(reference.profile, "feature")
    moved = any(each.drifted for each in columns)
    columns += [
        drift.ColumnDrift(
            name=name, drifted=True, kind="new", reason="is in no training row, but in requests"
        )
        for name in extra
    ]
    shifted = False
    if compared and reference.predictions:
        found = against(reference.predictions[1], "prediction")
        shifted = any(each.drifted for each in found)
        columns += found
    return drift.Drift(
        version=reference.version,
        reference_rows=reference.profile.rows,
        rows=seen.recent.rows,
        new_rows=new_rows,
        logged=seen.logged,
        allowed=settings.distance,
        alpha=settings.alpha,
        spent=spent,
        windows=sum(each.until < since for each in before.looks),
        shift=_SHIFTS[moved, shifted],
        predictions_compared=compared,
        columns=drift.in_order(columns),
    )


def _look(
    reference: Reference, seen: Seen, before: ledger.Ledger, *, at_least: int
) -> ledger.Look | None:
    """What is remembered of the requests since the last look; too few wait for the next run."""
    first = ledger.looked_until(before, reference.version) is None
    asked = seen.recent if first else seen.new
    if asked is None or seen.until is None or asked.rows < at_least:
        return None
    rows = (reference.profile.rows, asked.rows)
    found = {
        name: ledger.kept(effects(at, asked.profile.columns[name], rows))
        for name, at in reference.profile.columns.items()
        if name in asked.profile.columns
    }
    return ledger.Look(version=reference.version, until=seen.until, rows=asked.rows, effects=found)
