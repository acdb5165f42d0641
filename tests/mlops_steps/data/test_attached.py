"""The files of a manifest's rows: each on one side, and none from outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlops_steps.config import Split, TableInput
from mlops_steps.data.attached import attached, copy_files, digest_of_all, digests
from mlops_steps.errors import UndecidedError
from mlops_steps.train.leaks import withheld

SPLIT = Split(by="hash", salt="s", test=0.3, valid=0.2)
TABLE = TableInput(
    path="data/manifest.csv",
    key="id",
    target="y",
    split=SPLIT,
    contract="c",
    kind="files",
    file="image",
)
KEYS = [str(number) for number in range(60)]
SEEN = [key for key in KEYS if not withheld(key, SPLIT, "test")]
HIDDEN = [key for key in KEYS if withheld(key, SPLIT, "test")]


def write(root: Path, names: dict[str, str]) -> None:
    """A manifest, in which some rows name what they are told to, and the files of the others."""
    (root / "data/images").mkdir(parents=True, exist_ok=True)
    lines = ["id,image,y"]
    for key in KEYS:
        (root / f"data/images/{key}.png").write_bytes(key.encode())
        lines.append(f"{key},{names.get(key, f'images/{key}.png')},1")
    (root / "data/manifest.csv").write_text("\n".join(lines) + "\n")


def test_each_file_is_on_the_side_of_its_row(tmp_path: Path) -> None:
    write(tmp_path, {SEEN[0]: f"./images//{SEEN[0]}.png"})
    found = attached(tmp_path, TABLE, splits=["train", "valid"])
    assert found.given == tuple(sorted(f"data/images/{key}.png" for key in SEEN))
    assert found.withheld == tuple(sorted(f"data/images/{key}.png" for key in HIDDEN))
    assert len(found.all) == len(KEYS)


def test_a_table_has_no_files(tmp_path: Path) -> None:
    table = TableInput(path="t", key="id", target="y", split=SPLIT, contract="c")
    assert attached(tmp_path, table, splits=["train"]).all == ()


def test_rows_of_one_side_may_share_a_file(tmp_path: Path) -> None:
    write(tmp_path, {SEEN[1]: f"images/{SEEN[0]}.png"})
    found = attached(tmp_path, TABLE, splits=["train", "valid"])
    assert found.given.count(f"data/images/{SEEN[0]}.png") == 1


def test_a_row_without_a_key_withholds_its_file(tmp_path: Path) -> None:
    write(tmp_path, {})
    (tmp_path / "data/images/x.png").touch()
    with (tmp_path / "data/manifest.csv").open("a") as stream:
        stream.write(",images/x.png,1\n")
    found = attached(tmp_path, TABLE, splits=["train", "valid", "test"])
    assert found.withheld == ("data/images/x.png",)


@pytest.mark.parametrize("side", ["seen", "hidden"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "a row names no file"),
        ("/etc/hostname", "'/etc/hostname' leads out of the manifest's folder"),
        ("~/x", "'~/x' leads out of the manifest's folder"),
        ("../mlops.yaml", "'../mlops.yaml' leads out of the manifest's folder"),
        ("images/../../mlops.yaml", "leads out of the manifest's folder"),
        ("images/../images/0.png", "leads out of the manifest's folder"),
        ("images\\0.png", "is no path with forward slashes"),
        (".git/HEAD", "'.git/HEAD' is what git keeps"),
        ("images", "'images' is no file"),
        (".", "'.' is no file"),
        ("images/none.png", "'images/none.png' is not there"),
        ("images/0.png/x", "'images/0.png/x' is not there"),
        ("manifest.csv", "'manifest.csv' is the manifest itself"),
        ("copy.csv", "'copy.csv' is the manifest itself"),
        ("link.png", "'link.png' is, or lies behind, a link"),
        ("aside/0.png", "'aside/0.png' is, or lies behind, a link"),
        ("gone.png", "'gone.png' is, or lies behind, a link"),
        ("pipe", "'pipe' is no file"),
    ],
)
def test_what_may_not_be_named_is_refused(tmp_path: Path, name: str, words: str, side: str) -> None:
    write(tmp_path, {(SEEN if side == "seen" else HIDDEN)[0]: name})
    (tmp_path / "mlops.yaml").touch()
    data = tmp_path / "data"
    (data / "copy.csv").hardlink_to(data / "manifest.csv")
    (data / "link.png").symlink_to("images/0.png")
    (data / "gone.png").symlink_to("nowhere")
    (data / "aside").symlink_to("images")
    os.mkfifo(data / "pipe")
    with pytest.raises(UndecidedError) as caught:
        attached(tmp_path, TABLE, splits=["train", "valid"])
    assert str(caught.value).startswith("data/manifest.csv: ")
    assert words in str(caught.value)


@pytest.mark.parametrize("written", ["images/{}.png", "./images/{}.png", "images/./{}.png"])
def test_a_file_of_both_sides_is_refused_however_it_is_written(
    tmp_path: Path, written: str
) -> None:
    write(tmp_path, {SEEN[0]: written.format(HIDDEN[0])})
    with pytest.raises(UndecidedError, match="handed over and rows that are withheld name the sa"):
        attached(tmp_path, TABLE, splits=["train", "valid"])


@pytest.mark.parametrize(("one", "other"), [(SEEN[0], HIDDEN[0]), (SEEN[0], SEEN[1])])
def test_a_second_hard_link_is_the_same_file(tmp_path: Path, one: str, other: str) -> None:
    write(tmp_path, {})
    (tmp_path / f"data/images/{one}.png").unlink()
    (tmp_path / f"data/images/{one}.png").hardlink_to(tmp_path / f"data/images/{other}.png")
    with pytest.raises(UndecidedError, match=r"the same file"):
        attached(tmp_path, TABLE, splits=["train", "valid"])


def test_many_problems_are_counted(tmp_path: Path) -> None:
    write(tmp_path, dict.fromkeys(KEYS, "../x"))
    with pytest.raises(UndecidedError, match="and 57 more"):
        attached(tmp_path, TABLE, splits=["train"])


def test_a_manifest_without_the_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/manifest.csv").write_text("id,y\n1,2\n")
    with pytest.raises(UndecidedError, match=r"manifest\.csv: has no column 'image'"):
        attached(tmp_path, TABLE, splits=["train"])


def test_copies_are_plain_files_with_one_digest_for_all(tmp_path: Path) -> None:
    write(tmp_path, {})
    paths = attached(tmp_path, TABLE, splits=["train"]).given
    copy_files(tmp_path, tmp_path / "tree", paths)
    ours, theirs = digests(tmp_path, paths), digests(tmp_path / "tree", paths)
    assert digest_of_all(ours) == digest_of_all(dict(reversed(theirs.items())))
    (tmp_path / "tree" / paths[0]).write_text("another")
    assert digest_of_all(digests(tmp_path / "tree", paths)) != digest_of_all(ours)
    (tmp_path / paths[0]).unlink()
    with pytest.raises(UndecidedError, match="No such file"):
        copy_files(tmp_path, tmp_path / "other", paths)
    (tmp_path / paths[0]).symlink_to("/etc/hostname")
    with pytest.raises(UndecidedError, match="is a link"):
        copy_files(tmp_path, tmp_path / "third", paths)
