"""Delta and Iceberg tables, written by the real packages, here and in a bucket."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from decimal import Decimal

import pytest
from tests.mlops_steps.data.sources.conftest import Buckets, Reader

from mlops_steps.data.sources.taking import own_files
from mlops_steps.errors import ConfigError, UndecidedError

Write = Callable[[str], str]

DELTA = """\
import datetime as dt, pyarrow as pa
from decimal import Decimal
from deltalake import write_deltalake, DeltaTable
first = pa.table({"id": pa.array([1, 2, 3], pa.int32()), "place": ["a b", "b/c", None],
                  "day": [dt.date(2024, 1, 2)] * 3, "cost": [Decimal("1.50")] * 3})
write_deltalake("data/delta", first, partition_by=["place", "day"])
write_deltalake("data/delta", pa.table({"id": pa.array([4], pa.int32()), "place": ["b/c"],
    "day": [dt.date(2024, 1, 3)], "cost": [Decimal("2.00")], "late": [0.5]}),
    mode="append", schema_mode="merge")
"""
DAY, NEXT = dt.date(2024, 1, 2), dt.date(2024, 1, 3)
COST = Decimal("1.50")
#: The columns of the partitions stand last in the table itself.
DELTA_ROWS = [
    (1, COST, "a b", DAY, None),
    (2, COST, "b/c", DAY, None),
    (3, COST, None, DAY, None),
    (4, Decimal("2.00"), "b/c", NEXT, 0.5),
]
ICEBERG = """\
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.types import DoubleType
from pathlib import Path
home = Path("data").resolve()
catalog = SqlCatalog("c", uri="sqlite:///:memory:", warehouse=f"file://{home}")
catalog.create_namespace("n")
first = pa.table({"id": pa.array([1, 2], pa.int64()), "old": ["x", None]})
table = catalog.create_table("n.t", schema=first.schema, location=f"file://{home}/ice")
table.append(first)
print(table.metadata.current_snapshot_id)
with table.update_schema() as change:
    change.rename_column("old", "new")
    change.add_column("late", DoubleType())
