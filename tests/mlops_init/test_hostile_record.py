"""A record of answers that a stranger changed: refused in one line, or nothing comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from tests.mlops_init.helpers import run

from mlops_init.answers import FILE_NAME, complete
from mlops_init.questions import NAME, OPTIONS

Here = Callable[..., tuple[int, str, str]]

ODD: list[Any] = ["$(touch PWNED)", "`touch PWNED`", "x;touch PWNED", "touch${IFS}PWNED", "-rf"]
ODD += ["a\n::error::x", "${{ github.token }}", "{{ 7 * 7 }}", "\x1b[31m", "\u202e", "\0", "../x"]
ODD += ["a" * 10_000, " ", "'", '"', "yes", 1, 1.5, True, ["both"], {"a": "b"}]
COMMANDS = (
    ("graph",),
    ("graph", "--format", "mermaid"),
    ("protect", "--platform", "github", "--repository", "a/b"),
    ("protect", "--platform", "gitlab", "--repository", "a/b"),
    ("run", "nothing"),
)


def changed() -> Iterator[dict[str, Any]]:
    """Records in which one thing is not as it was written."""
    whole = {"version": "1", "pin": "0" * 40, "files": {"a": "0" * 64}}
    given = asdict(complete({"name": "tumour"}))
    for option in (NAME, *OPTIONS):
        for odd in ODD:
            yield {**whole, "answers": {**given, option.name: odd}}
    for key in (*whole, "more"):
        for odd in ODD:
            yield {**whole, "answers": given, key: odd}
    yield {**whole, "answers": "x"}
    yield {**whole, "answers": given, "files": {"../../etc/passwd": "x", "\x1b": {"y": 1}}}


@pytest.mark.timeout(300)
def test_a_changed_record_is_refused_or_changes_nothing(here: Here, tmp_path: Path) -> None:
    run("git", "init", "-q", folder=tmp_path)
    refused = 0
    for record in changed():
        (tmp_path / FILE_NAME).write_text(tomli_w.dumps(record), encoding="utf-8")
        for command in COMMANDS:
            code, out, err = here(*command)
            assert code in {0, 2}, (command, err)
            assert all(sign.isprintable() or sign == "\n" for sign in out + err)
            assert "PWNED" not in out
            assert "::error" not in out
            if code == 2:
                refused += 1
                assert out == ""
                assert err.count("\n") == 1
                assert len(err) < 1_000
    assert refused > 1_500
    assert {path.name for path in tmp_path.iterdir()} == {".git", FILE_NAME}
