"""Answers: what is allowed, what is refused in which words, and what a project remembers."""

from __future__ import annotations

import importlib.metadata
import keyword
import re
import sys
from dataclasses import asdict
from pathlib import Path

import jinja2
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.mlops_init.helpers import PIN, ROOT

from mlops_init import answers
from mlops_init.answers import Kept, complete
from mlops_init.datasets import demo, quoted
from mlops_init.errors import UsageError
from mlops_init.questions import NAME, OPTIONS

TEMPLATE = ROOT / "templates" / "project" / "{{cookiecutter.name}}"
MLOPS_YAML = jinja2.Template((TEMPLATE / "mlops.yaml").read_text())


def refusal(**given: str) -> str:
    with pytest.raises(UsageError) as error:
        complete({"name": "tumour", **given})
    words = str(error.value)
    assert "\n" not in words
    return words


def test_defaults_follow_from_the_name() -> None:
    made = complete({"name": "liver-watch"})
    assert (made.package, made.model, made.ci) == ("liver_watch", "liver-watch", "both")
    assert made.platforms == ("github", "gitlab")


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("name", "Tumour", "lower-case letters"),
        ("name", "2fast", "a letter first"),
        ("name", "a--b", "single - or _"),
        ("name", "a-", "between them"),
        ("name", "../up", "lower-case letters"),
        ("name", "", "lower-case letters"),
        ("name", "a" * 51, "at most 50"),
        ("name", "a\n", "lower-case letters"),
        ("ci", "jenkins", "Allowed: github, gitlab, both"),
        ("ci", "", "Allowed: github, gitlab, both"),
        ("package", "my-package", "digits and _"),
        ("model", "Model", "lower-case letters"),
        ("licence", "GPL", "Apache-2.0, BSD-3-Clause, MIT, Proprietary"),
        ("python_version", "3.10", "3.11, 3.12, 3.13, 3.14"),
        ("python_version", "3.1", "3.11, 3.12, 3.13, 3.14"),
        ("gpu_runner", "two words", "letters, digits, . _ -"),
        ("gpu_runner", "it's", "letters, digits, . _ -"),
        ("gpu_runner", "${{ github.token }}", "letters, digits, . _ -"),
        ("registry", "docker.io/x", "platform, oci:HOST/PATH or folder:/PATH"),
        ("registry", "folder:relative", "folder:/PATH"),
        ("registry", "folder:/a\\b", "folder:/PATH"),
        ("registry", "folder:/a\x01b", "folder:/PATH"),
        ("registry", 'folder:/a"b', "folder:/PATH"),
        ("registry", "oci:host", "oci:HOST/PATH"),
        ("steps", "owner", "OWNER/REPOSITORY"),
        ("steps", "https://host/owner/repo", "OWNER/REPOSITORY"),
        ("steps", "owner/repo@main", "OWNER/REPOSITORY"),
        ("steps", "group/sub/steps", "groups within groups with ci=gitlab only"),
        ("inference_log", "/etc/passwd", "a path in the project"),
        ("inference_log", "data/../../x", "a path in the project"),
        ("inference_log", "a b", "a path in the project"),
        ("inference_log", "a\udcff", "a path in the project"),
    ],
)
def test_a_value_that_is_not_allowed(key: str, value: str, allowed: str) -> None:
    words = refusal(**{key: value})
    assert words.startswith(f"{key}: {value!r} is not allowed. Allowed: ")
    assert allowed in words


def test_groups_within_groups_are_for_gitlab() -> None:
    made = complete({"name": "tumour", "ci": "gitlab", "steps": "group/sub/steps"})
    assert made.steps == "group/sub/steps"


@pytest.mark.parametrize(
    ("key", "hint"),
    [("cii", "'ci'"), ("licens", "'licence'"), ("python", "'python_version'"), ("zone", "")],
)
def test_an_unknown_key(key: str, hint: str) -> None:
    words = refusal(**{key: "x"})
    assert words.startswith(f"unknown answer {key!r}")
    assert (f"(did you mean {hint}?)" in words) == bool(hint)
    assert words.endswith(", ".join(["name", *(option.name for option in OPTIONS)]))


@pytest.mark.parametrize(
    "package",
    [
        *("json", "csv", "math", "os", "socket", "http", "pathlib", "test", "tests", "conftest"),
        *("numpy", "sklearn", "scipy", "skops", "joblib", "uvicorn", "starlette", "anyio", "h11"),
        *("pytest", "ruff", "src", "lambda", "from", "as", "yield", "assert"),
    ],
)
def test_a_package_that_would_hide_another(package: str) -> None:
    words = refusal(package=package)
    assert words.startswith(f"package: {package!r} would hide")
    better = re.search(r"-c package=(\w+)", words)
    assert better
    assert complete({"name": "tumour", "package": better[1]}).package == better[1]


def test_a_name_that_makes_such_a_package_is_refused_too() -> None:
    assert refusal(name="json") == refusal(package="json")
    assert complete({"name": "json", "package": "js"}).name == "json"


