"""Ruff's findings with their places, the project's own linters, and what is not a pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

CLEAN = '"""Nothing wrong here."""\n\nANSWER = 42\n'


@pytest.fixture
def project(sample: Callable[..., Any]) -> Callable[..., Any]:
    """Make a project with a clean Python file."""

    def make(*linters: str) -> Any:
        made = sample()
        config = made.folder / "mlops.yaml"
        listed = ", ".join(f"'{each}'" for each in linters)
        text = config.read_text().replace("gate:\n", f"  lint: [{listed}]\ngate:\n")
        config.write_text(text)
        made.write("requirements.txt", "")
        made.write("src/clean.py", CLEAN)
        made.commit("clean")
        return made

    return make


def test_a_clean_project_passes(project: Callable[..., Any]) -> None:
    made = project()
    made.write("src/second.py", CLEAN)
    ran = made.run("lint")
    assert (ran.code, ran.verdict["line"]) == (0, "0 findings in 2 files")


def test_findings_have_file_and_line_and_become_annotations(project: Callable[..., Any]) -> None:
    made = project()
    made.write("src/bad.py", '"""Bad."""\n\nimport os\n\nx = undefined\n')
    made.write("src/long.py", "x  =  1\n")
    made.env |= {"GITHUB_ACTIONS": "true"}
    ran = made.run("lint")
    assert (ran.code, ran.verdict["status"]) == (1, "fail")
    assert ran.verdict["line"] == "3 findings in 3 files"
    places = {(f["rule"], f["file"], f["line"]) for f in ran.verdict["findings"]}
    assert places == {
        ("ruff/F401", "src/bad.py", 3),
        ("ruff/F821", "src/bad.py", 5),
        ("ruff/unformatted", "src/long.py", 1),
    }
    assert "::error file=src/bad.py,line=3::" in ran.text
    assert "src/bad.py:3: ruff/F401" in ran.text


def test_the_projects_own_configuration_rules(project: Callable[..., Any]) -> None:
    made = project()
    made.write("src/bad.py", '"""Bad."""\n\nimport os\n')
    made.write("pyproject.toml", '[tool.ruff.lint]\nignore = ["F401"]\n')
    assert made.run("lint").code == 0


def test_a_syntax_error_is_found_once_a_place(project: Callable[..., Any]) -> None:
    made = project()
    made.write("src/bad.py", "def (\n")
    ran = made.run("lint")
    assert ran.code == 1
    found = [(f["rule"], f["line"]) for f in ran.verdict["findings"]]
    assert len(found) == len(set(found))
    assert {rule for rule, _ in found} == {"ruff/invalid-syntax"}


def test_a_broken_configuration_is_told(project: Callable[..., Any]) -> None:
    made = project()
    made.write("pyproject.toml", "[tool.ruff]\nline-lenght = 3\n")
    ran = made.run("lint")
    assert (ran.code, ran.verdict["status"]) == (2, "undecided")
    assert "line-lenght" in ran.text


def test_nothing_to_check_is_no_pass(project: Callable[..., Any]) -> None:
    made = project()
    (made.folder / "src" / "clean.py").unlink()
    ran = made.run("lint")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")


def test_ignored_files_are_not_looked_at(project: Callable[..., Any]) -> None:
    made = project()
    made.write(".gitignore", "out/\n.mlops/envs/\n")
    made.write(".mlops/envs/package/bad.py", "import os\n")
    ran = made.run("lint")
    assert (ran.code, ran.verdict["line"]) == (0, "0 findings in 1 files")


def test_the_projects_own_linters_run_and_fail(project: Callable[..., Any]) -> None:
    made = project("python good.py", "python bad.py", "python good.py")
    made.write("good.py", '"""Good."""\n\nprint("all is well")\n')
    made.write("bad.py", '"""Bad."""\n\nraise SystemExit("table.csv: too wide")\n')
    ran = made.run("lint")
    assert (ran.code, ran.verdict["line"]) == (1, "1 finding in 3 files")
    (finding,) = ran.verdict["findings"]
    assert finding["rule"] == "command"
    assert finding["message"] == "`python bad.py` ended with exit code 1\ntable.csv: too wide"
    assert ran.text.count("all is well") == 2


def test_a_linter_that_is_not_there_is_told(project: Callable[..., Any]) -> None:
    ran = project("no-such-linter --all").run("lint")
    assert (ran.code, ran.verdict["status"]) == (2, "undecided")
    assert "no-such-linter" in ran.verdict["line"]
