"""The questions: how each is asked, its default, and which answers are allowed."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlops_init.errors import UsageError, shown
from mlops_steps.data.sources.address import VARIABLE


@dataclass(frozen=True)
class Option:
    """One question: how it is asked, its default, and what is allowed.

    What is not `asked` is given by an option or follows from others.
    """

    name: str
    prompt: str
    default: Callable[[Mapping[str, str]], str]
    choices: tuple[str, ...] = ()
    pattern: str = ""
    allowed: str = ""
    empty_means: str = ""
    asked: bool = True


def _fixed(value: str) -> Callable[[Mapping[str, str]], str]:
    return lambda _answers: value


def _column(name: str, prompt: str) -> Option:
    return Option(
        name,
        prompt,
        _fixed(""),
        pattern=r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}",
        allowed="up to 200 characters, none of them a control character",
        empty_means="told by the table",
        asked=False,
    )


_LABEL = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_NAME = r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*"
#: What a project, of whatever framework, imports by the names of its requirements and its own
#: tests: a package of one of these names would be imported in its place.
_IMPORTED = re.compile(
    "absl|absl_py|anyio|astunparse|certifi|charset_normalizer|clang|click|cloudpickle|colorama|"
    "conftest|cuda|cuda_bindings|cuda_pathfinder|cuda_toolkit|filelock|flatbuffers|fsspec|"
    "functorch|gast|google|google_pasta|grpc|grpcio|h11|h5py|idna|iniconfig|isympy|jinja2|"
    "joblib|keras|libclang|markdown_it|markdown_it_py|markupsafe|mdurl|ml_dtypes|mpmath|namex|"
    r"narwhals|networkx|numpy|nvidia|nvidia_\w+|opt_einsum|optree|packaging|pasta|pillow|"
    "pkg_resources|pluggy|prettytable|protobuf|py|pygments|pytest|requests|rich|ruff|safetensors|scipy|setuptools|"
    "six|sklearn|skops|src|starlette|sympy|tensorflow|termcolor|test|tests|threadpoolctl|torch|"
    "torchgen|triton|typing_extensions|urllib3|uvicorn|wcwidth|wheel|wrapt|xgboost"
)

NAME = Option(
    "name",
    "Name of the project",
    _fixed("model"),
    pattern=_NAME,
    allowed="lower-case letters, digits, single - or _ between them, a letter first, at most 50",
    asked=False,
)
OPTIONS = (
    Option("ci", "Where will it run?", _fixed("both"), ("github", "gitlab", "both")),
    Option(
        "framework",
        "Framework",
        _fixed("scikit-learn"),
        ("scikit-learn", "xgboost", "pytorch", "tensorflow"),
    ),
    Option("task", "Task", _fixed("binary"), ("binary", "multiclass", "regression", "images")),
    Option(
        "data",
        "Your own table",
        _fixed(""),
        pattern=r"[A-Za-z0-9][\w.-]{0,99}\.(csv|jsonl)",
        allowed="the name of a .csv or .jsonl file",
        empty_means="none: an example",
        asked=False,
    ),
    _column("key", "Column that names a row"),
    _column("target", "Column to be told"),
    _column("positive", "Value that counts as positive"),
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
    Option("gpu", "GPU for training", _fixed("preferred"), ("none", "preferred", "required")),
    Option(
        "gpu_runner",
        "GPU runner label",
        lambda answers: "gpu" if answers["gpu"] == "required" else "",
        pattern=_LABEL,
        allowed="letters, digits, . _ -",
        empty_means="none: trains where the other jobs run",
    ),
    Option(
        "github_server",
        "GitHub server",
        _fixed("github.com"),
        pattern=r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+",
        allowed="github.com, or the host name of a GitHub Enterprise Server",
    ),
    Option(
        "runner",
        "Runner label of all jobs",
        lambda answers: "" if answers["github_server"] == "github.com" else "self-hosted",
        pattern=_LABEL,
        allowed="letters, digits, . _ -",
        empty_means="none: the platform's own runners",
    ),
    Option(
        "registry",
        "Model registry",
        _fixed("platform"),
        pattern=r"platform|folder:/[\w./@%+=,~-]+|oci:[a-z0-9.-]+(?::\d+)?(?:/[a-z0-9._-]+)+",
        allowed="platform, oci:HOST/PATH or folder:/PATH",
    ),
    Option(
        "source_secrets",
        "Secrets of the data's source",
        _fixed(""),
        pattern=f"{VARIABLE}(?:,{VARIABLE}){{0,5}}",
        allowed="names of secrets, as in DATA_KEY,DATA_SECRET; none of a platform or of the steps",
        empty_means="none: nobody signs in to read the data",
        asked=False,
    ),
    Option("schedule", "Start by the clock", _fixed("on"), ("on", "off")),
    Option(
        "steps",
        "Where the steps come from",
        _fixed("mlops-init/mlops-init"),
        pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)+",
        allowed="OWNER/REPOSITORY",
    ),
    Option("vendor", "Copy the steps into it", _fixed("off"), ("off", "on")),
    Option("fork_reports", "Comment on forks' changes", _fixed("off"), ("off", "on")),
    Option(
        "inference_log",
        "Inference log to watch",
        _fixed(""),
        pattern=r"(?!.*\.\.)[A-Za-z0-9][\w./@%+=,~-]*",
        allowed="a path in the project",
        empty_means="the one that the canary keeps",
    ),
)


def check(option: Option, value: str) -> str:
    """The value, if it is allowed.

    Raises:
        UsageError: It is not.
    """
    if option.empty_means and not value:
        return value
    if option.choices:
        if value not in option.choices:
            allowed = ", ".join(option.choices)
            raise UsageError(f"{option.name}: {shown(value)} is not allowed. Allowed: {allowed}")
    elif option.name == "package" and _means_another(value):
        raise UsageError(
            f"package: {shown(value)} would hide the module of that name, or is a word of Python. "
            f"Allowed: any other, for example -c package={value}_model"
        )
    elif len(value) > 200 or not re.fullmatch(option.pattern, value) or _too_long(option, value):
        raise UsageError(f"{option.name}: {shown(value)} is not allowed. Allowed: {option.allowed}")
    return value


def _means_another(package: str) -> bool:
    return (
        keyword.iskeyword(package)
        or package in sys.stdlib_module_names
        or _IMPORTED.fullmatch(package) is not None
    )


def _too_long(option: Option, value: str) -> bool:
    return option.name in {"name", "model"} and len(value) > 50
