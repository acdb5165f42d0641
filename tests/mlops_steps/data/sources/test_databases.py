"""SQLite and DuckDB files of the project, and a real PostgreSQL."""

from __future__ import annotations

import datetime as dt
import math
import os
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.mlops_steps.data.sources.conftest import Postgres, Reader

from mlops_steps.errors import ConfigError, InfrastructureError, UndecidedError


def sqlite(path: Path, script: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
    connection.close()


def test_sqlite_gives_every_cell_as_it_is(reader: Reader) -> None:
    sqlite(
        reader.root / "data/d.sqlite",
        """CREATE TABLE "t;-- x"(id INTEGER, a, "b""c" TEXT);
        INSERT INTO "t;-- x" VALUES (1, '007', 'é'), (2, 1.5, NULL), (3, 9e999, '');
        CREATE VIEW v AS SELECT id FROM "t;-- x" WHERE id > 1;""",
    )
    known = {"kind": "sqlite", "address": "data/d.sqlite"}
    assert reader.rows(text=True, table="t;-- x", **known) == [
        ("1", "007", "é"),
        ("2", "1.5", None),
        ("3", "inf", ""),
    ]
    assert reader.notes["version"].startswith("sha256:")
    assert reader.rows(table="v", **known) == [(2,), (3,)]
    query = "SELECT id * 2 AS d FROM v"
    assert reader.rows(query=query, **known) == [(4,), (6,)]


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"table": "none"}, ConfigError, "no such table"),
        ({"query": "SELECT nope FROM t"}, ConfigError, "no such column"),
        ({"query": "DELETE FROM t"}, UndecidedError, "not authorized"),
        ({"query": "ATTACH '/etc/passwd' AS x"}, UndecidedError, "not authorized"),
        ({"query": "SELECT load_extension('x')"}, ConfigError, "not authorized"),
        ({"query": "PRAGMA user_version"}, UndecidedError, "not authorized"),
        ({"query": "SELECT 1; SELECT 2"}, (ConfigError, UndecidedError), "one statement"),
        ({"query": "SELECT 1 AS a, 2 AS a"}, UndecidedError, "two columns are named 'a'"),
        ({"query": "SELECT x'00' AS a"}, UndecidedError, "holds bytes"),
        ({"query": "SELECT id FROM t WHERE id > 5"}, UndecidedError, "no rows"),
        ({"query": "SELECT CAST(x'ff' AS TEXT) AS a"}, (ConfigError, UndecidedError), "UTF-8"),
        ({"query": " "}, ConfigError, "gives no columns"),
    ],
)
def test_what_sqlite_may_not_be_asked(
    reader: Reader, asked: dict[str, Any], error: type[Exception], words: str
) -> None:
    sqlite(reader.root / "data/d.sqlite", "CREATE TABLE t(id); INSERT INTO t VALUES (1)")
    before = (reader.root / "data/d.sqlite").read_bytes()
    with pytest.raises(error, match=words):
        reader.rows(kind="sqlite", address="data/d.sqlite", **asked)
    assert (reader.root / "data/d.sqlite").read_bytes() == before


def test_a_file_that_is_no_whole_database(reader: Reader) -> None:
    known = {"kind": "sqlite", "address": "data/d.sqlite", "table": "t"}
    path = reader.root / "data/d.sqlite"
    with pytest.raises(UndecidedError, match="no file is there"):
        reader.rows(**known)
    path.write_text("id,a\n1,2\n" * 100)
    with pytest.raises(UndecidedError, match="not a database"):
        reader.rows(**known)
    path.unlink()
    many = "".join(f"INSERT INTO t VALUES ({n}, '{'x' * 500}');" for n in range(200))
    sqlite(path, f"CREATE TABLE t(id, a); {many}")
    with path.open("r+b") as stream:
        stream.truncate(40_000)
    with pytest.raises(UndecidedError, match="malformed"):
        reader.rows(**known)
    path.with_name("d.sqlite-wal").write_text("changes")
    with pytest.raises(UndecidedError, match=r"d\.sqlite-wal holds changes"):
        reader.rows(**known)
    outside = reader.root.parent / "outside.sqlite"
    sqlite(outside, "CREATE TABLE t(id); INSERT INTO t VALUES (1)")
    path.with_name("d.sqlite-wal").unlink()
    path.unlink()
    path.symlink_to(outside)
    with pytest.raises(UndecidedError, match="lies behind, a link"):
        reader.rows(**known)


