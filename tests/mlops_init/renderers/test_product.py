"""Every linter on every distinct file of the full product of the options that change CI files."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.mlops_init import product
from tests.mlops_init.helpers import (
    PIN,
    STANDINS,
    YAMLLINT,
    clean,
    documents,
    run,
    scripts,
    tool,
    walk,
)
from tests.mlops_init.helpers import ROOT as REPOSITORY
from tests.once import once

from mlops_init import pins
from mlops_init.answers import complete
from mlops_init.project import ci_files

pytestmark = pytest.mark.timeout(600)

DOORS = sorted([*REPOSITORY.glob("actions/*/action.yml"), REPOSITORY / "action.yml"])
COMPONENTS = sorted(REPOSITORY.glob("templates/*.yml"))
OWN = sorted(REPOSITORY.glob(".github/workflows/*.yml"))
#: What a template language leaves where it was not asked: GitHub's own begins with a dollar.
LEFT_OVER = re.compile(r"(?<!\$)\{\{|\{%|%\}|\{#|(?<!\$)\[\[(?! )|cookiecutter")
#: A step of ours by the pinned commit, wherever it is mirrored.
STEP = re.compile(rf"[\w.-]+/[\w.-]+/actions/[a-z-]+@{PIN}")
COMPONENT = re.compile(rf"\$CI_SERVER_FQDN/[\w.-]+/[\w./-]+/[a-z-]+@{PIN}")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Every distinct file, by its path in a project."""
    return product.written(once(tmp_path_factory, "product", product.write))


def paths(written: dict[str, list[Path]], platform: str) -> list[Path]:
    head = {"github": ".github/", "gitlab": ".gitlab"}[platform]
    return [path for name, found in written.items() if name.startswith(head) for path in found]


def top(written: dict[str, list[Path]]) -> Path:
    """The folder of them all."""
    name, found = next(iter(written.items()))
    return found[0].parents[len(Path(name).parts)]


def test_the_product_holds_what_the_options_change(written: dict[str, list[Path]]) -> None:
    for found in written.values():
        assert len({path.read_bytes() for path in found}) == len(found)
    assert sum(len(found) for found in written.values()) > 1000


@pytest.mark.parametrize("option", list(product.OPTIONS))
def test_every_option_changes_some_file(option: str) -> None:
    base = {"name": "liver", "gpu": "preferred", "registry": "folder:/srv/models"}
    if option == "inference_log":
        base["schedule"] = "on"
    seen = set()
    for value in product.OPTIONS[option]:
        given = base | {option: value}
        given |= {"runner": "build"} if value == "git.example.org" else {}
        given |= {"gpu_runner": "g"} if value == "required" else {}
        given |= {"gpu_runner": ""} if value == "none" else {}
        seen.add(tuple(sorted(ci_files(complete(given), PIN).items())))
    assert len(seen) == len(product.OPTIONS[option])


def test_framework_task_and_data_change_no_byte() -> None:
    expected = ci_files(complete({"name": "liver"}), PIN)
    table = {"data": "a.csv", "key": "k", "target": "t"}
    for more in (
        *({"framework": each} for each in ("xgboost", "pytorch", "tensorflow")),
        *({"task": each} for each in ("multiclass", "regression")),
        {"task": "images", "framework": "pytorch"},
        table,
    ):
        assert ci_files(complete({"name": "liver", **more}), PIN) == expected, more


def test_zizmor(written: dict[str, list[Path]]) -> None:
    options = ("--persona", "auditor", "--offline", "--no-config", "--no-progress")
    found = run(tool("zizmor"), *options, ".", folder=top(written), timeout=300)
    clean(found)
    assert found.stderr.count("completed") == len(paths(written, "github"))
    assert "No findings to report" in found.stdout


def test_actionlint(written: dict[str, list[Path]]) -> None:
    command = (tool("actionlint"), "-no-color", "-shellcheck", tool("shellcheck"))
    found = run(*command, *paths(written, "github"), folder=REPOSITORY, timeout=300)
    clean(found)
    assert found.stdout == ""


