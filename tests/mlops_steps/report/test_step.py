"""The step as a user meets it: real figures in, three files out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_a_whole_road(road: Callable[[], Any], evaluated: Callable[[Any], None]) -> None:
    walked = road()
    evaluated(walked)
    walked.project.run("gate")
    ran = walked.report()
    assert ran.code == 0, ran.text
    assert walked.text("summary.md").startswith("### tumour: pass")
