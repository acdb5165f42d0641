"""`mlops-init protect`: what files cannot say, shown, or set on the server."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from mlops_init import answers as answers_
from mlops_init.answers import Answers
from mlops_init.errors import UsageError
from mlops_init.settings import Plan, github, gitlab, text
from mlops_init.settings.api import LOOPBACK, Api
from mlops_init.settings.apply import apply as make_calls

TOKENS = {
    "github": ("MLOPS_PROTECT_TOKEN", "GH_TOKEN"),
    "gitlab": ("MLOPS_PROTECT_TOKEN", "GITLAB_TOKEN"),
}
_REPOSITORY = {
    "github": r"[A-Za-z0-9][A-Za-z0-9-]{0,98}/[A-Za-z0-9._-]{1,100}",
    "gitlab": r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)+",
}
_USER = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
_REMOTE = re.compile(
    r"(?:https?://(?:[^@/]+@)?|ssh://(?:[^@/]+@)?|(?:[^@/:]+@))"
    r"(?P<host>[A-Za-z0-9.-]+)(?::\d+)?[/:]/*(?P<path>[^\s:]+?)(?:\.git)?/?"
)


@dataclass(frozen=True)
class Remote:
    """Where `origin` is; empty where there is none, or none that can be read."""

    host: str = ""
    path: str = ""


def protect(
    *,
    platform: str,
    repository: str,
    server: str,
    reviewers: tuple[str, ...],
    premium: bool,
    apply: bool,
    as_json: bool,
) -> int:
    """Show the calls, or make them; returns 0, or 4 at the first refusal."""
    kept = answers_.load(Path.cwd())
    if apply and as_json:
        raise UsageError("--json shows calls, and --apply makes them: one of both")
    for name in reviewers:
        if not re.fullmatch(_USER, name):
            raise UsageError(f"--reviewer: {name!r} is not allowed. Allowed: a user's name")
    if len(set(reviewers)) != len(reviewers):
        raise UsageError("--reviewer: somebody is named twice")
    remote = _origin(Path.cwd())
    platform = _platform(platform, kept.answers, remote)
    address = _server(server, platform, kept.answers)
    repository = _repository(repository, platform, remote, _host(server, platform, kept.answers))
    if platform == "github":
        plan = github.plan(kept, repository, reviewers=reviewers, api=address)
    else:
        plan = gitlab.plan(kept, repository, reviewers=reviewers, server=address, premium=premium)
    if not apply:
        click.echo(text.as_json(plan) if as_json else text.as_shell(plan), nl=as_json)
        return 0
    return _apply(plan)


def _apply(plan: Plan) -> int:
    names = TOKENS[plan.platform]
    token = next((os.environ[name].strip() for name in names if os.environ.get(name)), "")
    if not token:
        raise UsageError(f"--apply needs a token in {' or '.join(names)}. {plan.needs}")
    click.echo(f"  {plan.repository} on {plan.host}")
    code = make_calls(plan, Api(plan.api, token), click.echo)
    if not code:
        for command, why in plan.by_hand:
            click.echo(f"  by hand     {command + '  ' if command else ''}{why}")
    return code


def _origin(folder: Path) -> Remote:
    command = ["git", "-C", str(folder), "remote", "get-url", "origin"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return Remote()
    address = _REMOTE.fullmatch(found.stdout.strip())
    return Remote(address["host"].lower(), address["path"]) if address else Remote()


def _platform(wanted: str, answers: Answers, remote: Remote) -> str:
    if wanted and wanted not in answers.platforms:
        known = ", ".join(answers.platforms)
        raise UsageError(f"--platform: {wanted!r} is not allowed. Allowed here: {known}")
    if wanted or len(answers.platforms) == 1:
        return wanted or answers.platforms[0]
    if remote.host == answers.github_server:
        return "github"
    if remote.host == "gitlab.com":
        return "gitlab"
    raise UsageError("this project is for both platforms: --platform github or --platform gitlab")


def _host(server: str, platform: str, answers: Answers) -> str:
    usual = answers.github_server if platform == "github" else "gitlab.com"
    return (urlsplit(server).hostname or "") if server else usual


def _server(server: str, platform: str, answers: Answers) -> str:
    """GitHub: address of the API, if another than the answers say; GitLab: of the server."""
    if not server:
        return "" if platform == "github" else "https://gitlab.com"
    parts = urlsplit(server)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not (parts.scheme == "https" or plain) or not re.fullmatch(r"[\w.-]+(:\d+)?", parts.netloc):
        raise UsageError(f"--server: {server!r} is not allowed. Allowed: https://HOST")
    if platform == "github":
        known = answers.github_server
        if not plain and parts.netloc != known:
            raise UsageError(
                f"--server: {parts.netloc} is not {known}, the answer github_server, for which "
                "these pipelines were made"
            )
        return github.address(known) if not plain else f"{server.rstrip('/')}/api/v3"
    return server.rstrip("/")


def _repository(wanted: str, platform: str, remote: Remote, host: str) -> str:
    found = wanted
    if not found and remote.path and remote.host == host:
        found = remote.path
    elif not found and remote.path:
        raise UsageError(
            f"origin is on {remote.host}, not on {host}: name the project with --repository "
            "OWNER/NAME" + (f", or its server with --server https://{remote.host}"
                            if platform == "gitlab" else "")
        )  # fmt: skip
    elif not found:
        raise UsageError("there is no remote `origin` to tell the project: --repository OWNER/NAME")
    if not re.fullmatch(_REPOSITORY[platform], found):
        raise UsageError(f"--repository: {found!r} is not allowed. Allowed: OWNER/NAME")
    return found
