"""`mlops-init graph`: what it shows is what is described, and Mermaid itself reads it."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_init.helpers import answers_of, run, tool

from mlops_init.commands import graph
from mlops_init.pipeline import Job, Parameter, Workflow, describe, on

Here = Callable[..., tuple[int, str, str]]


def read(text: str, folder: Path) -> dict[str, list[list[Any]]]:
    """What Mermaid reads in its own text: nodes, edges, groups."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    found = sorted(Path(cache, "mlops-init", "tools").glob("mermaid-*/parse.mjs"))
    assert found, "mermaid is not there; `make test` sets it up"
    answer = run(tool("node"), found[-1], folder=folder, input=text)
    assert answer.returncode == 0, answer.stderr + text
    # Until a page is drawn, Mermaid keeps a sign that was written by its number like this.
    signs = re.sub("ﬂ°°(\\d+)¶ß", lambda each: json.dumps(chr(int(each[1])))[1:-1], answer.stdout)
    parsed: dict[str, list[list[Any]]] = json.loads(signs)
    return parsed


@pytest.fixture
def start(projects: dict[str, Path], tmp_path: Path) -> Callable[[str], None]:
    def copy(variant: str) -> None:
        shutil.copytree(projects[variant], tmp_path, dirs_exist_ok=True)

    return copy


@pytest.mark.parametrize("variant", ["both-own", "github-plain", "gitlab-label"])
def test_the_whole_pipeline(
    here: Here, start: Callable[[str], None], tmp_path: Path, variant: str
) -> None:
    start(variant)
    code, text, err = here("graph")
    assert (code, err) == (0, "")
    code, drawn, err = here("graph", "--format", "mermaid")
    assert (code, err) == (0, "")
    diagram = read(drawn, tmp_path)
    answers = answers_of(variant)
    known = describe(answers)
    known = known if answers.ci == "both" else on(known, answers.ci)
    for workflow in known:
        assert re.search(rf"^{workflow.name}  .*", text, re.MULTILINE)
        (group,) = [each for each in diagram["groups"] if each[1] == workflow.name]
        nodes = dict(map(tuple, diagram["nodes"]))  # type: ignore[arg-type]
        titles = {nodes[each].split("<br>")[0] for each in group[2]}
        assert titles == {job.title for job in workflow.jobs}
        into = [edge for edge in diagram["edges"] if edge[1].startswith(f"{group[0]}__")]
        assert len(into) == sum(len(job.needs) for job in workflow.jobs)
    starts = [edge[2] for edge in diagram["edges"]].count("starts")
    assert starts == sum(bool(job.starts) for each in known for job in each.jobs)


def test_one_workflow(here: Here, start: Callable[[str], None], tmp_path: Path) -> None:
    start("both-own")
    code, text, _ = here("graph", "ct")
    assert code == 0
    assert text.splitlines()[0] == (
        "ct                the clock: 17 3 * * 1 UTC, or a person, with reason, first-release, "
        "or monitor of monitor"
    )
    rows = {line.split()[0]: line for line in text.splitlines()[1:]}
    assert rows["train"].endswith("after validate-data; keeps out/train/; GPU runner")
    assert "writes the registry; environment registry; may start cd" in rows["register"]
    assert "after all of them, however they ended" in rows["report"]
    diagram = read(here("graph", "ct", "--format", "mermaid")[1], tmp_path)
    assert [group[1] for group in diagram["groups"]] == ["ct"]
    assert not [edge for edge in diagram["edges"] if edge[2] == "starts"]  # cd is not shown
    assert ["w_ct__train", "w_ct__evaluate", "out/train/"] in diagram["edges"]


#: What Mermaid, Markdown or HTML would read as something else.
HOSTILE = (
    'end"]',
    "a\"b'c`d",
    "<script>alert(1)</script>",
    "x --> y; %% z",
    "#quot; #35; &amp;",
    "{{a}} [[b]] |c| ~d~ *e* _f_",
    "1. list",
    "\\n %%{init: {}}%%",
    "été ½ 中",
)


@pytest.mark.parametrize("words", HOSTILE)
def test_words_stay_words(tmp_path: Path, words: str) -> None:
    jobs = (
        Job("end", "gate", words, 1),
        Job("a-b", "gate", "A", 1, ("end",)),
        Job("a_b", "gate", "B", 1, ("a-b",), environment=words),
    )
    parameters = (Parameter(words, ""),)
    workflow = Workflow("end", "x", "x", jobs, manual=True, parameters=parameters)
    diagram = read(graph.as_mermaid([workflow]), tmp_path)
    (group,) = diagram["groups"]
    assert len(set(group[2])) == 3
    told = [text for _, text in diagram["nodes"]]
    assert words in told
    assert f"B<br>environment {words}" in told
    assert f"a person, with {words}" in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cx"], "unknown workflow 'cx'. Known: ci, ct, cd, monitor"),
        (["--format", "dot"], "--format: 'dot' is not allowed. Allowed: text, mermaid"),
        (["ci", "ct"], "unexpected extra argument"),
    ],
)
def test_bad_input(
    here: Here, start: Callable[[str], None], arguments: list[str], words: str
) -> None:
    start("both-plain")
    code, out, err = here("graph", *arguments)
    assert (code, out) == (2, "")
    assert words in err


def test_no_project(here: Here) -> None:
    assert here("graph")[0] == 2