def test_duckdb_keeps_the_types(reader: Reader) -> None:
    with duckdb.connect(str(reader.root / "data/d.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT 1::TINYINT AS id, DATE '2024-01-02' AS d, "
            "1.50::DECIMAL(9,2) AS p;"
            "CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 2 AS id;"
            "CREATE VIEW v AS SELECT id FROM t"
        )
    known = {"kind": "duckdb", "address": "data/d.duckdb"}
    assert reader.rows(table="t", **known) == [(1, dt.date(2024, 1, 2), Decimal("1.50"))]
    assert reader.rows(table="s.t", **known) == [(2,)]
    with pytest.raises(ConfigError, match="has no table 'none'"):
        reader.rows(table="none", **known)


def test_a_view_of_a_stranger_opens_no_file(reader: Reader) -> None:
    secret = reader.root.parent / "secret.csv"
    secret.write_text("word\nhidden\n")
    with duckdb.connect(str(reader.root / "data/d.duckdb")) as connection:
        connection.execute(f"CREATE VIEW v AS SELECT * FROM read_csv('{secret}')")
    with pytest.raises(UndecidedError, match="cannot be read") as told:
        reader.rows(kind="duckdb", address="data/d.duckdb", table="v")
    assert "hidden" not in str(told.value)
    (reader.root / "data/d.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(UndecidedError, match="cannot be read"):
        reader.rows(kind="duckdb", address="data/d.duckdb", table="v")


@pytest.fixture
def known(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("DB_USER", "reader")
    monkeypatch.setenv("DB_PASSWORD", "s3cret-word")
    credentials = {"user": "DB_USER", "password": "DB_PASSWORD"}
    return {"kind": "postgres", "address": postgres.address, "credentials": credentials}


def test_postgres_keeps_types_nulls_and_texts(
    reader: Reader, postgres: Postgres, known: dict[str, Any]
) -> None:
    postgres.run(
        """DROP TABLE IF EXISTS public."t 1";
        CREATE TABLE public."t 1"(id int8, s int2, f float8, n numeric(9,2), any_n numeric,
          b bool, d date, ts timestamp, tz timestamptz, x text, u uuid, j jsonb, a int[]);
        INSERT INTO public."t 1" VALUES
          (1, 2, 'NaN', 1.50, 2.25, true, '2024-01-02', '2024-01-02 03:04:05.5',
           '2024-01-02 03:04:05+02', E'a,"b"\\n\\\\N', '00000000-0000-0000-0000-000000000007',
           '{"k": 1}', '{1,2}'),
          (2, NULL, 'Infinity', NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, NULL, NULL);
        GRANT SELECT ON public."t 1" TO reader"""
    )
    first, second = reader.rows(table="public.t 1", **known)
    assert math.isnan(first[2])
    assert first[8] == "2024-01-02 01:04:05+00"
    assert first[:2] + first[3:8] == (
        1, 2, Decimal("1.50"), 2.25, True, dt.date(2024, 1, 2),
        dt.datetime.fromisoformat("2024-01-02T03:04:05.5"),
    )  # fmt: skip
    assert first[9] == 'a,"b"\n\\N'
    assert (str(first[10])[-1], first[11], first[12]) == ("7", '{"k": 1}', "{1,2}")
    assert second[2] == math.inf
    assert second[9] == ""
    assert set(second[3:9]) == {None}
    assert reader.notes == {"version": ""}
    rows = reader.rows(query='SELECT id + 1 AS next FROM public."t 1"', **known)
    assert rows == [(2,), (3,)]


def test_many_rows_of_postgres_come_through(
    reader: Reader, known: dict[str, Any], postgres: Postgres
) -> None:
    query = "SELECT g AS id, repeat('x', 50) AS a FROM generate_series(1, 200000) g"
    rows = reader.rows(query=query, **known)
    assert len(rows) == 200_000
    assert rows[-1] == (200_000, "x" * 50)
    with pytest.raises(UndecidedError, match="more than 1,000,000 bytes"):
        reader.rows(query=query, maximum_gigabytes=0.001, **known)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"table": "none"}, 'relation "none" does not exist'),
        ({"table": "pg_authid"}, "permission denied"),
        ({"query": "SELECT nothing"}, 'column "nothing" does not exist'),
        ({"query": "SELECT 1; SELECT 2"}, "syntax error"),
        ({"query": "SELECT 1) AS a; SELECT * FROM (SELECT 2"}, "multiple commands"),
        ({"query": "DELETE FROM pg_class RETURNING 1"}, "syntax error"),
        ({"query": "SELECT nextval('public.s')"}, "read-only transaction"),
    ],
)
def test_what_postgres_may_not_be_asked(
    reader: Reader, known: dict[str, Any], asked: dict[str, Any], words: str
) -> None:
    with pytest.raises((ConfigError, UndecidedError), match=words):
        reader.rows(**asked, **known)


def test_who_may_not_read_postgres_is_told_so_without_the_password(
    reader: Reader, known: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "wrong-word")
    with pytest.raises(ConfigError, match="password authentication failed") as told:
        reader.rows(table="t", **known)
    assert "wrong-word" not in str(told.value)
    missing = known["address"].replace("/postgres", "/none")
    monkeypatch.setenv("DB_PASSWORD", "s3cret-word")
    with pytest.raises(ConfigError, match='database "none" does not exist'):
        reader.rows(table="t", **{**known, "address": missing})
    with pytest.raises(InfrastructureError, match="127"):
        reader.rows(table="t", **{**known, "address": "postgresql://127.0.0.1:9/postgres"})
    # Not this machine by name: then only an encrypted connection to a known server will do.
    far = known["address"].replace("127.0.0.1", os.uname().nodename)
    with pytest.raises((ConfigError, InfrastructureError)):
        reader.rows(table="t", **{**known, "address": far})
