"""A project appears whole or not at all, always with the same bytes, and knows its own files."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.mlops_init.helpers import (
    COMMAND,
    PIN,
    VARIANTS,
    answers_of,
    call,
    ci_paths,
    files,
    render_all,
)

from mlops_init import answers, project, version

NEW = ("new", "tumour", "--defaults", "--pin", PIN)


def test_the_same_answers_give_the_same_bytes(projects: dict[str, Path], tmp_path: Path) -> None:
    for name, folder in render_all(tmp_path).items():
        assert files(folder) == files(projects[name])


def test_the_same_bytes_wherever_it_runs(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "an other"
    for each in (one, other):
        each.mkdir()
    home = tmp_path / "home"
    home.mkdir()
    # A user's own settings of cookiecutter are no answers.
    (home / ".cookiecutterrc").write_text("default_context: {licence: MIT, package: stranger}\n")
    odd = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TZ": "Pacific/Kiritimati",
        "LANG": "tr_TR.ISO-8859-9",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONHASHSEED": "7",
        "COOKIECUTTER_CONFIG": str(home / ".cookiecutterrc"),
        "SOURCE_DATE_EPOCH": "1",
    }
    assert call(*NEW, folder=one, umask=0o022).returncode == 0
    found = call(*NEW, folder=other, env=odd, umask=0o077)
    assert found.returncode == 0, found.stderr
    assert files(one) == files(other)
    assert b"\r" not in b"".join(files(one).values())


def test_a_project_knows_its_files(projects: dict[str, Path]) -> None:
    for name, folder in projects.items():
        kept = answers.load(folder)
        assert kept.answers == answers_of(name)
        assert (kept.pin, kept.version) == (PIN, version.version())
        written = files(folder)
        del written[answers.FILE_NAME]
        assert kept.files == {
            path: hashlib.sha256(content).hexdigest() for path, content in written.items()
        }
        assert list(kept.files) == sorted(kept.files)
        assert project.edited(folder, kept) == []


def test_what_was_edited_by_hand_is_told(tmp_path: Path) -> None:
    folder = project.create(answers_of("both-plain"), PIN, tmp_path)
    kept = answers.load(folder)
    with (folder / ".github" / "workflows" / "ct.yml").open("a") as stream:
        stream.write("# mine\n")
    (folder / ".gitlab" / "cd.yml").unlink()
    (folder / "README.md").write_text("mine")
    assert project.edited(folder, kept) == [".github/workflows/ct.yml", ".gitlab/cd.yml"]


def test_the_platforms_asked_for_and_no_other(projects: dict[str, Path]) -> None:
    names = ("cd", "ci", "ct", "monitor")
    github = {f".github/workflows/{name}.yml" for name in names}
    gitlab = {f".gitlab/{name}.yml" for name in names} | {".gitlab-ci.yml"}
    for variant, folder in projects.items():
        ci = VARIANTS[variant]["ci"]
        expected = (github if ci != "gitlab" else set()) | (gitlab if ci != "github" else set())
        assert {path.relative_to(folder).as_posix() for path in ci_paths(folder)} == expected
        assert (folder / ".github" / "dependabot.yml").exists() == (ci != "gitlab")
        assert (folder / "renovate.json").exists() == (ci != "github")
        assert (folder / ".github").exists() == (ci != "gitlab")
        assert (folder / ".gitlab").exists() == (ci != "github")


def small_files_only() -> None:
    """None of more than 40 kB can be written; the samples have 120."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    found = call(*NEW, folder=tmp_path, preexec_fn=small_files_only)
    assert found.returncode == 2
    assert found.stderr == (
        "mlops-init: tumour: cannot be written: File too large. Nothing was written\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_an_empty_folder_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "tumour").mkdir()
    assert call(*NEW, folder=tmp_path, preexec_fn=small_files_only).returncode == 2
    assert [path.name for path in tmp_path.rglob("*")] == ["tumour"]


def stopped_while_rendering(folder: Path) -> subprocess.Popen[str]:
    """The command, halted between its first file and its last.

    What was started in the background of a shell ignores Ctrl-C, and so would its children;
    from a handler, they return to the default.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for _ in range(20):
        process = subprocess.Popen(
            [COMMAND, *NEW], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        while process.poll() is None and not any(folder.glob(".tumour.*/tumour/*")):
            time.sleep(0.001)
        process.send_signal(signal.SIGSTOP)
        if any(folder.glob(".tumour.*/tumour/*")) and not (folder / "tumour").exists():
            return process
        process.kill()
        process.communicate()
        for path in folder.iterdir():
            subprocess.run(["rm", "-r", path], check=True)
    pytest.fail("it was never caught while it wrote")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "term"]
)
def test_stopped_half_way_it_clears_up(tmp_path: Path, number: int, code: int) -> None:
    process = stopped_while_rendering(tmp_path)
    process.send_signal(number)
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_killed_half_way_there_is_no_project_and_the_next_one_is_whole(tmp_path: Path) -> None:
    process = stopped_while_rendering(tmp_path)
    process.kill()
    process.communicate(timeout=60)
    assert not (tmp_path / "tumour").exists()
    assert call(*NEW, folder=tmp_path).returncode == 0
    assert project.edited(tmp_path / "tumour", answers.load(tmp_path / "tumour")) == []