table.append(pa.table({"id": pa.array([3], pa.int64()), "new": ["y"], "late": [0.5]}))
"""
ICEBERG_ROWS = [(1, "x", None), (2, None, None), (3, "y", 0.5)]


def test_a_delta_table_with_partitions_and_a_column_that_came_later(
    reader: Reader, write: Write
) -> None:
    write(DELTA)
    assert reader.rows(kind="delta", address="data/delta") == DELTA_ROWS
    assert reader.notes["version"] == "version 1"
    assert reader.rows(kind="delta", address="data/delta", version=0) == [
        (key, place, day, cost) for key, cost, place, day, _ in DELTA_ROWS[:3]
    ]
    write('from deltalake import DeltaTable; DeltaTable("data/delta").delete("id = 2")')
    assert reader.rows(kind="delta", address="data/delta") == [
        row for row in DELTA_ROWS if row[0] != 2
    ]


def test_what_a_delta_table_asks_and_we_cannot_do_is_refused(reader: Reader, write: Write) -> None:
    write(DELTA)
    log = reader.root / "data/delta/_delta_log"
    for number, (config, features, words) in enumerate([
        ({"delta.columnMapping.mode": "name"}, ["columnMapping"], "columns are mapped"),
        ({}, ["columnMapping", "typeWidening-preview"], "not known here|nsupported"),
    ]):  # fmt: skip
        folder = reader.root / f"data/d{number}"
        shutil.copytree(reader.root / "data/delta", folder)
        lines = (log / "00000000000000000000.json").read_text().splitlines()
        first = json.loads(next(line for line in lines if '"metaData"' in line))
        schema = json.loads(first["metaData"]["schemaString"])
        for place, each in enumerate(schema["fields"], start=1):
            name = "delta.columnMapping."
            each["metadata"] = {f"{name}id": place, f"{name}physicalName": each["name"]}
        first["metaData"] |= {"configuration": config, "schemaString": json.dumps(schema)}
        protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features,
                    "writerFeatures": features}  # fmt: skip
        change = [json.dumps({"protocol": protocol}), json.dumps(first)]
        (folder / "_delta_log" / "00000000000000000002.json").write_text("\n".join(change))
        with pytest.raises(UndecidedError, match=words):
            reader.rows(kind="delta", address=f"data/d{number}")
    (log / "00000000000000000001.json").unlink()
    (log / "00000000000000000000.json").write_text("{")
    with pytest.raises(UndecidedError, match="data/delta"):
        reader.rows(kind="delta", address="data/delta")


def test_a_deletion_vector_is_never_passed_over(reader: Reader, write: Write) -> None:
    write(DELTA)
    log = reader.root / "data/delta/_delta_log"
    lines = (log / "00000000000000000001.json").read_text().splitlines()
    add = json.loads(next(line for line in lines if '"add"' in line))["add"]
    remove = {"path": add["path"], "deletionTimestamp": 0, "dataChange": True}
    # As the protocol says; no package here writes any.
    inline, size = write(VECTOR).split()
    vector = {
        "storageType": "i",
        "pathOrInlineDv": inline,
        "sizeInBytes": int(size),
        "cardinality": 1,
    }
    features = ["deletionVectors"]
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features,
                "writerFeatures": features}  # fmt: skip
    change = [
        {"protocol": protocol},
        {"remove": remove},
        {"add": {**add, "deletionVector": vector}},
    ]
    (log / "00000000000000000002.json").write_text("\n".join(map(json.dumps, change)))
    with pytest.raises(UndecidedError, match=r"data/delta: 1 of its files have deletion vectors"):
        reader.rows(kind="delta", address="data/delta")


#: A bitmap of the row 0, inline: magic, one bucket of 2^32 rows, its key, the rows; as Z85, whose
#: signs are those of Python's base 85 in another order.
VECTOR = """
import base64, pyroaring, string, struct
rows = pyroaring.BitMap([0]).serialize()
data = struct.pack("<iqi", 1681511377, 1, 0) + rows
here = string.digits + string.ascii_uppercase + string.ascii_lowercase + "!#$%&()*+-;<=>?@^_`{|}~"
there = string.digits + string.ascii_lowercase + string.ascii_uppercase + ".-:+=^!/*?&<>()[]{}@%$#"
print(base64.b85encode(data, pad=True).decode().translate(str.maketrans(here, there)), len(data))
"""


def test_an_iceberg_table_whose_columns_were_renamed(reader: Reader, write: Write) -> None:
    first = int(write(ICEBERG))
    assert reader.rows(kind="iceberg", address="data/ice") == ICEBERG_ROWS
    newest = max((reader.root / "data/ice/metadata").glob("*.metadata.json"))
    name = newest.relative_to(reader.root).as_posix()
    assert reader.rows(kind="iceberg", address=name) == ICEBERG_ROWS
    assert reader.notes["version"].startswith("snapshot ")
    assert reader.rows(kind="iceberg", address="data/ice", version=first) == [
        (1, "x", None),
        (2, None, None),
    ]
    with pytest.raises(ConfigError, match="has no snapshot 7"):
        reader.rows(kind="iceberg", address="data/ice", version=7)
    # Elsewhere, as after a checkout.
    shutil.move(reader.root / "data/ice", reader.root / "data/moved")
    assert reader.rows(kind="iceberg", address="data/moved") == ICEBERG_ROWS


def test_delete_files_of_iceberg_are_never_passed_over(reader: Reader, write: Write) -> None:
    write(ICEBERG + DELETES)
    with pytest.raises(UndecidedError, match="delete files, which are not applied"):
        reader.rows(kind="iceberg", address="data/ice")


#: pyiceberg reads delete files and writes none: a manifest of one, by its own writer.
DELETES = """
import uuid
from pyiceberg.manifest import (DataFile, DataFileContent, FileFormat, ManifestContent,
                                ManifestEntry, ManifestEntryStatus, ManifestWriterV2)
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _FastAppendFiles
import pyarrow.parquet as pq
from pyiceberg.typedef import Record

class Deletes(ManifestWriterV2):
    def content(self):
        return ManifestContent.DELETES
    @property
    def _meta(self):
        return {**super()._meta, "content": "deletes"}

file = next(iter(table.scan().plan_files())).file.file_path
gone = pa.table({"file_path": [file], "pos": pa.array([0], pa.int64())})
where = f"{home}/ice/data/deletes.parquet"
pq.write_table(gone, where)

