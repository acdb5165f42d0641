"""Links in the source of a version: what they lead to, and never the data or git's own folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.mlops_steps.conftest import Sample
from tests.mlops_steps.register.conftest import WROTE, leave, registry_folder

Passed = Callable[..., Sample]


def linked(project: Sample, links: dict[str, str]) -> None:
    """A commit with these links, and all that the earlier steps leave behind."""
    for name, end in links.items():
        path = project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(end)
    project.commit("links")
    for step in WROTE:
        leave(project, step)


def source(project: Sample) -> dict[str, str]:
    folder = registry_folder(project) / "versions" / "1.0.0" / "source"
    paths = [path for path in folder.rglob("*") if not path.is_dir()]
    assert not any(path.is_symlink() for path in paths)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


@pytest.mark.parametrize(
    "links",
    [
        {"copy.csv": "data/samples.csv"},
        {"a": "b", "b": "data/samples.csv"},
        {"src/rows": "../data/samples.csv"},
        {"rows": "data"},
        {"up": "src/..", "src/down": "../data"},
        {"self": "."},
    ],
)
def test_no_link_brings_the_labelled_rows_into_a_version(
    passed: Passed, links: dict[str, str]
) -> None:
    project = passed()
    project.write("data/about.md", "Where the rows come from.\n")
    linked(project, links)
    rows = (project.folder / "data" / "samples.csv").read_text()
    line = rows.splitlines()[1]
    ran = project.run("register")
    assert ran.code == 0, ran.text
    kept = source(project)
    assert {"src/serve.py", "mlops.yaml", "data/about.md"} <= set(kept)
    assert not any(line in text for text in kept.values())
    if links == {"rows": "data"}:
        assert kept["rows/about.md"] == kept["data/about.md"]


def test_a_link_becomes_what_it_leads_to(passed: Passed) -> None:
    project = passed()
    linked(project, {"serve.py": "src/serve.py", "a": "serve.py", "more/code": "../src"})
    assert project.run("register").code == 0
    kept = source(project)
    assert {kept[name] for name in ("serve.py", "a", "more/code/serve.py")} == {"print()\n"}


@pytest.mark.parametrize(
    "end",
    [".git/config", ".git", "out/gate/verdict.json", "nothing", "loop", "/etc/passwd", "../x"],
)
def test_a_link_to_what_is_not_of_the_commit_is_refused(passed: Passed, end: str) -> None:
    project = passed()
    Path(project.folder.parent / "x").write_text("not of this project\n")
    linked(project, {"loop": end})
    ran = project.run("register")
    assert ran.code == 2, ran.text
    assert "loop: is a link " in ran.verdict["line"]
    assert end in ran.verdict["line"]
    assert not (registry_folder(project) / "versions").exists()
