"""The command line: it parses and dispatches, and imports a command only when it runs."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from types import FrameType

import click

from mlops_init.errors import InitError, UsageError, in_one_line, visible

WORKFLOWS = ("ci", "ct", "cd", "monitor")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mlops-init", prog_name="mlops-init")
def cli() -> None:
    """A machine-learning repository whose CI, CD and continuous training work.

    On GitHub Actions and GitLab CI alike, and on this machine.
    """


@cli.command()
@click.argument("name")
@click.option("--data", default="", metavar="FILE", help="Your own table: CSV or JSON lines.")
@click.option("--target", default="", metavar="COLUMN", help="Its column to be told.")
@click.option("--key", default="", metavar="COLUMN", help="Its column that names a row.")
@click.option(
    "-c",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Give one answer, such as ci=github; an unknown KEY names them all.",
)
@click.option(
    "--answers", "answers_file", metavar="FILE", help="Read the answers from a TOML file."
)
@click.option("--defaults", is_flag=True, help="Ask nothing.")
@click.option("--pin", default="", metavar="COMMIT", help="Commit of the steps to pin.")
@click.option(
    "--output", default=".", metavar="FOLDER", help="Where to make it.", show_default=True
)
def new(**options: object) -> int:
    """Make a project in the new folder NAME."""
    return _command("new", options)


@cli.command()
@click.argument("workflow", required=False, default="", metavar="[ci|ct|cd|monitor]")
@click.option("--engine", default="auto", metavar="auto|native|act|gitlab", show_default=True)
@click.option("--event", default="", help="push, pull_request, schedule or manual.")
@click.option("-i", "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="A parameter.")
@click.option("--state", default="", metavar="FOLDER", help="Registry, state and reports.")
@click.option("--registry", default="", metavar="ADDRESS", help="A registry instead of the folder.")
@click.option("--job", default="", metavar="NAME", help="Only this job, and those it needs.")
def run(**options: object) -> int:
    """Walk a workflow, or the whole road, on this machine."""
    return _command("run", options)


@cli.command()
@click.option("--platform", default="", metavar="github|gitlab", help="Where, if both.")
@click.option("--repository", default="", metavar="OWNER/NAME", help="Instead of origin's.")
@click.option("--server", default="", metavar="URL", help="Of a GitLab of your own.")
@click.option("--reviewer", "reviewers", multiple=True, metavar="USER", help="Is asked before cd.")
@click.option("--premium/--no-premium", default=True, help="GitLab: what only Premium has.")
@click.option("--json", "as_json", is_flag=True, help="Show the calls as JSON.")
@click.option("--apply", is_flag=True, help="Make the calls, with MLOPS_PROTECT_TOKEN.")
def protect(**options: object) -> int:
    """Show or set what files cannot say, on the server."""
    return _command("protect", options)


@cli.command("check-config")
@click.argument("folder", required=False, default=".")
def check_config(**options: object) -> int:
    """Check mlops.yaml, and what it names, before a push."""
    return _command("check_config", options)


@cli.command()
@click.argument("workflow", required=False, default="")
@click.option("--format", "form", default="text", metavar="text|mermaid", show_default=True)
def graph(**options: object) -> int:
    """Show the pipeline: jobs, needs, what starts what."""
    return _command("graph", options)


@cli.command()
@click.argument("folder", required=False, default=".")
@click.option(
    "--hours", default=30, show_default=True, type=click.IntRange(1, 24 * 366), help="Of silence."
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def monitoring(**options: object) -> int:
    """Write alert rules for Prometheus and a Grafana dashboard."""
    return _command("monitoring", options)


@cli.group()
def contract() -> None:
    """What the table has to keep: data/contract.yaml."""


@contract.command("propose")
@click.argument("folder", required=False, default=".")
@click.option("--apply", is_flag=True, help="Write it into the contract.")
def contract_propose(**options: object) -> int:
    """Show what the data ask to change in the contract, as a patch."""
    return _command("contract_propose", options)


@contract.command("prove")
@click.argument("folder", required=False, default=".")
@click.option("--split", default="test", metavar="test|valid", help="The split that judges.")
def contract_prove(**options: object) -> int:
    """Plant a row that breaks it for every check, and require red."""
    return _command("contract_prove", options)


@contract.command("import")
@click.argument("source", metavar="FILE|MODULE:NAME")
@click.option("--kind", default="", metavar="pandera|great-expectations|tfdv", help="What it is.")
@click.option("--output", default="", metavar="FILE", help="Instead of mlops.yaml's contract.")
@click.option("--force", is_flag=True, help="Overwrite a contract that is there.")
@click.option("--strict", is_flag=True, help="Exit code 1 if something is not carried over.")
def contract_import(**options: object) -> int:
    """Turn checks of another tool into the contract."""
    return _command("contract_import", options)


def _command(name: str, options: dict[str, object]) -> int:
    module = importlib.import_module(f"mlops_init.commands.{name}")
    code: int = getattr(module, name)(**options)
    return code


def _stop(number: int, _frame: FrameType | None) -> None:
    # As an exception, so that what was begun is cleared away.
    sys.exit(128 + number)


def main() -> None:
    """Entry point of `mlops-init`."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        code = cli(standalone_mode=False)
    except InitError as error:
        # What a program said comes in its lines; what a user gave is shown in one.
        words = in_one_line(str(error)) if isinstance(error, UsageError) else visible(str(error))
        click.echo(f"mlops-init: {words}", err=True)
        code = error.exit_code
    except click.ClickException as error:
        click.echo(f"mlops-init: {in_one_line(error.format_message())}", err=True)
        code = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("mlops-init: stopped", err=True)
        code = 130
    except Exception as error:
        if os.environ.get("MLOPS_DEBUG"):
            raise
        words = in_one_line(f"{type(error).__name__}: {error}")
        click.echo(f"mlops-init: {words} (MLOPS_DEBUG=1 shows more)", err=True)
        code = 3
    sys.exit(code)