class Append(_FastAppendFiles):
    def _manifests(self):
        spec = self._transaction.table_metadata.spec()
        schema = self._transaction.table_metadata.schema()
        output = self.new_manifest_output()
        with Deletes(spec, schema, output, self._snapshot_id, "null") as writer:
            writer.add_entry(ManifestEntry.from_args(
                status=ManifestEntryStatus.ADDED, snapshot_id=self._snapshot_id,
                sequence_number=None, file_sequence_number=None,
                data_file=DataFile.from_args(
                    content=DataFileContent.POSITION_DELETES, file_path=f"file://{where}",
                    file_format=FileFormat.PARQUET, partition=Record(), record_count=1,
                    file_size_in_bytes=500)))
        return [writer.to_manifest_file(), *self._existing_manifests()]

with table.transaction() as change:
    with Append(Operation.OVERWRITE, change, table.io) as update:
        pass
"""


def test_what_the_metadata_name_elsewhere_is_not_opened(reader: Reader, write: Write) -> None:
    write(ICEBERG)
    outside = reader.root.parent / "outside"
    shutil.copytree(reader.root / "data/ice", outside)
    for path in (reader.root / "data/ice/metadata").glob("*.metadata.json"):
        text = path.read_text()
        location = json.loads(text)["location"]
        value = json.loads(text)
        value["location"] = location + "/other"
        path.write_text(json.dumps(value))
    with pytest.raises(UndecidedError, match="outside of the table's own location"):
        reader.rows(kind="iceberg", address="data/ice")
    shutil.rmtree(reader.root / "data/ice")
    (reader.root / "data/ice").symlink_to(outside)
    with pytest.raises(UndecidedError, match="is, or lies behind, a link"):
        reader.rows(kind="iceberg", address="data/ice")
    (reader.root / "data/ice").unlink()
    shutil.copytree(outside, reader.root / "data/ice")
    file = next((reader.root / "data/ice/data").iterdir())
    file.unlink()
    file.symlink_to(outside / "data" / file.name)
    with pytest.raises(UndecidedError, match="behind a link"):
        reader.rows(kind="iceberg", address="data/ice")


def test_all_files_of_a_lake_are_kept_from_training(reader: Reader, write: Write) -> None:
    write(ICEBERG)
    from tests.mlops_steps.data.sources.conftest import config

    newest = max((reader.root / "data/ice/metadata").glob("*.metadata.json"))
    everything = {
        path.relative_to(reader.root).as_posix()
        for path in (reader.root / "data/ice").rglob("*")
        if path.is_file()
    }
    for address in ("data/ice", newest.relative_to(reader.root).as_posix()):
        made = config({"kind": "iceberg", "address": address})
        assert own_files(reader.root, made.table) == everything


def test_lakes_in_a_bucket(
    reader: Reader, write: Write, guarded: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(DELTA)
    write(ICEBERG)
    write(f"import boto3, os, pathlib\n{CLIENT.format(guarded)}\n{UPLOAD}")
    monkeypatch.setenv("DATA_KEY", guarded.key)
    monkeypatch.setenv("DATA_SECRET", guarded.secret)
    known = {
        "endpoint": guarded.endpoint,
        "credentials": {"key": "DATA_KEY", "secret": "DATA_SECRET"},
    }
    assert reader.rows(kind="delta", address="s3://bucket/lake/delta", **known) == DELTA_ROWS
    ice = "s3://bucket/lake/ice"
    assert reader.rows(kind="iceberg", address=ice, **known) == ICEBERG_ROWS
    with pytest.raises(UndecidedError, match="more than 100 bytes"):
        reader.rows(kind="iceberg", address=ice, maximum_gigabytes=1e-7, **known)
    with pytest.raises(UndecidedError, match="more than 100 bytes"):
        reader.rows(kind="delta", address="s3://bucket/lake/delta", maximum_gigabytes=1e-7, **known)
    with pytest.raises(UndecidedError, match="is no Iceberg table"):
        reader.rows(kind="iceberg", address="s3://bucket/lake/none", **known)
    with pytest.raises(UndecidedError, match="is no Delta table"):
        reader.rows(kind="delta", address="s3://bucket/lake/none", **known)


CLIENT = """\
client = boto3.client("s3", endpoint_url="{0.endpoint}", region_name="us-east-1",
                      aws_access_key_id="{0.key}", aws_secret_access_key="{0.secret}")
"""
UPLOAD = """\
for path in pathlib.Path("data").rglob("*"):
    if path.is_file():
        client.upload_file(str(path), "bucket", f"lake/{path.relative_to('data')}")
"""
