"""The documents name what is there: links lead somewhere, pages are complete, tables are true."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from tests.workflows import told

from mlops_init import answers
from mlops_init.pipeline import describe
from mlops_init.renderers import doors
from mlops_steps.spec import STEP_NAMES, Step

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
EVERYTHING = {"name": "demo", "inference_log": "data/log.parquet", "fork_reports": "on"}
WORKFLOWS = describe(answers.complete(EVERYTHING))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    for link in LINK.findall(document.read_text()):
        assert (document.parent / unquote(link)).exists(), link


def test_the_index_names_every_page() -> None:
    linked = set(LINK.findall((ROOT / "docs" / "README.md").read_text()))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert linked == pages - {"README.md"} | {"../README.md"}
    assert [link[6:-3] for link in sorted(linked) if link.startswith("steps/")] == sorted(
        STEP_NAMES
    )


@pytest.mark.parametrize("step", doors.declarations(), ids=lambda step: step.name)
def test_a_page_names_every_input_and_output(step: Step) -> None:
    page = (ROOT / "docs" / "steps" / f"{step.name}.md").read_text()
    assert page.startswith(f"# {step.name}\n")
    for each in (*step.inputs, *step.outputs):
        assert f"| `{each.name}` |" in page, each.name


def test_the_page_of_the_workflows_tells_what_is_described() -> None:
    assert told.differences(WORKFLOWS) == []


def test_third_party_actions_in_the_documents_are_the_pinned_ones() -> None:
    from mlops_init import pins

    found = re.findall(r"uses: (actions/[a-z-]+)@([0-9a-f]+)", (ROOT / "README.md").read_text())
    assert found
    for name, commit in found:
        assert f"{name}@{commit}" in pins.actions()
