"""The steps of a project whose table has a source: one copy, judged, trained on, evaluated."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.mlops_steps.conftest import ENTER, Sample
from tests.mlops_steps.data.sources.conftest import Buckets
from tests.mlops_steps.small import become

#: What the train command sees of the job, and of the project.
LOOKS = """\
import os, pathlib
print("variables:", *sorted(name for name in os.environ if name.startswith("DATA_")))
print("files:", *sorted(str(path) for path in pathlib.Path("data").rglob("*")))
import model
model.train()
"""
STEPS = ("validate-data", "train", "evaluate")
S3 = """\
import boto3, sys
client = boto3.client("s3", endpoint_url="{0.endpoint}", region_name="us-east-1",
                      aws_access_key_id="{0.key}", aws_secret_access_key="{0.secret}")
client.put_object(Bucket="bucket", Key="steps/samples.csv", Body=open(sys.argv[1], "rb").read())
"""


def project_with(sample: Callable[..., Sample], source: str) -> tuple[Sample, list[str]]:
    """A project of flowers without its table, and the table's lines."""
    project = become(sample(), "multiclass")
    table = project.folder / "data/samples.csv"
    lines = table.read_text().splitlines(keepends=True)
    table.unlink()
    config = (project.folder / "mlops.yaml").read_text()
    path = "path: data/samples.csv"
    assert path in config
    project.write("mlops.yaml", config.replace(path, f"{path}, source: {{{source}}}"))
    project.write("train.py", LOOKS)
    project.write("serve.py", "")
    project.commit("the table comes from elsewhere")
    return project, lines


def check(project: Sample) -> tuple[int, str]:
    found = subprocess.run(
        [sys.executable, "-I", ENTER, "--inside", "--check-config"],
        cwd=project.folder,
        env=project.env,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.returncode, found.stdout + found.stderr


def test_files_of_the_project_are_read_where_they_lie(sample: Callable[..., Sample]) -> None:
    project, lines = project_with(sample, "address: data/parts/*.csv")
    project.write("data/parts/a.csv", "".join(lines[:200]))
    project.write("data/parts/b.csv", "".join([lines[0], *lines[200:]]))
    project.commit("parts")
    assert check(project)[0] == 0, check(project)[1]
    for step in STEPS:
        ran = project.run(step, split="valid")
        assert ran.code == 0, ran.text
    assert "files: data/contract.yaml data/samples.csv\n" in ran_log(project)
    assert not (project.folder / "out/validate-data/source").exists()
    assert "data/parts/*.csv" in ran.verdict["took"]
    project.write("data/parts/b.csv", "".join([lines[0], *lines[201:]]))
    ran = project.run("evaluate", split="valid")
    assert ran.code == 3
    assert "is not the table that the model was trained on" in ran.text


def ran_log(project: Sample) -> str:
    return (project.folder / "out/train/train.log").read_text()


def test_a_private_bucket_is_read_once_by_one_job(
    sample: Callable[..., Sample], guarded: Buckets, writers: str, tmp_path: Path
) -> None:
    project, lines = project_with(
        sample,
        f"address: s3://bucket/steps/*.csv, endpoint: '{guarded.endpoint}', "
        "credentials: {key: DATA_KEY, secret: DATA_SECRET}",
    )
    table = tmp_path / "samples.csv"
    table.write_text("".join(lines))
    upload = [writers, "-I", "-c", S3.format(guarded), table]
    subprocess.run(upload, check=True)
    assert check(project)[0] == 0, check(project)[1]
    ran = project.run("validate-data")
    assert ran.code == 2
    assert "DATA_KEY, DATA_SECRET: not set in this job" in ran.text
    project.env |= {"DATA_KEY": guarded.key, "DATA_SECRET": guarded.secret}
    texts = ""
    ran = project.run("validate-data")
    texts += ran.text
    assert ran.code == 0, ran.text
    copy = "out/validate-data/source/samples.csv"
    assert (project.folder / copy).read_text() == "".join(lines)
    about = json.loads((project.folder / "out/validate-data/source.json").read_text())
    assert about["files"][0]["name"] == "s3://bucket/steps/samples.csv"
    assert about["digest"] == ran.verdict["wrote"][copy]
    # The source goes on: what was judged is what is trained on.
    table.write_text(lines[0])
    subprocess.run(upload, check=True)
    ran = project.run("train")
    texts += ran.text
    assert ran.code == 0, ran.text
    assert "variables:\n" in ran_log(project)
    assert "files: data/contract.yaml data/samples.csv\n" in ran_log(project)
    del project.env["DATA_KEY"], project.env["DATA_SECRET"]
    for step, inputs in (("evaluate", {}), ("gate", {"first_release": "true"}), ("register", {})):
        ran = project.run(step, **inputs)
        texts += ran.text
        assert ran.code == 0, ran.text
    state = Path(project.env["MLOPS_STATE"])
    assert list(state.rglob("contract.yaml"))
    assert list(state.rglob("source.json"))
    assert not list(state.rglob("samples.csv"))
    verdicts = "".join(path.read_text() for path in project.folder.glob("out/*/*.json"))
    assert guarded.secret not in texts + verdicts
    with (project.folder / copy).open("a") as stream:
        stream.write(lines[1])
    ran = project.run("train")
    assert ran.code == 3
    assert "changed since step validate-data wrote it" in ran.text


def test_a_database_of_the_project_is_kept_from_training(sample: Callable[..., Sample]) -> None:
    project, lines = project_with(sample, "kind: sqlite, address: data/d.sqlite, table: t")
    rows = [line.rstrip("\n").split(",") for line in lines]
    with sqlite3.connect(project.folder / "data/d.sqlite") as connection:
        connection.execute(f"CREATE TABLE t ({', '.join(rows[0])})")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows[1:])
    connection.close()
    project.write("model.py", (project.folder / "model.py").read_text().replace(
        "for row in csv.DictReader(stream):", "for row in map(json.loads, stream):"
    ))  # fmt: skip
    project.commit("a database")
    assert check(project)[0] == 0, check(project)[1]
    for step in STEPS:
        ran = project.run(step, split="valid")
        assert ran.code == 0, ran.text
    assert "files: data/contract.yaml data/samples.csv\n" in ran_log(project)