def test_the_schemas(written: dict[str, list[Path]]) -> None:
    # In one go each, two at a time: the schemas are compiled once for a thousand files.
    github, gitlab = paths(written, "github"), paths(written, "gitlab")
    jobs = [
        ("vendor.github-workflows", (), github),
        ("custom.github-workflows-require-timeout", (), github),
        ("vendor.gitlab-ci", ("--data-transform", "gitlab-ci"), gitlab),
    ]

    def check(job: tuple[str, tuple[str, ...], list[Path]]) -> subprocess.CompletedProcess[str]:
        schema, options, files = job
        command = (tool("check-jsonschema"), "--builtin-schema", schema, *options)
        return run(*command, *files, folder=REPOSITORY, timeout=500)

    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(check, jobs):
            clean(found)


def test_yamllint(written: dict[str, list[Path]]) -> None:
    command = (tool("yamllint"), "--strict", "-d", YAMLLINT)
    found = run(*command, ".", folder=top(written), timeout=500)
    clean(found)
    assert found.stdout == ""


def test_gitlab_ci_verify(written: dict[str, list[Path]], tmp_path: Path) -> None:
    # It reads one file a call, in a repository; no server is asked.
    jobs = []
    for name, found in written.items():
        jobs += [(path.parents[name.count("/")], path) for path in found if ".gitlab" in name]
    for path in COMPONENTS:
        # It knows no header; the second document is an ordinary job.
        _, body = path.read_text().removeprefix("---\n").split("\n---\n")
        (tmp_path / path.name).write_text(body)
        jobs.append((tmp_path, tmp_path / path.name))
    for folder in (tmp_path, top(written)):
        run("git", "init", "-q", folder=folder)

    def verify(job: tuple[Path, Path]) -> subprocess.CompletedProcess[str]:
        folder, path = job
        name = path.relative_to(folder)
        command = (tool("gitlab-ci-verify"), "--no-lint-api", "--gitlab-ci-file", name)
        return run(*command, folder=folder)

    with ThreadPoolExecutor(2) as pool:
        for checked in pool.map(verify, jobs):
            clean(checked)


def test_gitlab_ci_verify_would_find_a_fault(tmp_path: Path) -> None:
    run("git", "init", "-q", folder=tmp_path)
    bad = tmp_path / "bad.yml"
    bad.write_text('---\njob:\n  script:\n    - for each in $(ls); do rm "$each"; done\n')
    command = (tool("gitlab-ci-verify"), "--no-lint-api", "--gitlab-ci-file", bad)
    assert run(*command, folder=tmp_path).returncode != 0


def shellcheck(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "script.sh"
    path.write_text(script)
    command = (tool("shellcheck"), "--norc", "--shell", "bash", "--severity", "style")
    return run(*command, path, folder=folder)


def test_every_block_for_a_shell(written: dict[str, list[Path]], tmp_path: Path) -> None:
    actions = [*DOORS, *STANDINS.glob("**/action.yml")]
    everything = [path for found in written.values() for path in found]
    blocks: dict[str, Path] = {}
    for path in [*everything, *actions, *COMPONENTS, *OWN]:
        for document in documents(path):
            for script in scripts(document):
                blocks.setdefault(script, path)
    assert len(blocks) >= 25
    for script, path in blocks.items():
        assert "${{" not in script, path
        assert "$[[" not in script, path
        clean(shellcheck(script, tmp_path))


def test_shellcheck_would_find_a_fault(tmp_path: Path) -> None:
    assert shellcheck('echo $1 "a', tmp_path).returncode != 0


def test_whatever_is_used_is_pinned(written: dict[str, list[Path]]) -> None:
    ours, image = pins.actions(), pins.image("python")
    for path in [path for found in written.values() for path in found]:
        for document in documents(path):
            for mapping in walk(document):
                uses = mapping.get("uses", "")
                assert not uses or uses in ours or STEP.fullmatch(uses), path
                component = mapping.get("component", "")
                assert not component or COMPONENT.fullmatch(component), path
                assert mapping.get("image", image) == image, path
                assert not {"remote", "template", "project"} & set(mapping), path


def test_no_template_language_left_anything(written: dict[str, list[Path]]) -> None:
    assert LEFT_OVER.search("${{ a }} {{ b }}")
    assert LEFT_OVER.search("{% if a %}")
    assert not LEFT_OVER.search("${{ a }} $[[ inputs.b ]]")
    for path in [path for found in written.values() for path in found]:
        assert not LEFT_OVER.search(path.read_text()), path
