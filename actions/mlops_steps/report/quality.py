"""Findings that have a place in a file, for GitLab's Code Quality: what a change adds and mends.

The subset of the Code Climate format that GitLab reads.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import PurePosixPath

from mlops_steps.record import Level, Verdict
from mlops_steps.report.text import clean, one_line

SEVERITIES: dict[Level, str] = {"error": "major", "warning": "minor", "notice": "info"}


def render(verdicts: list[Verdict]) -> bytes:
    """The file: a list, empty when no finding has a place.

    A fingerprint follows from step, rule, file and message, not from the line, so that a
    finding that only moved is not a new one; what is found twice alike is counted through.
    """
    found = []
    seen: Counter[str] = Counter()
    for verdict in verdicts:
        for each in verdict.findings:
            path = _relative(each.file)
            if not path:
                continue
            what = json.dumps([verdict.step, each.rule, path, each.message])
            seen[what] += 1
            fingerprint = hashlib.sha256(f"{what}{seen[what]}".encode()).hexdigest()
            found.append(
                {
                    "description": one_line(each.message) or one_line(each.rule),
                    "check_name": one_line(each.rule),
                    "fingerprint": fingerprint,
                    "severity": SEVERITIES[each.level],
                    # A finding about a whole file stands at its beginning.
                    "location": {"path": path, "lines": {"begin": max(1, each.line or 1)}},
                }
            )
    return json.dumps(found, indent=1).encode() + b"\n"


def _relative(name: str | None) -> str:
    """A path within the project as GitLab knows it; empty for anything else."""
    if not name or clean(name, 4096) != name or set(name) & set("\\\n\t"):
        return ""
    path = PurePosixPath(name)
    return "" if path.is_absolute() or ".." in path.parts else path.as_posix()
