"""The only place in the steps that knows a CI platform.

A platform is told by the presence of its variable, never by its value: gitlab-ci-local
sets GITLAB_CI to "false".
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlops_steps.errors import ConfigError, UndecidedError
from mlops_steps.files import write_whole
from mlops_steps.spec import WORKFLOW_NAME

#: GitHub drops a summary over 1 MiB whole.
SUMMARY_LIMIT = 900_000
#: GitHub shows about ten annotations of a kind and step.
ANNOTATION_LIMIT = 10
#: The platforms' own credentials, and the files by which a job instructs its platform: no
#: business of the programs that a step runs.
PRIVATE = (
    "CI_BUILD_TOKEN",
    "CI_DEPENDENCY_PROXY_PASSWORD",
    "CI_DEPLOY_PASSWORD",
    "CI_JOB_JWT",
    "CI_JOB_JWT_V1",
    "CI_JOB_JWT_V2",
    "CI_JOB_TOKEN",
    "CI_REGISTRY_PASSWORD",
    "CI_REPOSITORY_URL",  # holds the job's token
    "DOCKER_AUTH_CONFIG",
    "GH_TOKEN",
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "MLOPS_ENVIRONMENT_JWT",
)
#: Likewise whatever begins so: the runner's own services, and an action's inputs.
PRIVATE_PREFIXES = ("ACTIONS_", "INPUT_")
#: What of a line GitHub's runner would obey: `::` after any space at its start, `##[` anywhere.
_OBEYED = re.compile(r"(^|[\r\n])([^\S\r\n]*):(?=:)|##(?=\[)")
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
#: Signs that YAML wants escaped and JSON does not; so written, they are read alike.
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


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


def is_public() -> bool:
    """Whether everybody can read what this job's run keeps; false where nothing says so."""
    if platform() == "gitlab":
        return os.environ.get("CI_PROJECT_VISIBILITY") == "public"
    try:
        text = Path(os.environ.get("GITHUB_EVENT_PATH", "")).read_text(encoding="utf-8")
        repository = json.loads(text)["repository"]
        return platform() == "github" and repository["private"] is False
    except (OSError, ValueError, KeyError, TypeError):
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


def workflow() -> str:
    """The file name of the workflow that runs, as in `ci`; empty where the platform has none."""
    # GITHUB_WORKFLOW is its title, which anybody may change; the file is what it is known by.
    found = re.fullmatch(
        rf".*/\.github/workflows/({WORKFLOW_NAME})\.ya?ml@.*",
        os.environ.get("GITHUB_WORKFLOW_REF", ""),
    )
    return found[1] if found else ""


@dataclass(frozen=True)
class PullRequest:
    """The pull request that started a job.

    Attributes:
        number: Its number.
        commit: Its head. GitHub tests a merge of it, which is what `commit()` names.
        own: Whether it comes from a branch of this very repository, not from a fork.
    """

    number: int
    commit: str
    own: bool


def pull_request() -> PullRequest | None:
    """What started this job on GitHub; None when it was no pull request.

    Raises:
        UndecidedError: It was one, and the event that the runner left does not tell which.
    """
    if platform() != "github" or os.environ.get("GITHUB_EVENT_NAME") != "pull_request":
        return None
    path = os.environ.get("GITHUB_EVENT_PATH", "")
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8"))["pull_request"]
        head, base = event["head"], event["base"]
        number, sha, ours = event["number"], head["sha"], base["repo"]["id"]
        source = head["repo"]["id"] if head["repo"] else None  # a fork may be gone
    except (OSError, ValueError, LookupError, TypeError):
        raise UndecidedError(
            "GITHUB_EVENT_PATH: not the event of a pull request, though GITHUB_EVENT_NAME says so"
        ) from None
    sound = type(number) is int and number > 0 and type(ours) is int and isinstance(sha, str)
    if not sound or not _COMMIT.fullmatch(sha):
        raise UndecidedError("GITHUB_EVENT_PATH: the pull request has no number or no head commit")
    return PullRequest(number, sha, own=source == ours)


def write_outputs(values: dict[str, str], folder: Path) -> None:
    """Hand short values to later jobs: GITHUB_OUTPUT, or a dotenv file for GitLab."""
    if platform() == "gitlab":
        for name, value in values.items():
            if len(value.splitlines()) > 1 or value != value.strip():
                raise ConfigError(
                    f"output {name}: GitLab's dotenv format keeps no line break and no outer space"
                )
        lines = [f"{name.upper().replace('-', '_')}={value}\n" for name, value in values.items()]
        write_whole(folder / "outputs.env", "".join(lines))
    target = os.environ.get("GITHUB_OUTPUT")
    if target:
        with Path(target).open("a", encoding="utf-8") as stream:
            for name, value in values.items():
                # A random delimiter: no value can end its own block and start another.
                mark = f"mlops-{secrets.token_hex(16)}"
                stream.write(f"{name}<<{mark}\n{value}\n{mark}\n")


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
    return _OBEYED.sub(lambda found: "## " if found[0] == "##" else f"{found[1]}{found[2]}: ", text)


def start_workflow(name: str, inputs: dict[str, str], folder: Path) -> str:
    """Start the next workflow of the chain, and say how.

    A local run leaves the request in `$MLOPS_DISPATCH` for its engine. GitHub gets a
    `workflow_dispatch` with the job's own token (`actions: write`). GitLab needs no token:
    `next.yml` is written here, and a job of the pipeline triggers it as a child.

    Raises:
        InfrastructureError: GitHub did not accept it.
    """
    if platform() == "gitlab":
        variables = {
            # As it is: GitLab would take a $ in it for a variable.
            key.upper().replace("-", "_"): {"value": value, "expand": False}
            for key, value in inputs.items()
        }
        child = {"include": [{"local": f".gitlab/{name}.yml"}], "variables": variables}
        _write_next(folder, child)
        return f"{name} starts as a child pipeline"
    if os.environ.get("MLOPS_DISPATCH"):
        with Path(os.environ["MLOPS_DISPATCH"]).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"workflow": name, "inputs": inputs}) + "\n")
        return f"{name} starts next"
    if platform() != "github":
        return f"{name} was not started: no CI platform and no local run here"
    from mlops_steps.dispatch import dispatch

    dispatch(name, inputs)
    return f"{name} was started"


def _write_next(folder: Path, pipeline: Mapping[str, object]) -> None:
    # JSON is YAML, but for some signs; written so, no value can become a key.
    text = json.dumps(pipeline, indent=2, ensure_ascii=False)
    text = _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    write_whole(folder / "next.yml", text + "\n")


def no_next_workflow(folder: Path) -> None:
    """GitLab's trigger job wants a child pipeline in every case: one that only says so."""
    if platform() == "gitlab":
        job = {"script": ["echo 'Nothing to start.'"], "timeout": "5 minutes"}
        _write_next(folder, {"nothing-to-start": job})
