"""The only place in the steps that knows a CI platform.

A platform is told by the presence of its variable, never by its value: gitlab-ci-local
sets GITLAB_CI to "false".
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import urllib.error
import urllib.request
from pathlib import Path

from mlops_steps.errors import ConfigError, InfrastructureError
from mlops_steps.files import write_whole

#: GitHub drops a summary over 1 MiB whole.
SUMMARY_LIMIT = 900_000
#: GitHub shows about ten annotations of a kind and step.
ANNOTATION_LIMIT = 10
#: The platforms' own credentials, and the files by which a job instructs its platform: no
#: business of the programs that a step runs.
PRIVATE = (
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_RUNTIME_TOKEN",
    "CI_BUILD_TOKEN",
    "CI_DEPENDENCY_PROXY_PASSWORD",
    "CI_DEPLOY_PASSWORD",
    "CI_JOB_TOKEN",
    "CI_REGISTRY_PASSWORD",
    "CI_REPOSITORY_URL",  # holds the job's token
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_TOKEN",
)


def platform() -> str:
    """`github`, `gitlab` or `local`."""
    if "GITHUB_ACTIONS" in os.environ:
        return "github"
    if "GITLAB_CI" in os.environ:
        return "gitlab"
    return "local"


def hosted() -> bool:
    """Whether the machine, and every folder on it, is lost when the job ends."""
    if os.environ.get("MLOPS_STATE"):
        return False  # a local run keeps this folder, and says so
    if platform() == "github":
        return os.environ.get("RUNNER_ENVIRONMENT", "github-hosted") == "github-hosted"
    if platform() == "gitlab":
        return os.environ.get("CI_RUNNER_TAGS", "").find("saas-") >= 0 or (
            os.environ.get("CI_SERVER_HOST") == "gitlab.com"
            and os.environ.get("CI_DISPOSABLE_ENVIRONMENT") == "true"
        )
    return False


def commit() -> str | None:
    """The commit under test as the platform names it."""
    return os.environ.get("GITHUB_SHA") or os.environ.get("CI_COMMIT_SHA")


def run_address() -> str | None:
    """Where a person can read this run."""
    if platform() == "github" and "GITHUB_RUN_ID" in os.environ:
        env = os.environ
        repository = f"{env['GITHUB_SERVER_URL']}/{env['GITHUB_REPOSITORY']}"
        return f"{repository}/actions/runs/{env['GITHUB_RUN_ID']}"
    return os.environ.get("CI_JOB_URL")


def write_outputs(values: dict[str, str], folder: Path) -> None:
    """Hand short values to later jobs: GITHUB_OUTPUT, or a dotenv file for GitLab."""
    target = os.environ.get("GITHUB_OUTPUT")
    if target:
        with Path(target).open("a", encoding="utf-8") as stream:
            for name, value in values.items():
                # A random delimiter: no value can end its own block and start another.
                mark = f"mlops-{secrets.token_hex(16)}"
                stream.write(f"{name}<<{mark}\n{value}\n{mark}\n")
    if platform() == "gitlab":
        for name, value in values.items():
            if "\n" in value:
                raise ConfigError(f"output {name}: GitLab's dotenv format has no line breaks")
        lines = [f"{name.upper().replace('-', '_')}={value}\n" for name, value in values.items()]
        write_whole(folder / "outputs.env", "".join(lines))


def write_summary(markdown: str) -> None:
    """Append to the job's summary page, where the platform has one."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if not target:
        return
    if len(markdown.encode()) > SUMMARY_LIMIT:
        markdown = markdown.encode()[:SUMMARY_LIMIT].decode(errors="ignore") + "\n\n(cut)\n"
    with Path(target).open("a", encoding="utf-8") as stream:
        stream.write(markdown + "\n")


def annotate(level: str, message: str, file: str | None = None, line: int | None = None) -> None:
    """Mark a place in the change: `level` is error, warning or notice."""
    if platform() != "github":
        return
    where = ",".join(
        f"{key}={_escape(str(value)).replace(':', '%3A').replace(',', '%2C')}"
        for key, value in (("file", file), ("line", line))
        if value is not None
    )
    sys.stdout.write(f"::{level}{' ' + where if where else ''}::{_escape(message)}\n")


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def quiet_commands(text: str) -> str:
    """Defuse workflow commands in text that we only pass on (a user's program, a file's rows)."""
    if platform() != "github":
        return text
    return "\n".join(
        " " + line if line.lstrip().startswith(("::", "##[")) else line for line in text.split("\n")
    )


def start_workflow(name: str, inputs: dict[str, str], folder: Path) -> str:
    """Start the next workflow of the chain, and say how.

    A local run leaves the request in `$MLOPS_DISPATCH` for its engine. GitHub gets a
    `workflow_dispatch` with the job's own token (`actions: write`). GitLab needs no token:
    `next.yml` is written here, and a job of the pipeline triggers it as a child.

    Raises:
        InfrastructureError: GitHub did not accept it.
    """
    if platform() == "gitlab":
        variables = {key.upper().replace("-", "_"): value for key, value in inputs.items()}
        # JSON is YAML; written so, no value can become a key.
        child = {"include": [{"local": f".gitlab/{name}.yml"}], "variables": variables}
        write_whole(folder / "next.yml", json.dumps(child, indent=2) + "\n")
        return f"{name} starts as a child pipeline"
    if os.environ.get("MLOPS_DISPATCH"):
        with Path(os.environ["MLOPS_DISPATCH"]).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"workflow": name, "inputs": inputs}) + "\n")
        return f"{name} starts next"
    if platform() != "github":
        return f"{name} was not started: no CI platform and no local run here"
    env = os.environ
    body = {"ref": env["GITHUB_REF"], "inputs": inputs}
    request = urllib.request.Request(  # noqa: S310 - the platform's own https address
        f"{env['GITHUB_API_URL']}/repos/{env['GITHUB_REPOSITORY']}/actions/workflows/{name}.yml/dispatches",
        data=json.dumps(body).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {env.get('MLOPS_TOKEN', '')}",
            "X-GitHub-Api-Version": "2022-11-28",
        },
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310
            return f"{name} was started"
    except (urllib.error.URLError, TimeoutError) as error:
        raise InfrastructureError(f"{name} could not be started: {error}") from error


def no_next_workflow(folder: Path) -> None:
    """GitLab's trigger job wants a child pipeline in every case: one that only says so."""
    if platform() == "gitlab":
        job = {"nothing-to-start": {"script": ["echo 'Nothing to start.'"], "timeout": "5 minutes"}}
        write_whole(folder / "next.yml", json.dumps(job, indent=2) + "\n")
