"""The generated examples: as their commands make them, sound to every linter, and really run."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from scripts import examples
from tests.examples.walking import commit
from tests.mlops_init.helpers import (
    ROOT,
    YAMLLINT,
    call,
    ci_paths,
    clean,
    documents,
    files,
    run,
    tool,
    walk,
)
from tests.workflows import harness

from mlops_init.answers import load
from mlops_init.engines import Start

FOLDER = ROOT / "examples"
LONG = pytest.mark.all
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
#: Reads mlops.yaml by the code of another commit.
READ = """\
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from mlops_steps import config
config.load(Path(sys.argv[2]))
"""

each_example = pytest.mark.parametrize("name", list(examples.EXAMPLES))


def committed(name: str) -> dict[str, bytes]:
    """What git has, or would take, of an example: by path in the project."""
    found = run("git", "ls-files", "-co", "--exclude-standard", "-z", ".", folder=FOLDER / name)
    names = sorted(set(found.stdout.split("\0")) - {""})
    paths = {each: FOLDER / name / each for each in names}
    return {each: path.read_bytes() for each, path in paths.items() if path.is_file()}


def copy(name: str, to: Path) -> Path:
    """An example as it stands in the tree, in a repository of its own."""
    folder = to / name
    for path, content in committed(name).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    commit(folder)
    return folder


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All examples, each committed; tests only read them."""
    parent = tmp_path_factory.mktemp("copies")
    return {name: copy(name, parent) for name in examples.EXAMPLES}


@each_example
def test_what_is_committed_is_what_its_command_makes(tmp_path: Path, name: str) -> None:
    made = files(examples.make(name, tmp_path))
    there = committed(name)
    assert set(there) == set(made), "run `make generate`"
    for path, content in made.items():
        assert there[path] == content, f"{path}: run `make generate`"


def test_every_project_here_is_one_of_them() -> None:
    there = {path.parent.name for path in FOLDER.glob("*/.mlops-init.toml")}
    assert there == set(examples.EXAMPLES)


def test_written_anew_nothing_is_left_of_before(tmp_path: Path) -> None:
    old = tmp_path / "examples" / "tumour-github" / "src" / "gone.py"
    old.parent.mkdir(parents=True)
    old.write_text("gone")
    written = examples.write_all(tmp_path)
    assert not old.exists()
    assert {path.as_posix() for path in written} == set(files(tmp_path))


def test_together_they_show_each_platform_and_three_frameworks() -> None:
    answers = [load(FOLDER / name).answers for name in examples.EXAMPLES]
    assert {each.ci for each in answers} == {"github", "gitlab", "both"}
    assert len({each.framework for each in answers}) == 3
    assert {bool(each.data) for each in answers} == {True, False}
    assert {each.gpu for each in answers} == {"none", "preferred"}
    assert {each.fork_reports for each in answers} == {"on", "off"}


def test_the_readme_shows_every_command_and_links_what_is_there() -> None:
    text = (FOLDER / "README.md").read_text()
    for name in examples.EXAMPLES:
        assert f"\n{examples.command(name)}\n" in text
    links = LINK.findall(text)
    assert {*examples.EXAMPLES, "actions"} <= {link.strip("/") for link in links}
    for link in links:
        assert (FOLDER / link).exists(), link


@pytest.fixture(scope="module")
def pinned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """The steps and their doors at the commit that the examples pin; none if history is cut."""
    asked = run("git", "rev-parse", "--is-shallow-repository", folder=ROOT)
    if asked.stdout.strip() == "true":
        yield None
        return
    clean(run("git", "merge-base", "--is-ancestor", examples.PIN, "HEAD", folder=ROOT))
    folder = tmp_path_factory.mktemp("pinned")
    command = ["git", "archive", examples.PIN, "actions", "templates"]
    packed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    yield folder


