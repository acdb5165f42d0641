"""The commit that a project pins: what was given, what a checkout is at, or a clear no."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.mlops_init.helpers import PIN, ROOT, run

from mlops_init import version
from mlops_init.errors import UsageError


def test_what_was_given() -> None:
    assert version.pin(PIN) == (PIN, "")


@pytest.mark.parametrize("given", ["main", "v1.0.0", PIN[:12], PIN.upper(), f"{PIN}0", f"{PIN}\n"])
def test_what_is_no_commit(given: str) -> None:
    with pytest.raises(UsageError, match="is not a commit of 40 hexadecimal digits"):
        version.pin(given)


def test_this_checkouts_commit() -> None:
    head = run("git", "rev-parse", "HEAD", folder=ROOT).stdout.strip()
    commit, warning = version.pin()
    assert commit == head
    assert warning.startswith(f"the steps are pinned to this checkout's {head[:7]}")


def test_an_installation_without_a_stamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "__file__", str(tmp_path / "lib" / "mlops_init" / "version.py"))
    with pytest.raises(UsageError, match="does not know its commit; give one: --pin COMMIT"):
        version.pin()


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not on PATH"):
        version.pin()
