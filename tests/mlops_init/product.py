"""Every combination of answers that change a pipeline's files, and every distinct file of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from tests.mlops_init.helpers import PIN

from mlops_init.answers import Answers, complete
from mlops_init.errors import UsageError
from mlops_init.pipeline import describe
from mlops_init.renderers import github, gitlab
from mlops_init.renderers.emit import Document

#: What changes a byte of a pipeline's file, and each of its kinds of value. Framework, task
#: and data change none, and a test says so.
OPTIONS: dict[str, tuple[str, ...]] = {
    "python_version": ("3.11", "3.12", "3.13", "3.14"),
    "gpu": ("none", "preferred", "required"),
    "gpu_runner": ("", "big-gpu"),
    "runner": ("", "build"),
    "github_server": ("github.com", "git.example.org"),
    "registry": ("platform", "oci:registry.example.org/models/liver", "folder:/srv/models"),
    "source_secrets": ("", "DATA_KEY,DATA_SECRET"),
    "schedule": ("on", "off"),
    "steps": ("mlops-init/mlops-init", "platform-team/steps.mirror"),
    "vendor": ("off", "on"),
    "fork_reports": ("off", "on"),
    "inference_log": ("", "data/requests.parquet"),
}
RENDERERS = {"github": github.documents, "gitlab": gitlab.documents}


def combinations() -> Iterator[Answers]:
    """All answers of the product that are allowed together."""
    for values in itertools.product(*OPTIONS.values()):
        try:
            yield complete({"name": "liver", **dict(zip(OPTIONS, values, strict=True))})
        except UsageError:
            continue


def distinct() -> dict[str, list[Document]]:
    """By path in a project, every document that some combination of answers leads to."""
    found: dict[str, dict[str, Document]] = {}
    for answers in combinations():
        workflows = describe(answers)
        for render in RENDERERS.values():
            for path, document in render(workflows, answers, PIN).items():
                found.setdefault(path, {}).setdefault(repr(document), document)
    return {path: list(documents.values()) for path, documents in found.items()}


def write(folder: Path) -> None:
    """Write each distinct file below `folder`, in a tree of its own."""
    for path, documents in distinct().items():
        for number, document in enumerate(documents):
            place = folder / f"{number:04}" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(document.text(), encoding="utf-8", newline="\n")


def written(folder: Path) -> dict[str, list[Path]]:
    """What `write` wrote, by path in a project."""
    found: dict[str, list[Path]] = {}
    for place in sorted(folder.rglob("*.yml")):
        path = place.relative_to(folder).as_posix().partition("/")[2]
        found.setdefault(path, []).append(place)
    return found
