"""What is generated and committed is what the declarations say, and they need nothing installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from scripts import generate
from tests.mlops_init.helpers import ROOT, documents, files, run

from mlops_init.renderers import doors
from mlops_steps.spec import STATUS_OUTPUT, STEP_NAMES, Kind, Step

BARE = """\
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
from mlops_steps.spec import STEP_NAMES
names = [
    importlib.import_module("mlops_steps." + name.replace("-", "_") + ".step").STEP.name
    for name in STEP_NAMES
]
known = {"mlops_steps", "__main__"} | set(sys.stdlib_module_names)
print(json.dumps([names, sorted({each.split(".")[0] for each in sys.modules} - known)]))
"""


def test_what_is_committed_is_what_is_generated(tmp_path: Path) -> None:
    written = generate.write_all(tmp_path)
    made = files(tmp_path)
    assert set(made) == {path.as_posix() for path in written}
    for name, content in made.items():
        assert (ROOT / name).read_bytes() == content, f"{name}: run `make generate`"


def test_no_door_is_left_of_a_step_that_is_gone(tmp_path: Path) -> None:
    made = {path.as_posix() for path in doors.write_all(tmp_path)}
    there = [*(ROOT / "actions").glob("*/action.yml"), *(ROOT / "templates").glob("*.yml")]
    assert {path.relative_to(ROOT).as_posix() for path in there} == made


def test_every_declaration_imports_in_a_bare_interpreter() -> None:
    found = run(sys.executable, "-I", "-S", "-c", BARE, ROOT / "actions", folder=ROOT)
    assert found.returncode == 0, found.stderr
    names, strangers = json.loads(found.stdout)
    assert (tuple(names), strangers) == (STEP_NAMES, [])


@pytest.mark.parametrize("step", doors.declarations(), ids=lambda step: step.name)
def test_both_doors_offer_what_is_declared(step: Step) -> None:
    (action,) = documents(ROOT / "actions" / step.name / "action.yml")
    header, body = documents(ROOT / "templates" / f"{step.name}.yml")
    names = [each.name for each in step.inputs]
    assert list(action.get("inputs", {})) == names
    component = header["spec"]["inputs"]
    assert list(component) == ["job", "stage", "image", "source", *names]
    assert set(action["outputs"]) == {STATUS_OUTPUT.name, *(each.name for each in step.outputs)}
    (job,) = body.values()
    for each in step.inputs:
        default = "false" if each.kind is Kind.FLAG else each.default
        assert action["inputs"][each.name]["default"] == default
        assert component[each.name]["default"] == default
        # GitLab refuses a default that is not among the options.
        assert default in component[each.name].get("options", [default])
        variable = f"MLOPS_STEP_{each.name.upper().replace('-', '_')}"
        assert job["variables"][variable] == f"$[[ inputs.{each.name} ]]"
    runs = [each for each in action["runs"]["steps"] if "run" in each]
    assert len(runs) == 1
    assert len(runs[0]["run"].splitlines()) <= 3
