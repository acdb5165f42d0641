"""`mlops-init contract import`: as a user calls it, in the step's own environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.mlops_init.helpers import call

pytestmark = pytest.mark.timeout(300)  # the first builds the environment

MLOPS_YAML = """\
model: {name: things, task: regression}
data:
  inputs:
    things:
      path: data/things.csv
      key: id
      target: size
      split: {by: hash, salt: s, test: 0.3, valid: 0.2}
      contract: data/contract.yaml
commands: {train: "true", predict: "true", serve: "true", test: "true"}
gate: {test: [rmse <= 1], valid: [rmse <= 1]}
"""
SUITE = {
    "expectations": [
        {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}},
        {"type": "expect_column_values_to_be_increasing", "kwargs": {"column": "id\x1b[31m"}},
    ]
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "things.csv").write_text("id,size\n1,2.5\n2,3\n")
    (tmp_path / "mlops.yaml").write_text(MLOPS_YAML)
    (tmp_path / "suite.json").write_text(json.dumps(SUITE))
    return tmp_path


def test_a_suite_becomes_the_contract(folder: Path) -> None:
    found = call("contract", "import", "suite.json", folder=folder)
    assert (found.returncode, found.stderr) == (0, "")
    order = "expect_column_values_to_be_increasing: the rows of a contract have no order"
    assert found.stdout.splitlines() == [
        "data/contract.yaml: 1 checks carried over, 1 left out, 3 added",
        rf"  left out: expectations[1] (id\x1b[31m): {order}",
        "  added: columns.size: column: the source says nothing of the target of mlops.yaml",
        "  added: columns.id: type: the source says none; the table has integer",
        "  added: columns.size: type: the source says none; the table has number",
    ]
    assert (
        "id: {type: integer, nullable: true, unique: true}"
        in (folder / "data" / "contract.yaml").read_text()
    )


def test_nothing_is_overwritten_unless_it_is_said(folder: Path) -> None:
    path = folder / "data" / "contract.yaml"
    path.write_text("mine\n")
    found = call("contract", "import", "suite.json", folder=folder)
    assert found.returncode == 2
    assert found.stderr == (
        "contract import: data/contract.yaml: is there already. Allowed: another --output, or "
        "--force to overwrite it\n"
    )
    assert path.read_text() == "mine\n"
    found = call("contract", "import", "suite.json", "--strict", "--force", folder=folder)
    assert found.returncode == 1
    assert path.read_text().startswith("# From suite.json")


def test_a_kind_that_nobody_knows(folder: Path) -> None:
    found = call("contract", "import", "suite.json", "--kind", "soda", folder=folder)
    assert found.returncode == 2
    assert "Allowed: pandera, great-expectations, tfdv" in found.stderr
