"""lint: ruff and the project's own linters; each finding marks its file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_steps.errors import CommandError, UndecidedError
from mlops_steps.spec import Status, Step

if TYPE_CHECKING:
    from mlops_steps.record import Record

STEP = Step(
    name="lint",
    summary="Check the project's Python files with ruff, then run the linters of mlops.yaml.",
    requires=("ruff",),
)

#: Findings shown below the headline; all of them are in the verdict.
SHOWN = 20


def run(record: Record) -> Status:
    """Ruff first, then `commands.lint` in the project's environment."""
    from mlops_steps.lint import ruff

    files = ruff.files(record.root)
    if not files:
        raise UndecidedError("no Python file was found: nothing was checked")
    for each in ruff.check(record.root):
        record.find(f"ruff/{each.rule}", each.message, file=each.file, line=each.line)
    _run_commands(record)

    findings = record.verdict.findings
    noun = "finding" if len(findings) == 1 else "findings"
    shown = [
        f"{each.file}:{each.line}: {each.rule} {each.message}" if each.file else each.message
        for each in findings[:SHOWN]
    ]
    if len(findings) > SHOWN:
        shown.append(f"{len(findings) - SHOWN} more are in out/lint/verdict.json")
    record.figure("findings", len(findings), n=len(files))
    record.say(f"{len(findings)} {noun} in {len(files)} files", *shown)
    return Status.FAIL if findings else Status.PASS


def _run_commands(record: Record) -> None:
    from mlops_steps import commands

    if not record.config.commands.lint:
        return
    record.take(record.config.environment)
    python = commands.project_python(record.root, record.config.environment)
    for number, command in enumerate(record.config.commands.lint, start=1):
        log = record.folder / f"command-{number}.log"
        try:
            commands.run(command, folder=record.root, python=python, extra={}, log=log)
        except CommandError as error:
            record.find("command", str(error))
        commands.show(log)
