"""A table in a bucket that asks for a key: on every engine two jobs get it, and no other."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.mlops_steps.data.sources.conftest import Buckets
from tests.workflows import harness, mini

from mlops_init.engines import Start

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

FIRST = Start("ct", "manual", {"first-release": "true"})
SECRETS = {"source_secrets": "DATA_KEY,DATA_SECRET"}
PUT = """\
import boto3, sys
endpoint, key, secret, file = sys.argv[1:]
boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key,
             aws_secret_access_key=secret).upload_file(file, "bucket", "samples.csv")
"""
#: What a program of the project would do with a key that it can see.
TELL = """\

print("key:", os.environ.get("DATA_KEY"), os.environ.get("DATA_SECRET"))
"""


@pytest.fixture
def project(tmp_path: Path, guarded: Buckets, writers: str) -> Path:
    made = mini.make(tmp_path, **SECRETS)
    table = made / "data" / "samples.csv"
    command = [writers, "-I", "-c", PUT, guarded.endpoint, guarded.key, guarded.secret, table]
    subprocess.run(command, check=True, timeout=60)
    table.unlink()
    source = f"""\
path: data/samples.csv
      source:
        address: s3://bucket/samples.csv
        endpoint: {guarded.endpoint}
        region: us-east-1
        credentials: {{key: DATA_KEY, secret: DATA_SECRET}}"""
    mini.edit(made, "mlops.yaml", "path: data/samples.csv", source)
    for program in ("train", "predict"):
        mini.write(made, f"src/{program}.py", (made / f"src/{program}.py").read_text() + TELL)
    mini.commit(made)
    return made


@pytest.mark.parametrize("engine", ["native", "act", "gitlab"])
def test_two_jobs_read_it_and_nobody_else_gets_the_key(
    project: Path, engine: str, tmp_path: Path, guarded: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_KEY", guarded.key)
    monkeypatch.setenv("DATA_SECRET", guarded.secret)
    with harness.tools():
        found = harness.walk(project, engine, FIRST, tmp_path / "state")
    assert found.problems == []
    for workflow in ("ct", "cd"):
        statuses = found.statuses(workflow)
        assert statuses == dict.fromkeys(statuses, "pass"), statuses
    kept = [path for path in (tmp_path / "state" / "runs").rglob("*") if path.is_file()]
    assert not [path for path in kept if guarded.secret.encode() in path.read_bytes()]
    assert "key: None None" in found.text()


@pytest.mark.parametrize("engine", ["native", "act", "gitlab"])
def test_without_the_key_nothing_is_judged(project: Path, engine: str, tmp_path: Path) -> None:
    start = harness.only("validate-data", workflow="ct", event="manual")
    with harness.tools():
        found = harness.walk(project, engine, start, tmp_path / "state")
    assert found.statuses("ct")["validate-data"] == "undecided"
    assert "DATA_KEY, DATA_SECRET: not set in this job" in found.text()
