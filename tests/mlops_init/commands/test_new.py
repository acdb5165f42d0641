"""`mlops-init new`: asked, given or read; refused in one line; told what to do next."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.mlops_init.helpers import COMMAND, PIN, call, run

from mlops_init import answers

Here = Callable[..., tuple[int, str, str]]


def test_defaults_ask_nothing(here: Here, tmp_path: Path) -> None:
    code, out, err = here("new", "tumour", "--defaults", "--pin", PIN)
    assert (code, err) == (0, "")
    kept = answers.load(tmp_path / "tumour")
    assert (kept.answers.ci, kept.answers.python_version, kept.pin) == ("both", "3.12", PIN)
    assert "files in tumour/" in out


def test_given_answers_win(here: Here, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('ci = "gitlab"\nlicence = "MIT"\n')
    options = ["--answers", "a.toml", "-c", "ci=github", "-c", "model=liver", "--pin", PIN]
    assert here("new", "tumour", *options)[0] == 0
    made = answers.load(tmp_path / "tumour").answers
    assert (made.ci, made.licence, made.model) == ("github", "MIT", "liver")


def test_a_projects_own_record_makes_the_same_project(here: Here, tmp_path: Path) -> None:
    here("new", "tumour", "--defaults", "-c", "ci=github", "-c", "gpu_runner=big", "--pin", PIN)
    record = tmp_path / "tumour" / answers.FILE_NAME
    (tmp_path / "again").mkdir()
    options = ["--answers", str(record), "--output", "again", "--pin", PIN]
    assert here("new", "tumour", *options)[0] == 0
    assert (tmp_path / "again" / "tumour" / answers.FILE_NAME).read_bytes() == record.read_bytes()


def test_the_pin_is_this_checkouts_commit(here: Here, tmp_path: Path) -> None:
    code, _, err = here("new", "tumour", "--defaults")
    pin = answers.load(tmp_path / "tumour").pin
    assert (code, len(pin)) == (0, 40)
    assert err.startswith(f"mlops-init: the steps are pinned to this checkout's {pin[:7]}")


def test_questions_on_a_terminal(tmp_path: Path) -> None:
    theirs, ours = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, "new", "tumour", "--pin", PIN],
        cwd=tmp_path,
        stdin=ours,
        stdout=ours,
        stderr=ours,
    )
    os.close(ours)
    # A wrong value is asked for again; an empty line takes the default.
    os.write(theirs, b"jenkins\ngithub\n\n\n\nliver\nMIT\n\n\nbig-gpu\n" + b"\n" * 8)
    said = b""
    try:
        while select.select([theirs], [], [], 60)[0]:
            said += os.read(theirs, 4096)
    except OSError:  # the other end is closed
        assert process.wait(60) == 0
    finally:
        process.kill()  # if it still asks
        os.close(theirs)
    assert process.wait(60) == 0
    assert b"ci: 'jenkins' is not allowed. Allowed: github, gitlab, both" in said
    assert b"[none: trains where the other jobs run]" in said
    made = answers.load(tmp_path / "tumour").answers
    assert (made.ci, made.package, made.model, made.licence) == ("github", "tumour", "liver", "MIT")
    assert (made.python_version, made.gpu_runner, made.inference_log) == ("3.12", "big-gpu", "")


def test_questions_without_answers_write_nothing(tmp_path: Path) -> None:
    found = call("new", "tumour", folder=tmp_path, stdin=subprocess.DEVNULL)
    assert found.returncode == 2
    assert "ci: nobody answers on the standard input. --defaults, or --answers" in found.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Tumour"], "name: 'Tumour' is not allowed. Allowed: lower-case letters"),
        (["a/b"], "name: 'a/b' is not allowed"),
        ([""], "name: '' is not allowed"),
        (["json"], "-c package=json_model"),
        (["tumour", "-c", "cii=github"], "unknown answer 'cii' (did you mean 'ci'?)"),
        (["tumour", "-c", "ci=jenkins"], "Allowed: github, gitlab, both"),
        (["tumour", "-c", "ci"], "-c ci: write it as -c key=value"),
        (["tumour", "-c", "name=liver"], "'liver' in the answers, 'tumour' on the command line"),
        (["tumour", "--pin", "main"], "--pin: 'main' is not a commit of 40 hexadecimal digits"),
        (["tumour", "--pin", PIN[:7]], "is not a commit of 40 hexadecimal digits"),
        (["tumour", "--output", "nowhere"], "nowhere: no such folder"),
        (["tumour", "--output", "file.txt"], "file.txt: no such folder"),
        (["tumour", "--answers", "nothing.toml"], "nothing.toml: No such file"),
        (["tumour", "--answers", "typo.toml"], "unknown answer 'licens' (did you mean 'licence'?)"),
        (["tumour", "--answers", "number.toml"], "python_version: 3.12 is not text"),
        (["tumour", "--answers", "file.txt"], "file.txt: not TOML"),
        (["full"], "full: exists and is not empty. Nothing was written"),
        (["taken"], "taken: exists and is not a folder. Nothing was written"),
        (["link"], "link: exists and is not a folder. Nothing was written"),
        (["dangling"], "dangling: exists and is not a folder. Nothing was written"),
        (["tumour", "--data", "none.csv"], "none.csv: No such file"),
        (
            ["tumour", "--data", "file.csv"],
            "--target: which column is to be told? file.csv has 'a'",
        ),
        (
            ["tumour", "--data", "file.csv", "--target", "y"],
            "target: no column 'y'. There are: 'a'",
        ),
        (["tumour", "--data", "file.csv", "-c", "target=a"], "no rows below the names"),
        (["tumour", "--data", "none.csv", "-c", "cii=x"], "unknown answer 'cii'"),
        (["full", "--data", "none.csv"], "full: exists and is not empty"),
        (["tumour", "--target", "y"], "belong to a table of your own, and data is empty"),
        (["tumour", "--answer", "x"], "No such option"),
        ([], "Missing argument 'NAME'"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_bad_input(here: Here, tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "file.txt").write_text("these are no answers")
    (tmp_path / "file.csv").write_text("a\n")
    (tmp_path / "typo.toml").write_text('licens = "MIT"\n')
    (tmp_path / "number.toml").write_text("python_version = 3.12\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    (tmp_path / "taken").write_text("mine")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    (tmp_path / "dangling").symlink_to("away")
    before = tree(tmp_path)
    code, out, err = here("new", *arguments, "--defaults")
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith("mlops-init: ")
    assert err.count("\n") == 1
    assert tree(tmp_path) == before


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path): path.read_text() if path.is_file() else "" for path in sorted(folder.rglob("*"))
    }


def test_bad_input_by_the_installed_command(tmp_path: Path) -> None:
    found = call("new", "tumour", "-c", "ci=jenkins", folder=tmp_path)
    assert found.returncode == 2
    assert found.stderr == (
        "mlops-init: ci: 'jenkins' is not allowed. Allowed: github, gitlab, both\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_filled(here: Here, tmp_path: Path) -> None:
    (tmp_path / "tumour").mkdir()
    assert here("new", "tumour", "--defaults", "--pin", PIN)[0] == 0
    assert (tmp_path / "tumour" / "mlops.yaml").is_file()


def said_under(out: str, title: str) -> list[list[str]]:
    """The rows of a part of what `new` prints, cut where there is more than one blank."""
    _, _, rest = out.partition(f"  {title}\n")
    rows = rest.partition("\n\n")[0].splitlines()
    return [re.split(r"\s{2,}", row.strip(), maxsplit=1) for row in rows]


@pytest.mark.parametrize("ci", ["github", "gitlab", "both"])
def test_the_last_words_name_what_exists(here: Here, tmp_path: Path, ci: str) -> None:
    (tmp_path / "my work").mkdir()
    options = ["--defaults", "-c", f"ci={ci}", "--pin", PIN, "--output", "my work"]
    code, out, _ = here("new", "tumour", *options)
    assert code == 0
    assert len(out.splitlines()) <= 24
    assert max(map(len, out.splitlines())) <= 110
    folder = tmp_path / shlex.split(said_under(out, "Next")[0][0])[1]
    assert int(re.findall(r"(\d+) files", out)[0]) == sum(
        path.is_file() for path in folder.rglob("*")
    )
    on_github = re.findall(r"gh workflow run (\S+) -f (\S+)=(\S+)", out)
    on_gitlab = re.findall(r"WORKFLOW=(\w+)(?: (\w+)=(\w+))?", out)
    assert bool(on_github) == (ci != "gitlab")
    assert bool(on_gitlab) == (ci != "github")
    assert ("GitHub Actions" in out) == (ci != "gitlab")
    assert ("GitLab CI" in out) == (ci != "github")
    for file, name, _ in on_github:
        # PyYAML reads the key `on` as True.
        triggers = yaml.safe_load((folder / ".github" / "workflows" / file).read_text())[True]
        assert name in triggers["workflow_dispatch"]["inputs"]
    for workflow, name, _ in on_gitlab:
        entry = yaml.safe_load((folder / ".gitlab-ci.yml").read_text())
        assert workflow in entry["variables"]["WORKFLOW"]["options"]
        file = yaml.safe_load((folder / ".gitlab" / f"{workflow}.yml").read_text())
        assert not name or name in file["variables"]


@pytest.mark.parametrize(
    ("given", "word", "words"),
    [
        ({}, "steps", "mlops-init/mlops-init, readable without credentials, with 0123456"),
        ({"steps": "ours/copy"}, "steps", "ours/copy, readable"),
        ({"vendor": "on"}, "steps", "nothing to do: .mlops/steps/"),
        ({}, "GPU_RUNNER", "a variable: your GPU runner's label; unset, it is a hosted one"),
        ({"gpu_runner": "big"}, "GPU_RUNNER", "unset, it is big"),
        ({"gpu": "required"}, "GPU_RUNNER", "a runner labelled gpu"),
        ({"gpu": "none"}, "GPU_RUNNER", "nothing to do"),
        ({}, "environments", "production, with reviewers"),
        ({}, "registry", "nothing to do: the container registry beside"),
        ({"registry": "oci:r.example.org/m"}, "registry", "MLOPS_REGISTRY_PASSWORD"),
        ({"registry": "folder:/srv/m"}, "registry", "folder:/srv/m, on a disk that your runners"),
        ({}, "all of it", "mlops-init protect"),
    ],
)
def test_what_the_first_push_needs(
    here: Here, given: dict[str, str], word: str, words: str
) -> None:
    settings = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
    code, out, err = here("new", "tumour", "--defaults", "--pin", PIN, *settings)
    assert (code, err) == (0, "")
    assert words in dict(said_under(out, "Before the first push"))[word]


def test_the_first_commands_work(here: Here, tmp_path: Path) -> None:
    _, out, _ = here("new", "tumour", "--defaults", "--pin", PIN)
    rows = [row[0] for row in said_under(out, "Next")]
    env = os.environ | {
        "HOME": str(tmp_path),
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.org",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.org",
    }
    found = run("sh", "-ec", "\n".join(rows[:2]), folder=tmp_path, env=env)
    assert found.returncode == 0, found.stderr
    status = run("git", "status", "--porcelain", "--ignored", folder=tmp_path / "tumour")
    assert status.stdout == ""