def test_a_copy_of_private_rows_is_not_shown_to_everybody(sample: Callable[..., Sample]) -> None:
    source = "address: s3://bucket/a, credentials: {key: DATA_KEY, secret: DATA_SECRET}"
    project, _ = project_with(sample, source)
    project.env |= {"GITLAB_CI": "true", "CI_PROJECT_VISIBILITY": "public"}
    project.env |= {"DATA_KEY": "k", "DATA_SECRET": "s"}
    ran = project.run("validate-data")
    assert ran.code == 2
    assert "everybody can read the artifacts of a public project" in ran.text
    event = project.write("../event.json", '{"repository": {"private": false}}')
    del project.env["GITLAB_CI"]
    project.env |= {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(event)}
    ran = project.run("validate-data")
    assert ran.code == 2
    assert "everybody can read the artifacts of a public project" in ran.text


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("address: data/parts/*.csv", 3, "data/parts/*.csv: no file is there"),
        ("address: ../*.csv", 2, "leads out of the project"),
        ("address: https://localhost:9/t.csv", 4, "does not answer"),
        ("kind: sqlite, address: none.sqlite, table: t", 3, "no file is there"),
        ("kind: delta, address: none", 3, "none: nothing is there"),
    ],
)
def test_a_source_that_gives_no_table_is_never_a_pass(
    sample: Callable[..., Sample], source: str, code: int, words: str
) -> None:
    project, _ = project_with(sample, source)
    ran = project.run("validate-data")
    assert ran.code == code, ran.text
    assert words in ran.text
    assert "Traceback" not in ran.text
    assert ran.verdict["status"] == "undecided"
    ran = project.run("train")
    assert ran.code in {2, 3}, ran.text


def test_a_table_is_not_there_twice(sample: Callable[..., Sample]) -> None:
    project, lines = project_with(sample, "address: data/parts/*.csv")
    project.write("data/parts/a.csv", "".join(lines))
    project.write("data/samples.csv", "".join(lines))
    project.commit("twice")
    ran = project.run("validate-data")
    assert ran.code == 2
    assert "data/samples.csv: is there, and data.inputs has a source" in ran.text
    code, text = check(project)
    assert code == 2
    assert "mlops.yaml:4:" in text
    assert "data/samples.csv: is there" in text
