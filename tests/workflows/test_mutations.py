"""Every small wrong of a description or of a file is found, and the table says by what.

The table is written to docs/mutations.md by `python -m tests.workflows.test_mutations`.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.mlops_init.helpers import PIN, ROOT, run, tool
from tests.once import once
from tests.workflows import facts, mutate, told

from mlops_init.answers import complete
from mlops_init.pipeline import describe
from mlops_init.renderers import doors, github, gitlab
from mlops_init.soundness import problems

pytestmark = pytest.mark.timeout(900)

PAGE = ROOT / "docs" / "mutations.md"
ANSWERS = complete({"name": "demo", "inference_log": "data/log.parquet", "fork_reports": "on"})
COMPONENTS = {step.name: doors.component(step) for step in doors.declarations()}
STEPS = {step.name: step for step in doors.declarations()}
#: Keys that are words for people; a pipeline does the same without them, or with others.
WORDS = {"description", "run-name"}
#: Below the folder of the mutants: the files as they should be, in the mutants' form.
RIGHT = "right"
RESULT = "found.pickle"
#: What must never go through, by a part of the site.
NEVER = ("permission", "environment", "gate", "needs", "uses", "component", "id_tokens")


def of_description() -> Counter[tuple[str, str]]:
    """How many mutants of the description were found, by operator and finder."""
    found: Counter[tuple[str, str]] = Counter()
    for mutant in mutate.of_description(describe(ANSWERS)):
        by = "nothing"
        if problems(mutant.workflows, STEPS):
            by = "soundness"
        elif told.differences(mutant.workflows):
            by = "the page of the workflows"
        found[mutant.operator, by] += 1
    return found


def of_files(folder: Path) -> tuple[Counter[tuple[str, str]], list[str]]:
    """The same for the files, by platform, operator and finder; and the sites that survive."""
    found: Counter[tuple[str, str]] = Counter()
    left: list[tuple[str, str, str, Path]] = []
    workflows = describe(ANSWERS)
    for platform, render in (("github", github.render), ("gitlab", gitlab.render)):
        right = facts.described(workflows, ANSWERS, platform)
        files = render(workflows, ANSWERS, PIN)
        for path, text in files.items():
            document = YAML(typ="safe", pure=True).load(text)
            place = folder / RIGHT / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(document))
            for operator, site, wrong in mutate.of_file(document):
                if site.rpartition(".")[2] in WORDS:
                    continue
                changed = files | {path: json.dumps(wrong)}
                if _differs(platform, path, changed, right):
                    found[f"{platform}: {operator}", "the facts of both platforms"] += 1
                else:
                    place = folder / f"{len(left):04}" / path
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_text(json.dumps(wrong))
                    left.append((f"{platform}: {operator}", path, site, place))
    linted = _linted(folder, [place for *_, place in left])
    survivors = []
    for operator, path, site, place in left:
        found[operator, linted.get(place, "nothing")] += 1
        if place not in linted:
            survivors.append(f"{operator} {path} {site}")
    return found, survivors


def _differs(platform: str, path: str, files: dict[str, str], right: facts.Facts) -> bool:
    try:
        if platform == "github":
            name = Path(path).stem
            read = facts.github({path: files[path]})
            return bool(facts.differences({name: right[name]}, read))
        return bool(facts.differences(right, facts.gitlab(files, COMPONENTS)))
    except (LookupError, TypeError, AttributeError, ValueError, AssertionError, StopIteration):
        return True  # it cannot even be read


def _linted(folder: Path, places: list[Path]) -> dict[Path, str]:
    """Which linter finds something in each file: the first that does."""
    workflows = [each for each in places if ".github" in str(each)]
    pipelines = [each for each in places if ".gitlab" in str(each)]
    found: dict[Path, str] = {}
    schemas = [("vendor.github-workflows", (), workflows)]
    schemas += [("custom.github-workflows-require-timeout", (), workflows)]
    schemas += [("vendor.gitlab-ci", ("--data-transform", "gitlab-ci"), pipelines)]
    for schema, options, files in schemas:
        command = (tool("check-jsonschema"), "-o", "json", "--builtin-schema", schema, *options)
        said = json.loads(run(*command, *files, folder=folder, timeout=600).stdout)
        for each in [*said.get("errors", []), *said.get("parse_errors", [])]:
            found.setdefault(Path(each["filename"]), "a schema")
    said = run(tool("actionlint"), "-format", "{{json .}}", *workflows, folder=folder, timeout=300)
    for each in json.loads(said.stdout or "[]"):
        found.setdefault((folder / each["filepath"]).resolve(), "actionlint")
    for place in _more_findings(folder, workflows):
        found.setdefault(place, "zizmor")
    return found


def _more_findings(folder: Path, workflows: list[Path]) -> list[Path]:
    """The files of which zizmor says more than of the right one, which has no comments here."""
    options = ("--persona", "auditor", "--offline", "--no-config", "--format", "json-v1")
    found: dict[Path, Counter[str]] = {}
    for each in json.loads(run(tool("zizmor"), *options, ".", folder=folder, timeout=300).stdout):
        for name in {at["symbolic"]["key"]["Local"]["verbatim_path"] for at in each["locations"]}:
            found.setdefault((folder / name).resolve(), Counter())[each["ident"]] += 1
    right = {path.name: found.get(path, Counter()) for path in (folder / RIGHT).rglob("*.yml")}
    return [each for each in workflows if found.get(each, Counter()) - right[each.name]]


def table(description: Counter[tuple[str, str]], files: Counter[tuple[str, str]]) -> str:
    """Both as one table: a row for each operator, a column for each finder."""
    both = description + files
    finders = [*sorted({by for _, by in both} - {"nothing"}), "nothing"]
    rows = [f"| operator | mutants | {' | '.join(finders)} |", "| --- " * (len(finders) + 2) + "|"]
    for operator in sorted({name for name, _ in both}):
        counts = [both[operator, by] for by in finders]
        cells = [str(count or "") for count in counts]
        rows.append(f"| {operator} | {sum(counts)} | {' | '.join(cells)} |")
    totals = [sum(count for (_, by), count in both.items() if by == finder) for finder in finders]
    rows.append(f"| all | {sum(totals)} | {' | '.join(map(str, totals))} |")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, list[str]]:
    """All mutants, held against everything that could find them."""
    place = once(tmp_path_factory, "mutants", measure)
    found: tuple[Any, Any, list[str]] = pickle.loads((place / RESULT).read_bytes())
    return found


def measure(folder: Path) -> None:
    """Find all mutants; what was found lies in the folder then."""
    found = of_description(), *of_files(folder.resolve())
    (folder / RESULT).write_bytes(pickle.dumps(found))


def test_no_wrong_description_survives(measured: tuple[Any, Any, list[str]]) -> None:
    description = measured[0]
    assert description.total() > 200
    assert {operator for operator, by in description if by == "nothing"} == set()


def test_few_wrong_files_survive_and_none_that_matter(
    measured: tuple[Any, Any, list[str]],
) -> None:
    _, files, survivors = measured
    assert files.total() > 1000
    assert len(survivors) <= files.total() * 0.05, survivors
    assert [each for each in survivors if any(part in each for part in NEVER)] == []


def test_the_page_shows_the_table(measured: tuple[Any, Any, list[str]]) -> None:
    description, files, _ = measured
    assert table(description, files) in PAGE.read_text(encoding="utf-8")


def main(folder: str) -> None:
    """Print the table, and what survives."""
    description = of_description()
    files, survivors = of_files(Path(folder).resolve())
    print(table(description, files))
    print("\n".join(survivors))


if __name__ == "__main__":
    main(sys.argv[1])
