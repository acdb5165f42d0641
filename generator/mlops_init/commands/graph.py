"""`mlops-init graph`: the pipeline as it is described, for a terminal or as Mermaid."""

from __future__ import annotations

import re
from pathlib import Path

import click

from mlops_init import answers
from mlops_init.errors import UsageError
from mlops_init.pipeline import Job, Workflow, describe, on

FORMATS = ("text", "mermaid")


def graph(workflow: str, *, form: str) -> int:
    """Print the workflows of the project in this folder, or one of them; returns 0."""
    kept = answers.load(Path.cwd())
    if form not in FORMATS:
        raise UsageError(f"--format: {form!r} is not allowed. Allowed: {', '.join(FORMATS)}")
    platforms = kept.answers.platforms
    known = describe(kept.answers)
    known = on(known, platforms[0]) if len(platforms) == 1 else known
    shown = [each for each in known if workflow in {"", each.name}]
    if not shown:
        names = ", ".join(each.name for each in known)
        raise UsageError(f"unknown workflow {workflow!r}. Known: {names}")
    click.echo(as_mermaid(shown) if form == "mermaid" else as_text(shown, known))
    return 0


def as_text(shown: list[Workflow], known: tuple[Workflow, ...]) -> str:
    """A line a job: name, title, what it waits for, what it is allowed."""
    blocks = []
    for workflow in shown:
        jobs = [
            f"  {job.name:<16}{job.title:<20}{'; '.join(_facts(job, waits=True))}".rstrip()
            for job in workflow.jobs
        ]
        begins = ", or ".join(_begins(workflow, known)) or "nothing starts it"
        blocks.append("\n".join([f"{workflow.name:<18}{begins}", *jobs]))
    return "\n\n".join(blocks)


def _begins(workflow: Workflow, known: tuple[Workflow, ...]) -> list[str]:
    """What starts a workflow, in words."""
    words = ["a push to main, a pull or merge request"] if workflow.on_change else []
    if workflow.schedule:
        words.append(f"the clock: {workflow.schedule} UTC")
    if workflow.manual:
        names = ", ".join(each.name for each in workflow.parameters)
        words.append("a person" + (f", with {names}" if names else ""))
    words += [
        f"{job.name} of {other.name}"
        for other in known
        for job in other.jobs
        if job.starts == workflow.name
    ]
    return words


def _facts(job: Job, *, waits: bool) -> list[str]:
    """What is worth knowing of a job beside its name."""
    facts = []
    if waits and job.always:
        facts.append("after all of them, however they ended")
    elif waits and job.needs:
        facts.append(f"after {', '.join(job.needs)}")
    if waits:
        facts.append(f"keeps out/{job.step}/")
    if job.gpu:
        facts.append("GPU runner")
    if job.registry:
        facts.append(f"{job.registry}s the registry")
    if job.environment:
        facts.append(f"environment {job.environment}")
    if job.starts and waits:
        facts.append(f"may start {job.starts}")
    return facts


def as_mermaid(shown: list[Workflow]) -> str:
    """A flowchart: solid arrows carry what a job reads, dotted ones start a workflow."""
    lines = ["flowchart LR"]
    for workflow in shown:
        place = _id(workflow.name)
        lines.append(f'  subgraph {place}["{_text(workflow.name)}"]')
        for job in workflow.jobs:
            words = "<br/>".join(_text(each) for each in [job.title, *_facts(job, waits=False)])
            lines.append(f'    {_id(workflow.name, job.name)}["{words}"]')
        lines.append("  end")
        for number, words in enumerate(_begins(workflow, ())):
            start = f"{place}_start{number}"
            lines.append(f'  {start}(["{_text(words)}"]) --> {place}')
        lines += [
            f"  {_id(workflow.name, name)} {_arrow(workflow, job, name)} "
            f"{_id(workflow.name, job.name)}"
            for job in workflow.jobs
            for name in job.needs
        ]
    names = {workflow.name for workflow in shown}
    lines += [
        f'  {_id(workflow.name, job.name)} -.->|"starts"| {_id(job.starts)}'
        for workflow in shown
        for job in workflow.jobs
        if job.starts in names
    ]
    return "\n".join(lines)


def _arrow(workflow: Workflow, job: Job, needed: str) -> str:
    # What runs always reads everything: a word on each of its arrows would say nothing.
    return "-->" if job.always else f'-->|"{_text(f"out/{workflow.job(needed).step}/")}"|'


def _id(*names: str) -> str:
    """A name that no word of Mermaid's is, and that no two jobs share."""
    return "w_" + "__".join(
        re.sub(r"[^A-Za-z0-9]", lambda found: f"_{ord(found[0]):x}_", name) for name in names
    )


def _text(words: str) -> str:
    """Words within quotes: all that Mermaid or HTML would read as markup, by its number."""
    return "".join(
        sign if sign.isalnum() or sign in " .,:/-()" else f"#{ord(sign)};" for sign in words
    )