def used(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """The doors of steps that a pipeline's file enters, each with what it is given."""
    for document in documents(path):
        for mapping in walk(document):
            for key, given in (("uses", "with"), ("component", "inputs")):
                found = re.search(r"mlops-init/mlops-init/(\S+)@(\S+)$", str(mapping.get(key, "")))
                if found:
                    assert found[2] == examples.PIN
                    yield found[1], mapping.get(given, {})


@each_example
def test_the_pinned_commit_has_every_door_that_is_used(pinned: Path | None, name: str) -> None:
    count = 0
    for path in ci_paths(FOLDER / name):
        for door, given in used(path):
            count += 1
            if pinned and door.startswith("actions/"):
                (action,) = documents(pinned / door / "action.yml")
                assert set(given) <= set(action.get("inputs") or {}), f"{path}: {door}"
            elif pinned:
                header, _ = documents(pinned / "templates" / f"{door}.yml")
                assert set(given) <= set(header["spec"]["inputs"]), f"{path}: {door}"
    assert count > 10


@each_example
def test_the_pinned_commit_reads_mlops_yaml(pinned: Path | None, name: str) -> None:
    if pinned:
        command = (sys.executable, "-I", "-c", READ, pinned / "actions", FOLDER / name)
        clean(run(*command, folder=pinned))


def test_zizmor(copies: dict[str, Path]) -> None:
    options = ("--persona", "auditor", "--offline", "--no-config", "--no-progress")
    for folder in copies.values():
        found = run(tool("zizmor"), *options, ".", folder=folder)
        clean(found)
        assert "No findings to report" in found.stdout
        for path in folder.glob(".github/workflows/*.yml"):
            assert f"completed ./.github/workflows/{path.name}" in found.stderr


def test_actionlint(copies: dict[str, Path]) -> None:
    paths = [path for each in copies.values() for path in each.glob(".github/workflows/*.yml")]
    assert len(paths) == 4 + 5
    found = run(tool("actionlint"), "-no-color", *paths, folder=ROOT)
    clean(found)
    assert found.stdout == ""


@pytest.mark.parametrize(
    ("schema", "pattern", "count"),
    [
        ("vendor.github-workflows", ".github/workflows/*.yml", 9),
        ("custom.github-workflows-require-timeout", ".github/workflows/*.yml", 9),
        ("vendor.gitlab-ci", ".gitlab*/**/*.yml", 8),
        ("vendor.gitlab-ci", ".gitlab-ci.yml", 2),
        ("vendor.dependabot", ".github/dependabot.yml", 2),
        ("vendor.renovate", "renovate.json", 2),
    ],
)
def test_the_schemas(copies: dict[str, Path], schema: str, pattern: str, count: int) -> None:
    paths = [path for folder in copies.values() for path in folder.glob(pattern)]
    assert len(paths) == count
    more = ("--data-transform", "gitlab-ci") if "gitlab" in schema else ()
    command = (tool("check-jsonschema"), "--builtin-schema", schema, *more, *paths)
    clean(run(*command, folder=ROOT))


@each_example
def test_mlops_yaml_keeps_its_schema_and_can_be_run(copies: dict[str, Path], name: str) -> None:
    folder = copies[name]
    command = (tool("check-jsonschema"), "--schemafile", ".mlops/mlops.schema.json", "mlops.yaml")
    clean(run(*command, folder=folder))
    schema = (".mlops/contract.schema.json", "data/contract.yaml")
    clean(run(tool("check-jsonschema"), "--schemafile", *schema, folder=folder))
    clean(call("check-config", folder=folder))


@each_example
def test_yamllint_ruff_and_gitlab_ci_verify(copies: dict[str, Path], name: str) -> None:
    folder = copies[name]
    clean(run(tool("yamllint"), "--strict", "-d", YAMLLINT, ".", folder=folder))
    for verb in (["check"], ["format", "--check"]):
        clean(run(tool("ruff"), *verb, "--no-cache", ".", folder=folder))
    for path in folder.glob(".gitlab*/**/*.yml"):
        command = (tool("gitlab-ci-verify"), "--no-lint-api", "--gitlab-ci-file", path)
        clean(run(*command, folder=folder))


@each_example
def test_a_stranger_finds_nothing_that_was_left_over(name: str) -> None:
    content = committed(name)
    for path, raw in content.items():
        if path.startswith("data/"):
            continue
        text = raw.decode("utf-8")
        assert not re.search(r"\{\{ ?cookiecutter|\{%|TODO|FIXME|XXX", text), path
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        if not path.endswith(".py"):  # of which ruff has said what it thinks
            assert "\n\n\n" not in text, path
    text = content["README.md"].decode()
    # A list begins at 1 and counts on; a section says something.
    for section in re.split(r"^#+ .*$", text, flags=re.MULTILINE)[1:]:
        assert section.strip()
    for numbers in re.findall(r"(?:^\d\. .*\n(?: {3}.*\n)*)+", text, re.MULTILINE):
        found = re.findall(r"^(\d)\. ", numbers, re.MULTILINE)
        assert found == [str(number) for number in range(1, len(found) + 1)]
    # Paths that it names, but for those that a run writes.
    named = re.findall(r"`((?:src|data|\.mlops)/[\w./-]+|[\w.-]+\.(?:yaml|in|txt))`", text)
    assert "mlops.yaml" in named
    assert [path for path in named if not (FOLDER / name / path.rstrip("/")).exists()] == []


@pytest.fixture(autouse=True, scope="module")
def _tools() -> Iterator[None]:
    with harness.tools():
        yield


@pytest.mark.engine
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("tumour-github", "act"),
        pytest.param("digits-gitlab", "gitlab", marks=LONG),
        pytest.param("churn-both", "act", marks=LONG),
        pytest.param("churn-both", "gitlab", marks=LONG),
    ],
)
def test_its_changes_are_judged(tmp_path: Path, name: str, engine: str) -> None:
    walked = harness.walk(copy(name, tmp_path), engine, Start("ci", "push"), tmp_path / "state")
    assert walked.problems == []
    jobs = ("lint", "test", "validate-data", "train", "evaluate", "gate", "report")
    assert walked.statuses() == dict.fromkeys(jobs, "pass")


@pytest.mark.engine
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("name", "engine"),
    [
        pytest.param("tumour-github", "act", marks=LONG),
        pytest.param("digits-gitlab", "gitlab", marks=LONG),
        pytest.param("churn-both", "act", marks=LONG),
        pytest.param("churn-both", "gitlab", marks=LONG),
    ],
)
def test_its_first_version_is_released_and_watched(tmp_path: Path, name: str, engine: str) -> None:
    project, state = copy(name, tmp_path), tmp_path / "state"
    go = partial(harness.walk, project, engine, state=state)
    released = go(Start("ct", "manual", {"first-release": "true"}))
    assert released.problems == []
    assert [workflow for workflow, _ in released.ran] == ["ct", "cd"]
    for workflow in ("ct", "cd"):
        assert set(released.statuses(workflow).values()) == {"pass"}
    watched = go(Start("monitor", "manual"))
    assert watched.problems == []
    assert set(watched.statuses("monitor").values()) == {"pass"}
    model = load(project).answers.model
    assert f"name: {model}" in (project / "mlops.yaml").read_text().replace('"', "")
    assert (state / "versions" / "1.0.0").is_dir()
    shutil.rmtree(state)