def test_nothing_that_the_project_requires_can_be_hidden() -> None:
    locks = (ROOT / "templates" / "frameworks").glob("*/*/requirements.txt")
    lock = "".join(path.read_text() for path in sorted(locks))
    required = {name.replace("_", "-").lower() for name in re.findall(r"(?m)^([\w-]+)==", lock)}
    assert {"scikit-learn", "xgboost", "torch", "tensorflow"} <= required
    imported = {name.replace("-", "_") for name in required}
    for module, owners in importlib.metadata.packages_distributions().items():
        if required & {owner.replace("_", "-").lower() for owner in owners}:
            imported.add(module)
    assert "sklearn" in imported
    for module in imported:
        if re.fullmatch(r"[a-z][a-z0-9_]{0,49}", module) and module != "scikit_learn":
            assert "would hide" in refusal(package=module)


def test_tensorflow_needs_a_python_that_it_is_published_for() -> None:
    words = refusal(framework="tensorflow", python_version="3.14")
    assert words.startswith("python_version: '3.14' is not allowed. Allowed: 3.11, 3.12, 3.13 with")
    assert complete({"name": "tumour", "framework": "tensorflow"}).python_version == "3.12"


def test_nothing_of_python_can_be_hidden() -> None:
    for module in [*sys.stdlib_module_names, *keyword.kwlist]:
        if re.fullmatch(r"[a-z][a-z0-9_]*", module):
            assert "would hide" in refusal(package=module)


@given(st.data())
def test_every_allowed_value_reads_back_from_mlops_yaml(data: st.DataObject) -> None:
    patterns = {option.name: option.pattern for option in (NAME, *OPTIONS) if option.pattern}
    values = {
        name: data.draw(st.from_regex(patterns[name], fullmatch=True))
        for name in ("model", "registry", "inference_log")
    }
    try:
        made = complete({"name": "tumour", **values})
    except UsageError:
        return  # too long
    dataset = demo.source(made.task).dataset
    text = MLOPS_YAML.render(cookiecutter=asdict(made), dataset=dataset, quoted=quoted)
    read = yaml.safe_load(text)
    assert read["model"]["name"] == made.model
    assert read["registry"] == made.registry
    assert read["monitor"]["log"] == made.inference_log


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'ci = "github', "not TOML"),
        (b"ci: github", "not TOML"),
        (b'ci = "\xff"', "not TOML"),
        (b"python_version = 3.12", "python_version: 3.12 is not text; write it in quotes"),
        (b'ci = ["github"]', "is not text; write it in quotes"),
        (b'[answer]\nci = "github"', "unknown table [answer]. Known: [answers]"),
        (b'answers = "github"', "[answers] is not a table"),
        (b'ci = "github"\n[answers]\n', "'ci' stands outside of [answers]"),
    ],
)
def test_a_file_that_holds_no_answers(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "answers.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError) as error:
        answers.read_file(path)
    assert str(error.value).startswith(f"{path}: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        answers.read_file(tmp_path / "nothing.toml")
    with pytest.raises(UsageError, match="Is a directory"):
        answers.read_file(tmp_path)


def test_what_is_kept_is_what_is_loaded(tmp_path: Path) -> None:
    made = complete({"name": "tumour", "inference_log": "données.csv"})
    kept = Kept(made, PIN, "0.1.0", {"a b/c.txt": "0" * 64})
    (tmp_path / answers.FILE_NAME).write_text(answers.keep(kept), encoding="utf-8")
    assert answers.load(tmp_path) == kept


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('ci = "both"', 'ci = "all"', "Allowed: github, gitlab, both"),
        ('ci = "both"', "", "[answers] lacks ci"),
        ('ci = "both"', 'ci = "both"\ncii = "x"', "unknown answer 'cii'"),
        (f'pin = "{PIN}"', 'pin = "main"', "'main' is not a commit"),
        (f'pin = "{PIN}"', "", "lacks pin"),
        ("[files]", "[filez]", "'filez' stands outside of [answers]"),
        ("[answers]", "[answers", "not TOML"),
    ],
)
def test_a_spoilt_record_is_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = answers.keep(Kept(complete({"name": "tumour"}), PIN, "0.1.0", {}))
    assert old in text
    (tmp_path / answers.FILE_NAME).write_text(text.replace(old, new))
    with pytest.raises(UsageError) as error:
        answers.load(tmp_path)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"task": "images"}, "with framework=pytorch only"),
        (
            {"task": "images", "framework": "pytorch", "data": "a.csv", "key": "k", "target": "t"},
            "a table of your own is not allowed with task=images",
        ),
        ({"data": "a.csv", "key": "k"}, "needs key and target"),
        ({"target": "churned"}, "data is empty"),
        ({"gpu": "none", "gpu_runner": "big"}, "none with gpu=none"),
        ({"gpu": "required", "gpu_runner": ""}, "a label, since gpu=required"),
        ({"github_server": "git.example.org"}, "no container registry that is known"),
        (
            {"github_server": "git.example.org", "registry": "folder:/srv/m", "runner": ""},
            "a label, on git.example.org",
        ),
        ({"ci": "gitlab", "fork_reports": "on"}, "with a pipeline for GitHub only"),
    ],
)
def test_answers_that_contradict_each_other(given_: dict[str, str], words: str) -> None:
    assert words in refusal(**given_)


def test_a_server_of_ones_own_has_runners_of_ones_own() -> None:
    made = complete({"name": "a", "github_server": "git.example.org", "registry": "folder:/srv/m"})
    assert made.runner == "self-hosted"
    assert complete({"name": "a", "gpu": "required"}).gpu_runner == "gpu"
