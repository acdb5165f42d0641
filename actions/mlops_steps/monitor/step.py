"""monitor: has what the model is asked moved away from what it was trained on?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mlops_steps.spec import WORKFLOW_NAME, Input, Output, Status, Step

if TYPE_CHECKING:
    from mlops_steps.monitor.drift import Drift
    from mlops_steps.record import Record

STEP = Step(
    name="monitor",
    summary="Compare the requests in the inference log with the champion's training rows.",
    requires=("duckdb", "oras"),
    inputs=(
        Input(
            "start",
            "The workflow to start when there is drift; empty for none.",
            pattern=WORKFLOW_NAME,
            example="ct",
        ),
    ),
    outputs=(
        Output("retrain", "Whether there is drift.", choices=("true", "false")),
        Output(
            "reason",
            "Why, in one line of at most 200 characters; empty without drift.",
            example="drift in mean_area: moved by 0.31 sd",
        ),
    ),
)

#: Columns that are named in the verdict; all are in drift.json.
SHOWN = 5


def run(record: Record) -> Status:
    """Compare, write `drift.json`, and start the next workflow if there is drift."""
    import msgspec

    from mlops_steps import ci
    from mlops_steps.files import write_json

    record.output("retrain", "false")
    record.output("reason", "")
    if record.inputs["start"]:
        ci.no_next_workflow(record.folder)  # replaced when there is drift
    found = measure(record)
    write_json(record.folder / "drift.json", msgspec.to_builtins(found))
    record.wrote(record.folder / "drift.json")
    worst = found.columns[0]
    if worst.distance is not None and worst.bound is not None:
        record.figure(
            "distance",
            worst.distance,
            n=found.rows,
            interval=(worst.bound, min(1.0, worst.distance + found.margin)),
            method=f"Dvoretzky-Kiefer-Wolfowitz-Massart over {len(found.columns)} columns",
        )
    if not found.drifted:
        sees = f"a distance above {found.allowed + found.margin:.2f} would have been seen"
        record.say(
            f"{len(found.columns)} columns, {found.rows:,} rows, no drift above {found.allowed:g}",
            f"against {found.reference_rows:,} training rows of {found.version}; {sees}",
        )
        return Status.PASS
    return _alarm(record, found)


def measure(record: Record) -> Drift:
    """Compare the log with the champion's training profile.

    Raises:
        UndecidedError: No champion, no profile, no numeric column in it, no readable log, or not
            enough rows yet.
    """
    import tempfile
    from pathlib import Path

    from mlops_steps.data.profile import read_profile
    from mlops_steps.data.tables import connect, reading
    from mlops_steps.errors import UndecidedError
    from mlops_steps.monitor import drift, log
    from mlops_steps.registry.address import open_registry

    settings = record.config.monitor
    registry = open_registry(record)
    champion = registry.alias("champion")
    if champion is None:
        raise UndecidedError(f"no champion in {registry.address}: nothing to compare with")
    record.figure("champion", champion.version)
    with tempfile.TemporaryDirectory(prefix="mlops-monitor-") as name:
        folder = Path(name)
        registry.fetch(champion.version, folder / "champion", digest=champion.digest)
        reference = read_profile(folder / "champion" / "records" / "train" / "profile.json")
        if not any(column.edges for column in reference.columns.values()):
            # A jump of nulls could still be seen; that the rest is as it was could not be said.
            raise UndecidedError(
                f"the training rows of {champion.version} have no numeric column: drift cannot "
                f"be seen\nColumns beside key and target: {', '.join(reference.columns) or 'none'}."
                "\nNothing was started."
            )
        with connect() as connection, reading("inference log"):
            table = ""
            if settings.log != "state":
                table = log.scan_table(record.take(settings.log))
            elif files := registry.read_log(folder / "log"):
                table = log.scan_files(files)
            logged, rows, columns = log.count(connection, table, reference) if table else (0, 0, {})
    record.figure("rows", rows, unit="rows")
    if rows < settings.minimum_rows:
        raise UndecidedError(
            f"not enough rows yet: {rows:,} different keys in {logged:,} requests, "
            f"{settings.minimum_rows:,} are wanted\nNothing was started."
        )
    margin, compared = drift.compare(
        reference, rows, columns, allowed=settings.distance, alpha=settings.alpha
    )
    return drift.Drift(
        version=champion.version,
        reference_rows=reference.rows,
        rows=rows,
        logged=logged,
        allowed=settings.distance,
        alpha=settings.alpha,
        margin=margin,
        columns=compared,
    )


def _alarm(record: Record, found: Drift) -> Status:
    from mlops_steps import ci

    drifted = found.drifted
    lines = [f"{each.name}: {each.reason}" for each in drifted[:SHOWN]]
    more = f", and {len(drifted) - 1} more" if len(drifted) > 1 else ""
    reason = one_line(f"drift in {drifted[0].name}: {drifted[0].reason}{more}")
    for each in drifted:
        record.find(
            "monitor/drift",
            f"{each.name}: {each.reason} ({found.rows:,} rows; {found.allowed:g} is allowed)",
            level="warning",
            column=each.name,
            distance=each.distance,
            bound=each.bound,
        )
    record.output("retrain", "true")
    record.output("reason", reason)
    headline = f"drift in {len(drifted)} of {len(found.columns)} columns, {found.rows:,} rows"
    against = (
        f"{found.allowed:g} is allowed; against {found.reference_rows:,} training rows of "
        f"{found.version}, chance within {found.margin:.2f}"
    )
    record.say(headline, *lines, against)
    record.write()  # the reason is on disk before anything is started
    start = record.inputs["start"]
    said = "Nothing was started: no workflow was named."
    if start:
        said = ci.start_workflow(start, {"reason": reason}, record.folder)
    record.say(headline, *lines, against, said)
    return Status.PASS


def one_line(text: str) -> str:
    """Under 200 characters, without anything that a CI platform would expand."""
    # With the line ends of Unicode, at which a reader of a dotenv file may break a value.
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029$`]+", " ", text)
    return plain if len(plain) < 200 else plain[:198] + "…"
