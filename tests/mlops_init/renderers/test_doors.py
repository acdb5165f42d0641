"""What is generated and committed is what the declarations say, and they need nothing installed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from re import search
from typing import Any

import pytest
import yaml
from scripts import generate
from tests.mlops_init.helpers import ROOT, documents, files, run

from mlops_init.renderers import doors
from mlops_steps.doors import read_inputs
from mlops_steps.errors import ConfigError
from mlops_steps.spec import STATUS_OUTPUT, STEP_NAMES, Step, meaning, variable

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
    there = [ROOT / "action.yml", *(ROOT / "actions").glob("*/action.yml")]
    there += (ROOT / "templates").glob("*.yml")
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
        assert action["inputs"][each.name]["default"] == each.default
        assert component[each.name]["default"] == each.default
        assert job["variables"][variable(each.name)] == f"$[[ inputs.{each.name} ]]"
        for door in (action["inputs"], component):
            assert door[each.name]["description"].split() == meaning(each).split()
    runs = [each for each in action["runs"]["steps"] if "run" in each]
    assert len(runs) == 1
    assert len(runs[0]["run"].splitlines()) <= 3


@pytest.mark.parametrize("step", doors.declarations(), ids=lambda step: step.name)
def test_every_input_says_what_it_takes_and_every_output_what_it_gives(step: Step) -> None:
    for each in step.inputs:
        assert each.choices or each.pattern, f"{each.name}: choices or a pattern"
        assert each.example, each.name
        assert not (each.choices and each.pattern)
        for value in {each.default, each.example, *each.choices} - {""}:
            assert read_inputs(step, [f"--{each.name}={value}"], {})[each.name] == value
        with pytest.raises(ConfigError, match=f"^input {each.name}: 'no such;value'"):
            read_inputs(step, [f"--{each.name}=no such;value"], {})
    for output in step.outputs:
        assert output.example, output.name


def takes(entry: dict[str, Any], value: str) -> bool:
    """Whether GitLab takes a value for a component's input: by options, or by a search."""
    return value in entry["options"] if "options" in entry else bool(search(entry["regex"], value))


@pytest.mark.parametrize("step", doors.declarations(), ids=lambda step: step.name)
def test_a_component_takes_what_the_step_takes_and_no_text_that_could_be_yaml(step: Step) -> None:
    header, body = documents(ROOT / "templates" / f"{step.name}.yml")
    entries = header["spec"]["inputs"]
    for name, entry in entries.items():
        assert entry["type"] == "string"
        assert takes(entry, entry["default"]), name
        for bad in ('a"', "a\\b", "a: b", "a\nb: c", "a #b", "$[[ inputs.job ]]", "`id`", "$(id)"):
            assert not takes(entry, bad), (name, bad)
    for each in step.inputs:
        for value in {"", each.default, each.example, *each.choices}:
            if value or "options" not in entries[each.name]:
                assert takes(entries[each.name], value), (each.name, value)
        if "options" not in entries[each.name]:
            assert takes(entries[each.name], "$SOME_VARIABLE")
            assert takes(entries[each.name], "${SOME_VARIABLE}")
    for name in ("gate", "ML gate", "ml:gate", "test/ml-gate"):
        assert takes(entries["job"], name)
    for image in ("python:3.12", "$CI_REGISTRY_IMAGE/ci:1@sha256:ab", "registry:5000/a/b"):
        assert takes(entries["image"], image)
    for source in ("$CI_SERVER_URL/a/b.git", "https://h.example/a.git", "git@h.example:a/b.git"):
        assert takes(entries["source"], source)
    # GitLab pastes before it reads: unquoted, `false` would be a truth value, 1.4 a number.
    text = (ROOT / "templates" / f"{step.name}.yml").read_text().partition("\n---\n")[2]
    assert text.count("$[[") == len(re.findall(r'"\$\[\[ [a-z.-]+ \]\]"', text))
    pasted = re.sub(r"\$\[\[ [a-z.-]+ \]\]", "false", text)
    (job,) = yaml.safe_load(pasted).values()
    assert set(map(type, job["variables"].values())) == {str}
    assert len(body) == 1


def test_the_root_action_names_every_step_and_every_output() -> None:
    (action,) = documents(ROOT / "action.yml")
    assert list(action["inputs"]) == ["step", "inputs"]
    declared = doors.declarations()
    assert ", ".join(STEP_NAMES) in " ".join(action["inputs"]["step"]["description"].split())
    outputs = {each.name for step in declared for each in step.outputs}
    assert set(action["outputs"]) == {"status", *outputs}
    for step in declared:
        for each in step.inputs:
            assert each.name in action["inputs"]["inputs"]["description"]
        for output in step.outputs:
            told = " ".join(action["outputs"][output.name]["description"].split())
            assert f"{step.name}: {meaning(output)}" in told


def test_the_job_of_a_project_that_holds_the_steps_is_the_components_job() -> None:
    for step in doors.declarations():
        values = {each.name: each.example for each in step.inputs}
        _, body = documents(ROOT / "templates" / f"{step.name}.yml")
        (job,) = body.values()
        own = doors.vendored_job(step.name, values)
        assert {key: own[key] for key in ("cache", "artifacts")} == {
            key: job[key] for key in ("cache", "artifacts")
        }
        assert own["script"] == [f"python3 -I .mlops/steps/mlops_steps/enter.py {step.name}"]
        assert read_inputs(step, [], own.get("variables", {})) == values
        cache, run = doors.vendored_steps(step.name, values)
        assert run["run"] == own["script"][0]
        assert read_inputs(step, [], run.get("env", {})) == values
        assert cache["uses"].value.startswith("actions/cache@")
    assert doors.vendored_job("lint", {}, image="python:3.12")["image"] == "python:3.12"
    for vendored in (doors.vendored_job, doors.vendored_steps):
        with pytest.raises(ValueError, match="step gate has no input splt"):
            vendored("gate", {"splt": "valid"})
