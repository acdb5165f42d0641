"""monitor: has what the model is asked moved away from what it was trained on?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mlops_steps.spec import WORKFLOW_NAME, Input, Output, Status, Step

if TYPE_CHECKING:
    from mlops_steps.monitor.drift import Drift
    from mlops_steps.monitor.run import Judged
    from mlops_steps.monitor.told import Told
    from mlops_steps.record import Record

STEP = Step(
    name="monitor",
    summary="Compare the requests in the inference log with the champion's training rows.",
    requires=("duckdb", "numpy", "scikit-learn", "scipy", "oras"),
    inputs=(
        Input(
            "start",
            "The workflow to start when a retraining is due; empty for none.",
            pattern=WORKFLOW_NAME,
            example="ct",
        ),
    ),
    outputs=(
        Output("retrain", "Whether a retraining is due.", choices=("true", "false")),
        Output(
            "reason",
            "Why, in one line of at most 200 characters; empty without drift or drop.",
            example="drift in mean_area: moved by +0.31 sd, at least 0.22",
        ),
    ),
)

#: Columns that are named in the verdict; all are in drift.json.
SHOWN = 5


def run(record: Record) -> Status:
    """Watch, and write `metrics.prom` whatever came of it."""
    from mlops_steps.monitor import exporting

    return exporting.told(record, _watch)


def _watch(record: Record) -> Status:
    """Compare, write `drift.json`, and start the next workflow if a retraining is due."""
    import msgspec

    from mlops_steps import ci
    from mlops_steps.files import write_json
    from mlops_steps.monitor.run import judge
    from mlops_steps.monitor.told import Told, tell

    record.output("retrain", "false")
    record.output("reason", "")
    if record.inputs["start"]:
        ci.no_next_workflow(record.folder)  # replaced when a retraining is due
    judged = judge(record)
    found = judged.drift
    write_json(record.folder / "drift.json", msgspec.to_builtins(found))
    record.wrote(record.folder / "drift.json")
    worst = next((each for each in found.columns if each.distance is not None), None)
    if worst and worst.distance is not None and worst.bound is not None and worst.margin:
        record.figure(
            "distance",
            worst.distance,
            unit="sd",
            n=found.rows,
            interval=(worst.bound, worst.distance + worst.margin),
            method=f"{worst.effect}; random effects over {found.windows} earlier looks; "
            f"Bonferroni over {len(found.columns)} columns",
        )
    told = Told()
    if judged.performance:
        write_json(record.folder / "performance.json", msgspec.to_builtins(judged.performance))
        record.wrote(record.folder / "performance.json")
        told = tell(record, judged.performance)
    if found.drifted or told.reason:
        _alarm(record, judged, told)
    else:
        record.say(_quiet(found), *told.lines, *_apart(found), _against(found))
    return Status.UNDECIDED if told.undecided else Status.PASS


def _quiet(found: Drift) -> str:
    return f"{len(found.columns)} columns, {found.rows:,} rows, no drift above {found.allowed:g} sd"


def _against(found: Drift) -> str:
    return (
        f"against {found.reference_rows:,} training rows of {found.version}; this run may give a "
        f"false alarm with a chance of {found.spent:.2g}, all runs of the year {found.alpha:g}"
    )


def _apart(found: Drift) -> list[str]:
    """What tells the requests since the last look from those before: a line, if anything does."""
    by = found.periods
    if by.auc is None or by.low is None or not by.columns:
        return []
    names = [each.name for each in by.columns]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    how = f"area under the curve {by.auc:.2f}, at least {by.low:.2f}"
    which = f"{', '.join(names[:SHOWN])}{more}"
    return [
        f"requests since the last look are told from those before by {which} ({how}): {by.note}"
    ]


def _alarm(record: Record, judged: Judged, told: Told) -> None:
    """Say what has drifted or dropped, and start a retraining if nothing holds it."""
    from mlops_steps import ci
    from mlops_steps.errors import InfrastructureError

    found = judged.drift
    drifted = found.drifted
    lines = [f"{each.name}: {each.reason}" for each in drifted[:SHOWN]]
    lines += [*told.lines, *_apart(found)]
    more = f", and {len(drifted) - 1} more" if len(drifted) > 1 else ""
    drift = f"drift in {drifted[0].name}: {drifted[0].reason}{more}" if drifted else ""
    reason = one_line("; ".join(filter(None, (told.reason, drift))))
    for each in drifted:
        record.find(
            f"monitor/{'new-column' if each.kind == 'new' else 'drift'}",
            f"{each.name}: {each.reason} ({found.rows:,} rows; {found.allowed:g} sd is allowed)",
            level="warning",
            column=each.name,
            kind=each.kind,
            distance=each.distance,
            bound=each.bound,
        )
    record.output("reason", reason)
    headline = f"drift in {len(drifted)} of {len(found.columns)} columns, {found.rows:,} rows"
    if not drifted:
        headline = _quiet(found)
    if told.reason:
        headline = f"{told.reason}; {headline}"
    start = record.inputs["start"]
    held = judged.hold(reason, claim=bool(start))  # on disk before anything is started
    said = f"Nothing was started: {held}."
    if held:
        record.figure("held", held.kind)
    if not held:
        record.output("retrain", "true")
        said = "Nothing was started: no workflow was named."
    record.say(headline, *lines, _against(found))
    record.write()  # the reason is on disk, too
    if start and not held:
        try:
            said = ci.start_workflow(start, {"reason": reason}, record.folder)
        except InfrastructureError:
            judged.ended(started=False)
            raise
        judged.ended(started=True)
    record.say(headline, *lines, _against(found), said)


def one_line(text: str) -> str:
    """Under 200 characters, without anything that a CI platform would expand."""
    # With the line ends of Unicode, at which a reader of a dotenv file may break a value.
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029$`]+", " ", text)
    return plain if len(plain) < 200 else plain[:198] + "…"
