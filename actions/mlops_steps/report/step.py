"""Report: a page, a summary, and files for the platforms' own tabs, out of what all steps found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_steps.spec import Status, Step

if TYPE_CHECKING:
    from mlops_steps.record import Record

STEP = Step(
    name="report",
    summary="Show what all steps found: a page, a summary, a JUnit and a Code Quality file.",
    requires=("duckdb", "jinja2", "matplotlib"),
)


def run(record: Record) -> Status:
    """Read every verdict, write the files. Nothing is judged anew."""
    from mlops_steps import ci
    from mlops_steps.files import write_whole
    from mlops_steps.report import facts, junit, page, quality, reading, story, summary

    found = reading.read(record)
    told = story.tell(found)
    model, verdict = record.config.model.name, record.verdict
    markdown = summary.render(model, verdict, found, told)
    written: dict[str, str | bytes] = {
        "index.html": page.render(model, verdict, found, told),
        "summary.md": markdown,
        "junit.xml": junit.render(model, found),
        "codequality.json": quality.render(found.verdicts),
    }
    for name, content in written.items():
        write_whole(record.folder / name, content)
        record.wrote(record.folder / name)
    facts.write(record, found)
    ci.write_summary(markdown)
    record.say(told.headline, record.relative(record.folder / "index.html"))
    return Status.PASS
