"""A version of a project whose rows are files: its source without them, at every kind of row."""

from __future__ import annotations

from collections.abc import Callable

from tests.mlops_steps.conftest import Sample
from tests.mlops_steps.register.conftest import WROTE, leave, registry_folder
from tests.mlops_steps.small import ROWS, become

Make = Callable[..., Sample]


def passed(sample: Make, task: str) -> Sample:
    project = become(sample(), task)
    project.write("data/images.md", "How the images were made.\n")
    project.commit("words about them")
    for step in WROTE:
        leave(project, step)
    return project


def test_no_row_of_the_data_is_in_a_version(sample: Make) -> None:
    project = passed(sample, "files")
    assert len(list((project.folder / "data" / "images").iterdir())) == ROWS
    ran = project.run("register")
    assert ran.code == 0, ran.text
    source = registry_folder(project) / "versions" / "1.0.0" / "source"
    kept = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert {name for name in kept if name.startswith("data/")} == {
        "data/contract.yaml",
        "data/images.md",
    }
    assert {"model.py", "mlops.yaml", "requirements.txt"} <= kept


def test_a_manifest_that_names_what_is_not_there_registers_nothing(sample: Make) -> None:
    project = passed(sample, "files")
    manifest = project.folder / "data" / "samples.csv"
    manifest.write_text(manifest.read_text().replace("images/005.pgm", "images/none.pgm"))
    project.commit("a row without its file")
    for step in WROTE:
        leave(project, step)
    ran = project.run("register")
    assert ran.code == 3, ran.text
    assert "'images/none.pgm' is not there" in ran.verdict["line"]
    assert not (registry_folder(project) / "versions").exists()
