"""Rendered projects of every kind, and the command line in this process."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.mlops_init import helpers

from mlops_init.main import main


@pytest.fixture(scope="session")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder by variant; tests only read them."""
    return helpers.render_all(tmp_path_factory.mktemp("projects"))


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Call `mlops-init` in this process, in `tmp_path`; returns code, stdout, stderr."""
    before = signal.getsignal(signal.SIGTERM)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mlops-init", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return code, said.out, said.err

    monkeypatch.chdir(tmp_path)
    yield call
    signal.signal(signal.SIGTERM, before)
