"""TensorFlow Data Validation: the text format as protobuf reads it, and what becomes of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps.validate_data.conftest import Judged, Row
from tests.mlops_steps.validate_data.imports.conftest import LOCKS

from mlops_steps import environments
from mlops_steps.errors import ConfigError
from mlops_steps.validate_data.imports import command, output, tfdv
from mlops_steps.validate_data.imports.text_format import Message, TextError, Word, read

pytestmark = pytest.mark.timeout(300)  # the first builds the environment

SCHEMA = r"""
# A schema as infer_schema writes it, with everything that a person adds.
feature {
  name: "id"
  type: INT
  presence { min_fraction: 1.0 min_count: 1 }
  shape { dim { size: 1 } }
}
feature {
  name: "label"
  type: BYTES
  domain: "labels"
  presence { min_fraction: 1.0 }
  not_in_environment: "SERVING"
}
feature { name: "size", type: FLOAT; float_domain: < min: 0.5 max: 1e1 > presence { min_count: 1 } }
feature {
  name: "grade" type: INT int_domain { min: 0x1, max: 3 is_categorical: true }
  presence { min_fraction: 0.9 min_count: 1 } unique_constraints { min: 2 max: 3 }
}
feature {
  name: "kind" type: BYTES
  string_domain { value: ["a", "it\'s"] value: "\303\244" "\x62" }
  distribution_constraints { min_domain_mass: 0.95 }
  presence { min_fraction: 1 }
}
feature { name: "told" type: BYTES bool_domain { true_value: "yes" false_value: "no" }
  presence { min_fraction: 1 min_count: 10 } }
feature { name: "flag" type: INT bool_domain {} presence { min_fraction: 1 } }
string_domain { name: "labels" value: "good" value: "bad" }
default_environment: "TRAINING"
default_environment: "SERVING"
dataset_constraints { min_examples_count: 20 max_examples_count: 1000 }
"""
#: As protobuf prints a message: repeated fields and scalars as they are, enumerations by name.
PRINT = """\
import json, sys
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
def plain(message):
    found = {}
    for field, value in message.ListFields():
        many = value if field.is_repeated else [value]
        if field.message_type:
            found[field.name] = [plain(each) for each in many]
        elif field.enum_type:
            found[field.name] = [field.enum_type.values_by_number[each].name for each in many]
        else:
            found[field.name] = [each for each in many]
    return found
answers = []
for text in json.load(sys.stdin):
    try:
        answers.append(plain(text_format.Parse(text, schema_pb2.Schema())))
    except text_format.ParseError:
        answers.append(None)
