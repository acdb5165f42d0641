"""What the train command gets, what is kept of it, and what is refused."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Any]


def share(key: str) -> float:
    """The definition of the split, written once more."""
    return int(hashlib.sha256(f"tumour-1:{key}".encode()).hexdigest()[:15], 16) / 16**15


def seen(made: Any) -> dict[str, Any]:
    """What the command of conftest.py left as its model."""
    found: dict[str, Any] = json.loads((made.folder / "out/train/model/model.json").read_text())
    return found


def all_keys(made: Any) -> list[str]:
    with (made.folder / "data" / "samples.csv").open(newline="") as stream:
        return [row["id"] for row in csv.DictReader(stream)]


@pytest.mark.parametrize(("judge", "bound"), [("test", 0.3), ("valid", 0.5)])
def test_only_rows_that_do_not_judge_reach_the_command(
    project: Make, judge: str, bound: float
) -> None:
    made = project()
    ran = made.run("train", split=judge)
    assert (ran.code, ran.verdict["status"]) == (0, "pass"), ran.text
    assert seen(made)["keys"] == [key for key in all_keys(made) if share(key) >= bound]


def test_parameters_seed_and_rows_are_recorded(project: Make) -> None:
    made = project()
    ran = made.run("train")
    assert ran.verdict["line"].startswith(f"{len(seen(made)['keys'])} rows, ")
    assert ran.verdict["line"].endswith(" s, no GPU")
    training = json.loads((made.folder / "out/train/training.json").read_text())
    assert (training["parameters"], training["seed"]) == ({"depth": 3, "name": "tree"}, 7)
    assert (seen(made)["params"], seen(made)["seed"]) == ({"depth": 3, "name": "tree"}, "7")
    assert training["data"]["rows"] + training["data"]["withheld"] == 569
    assert training["data"]["whole"] == ran.verdict["took"]["data/samples.csv"]
    assert training["commit"] == ran.verdict["commit"]
    assert training["gpus"] == []
    profile = json.loads((made.folder / "out/train/profile.json").read_text())
    assert profile["rows"] == training["data"]["rows"]
    assert set(ran.verdict["wrote"]) == {
        "out/train/model",
        "out/train/profile.json",
        "out/train/train.log",
        "out/train/training.json",
    }


def test_a_try_uses_quick_and_says_so(project: Make) -> None:
    made = project()
    ran = made.run("train", split="valid")
    assert seen(made)["params"] == {"depth": 1, "name": "tree"}
    assert ran.verdict["line"].startswith("quick, ")


def test_the_command_runs_outside_the_checkout_without_history(project: Make) -> None:
    made = project()
    made.write("untracked.csv", "id,diagnosis\n1,malignant\n")
    made.run("train")
    assert not Path(seen(made)["folder"]).is_relative_to(made.folder)
    assert set(seen(made)["files"]) == {
        ".gitignore",
        "data/samples.csv",
        "mlops.yaml",
        "requirements.txt",
        "train.py",
    }
    assert list(Path(made.env["TMPDIR"]).iterdir()) == []


def test_credentials_are_not_handed_to_the_command(project: Make) -> None:
    made = project()
    private = ["MLOPS_REGISTRY_PASSWORD", "MLOPS_TOKEN", "CI_JOB_TOKEN", "GITHUB_TOKEN"]
    made.env |= dict.fromkeys(private, "secret") | {"DATA_HOME": "kept"}
    assert made.run("train").code == 0
    assert set(private).isdisjoint(seen(made)["variables"])
    assert "DATA_HOME" in seen(made)["variables"]


def test_a_copy_of_withheld_rows_elsewhere_in_the_tree_is_refused(project: Make) -> None:
    made = project()
    text = (made.folder / "data" / "samples.csv").read_text()
    made.write("notes/backup.txt", text)
    made.commit("a copy")
    ran = made.run("train")
    assert (ran.code, ran.verdict["status"]) == (2, "undecided")
    withheld = sum(share(key) < 0.3 for key in all_keys(made))
    assert f"notes/backup.txt: holds {withheld} rows" in ran.verdict["line"]
    assert not (made.folder / "out" / "train" / "model").exists()


def test_other_tables_are_no_concern(project: Make) -> None:
    made = project()
    made.write("other.csv", "id,colour\n1,red\n2,blue\n")  # no target
    made.write("strangers.csv", "id,diagnosis\nx1,benign\nx2,benign\nx3,benign\nx4,benign\n")
    made.commit("other tables")
    assert made.run("train").code == 0


@pytest.mark.parametrize("leads_to", ["/etc/hostname", "../outside.csv"])
def test_a_link_out_of_the_project_is_refused(project: Make, leads_to: str) -> None:
    made = project()
    (made.folder.parent / "outside.csv").write_text("id,diagnosis\n")
    (made.folder / "link").symlink_to(leads_to)
    made.commit("a link")
    ran = made.run("train")
    assert ran.code == 2
    assert f"link: is a link that leads outside the project, to {leads_to}" in ran.text


def test_a_link_to_the_table_leads_to_the_rows_that_are_left(project: Make) -> None:
    made = project(
        "import os; from pathlib import Path\n"
        "assert Path('link.csv').read_bytes() == Path('data/samples.csv').read_bytes()\n"
        "Path(os.environ['MLOPS_MODEL'], 'm').write_text('x')\n"
    )
    (made.folder / "link.csv").symlink_to("data/samples.csv")
    made.commit("a link")
    ran = made.run("train")
    assert ran.code == 0, ran.text


A_FILE = "import os; m = os.environ['MLOPS_MODEL']; open(m + '/a', 'w').close()\n"


@pytest.mark.parametrize(
    ("train", "words"),
    [
        ("raise SystemExit('out of memory')", "ended with exit code 1\nout of memory"),
        ("pass", "left no file in $MLOPS_MODEL"),
        ("import os; os.mkdir(os.environ['MLOPS_MODEL'] + '/empty')", "left no file"),
        (f"{A_FILE}os.symlink('/etc/hostname', m + '/b')", "$MLOPS_MODEL/b: is neither a file"),
        (f"{A_FILE}os.mkfifo(m + '/pipe')", "$MLOPS_MODEL/pipe: is neither a file"),
    ],
)
def test_a_command_that_leaves_no_model_fails(project: Make, train: str, words: str) -> None:
    made = project(train)
    ran = made.run("train")
    assert (ran.code, ran.verdict["status"]) == (1, "fail")
    assert words in "\n".join([ran.verdict["line"], *ran.verdict["lines"]])
    assert not (made.folder / "out" / "train" / "model").exists()
    assert list(Path(made.env["TMPDIR"]).iterdir()) == []


def test_a_command_that_takes_too_long_is_ended(project: Make) -> None:
    made = project("import time; time.sleep(60)", "train: {timeout_minutes: 0.005}\n")
    ran = made.run("train")
    assert (ran.code, ran.verdict["status"]) == (1, "fail")
    assert "`python train.py` stopped after 0.3 s" in ran.verdict["line"]


def test_uncommitted_changes_are_trained_with_and_told(project: Make) -> None:
    made = project()
    (made.folder / "train.py").write_text((made.folder / "train.py").read_text() + "\n# more\n")
    ran = made.run("train")
    assert ran.code == 0
    (finding,) = ran.verdict["findings"]
    assert (finding["rule"], finding["level"]) == ("uncommitted", "warning")
    assert "train.py" in finding["message"]


def test_no_rows_left_is_undecided(project: Make) -> None:
    made = project()
    key = next(key for key in all_keys(made) if share(key) < 0.3)
    made.write("data/samples.csv", f"id,a,diagnosis\n{key},1,benign\n")
    made.commit("one row")
    ran = made.run("train")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")
    assert "no rows are left to train on" in ran.verdict["line"]


def test_without_a_checkout_nothing_is_trained(project: Make) -> None:
    made = project()
    subprocess.run(["rm", "-rf", ".git"], cwd=made.folder, check=True)
    ran = made.run("train")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided")


def test_a_place_that_another_prepared_is_not_touched(project: Make) -> None:
    made = project()
    made.run("train", split="test")
    place = Path(seen(made)["folder"]).parents[1]
    place.symlink_to(made.folder / "data")
    ran = made.run("train")
    assert (ran.code, ran.verdict["status"]) == (4, "undecided")
    assert "is not a folder of this user" in ran.verdict["line"]
    assert (made.folder / "data" / "samples.csv").exists()


def test_declaration_needs_no_package_of_the_step() -> None:
    code = "import sys; import mlops_steps.train.step; print('duckdb' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
