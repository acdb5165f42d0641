"""The answers from which a project follows: asked, given or read, checked, and kept in it."""

from __future__ import annotations

import difflib
import keyword
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from mlops_init.errors import UsageError

FILE_NAME = ".mlops-init.toml"


@dataclass(frozen=True)
class Answers:
    """One value per option, all text. The same answers give the same bytes.

    Attributes:
        name: The project, and its folder.
        ci: github, gitlab or both.
        package: The Python package.
        model: The model's name in the registry.
        licence: Of the project.
        python_version: For the project and the steps.
        gpu_runner: Label (GitHub) or tag (GitLab) of the GPU runners; empty: hosted CPU runners.
        registry: Where versions live: platform, oci:HOST/PATH or folder:PATH.
        steps: Where the steps come from: OWNER/REPOSITORY.
        inference_log: Address of the requests to watch; empty: the one the canary keeps.
    """

    name: str
    ci: str
    package: str
    model: str
    licence: str
    python_version: str
    gpu_runner: str
    registry: str
    steps: str
    inference_log: str

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms to render for."""
        return ("github", "gitlab") if self.ci == "both" else (self.ci,)


@dataclass(frozen=True)
class Option:
    """One question: how it is asked, its default, and what is allowed."""

    name: str
    prompt: str
    default: Callable[[Mapping[str, str]], str]
    choices: tuple[str, ...] = ()
    pattern: str = ""
    allowed: str = ""
    empty_means: str = ""


def _fixed(value: str) -> Callable[[Mapping[str, str]], str]:
    return lambda _answers: value


_NAME = r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*"
#: What a project imports by the names of its requirements and its own tests: a package of
#: one of these names would be imported in its place.
_IMPORTED = re.compile(
    "anyio|click|cloudpickle|colorama|conftest|h11|idna|iniconfig|joblib|narwhals|numpy|packaging|"
    "pluggy|prettytable|py|pygments|pytest|ruff|scipy|sklearn|skops|src|starlette|test|tests|"
    "threadpoolctl|typing_extensions|uvicorn|wcwidth"
)

NAME = Option(
    "name",
    "Name of the project",
    _fixed("model"),
    pattern=_NAME,
    allowed="lower-case letters, digits, single - or _ between them, a letter first, at most 50",
)
OPTIONS = (
    Option("ci", "Where will it run?", _fixed("both"), ("github", "gitlab", "both")),
    Option(
        "package",
        "Python package",
        lambda answers: answers["name"].replace("-", "_"),
        pattern=r"[a-z][a-z0-9_]{0,49}",
        allowed="lower-case letters, digits and _, a letter first, no keyword of Python, no "
        "module that a project imports",
    ),
    Option(
        "model",
        "Name of the model",
        lambda answers: answers["name"],
        pattern=_NAME,
        allowed=NAME.allowed,
    ),
    Option(
        "licence",
        "Licence",
        _fixed("Apache-2.0"),
        ("Apache-2.0", "BSD-3-Clause", "MIT", "Proprietary"),
    ),
    Option("python_version", "Python", _fixed("3.12"), ("3.11", "3.12", "3.13", "3.14")),
    Option(
        "gpu_runner",
        "GPU runner label",
        _fixed(""),
        pattern=r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}",
        allowed="letters, digits, . _ -",
        empty_means="none: hosted CPU runners",
    ),
    Option(
        "registry",
        "Model registry",
        _fixed("platform"),
        pattern=r"platform|folder:/[\w./@%+=,~-]+|oci:[a-z0-9.-]+(?::\d+)?(?:/[a-z0-9._-]+)+",
        allowed="platform, oci:HOST/PATH or folder:/PATH",
    ),
    Option(
        "steps",
        "Where the steps come from",
        _fixed("mlops-init/mlops-init"),
        pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)+",
        allowed="OWNER/REPOSITORY",
    ),
    Option(
        "inference_log",
        "Inference log to watch",
        _fixed(""),
        pattern=r"(?!.*\.\.)[A-Za-z0-9][\w./@%+=,~-]*",
        allowed="a path in the project",
        empty_means="the one that the canary keeps",
    ),
)


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
            raise UsageError(f"unknown answer {key!r}{hint}. Known: {', '.join(known)}")
    answers: dict[str, str] = {}
    for option in (NAME, *OPTIONS):
        default = option.default(answers)
        if option.name in given:
            value = given[option.name]
        else:
            value = ask(option, default) if ask and option is not NAME else default
        answers[option.name] = check(option, value)
    made = Answers(**answers)
    if "github" in made.platforms and made.steps.count("/") > 1:
        raise UsageError(
            f"steps: {made.steps!r} is not allowed. Allowed: OWNER/REPOSITORY; groups within "
            "groups with ci=gitlab only"
        )
    return made


def check(option: Option, value: str) -> str:
    """The value, if it is allowed.

    Raises:
        UsageError: It is not.
    """
    if option.empty_means and not value:
        return value
    if option.choices:
        if value not in option.choices:
            raise UsageError(
                f"{option.name}: {value!r} is not allowed. Allowed: {', '.join(option.choices)}"
            )
    elif option.name == "package" and _means_another(value):
        raise UsageError(
            f"package: {value!r} would hide the module of that name, or is a word of Python. "
            f"Allowed: any other, for example -c package={value}_model"
        )
    elif len(value) > 200 or not re.fullmatch(option.pattern, value) or _too_long(option, value):
        raise UsageError(f"{option.name}: {value!r} is not allowed. Allowed: {option.allowed}")
    return value


def _means_another(package: str) -> bool:
    return (
        keyword.iskeyword(package)
        or package in sys.stdlib_module_names
        or _IMPORTED.fullmatch(package) is not None
    )


def _too_long(option: Option, value: str) -> bool:
    return option.name in {"name", "model"} and len(value) > 50


def read_file(path: Path) -> dict[str, str]:
    """Answers from a TOML file: a project's own, or one with the answers at its top level.

    Raises:
        UsageError: Missing, not TOML, or a value that is not text.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    answers = content.get("answers", content)
    if not isinstance(answers, dict):
        raise UsageError(f"{path}: [answers] is not a table")
    beside = set(content) - {"answers", "version", "pin", "files"}
    if "answers" in content and beside:
        raise UsageError(f"{path}: {min(beside)!r} stands outside of [answers]")
    for key, value in answers.items():
        if isinstance(value, dict):
            raise UsageError(f"{path}: unknown table [{key}]. Known: [answers]")
        if not isinstance(value, str):
            raise UsageError(f"{path}: {key}: {value!r} is not text; write it in quotes")
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
        raise UsageError(f"{path}: pin: {pin!r} is not a commit of 40 hexadecimal digits")
    return Kept(complete(answers), str(pin), str(version), dict(files))
