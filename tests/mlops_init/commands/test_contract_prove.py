"""`mlops-init contract prove`: the step's own verdict, with what was planted and not caught."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.mlops_init.helpers import ROOT, run

Here = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.timeout(300)  # the first builds the environment

EXAMPLE = ROOT / "examples" / "churn-both"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("mlops.yaml", "data"):
        copy = shutil.copytree if (EXAMPLE / name).is_dir() else shutil.copy
        copy(EXAMPLE / name, tmp_path / name)
    run("git", "init", "-q", folder=tmp_path)
    return tmp_path


def test_every_check_is_proved_or_says_why_not(here: Here, project: Path) -> None:
    code, out, err = here("contract", "prove")
    assert code == 0, out + err
    assert "checks proved: a spoilt row turned each of them red" in out
    assert "NOT caught" not in out
    assert "plan: type: could not be planted: every cell can be read as a text" in out


def test_data_that_are_red_stay_red(here: Here, project: Path) -> None:
    contract = project / "data" / "contract.yaml"
    contract.write_text(contract.read_text().replace("[basic, family, plus]", "[basic, family]"))
    code, out, _ = here("contract", "prove", str(project))
    assert code == 1
    assert "rows not one of basic, family" in out
    assert "NOT caught" not in out


def test_a_folder_that_is_none_and_a_split_that_is_none(here: Here) -> None:
    code, _, err = here("contract", "prove", "nowhere")
    assert (code, err) == (2, "mlops-init: nowhere: no such folder\n")
    code, out, err = here("contract", "prove", "--split=all")
    assert code == 2
    assert "test, valid" in out + err
