"""The chain of verdicts: what a step takes is as the step before left it, or it is not judged."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlops_steps import config
from mlops_steps.errors import UndecidedError
from mlops_steps.files import digest_of, write_json, write_whole
from mlops_steps.record import Record
from mlops_steps.spec import Output, Step


@pytest.fixture
def record(sample: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Record]:
    project = sample()
    monkeypatch.delenv("CI_COMMIT_SHA", raising=False)

    def make(step: str, commit: str = "a" * 40) -> Record:
        monkeypatch.setenv("GITHUB_SHA", commit)
        declared = Step(step, "A step.", outputs=(Output("version", "A version."),))
        return Record(declared, project.folder, config.load(project.folder), {})

    return make


def trained(record: Callable[..., Record], commit: str = "a" * 40) -> Record:
    """A step that has written a file and a folder."""
    made = record("train", commit)
    write_whole(made.folder / "profile.json", "{}")
    write_whole(made.folder / "model" / "a" / "weights", b"\0\1")
    made.wrote("out/train/profile.json")
    made.wrote("out/train/model")
    made.write()
    return made


def test_what_is_taken_is_digested_with_the_verdict_that_vouches_for_it(
    record: Callable[..., Record],
) -> None:
    made = trained(record)
    taker = record("evaluate")
    path = taker.take("out/train/model")
    assert path == taker.root / "out/train/model"
    taker.take("data/samples.csv")
    assert taker.verdict.took == {
        name: digest_of(taker.root / name)
        for name in ("out/train/model", "out/train/verdict.json", "data/samples.csv")
    }
    assert taker.verdict.took["out/train/model"] == made.verdict.wrote["out/train/model"]


@pytest.mark.parametrize(
    ("changed", "taken"),
    [("profile.json", "out/train/profile.json"), ("model/a/weights", "out/train/model")],
)
@pytest.mark.parametrize("spelt", ["{}", "./{}", "data/../{}", "{root}/{}"])
def test_a_change_between_two_steps_names_both_digests(
    record: Callable[..., Record], changed: str, taken: str, spelt: str
) -> None:
    made = trained(record)
    (made.folder / changed).write_bytes(b"other")
    taker = record("evaluate")
    then, now = made.verdict.wrote[taken], digest_of(made.root / taken)
    with pytest.raises(UndecidedError) as caught:
        taker.take(spelt.format(taken, root=taker.root))
    assert (
        str(caught.value) == f"{taken}: changed since step train wrote it: {then} then, {now} now"
    )
    assert then != now
    assert taken not in taker.verdict.took


@pytest.mark.parametrize("name", ["model/b", "model/a/weights.bak"])
def test_a_file_added_to_a_folder_changes_it(record: Callable[..., Record], name: str) -> None:
    write_whole(trained(record).folder / name, "")
    with pytest.raises(UndecidedError, match="changed since step train"):
        record("evaluate").take("out/train/model")


def test_what_no_step_vouches_for_is_not_taken(record: Callable[..., Record]) -> None:
    made = trained(record)
    write_whole(made.folder / "more.json", "{}")
    write_whole(made.root / "out" / "lint" / "a", "")
    for path, words in (
        ("out/train/more.json", "step train has no record of writing it"),
        ("out/train/model/a/weights", "step train has no record of writing it"),
        ("out/train/gone", "out/train/gone: not found"),
        ("out/lint/a", "out/lint/verdict.json: not found; step lint has to run first"),
    ):
        with pytest.raises(UndecidedError, match=words):
            record("evaluate").take(path)


def test_a_verdict_of_another_commit_or_step_is_not_read(record: Callable[..., Record]) -> None:
    made = trained(record, "b" * 40)
    with pytest.raises(UndecidedError, match=r"is of step train at commit b{40}, wanted"):
        record("evaluate").read_verdict("train")
    path = made.folder / "verdict.json"
    write_json(path, msgspec.to_builtins(made.verdict) | {"step": "lint", "commit": "a" * 40})
    with pytest.raises(UndecidedError, match="is of step lint"):
        record("evaluate").read_verdict("train")
    for content in (
        b"",
        b"{}",
        b"[1]",
        b"\xff",
        b'{"step": "train", "status": "good", "line": ""}',
    ):
        path.write_bytes(content)
        with pytest.raises(UndecidedError, match=r"out/train/verdict\.json: not a verdict"):
            record("evaluate").read_verdict("train")
    path.unlink()
    path.mkdir()
    with pytest.raises(UndecidedError, match="not a verdict"):
        record("evaluate").read_verdict("train")


def test_a_verdict_reads_as_it_was_written(record: Callable[..., Record]) -> None:
    made = trained(record)
    made.figure("auc", 0.5, n=3, interval=(0.1, 0.9), method="DeLong")
    made.find("a", "words", file="a.py", line=3, bound=0.5, name=None, other=float("inf"))
    made.output("version", "1.2.3")
    made.write()
    assert record("evaluate").read_verdict("train") == made.verdict
    with pytest.raises(KeyError, match="declares no output 'versions'"):
        made.output("versions", "1")


def test_links_and_what_is_no_file_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    write_whole(folder / "inner" / "file", "a")
    before = digest_of(folder)
    for make in (
        lambda path: path.symlink_to("inner/file"),
        lambda path: path.symlink_to("nowhere"),
        lambda path: path.symlink_to("inner"),
        os.mkfifo,
    ):
        made = folder / "inner" / "made"
        make(made)
        for path in (made, folder):
            with pytest.raises(OSError, match=r"is a symbolic link|is neither a file nor a folder"):
                digest_of(path)
        made.unlink()
    assert digest_of(folder) == before
    with pytest.raises(FileNotFoundError):
        digest_of(tmp_path / "none")


def test_a_folders_digest_is_of_its_names_and_contents(tmp_path: Path) -> None:
    seen = set()
    for number, files in enumerate(
        [
            {},
            {"a": b""},
            {"a": b"x"},
            {"b": b"x"},
            {"a": b"x", "b": b"x"},
            {"d/a": b"x"},
            {"a\nb": b"x"},
            {os.fsdecode(b"\xff"): b"x"},
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, content in files.items():
            write_whole(folder / name, content)
        (folder / "empty").mkdir()  # an archive of files does not keep it
        seen.add(digest_of(folder))
    assert len(seen) == 8


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"b": 1, "a": 2})
    assert path.read_text() == '{\n  "a": 2,\n  "b": 1\n}\n'
    for value in (float("nan"), float("inf"), {1, 2}):
        with pytest.raises((ValueError, TypeError)):
            write_json(path, {"a": value})
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_whole(tmp_path / "folder", "a")
    assert path.read_text() == '{\n  "a": 2,\n  "b": 1\n}\n'
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.json", "folder"]
