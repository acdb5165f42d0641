"""What a person sees of a run is text."""

from __future__ import annotations

import pytest

from mlops_init.engines import Result
from mlops_init.progress import Screen


def test_what_a_job_found_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    odd = "\x1b[31m\x1b]0;x\x07\u202e\r[bold]"
    Screen().ended(Result("ci", "lint", "lint", "fail", odd, (f"a.py{odd}",)))
    said = capsys.readouterr().out
    assert said.count("\\x1b[31m\\x1b]0;x\\x07\\u202e\\r[bold]") == 2
    assert all(sign.isprintable() or sign == "\n" for sign in said)
