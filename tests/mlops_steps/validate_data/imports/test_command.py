"""The command: what it writes, what it leaves alone, what it says."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.mlops_steps.validate_data.conftest import Judged

from mlops_steps import config
from mlops_steps.errors import ConfigError
from mlops_steps.validate_data import contract as contracts
from mlops_steps.validate_data import rules
from mlops_steps.validate_data.imports import command

Project = Callable[[str], Path]
ID = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}}
LABEL = {
    "type": "expect_column_values_to_be_in_set",
    "kwargs": {"column": "label", "value_set": ["good", "bad"]},
}


def between(column: str, **words: Any) -> dict[str, Any]:
    return {"type": "expect_column_values_to_be_between", "kwargs": {"column": column, **words}}


def run(folder: Path, *entries: dict[str, Any], **more: Any) -> int:
    (folder / "suite.json").write_text(json.dumps({"name": "s", "expectations": entries}))
    options = {"source": "suite.json", "kind": "", "output": "", "force": False, "strict": False}
    return command.run(folder, options | more)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "data").iterdir())


def read(folder: Path) -> contracts.Contract:
    loaded = config.load(folder)
    return contracts.load(folder, loaded.table, task=loaded.model.task)


def test_the_key_and_the_target_are_named_as_the_table_has_them(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project("")
    (folder / "data" / "things").write_text("id,size,label\n1,2.5,good\n2,3,bad\n")
    assert run(folder, between("size", min_value=0), strict=True) == 0
    assert (folder / "data" / "contract.yaml").read_text() == (
        "# From suite.json (Great Expectations, suite s): 1 checks carried over, 4 added\n"
        "# added: columns.id: column: the source says nothing of the key of mlops.yaml\n"
        "# added: columns.label: column: the source says nothing of the target of mlops.yaml\n"
        "# added: columns.id: type: the source says none; the table has integer\n"
        "# added: columns.label: type: the source says none; the table has text\n"
        "extra_columns: true\n"
        "columns:\n"
        "  size: {type: number, nullable: true, min: 0}\n"
        "  id: {type: integer, nullable: true}\n"
        "  label: {type: text, nullable: true}\n"
    )
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "data/contract.yaml: 1 checks carried over, 4 added"
    assert len(said) == 5
    assert read(folder).columns["id"].type == "integer"


def test_without_a_table_an_unknown_type_is_text_and_told(project: Project) -> None:
    folder = project("")
    assert run(folder, ID, LABEL) == 0
    written = (folder / "data" / "contract.yaml").read_text()
    assert "added: columns.id: type: neither the source nor the table says one" in written
    assert read(folder).columns["id"].type == "text"


def test_strict_tells_by_its_exit_code_and_writes_all_the_same(project: Project) -> None:
    folder = project("")
    lost = {"type": "expect_column_values_to_be_increasing", "kwargs": {"column": "id"}}
    assert run(folder, ID, LABEL, lost) == 0
    assert run(folder, ID, LABEL, lost, strict=True, force=True) == 1
    assert "\n# left out: expectations[2] (id): " in (folder / "data/contract.yaml").read_text()
    read(folder)


def test_nothing_is_overwritten(project: Project) -> None:
    folder = project("")
    path = folder / "data" / "contract.yaml"
    path.write_text("mine")
    with pytest.raises(ConfigError, match=r"data/contract.yaml: is there already. Allowed: ano"):
        run(folder, ID, LABEL)
    assert path.read_text() == "mine"
    assert run(folder, ID, LABEL, force=True) == 0
    assert path.read_text().startswith("# From suite.json")
    path.unlink()
    path.symlink_to("nowhere")
    with pytest.raises(ConfigError, match="is there already"):
        run(folder, ID, LABEL)
    assert run(folder, ID, LABEL, output="other.yaml") == 0
    assert files(folder) == ["contract.yaml"]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([between("x", min_value=2), between("x", max_value=1)], "x.max: 1 is below min, 2"),
        ([{"type": "expect_column_values_to_be_in_set",
           "kwargs": {"column": "label", "value_set": ["good", "a"]}}], "lacks 'bad'"),
    ],
)  # fmt: skip
def test_what_no_step_would_accept_is_not_written(
    entries: list[dict[str, Any]], said: str, project: Project
) -> None:
    folder = project("")
    with pytest.raises(ConfigError, match="is not written, since no step would") as found:
        run(folder, ID, *entries)
    assert said in str(found.value)
    assert files(folder) == []


NAMES = ["a\nb", 'q"; drop table x', "select", "'", "# x", "x: y", "{", "Ä b", "null", "1",
         "a" * 200, "\x1b[31m",
         "a.b", "-", "&x", "x\u2028y", "yes", "\u202e", "\U000e0001"]  # fmt: skip


def test_a_name_is_a_name_whatever_it_is(
    project: Project, judged: Callable[..., Judged], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project("")
    entries = [ID, LABEL]
    for name in NAMES:
        entries.append(between(name, min_value=0, strict_min=True))
        entries.append({"type": f"expect_{name}", "kwargs": {"column": name}})
    assert run(folder, *entries) == 0
    contract = read(folder)
    assert list(contract.columns) == ["id", "label", *NAMES]
    assert [rules.columns(rules.read(rule.sql)) for rule in contract.rules] == [
        [name] for name in NAMES
    ]
    text = (folder / "data" / "contract.yaml").read_text()
    assert list(yaml.safe_load(text)["columns"]) == ["id", "label", *NAMES]
    for line in [*capsys.readouterr().out.splitlines(), *text.split("\n")]:
        assert line.isprintable(), line
    rows = [{"id": number, "label": "bad" if number % 3 else "good", **dict.fromkeys(NAMES, 1)}
            for number in range(40)]  # fmt: skip
    assert judged(as_csv(rows), contract=text).red() == {}
    rows[21] |= dict.fromkeys(NAMES, 0)
    red = judged(as_csv(rows), contract=text).red()
    assert set(red) == {f"{name}: expect_column_values_to_be_between: rule" for name in NAMES}


def as_csv(rows: list[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("source", "kind", "said"),
    [
        ("absent.json", "", "absent.json: not found, or is no file"),
        ("absent.pbtxt", "", "absent.pbtxt: not found, or is no file"),
        ("data", "", "data: what it is cannot be told. Allowed: module:name of pandera"),
        ("suite.json", "soda", "--kind soda: unknown. Allowed: pandera, great-expectations, tfdv"),
        ("suite.json", "tfdv", "suite.json: is no text format: line 1: "),
        ("suite.json", "pandera", "suite.json: is no place of a schema. Allowed: module:name"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(
    source: str, kind: str, said: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project("")
    (folder / "suite.json").write_text('{"expectations": []}')
    options = {"source": source, "kind": kind, "output": "", "force": False, "strict": False}
    assert command.main([str(folder), json.dumps(options)]) == 2
    assert capsys.readouterr().err.startswith(f"contract import: {said}")
    assert files(folder) == []


def test_without_mlops_yaml_there_is_no_contract(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project("")
    (folder / "mlops.yaml").unlink()
    options = {"source": "s.json", "kind": "", "output": "", "force": False, "strict": False}
    assert command.main([str(folder), json.dumps(options)]) == 2
    assert "mlops.yaml: not found in" in capsys.readouterr().err


def test_an_empty_suite_is_a_contract_of_key_and_target(project: Project) -> None:
    folder = project("")
    assert run(folder) == 0
    assert list(read(folder).columns) == ["id", "label"]
