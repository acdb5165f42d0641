"""`mlops-init contract propose`: a patch for git, words beside it, and what it writes."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.mlops_init.helpers import ROOT, run

Here = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.timeout(300)  # the first builds the environment

EXAMPLE = ROOT / "examples" / "churn-both"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An example whose table has a new plan, at the top of which stands what a person wrote."""
    for name in ("mlops.yaml", "data"):
        copy = shutil.copytree if (EXAMPLE / name).is_dir() else shutil.copy
        copy(EXAMPLE / name, tmp_path / name)
    table = tmp_path / "data" / "customers.csv"
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    for row in rows[::50]:
        row["plan"] = "gold\x1b[2J"
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    table.write_text(text.getvalue())
    run("git", "init", "-q", folder=tmp_path)
    return tmp_path


def test_the_patch_alone_is_on_standard_output(here: Here, project: Path) -> None:
    contract = project / "data" / "contract.yaml"
    before = contract.read_text()
    code, out, err = here("contract", "propose")
    assert code == 0, err
    assert out.startswith("--- a/data/contract.yaml\n+++ b/data/contract.yaml\n@@")
    assert contract.read_text() == before
    first, change, *_ = err.splitlines()
    assert first.startswith("data/contract.yaml: 1 change, by 1,1")
    assert change.startswith("  plan: allowed: [basic, family, plus] -> ")
    assert "\x1b" not in out + err
    told = subprocess.run(
        ["git", "apply", "-"], cwd=project, input=out, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    wanted = before.replace("[basic, family, plus]", '[basic, family, plus, "gold\\u001b[2J"]')
    assert contract.read_text() == wanted
    code, out, err = here("contract", "propose", str(project))
    assert (code, out) == (0, "")
    assert "no changes" in err


def test_apply_writes_it(here: Here, project: Path) -> None:
    contract = project / "data" / "contract.yaml"
    patched = contract.read_text().replace(
        "[basic, family, plus]", '[basic, family, plus, "gold\\u001b[2J"]'
    )
    assert here("contract", "propose", "--apply")[:2] == (0, "")
    assert contract.read_text() == patched
    contract.unlink()
    code, out, err = here("contract", "propose", "--apply")
    assert (code, out) == (0, ""), err
    assert "inferred from 1,1" in err
    text = contract.read_text()
    assert "  customer: {type: text, unique: true}\n" in text
    assert not text.startswith("# yaml-language-server")
    (project / ".mlops").mkdir()
    (project / ".mlops" / "contract.schema.json").write_text("{}")
    contract.unlink()
    assert here("contract", "propose", "--apply")[:2] == (0, "")
    line = "# yaml-language-server: $schema=../.mlops/contract.schema.json\n"
    assert contract.read_text() == line + text


def test_what_cannot_be_done_is_said(here: Here, project: Path) -> None:
    code, _, err = here("contract", "propose", "nowhere")
    assert (code, err) == (2, "mlops-init: nowhere: no such folder\n")
    (project / "data" / "contract.yaml").write_text("columns: {customer: {type: word}}\n")
    code, out, err = here("contract", "propose", "--apply")
    assert (code, out) == (2, "")
    assert err.startswith("data/contract.yaml:1:22: columns.customer.type: ")
    assert (project / "data" / "contract.yaml").read_text().endswith("{type: word}}\n")
    (project / "data" / "contract.yaml").unlink()
    (project / "data" / "customers.csv").unlink()
    assert here("contract", "propose") == (3, "", "data/customers.csv: not found\n")
