"""The engines on PATH, and a tiny project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.workflows import harness, mini


@pytest.fixture(autouse=True, scope="session")
def _tools() -> Iterator[None]:
    with harness.tools():
        yield


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A rendered project with tiny programs, not committed yet."""
    return mini.make(tmp_path)
