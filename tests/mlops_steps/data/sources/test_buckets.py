"""Objects of S3: patterns, folders with keys, who may read, how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.mlops_steps.data.sources.conftest import Buckets, Reader

from mlops_steps.errors import ConfigError, InfrastructureError, UndecidedError

PUT = """\
import boto3, io, pyarrow as pa, pyarrow.parquet as pq
client = boto3.client("s3", endpoint_url="{0.endpoint}", region_name="us-east-1",
                      aws_access_key_id="{0.key}", aws_secret_access_key="{0.secret}")
def put(name, value):
    if not isinstance(value, bytes):
        stream = io.BytesIO()
        pq.write_table(value, stream)
        value = stream.getvalue()
    client.put_object(Bucket="bucket", Key=name, Body=value)
def ids(*numbers):
    return pa.table({{"id": list(numbers)}})
"""
OBJECTS = """
put("plain/b.parquet", ids(2))
put("plain/a.parquet", ids(1))
put("plain/in/c.parquet", ids(3))
put("plain/note.txt", b"id\\n9\\n")
put("keys/year=2023/0.csv", b"id\\n007\\n")
put("keys/year=2024/0.csv", b"id\\n8\\n")
put("keys/_SUCCESS", b"")
put("lines/a.jsonl", b'{"id": 1, "x": "a"}\\n')
put("lines/b.jsonl", b'{"id": 2}\\n')
put("differ/a.csv", b"id,x\\n1,2\\n")
put("differ/b.csv", b"id,y\\n1,2\\n")
put("cut/a.parquet", b"PAR1 and no more")
put("name/../../../escape", b"id\\n5\\n")
"""


@pytest.fixture
def source(
    guarded: Buckets, write: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    write(PUT.format(guarded) + OBJECTS)
    monkeypatch.setenv("DATA_KEY", guarded.key)
    monkeypatch.setenv("DATA_SECRET", guarded.secret)
    credentials = {"key": "DATA_KEY", "secret": "DATA_SECRET"}
    return {"endpoint": guarded.endpoint, "credentials": credentials}


def test_an_object_a_pattern_a_folder_with_keys(reader: Reader, source: dict[str, Any]) -> None:
    for address, wanted in {
        "plain/a.parquet": [(1,)],
        "plain/*.parquet": [(1,), (2,)],
        "plain/**/*.parquet": [(1,), (2,), (3,)],
        "plain/[!a].parquet": [(2,)],
        "plain/?.parquet": [(1,), (2,)],
        "keys": [("007", "2023"), ("8", "2024")],
        "keys/year=2023/*": [("007", "2023")],
        "lines/*.jsonl": [("1", "a"), ("2", None)],
    }.items():
        assert reader.rows(text=True, address=f"s3://bucket/{address}", **source) == wanted, address
        assert reader.notes["version"] == "the files' marks"
        assert all(each["mark"] for each in reader.notes["files"])


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("bucket/none/*.parquet", "no object is there"),
        ("bucket/none", "no object is there"),
        ("other/plain/*", "there is no such bucket|not found"),
        ("bucket/differ/*", "different columns"),
        ("bucket/plain/**", "is parquet, 00003 is csv"),
        ("bucket/cut/*", "cannot be read"),
    ],
)
def test_what_is_no_table(reader: Reader, source: dict[str, Any], address: str, words: str) -> None:
    with pytest.raises(UndecidedError, match=words):
        reader.rows(address=f"s3://{address}", **source)


def test_who_may_not_read_is_told_so_without_the_secret(
    reader: Reader, source: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    anonymous = {"endpoint": source["endpoint"]}
    with pytest.raises(ConfigError, match="may not be read with these credentials"):
        reader.rows(address="s3://bucket/plain/a.parquet", **anonymous)
    monkeypatch.setenv("DATA_SECRET", "not-the-secret-at-all")
    with pytest.raises(ConfigError, match="may not be read with these credentials") as told:
        reader.rows(address="s3://bucket/plain/*.parquet", **source)
    assert "not-the-secret-at-all" not in str(told.value)
    monkeypatch.delenv("DATA_SECRET")
    with pytest.raises(ConfigError, match="DATA_SECRET: not set in this job"):
        reader.rows(address="s3://bucket/plain/*.parquet", **source)


def test_credentials_of_the_machine_are_not_used(
    reader: Reader, source: dict[str, Any], guarded: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", guarded.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", guarded.secret)
    with pytest.raises(ConfigError, match="may not be read"):
        reader.rows(address="s3://bucket/plain/a.parquet", endpoint=source["endpoint"])


def test_no_more_is_fetched_than_is_allowed(reader: Reader, source: dict[str, Any]) -> None:
    with pytest.raises(UndecidedError, match="more than 100 bytes; `maximum_gigabytes`"):
        reader.rows(address="s3://bucket/plain/*.parquet", maximum_gigabytes=1e-7, **source)


def test_nobody_answers(reader: Reader) -> None:
    with pytest.raises(InfrastructureError, match="s3://bucket/a"):
        reader.rows(address="s3://bucket/a", endpoint="http://127.0.0.1:9")


def test_an_object_cannot_choose_where_it_is_put(reader: Reader, source: dict[str, Any]) -> None:
    with pytest.raises(UndecidedError, match="invalid path"):
        reader.rows(address="s3://bucket/name/**", **source)
    assert not list(reader.root.parent.rglob("*escape*"))
