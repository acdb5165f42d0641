"""Rows to requests, answers to the inference log."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import re
from pathlib import Path

import duckdb
import msgspec
import pytest

from mlops_steps.config import Split, TableInput
from mlops_steps.deploy_canary import files, rows
from mlops_steps.errors import ConfigError, UndecidedError

TABLE = TableInput(
    path="t.csv",
    key="id",
    target="y",
    positive="yes",
    split=Split(by="hash", salt="s", test=0.3, valid=0.2),
    contract="c.yaml",
)
CSV = """\
id,size,count,colour,fresh,y
007,1.5,3,red,true,yes
008,2.5,4,,false,no
009,,5,"blue, dark",true,no
"""


def test_requests_carry_every_feature_with_its_type_and_no_target(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(CSV)
    found = {
        row.number: json.loads(row.body) for row in rows.read(tmp_path, TABLE, seed=0, limit=9)
    }
    assert found.keys() == {0, 1, 2}
    assert found[0] == {
        "id": "007",
        "inputs": [
            {"name": "size", "shape": [1], "datatype": "FP64", "data": [1.5]},
            {"name": "count", "shape": [1], "datatype": "INT64", "data": [3]},
            {"name": "colour", "shape": [1], "datatype": "BYTES", "data": ["red"]},
            {"name": "fresh", "shape": [1], "datatype": "BOOL", "data": [True]},
        ],
    }
    assert found[1]["inputs"][2]["data"] == [None]
    assert found[2]["inputs"][0]["data"] == [None]


def test_what_is_asked_is_what_stands_in_the_table(tmp_path: Path) -> None:
    # The model was trained on these texts; DuckDB alone would read a boolean, a time, a day.
    cells = {
        "lift": ("yes", "no", "BYTES"),
        "flag": ("t", "f", "BYTES"),
        "at": ("12:30", "9:05", "BYTES"),
        "day": ("01/02/2024", "03/04/2024", "BYTES"),
        "when": ("2024-01-02T03:04:05Z", "2024-01-02", "BYTES"),
        "hex": ("0x1F", "0x2A", "BYTES"),
        "big": ("123456789012345678901", "1", "FP64"),
        "code": ("007", "010", "INT64"),
        "sure": ("True", "FALSE", "BOOL"),
    }
    path = tmp_path / "t.csv"
    lines = [",".join(["id", *cells, "y"])]
    lines += [",".join([str(n), *(each[n] for each in cells.values()), "no"]) for n in (0, 1)]
    path.write_text("\n".join(lines) + "\n")
    for row in rows.read(tmp_path, TABLE, seed=0, limit=2):
        for tensor in json.loads(row.body)["inputs"]:
            text, datatype = cells[tensor["name"]][row.number], cells[tensor["name"]][2]
            kinds = {"FP64": float, "INT64": int, "BOOL": lambda word: word.lower() == "true"}
            assert tensor["datatype"] == datatype
            assert tensor["data"] == [kinds.get(datatype, str)(text)]


def test_order_depends_on_the_seed_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,x,y\n" + "".join(f"{n},{n / 2},no\n" for n in range(200)))
    first, again, other = (
        [row.number for row in rows.read(tmp_path, TABLE, seed=seed, limit=50)]
        for seed in (1, 1, 2)
    )
    assert first == again
    assert len(set(first)) == 50
    assert first != other
    assert first != sorted(first)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_key_and_features_stay_together_in_a_large_table(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"t.{kind}"
    query = "SELECT 'k' || i AS id, i AS x, 'no' AS y FROM range(400_000) t(i)"
    option = "(FORMAT parquet, ROW_GROUP_SIZE 5000)" if kind == "parquet" else "(FORMAT csv)"
    duckdb.execute(f"COPY ({query}) TO '{path}' {option}")
    table = msgspec.structs.replace(TABLE, path=path.name)
    for row in rows.read(tmp_path, table, seed=3, limit=500):
        request = json.loads(row.body)
        assert request["inputs"][0]["data"] == [row.number]
        assert request["id"] == f"k{row.number}"


def test_the_log_holds_time_version_key_features_score_and_prediction(tmp_path: Path) -> None:
    path, target = tmp_path / "t.csv", tmp_path / "log.parquet"
    path.write_text(CSV)
    noon = dt.datetime(2026, 1, 2, 12, 0, 0, 250_000, tzinfo=dt.UTC)
    answers = [
        rows.Logged(2, noon + dt.timedelta(seconds=1), "1.1.0", 0.1 + 0.2, "yes"),
        rows.Logged(0, noon, "1.0.0", 1e-300, "no"),
        rows.Logged(0, noon + dt.timedelta(seconds=2), "1.1.0", 1.0, "1"),
    ]
    rows.write_log(path, TABLE, answers, target)
    log = duckdb.read_parquet(str(target))
    assert list(zip(log.columns, map(str, log.types), strict=True)) == [
        ("time", "TIMESTAMP"),
        ("version", "VARCHAR"),
        ("key", "VARCHAR"),
        ("size", "DOUBLE"),
        ("count", "BIGINT"),
        ("colour", "VARCHAR"),
        ("fresh", "BOOLEAN"),
        ("score", "DOUBLE"),
        ("prediction", "VARCHAR"),
    ]
    naive = noon.replace(tzinfo=None)
    assert log.fetchall() == [
        (naive, "1.0.0", "007", 1.5, 3, "red", True, 1e-300, "no"),
        (
            naive + dt.timedelta(seconds=1),
            "1.1.0",
            "009",
            None,
            5,
            "blue, dark",
            True,
            0.1 + 0.2,
            "yes",
        ),
        (naive + dt.timedelta(seconds=2), "1.1.0", "007", 1.5, 3, "red", True, 1.0, "1"),
    ]
    assert set(tmp_path.iterdir()) == {path, target}


def test_what_cannot_be_asked(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,Score,y\n1,2,no\n")
    with pytest.raises(ConfigError, match="the inference log has a column 'score' of its own"):
        rows.read(tmp_path, TABLE, seed=0, limit=9)
    path.write_text("id,x\n1,2\n")
    with pytest.raises(UndecidedError, match=r"t\.csv: no column 'y'\. Columns: id, x"):
        rows.read(tmp_path, TABLE, seed=0, limit=9)
    path.write_text("id,x,y\n")
    with pytest.raises(UndecidedError, match="no rows"):
        rows.read(tmp_path, TABLE, seed=0, limit=9)


def test_what_the_target_may_be_told_to_be(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,x,y\n1,1,007\n2,1,8\n3,1,\n4,1,8.0\n")
    assert rows.wanted(path, TABLE, "multiclass").classes == {"7.0", "8.0"}
    assert rows.wanted(path, TABLE, "regression").classes == set()
    path.write_text("id,x\n1,2\n")
    with pytest.raises(UndecidedError, match=r"t\.csv: no column 'y'"):
        rows.wanted(path, TABLE, "binary")


MANIFEST = msgspec.structs.replace(TABLE, path="m.csv", kind="files", file="image", positive=None)


def manifest(folder: Path, *names: str) -> Path:
    path = folder / "m.csv"
    lines = [f"{number},{name},{number / 2},no\n" for number, name in enumerate(names)]
    path.write_text("id,image,light,y\n" + "".join(lines))
    return path


def test_a_request_carries_its_rows_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    content = {"007": b"\x00\xff\xfe", "a/b c.png": bytes(range(256)) * 50, "é.txt": b""}
    for name, text in content.items():
        (tmp_path / name).write_bytes(text)
    path = manifest(tmp_path, *content)
    found = {row.number: row for row in rows.read(tmp_path, MANIFEST, seed=0, limit=9)}
    for number, text in enumerate(content.values()):
        assert len(found[number].body) < 300, "the file is read when it is sent, not before"
        light, image = json.loads(found[number].content())["inputs"]
        assert light == {"name": "light", "shape": [1], "datatype": "FP64", "data": [number / 2]}
        assert (image["name"], image["shape"], image["datatype"]) == ("image", [1], "BYTES")
        assert base64.b64decode(image["data"][0], validate=True) == text
    log = tmp_path / "log.parquet"
    noon = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
    rows.write_log(path, MANIFEST, [rows.Logged(0, noon, "1.0.0", 0.5, "no")], log)
    logged = duckdb.read_parquet(str(log))
    assert logged.columns == ["time", "version", "key", "image", "light", "score", "prediction"]
    assert logged.fetchall()[0][3] == "007", "the path's text, as the manifest has it"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "a row names no file"),
        ("missing.png", "'missing.png' is not there"),
        ("../secret", "leads out of the manifest's folder"),
        ("a/../../secret", "leads out of the manifest's folder"),
        ("/etc/hostname", "leads out of the manifest's folder"),
        ("link.png", "is, or lies behind, a link"),
        ("linked/secret", "is, or lies behind, a link"),
        ("a", "is no file"),
        (".", "is no file"),
        ("pipe", "is no file"),
        ("good.png/x", "is not there"),
        ("m.csv", "is the manifest itself"),
        ("large.png", "has 16,777,217 bytes; at most 16,777,216 can be sent"),
        ("n" * 300, "can be the name of no file"),
    ],
)
def test_a_file_that_is_not_sent(tmp_path: Path, name: str, why: str) -> None:
    home = tmp_path / "data"
    (home / "a").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (home / "good.png").write_bytes(b"x")
    (home / "link.png").symlink_to("good.png")
    (home / "linked").symlink_to(tmp_path)
    os.mkfifo(home / "pipe")
    with (home / "large.png").open("wb") as stream:
        stream.truncate(files.FILE_LIMIT + 1)
    manifest(home, "good.png", name)
    table = msgspec.structs.replace(MANIFEST, path="data/m.csv")
    with pytest.raises(UndecidedError, match=re.escape(why)) as caught:
        rows.read(tmp_path, table, seed=0, limit=9)
    assert str(caught.value).startswith("data/m.csv: the row 1: ")


def test_a_file_that_changes_before_it_is_sent(tmp_path: Path) -> None:
    place = tmp_path / "a.png"
    place.write_bytes(b"x")
    manifest(tmp_path, "a.png")
    (row,) = rows.read(tmp_path, MANIFEST, seed=0, limit=9)
    place.write_bytes(b"x" * (files.FILE_LIMIT + 1))
    with pytest.raises(UndecidedError, match=r"a\.png: more than"):
        row.content()
    place.unlink()
    place.symlink_to("m.csv")
    with pytest.raises(UndecidedError, match=r"a\.png: "):
        row.content()
    place.unlink()
    with pytest.raises(UndecidedError, match=r"a\.png: No such file"):
        row.content()


def test_a_manifest_of_files_alone(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"a")
    path, log = tmp_path / "m.csv", tmp_path / "log.parquet"
    path.write_text("id,image,y\n1,a.png,no\n")
    (row,) = rows.read(tmp_path, MANIFEST, seed=0, limit=9)
    assert [each["name"] for each in json.loads(row.content())["inputs"]] == ["image"]
    noon = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
    rows.write_log(path, MANIFEST, [rows.Logged(0, noon, "1.0.0", 0.5, "no")], log)
    assert duckdb.read_parquet(str(log)).fetchall()[0][1:] == ("1.0.0", "1", "a.png", 0.5, "no")


def test_a_manifest_without_its_column_of_files(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(CSV)
    with pytest.raises(UndecidedError, match=r"m\.csv: no column 'image'\. Columns: id, size"):
        rows.read(tmp_path, MANIFEST, seed=0, limit=9)
