"""`mlops-init new`: a project from answers, and from the user's own table if there is one."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlops_init import answers as answers_
from mlops_init import project, questions, version
from mlops_init.answers import Answers
from mlops_init.errors import UsageError
from mlops_init.questions import Option

if TYPE_CHECKING:
    from mlops_init.datasets.own import Own

#: Bytes beyond which reading a table takes more than a few seconds.
LARGE = 50_000_000


def new(
    name: str,
    *,
    data: str,
    target: str,
    key: str,
    settings: tuple[str, ...],
    answers_file: str,
    defaults: bool,
    pin: str,
    output: str,
) -> int:
    """Make a project in a new folder; returns 0."""
    given = answers_.read_file(Path(answers_file)) if answers_file else {}
    for setting in settings:
        word, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(f"-c {setting}: write it as -c key=value")
        given[word] = value
    given |= {w: v for w, v in (("data", data), ("target", target), ("key", key)) if v}
    if given.get("name", name) != name:
        raise UsageError(f"name: {given['name']!r} in the answers, {name!r} on the command line")
    given["name"] = name
    # Checked before a table is read, which may take minutes.
    questions.check(questions.NAME, name)
    parent = Path(output)
    if not _there(parent) or not parent.is_dir():
        raise UsageError(f"{parent}: no such folder")
    project.check_free(parent / name)
    commit, warning = version.pin(pin)
    table = None
    if given.get("data"):
        from mlops_init.datasets import own

        # All other answers first: an unknown one, or one that is not allowed.
        answers_.complete(_without_table(given))
        path = _find(given["data"], answers_file)
        if _there(path) and path.stat().st_size > LARGE:
            size = f"{path.stat().st_size / 1e6:,.0f} MB"
            click.echo(f"mlops-init: reading {path.name}, {size}", err=True)
        table = own.study(path, given, name)
        given |= table.answers
    answers = answers_.complete(given, None if defaults or answers_file else _ask)
    folder = project.create(answers, commit, parent, table.source if table else None)
    if warning:
        click.echo(f"mlops-init: {warning}", err=True)
    _say(folder, answers, commit, table)
    return 0


def _without_table(given: dict[str, str]) -> dict[str, str]:
    told = {"data", "key", "target", "positive"}
    return {word: value for word, value in given.items() if word not in told}


def _find(data: str, answers_file: str) -> Path:
    """The table: from here, or where a project keeps it whose record was given."""
    places = [Path(data)]
    if answers_file:
        folder = Path(answers_file).parent
        places += [folder / data, folder / "data" / data]
    return next((place for place in places if _there(place)), places[0])


def _there(path: Path) -> bool:
    """As `Path.exists`, and what has a name too long to be there is not."""
    try:
        return path.exists()
    except OSError:
        return False


def _ask(option: Option, default: str) -> str:
    shown = default or option.empty_means
    allowed = f" ({', '.join(option.choices)})" if option.choices else ""
    while True:
        try:
            value: str = click.prompt(
                f"  {option.prompt:<26}{allowed}", default=shown, prompt_suffix=" ", err=True
            )
        except click.Abort:
            if sys.stdin.isatty():
                raise
            click.echo("", err=True)
            words = "nobody answers on the standard input. --defaults, or --answers, asks nothing"
            raise UsageError(f"{option.name}: {words}. Nothing was written") from None
        value = default if value == shown else value
        try:
            return questions.check(option, value)
        except UsageError as error:
            click.echo(f"  {error}", err=True)


def _say(folder: Path, answers: Answers, commit: str, table: Own | None) -> None:
    count = sum(1 for path in folder.rglob("*") if path.is_file())
    kept = f"(answers kept in {answers_.FILE_NAME})"
    click.echo(f"\n  {count:,} files in {answers.name}/     {kept}\n")
    if table:
        click.echo("  Your table")
        for word, value, why in table.told:
            click.echo(f"    {word:<10}{value:<24}  {why}")
        bounds = ", ".join(table.source.dataset.rules_test)
        click.echo(f"    {'rules':<10}{bounds}")
        click.echo(f"    {'':<10}better than guessing, and no worse than before: raise them")
        click.echo(f"    {'contract':<10}data/contract.yaml: inferred from these rows, read it")
        for note in table.notes:
            click.echo(f"    {'look at':<10}{note}")
        click.echo("")
    click.echo("  Next")
    _rows(_next(folder))
    click.echo("\n  Before the first push")
    _rows(_before(answers, commit), width=14)
    click.echo("\n  After it")
    _rows(_after(answers))


def _rows(rows: Sequence[tuple[str, str]], width: int = 60) -> None:
    for command, words in rows:
        click.echo(f"    {command:<{width}}{words}".rstrip())


def _next(folder: Path) -> list[tuple[str, str]]:
    return [
        (f"cd {shlex.quote(str(folder))}", ""),
        ("git init -b main && git add -A && git commit -m Start", ""),
        ("mlops-init run", "the whole road on this machine"),
    ]


def _before(answers: Answers, commit: str) -> list[tuple[str, str]]:
    """What the servers need that no file of the project can say."""
    on = {"github": "GitHub Actions", "gitlab": "GitLab CI"}
    where = " and ".join(on[each] for each in answers.platforms)
    rows = [("there", f"lint, ci, ct, cd and monitor for {where}; environments locked by hash")]
    if answers.vendor == "on":
        rows.append(("steps", "nothing to do: .mlops/steps/ holds them"))
    else:
        rows.append(("steps", f"{answers.steps}, readable without credentials, with {commit[:7]}"))
    if answers.gpu == "none":
        rows.append(("GPU_RUNNER", "nothing to do: training asks for no GPU"))
    elif answers.gpu == "required":
        label = answers.gpu_runner
        rows.append(("GPU_RUNNER", f"a runner labelled {label}, or another label as this variable"))
    else:
        usual = answers.gpu_runner or answers.runner or "a hosted one without GPU"
        rows.append(("GPU_RUNNER", f"a variable: your GPU runner's label; unset, it is {usual}"))
    if answers.runner:
        words = f"a variable: the label of runners of your own; unset, they are {answers.runner}"
        rows.append(("RUNNER", words))
    rows.append(("environments", "production, with reviewers: they agree before cd begins"))
    if answers.registry.startswith("oci:"):
        words = "MLOPS_REGISTRY_USER and MLOPS_REGISTRY_PASSWORD, in the environments"
    elif answers.registry.startswith("folder:"):
        words = f"{answers.registry}, on a disk that your runners keep"
    else:
        words = "nothing to do: the container registry beside the repository"
    rows.append(("registry", words))
    if answers.source_secrets:
        names = " and ".join(answers.source_variables)
        rows.append(("data", f"{names}, in the environments data and production"))
    rows.append(("all of it", "mlops-init protect    shows the calls; with --apply makes them"))
    return rows


def _after(answers: Answers) -> list[tuple[str, str]]:
    rows = [("git remote add origin ADDRESS && git push -u origin main", "ci starts")]
    if "github" in answers.platforms:
        rows += [("gh workflow run ct.yml -f first-release=true", "train, register and deploy")]
    if "gitlab" in answers.platforms:
        rows += [
            ("Build > Pipelines > New, WORKFLOW=ct FIRST_RELEASE=true", "the same on GitLab"),
        ]
        if answers.schedule == "on":
            rows.append(
                ("Build > Pipeline schedules, WORKFLOW=ct", "continuous training on GitLab")
            )
    return rows
