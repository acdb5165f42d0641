"""`mlops-init new`: a project from answers."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from mlops_init import answers as answers_
from mlops_init import project, version
from mlops_init.answers import Option
from mlops_init.errors import UsageError


def new(
    name: str,
    *,
    settings: tuple[str, ...],
    answers_file: str,
    defaults: bool,
    pin: str,
    output: str,
) -> int:
    """Make a project in a new folder; returns 0."""
    given = answers_.read_file(Path(answers_file)) if answers_file else {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(f"-c {setting}: write it as -c key=value")
        given[key] = value
    if given.get("name", name) != name:
        raise UsageError(f"name: {given['name']!r} in the answers, {name!r} on the command line")
    given["name"] = name
    answers = answers_.complete(given, None if defaults or answers_file else _ask)
    commit, warning = version.pin(pin)
    parent = Path(output)
    if not parent.is_dir():
        raise UsageError(f"{parent}: no such folder")
    folder = project.create(answers, commit, parent)
    if warning:
        click.echo(f"mlops-init: {warning}", err=True)
    _say_next(folder, answers)
    return 0


def _ask(option: Option, default: str) -> str:
    shown = default or option.empty_means
    allowed = f" ({', '.join(option.choices)})" if option.choices else ""
    while True:
        value: str = click.prompt(
            f"  {option.prompt:<26}{allowed}", default=shown, prompt_suffix=" ", err=True
        )
        value = default if value == shown else value
        try:
            return answers_.check(option, value)
        except UsageError as error:
            click.echo(f"  {error}", err=True)


def _say_next(folder: Path, answers: answers_.Answers) -> None:
    count = sum(1 for path in folder.rglob("*") if path.is_file())
    click.echo(f"\n  {count} files in {answers.name}/     (answers kept in {answers_.FILE_NAME})\n")
    click.echo("  Next")
    rows = [
        (f"cd {shlex.quote(str(folder))}", ""),
        ("git init -b main && git add -A && git commit -m Start", ""),
        ("mlops-init run", "the whole road on this machine"),
        ("git remote add origin ADDRESS && git push -u origin main", "ci starts"),
    ]
    if "github" in answers.platforms:
        rows += [
            ("gh workflow run ct.yml -f first-release=true", "train, register and deploy"),
            ("Settings > Environments > production", "name the reviewers of a deployment"),
        ]
    if "gitlab" in answers.platforms:
        rows += [
            ("Build > Pipelines > New, WORKFLOW=ct FIRST_RELEASE=true", "the same on GitLab"),
            ("Build > Pipeline schedules, WORKFLOW=ct", "continuous training on GitLab"),
        ]
    for command, words in rows:
        click.echo(f"    {command:<60}{words}".rstrip())
