"""The published schema of a contract accepts what the step reads, and refuses what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from tests.mlops_steps.validate_data.conftest import CONTRACT

from mlops_steps.errors import ConfigError
from mlops_steps.validate_data.contract import Contract
from mlops_steps.yaml_file import read_yaml

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "templates" / "project" / "{{cookiecutter.name}}"
SCHEMA = json.loads((TEMPLATE / ".mlops" / "contract.schema.json").read_text())

GOOD = [
    CONTRACT,
    CONTRACT.replace(
        "{type: number}", "{type: number, severity: warn, tolerate: 0.01, personal: ip}"
    ),
    CONTRACT + "rules: [{name: a, sql: size > 1}]\nfresh: [{column: seen, within: 2 days}]\n",
    CONTRACT + "copies: {}\nfiles: {size: {min: 1}, whole: true, once: true, tolerate: 0.1}\n",
    CONTRACT.replace("max: 200", "accepted: 120, change: {min: 0.5, max: 2}"),
    CONTRACT + "unique: [[size, count]]\nreferences: [{columns: [id], file: data/x.csv}]\n",
]
BAD = [
    "columns: {}\n",
    CONTRACT.replace("type: number", "type: float"),
    CONTRACT.replace("{type: number}", "{type: number, minimum: 1}"),
    CONTRACT.replace("{type: number}", "{type: number, personal: maybe}"),
    CONTRACT.replace("{type: number}", "{type: number, tolerate: 1}"),
    CONTRACT + "fresh: [{column: seen, within: soon}]\n",
    CONTRACT + "unique: [[size]]\n",
    CONTRACT + "copies: true\n",
    CONTRACT + "files: {size: {min: -1}}\n",
    CONTRACT.replace("max: 200", "accepted: 0"),
    CONTRACT + "references: [{columns: [id], file: ../x.csv}]\n",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_is_read_keeps_the_schema(text: str, tmp_path: Path) -> None:
    jsonschema.validate(yaml.safe_load(text), SCHEMA, jsonschema.Draft202012Validator)
    (tmp_path / "contract.yaml").write_text(text)
    read_yaml(tmp_path / "contract.yaml", Contract, shown_as="contract.yaml")


@pytest.mark.parametrize("text", BAD)
def test_what_is_refused_breaks_the_schema(text: str, tmp_path: Path) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), SCHEMA, jsonschema.Draft202012Validator)
    (tmp_path / "contract.yaml").write_text(text)
    with pytest.raises(ConfigError):
        read_yaml(tmp_path / "contract.yaml", Contract, shown_as="contract.yaml")


@pytest.mark.parametrize("name", ["binary", "multiclass", "regression", "images"])
def test_the_demonstrations_keep_it_and_name_it(name: str) -> None:
    path = ROOT / "templates" / "data" / name / "contract.yaml"
    text = path.read_text()
    jsonschema.validate(yaml.safe_load(text), SCHEMA, jsonschema.Draft202012Validator)
    first = text.partition("\n")[0]
    prefix = "# yaml-language-server: $schema="
    assert first.startswith(prefix)
    named = (TEMPLATE / "data" / first.removeprefix(prefix)).resolve()
    assert named == (TEMPLATE / ".mlops" / "contract.schema.json").resolve()
