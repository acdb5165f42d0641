"""Only the files of the rows that may be trained on reach the command, and that is proved."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.mlops_steps import tasks

from mlops_steps import config
from mlops_steps.errors import ConfigError, UndecidedError
from mlops_steps.train.leaks import prove_files


def share(key: int) -> float:
    """The definition of the split, written once more."""
    return int(hashlib.sha256(f"s:{key}".encode()).hexdigest()[:15], 16) / 16**15


@pytest.fixture
def shapes(sample: Callable[..., Any]) -> Any:
    return tasks.shapes(sample, rows=60)


def seen(made: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((made.folder / "out/train/model/model.json").read_text())
    return found


@pytest.mark.parametrize(("judge", "bound"), [("test", 0.4), ("valid", 0.6)])
def test_only_files_of_its_own_rows_reach_the_command(
    shapes: Any, judge: str, bound: float
) -> None:
    ran = shapes.run("train", split=judge)
    assert (ran.code, ran.verdict["status"]) == (0, "pass"), ran.text
    wanted = sorted(f"images/{number}.img" for number in range(60) if share(number) >= bound)
    assert seen(shapes)["images"] == wanted
    assert seen(shapes)["files"] == [f"data/{name}" for name in wanted]
    training = json.loads((shapes.folder / "out/train/training.json").read_text())
    assert training["data"]["files"] == len(wanted)
    assert ran.verdict["took"]["data/manifest.csv#image"].startswith("sha256:")
    profile = json.loads((shapes.folder / "out/train/profile.json").read_text())
    assert (profile["rows"], profile["columns"]) == (len(wanted), {})


def test_files_that_git_does_not_track_are_handed_over_too(shapes: Any) -> None:
    shapes.write(".gitignore", "out/\ndata/images/\n")
    for command in (["rm", "-rq", "--cached", "data/images"], ["commit", "-qam", "untracked"]):
        git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", *command]
        subprocess.run(git, cwd=shapes.folder, check=True)
    assert shapes.run("train").code == 0
    assert len(seen(shapes)["files"]) == sum(share(number) >= 0.4 for number in range(60))


@pytest.mark.parametrize("name", ["notes/copy.bin", "data/images/1000.img"])
def test_a_copy_of_a_withheld_file_elsewhere_is_refused(shapes: Any, name: str) -> None:
    hidden = next(number for number in range(60) if share(number) < 0.4)
    shapes.write(name, (shapes.folder / f"data/images/{hidden}.img").read_text())
    shapes.commit("a copy")
    ran = shapes.run("train")
    assert (ran.code, ran.verdict["status"]) == (2, "undecided"), ran.text
    assert f"{name}: has the content of data/images/{hidden}.img" in ran.verdict["line"]
    assert not (shapes.folder / "out/train/model").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/etc/hostname", "'/etc/hostname' leads out of the manifest's folder"),
        ("../train.py", "'../train.py' leads out of the manifest's folder"),
        ("images/none.img", "'images/none.img' is not there"),
        ("images/link.img", "'images/link.img' is, or lies behind, a link"),
        ("manifest.csv", "'manifest.csv' is the manifest itself"),
        ("images/HIDDEN.img", "withheld name the same file: 'data/images/HIDDEN.img'"),
    ],
)
def test_what_may_not_be_named_is_refused_before_anything_runs(
    shapes: Any, name: str, words: str
) -> None:
    visible = next(number for number in range(60) if share(number) >= 0.4)
    hidden = str(next(number for number in range(60) if share(number) < 0.4))
    name, words = name.replace("HIDDEN", hidden), words.replace("HIDDEN", hidden)
    manifest = shapes.folder / "data/manifest.csv"
    text = manifest.read_text()
    assert f"{visible},images/{visible}.img," in text
    manifest.write_text(text.replace(f"{visible},images/{visible}.img,", f"{visible},{name},"))
    (shapes.folder / "data/images/link.img").symlink_to("/etc/hostname")
    ran = shapes.run("train")
    assert (ran.code, ran.verdict["status"]) == (3, "undecided"), ran.text
    assert words in ran.verdict["line"]
    assert not (shapes.folder / "out/train/train.log").exists()


@pytest.fixture
def tree(shapes: Any, tmp_path: Path) -> Path:
    """A tree as it has to be when `test` judges."""
    lines = ["id,image,shape"]
    for number in range(60):
        if share(number) >= 0.4:
            source = shapes.folder / f"data/images/{number}.img"
            copy = tmp_path / f"tree/data/images/{number}.img"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
            lines.append(f"{number},images/{number}.img,star")
    (tmp_path / "tree/data/manifest.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "tree"


def proved(shapes: Any, tree: Path, judge: str = "test") -> dict[str, str]:
    table = config.load(shapes.folder).table
    return prove_files(shapes.folder, tree, table, judge=judge)


def test_the_proof_knows_every_file(shapes: Any, tree: Path) -> None:
    assert len(proved(shapes, tree)) == 60


def test_the_proof_finds_each_planted_file(shapes: Any, tree: Path) -> None:
    hidden = next(number for number in range(60) if share(number) < 0.4)
    whole = (shapes.folder / f"data/images/{hidden}.img").read_bytes()
    with pytest.raises(UndecidedError, match="the file of a withheld row is in the training tree"):
        proved(shapes, tree, judge="valid")

    planted = tree / f"data/images/{hidden}.img"
    planted.write_bytes(b"under its own name, whatever is in it")
    with pytest.raises(UndecidedError, match=f"{hidden}.img: the file of a withheld row"):
        proved(shapes, tree)
    planted.unlink()
    planted.symlink_to("nowhere")
    with pytest.raises(UndecidedError, match="the file of a withheld row"):
        proved(shapes, tree)
    planted.unlink()

    (tree / "deep/er").mkdir(parents=True)
    (tree / "deep/er/cache").write_bytes(whole)
    with pytest.raises(ConfigError, match=f"deep/er/cache: has the content of .*/{hidden}.img"):
        proved(shapes, tree)
    (tree / "deep/er/cache").unlink()

    visible = next(number for number in range(60) if share(number) >= 0.4)
    (tree / f"data/images/{visible}.img").write_bytes(b"another")
    with pytest.raises(UndecidedError, match="a file in the training tree is not the project's"):
        proved(shapes, tree)
    (tree / f"data/images/{visible}.img").unlink()
    with pytest.raises(UndecidedError, match="No such file"):
        proved(shapes, tree)
