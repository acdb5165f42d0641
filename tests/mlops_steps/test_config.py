"""mlops.yaml: every error names the place, the key, what was found and what is allowed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.mlops_steps.conftest import MLOPS_YAML

from mlops_steps import config
from mlops_steps.errors import ConfigError
from mlops_steps.yaml_file import at


def problem(folder: Path, text: str | bytes) -> str:
    (folder / "mlops.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        config.load(folder)
    return str(caught.value)


#: What stands in the file, what is put in its place, and the error.
SPOILT = [
    (
        "task: binary",
        "task: multi",
        "1:23: model.task: Invalid enum value 'multi'. Allowed: binary, multiclass, regression",
    ),
    ("test: 0.3", "test: 1.3", "9:41: data.inputs.samples.split.test: Expected `float` < 1.0, f"),
    ("test: 0.3", "test: .nan", "split.test: Expected `float` > 0.0, found '.nan'"),
    ("test: 0.3", "test: '0.3'", "split.test: Expected `float`, got `str`, found '0.3'"),
    ("name: tumour", "name: no", "1:9: model.name: Expected `str`, got `bool`, found 'no'"),
    ("name: tumour", "name: A", "matching regex '^[a-z][a-z0-9_-]{0,62}$', found 'A'"),
    ("data/samples.csv", "../a.csv", "5:7: data.inputs.samples.path: Expected `str` matching"),
    ("data/samples.csv", "/a.csv", "5:7: data.inputs.samples.path: Expected `str` matching"),
    ("samples:", "Samples:", "4:5: data.inputs.Samples: the key: Expected `str` matching regex"),
    ("      key: id\n", "", "4:5: data.inputs.samples: Object missing required field `key`"),
    (
        "  train: py",
        "  trian: py",
        "commands.trian: unknown key 'trian' (did you mean \"train\"?). All",
    ),
    (
        "gate:",
        "gates:",
        "16:1: gates: unknown key 'gates' (did you mean \"gate\"?). Allowed here: mo",
    ),
    ("valid: [roc", "valid: [1, roc", "18:11: gate.valid[0]: Expected `str`, got `int`, found '1'"),
    ("valid: [roc_auc >= 0.9]", "valid: []", "18:3: gate.valid: Expected `array` of length >= 1"),
    ("", "train: {seed: -1}\n", "19:9: train.seed: Expected `int` >= 0, found '-1'"),
    ("", "train: {seed: 1e9}\n", "19:9: train.seed: Expected `int`, got `str`, found '1e9'"),
    (
        "",
        "train: {params: {a: [1]}}\n",
        "19:18: train.params.a: Expected `bool | int | float | str`",
    ),
    (
        "",
        "train: {params: {1: a}}\n",
        "19:18: train.params.1: the key: Expected `str`, got `int`, f",
    ),
    ("", "train: {gpu: maybe}\n", "19:9: train.gpu: Invalid enum value 'maybe'. Allowed: none"),
    (
        "      positive: malignant\n",
        "",
        "4:5: data.inputs.samples.positive: missing; the task binary needs the target's value",
    ),
    (
        "positive: malignant",
        "positive: null",
        "8:7: data.inputs.samples.positive: missing; the task binary needs",
    ),
    (
        "task: binary",
        "task: multiclass",
        "8:7: data.inputs.samples.positive: only the task binary has a positive value; this is mul",
    ),
    (
        "task: binary",
        "task: regression",
        "8:7: data.inputs.samples.positive: only the task binary has a positive value; this is reg",
    ),
    ("key: id", "kind: folder", "6:7: data.inputs.samples.kind: Invalid enum value 'folder'. All"),
    (
        "key: id\n",
        "key: id\n      kind: files\n",
        "4:5: data.inputs.samples.file: missing; the kind files needs the column",
    ),
    (
        "key: id\n",
        "key: id\n      file: image\n",
        "7:7: data.inputs.samples.file: only the kind files has a column of files; this is table",
    ),
    (
        "key: id\n",
        "key: id\n      kind: files\n      file: id\n",
        "8:7: data.inputs.samples.file: 'id' is the key or the target; a column of its own",
    ),
    ("key: id", "key: diagnosis", "7:7: data.inputs.samples.target: 'diagnosis' is the key too"),
    ("", "train: {quick: {a: .nan}}\n", "19:17: train.quick.a: nan is not a finite number"),
    ("", "train: {timeout_minutes: .inf}\n", "Expected `float` <= 43200.0, found '.inf'"),
    ("", "train:\n", "19:1: train: Expected `object`, got `null`"),
    (
        "",
        "deploy: {weights: [5, 200]}\n",
        "19:23: deploy.weights[1]: Expected `int` <= 100, found '2",
    ),
    (
        "",
        "deploy: {weights: [50, 25, 5]}\n",
        "19:24: deploy.weights[1]: 25 comes after 50. Allowed: percentages, each above the one",
    ),
    ("", "deploy: {weights: [5, 25, 25]}\n", "19:27: deploy.weights[2]: 25 comes after 25. Al"),
    (
        "",
        "deploy: {weights: [100]}\n",
        "19:1: deploy.minimum_requests: 100 of each version are wanted, but the champion gets abo",
    ),
    ("", "deploy: {weights: [5]}\n", "the candidate gets about 50 of 1,000. Allowed: more requ"),
    (
        "",
        "deploy: {requests: 100, minimum_requests: 110, weights: [30, 60, 70]}\n",
        "19:25: deploy.minimum_requests: 110 of each version are wanted, but a first release gets",
    ),
    ("", "monitor: {log: s3://b/log.csv}\n", "19:11: monitor.log: 's3://b/log.csv' is an addre"),
    ("", "monitor: {log: ~/log.csv}\n", "19:11: monitor.log: '~/log.csv' is not expanded: no s"),
    ("", "monitor: {log: ''}\n", "monitor.log: '' names no file. Allowed: state, or the path of"),
    ("", "a.b: 1\n", "19:1: a.b: unknown key 'a.b'. Allowed here: model, data, commands,"),
    ("", '"a]b[": 1\n', "19:1: a]b[: unknown key 'a]b['. Allowed here"),
    ("", '"a\\n::error::b": 1\n', "19:1: a ::error::b: unknown key 'a\\n::error::b'. Allowed here"),
    ("", "gate: {}\n", "19:1: the key 'gate' is given twice"),
    ("", "? [a]\n: b\n", "19:3: a key must be a plain word"),
    ("", "deploy: {<<: {alpha: 0.1}}\n", "19:10: merge keys (<<) are not read; write the keys out"),
    ("", "deploy: &a {b: *a}\n", "19:9: found unconstructable recursive node"),
    ("", "deploy: *a\n", "19:9: found undefined alias 'a'"),
    ("", "registry: 2024-13-45\n", "19:11: cannot be read as timestamp"),
    ("", 'registry: "\\ud800"\n', "19:11: cannot be read as str"),
    ("", "registry: !!int x\n", "19:11: cannot be read as int"),
    (
        "",
        "registry: !!python/name:os.system\n",
        "19:11: could not determine a constructor for the tag",
    ),
    (
        "",
        "\t- a\n",
        "19:1: while scanning for the next token, found character '\\t' that cannot start",
    ),
    ("", "a: b: c\n", "19:5: mapping values are not allowed here"),
    ("", "--- a\n", "19:1: expected a single document in the stream, but found another document"),
    ("", "a: \0\n", "19:4: YAML has no character U+0000"),
    ("", "registry: 'a\n", "20:1: while scanning a quoted scalar, found unexpected end of stream"),
]


@pytest.mark.parametrize(("old", "new", "words"), SPOILT)
def test_an_error_names_place_key_found_and_allowed(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert old in MLOPS_YAML
    text = MLOPS_YAML.replace(old, new, 1) if old else MLOPS_YAML + new
    found = problem(tmp_path, text)
    assert re.match(r"mlops\.yaml:\d+:\d+: ", found)
    assert words in found
    assert len(found.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "mlops.yaml:1:1: the file is empty"),
        (b"# nothing\n", "mlops.yaml:1:1: the file is empty"),
        (b"~", "mlops.yaml:1:1: Expected `object`, got `null`, found '~'"),
        (b"- a", "mlops.yaml:1:1: Expected `object`, got `array`"),
        (b"a: 1\nb: caf\xe9\n", "mlops.yaml:2:7: byte 0xe9 is not UTF-8 text"),
        (b"\xff\xfea\0", "mlops.yaml:1:1: byte 0xff is not UTF-8 text"),
        (b"[" * 5000, "mlops.yaml:1:1: nested too deeply"),
        (b"a: " + b"9" * 5000, "mlops.yaml:1:4: cannot be read as int"),
        (b"a: 1\n" * 2, "mlops.yaml:2:1: the key 'a' is given twice"),
    ],
)
def test_a_file_that_is_no_mapping(tmp_path: Path, text: bytes, words: str) -> None:
    assert problem(tmp_path, text) == words


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mlops\.yaml: not found in "):
        config.load(tmp_path)
    (tmp_path / "mlops.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"mlops\.yaml: cannot be read: Is a directory"):
        config.load(tmp_path)


@pytest.mark.timeout(60)
def test_a_file_that_never_ends_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "mlops.yaml"
    path.symlink_to("/dev/zero")
    assert problem_of(tmp_path) == "mlops.yaml: is not a file"
    path.unlink()
    os.mkfifo(path)
    assert problem_of(tmp_path) == "mlops.yaml: is not a file"
    path.unlink()
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    assert problem_of(tmp_path) == "mlops.yaml: is larger than 4,000,000 bytes"


def problem_of(folder: Path) -> str:
    with pytest.raises(ConfigError) as error:
        config.load(folder)
    return str(error.value)


@pytest.mark.parametrize(
    "change", [str, lambda text: "\ufeff" + text, lambda t: t.replace("\n", "\r\n")]
)
def test_what_is_right_is_read_alike_however_it_is_written(tmp_path: Path, change: object) -> None:
    assert callable(change)
    (tmp_path / "mlops.yaml").write_bytes(change(MLOPS_YAML).encode())
    found = config.load(tmp_path)
    assert (found.table_name, found.table.key, found.train.seed) == ("samples", "id", 0)
    assert found.deploy.weights == (5, 25, 50)


@pytest.mark.parametrize(
    "more",
    [
        "deploy: {weights: [10, 100]}",  # the champion has its share of the first
        "deploy: {weights: [10], requests: 1000, minimum_requests: 100}",
        "deploy: {weights: [1, 99], requests: 100, minimum_requests: 100}",
        "monitor: {log: /srv/log.parquet}",  # on a runner of one's own
        "monitor: {log: ../log.csv}",
        "monitor: {log: 'data/a:b.csv'}",
        "train: {params: {a: 1}, quick: {b: 2}}",  # `a` and `b` are the command's own
    ],
)
def test_what_may_be_meant_is_read(tmp_path: Path, more: str) -> None:
    (tmp_path / "mlops.yaml").write_text(f"{MLOPS_YAML}{more}\n")
    assert config.load(tmp_path).model.name == "tumour"


@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.parametrize("kind", ["kind: table", "kind: files\n      file: image"])
def test_every_task_and_kind_can_be_written(tmp_path: Path, task: str, kind: str) -> None:
    text = MLOPS_YAML.replace("task: binary", f"task: {task}")
    text = text.replace("positive: malignant", kind) + "train: {gpu: required}\n"
    (tmp_path / "mlops.yaml").write_text(text)
    found = config.load(tmp_path)
    assert (found.model.task, found.table.kind in kind, found.train.gpu) == (task, True, "required")
    assert (found.table.file, found.table.positive) == ("image" if "image" in kind else None, None)


def test_an_alias_is_read_as_what_it_stands_for(tmp_path: Path) -> None:
    text = MLOPS_YAML + "train: {params: &p {a: 1, b: true, c: x}, quick: *p}\n"
    (tmp_path / "mlops.yaml").write_text(text)
    assert config.load(tmp_path).train.quick == {"a": 1, "b": True, "c": "x"}


def test_a_place_is_found_after_the_schema_was_satisfied(tmp_path: Path) -> None:
    path = tmp_path / "mlops.yaml"
    path.write_text(MLOPS_YAML)
    assert at(path, "gate.test[1]", shown_as="m") == "m:17:27: gate.test[1]"
    assert at(path, "gate.test[7]", shown_as="m") == "m:17:3: gate.test[7]"
    path.write_text("")
    assert at(path, "gate", shown_as="m") == "m:1:1: gate"


TOKENS = st.sampled_from(
    [
        *"{}[],:-?&*!|>'\"%@`#~\n \t<=.",
        "\n  ",
        ": ",
        "- ",
        "<<: ",
        "&a ",
        "*a",
        "!!int ",
        "!!set ",
        "0x",
        *[
            "model",
            "data",
            "inputs",
            "gate",
            "train",
            "params",
            "a",
            "1",
            "1.5",
            "true",
            "2024-01-01",
        ],
        *["\0", "\ud7ff", "\U0001f600", "\x85", '"\\ud800"', "? ", "--- ", "...\n", "%YAML 1.1\n"],
    ]
)


@given(tokens=st.lists(TOKENS, max_size=25), tail=st.booleans(), cut=st.integers(0, 500))
@settings(max_examples=400, deadline=None)
def test_no_text_crashes_it(
    tmp_path_factory: pytest.TempPathFactory, tokens: list[str], tail: bool, cut: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    folder.mkdir(exist_ok=True)
    middle = "".join(tokens)
    text = MLOPS_YAML[:cut] + middle + MLOPS_YAML[cut:] if tail else middle
    (folder / "mlops.yaml").write_text(text, encoding="utf-8")
    said = "mlops.yaml:1:1: nothing"
    try:
        config.load(folder)
    except ConfigError as error:
        said = str(error)
    assert re.match(r"mlops\.yaml:\d+:\d+: \S", said)
    assert len(said.splitlines()) == 1


@given(content=st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_no_bytes_crash_it(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "bytes"
    folder.mkdir(exist_ok=True)
    (folder / "mlops.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"^mlops\.yaml:\d+:\d+: \S"):
        config.load(folder)
