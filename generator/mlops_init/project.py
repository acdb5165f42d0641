"""A project's files from its answers, and a folder that appears whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import asdict
from importlib import resources
from pathlib import Path

from mlops_init import answers as answers_
from mlops_init import version
from mlops_init.answers import Answers, Kept
from mlops_init.datasets import Dataset, Source, code, demo, quoted
from mlops_init.errors import DescriptionError, UsageError
from mlops_init.pipeline import describe
from mlops_init.renderers import doors, github, gitlab
from mlops_init.soundness import problems

RENDERERS = {"github": github.render, "gitlab": gitlab.render}
#: What only one platform reads.
ONLY = {"github": (".github",), "gitlab": (".gitlab", "renovate.json")}


def template_folder() -> Path:
    """Where the cookiecutter template lies: in the wheel, or in a checkout."""
    installed = Path(str(resources.files("mlops_init"))) / "template"
    if installed.is_dir():
        return installed
    return Path(__file__).resolve().parents[2] / "templates" / "project"


def overlay_folder() -> Path:
    """Where the templates of one framework each lie: in the wheel, or in a checkout."""
    installed = Path(str(resources.files("mlops_init"))) / "frameworks"
    if installed.is_dir():
        return installed
    return Path(__file__).resolve().parents[2] / "templates" / "frameworks"


def overlays(answers: Answers) -> list[str]:
    """The folders of `overlay_folder` that are laid over the template, in this order."""
    names = [answers.framework]
    if answers.task == "images":
        names.append(f"{answers.framework}-images")
    if answers.framework == "tensorflow" and answers.gpu != "none":
        # Its package brings no CUDA, as those of the others do, unless it is asked to.
        names.append("tensorflow-cuda")
    return names


def ci_files(answers: Answers, pin: str) -> dict[str, str]:
    """The pipeline's files on the chosen platforms: text by path."""
    workflows = describe(answers)
    steps = {step.name: step for step in doors.declarations()}
    unsound = problems(workflows, steps)
    if unsound:
        raise DescriptionError("; ".join(unsound))
    files: dict[str, str] = {}
    for platform in answers.platforms:
        files |= RENDERERS[platform](workflows, answers, pin)
    return files


def create(answers: Answers, pin: str, parent: Path, source: Source | None = None) -> Path:
    """Write the project into `parent`, complete or not at all; returns its folder.

    Args:
        answers: What the project follows from.
        pin: The commit of the steps.
        parent: An existing folder.
        source: The user's own data; None for the task's demonstration.

    Raises:
        UsageError: The folder exists and is not empty, or cannot be written.
    """
    source = source or demo.source(answers.task)
    target = parent / answers.name
    check_free(target)
    try:
        _write(answers, pin, target, source)
    except OSError as error:
        words = error.strerror or str(error)
        raise UsageError(f"{target}: cannot be written: {words}. Nothing was written") from None
    return target


def check_free(target: Path) -> None:
    """A project's folder is new, or empty.

    Raises:
        UsageError: It is there, and is something else.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(f"{target}: exists and is not a folder. Nothing was written")
    if target.is_dir() and any(target.iterdir()):
        raise UsageError(f"{target}: exists and is not empty. Nothing was written")


def _write(answers: Answers, pin: str, target: Path, source: Source) -> None:
    # Beside its place: a move within one file system happens at once or not at all.
    with tempfile.TemporaryDirectory(prefix=f".{answers.name}.", dir=target.parent) as scratch:
        folder = Path(scratch) / answers.name
        render(answers, source.dataset, Path(scratch))
        (folder / "data").mkdir(exist_ok=True)
        source.write(folder / "data")
        for name, text in ci_files(answers, pin).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        if answers.vendor == "on":
            steps = (folder / doors.VENDORED).parent
            shutil.copytree(doors.PACKAGE, steps, ignore=shutil.ignore_patterns("__pycache__"))
        kept = Kept(answers, pin, version.version(), digests(folder))
        record = folder / answers_.FILE_NAME
        record.write_text(answers_.keep(kept), encoding="utf-8", newline="\n")
        if target.is_dir():
            target.rmdir()
        folder.rename(target)


def render(answers: Answers, dataset: Dataset, parent: Path) -> None:
    """Write the template's files, and those of the framework, into `parent`."""
    from cookiecutter.generate import generate_context, generate_files

    template = template_folder()
    context = generate_context(str(template / "cookiecutter.json"), asdict(answers))
    # Where a default of the template is a list, our answer is the choice.
    context["cookiecutter"] |= asdict(answers)
    # Templates say `{{ quoted(dataset.key) }}`, in YAML and in Python, and in Markdown
    # `{{ code(dataset.key) }}`: a column has any name.
    context |= {"dataset": dataset, "quoted": quoted, "code": code}
    for folder in (template, *(overlay_folder() / name for name in overlays(answers))):
        generate_files(
            repo_dir=str(folder),
            context=context,
            output_dir=str(parent),
            overwrite_if_exists=True,
        )
    # pip compiles what it installs, templates too: no file of the project's own.
    for cache in [*(parent / answers.name).rglob("__pycache__")]:
        shutil.rmtree(cache)
    for platform, names in ONLY.items():
        if platform not in answers.platforms:
            for name in names:
                path = parent / answers.name / name
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file, by path with forward slashes, sorted."""
    # Names are sorted as text: paths compare otherwise on Windows.
    names = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    return {name: _digest(folder / name) for name in names}


def _digest(path: Path) -> str:
    with path.open("rb") as stream:  # a table may not fit into memory
        return hashlib.file_digest(stream, "sha256").hexdigest()


def edited(folder: Path, kept: Kept) -> list[str]:
    """The pipeline's files that no longer read as they were written."""
    changed = []
    for name in ci_files(kept.answers, kept.pin):
        path = folder / name
        written = kept.files.get(name)
        now = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        if now != written:
            changed.append(name)
    return changed
