"""Inputs from each door, and what is said to a person."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from mlops_steps import doors
from mlops_steps.errors import ConfigError
from mlops_steps.spec import Input, Kind, Output, Step, variable

STEP = Step(
    "gate",
    "Judge.",
    inputs=(
        Input("split", "The rows.", default="test", choices=("test", "valid")),
        Input("first-release", "Pass.", kind=Kind.FLAG),
        Input("version", "A number.", pattern="[0-9]+([.][0-9]+)*", example="1.4"),
        Input("note", "Any words."),
    ),
    outputs=(Output("digest", "Its digest.", example="sha256:ab"),),
)
DEFAULTS = {"split": "test", "first-release": "false", "version": "", "note": ""}
#: How each door hands over one input: arguments and environment.
DOORS: dict[str, Callable[[str, str], tuple[list[str], dict[str, str]]]] = {
    "command line": lambda name, value: ([f"--{name}={value}"], {}),
    "GitHub": lambda name, value: ([], {"MLOPS_INPUTS": json.dumps({name: value})}),
    "GitLab": lambda name, value: ([], {variable(name): value}),
}


def door(**values: object) -> dict[str, str]:
    return {"MLOPS_INPUTS": json.dumps({k.replace("_", "-"): v for k, v in values.items()})}


@pytest.mark.parametrize(
    ("arguments", "environment", "changed"),
    [
        ([], {}, {}),
        ([], {"MLOPS_INPUTS": ""}, {}),
        ([], door(split="", first_release="", version=None), {}),
        ([], door(split="valid", version=2), {"split": "valid", "version": "2"}),
        ([], door(first_release=True), {"first-release": "true"}),
        ([], {"MLOPS_STEP_FIRST_RELEASE": "true"}, {"first-release": "true"}),
        (["--first-release"], {}, {"first-release": "true"}),
        (["--first-release=false"], door(first_release="true"), {}),
        (["--split", "valid"], door(split="test"), {"split": "valid"}),
        (["--note=a=b --c"], {}, {"note": "a=b --c"}),
        (["--version", "1.2.0"], {}, {"version": "1.2.0"}),
    ],
)
def test_inputs_of_each_door(
    arguments: list[str], environment: dict[str, str], changed: dict[str, str]
) -> None:
    assert doors.read_inputs(STEP, arguments, environment) == DEFAULTS | changed


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (
            ["--splt", "a"],
            {},
            "step gate has no input 'splt' (did you mean \"split\"?). Inputs: spl",
        ),
        (["valid"], {}, "unexpected 'valid'. Inputs: split, first-release, version, note"),
        (["--version"], {}, "--version needs a value: A number."),
        (["--version", "--split"], {}, "--version needs a value"),
        ([], door(other="a"), "step gate has no input 'other'"),
        ([], {"MLOPS_INPUTS": "{"}, "MLOPS_INPUTS is not JSON"),
        ([], {"MLOPS_INPUTS": "[1]"}, "MLOPS_INPUTS is not a JSON object"),
        ([], {"MLOPS_INPUTS": "3"}, "MLOPS_INPUTS is not a JSON object"),
    ],
)
def test_a_wrong_input_is_refused_with_what_is_allowed(
    arguments: list[str], environment: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        doors.read_inputs(STEP, arguments, environment)
    assert words in str(caught.value)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("split", "train", "Allowed: test, valid"),
        ("split", "Valid", '(did you mean "valid"?). Allowed: test, valid'),
        ("first-release", "yes", "Allowed: true, false"),
        ("version", "1.", "as in 1.4. Allowed: [0-9]+([.][0-9]+)*"),
        ("version", "1.4\n", "as in 1.4. Allowed: [0-9]+([.][0-9]+)*"),
        ("version", "$VERSION", "as in 1.4. Allowed: [0-9]+([.][0-9]+)*"),
    ],
)
def test_a_wrong_value_is_refused_at_every_door_with_the_name_of_the_input(
    door: str, name: str, value: str, allowed: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        doors.read_inputs(STEP, *DOORS[door](name, value))
    assert str(caught.value).startswith(f"input {name}: {value!r}")
    assert str(caught.value).endswith(allowed)
    assert caught.value.exit_code == 2


def test_help_names_every_input_and_output() -> None:
    text = doors.help_text(STEP)
    assert text.startswith("Usage: mlops-step gate [--INPUT VALUE ...]\n\nJudge.\n\nInputs:\n")
    assert "The rows. One of: test, valid. Default: test." in text
    assert "Pass. One of: true, false. Default: false." in text
    assert "  version          A number. For example: 1.4.\n" in text
    assert "  status           The verdict. One of: pass, fail, undecided.\n" in text
    assert text.endswith("  digest           Its digest. For example: sha256:ab.")
    assert "  gate            Judge." in doors.overview([STEP])


@pytest.mark.parametrize(
    "text",
    ["<b>", "[a](b)", "a\n# b", "@team", "http://a.example.org", "www.example.org", "| a |", "`x`"],
)
def test_text_becomes_no_markup(text: str) -> None:
    shown = doors.escape_markdown(text)
    assert "\n" not in shown
    for sign in ("<b", "[a]", "@t", "://", "www.", "| a", "`x"):
        assert sign not in shown.replace("\\" + sign[0], "")
