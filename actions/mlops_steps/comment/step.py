"""Comment: say in the pull request what a run has found; one comment, kept up to date."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mlops_steps.spec import Input, Kind, Status, Step

if TYPE_CHECKING:
    from mlops_steps.record import Record

STEP = Step(
    name="comment",
    summary="Say in the pull request on GitHub what the report has found, in one comment.",
    inputs=(
        Input(
            "forks",
            "Comment on what the latest runs for pull requests from forks left, not on this run.",
            kind=Kind.FLAG,
        ),
    ),
)

#: Marks everything that `mlops-init run` starts.
LOCAL_RUN = "MLOPS_RUN"


def run(record: Record) -> Status:
    """Write or change the comment, or say why there is none."""
    from mlops_steps import ci

    nothing = ""
    if LOCAL_RUN in os.environ or ci.platform() == "local":
        nothing = "a local run has no pull request"
    elif ci.platform() == "gitlab":
        nothing = "a job's token may not write notes; the merge request shows the reports itself"
    if nothing:
        record.say(f"nothing to comment on: {nothing}")
    elif record.inputs["forks"] == "true":
        from mlops_steps.comment.forks import comment_on_forks

        comment_on_forks(record)
    else:
        from mlops_steps.comment.change import comment_on_change

        comment_on_change(record)
    return Status.PASS
