"""The answers from which a project follows: asked, given or read, checked, and kept in it."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from mlops_init.errors import UsageError, shown
from mlops_init.questions import NAME, OPTIONS, Option, check

FILE_NAME = ".mlops-init.toml"
#: Bytes of such a file, which holds a line for each file of a project.
LARGEST = 10_000_000


@dataclass(frozen=True)
class Answers:
    """One value per option, all text. The same answers give the same bytes.

    Attributes:
        name: The project, and its folder.
        ci: github, gitlab or both.
        framework: What the model is made with.
        task: What it tells: one of two values, one of several, a number; or what an image shows.
        data: The user's own table, by its name below data/; empty: the task's example.
        key: Its column that names a row.
        target: Its column to be told.
        positive: The value that counts as positive, where there are two.
        package: The Python package.
        model: The model's name in the registry.
        licence: Of the project.
        python_version: For the project and the steps.
        gpu: Whether training asks for a GPU: none, preferred (else the CPU) or required.
        gpu_runner: Label (GitHub) or tag (GitLab) of the GPU runners; empty: as all jobs.
        runner: Label or tag of the runners of all jobs; empty: the platform's own.
        github_server: github.com, or the host of a GitHub Enterprise Server.
        registry: Where versions live: platform, oci:HOST/PATH or folder:PATH.
        source_secrets: Names of the secrets with which the data's source is read, with commas.
        schedule: Whether workflows start by the clock: on or off.
        steps: Where the steps come from: OWNER/REPOSITORY.
        vendor: Whether the project holds a copy of the steps instead: on or off.
        fork_reports: Whether a workflow comments on pull requests from forks: on or off.
        inference_log: Address of the requests to watch; empty: the one the canary keeps.
    """

    name: str
    ci: str
    framework: str
    task: str
    data: str
    key: str
    target: str
    positive: str
    package: str
    model: str
    licence: str
    python_version: str
    gpu: str
    gpu_runner: str
    runner: str
    github_server: str
    registry: str
    source_secrets: str
    schedule: str
    steps: str
    vendor: str
    fork_reports: str
    inference_log: str

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms to render for."""
        return ("github", "gitlab") if self.ci == "both" else (self.ci,)

    @property
    def source_variables(self) -> tuple[str, ...]:
        """The names in `source_secrets`."""
        return tuple(filter(None, self.source_secrets.split(",")))


def complete(given: Mapping[str, str], ask: Callable[[Option, str], str] | None = None) -> Answers:
    """Answers from what was given, the rest asked or by default.

    Args:
        given: Values by option name.
        ask: Called with an option and its default; None to take the defaults.

    Raises:
        UsageError: An unknown option or a value that is not allowed, with what is.
    """
    known = [NAME.name, *(option.name for option in OPTIONS)]
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise UsageError(f"unknown answer {shown(key)}{hint}. Known: {', '.join(known)}")
    answers: dict[str, str] = {}
    for option in (NAME, *OPTIONS):
        default = option.default(answers)
        if option.name in given:
            value = given[option.name]
        else:
            value = ask(option, default) if ask and option.asked else default
        answers[option.name] = check(option, value)
    made = Answers(**answers)
    _check_together(made)
    return made


def _check_together(made: Answers) -> None:
    """Refuse answers that are allowed one by one, and contradict each other."""
    github = "github" in made.platforms
    enterprise = github and made.github_server != "github.com"
    problem = _about_framework(made)
    if problem:
        raise UsageError(problem)
    if github and made.steps.count("/") > 1:
        problem = (
            f"steps: {made.steps!r} is not allowed. Allowed: OWNER/REPOSITORY; groups within "
            "groups with ci=gitlab only"
        )
    elif made.data and made.task == "images":
        problem = "data: a table of your own is not allowed with task=images"
    elif made.data and not (made.key and made.target):
        problem = "data: needs key and target, the names of two of its columns"
    elif not made.data and (made.key or made.target or made.positive):
        problem = "key, target and positive belong to a table of your own, and data is empty"
    elif made.gpu == "none" and made.gpu_runner:
        problem = f"gpu_runner: {made.gpu_runner!r} is not allowed. Allowed: none with gpu=none"
    elif made.gpu == "required" and not made.gpu_runner:
        problem = "gpu_runner: '' is not allowed. Allowed: a label, since gpu=required"
    elif enterprise and made.registry == "platform":
        problem = (
            "registry: 'platform' is not allowed. Allowed: oci:HOST/PATH or folder:/PATH on "
            f"{made.github_server}, which has no container registry that is known here"
        )
    elif enterprise and not made.runner:
        problem = f"runner: '' is not allowed. Allowed: a label, on {made.github_server}"
    elif made.fork_reports == "on" and not github:
        problem = "fork_reports: 'on' is not allowed. Allowed: with a pipeline for GitHub only"
    if problem:
        raise UsageError(problem)


