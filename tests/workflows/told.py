"""What docs/workflows.md tells of the workflows, held against a description.

The page is written by hand: a second telling, against which a description can be wrong.
"""

from __future__ import annotations

from pathlib import Path

from mlops_init.pipeline import Job, Workflow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "workflows.md"


def differences(workflows: tuple[Workflow, ...]) -> list[str]:
    """Where the page and the description of all workflows do not say the same."""
    page = PAGE.read_text(encoding="utf-8")
    told = _table(page, "## Jobs\n")
    found = _compare("jobs", told, [row for each in workflows for row in _rows(each)])
    head, *rows = _table(page, "```\n\n", header=True)
    triggers = [head, *rows]
    wanted = [["", *(each.name for each in workflows)]]
    wanted += [
        [name, *(tell(each) for each in workflows)]
        for name, tell in (
            ("push to `main`, pull or merge request", lambda w: "yes" * w.on_change),
            ("schedule (UTC)", lambda w: f"`{w.schedule}`" if w.schedule else ""),
            ("a person", lambda w: "yes" * w.manual),
            ("parameters", lambda w: ", ".join(each.name for each in w.parameters)),
            ("a second run cancels the first", lambda w: "yes" * w.supersede),
            ("tries again after exit code 4", lambda w: str(w.retries)),
        )
    ]
    return found + _compare("what starts what", triggers, wanted)


def _compare(name: str, told: list[list[str]], wanted: list[list[str]]) -> list[str]:
    found = [
        f"{name}: the page says {' | '.join(one)}; the description {' | '.join(other)}"
        for one, other in zip(told, wanted, strict=False)
        if one != other
    ]
    if len(told) != len(wanted):
        found.append(f"{name}: {len(told)} rows on the page, {len(wanted)} described")
    return found


def _table(page: str, before: str, *, header: bool = False) -> list[list[str]]:
    text = page.partition(before)[2].partition("\n\n")[0]
    lines = [line for line in text.splitlines() if not line.startswith("| ---")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return rows if header else rows[1:]


def _rows(workflow: Workflow) -> list[list[str]]:
    first = [workflow.name] + [""] * (len(workflow.jobs) - 1)
    return [
        [name, job.name, _step(job), _needs(job, workflow), *_limits(job)]
        for name, job in zip(first, workflow.jobs, strict=True)
    ]


def _limits(job: Job) -> list[str]:
    return [str(job.minutes), job.registry, job.environment, _token(job)]


def _step(job: Job) -> str:
    words = [job.step, *(f"{name} {value}" for name, value in job.inputs.items())]
    words += [f"{name} given" for name in job.parameters]
    return ", ".join(words + ["on the GPU runner"] * job.gpu)


def _needs(job: Job, workflow: Workflow) -> str:
    others = tuple(each.name for each in workflow.jobs[: workflow.jobs.index(job)])
    if job.always and job.needs == others and job.step == "report":
        return "all, however they ended"
    return ", ".join(job.needs) + ", however it ended" * job.always


def _token(job: Job) -> str:
    return ", ".join([*sorted(job.scopes), *([f"start {job.starts}"] if job.starts else [])])