print(json.dumps(answers))
"""
#: Texts that both have to read the same, and then such as both have to refuse.
READ = [
    SCHEMA, "", "# nothing", 'feature { name: "a" }', "feature { name: 'a' 'b' \"c\" }",
    "feature: { name: 'a' };", "feature < name: 'a' >", "feature [{ name: 'a' }, { name: 'b' }]",
    "feature { int_domain { min: -5 max: 0x1F } }", "feature { int_domain { min: 07 max: 017 } }",
    "feature { float_domain { min: -inf max: 1.5f } }",
    "feature { float_domain { min: .5 max: 1. } }",
    r"feature { name: '\a\n\t\\\'\"\x41\101é\u00e9\U0001F600' }", "default_environment: []",
    "feature { deprecated: true } feature { deprecated: false }", "feature { name: 'a#b' } # c",
    "feature{name:'a'}feature{name:'b'}",
    "feature { float_domain { max: 25e-2 } }", "represent_variable_length_as_ragged: true",
]  # fmt: skip
REFUSED = [
    "feature {", "feature }", "feature { name }", "feature { name: }", "feature { name: 'a }",
    "feature { name: 'a\nb' }", "feature name: 'a'", "}", "1: 2",
    "feature { name: 'a' >", "feature [{ name: 'a' } { name: 'b' }]", "feature { name: @ }", ":",
    "feature { name: '\\400' }", "default_environment: ['a'", 'feature { name: "\\xff" }',
]  # fmt: skip


@pytest.fixture(scope="module")
def protobuf() -> list[dict[str, Any] | None]:
    python = environments.build(str(LOCKS / "tensorflow_metadata.txt"))
    found = subprocess.run(
        [python, "-c", PRINT], input=json.dumps(READ + REFUSED), capture_output=True, text=True,
        timeout=100, check=True,
    )  # fmt: skip
    answers: list[dict[str, Any] | None] = json.loads(found.stdout)
    return answers


def plain(message: Message) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name, values in message.items():
        told = [plain(each) if isinstance(each, dict) else each for each in values]
        told = [each == "true" if isinstance(each, Word) and each in {"true", "false"} else each
                for each in told]  # fmt: skip
        many = name in {"feature", "value", "string_domain", "dim", "default_environment",
                        "not_in_environment"}  # fmt: skip
        if told:
            found[name] = told if many else told[-1:]
    return found


@pytest.mark.parametrize("place", range(len(READ)))
def test_the_text_is_read_as_protobuf_reads_it(
    place: int, protobuf: list[dict[str, Any] | None]
) -> None:
    assert protobuf[place] is not None
    assert plain(read(READ[place])) == protobuf[place]


@pytest.mark.parametrize("place", range(len(REFUSED)))
def test_what_protobuf_refuses_is_refused(
    place: int, protobuf: list[dict[str, Any] | None]
) -> None:
    assert protobuf[len(READ) + place] is None
    with pytest.raises(TextError, match=r"^line [12]: "):
        read(REFUSED[place])


def test_a_text_cannot_nest_without_end() -> None:
    with pytest.raises(TextError, match=r"^line 1: nested too deeply"):
        read("feature {" * 100_000)


def good() -> list[Row]:
    return [
        {"id": str(number), "label": "bad" if number % 3 else "good", "size": "0.5",
         "grade": str(1 + number % 3), "kind": "a", "told": "yes", "flag": str(number % 2)}
        for number in range(40)
    ]  # fmt: skip


def imported(project: Callable[[str], Path], schema: str, **more: Any) -> tuple[int, str]:
    folder = project("")
    (folder / "schema.pbtxt").write_text(schema)
    options = {"source": "schema.pbtxt", "kind": "", "output": "", "force": True, "strict": True}
    code = command.run(folder, options | more)
    return code, (folder / "data" / "contract.yaml").read_text()


@pytest.mark.parametrize(
    ("change", "red"),
    [
        ({}, {}),
        ({"label": "other"}, {"label: set": "fail", "label: target": "fail"}),
        ({"label": None}, {"label: nulls": "fail"}),
        ({"size": "0.4"}, {"size: range": "fail"}),
        ({"size": "10.5"}, {"size: range": "fail"}),
        ({"size": None}, {}),
        ({"grade": "4"}, {"grade: range": "fail", "grade: distinct": "fail"}),
        ({"grade": None}, {}),
        ({"grade": "1.5"}, {"grade: type": "fail", "grade: distinct": "fail"}),
        ({"kind": "äb"}, {}),
        ({"kind": "other"}, {}),
        ({"told": "maybe"}, {"told: set": "fail"}),
        ({"flag": "2"}, {"flag: set": "fail"}),
        ({"surplus": "1"}, {"columns": "fail"}),
    ],
)
def test_what_the_contract_then_says(
    change: Row, red: dict[str, str], project: Callable[[str], Path], judged: Callable[..., Judged]
) -> None:
    code, contract = imported(project, SCHEMA)
    assert code == 0
    rows = good()
    rows[21] |= change
    rows = [{**dict.fromkeys(change), **row} for row in rows]
    assert judged(rows, contract=contract).red() == red


@pytest.mark.parametrize(
    ("rows", "red"),
    [
        ([{**row, "kind": "x" if number < 3 else "a"} for number, row in enumerate(good())],
         {"kind: string_domain: rule": "fail"}),
        ([{**row, "grade": None if number < 5 else row["grade"]}
          for number, row in enumerate(good())], {"grade: presence: rule": "fail"}),
        ([{**row, "size": None} for row in good()], {"size: distinct": "undecided"}),
        (good()[:19], {"rows": "fail"}),
    ],
)  # fmt: skip
def test_what_the_contract_says_of_many_rows(
    rows: list[Row],
    red: dict[str, str],
    project: Callable[[str], Path],
    judged: Callable[..., Judged],
) -> None:
    contract = imported(project, SCHEMA)[1]
    assert judged(rows, contract=contract).red() == red


LEFT = """
feature { name: "a" type: BYTES drift_comparator { infinity_norm { threshold: 0.1 } } }
feature { name: "b" type: FLOAT skew_comparator { infinity_norm { threshold: 0.1 } }
  value_count { min: 0 max: 3 } presence { min_count: 5 } }
feature { name: "c" type: STRUCT }
feature { name: "d" type: BYTES lifecycle_stage: DEPRECATED }
feature { name: "e" type: BYTES domain: "nowhere" presence { min_fraction: 1 } }
feature { name: "f" type: INT in_environment: "EVAL" presence { min_fraction: 1 } time_domain {} }
feature { name: "g" type: BYTES presence { min_fraction: 1 } future_field { x: 1 } }
sparse_feature { name: "s" }
dataset_constraints { num_examples_drift_comparator { min_fraction_threshold: 0.5 } }
"""


def test_what_is_left_out_is_listed(tmp_path: Path) -> None:
    (tmp_path / "schema.pbtxt").write_text(LEFT)
    draft, _ = tfdv.read(tmp_path / "schema.pbtxt", "schema.pbtxt")
    draft.finish({})
    found = [f"{note.kind}: {output.line(note)}" for note in draft.notes]
    for line in (
        "left out: feature 'a': drift_comparator: a contract looks at one table, not at two. Ins",
        "differs: feature 'a': presence: it may be missing as a whole",
        "left out: feature 'b': skew_comparator: ",
        "left out: feature 'b': value_count: a column of a table holds one value",
        "left out: feature 'b': min_count: 5: a contract bounds a share of rows",
        "left out: feature 'c': STRUCT: a column of a table holds one value",
        "left out: feature 'd': DEPRECATED: nothing is asked of it",
        "left out: feature 'e': domain: the schema has no domain 'nowhere'",
        "left out: feature 'f': environment EVAL: a contract knows training and serving",
        "differs: feature 'f': environments: it is in neither training nor serving",
        "left out: feature 'f': time_domain: a contract reads ISO times",
        "left out: feature 'g': future_field: no part of a contract says this",
        "left out: schema: sparse_feature: a column of a table holds one value",
        "left out: dataset_constraints: num_examples_drift_comparator: a contract does not look",
    ):
        assert [each for each in found if each.startswith(line)], (line, found)
    assert len(found) == 14, found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no schema: it has no feature"),
        (b"feature {", "is no text format: line 1: "),
        (b"\xff", "is no text format: "),
        (b" " * 4_000_001, "is larger than 4,000,000 bytes"),
    ],
)
def test_what_is_no_schema(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "schema.pbtxt").write_bytes(content)
    with pytest.raises(ConfigError, match=f"^schema.pbtxt: {said}"):
        tfdv.read(tmp_path / "schema.pbtxt", "schema.pbtxt")