def _about_framework(made: Answers) -> str:
    """What the framework cannot do; empty if there is nothing."""
    if made.task == "images" and made.framework != "pytorch":
        return "task: 'images' is not allowed. Allowed: with framework=pytorch only"
    if made.framework == "tensorflow" and made.python_version == "3.14":
        return (
            "python_version: '3.14' is not allowed. Allowed: 3.11, 3.12, 3.13 with "
            "framework=tensorflow, which is not published for it"
        )
    return ""


def read_file(path: Path) -> dict[str, str]:
    """Answers from a TOML file: a project's own, or one with the answers at its top level.

    Raises:
        UsageError: Missing, not TOML, or a value that is not text.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise UsageError(f"{path}: larger than {LARGEST:,} bytes, so no file of answers")
        content = tomllib.loads(text.decode())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    except RecursionError:
        raise UsageError(f"{path}: not TOML: nested too deeply") from None
    except ValueError as error:  # also of a number with thousands of digits
        raise UsageError(f"{path}: not TOML: {error}") from None
    answers = content.get("answers", content)
    if not isinstance(answers, dict):
        raise UsageError(f"{path}: [answers] is not a table")
    beside = set(content) - {"answers", "version", "pin", "files"}
    if "answers" in content and beside:
        raise UsageError(f"{path}: {shown(min(beside))} stands outside of [answers]")
    for key, value in answers.items():
        if isinstance(value, dict):
            raise UsageError(f"{path}: unknown table [{shown(key)[1:-1]}]. Known: [answers]")
        if not isinstance(value, str):
            raise UsageError(
                f"{path}: {shown(key)[1:-1]}: {shown(value)} is not text; write it in quotes"
            )
    return answers


@dataclass(frozen=True)
class Kept:
    """What a project remembers of its making.

    Attributes:
        answers: As given.
        pin: The commit of the steps, 40 hexadecimal digits.
        version: Of the generator.
        files: SHA-256 of every file as written, by path.
    """

    answers: Answers
    pin: str
    version: str
    files: dict[str, str]


def keep(kept: Kept) -> str:
    """The text of `.mlops-init.toml`."""
    import tomli_w

    body = {
        "version": kept.version,
        "pin": kept.pin,
        "answers": asdict(kept.answers),
        "files": kept.files,
    }
    head = "# Written by mlops-init: how this project was made. `mlops-init run` reads it.\n"
    return head + tomli_w.dumps(body)


def load(folder: Path) -> Kept:
    """What the project in `folder` remembers.

    Raises:
        UsageError: It is no generated project, or the file was spoilt.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise UsageError(
            f"{FILE_NAME}: not found in {folder}. Run this in a project made by `mlops-init new`"
        )
    answers = read_file(path)
    missing = [each.name for each in fields(Answers) if each.name not in answers]
    if missing:
        raise UsageError(f"{path}: [answers] lacks {', '.join(missing)}")
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        pin, version, files = content["pin"], content["version"], content["files"]
    except KeyError as error:
        raise UsageError(f"{path}: lacks {error.args[0]}") from None
    if not re.fullmatch(r"[0-9a-f]{40}", str(pin)):
        raise UsageError(f"{path}: pin: {shown(pin)} is not a commit of 40 hexadecimal digits")
    if not isinstance(files, dict):
        raise UsageError(f"{path}: files: {shown(files)} is not a table of digests")
    return Kept(complete(answers), str(pin), str(version), files)
