"""What an attempt at a step may leave: the next attempt, or an undecided verdict.

Only the standard library, and any Python from 3.8: a step may fail before it has an environment.
"""

from __future__ import annotations

import os
import sys

from mlops_steps.environments import LOCKS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds before another attempt.
PAUSE = 3


def retries() -> int:
    """How often this step may still be tried again after a failure of the infrastructure.

    GitLab tries a job again by its exit code; for GitHub, which cannot, the workflow sets
    MLOPS_RETRIES, and it happens here.
    """
    left = os.environ.get("MLOPS_RETRIES", "")
    return int(left) if left.isascii() and left.isdigit() and len(left) == 1 else 0


def again(reason: str, stopped: Callable[[], bool] | None = None) -> None:
    """Begin from the start, as the next attempt of `retries()`.

    Does not return, unless `stopped` is given and says, before the new beginning, that a signal
    came: a caller that listens to signals would lose it. They stay blocked until the next
    attempt listens, too.
    """
    import signal
    import time

    left = retries() - 1
    os.environ["MLOPS_RETRIES"] = str(left)
    # Without line breaks, so that nothing in it can stand at the begin of a line; and without
    # what GitHub's runner obeys anywhere in one.
    words = " ".join(reason.split()).replace("##[", "## [")
    sys.stderr.write("%s; trying again, %d left after that\n" % (words, left))
    end = time.monotonic() + PAUSE
    while time.monotonic() < end and not (stopped and stopped()):
        time.sleep(0.1)
    if stopped:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        if stopped():
            return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-I"] + sys.argv)


def leave_undecided(step: str, reason: str, exit_code: int) -> None:
    """An old verdict must not outlive a run that never began."""
    import json

    path = os.path.join("out", step, "verdict.json")
    if step + ".txt" not in os.listdir(LOCKS):
        return
    if not os.path.isfile("mlops.yaml") and not os.path.isfile(path):
        return  # not a project's folder
    lines = reason.splitlines()
    verdict = {
        "step": step,
        "status": "undecided",
        "line": lines[0] if lines else "",
        "lines": lines[1:],
        "exit_code": exit_code,
    }
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w") as stream:
            json.dump(verdict, stream, indent=2)
        os.replace(path + ".new", path)
        outputs = os.path.join("out", step, "outputs.env")
        if os.path.exists(outputs):
            os.remove(outputs)  # GitLab would hand on what the last run said
    except OSError as error:
        sys.stderr.write("%s: %s\n" % (step, error))
